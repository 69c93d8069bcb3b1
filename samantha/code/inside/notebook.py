"""JupyterLab, run by the code environment's Python beside generated code; its token comes as a line of standard input.

Not as an argument or a variable: of those, other users of this computer can see some.
"""

import importlib
import os
import sys


def main() -> None:
    """Serve notebooks until the process is ended. The arguments are JupyterLab's own."""
    os.environ["JUPYTER_TOKEN"] = sys.stdin.readline().strip()
    importlib.import_module("jupyterlab.labapp").main()


if __name__ == "__main__":
    main()
