"""Each step is a fresh interpreter, although all are forked from one: no state, no chance, no frame of ours in it."""

import pytest

from tests.code.running import Run


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('numpy').random.random()",
        "__import__('random').random()",
        "__import__('pandas').Series(range(1000)).sample(3).tolist()",
        "__import__('uuid').uuid4()",
        "__import__('os').urandom(8)",
    ],
)
def test_no_two_steps_draw_the_same_numbers(run: Run, expression: str) -> None:
    code = f"print({expression})"
    assert len({run(code).stdout for _ in range(3)}) == 3


CHANGES = """
import builtins, os, sys, warnings
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
variable = builtins.variable = 1
pd.set_option("display.max_rows", 3)
np.set_printoptions(precision=1)
plt.style.use("ggplot")
plt.figure()
os.environ["VARIABLE"] = "1"
os.chdir("/")
sys.setrecursionlimit(5000)
sys.path.append("/nowhere")
warnings.simplefilter("error")
print = None
"""

STATE = """
import os, sys, warnings
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
print(globals().get("variable"), pd.get_option("display.max_rows"), np.get_printoptions()["precision"],
      plt.rcParams["axes.grid"], plt.get_fignums(), os.environ.get("VARIABLE"), os.getcwd(), sys.getrecursionlimit(),
      len(sys.path), len(warnings.filters))
variable
"""


def test_nothing_but_files_goes_from_one_step_to_the_next(run: Run) -> None:
    before = run(STATE, reason="raised")
    run(CHANGES)
    after = run(STATE, reason="raised")
    assert after.stdout == before.stdout != ""
    assert after.stderr.splitlines()[-1] == "NameError: name 'variable' is not defined"


@pytest.mark.parametrize(
    "code",
    [
        "import sys, traceback\nsys.excepthook = lambda *error: traceback.print_exception(*error)\nprint(1)\n1 / 0",
        "import traceback\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n    traceback.print_exc()\nraise SystemExit(1)",
        "print(1)\ndef f():\n    1 / 0\nf()",
        "import pandas as pd\npd.DataFrame({'a': [1]})['b']",
        "def f(): f()\nf()",
        "1 +",
    ],
)
def test_no_frame_of_ours_is_in_a_traceback(run: Run, code: str) -> None:
    done = run(code, reason="raised")
    assert "samantha_inside" not in done.stderr
    assert "samantha_inside" not in done.finished.output
    assert done.stderr.count("Traceback (most recent call last)") <= 2


def test_a_process_that_code_forks_speaks_for_itself_alone(run: Run) -> None:
    code = """
import os, sys
import matplotlib.pyplot as plt
plt.plot([1])
child = os.fork()
if child == 0:
    raise ValueError("in the child")
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status))
sys.exit(3)
"""
    done = run(code, reason="raised")
    assert done.stdout == "1\n"
    assert "ValueError: in the child" in done.stderr
    assert done.finished.output.splitlines()[-1] == "The code ended with exit status 3."
    assert [each.media for each in done.shown] == ["image/png"]
