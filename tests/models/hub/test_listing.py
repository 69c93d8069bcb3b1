"""All links of a repository, and the search of the hub."""

from urllib.parse import parse_qs, urlsplit

import pytest

from samantha.errors import DownloadError
from samantha.models.hub import listed, search
from samantha.models.hub.fitting import fit, needed
from samantha.models.hub.quantization import quantization
from tests.models.hub.conftest import HASTE, model
from tests.models.hub.hub_server import HubServer
from tests.models.hub.test_resolving import SIZED

LLAMA = {"gguf": {"total": 8_000_000_000, "architecture": "llama", "context_length": 131072}}


def test_every_model_of_a_repository_is_listed_once(hub: HubServer) -> None:
    hub.add("user/many", SIZED, gated=True)
    rows = listed("https://huggingface.co/user/many", patience=HASTE)
    assert [(row.quantization, row.size, row.parts) for row in rows] == [
        ("IQ2_XS", 2000, 1), ("Q4_K_M", 4000, 1), ("UD-Q4_K_XL", 4100, 1), ("Q8_0", 8000, 1), ("BF16", 18001, 2),
    ]  # fmt: skip
    assert all(
        row.gated and row.fits == "yes" and row.url.startswith(f"{hub.endpoint}/user/many/resolve/main/")
        for row in rows
    )


def test_a_link_that_was_listed_can_be_pasted(hub: HubServer, found: object) -> None:
    hub.add("user/many", SIZED)
    for row in listed("user/many", patience=HASTE):
        assert found(row.url).size == row.size  # type: ignore[operator]


def test_a_repository_without_models_is_said(hub: HubServer) -> None:
    hub.add("user/text", {"README.md": b"x"})
    with pytest.raises(DownloadError, match=r"no \.gguf model"):
        listed("user/text", patience=HASTE)


def test_the_search_asks_for_models_that_can_be_used_here(hub: HubServer) -> None:
    hub.add("bartowski/Llama-3-8B-GGUF", SIZED, extra=LLAMA)
    hub.add("other/Qwen-GGUF", {"q-Q8_0.gguf": model(3000)})
    (hit,) = search("8b", family="llama", kind="q4_k_m", largest=9, patience=HASTE)
    assert (hit.repository, hit.parameters, hit.n_ctx_train) == ("bartowski/Llama-3-8B-GGUF", 8_000_000_000, 131072)
    assert "Q4_K_M" in hit.quantizations
    assert hit.architecture == "llama"
    query = parse_qs(urlsplit(hub.seen[-1].path).query)
    assert query["filter"] == ["gguf"]
    assert query["search"] == ["8b llama"]
    assert query["num_parameters"] == ["max:9B"]


@pytest.mark.parametrize(("options", "count"), [({"kind": "Q2_K"}, 0), ({"largest": 7}, 0), ({"limit": 1}, 1), ({}, 2)])
def test_the_search_is_narrowed_here_too(hub: HubServer, options: dict[str, object], count: int) -> None:
    hub.repos.clear()
    hub.add("a/one-GGUF", SIZED, extra=LLAMA)
    hub.add("b/two-GGUF", SIZED, extra=LLAMA)
    assert len(search(**options, patience=HASTE)) == count  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Hermes-2-Pro-Llama-3-8B-Q4_K_M.gguf", "Q4_K_M"), ("Hermes-3.Q8_0.gguf", "Q8_0"), ("x.gguf", ""),
        ("mistral-7b-instruct-v0.3-q5_k_m.gguf", "Q5_K_M"), ("Qwen3-0.6B-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"),
        ("Q6_K/big-00001-of-00004.gguf", "Q6_K"), ("m-IQ3_XXS.gguf", "IQ3_XXS"), ("m-bf16.gguf", "BF16"),
        ("gpt-oss-20b-MXFP4.gguf", "MXFP4"), ("bitnet-TQ2_0.gguf", "TQ2_0"), ("m.fp16.gguf", "FP16"),
        ("Q4-thoughts-v2-Q2_K.gguf", "Q2_K"), ("m-Q4_0_4_8.gguf", "Q4_0_4_8"), ("ggml-model-Q3_K_L.gguf", "Q3_K_L"),
    ],
)  # fmt: skip
def test_the_quantization_is_read_from_the_name(name: str, kind: str) -> None:
    assert quantization(name) == kind


def test_what_fits_the_memory() -> None:
    size = 4_900_000_000
    assert [fit(size, free, 16_000_000_000) for free in (needed(size), needed(size) - 1)] == ["yes", "tight"]
    assert fit(size, 1, needed(size)) == "no"
