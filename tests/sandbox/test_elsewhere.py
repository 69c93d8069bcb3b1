"""What can be checked here of the sandboxes for macOS and Windows: texts, sizes and numbers, not their effect."""

import ctypes
from pathlib import Path

import pytest

from samantha.sandbox import macos, windows
from samantha.sandbox.access import MIB, Folders, Limits
from samantha.sandbox.confined import Wanted
from samantha.sandbox.grants import Grant


@pytest.fixture
def wanted(tmp_path: Path) -> Wanted:
    folders = Folders(*(tmp_path / name for name in Folders.__struct_fields__))
    folders.shown.mkdir()
    grants = (Grant(Path("/data/in"), Path("/data/in"), False), Grant(Path("/data/out"), Path("/data/out"), True))
    return Wanted(
        command=("python", "{inside}/start.py"), folders=folders, environment=Path("/env"), base=Path("/base"),
        inside=Path("/scripts"), grants=grants, network=False, limits=Limits(file_size=MIB), variables={"A": "1"},
    )  # fmt: skip


def rules(wanted: Wanted, start: str) -> str:
    return "\n".join(line for line in macos.profile(wanted).splitlines() if line.startswith(start))


def test_profile_denies_by_default(wanted: Wanted) -> None:
    assert macos.profile(wanted).splitlines()[:2] == ["(version 1)", "(deny default)"]


def test_profile_lets_only_own_folders_and_writable_grants_be_written(wanted: Wanted) -> None:
    writing = rules(wanted, "(allow file-write*")
    assert str(wanted.folders.box) in writing
    assert "/data/out" in writing
    assert not any(place in writing for place in ("/data/in", str(wanted.folders.code), "/env", "/base", "/scripts"))


def test_profile_lets_programs_and_grants_be_read(wanted: Wanted) -> None:
    reading = rules(wanted, "(allow file-read*")
    assert all(place in reading for place in ("/data/in", "/data/out", "/env", "/base", "/scripts"))


def test_profile_has_network_only_when_granted(wanted: Wanted) -> None:
    import msgspec

    assert "(deny network*)" in macos.profile(wanted)
    assert "(allow network*)" in macos.profile(msgspec.structs.replace(wanted, network=True))


def test_profile_quotes_names(wanted: Wanted) -> None:
    import msgspec

    name = Path('/data/a "quoted" \\ name) (allow default')
    odd = msgspec.structs.replace(wanted, grants=(Grant(name, name, False),))
    assert '"/data/a \\"quoted\\" \\\\ name) (allow default"' in macos.profile(odd)


def test_command_of_a_mac(wanted: Wanted) -> None:
    confined = macos.confine(wanted)
    assert confined.command[:2] == ("/usr/bin/sandbox-exec", "-p")
    assert confined.command[-2:] == ("python", "/scripts/start.py")
    assert confined.environment["A"] == "1"
    assert "2048" in confined.command  # a MiB in blocks of 512 bytes


def test_sizes_of_windows_structures() -> None:
    """As `sizeof` gives them on 64-bit Windows."""
    assert ctypes.sizeof(windows.BasicLimits) == 64
    assert ctypes.sizeof(windows.Counters) == 48
    assert ctypes.sizeof(windows.ExtendedLimits) == 144


def test_offsets_of_windows_structures() -> None:
    offsets = [
        getattr(windows.BasicLimits, name).offset for name in ("flags", "active_processes", "affinity", "priority")
    ]
    assert offsets == [16, 40, 48, 56]
    assert windows.ExtendedLimits.process_memory.offset == 112


def test_limits_of_a_job() -> None:
    limits = windows.limits_of(Limits(memory=64 * MIB, processes=9, cpu_seconds=2))
    assert (limits.process_memory, limits.job_memory) == (64 * MIB, 64 * MIB)
    assert (limits.basic.active_processes, limits.basic.process_time) == (9, 20_000_000)
    assert limits.basic.flags & windows.KILL_ON_CLOSE


def test_job_needs_windows() -> None:
    with pytest.raises(OSError, match="Windows"):
        windows.Job(Limits(), full=True)
