"""What a child process may touch, by the best means of the platform, and the proof that it holds.

`worker.py` confines model workers, `code.py` confines generated code with what `access.py` grants, `canary.py` attacks
that confinement and says what it is worth. Nothing here runs generated code or watches it: `samantha.code` does.
"""

from samantha.sandbox.access import Access, Folders, Limits, Mode
from samantha.sandbox.worker import KEPT_VARIABLES, confine_worker, isolation

__all__ = ["KEPT_VARIABLES", "Access", "Folders", "Limits", "Mode", "confine_worker", "isolation"]
