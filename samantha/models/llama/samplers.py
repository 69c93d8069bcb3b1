"""A sampler chain as the hyperparameters ask for it: llama.cpp's samplers in any order, tail-free and grammar between.

Without tail-free, grammar and recorder it is one C sampler chain and one C call a token. With one of them the stages
are applied one by one to one array of candidates, which gives the same tokens. Samplers that are off are left out.
Prompt tokens are accepted by penalties and dry, never by a grammar.
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
from samantha.models.llama.trace import CANDIDATE, Recorder, candidates_of, check
from samantha.traces import TokenTrace

DRY_BREAKERS = (b"\n", b":", b'"', b"*")
"""llama.cpp's own: a repetition does not reach across these."""

NAN_CHECKS = 16
"""Logits are checked for numbers at the first token and at every so many: NaN stays in the context once it is there."""

IMPOSSIBLE = 1e-37
"""Of the likeliest: less than this is 0, or soon is, in float32."""

DRAWING = ("xtc", "choice", "mirostat")
"""Stages that draw at random: none of them is asked where the token is given."""


class Stage:
    """One step of a choice: a C sampler, or a C chain of several, or a tail-free threshold."""

    def __init__(self, name: str, sampler: Any) -> None:
        self.name = name
        self.sampler = sampler

    def apply(self, array: Any) -> None:
        """Change the candidates in place."""
        if isinstance(self.sampler, float):
            _tail_free(array, self.sampler)
        else:
            lib.llama_sampler_apply(self.sampler, ctypes.byref(array))

    def accept(self, token: int) -> None:
        """Tell the sampler what was chosen."""
        if not isinstance(self.sampler, float):
            lib.llama_sampler_accept(self.sampler, token)

    def close(self) -> None:
        """Free the sampler."""
        if not isinstance(self.sampler, float):
            lib.llama_sampler_free(self.sampler)


