"""`python -m samantha` is `samantha`."""

import sys

from samantha.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
