"""The filter's decisions, computed by a small interpreter of its instructions, for both processors."""

import errno
import platform
import struct

import pytest

from samantha.errors import SandboxError
from samantha.sandbox import seccomp, system_calls
from samantha.sandbox.seccomp import ALLOW, ARCHITECTURES, ERRNO, KILL, PRETEND

MACHINES = list(ARCHITECTURES)
REFUSED, MISSING = ERRNO | errno.EPERM, ERRNO | errno.ENOSYS


def decided(machine: str, name: str | int, *arguments: int, audit: int | None = None, **options: bool) -> int:
    """What becomes of one call, as the kernel's interpreter would find."""
    kind = ARCHITECTURES[machine]
    number = kind.numbers[name] if isinstance(name, str) else name
    filled = (*arguments, 0, 0, 0, 0, 0, 0)[:6]
    given = [one & (1 << 64) - 1 for one in filled]
    data = struct.pack("<IIQ6Q", number, audit or kind.audit, 0, *given)
    program = list(struct.iter_unpack("<HBBI", seccomp.program(machine, **options)))
    place = accumulator = 0
    for _ in range(len(program)):
        code, when_true, when_false, constant = program[place]
        place += 1
        if code == 0x20:
            accumulator = struct.unpack_from("<I", data, constant)[0]
        elif code == 0x54:
            accumulator &= constant
        elif code == 0x05:
            place += constant
        elif code == 0x06:
            return int(constant)
        else:
            holds = {0x15: accumulator == constant, 0x25: accumulator > constant, 0x45: bool(accumulator & constant)}[
                code
            ]
            place += when_true if holds else when_false
    raise AssertionError("no decision")


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("reduced", [False, True])
@pytest.mark.parametrize("name", system_calls.REFUSED)
def test_refused_everywhere(machine: str, reduced: bool, name: str) -> None:
    if name in ARCHITECTURES[machine].numbers:
        assert decided(machine, name, reduced=reduced) == REFUSED


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", system_calls.MISSING)
def test_missing_everywhere(machine: str, name: str) -> None:
    assert decided(machine, name) == decided(machine, name, reduced=True) == MISSING


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", [*system_calls.REDUCED_REFUSED, *system_calls.REDUCED_MISSING])
def test_refused_without_namespaces_only(machine: str, name: str) -> None:
    assert decided(machine, name) == ALLOW
    assert decided(machine, name, reduced=True) in (REFUSED, MISSING)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", system_calls.REDUCED_PRETENDED)
def test_pretended_without_namespaces_only(machine: str, name: str) -> None:
    if name in ARCHITECTURES[machine].numbers:
        assert decided(machine, name) == ALLOW
        assert decided(machine, name, reduced=True) == PRETEND


@pytest.mark.parametrize("machine", MACHINES)
def test_another_architecture_is_killed(machine: str) -> None:
    others = [kind.audit for name, kind in ARCHITECTURES.items() if name != machine]
    assert all(decided(machine, 1, audit=audit) == KILL for audit in (0x40000003, 0x40000028, *others))


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("number", [system_calls.NEWEST + 1, 1000, 0x40000000, 0x40000027, 0x7FFFFFFF, 0xFFFFFFFF])
def test_what_is_newer_than_the_list_does_not_exist(machine: str, number: int) -> None:
    assert decided(machine, number) == MISSING


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("bit", [1 << bit for bit in (7, 17, 25, 26, 27, 28, 29, 30)])
def test_clone_with_a_namespace_is_refused(machine: str, bit: int) -> None:
    assert decided(machine, "clone", bit | 17) == REFUSED
    assert decided(machine, "clone", 0x3D0F00 | 17) == ALLOW  # a thread


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("high", [0, 1 << 32, 0xFFFFFFFF << 32])
def test_terminal_orders_are_refused_whatever_stands_above_them(machine: str, high: int) -> None:
    assert all(decided(machine, "ioctl", 0, high | order) == REFUSED for order in (0x5412, 0x541C, 0x5423))
    assert decided(machine, "ioctl", 0, high | 0x5413) == ALLOW


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(("name", "place"), seccomp._MODES)
@pytest.mark.parametrize("mode", [0o4755, 0o2755, 0o6000])
def test_set_id_files_are_refused(machine: str, name: str, place: int, mode: int) -> None:
    if name in ARCHITECTURES[machine].numbers:
        assert decided(machine, name, *[0] * place, mode) == REFUSED
        assert decided(machine, name, *[0] * place, mode, reduced=True) == REFUSED
        assert decided(machine, name, *[0] * place, 0o1777) == ALLOW


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("family", range(50))
def test_families_of_sockets(machine: str, family: int) -> None:
    isolated, network = decided(machine, "socket", family, 1), decided(machine, "socket", family, 1, network=True)
    assert (isolated == ALLOW) == (family in (1, 2, 10))
    assert (network == ALLOW) == (family in (2, 10))
    assert decided(machine, "socket", family, 1, reduced=True) == REFUSED
    assert (decided(machine, "socketpair", family, 1) == ALLOW) == (family == 1)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("options", [{"network": True}, {"reduced": True}, {"reduced": True, "network": True}])
def test_pairs_that_could_be_connected_anew_are_refused(machine: str, options: dict[str, bool]) -> None:
    flags = 0o2000000 | 0o4000  # SOCK_CLOEXEC, SOCK_NONBLOCK
    assert all(decided(machine, "socketpair", 1, kind | flags, **options) == ALLOW for kind in (1, 5))
    assert decided(machine, "socketpair", 1, 2 | flags, **options) == REFUSED


@pytest.mark.parametrize("machine", MACHINES)
def test_others_are_left_alone_without_namespaces(machine: str) -> None:
    for name in ("prlimit64", "sched_setaffinity"):
        assert decided(machine, name, 0, reduced=True) == ALLOW
        assert decided(machine, name, 4711, reduced=True) == REFUSED


@pytest.mark.parametrize("machine", MACHINES)
def test_kernel_takes_the_program(machine: str) -> None:
    """At most 4096 instructions, and no jump beyond the last."""
    program = list(struct.iter_unpack("<HBBI", seccomp.program(machine, reduced=True)))
    assert len(program) < 4096
    for place, (code, when_true, when_false, constant) in enumerate(program):
        farthest = constant if code == 0x05 else max(when_true, when_false)
        assert place + 1 + farthest < len(program) or code == 0x06


def test_unknown_processor_is_named() -> None:
    with pytest.raises(SandboxError, match="riscv64"):
        seccomp.program("riscv64")


def test_this_computer_is_the_default() -> None:
    if platform.machine() in ARCHITECTURES:
        assert seccomp.program() == seccomp.program(platform.machine())
