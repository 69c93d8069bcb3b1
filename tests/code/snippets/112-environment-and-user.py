import getpass
import locale
import os
import platform
import sys

print(platform.system() in ("Linux", "Darwin", "Windows"), sys.version_info >= (3, 11))
print(bool(getpass.getuser()), os.path.isdir(os.path.expanduser("~")))
print(os.environ.get("A_VARIABLE_NOT_SET", "default"))
os.environ["MINE"] = "1"
print(os.getenv("MINE"), sys.getdefaultencoding(), sys.stdout.encoding, locale.getencoding())
print(os.access(".", os.W_OK), os.path.basename(sys.executable).startswith("python"))
print(sys.getrecursionlimit(), sys.argv[1:], __name__, __doc__)
