"""A context: evaluated tokens and how they are reused without changing the answer. It renders and samples nothing.

A prompt is evaluated in chunks of 64 tokens at fixed absolute positions, and only whole chunks are reused: a KV entry
computed one token at a time differs in its last bits from one computed in a prompt pass, so the usual prefix cache can
flip a near-tie. Here a cached and an uncached run evaluate the same batches and give the same logits.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samantha.errors import ModelError
from samantha.models.llama import native
from samantha.models.llama.native import AbortFlag, lib
from samantha.models.llama.weights import Weights
from samantha.models.model import LoadOptions

CHUNK = 64
"""Tokens of a prompt chunk. 32, 64 and 128 all gave bit-identical logits; 64 is fast enough to evaluate."""


class Aborted(Exception):
    """The evaluation was aborted through the flag."""


class Context:
    """One llama.cpp context of `options.n_seq_max` sequences sharing `n_ctx` cells. One thread owns it."""

    def __init__(self, weights: Weights, options: LoadOptions, threads: int) -> None:
        """Allocate the context; `options.n_ctx` is what the model can do, never 0.

        Raises:
            ModelError: it does not fit into memory.
        """
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
        self._chunks: list[int] = []
        self._prompt: list[int] = []
        self._answer: list[int] = []
        self.evaluated = 0
        """Tokens evaluated since the context was made: what reuse saves can be counted."""

    def close(self) -> None:
        """Free the context."""
        if self.handle:
            lib.llama_batch_free(self._batch)
            lib.llama_free(self.handle)
            self.handle = None

    def reset(self) -> None:
        """Forget all tokens."""
        lib.llama_memory_clear(self._memory, True)
        self._chunks, self._prompt, self._answer = [], [], []

    def prefill(self, tokens: Sequence[int], reuse: bool) -> Iterator[tuple[int, int]]:
        """Evaluate a prompt in sequence 0 so that the last token's logits are the last output.

        Args:
            reuse: keep whole chunks that are there already.

        Yields:
            how many tokens are done, and how many of them were reused: first before anything is evaluated.

        Raises:
            Aborted: whole chunks that were evaluated stay.
            ModelError: llama.cpp could not evaluate it.
        """
        reused = self._keep(tokens) if reuse else self._keep(())
        yield reused, reused
        for start in range(reused, len(tokens), CHUNK):
            chunk = tokens[start : start + CHUNK]
            self._fill([(0, start + place, token, start + place == len(tokens) - 1)
                        for place, token in enumerate(chunk)])
            self._decode()
            if len(chunk) == CHUNK:
                self._chunks.extend(chunk)
            yield start + len(chunk), reused
        self._prompt = list(tokens)

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

    def logits_of_each(self, tokens: Sequence[int], n_vocab: int) -> Iterator[tuple[int, list[NDArray[np.float32]]]]:
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
            rows = (lib.llama_get_logits_ith(self.handle, place) for place in range(len(chunk)))
            yield start, [np.ctypeslib.as_array(row, shape=(n_vocab,)) for row in rows]

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
        if not answer or list(prompt) != self._prompt:
            return None
        common = 0
        while common + 1 < len(answer) and common < len(self._answer) and answer[common] == self._answer[common]:
            common += 1
        for sequence in range(1, self.options.n_seq_max):
            lib.llama_memory_seq_rm(self._memory, sequence, -1, -1)
        if not lib.llama_memory_seq_rm(self._memory, 0, len(prompt) + common, -1):
            return None
        self._answer = self._answer[:common]
        return common

    def _keep(self, tokens: Sequence[int]) -> int:
        """Forget everything but the whole chunks that begin `tokens`; at least one token is left to evaluate."""
        self._prompt, self._answer = [], []
        common = 0
        while (
            common + CHUNK < len(tokens)
            and common + CHUNK <= len(self._chunks)
            and list(tokens[common : common + CHUNK]) == self._chunks[common : common + CHUNK]
        ):
            common += CHUNK
        for sequence in range(1, self.options.n_seq_max):
            lib.llama_memory_seq_rm(self._memory, sequence, -1, -1)
        if common == 0 or not lib.llama_memory_seq_rm(self._memory, 0, common, -1):
            self.reset()  # recurrent models cannot be cut back to a position
            return 0
        self._chunks = self._chunks[:common]
        return common

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
    parameters.no_perf = True
    return parameters
