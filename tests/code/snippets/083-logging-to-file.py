import logging

logging.basicConfig(
    filename="app.log", level=logging.DEBUG, format="%(levelname)s:%(name)s:%(message)s", encoding="utf-8"
)
logger = logging.getLogger("app")
logger.debug("starting")
try:
    1 / 0
except ZeroDivisionError:
    logger.error("could not divide")
logger.info("acabou: %d itens", 3)
print(open("app.log", encoding="utf-8").read(), end="")
