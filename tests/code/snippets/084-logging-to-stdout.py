import logging
import sys

handler = logging.StreamHandler(sys.stdout)
handler.setFormatter(logging.Formatter("[%(levelname)s] %(message)s"))
log = logging.getLogger(__name__)
log.addHandler(handler)
log.setLevel(logging.INFO)
log.info("visible in %s", __name__)
log.debug("hidden")
log.warning("careful: %s", {"a": 1})
try:
    int("x")
except ValueError:
    log.exception("conversion failed", exc_info=False)
