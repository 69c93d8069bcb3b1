"""A model file in memory: loading with progress and cancel, its vocabulary, what it says of itself. No context."""

import ctypes
from collections.abc import Callable
from pathlib import Path

from samantha.errors import ModelFileError
from samantha.models.llama import native
from samantha.models.llama.native import lib
from samantha.traces import VocabularyToken

KINDS = {1: "unknown", 2: "unused", 4: "normal", 8: "control", 16: "user_defined", 32: "byte"}
"""`llama_token_attr` flags; a token of none of them is normal."""

LONGEST_REASON = 300
"""Characters; a file's own texts may be in it."""


class Weights:
    """A loaded model and its vocabulary. `close` frees the memory."""

    def __init__(self, path: Path, n_gpu_layers: int, progress: Callable[[float], bool]) -> None:
        """Load the file.

        Args:
            progress: called with 0 to 1; False aborts the load.

        Raises:
            ModelFileError: llama.cpp cannot load it, or the load was aborted.
        """
        parameters = lib.llama_model_default_params()
        parameters.n_gpu_layers = n_gpu_layers
        self._progress = lib.llama_progress_callback(lambda fraction, _data: progress(fraction))
        parameters.progress_callback = self._progress
        native.clear_log()
        self.handle = lib.llama_model_load_from_file(str(path).encode(), parameters)
        if not self.handle:
            reason = _reason(native.errors())
            raise ModelFileError(f"The model file {path.name} cannot be loaded: {reason}.")
        self.vocab = lib.llama_model_get_vocab(self.handle)
        self.n_vocab = int(lib.llama_vocab_n_tokens(self.vocab))
        self.n_ctx_train = int(lib.llama_model_n_ctx_train(self.handle))
        self._pieces: dict[tuple[int, bool], bytes] = {}

    def close(self) -> None:
        """Free the memory."""
        if self.handle:
            lib.llama_model_free(self.handle)
            self.handle = None

    def tokenize(self, text: str, add_special: bool = False) -> list[int]:
        """Ids of the tokens of `text`; special tokens are recognised.

        Args:
            add_special: put the beginning-of-text token (and what else the model wants) around it.
        """
        data = text.encode()
        size = len(data) + 16
        while True:
            tokens = (lib.llama_token * size)()
            count = lib.llama_tokenize(self.vocab, data, len(data), tokens, size, add_special, True)
            if count >= 0:
                return list(tokens[:count])
            size = -count

    def piece(self, token: int, special: bool) -> bytes:
        """The bytes of a token; control tokens have none unless `special`."""
        known = self._pieces.get((token, special))
        if known is None:
            known = self._pieces[token, special] = self._fetch_piece(token, special)
        return known

    def _fetch_piece(self, token: int, special: bool) -> bytes:
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            count = lib.llama_token_to_piece(self.vocab, token, buffer, size, 0, special)
            if count >= 0:
                return bytes(buffer.raw[:count])
            size = -count

    def ends_answer(self, token: int) -> bool:
        """Whether the token ends an answer (end of text, end of turn)."""
        return bool(lib.llama_vocab_is_eog(self.vocab, token))

    def vocabulary(self) -> list[VocabularyToken]:
        """Every token of the vocabulary, by id."""
        return [
            VocabularyToken(
                token, self._fetch_piece(token, True), self._kind(token), self.ends_answer(token),
                float(lib.llama_vocab_get_score(self.vocab, token)),
            )
            for token in range(self.n_vocab)
        ]  # fmt: skip

    def _kind(self, token: int) -> str:
        attributes = int(lib.llama_vocab_get_attr(self.vocab, token))
        return next((name for flag, name in KINDS.items() if attributes & flag), "normal")

    def beginning(self) -> str:
        """The text of the beginning-of-text token, "" when the model has none."""
        token = lib.llama_vocab_bos(self.vocab)
        return self.piece(token, True).decode(errors="replace") if token >= 0 else ""

    def end(self) -> str:
        """The text of the end-of-text token, "" when the model has none."""
        token = lib.llama_vocab_eos(self.vocab)
        return self.piece(token, True).decode(errors="replace") if token >= 0 else ""

    def adds_beginning(self) -> bool:
        """Whether the model wants the beginning-of-text token before every text."""
        return bool(lib.llama_vocab_get_add_bos(self.vocab))

    def template(self) -> str:
        """The chat template in the file, "" when there is none."""
        found = lib.llama_model_chat_template(self.handle, None)
        return found.decode(errors="replace") if found else ""

    def description(self) -> str:
        """llama.cpp's own short description, e.g. `llama 8B Q4_K - Medium`."""
        buffer = ctypes.create_string_buffer(256)
        lib.llama_model_desc(self.handle, buffer, len(buffer))
        return buffer.value.decode(errors="replace")

    def parameters(self) -> int:
        """The number of parameters."""
        return int(lib.llama_model_n_params(self.handle))


def _reason(errors: list[str]) -> str:
    """What llama.cpp said first, without the names of its functions and the reasons that only repeat it."""
    said = errors[0].strip() if errors else "llama.cpp gave no reason"
    for prefix in ("llama_model_load: ", "gguf_init_from_reader: ", *["error loading model: "] * 2):
        said = said.removeprefix(prefix)
    return said if len(said) <= LONGEST_REASON else f"{said[:LONGEST_REASON]}..."
