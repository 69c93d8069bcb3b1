"""Where the code environment's Python begins: `start.py serve` (one fork for each job) or `start.py once` (one job).

Everything below this folder runs beside generated code, with the standard library and without Samantha. It is no part
of the protection: what the code may touch was settled before this process began.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))

from samantha_inside import once, serving  # type: ignore[import-not-found]

if __name__ == "__main__":
    {"serve": serving.serve, "once": once.serve_one}[sys.argv[1]]()
