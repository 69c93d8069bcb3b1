import contextlib
import io
import sys

buffer = io.StringIO()
with contextlib.redirect_stdout(buffer):
    print("captured")
    help(len)
print(buffer.getvalue().splitlines()[:3], flush=True)

sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8")
print("pelo invólucro: ação")


class Tee:
    def __init__(self, *streams):
        self.streams = streams

    def write(self, text):
        for stream in self.streams:
            stream.write(text)

    def flush(self):
        for stream in self.streams:
            stream.flush()


log = open("log.txt", "w", encoding="utf-8")
sys.stdout = Tee(sys.stdout, log)
print("in both")
