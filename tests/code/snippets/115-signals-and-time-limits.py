import signal
import time


def on_alarm(number, frame):
    raise TimeoutError("too slow")


signal.signal(signal.SIGALRM, on_alarm)
signal.setitimer(signal.ITIMER_REAL, 0.05)
try:
    time.sleep(5)
except TimeoutError as error:
    print("stopped:", error)
finally:
    signal.setitimer(signal.ITIMER_REAL, 0)
print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
