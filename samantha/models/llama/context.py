"""A context: evaluated tokens and how they are reused without changing the answer. It renders and samples nothing.

A prompt is evaluated in chunks of 64 tokens at fixed absolute positions, and only whole chunks are reused, or the very
same prompt: a KV entry computed one token at a time differs in its last bits from one computed in a prompt pass, so the
usual prefix cache can flip a near-tie. Here a cached and an uncached run evaluate the same batches and give the same
logits. A prompt that another one displaces is put on a shelf, for chains that alternate.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samantha.errors import ModelError
from samantha.models.llama import native
from samantha.models.llama.native import AbortFlag, lib
from samantha.models.llama.shelf import Shelf, shared
from samantha.models.llama.weights import Weights
from samantha.models.model import LoadOptions

CHUNK = 64
"""Tokens of a prompt chunk. 32, 64 and 128 all gave bit-identical logits; 64 is fast enough to evaluate."""

CACHE_TYPES = {
    "f32": 0, "f16": 1, "q4_0": 2, "q4_1": 3, "q5_0": 6, "q5_1": 7, "q8_0": 8, "iq4_nl": 20, "bf16": 30,
}  # fmt: skip
"""`ggml_type`."""

UNQUANTIZED = ("f32", "f16", "bf16")

WORTH_KEEPING = 2 * CHUNK
"""Tokens of a prompt that another one would displace, from which on it is put aside."""


class Aborted(Exception):
    """The evaluation was aborted through the flag."""


class Context:
    """One llama.cpp context of `options.n_seq_max` sequences sharing `n_ctx` cells. One thread owns it."""

    def __init__(self, weights: Weights, options: LoadOptions, threads: int) -> None:
        """Allocate the context; `options.n_ctx` is what the model can do, never 0.

        Raises:
            ModelError: it does not fit into memory.
        """
        if options.cache_type_v not in UNQUANTIZED and not options.flash_attention:
            raise ModelError(
                f"cache_type_v {options.cache_type_v} needs flash_attention: turn it on, or choose f16 for the values."
            )
        native.clear_log()
        self.handle = lib.llama_init_from_model(weights.handle, _parameters(options, threads))
        if not self.handle:
            reason = "; ".join(native.errors()[:1]) or "probably too little memory"
            raise ModelError(f"A context window of {options.n_ctx} tokens cannot be made ({reason}): lower n_ctx.")
        self.n_ctx = options.n_ctx  # llama.cpp rounds its cells up; a window of 4,000 tokens stays one of 4,000
        self.options = options
        self.threads = threads
        self.abort = AbortFlag()
        self.abort.install(self.handle)
        self._memory = lib.llama_get_memory(self.handle)
        self._batch = lib.llama_batch_init(CHUNK, 0, 1)
        self._n_vocab = weights.n_vocab
        self._prompt: list[int] = []
        self._complete = False
        self._answer: list[int] = []
        self._after_prompt = np.empty(0, np.float32)
        self._shelf = Shelf()
        self.given: NDArray[np.float32] | None = None
        """The last logits, where they were kept and nothing was evaluated; None: llama.cpp has them."""
        self.evaluated = 0
        """Tokens evaluated since the context was made: what reuse saves can be counted."""

    def close(self) -> None:
        """Free the context."""
        if self.handle:
            lib.llama_batch_free(self._batch)
            lib.llama_free(self.handle)
            self.handle = None

    def reset(self) -> None:
        """Forget all tokens, and the prompts that were put aside."""
        self.empty()
        self._shelf.clear()

    def prefill(self, tokens: Sequence[int], reuse: bool) -> Iterator[tuple[int, int]]:
        """Evaluate a prompt in sequence 0 so that the last token's logits are the last output.

        Args:
            reuse: keep what is there already, or was put aside: whole chunks, or the very same prompt.

        Yields:
            how many tokens are done, and how many of them were reused: first before anything is evaluated.

        Raises:
            Aborted: whole chunks that were evaluated stay.
            ModelError: llama.cpp could not evaluate it.
        """
        reused = self._keep(tokens) if reuse else self.empty()
        yield reused, reused
        if reused == len(tokens):
            self.given = self._after_prompt
            return
        for start in range(reused, len(tokens), CHUNK):
            chunk = tokens[start : start + CHUNK]
            self._fill([(0, start + place, token, start + place == len(tokens) - 1)
                        for place, token in enumerate(chunk)])
            self._decode()
            self._prompt.extend(chunk)
            yield start + len(chunk), reused
        self._complete = True
        self._after_prompt = self._row(-1).copy()

    def resume(self, prompt: Sequence[int], answer: Sequence[int], reuse: bool) -> Iterator[tuple[int, int]]:
        """Evaluate a prompt and the beginning of its answer, so that the last token's logits are the last output.

        The answer's tokens are evaluated one position at a time, as they were when they were generated. What of them
        is still there is kept, and then no chunk of the prompt is evaluated again.

        Yields, Raises: see `prefill`; `answer` counts too.
        """
        kept = self._kept(prompt, answer) if reuse else None
        if kept is None:
            yield from self.prefill(prompt, reuse)
            kept = 0
        else:
            yield len(prompt) + kept, len(prompt) + kept
        for place in range(kept, len(answer)):
            self.extend(answer[place])
            if place % CHUNK == CHUNK - 1 or place == len(answer) - 1:
                yield len(prompt) + place + 1, len(prompt) + kept

    def extend(self, token: int) -> None:
        """Evaluate the next token of the only answer and remember that it is there.

        Raises:
            Aborted, ModelError: see `prefill`.
        """
        self.step([(0, len(self._prompt) + len(self._answer), token)])
        self._answer.append(token)

    def logits_of_each(self, tokens: Sequence[int]) -> Iterator[tuple[int, list[NDArray[np.float32]]]]:
        """Evaluate tokens in an empty context; the logits after each of them, chunk by chunk.

        Yields:
            the place of a chunk's first token, and a row of shape (n_vocab,) for each of its tokens: views of
            llama.cpp's memory that hold until the next chunk.

        Raises:
            Aborted, ModelError: see `prefill`.
        """
        for start in range(0, len(tokens), CHUNK):
            chunk = tokens[start : start + CHUNK]
            self._fill([(0, start + place, token, True) for place, token in enumerate(chunk)])
            self._decode()
            yield start, [self._row(place) for place in range(len(chunk))]

    def fork(self, sequences: int, length: int) -> None:
        """Share the first `length` tokens of sequence 0 with sequences 1 to `sequences` - 1."""
        for sequence in range(1, sequences):
            self.share(sequence, length)

    def share(self, sequence: int, length: int) -> None:
        """Share the first `length` tokens of sequence 0 with one other sequence."""
        lib.llama_memory_seq_cp(self._memory, 0, sequence, 0, length)

    def step(self, entries: Sequence[tuple[int, int, int]]) -> None:
        """Evaluate one token for each (sequence, position, token); output i belongs to entry i.

        Raises:
            Aborted, ModelError: see `prefill`.
        """
        self._fill([(*entry, True) for entry in entries])
        self._decode()

    def drop(self, sequence: int, start: int = 0) -> None:
        """Forget the tokens of a sequence from position `start` on."""
        lib.llama_memory_seq_rm(self._memory, sequence, start, -1)

    def _kept(self, prompt: Sequence[int], answer: Sequence[int]) -> int | None:
        """Cut the context back to what it has of an answer, less one token to evaluate; None where that cannot be."""
        if not answer or not self._complete or list(prompt) != self._prompt:
            return None
        common = 0
        while common + 1 < len(answer) and common < len(self._answer) and answer[common] == self._answer[common]:
            common += 1
        if not self._only(len(prompt) + common):
            return None
        self._answer = self._answer[:common]
        return common

    def _keep(self, tokens: Sequence[int]) -> int:
        """Forget everything but what begins `tokens`, from here or from the shelf; how many tokens that is."""
        here = shared(self._prompt, tokens, CHUNK) if self._complete else self._chunks_shared(tokens)
        there, kept = self._shelf.best(tokens, CHUNK)
        if self._complete and len(self._prompt) - here >= WORTH_KEEPING:
            self._put_aside()
        if kept is not None and there > here:
            self.empty()
            if self._shelf.restore(self.handle, kept):
                self._prompt, self._after_prompt, self._complete = list(kept.tokens), kept.logits, True
                here = there
            else:
                here = 0
        return self._cut(here, len(tokens))

    def _chunks_shared(self, tokens: Sequence[int]) -> int:
        """The same for a prompt whose evaluation was aborted: only its whole chunks count."""
        whole = len(self._prompt) // CHUNK * CHUNK
        return min(shared(self._prompt[:whole], tokens, CHUNK), (len(tokens) - 1) // CHUNK * CHUNK)

    def _put_aside(self) -> None:
        if self._only(len(self._prompt)):
            self._shelf.put(self.handle, self._prompt, self._after_prompt)

    def _cut(self, length: int, wanted: int) -> int:
        """Keep the first tokens of sequence 0 and nothing else; how many are left."""
        if length == 0 or not self._only(length):
            return self.empty()  # recurrent models cannot be cut back to a position
        self._complete = length == wanted == len(self._prompt)
        self._prompt, self._answer = self._prompt[:length], []
        return length

    def _only(self, length: int) -> bool:
        """Drop all other sequences, and of sequence 0 what comes after `length` tokens."""
        for sequence in range(1, self.options.n_seq_max):
            lib.llama_memory_seq_rm(self._memory, sequence, -1, -1)
        return bool(lib.llama_memory_seq_rm(self._memory, 0, length, -1))

    def empty(self) -> int:
        """Forget what is evaluated; prompts that were put aside stay. Nothing is left: 0."""
        lib.llama_memory_clear(self._memory, True)
        self._prompt, self._answer, self._complete = [], [], False
        return 0

    def _row(self, index: int) -> NDArray[np.float32]:
        """Shape (vocabulary,): a view of llama.cpp's memory until the next evaluation."""
        return np.ctypeslib.as_array(lib.llama_get_logits_ith(self.handle, index), shape=(self._n_vocab,))

    def _fill(self, entries: Sequence[tuple[int, int, int, bool]]) -> None:
        batch = self._batch
        batch.n_tokens = len(entries)
        for place, (sequence, position, token, output) in enumerate(entries):
            batch.token[place] = token
            batch.pos[place] = position
            batch.n_seq_id[place] = 1
            batch.seq_id[place][0] = sequence
            batch.logits[place] = output

    def _decode(self) -> None:
        self.given = None
        status = lib.llama_decode(self.handle, self._batch)
        if status == 2:
            raise Aborted
        if status != 0:
            said = "; ".join([f"status {status}", *native.errors()[-1:]])
            reason = "the context window is full" if status == 1 else said
            raise ModelError(f"llama.cpp could not evaluate the tokens: {reason}.")
        self.evaluated += self._batch.n_tokens


def _parameters(options: LoadOptions, threads: int) -> Any:
    parameters = lib.llama_context_default_params()
    parameters.n_ctx = options.n_ctx
    parameters.n_batch = parameters.n_ubatch = CHUNK
    parameters.n_seq_max = options.n_seq_max
    parameters.kv_unified = True  # sequences share the cells of a common prompt
    parameters.n_threads = parameters.n_threads_batch = threads
    enabled = lib.LLAMA_FLASH_ATTN_TYPE_ENABLED if options.flash_attention else lib.LLAMA_FLASH_ATTN_TYPE_DISABLED
    parameters.flash_attn_type = enabled
    parameters.type_k, parameters.type_v = CACHE_TYPES[options.cache_type_k], CACHE_TYPES[options.cache_type_v]
    parameters.no_perf = True
    return parameters
