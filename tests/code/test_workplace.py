"""The folders of a run's code: made under plain names, and discarded with whatever the code left there."""

from pathlib import Path

import pytest

from samantha.code.code import CodeError
from samantha.code.workplace import discard, workplace


@pytest.mark.parametrize("run", ["", ".", "..", "a/b", "../x", "-x", "a\nb", "x" * 101])
def test_a_run_is_named_by_a_plain_name(tmp_path: Path, run: str) -> None:
    with pytest.raises(CodeError, match="is not the name of a run"):
        workplace(run, tmp_path)
    with pytest.raises(CodeError, match="is not the name of a run"):
        discard(run, tmp_path)


def test_what_code_left_is_discarded_and_nothing_else(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("kept")
    box = workplace("run", tmp_path / "work").box
    (box / "deep" / "er").mkdir(parents=True)
    (box / "deep" / "er" / "file").write_text("x")
    (box / "link").symlink_to(kept)
    (box / "deep" / "er").chmod(0)
    (box / "deep").chmod(0o500)
    discard("run", tmp_path / "work")
    assert not (tmp_path / "work" / "run").exists()
    assert (kept / "file").read_text() == "kept"
    discard("run", tmp_path / "work")
