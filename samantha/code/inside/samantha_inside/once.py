"""One process for one job: it warms up, waits for the job on standard input, and ends with it."""

import json
import os
import sys

from . import job


def serve_one() -> None:
    """Wait for a line of JSON, and run what it says; without one, nothing happened."""
    job.preload()
    line = sys.stdin.readline()
    if line:
        empty = os.open(os.devnull, os.O_RDONLY)
        os.dup2(empty, 0)
        job.run(json.loads(line))
