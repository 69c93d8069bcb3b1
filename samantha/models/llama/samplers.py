"""A sampler chain as the hyperparameters ask for it: llama.cpp's samplers in any order, tail-free and grammar between.

Without tail-free and grammar it is one C sampler chain and one C call a token. With them the stages are applied one by
one to one array of candidates. Prompt tokens are accepted by penalties and dry, never by a grammar.
"""

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samantha.errors import GrammarError
from samantha.hyperparameters import Hyperparameters
from samantha.models.llama import native
from samantha.models.llama.native import lib
from samantha.models.llama.tail_free import survivors

DRY_BREAKERS = (b"\n", b":", b'"', b"*")
"""llama.cpp's own: a repetition does not reach across these."""

CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
"""`llama_token_data`."""


class SamplerChain:
    """Chooses tokens of one sample. Owns its C samplers: call `close`."""

    def __init__(self, vocab: Any, n_vocab: int, n_ctx: int, values: Hyperparameters, grammar: str | None) -> None:
        self._vocab = vocab
        self._n_vocab = n_vocab
        self._n_ctx = n_ctx
        self._values = values
        self._seed = values.seed or 0
        self._remembering: list[Any] = []
        self._stages = self._build()
        self._grammar = self._grammar_sampler(grammar) if grammar else None
        self._candidates: NDArray[Any] | None = None

    def accept_prompt(self, tokens: Sequence[int]) -> None:
        """Show the prompt to the penalties and to dry."""
        for sampler in self._remembering:
            for token in tokens[-self._n_ctx :]:
                lib.llama_sampler_accept(sampler, token)

    def sample(self, context: Any, index: int) -> int:
        """Choose and accept a token from the logits of output `index` of the last batch.

        Raises:
            GrammarError: the grammar leaves no token.
        """
        if self._grammar is None and len(self._stages) == 1 and not isinstance(self._stages[0], float):
            return int(lib.llama_sampler_sample(self._stages[0], context, index))
        logits = np.ctypeslib.as_array(lib.llama_get_logits_ith(context, index), shape=(self._n_vocab,))
        token = self._choose(logits)
        for stage in self._stages:
            if not isinstance(stage, float):
                lib.llama_sampler_accept(stage, token)
        if self._grammar is not None:
            lib.llama_sampler_accept(self._grammar, token)
        return token

    def close(self) -> None:
        """Free the C samplers."""
        for stage in self._stages:
            if not isinstance(stage, float):
                lib.llama_sampler_free(stage)
        if self._grammar is not None:
            lib.llama_sampler_free(self._grammar)
        self._stages, self._grammar = [], None

    def _choose(self, logits: NDArray[np.float32]) -> int:
        """All stages; a grammar masks all candidates only when it refuses the chosen one."""
        token, _ = self._apply(logits, masked=False)
        if self._grammar is None or self._allowed(token):
            return token
        token, logit = self._apply(logits, masked=True)
        if not np.isfinite(logit):
            raise GrammarError("The grammar leaves no token that could come next: check it against the answer so far.")
        return token

    def _apply(self, logits: NDArray[np.float32], masked: bool) -> tuple[int, float]:
        array = self._array(logits)
        if masked:
            lib.llama_sampler_apply(self._grammar, ctypes.byref(array))
        for stage in self._stages:
            if isinstance(stage, float):
                _tail_free(array, stage)
            else:
                lib.llama_sampler_apply(stage, ctypes.byref(array))
        chosen = array.data[array.selected]
        return int(chosen.id), float(chosen.logit)

    def _allowed(self, token: int) -> bool:
        one = (lib.llama_token_data * 1)(lib.llama_token_data(token, 1.0, 0.0))
        array = lib.llama_token_data_array(ctypes.cast(one, lib.llama_token_data_p), 1, -1, False)
        lib.llama_sampler_apply(self._grammar, ctypes.byref(array))
        return bool(np.isfinite(one[0].logit))

    def _array(self, logits: NDArray[np.float32]) -> Any:
        """A fresh `llama_token_data_array` over our own memory, filled with all tokens."""
        if self._candidates is None:
            self._candidates = np.zeros(self._n_vocab, CANDIDATE)
            self._all_ids = np.arange(self._n_vocab, dtype=np.int32)
        self._candidates["id"] = self._all_ids
        self._candidates["logit"] = logits
        self._candidates["p"] = 0
        data = ctypes.cast(self._candidates.ctypes.data, lib.llama_token_data_p)
        return lib.llama_token_data_array(data, self._n_vocab, -1, False)

    def _build(self) -> list[Any]:
        """C chains with the tail-free thresholds (floats) between them; the last chain ends in the random choice."""
        stages: list[Any] = []
        for name in self._order():
            if name == "tfs_z":
                stages.append(float(self._values.tfs_z))
            else:
                self._into_chain(stages, self._sampler(name))
        choice = self._mirostat() if self._values.mirostat else lib.llama_sampler_init_dist(self._seed)
        self._into_chain(stages, choice)
        return stages

    def _order(self) -> list[str]:
        names = [name for name in self._values.samplers if name != "tfs_z" or self._values.tfs_z < 1]
        return [name for name in names if name in ("penalties", "dry")] if self._values.mirostat else list(names)

    @staticmethod
    def _into_chain(stages: list[Any], sampler: Any) -> None:
        if not stages or isinstance(stages[-1], float):
            stages.append(lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params()))
        lib.llama_sampler_chain_add(stages[-1], sampler)

    def _sampler(self, name: str) -> Any:
        v = self._values
        if name in ("penalties", "dry"):
            sampler = self._penalties() if name == "penalties" else self._dry()
            if self._active(name):
                self._remembering.append(sampler)
            return sampler
        if name == "temperature":
            return lib.llama_sampler_init_temp_ext(v.temperature, v.dynatemp_range, v.dynatemp_exponent)
        if name == "xtc":
            return lib.llama_sampler_init_xtc(v.xtc_probability, v.xtc_threshold, 1, self._seed)
        if name == "top_n_sigma":
            return lib.llama_sampler_init_top_n_sigma(v.top_n_sigma)
        if name == "top_k":
            return lib.llama_sampler_init_top_k(v.top_k)
        make = {"top_p": "top_p", "min_p": "min_p", "typical_p": "typical"}[name]
        return getattr(lib, f"llama_sampler_init_{make}")(getattr(v, name), 1)

    def _active(self, name: str) -> bool:
        v = self._values
        if name == "dry":
            return v.dry_multiplier > 0
        return v.repeat_penalty != 1 or v.presence_penalty != 0 or v.frequency_penalty != 0

    def _last_n(self) -> int:
        """-1 means the whole context to us and nothing to llama.cpp."""
        return self._n_ctx if self._values.repeat_last_n < 0 else self._values.repeat_last_n

    def _penalties(self) -> Any:
        v = self._values
        return lib.llama_sampler_init_penalties(
            self._n_vocab, self._last_n(), v.repeat_penalty, v.frequency_penalty, v.presence_penalty
        )

    def _dry(self) -> Any:
        v = self._values
        breakers = (ctypes.c_char_p * len(DRY_BREAKERS))(*DRY_BREAKERS)
        return lib.llama_sampler_init_dry(
            self._vocab, v.dry_multiplier, v.dry_base, v.dry_allowed_length, self._last_n(),
            ctypes.cast(breakers, ctypes.POINTER(ctypes.c_char_p)), len(DRY_BREAKERS),
        )  # fmt: skip

    def _mirostat(self) -> Any:
        v = self._values
        if v.mirostat == 1:
            return lib.llama_sampler_init_mirostat(self._n_vocab, self._seed, v.mirostat_tau, v.mirostat_eta, 100)
        return lib.llama_sampler_init_mirostat_v2(self._seed, v.mirostat_tau, v.mirostat_eta)

    def _grammar_sampler(self, grammar: str) -> Any:
        native.clear_log()
        sampler = lib.llama_sampler_init_grammar(self._vocab, grammar.encode(), b"root")
        if not sampler:
            reason = "; ".join(native.errors()[:2]) or "it needs a rule named root"
            raise GrammarError(f"The grammar cannot be read: {reason}.")
        return sampler


