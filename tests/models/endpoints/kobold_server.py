"""KoboldCpp's protocol, as its API documentation gives it, over words instead of a model.

KoboldCpp itself cannot be installed where the tests run, so this stands in for it: generate, generate/stream, abort,
tokencount, detokenize, perf, version, model, true_max_context_length, and 503 while it is busy.
"""

import re
import threading
from typing import Any

from tests.models.endpoints.small_server import Exchange, SmallServer

N_CTX = 512
TEMPLATE = {
    "{{[SYSTEM]}}": "<|im_start|>system\n", "{{[SYSTEM_END]}}": "<|im_end|>\n", "{{[INPUT]}}": "<|im_start|>user\n",
    "{{[INPUT_END]}}": "<|im_end|>\n", "{{[OUTPUT]}}": "<|im_start|>assistant\n", "{{[OUTPUT_END]}}": "<|im_end|>\n",
}  # fmt: skip
BUSY = {"detail": {"msg": "Server is busy; please try again later.", "type": "service_unavailable"}}


def split(text: str) -> list[str]:
    return re.findall(r"\s*\S+|\s+$", text)


class KoboldServer(SmallServer):
    """Answers every prompt with `words`, then its end. `hold` makes it wait after the second word."""

    def __init__(self, words: str = " The sea is calm today. Nothing moves.") -> None:
        super().__init__()
        self.words = split(words)
        self.hold = False
        self.aborted = threading.Event()
        self.given: list[str] = []
        self._busy = threading.Lock()
        self._genkey = ""
        self._vocabulary: list[str] = []
        self._perf: dict[str, Any] = {
            "last_process": 0.0,
            "last_token_count": 0,
            "stop_reason": -1,
            "idle": 1,
            "queue": 0,
        }
        self.routes = {
            "/api/v1/model": lambda exchange: exchange.json({"result": "koboldcpp/words"}),
            "/api/extra/version": lambda exchange: exchange.json({"result": "KoboldCpp", "version": "1.99"}),
            "/api/extra/true_max_context_length": lambda exchange: exchange.json({"value": N_CTX}),
            "/api/extra/perf": lambda exchange: exchange.json(self._perf),
            "/api/extra/tokencount": self._count,
            "/api/extra/detokenize": self._detokenize,
            "/api/extra/abort": self._abort,
            "/api/v1/generate": self._generate,
            "/api/extra/generate/stream": self._stream,
        }

    def _ids(self, text: str) -> list[int]:
        for word in split(text):
            if word not in self._vocabulary:
                self._vocabulary.append(word)
        return [self._vocabulary.index(word) for word in split(text)]

    def _count(self, exchange: Exchange) -> None:
        ids = self._ids(exchange.body["prompt"])
        exchange.json({"value": len(ids), "ids": ids})

    def _detokenize(self, exchange: Exchange) -> None:
        exchange.json({"result": "".join(self._vocabulary[number] for number in exchange.body["ids"]), "success": True})

    def _abort(self, exchange: Exchange) -> None:
        ours = exchange.body.get("genkey") == self._genkey
        if ours:
            self.aborted.set()
        exchange.json({"success": ours, "done": ours})

    def _answer(self, body: dict[str, Any]) -> tuple[list[str], str, int]:
        """The words, `finish_reason`, `stop_reason`."""
        prompt = body["prompt"]
        if body.get("replace_instruct_placeholders"):
            for placeholder, text in TEMPLATE.items():
                prompt = prompt.replace(placeholder, text)
        self.given.append(prompt)
        words = self.words[: body.get("max_length", 100)]
        for place in range(1, len(words) + 1):
            for stop in body.get("stop_sequence", []):
                if stop in (text := "".join(words[:place])):
                    kept = text.partition(stop)[0]
                    return split(kept) if body.get("trim_stop", True) else words[:place], "stop", 2
        return words, "stop" if len(words) == len(self.words) else "length", 1 if len(words) == len(self.words) else 0

    def _begin(self, exchange: Exchange) -> bool:
        if not self._busy.acquire(blocking=False):
            exchange.json(BUSY, 503)
            return False
        self._genkey = exchange.body.get("genkey", "")
        return True

    def _end(self, body: dict[str, Any], words: list[str], stop_reason: int) -> None:
        self._perf |= {
            "last_process": 0.25, "last_eval": 0.5, "last_token_count": len(words), "stop_reason": stop_reason,
            "last_seed": body.get("sampler_seed"), "last_input_count": len(split(self.given[-1])),
        }  # fmt: skip
        self._busy.release()

    def _stream(self, exchange: Exchange) -> None:
        if not self._begin(exchange):
            return
        words, why, stop_reason = self._answer(exchange.body)
        try:
            exchange.head()
            for place, word in enumerate(words):
                exchange.event({"token": word, "finish_reason": None}, "message")
                if self.hold and place == 1:
                    self.aborted.wait(10)
                    return
        finally:
            self._end(exchange.body, words, stop_reason)
        exchange.event({"token": "", "finish_reason": why}, "message")

    def _generate(self, exchange: Exchange) -> None:
        if not self._begin(exchange):
            return
        words, why, stop_reason = self._answer(exchange.body)
        result: dict[str, Any] = {"text": "".join(words), "finish_reason": why, "prompt_tokens": 3}
        result["completion_tokens"] = len(words)
        if exchange.body.get("logprobs"):
            result["logprobs"] = {"content": [_probable(word) for word in words]}
        self._end(exchange.body, words, stop_reason)
        exchange.json({"results": [result]})


def _probable(word: str) -> dict[str, Any]:
    other = {"token": " no", "logprob": -1.6, "bytes": list(b" no")}
    return {"token": word, "logprob": -0.25, "bytes": list(word.encode()), "top_logprobs": [
        {"token": word, "logprob": -0.25, "bytes": list(word.encode())}, other]}  # fmt: skip
