"""What can be granted and how much: refused with one sentence where it would undo the sandbox."""

import os
import socket
import sys
from pathlib import Path

import pytest

from samantha import settings
from samantha.errors import SandboxError
from samantha.sandbox.access import GIB, MIB, RANGES, Access, Limits
from samantha.sandbox.grants import grants

posix = pytest.mark.skipif(sys.platform == "win32", reason="links, sockets and these places are not Windows'")


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("side", [0, 1])
def test_limits_have_ends(name: str, side: int) -> None:
    allowed = RANGES[name][side]
    assert getattr(Limits(**{name: allowed}), name) == allowed  # type: ignore[arg-type]
    with pytest.raises(SandboxError, match=f"The limit {name} is"):
        Limits(**{name: allowed + (1 if side else -1)})  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [True, "many", None, float("nan"), float("inf")])
def test_limits_are_numbers(value: object) -> None:
    with pytest.raises(SandboxError, match="must be a number"):
        Limits(memory=value)  # type: ignore[arg-type]


def test_defaults_are_within_their_ranges() -> None:
    limits = Limits()
    assert (limits.seconds, limits.memory, limits.disk, limits.files, limits.processes) == (
        60,
        4 * GIB,
        GIB,
        10_000,
        128,
    )
    assert limits.address_space > limits.memory > limits.temporary >= MIB


def test_grants_need_full_paths() -> None:
    with pytest.raises(SandboxError, match="full path"):
        Access(readable=(Path("data.csv"),))


def granted(place: Path, writable: bool = False, environment: Path | None = None) -> list[tuple[Path, bool]]:
    access = Access(writable=(place,)) if writable else Access(readable=(place,))
    return [(grant.place, grant.writable) for grant in grants(access, environment)]


@pytest.mark.parametrize("writable", [False, True])
def test_files_and_folders_are_granted(tmp_path: Path, writable: bool) -> None:
    for place in (tmp_path / "folder", tmp_path / "with space, ünïcode"):
        place.mkdir()
        assert granted(place, writable) == [(place, writable)]
    (tmp_path / "file.csv").touch()
    assert granted(tmp_path / "file.csv", writable) == [(tmp_path / "file.csv", writable)]


def refused(place: Path, writable: bool = False, environment: Path | None = None) -> str:
    with pytest.raises(SandboxError) as caught:
        granted(place, writable, environment)
    message = str(caught.value)
    assert message.endswith(".")
    assert str(place) in message
    return message


def test_missing_file_is_refused(tmp_path: Path) -> None:
    assert "choose a file or folder that is there" in refused(tmp_path / "nothing")


def test_whole_computer_is_refused() -> None:
    assert "whole computer" in refused(Path(Path.cwd().anchor))


@pytest.mark.parametrize("writable", [False, True])
def test_data_folder_is_refused_from_all_sides(writable: bool, tmp_path: Path) -> None:
    data = settings.data_folder()
    (data / "store.sqlite").touch()
    for place in (data, data / "store.sqlite", data.parent):
        assert "Samantha's own data" in refused(place, writable)


@posix
def test_link_to_the_data_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "innocent"
    link.symlink_to(settings.data_folder())
    assert "Samantha's own data" in refused(link)


@posix
def test_links_are_granted_as_what_they_lead_to(tmp_path: Path) -> None:
    (tmp_path / "real").touch()
    (tmp_path / "link").symlink_to("real")
    (found,) = grants(Access(readable=(tmp_path / "link",)), None)
    assert (found.place, found.names) == (tmp_path / "real", (tmp_path / "link", tmp_path / "real"))


@posix
def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    refused(tmp_path / "one")


def test_the_programs_environment_is_refused() -> None:
    if sys.prefix == sys.base_prefix:
        pytest.skip("the tests run without an environment of their own")
    for place in (Path(sys.prefix), Path(sys.prefix) / "pyvenv.cfg", Path(sys.prefix).parent):
        assert "the program's own environment" in refused(place)


@posix
@pytest.mark.parametrize("place", ["/proc", "/proc/self/status", "/sys", "/dev", "/dev/shm", "/run"])
def test_doors_of_the_kernel_are_refused(place: str) -> None:
    if Path(place).exists():
        refused(Path(place).resolve() if place == "/run" else Path(place))


@posix
def test_devices_pipes_and_sockets_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(tmp_path / "door"))
        for place in (Path("/dev/null"), tmp_path / "pipe", tmp_path / "door"):
            assert "neither a file nor a folder" in refused(place)


@posix
def test_folder_that_holds_a_socket_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(tmp_path / "folder" / "deep" / "door"))
        assert "leads to another program" in refused(tmp_path / "folder")


@posix
@pytest.mark.parametrize("place", ["/usr", "/etc", "/etc/passwd"])
def test_places_that_programs_run_from_can_only_be_read(place: str) -> None:
    assert granted(Path(place))
    assert "programs are run from there" in refused(Path(place), writable=True)


def test_code_environment_and_program_cannot_be_written(tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    (environment / "bin").mkdir(parents=True)
    assert granted(environment, environment=environment)
    for place in (environment, environment / "bin"):
        assert "programs are run from there" in refused(place, True, environment)
    assert refused(settings.PACKAGE, True)


@posix
def test_home_and_hidden_settings_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    (home / ".config").mkdir(parents=True)
    (home / ".bashrc").touch()
    (home / "work").mkdir()
    monkeypatch.setenv("HOME", str(home))
    assert "set up there" in refused(home, writable=True)
    for name in (".config", ".bashrc"):
        assert "hidden settings" in refused(home / name, writable=True)
    assert granted(home / "work", writable=True)


def test_writable_wins_when_both_are_granted(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    access = Access(readable=(tmp_path / "file",), writable=(tmp_path / "file",))
    assert [grant.writable for grant in grants(access, None)] == [True]