def _tail_free(array: Any, z: float) -> None:
    """Apply tail-free sampling to the candidates in place, leaving them sorted."""
    size = int(array.size)
    address = ctypes.addressof(array.data.contents)
    memory: Any = (ctypes.c_char * (size * CANDIDATE.itemsize)).from_address(address)
    candidates: NDArray[Any] = np.frombuffer(memory, CANDIDATE)
    if not array.sorted:
        candidates[:] = candidates[np.argsort(-candidates["logit"], kind="stable")]
    weights = np.exp(candidates["logit"].astype(np.float64) - float(candidates["logit"][0]))
    array.size = survivors((weights / weights.sum()).astype(np.float32), z)
    array.sorted = True


def gbnf(values: Hyperparameters) -> str | None:
    """The GBNF grammar that the knobs ask for, made from the JSON schema where that is given.

    Raises:
        GrammarError: both are given, or the schema cannot be turned into a grammar.
    """
    if values.grammar and values.json_schema:
        raise GrammarError("grammar and json_schema exclude each other: give one of them.")
    if not values.json_schema:
        return values.grammar or None
    from llama_cpp.llama_grammar import json_schema_to_gbnf

    try:
        return str(json_schema_to_gbnf(values.json_schema))
    except (ValueError, KeyError, TypeError, AttributeError, AssertionError, RecursionError) as error:
        raise GrammarError(f"The JSON schema cannot be used ({type(error).__name__}: {error}).") from error
