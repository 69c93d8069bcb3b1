"""Which process writes a run, and whether it still lives: that tells a running run from an interrupted one."""

import functools
import os


@functools.cache
def this_process() -> str:
    """The running process as `id:start time`; an id alone may be given to another process later."""
    return describe(os.getpid())


def describe(process_id: int) -> str:
    """`id:start time` of a living process.

    Raises:
        psutil.NoSuchProcess: there is none.
    """
    import psutil

    return f"{process_id}:{psutil.Process(process_id).create_time():.2f}"


def alive(process: str) -> bool:
    """Whether the process that `this_process` described is still there."""
    import psutil

    try:
        return describe(int(process.partition(":")[0])) == process
    except psutil.NoSuchProcess:
        return False
