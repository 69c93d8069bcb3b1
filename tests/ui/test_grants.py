"""What a tab grants to code: asked for by a person, kept on the server's side, never another tab's."""

from pathlib import Path

import pytest

from samantha import settings
from samantha.chain.chain import Chain
from samantha.errors import SamanthaError
from samantha.sandbox.access import MIB
from samantha.ui.code_room import asked_for
from samantha.ui.controls import FieldError
from samantha.ui.grants import GrantError, Grants
from samantha.ui.session import Session, Sessions


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "my sales.csv"
    path.parent.mkdir()
    path.write_text("a,b\n")
    return path


def test_nothing_is_granted_at_first() -> None:
    access = Grants().access
    assert (access.readable, access.writable, access.network, access.full) == ((), (), False, False)


@pytest.mark.parametrize("pasted", ["{}", " {} \n", '"{}"', "'{}'", "file://{}"])
def test_a_path_is_taken_as_it_was_typed_or_pasted(table: Path, pasted: str) -> None:
    grants = Grants()
    text = pasted.format(str(table).replace(" ", "%20") if "file:" in pasted else table)
    assert grants.allow(text) == table.resolve()
    assert grants.access.readable == (table.resolve(),)


def test_reading_becomes_writing_and_goes_again(table: Path) -> None:
    grants = Grants()
    grants.allow(str(table))
    grants.allow(str(table), write=True)
    assert (grants.access.readable, grants.access.writable) == ((), (table.resolve(),))
    grants.take_back(str(table.resolve()))
    assert (grants.access.readable, grants.access.writable) == ((), ())


@pytest.mark.parametrize("typed", ["", "sales.csv", "./x", "/nowhere/at/all.csv", "\0", "~nobody-here/x", "x" * 5000])
def test_what_is_no_file_is_one_sentence_and_changes_nothing(typed: str) -> None:
    grants = Grants()
    with pytest.raises(GrantError):
        grants.allow(typed)
    assert grants.shown()["files"] == []


def test_samanthas_own_data_is_never_granted(samantha_home: Path) -> None:
    settings.data_folder()
    (samantha_home / "runs.sqlite3").touch()
    for place in (samantha_home, samantha_home / "runs.sqlite3", samantha_home.parent):
        with pytest.raises(GrantError, match="Samantha"):
            Grants().allow(str(place))


def test_doors_into_the_system_are_never_granted() -> None:
    for place in ("/", "/proc/self/mem", "/dev/null"):
        with pytest.raises(SamanthaError):
            Grants().allow(place, write=True)


def test_limits_have_bounds(table: Path) -> None:
    grants = Grants()
    grants.limit("seconds", 5)
    grants.limit("memory", 256)
    assert (grants.limits.seconds, grants.limits.memory) == (5.0, 256 * MIB)
    for name, value in (("seconds", 0), ("seconds", 1e9), ("memory", 1), ("memory", None), ("seconds", True),
                        ("seconds", "5"), ("seconds", float("nan")), ("open_files", 10)):  # fmt: skip
        with pytest.raises(GrantError):
            grants.limit(name, value)
    assert grants.limits.seconds == 5.0


@pytest.mark.parametrize("typed", ["full access", " Full  Access ", "acesso total"])
def test_full_access_is_typed_out(typed: str) -> None:
    grants = Grants()
    grants.full(typed)
    assert grants.access.full
    assert not Grants().access.full


@pytest.mark.parametrize("typed", ["", "yes", "full", "fullaccess", "full access!"])
def test_other_words_do_not_give_it(typed: str) -> None:
    grants = Grants()
    with pytest.raises(GrantError):
        grants.full(typed, remember=True)
    assert not grants.access.full
    assert not settings.load().full_access


def test_it_may_be_remembered_and_switching_it_off_forgets_it() -> None:
    Grants().full("full access", remember=True)
    later = Grants()
    assert later.access.full
    later.no_full()
    assert not later.access.full
    assert not Grants().access.full


def test_tabs_have_grants_of_their_own(table: Path) -> None:
    sessions = Sessions(lambda chain, grants: pytest.fail("nothing starts"))
    one, two = sessions.of("0" * 32), sessions.of("1" * 32)
    one.grants.allow(str(table))
    one.grants.full("full access")
    assert two.grants.shown()["files"] == []
    assert not two.grants.access.full


def test_a_run_gets_the_grants_of_its_own_session() -> None:
    seen: list[Grants] = []

    def begin(chain: Chain, grants: Grants, learning: object) -> None:
        seen.append(grants)
        raise SamanthaError("enough")

    session = Session(begin)  # type: ignore[arg-type]
    with pytest.raises(SamanthaError, match="enough"):
        session.start(Chain(prompts="Hi"))
    assert seen == [session.grants]


def test_a_chains_files_must_be_allowed_first(table: Path) -> None:
    grants = Grants()
    chain = Chain(prompts="Hi", run_code=True, files=(str(table.resolve()),))
    with pytest.raises(FieldError) as caught:
        asked_for(chain, grants)
    assert caught.value.field == "access"
    assert "my sales.csv" in str(caught.value)
    grants.allow(str(table.parent))
    asked_for(chain, grants)