class SamplerChain:
    """Chooses tokens of one sample. Owns its C samplers: call `close`."""

    def __init__(
        self, vocab: Any, n_vocab: int, n_ctx: int, values: Hyperparameters, grammar: str | None,
        recorder: Recorder | None = None,
    ) -> None:  # fmt: skip
        """With a `recorder` every sampler is a stage of its own; the same tokens are chosen without."""
        self._vocab = vocab
        self._n_vocab = n_vocab
        self._n_ctx = n_ctx
        self._values = values
        self._seed = values.seed or 0
        self._recorder = recorder
        self._remembering: list[Any] = []
        self._stages = self._build()
        self._grammar = self._grammar_sampler(grammar) if grammar else None
        self._candidates: NDArray[Any] | None = None
        self._chosen = 0

    def accept_prompt(self, tokens: Sequence[int]) -> None:
        """Show the prompt to the penalties and to dry."""
        for sampler in self._remembering:
            for token in tokens[-self._n_ctx :]:
                lib.llama_sampler_accept(sampler, token)

    def accept(self, token: int) -> None:
        """Take in a token of the answer that was not chosen here.

        Raises:
            GrammarError: the grammar does not allow it.
        """
        if self._grammar is not None and not self._allowed(token):
            raise GrammarError(
                f"The grammar does not allow token {token} at this place: choose another token, or drop the grammar."
            )
        self._accept(token)

    def sample(
        self, context: Any, index: int, given: NDArray[np.float32] | None = None
    ) -> tuple[int, TokenTrace | None]:
        """Choose and accept a token from the logits of output `index` of the last batch; traced with a recorder.

        Args:
            given: the logits, shape (vocabulary,), where llama.cpp does not have them any more.

        Raises:
            GrammarError: the grammar leaves no token.
            ModelError: the logits are no numbers.
        """
        self._chosen += 1
        plain = given is None and self._grammar is None and self._recorder is None and len(self._stages) == 1
        if plain and not isinstance(self._stages[0].sampler, float):
            if self._chosen % NAN_CHECKS == 1:
                check(self._logits(context, index))
            return int(lib.llama_sampler_sample(self._stages[0].sampler, context, index)), None
        logits = self._logits(context, index) if given is None else given
        check(logits)
        token = self._choose(logits)
        self._accept(token)
        return token, self._recorder.finish(token, False) if self._recorder else None

    def force(
        self, context: Any, index: int, token: int, given: NDArray[np.float32] | None = None
    ) -> TokenTrace | None:
        """Accept a token that is given, drawing nothing; its trace shows what the samplers would have left.

        Raises:
            GrammarError: the grammar does not allow it.
        """
        trace = None
        if self._recorder:
            logits = self._logits(context, index) if given is None else given
            check(logits)
            self._recorder.begin(logits)
            array = self._array(logits)
            for stage in self._stages:
                if stage.name not in DRAWING:
                    self._pass(stage, array)
            trace = self._recorder.finish(token, True)
        self.accept(token)
        return trace

    def close(self) -> None:
        """Free the C samplers."""
        for stage in self._stages:
            stage.close()
        if self._grammar is not None:
            lib.llama_sampler_free(self._grammar)
        self._stages, self._grammar = [], None

    def _logits(self, context: Any, index: int) -> NDArray[np.float32]:
        """Shape (vocabulary,), in llama.cpp's memory until the next evaluation."""
        return np.ctypeslib.as_array(lib.llama_get_logits_ith(context, index), shape=(self._n_vocab,))

    def _accept(self, token: int) -> None:
        for stage in self._stages:
            stage.accept(token)
        if self._grammar is not None:
            lib.llama_sampler_accept(self._grammar, token)

    def _choose(self, logits: NDArray[np.float32]) -> int:
        """All stages; a grammar masks all candidates only when it refuses the chosen one."""
        if self._recorder:
            self._recorder.begin(logits)
        token, _ = self._apply(logits, masked=False)
        if self._grammar is None or self._allowed(token):
            return token
        if self._recorder:
            self._recorder.restart()
        token, logit = self._apply(logits, masked=True)
        if not np.isfinite(logit):
            raise GrammarError("The grammar leaves no token that could come next: check it against the answer so far.")
        return token

    def _apply(self, logits: NDArray[np.float32], masked: bool) -> tuple[int, float]:
        array = self._array(logits)
        if masked:
            lib.llama_sampler_apply(self._grammar, ctypes.byref(array))
            if self._recorder:
                self._recorder.stage("grammar", array)
        for stage in self._stages:
            self._pass(stage, array)
        chosen = array.data[array.selected]
        return int(chosen.id), float(chosen.logit)

    def _pass(self, stage: Stage, array: Any) -> None:
        stage.apply(array)
        if self._recorder and stage.name != "choice":
            self._recorder.stage(stage.name, array)

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

    def _build(self) -> list[Stage]:
        """The samplers that are on, in their order, and the random choice; neighbours share a C chain if untraced."""
        stages: list[Stage] = []
        for name in self._order():
            if name == "tfs_z":
                stages.append(Stage(name, float(self._values.tfs_z)))
            else:
                self._add(stages, name, self._sampler(name))
        if self._values.mirostat:
            self._add(stages, "mirostat", self._mirostat())
        else:
            self._add(stages, "choice", lib.llama_sampler_init_dist(self._seed))
        return stages

    def _order(self) -> list[str]:
        names: list[str] = [name for name in self._values.samplers if self._active(name)]
        return [name for name in names if name in ("penalties", "dry")] if self._values.mirostat else names

    def _add(self, stages: list[Stage], name: str, sampler: Any) -> None:
        if self._recorder:
            stages.append(Stage(name, sampler))
            return
        if not stages or isinstance(stages[-1].sampler, float):
            stages.append(Stage("chain", lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())))
        lib.llama_sampler_chain_add(stages[-1].sampler, sampler)

    def _sampler(self, name: str) -> Any:
        v = self._values
        if name in ("penalties", "dry"):
            sampler = self._penalties() if name == "penalties" else self._dry()
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
        if name == "typical_p":
            return self._typical()
        return getattr(lib, f"llama_sampler_init_{name}")(getattr(v, name), 1)

    def _active(self, name: str) -> bool:
        """Whether a sampler does anything with these values."""
        v = self._values
        return {
            "penalties": v.repeat_penalty != 1 or v.presence_penalty != 0 or v.frequency_penalty != 0,
            "dry": v.dry_multiplier > 0,
            "top_n_sigma": v.top_n_sigma > 0,
            "top_k": v.top_k > 0,
            "typical_p": v.typical_p < 1,
            "top_p": v.top_p < 1,
            "tfs_z": v.tfs_z < 1,
            "min_p": v.min_p > 0,
            "xtc": v.xtc_probability > 0 and v.xtc_threshold <= 0.5,
            "temperature": v.temperature != 1 or v.dynatemp_range > 0,
        }[name]

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

    def _typical(self) -> Any:
        """Behind a min-p that drops what has no probability: one such candidate, as top_n_sigma and a grammar leave
        them, makes llama.cpp's expected surprise NaN, and with that its order arbitrary.
        """
        chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
        lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_min_p(IMPOSSIBLE, 1))
        lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_typical(self._values.typical_p, 1))
        return chain

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
    candidates = candidates_of(array)
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
