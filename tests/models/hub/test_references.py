"""Every form of a link and of a name, and every bad one with a sentence; nothing is asked of anybody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samantha import settings
from samantha.errors import DownloadError, HostNotConfirmed
from samantha.models.hub import confirm, hosts, is_remote, items
from samantha.models.hub.references import Link, Reference, parse

R, F = "user/repo", "dir/m-Q4_K_M.gguf"
GOOD: dict[str, Reference | Link] = {
    "user/repo": Reference(R),
    "user/repo:Q5_K_M": Reference(R, quantization="Q5_K_M"),
    "user/repo:latest": Reference(R),
    "user/repo@v1.0": Reference(R, "v1.0"),
    "user/repo@v1.0:Q8_0": Reference(R, "v1.0", quantization="Q8_0"),
    f"user/repo/{F}": Reference(R, file=F),
    "hf.co/user/repo:Q8_0": Reference(R, quantization="Q8_0"),
    "huggingface.co/user/repo": Reference(R),
    "hf://user/repo": Reference(R),
    f"hf://user/repo@v2/{F}": Reference(R, "v2", F),
    "hf://models/user/repo": Reference(R),
    "https://huggingface.co/user/repo": Reference(R),
    "https://huggingface.co/user/repo/": Reference(R),
    "https://www.huggingface.co/user/repo": Reference(R),
    "HTTPS://HuggingFace.co/user/repo": Reference(R),
    "https://huggingface.co:443/user/repo": Reference(R),
    "https://hf.co/user/repo:Q4_0": Reference(R, quantization="Q4_0"),
    "https://huggingface.co/user/repo?library=llama-cpp#files": Reference(R),
    f"https://huggingface.co/user/repo?show_file_info={F.replace('/', '%2F')}": Reference(R, file=F),
    "https://huggingface.co/user/repo/tree/main": Reference(R),
    "https://huggingface.co/user/repo/tree/dev/dir": Reference(R, "dev", folder="dir"),
    f"https://huggingface.co/user/repo/blob/main/{F}": Reference(R, file=F),
    f"https://huggingface.co/user/repo/raw/main/{F}": Reference(R, file=F),
    f"https://huggingface.co/user/repo/resolve/main/{F}?download=true": Reference(R, file=F),
    f"https://huggingface.co/user/repo/resolve/{'a' * 40}/{F}": Reference(R, "a" * 40, F),
    f"https://huggingface.co/user/repo/blob/refs%2Fpr%2F3/{F}": Reference(R, "refs/pr/3", F),
    f"https://huggingface.co/user/repo/resolve/refs/pr/3/{F}": Reference(R, "refs/pr/3", F),
    "https://huggingface.co/user/repo/resolve/main/a%20b.gguf": Reference(R, file="a b.gguf"),
    "  user/repo  ": Reference(R),
    "https://example.org/models/m.gguf?key=1#x": Link("https://example.org/models/m.gguf?key=1"),
}  # fmt: skip

BAD = {
    "": "Nothing was given",
    "word": "names no model",
    "a/b/c": r"not a \.gguf file",
    "user/repo/README.md": r"not a \.gguf file",
    "user/repo:": "names no model",
    "user/../x.gguf": "no name",
    "user/repo/../../x.gguf": "cannot exist",
    "user/repo/a//x.gguf": "cannot exist",
    "us er/repo": "spaces",
    "user\\repo": "backslashes",
    "user/repo\x00": "control characters",
    "a/" + "b" * 3000: "too long",
    "user/--": "no name",
    "user/repo.git": "no name",
    "user/a--b": "no name",
    "https://huggingface.co": "no repository",
    "https://huggingface.co/bartowski": "no repository",
    "https://huggingface.co/models?search=gguf": "no repository",
    "https://huggingface.co/api/models/user/repo": "no repository",
    "https://huggingface.co/datasets/user/data": "a dataset, not a model",
    "https://huggingface.co/spaces/user/space": "a space, not a model",
    "https://huggingface.co/user/repo/discussions/3": "no page of a repository or of a file",
    "https://huggingface.co/user/repo/blob/main": "names no file",
    "https://huggingface.co/user/repo/resolve/main/README.md": r"not a \.gguf file",
    "https://huggingface.co/user/repo/resolve/main/..%2F..%2Fx.gguf": "cannot exist",
    "https://huggingface.co/user/repo/resolve/main/a%0ab.gguf": "cannot exist",
    "https://huggingface.co/user/repo:Q4_0/blob/main/x.gguf": "a quantization and a file",
    f"http://huggingface.co/user/repo/resolve/main/{F}": "no https link",
    "ftp://huggingface.co/x.gguf": "no https link",
    "file:///etc/passwd.gguf": "no https link",
    "https://user:secret@huggingface.co/user/repo": "user name or password",
    "https://huggingface.co:99999/user/repo": "cannot be read",
    "https://[::1/x.gguf": "cannot be read",
    "https://example.org/page.html": r"no link to a \.gguf file",
    "https://huggingface.co.evil.org/user/repo": r"no link to a \.gguf file",
    "https:///x.gguf": r"no link to a \.gguf file",
}


@pytest.mark.parametrize("text", GOOD)
def test_a_form_that_people_paste(text: str) -> None:
    assert parse(text) == GOOD[text]
    assert is_remote(text.strip()) or text != text.strip()


@pytest.mark.parametrize("text", BAD)
def test_a_bad_form_gets_one_sentence(text: str) -> None:
    with pytest.raises(DownloadError, match=BAD[text]) as refused:
        parse(text)
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)


@given(st.text() | st.text(alphabet="ahtps:/.@%?#-co_Q4fgu\\ \n").map(lambda text: f"https://huggingface.co/{text}"))
def test_any_text_is_understood_or_refused(text: str) -> None:
    try:
        named = parse(text)
    except DownloadError as error:
        sentence = str(error)
        assert "\n" not in sentence
    else:
        path = named.file if isinstance(named, Reference) else ""
        assert not path or (path.lower().endswith(".gguf") and ".." not in path.split("/"))


@pytest.mark.parametrize(
    "name", ["tiny", "model.gguf", "./user/repo", "~/m.gguf", "/abs/m.gguf", "dir/m.gguf", "C:\\m"]
)
def test_names_and_paths_of_this_computer_are_not_remote(name: str) -> None:
    assert not is_remote(name)


def test_a_list_skips_what_is_set_aside() -> None:
    text = "user/a\n--- user/b\n  ---https://hf.co/user/c\n\nuser/d, user/e https://hf.co/user/f\n<user/g>\nuser/a"
    assert items(text) == ["user/a", "user/d", "user/e", "https://hf.co/user/f", "user/g", "user/a"]


@pytest.mark.parametrize(
    ("host", "known"),
    [("huggingface.co", True), ("hf.co", True), ("cdn-lfs-us-1.hf.co", True), ("cas-bridge.xethub.hf.co", True),
     ("cdn-lfs.huggingface.co", True), ("evilhuggingface.co", False), ("huggingface.co.evil.org", False),
     ("hf.co:8443", False), ("127.0.0.1", False), ("localhost", False), ("169.254.169.254", False),
     ("[::1]", False), ("xn--huggingfce-x3i.co", False), ("hf.space", False)],
)  # fmt: skip
def test_the_hub_and_its_stores_are_known_and_nobody_else(host: str, known: bool) -> None:
    if known:
        return hosts.check(f"https://{host}/x")
    with pytest.raises(HostNotConfirmed):
        hosts.check(f"https://{host}/x")


@pytest.mark.parametrize(
    "url", ["http://huggingface.co/x", "http://localhost/x", "ftp://hf.co/", "https://a:b@hf.co/", "x"]
)
def test_what_nothing_is_fetched_from(url: str) -> None:
    with pytest.raises(DownloadError, match="nothing was fetched"):
        hosts.check(url)


def test_a_host_is_confirmed_once() -> None:
    for _ in range(2):
        confirm("models.example.org")
    hosts.check("https://models.example.org/m.gguf")
    assert settings.load().download_hosts == ("models.example.org",)
    with pytest.raises(HostNotConfirmed):
        hosts.check("https://models.example.org:444/m.gguf")


@pytest.mark.parametrize("host", ["", "https://example.org", "example.org/x", "a@b", "a b", "example.org:0x", "[::"])
def test_only_the_name_of_a_host_can_be_confirmed(host: str) -> None:
    with pytest.raises(DownloadError, match="not the name of a host"):
        confirm(host)


@pytest.mark.parametrize(
    "value", ["http://mirror.example", "ftp://x", "nonsense", "https://a:b@c", "https://[", "http://10.0.0.1"]
)
def test_a_mirror_that_is_neither_https_nor_here_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", value)
    with pytest.raises(DownloadError, match="HF_ENDPOINT"):
        hosts.endpoint()


def test_a_mirror_over_https_is_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example/")
    assert hosts.endpoint() == "https://mirror.example"
    assert parse("https://mirror.example/user/repo") == parse("https://huggingface.co/user/repo") == Reference(R)
    assert hosts.gets_token("https://mirror.example/x")
    assert not hosts.gets_token("https://huggingface.co/x")
