"""A server and what is known of it: which program it is, which models it has, how large its context window is.

It is asked when a model is opened. What it does not say stays unknown: 0 or "".
"""

import difflib
import time
from collections.abc import Callable
from typing import Any

import msgspec

from samantha.errors import EndpointError, ModelNotFound, SamanthaError
from samantha.models.endpoints import address, connection, faults, keys
from samantha.models.endpoints.address import Address
from samantha.models.endpoints.connection import Call
from samantha.models.endpoints.faults import Patience, TemporaryFault
from samantha.models.endpoints.sampling import Kind
from samantha.settings import Endpoint

_OWNERS: dict[str, Kind] = {
    "llamacpp": "llama-server", "vllm": "vllm", "library": "ollama", "organization_owner": "lm-studio",
    "koboldcpp": "koboldcpp", "me": "llama-cpp-python",
}  # fmt: skip
"""What each program writes into `owned_by` of its models."""

_USUAL_PARALLEL: dict[Kind, int] = {"vllm": 8}

NAMES: dict[Kind, str] = {
    "standard": "an OpenAI-compatible server", "llama-server": "llama-server", "vllm": "vLLM", "ollama": "Ollama",
    "lm-studio": "LM Studio", "koboldcpp": "KoboldCpp", "llama-cpp-python": "llama-cpp-python", "kobold": "KoboldCpp",
}  # fmt: skip


class Facts(msgspec.Struct, frozen=True):
    """What a server said of itself. Sizes are bytes and tokens; 0 and "" where it said nothing.

    `parallel` is how many answers it gives at the same time.
    """

    kind: Kind = "standard"
    version: str = ""
    model: str = ""
    models: tuple[str, ...] = ()
    n_ctx: int = 0
    n_ctx_train: int = 0
    n_vocab: int = 0
    size: int = 0
    parameters: int = 0
    parallel: int = 1


class Server:
    """Asks one server. `cancelled` is looked at while waiting."""

    def __init__(
        self, found: Address, entry: Endpoint, patience: Patience, cancelled: Callable[[], bool] = lambda: False
    ) -> None:
        """Raises `EndpointError` where the key is missing or the address may not be used."""
        address.check(found)
        self.at = found
        self.patience = patience
        self.cancelled = cancelled
        self._entry = entry
        self._model = found.model
        self._key = keys.find(found.origin, entry.key_variable)

    def call(self, url: str, body: dict[str, Any] | None = None, stream: bool = False) -> Call:
        """A request with the key. `url` begins with the server's own base or root."""
        return Call(url, body, self._key, stream)

    def ask(self, url: str, body: dict[str, Any] | None = None) -> Any:
        """A JSON answer, asked for again after temporary faults.

        Raises:
            EndpointError, ModelNotFound: it refused, failed too often, or answers something else.
        """
        begun, fault = time.monotonic(), 0
        while True:
            try:
                return self._once(url, body)
            except TemporaryFault as error:
                fault += 1
                self._pause(error, fault, begun)

    def ask_once(self, url: str, body: dict[str, Any] | None = None) -> Any:
        """The same, for what can be done without: None where the server does not give it, or when cancelled."""
        try:
            return self._once(url, body)
        except (EndpointError, ModelNotFound):
            return None

    def refusal(self, head: connection.Opened, body: bytes) -> SamanthaError:
        """What a status other than success means."""
        error = faults.refusal(head.status, head.headers, body, self.at.host, self._model, bool(self._key))
        connection.hidden(error, self._key)
        return error

    def key_holds(self) -> bool:
        """Whether the key is still the one that the user keeps for this server.

        Raises:
            EndpointError: it is missing now.
        """
        return keys.find(self.at.origin, self._entry.key_variable) == self._key

    def hidden(self, error: BaseException) -> BaseException:
        """The error, without the key where the server repeated it."""
        return connection.hidden(error, self._key)

    def _once(self, url: str, body: dict[str, Any] | None) -> Any:
        head, answer = connection.ask(self.call(url, body), self.cancelled, self.patience)
        if not 200 <= head.status < 300:
            raise self.refusal(head, answer)
        return connection.reading(head, answer, self.at)

    def _pause(self, fault: TemporaryFault, number: int, begun: float) -> None:
        end = time.monotonic() + pause(fault, number, time.monotonic() - begun, self.patience)
        while time.monotonic() < end:
            if self.cancelled():
                raise EndpointError(f"Waiting for {self.at.host} was cancelled.")
            time.sleep(connection.TICK)

    def facts(self) -> Facts:
        """What the server says of itself and of its models; the address chooses one.

        Raises:
            EndpointError: it is no such server.
            ModelNotFound: it does not have the model, or several and none was chosen.
        """
        found = self._kobold() if self.at.api == "kobold" else self._openai()
        self._model = found.model
        chosen = msgspec.structs.replace(found, n_ctx=found.n_ctx or self._entry.n_ctx)
        parallel = self._entry.parallel or max(found.parallel, _USUAL_PARALLEL.get(found.kind, 1))
        return msgspec.structs.replace(chosen, parallel=parallel)

    def models(self) -> tuple[str, ...]:
        """The names of all its models; empty where it lists none and the address names one.

        Raises:
            EndpointError: it is no such server.
        """
        if self.at.api == "kobold":
            return self._kobold().models
        return tuple(str(entry["id"]) for entry in self._models())

    def _kobold(self) -> Facts:
        base = self.at.base
        told = self.ask(f"{base}/api/v1/model")
        version = _dict(self.ask_once(f"{base}/api/extra/version"))
        if "result" not in _dict(told):
            raise EndpointError(f"{self.at.host} does not speak KoboldCpp's API: check {base}.")
        size = _dict(self.ask_once(f"{base}/api/extra/true_max_context_length"))
        name = str(told["result"])
        return Facts("kobold", str(version.get("version", "")), name, (name,), n_ctx=_whole(size.get("value")))

    def _openai(self) -> Facts:
        listed = self._models()
        kind = self._kind(listed)
        names = tuple(str(entry["id"]) for entry in listed)
        model = choose(self.at, names, strict=kind != "standard")
        entry = next((entry for entry in listed if entry["id"] == model), {})
        return self._details(Facts(kind, model=model, models=names), entry)

    def _models(self) -> list[dict[str, Any]]:
        """The list of models; empty where the server has no such list and the address names a model."""
        try:
            told = self.ask(f"{self.at.base}/models")
        except EndpointError as error:
            if not self.at.model or isinstance(error, TemporaryFault) or "(404)" not in str(error):
                raise
            return []
        listed = _dict(told).get("data")
        if not isinstance(listed, list):
            raise EndpointError(f"{self.at.host} gives no list of models: is {self.at.base} the address of its API?")
        return [entry for entry in listed if isinstance(entry, dict) and isinstance(entry.get("id"), str)]

    def _kind(self, listed: list[dict[str, Any]]) -> Kind:
        owners = {str(entry.get("owned_by", "")) for entry in listed}
        kind = next((_OWNERS[owner] for owner in owners if owner in _OWNERS), "standard")
        if kind == "llama-cpp-python":
            told = _dict(self.ask_once(f"{self.at.root}/extras/tokenize", {"input": ""}))
            return kind if "tokens" in told else "standard"
        return kind

    def _details(self, facts: Facts, entry: dict[str, Any]) -> Facts:
        """What only the program of that kind says."""
        root, change = self.at.root, msgspec.structs.replace
        if facts.kind == "llama-server":
            props, meta = _dict(self.ask_once(f"{root}/props")), _dict(entry.get("meta"))
            usual = _dict(props.get("default_generation_settings"))
            return change(
                facts, version=str(props.get("build_info", "")), n_ctx=_whole(usual.get("n_ctx")),
                n_ctx_train=_whole(meta.get("n_ctx_train")), n_vocab=_whole(meta.get("n_vocab")),
                size=_whole(meta.get("size")), parameters=_whole(meta.get("n_params")),
                parallel=_whole(props.get("total_slots")) or 1,
            )  # fmt: skip
        if facts.kind == "vllm":
            return change(facts, n_ctx=_whole(entry.get("max_model_len")))
        if facts.kind == "koboldcpp":
            told = _dict(self.ask_once(f"{root}/api/extra/true_max_context_length"))
            return change(facts, n_ctx=_whole(told.get("value")))
        if facts.kind == "lm-studio":
            told = _dict(self.ask_once(f"{root}/api/v0/models/{facts.model}"))
            loaded, trained = told.get("loaded_context_length"), told.get("max_context_length")
            return change(facts, n_ctx=_whole(loaded), n_ctx_train=_whole(trained))
        if facts.kind == "ollama":
            return change(facts, n_ctx=self._ollama_context(facts.model))
        return facts

    def _ollama_context(self, model: str) -> int:
        """The window of a model that is loaded there now."""
        running = _dict(self.ask_once(f"{self.at.root}/api/ps")).get("models")
        entries = [_dict(entry) for entry in running] if isinstance(running, list) else []
        return next((_whole(entry.get("context_length")) for entry in entries if entry.get("model") == model), 0)


def pause(fault: TemporaryFault, number: int, spent: float, patience: Patience) -> float:
    """Seconds to wait after fault number `number` (from 1), `spent` seconds after the first try.

    Raises:
        TemporaryFault: the fault itself, when there have been too many.
        EndpointError: the server asks for a longer wait than is bearable.
    """
    if (fault.retry_after or 0.0) > patience.longest_request:
        raise EndpointError(f"{fault} It asks to wait for {fault.retry_after:.0f} s.")
    wait = patience.wait(number, fault.retry_after)
    over = spent + wait > patience.busy if fault.busy else number >= patience.attempts
    if over:
        raise fault
    return wait


def choose(at: Address, names: tuple[str, ...], strict: bool) -> str:
    """The model of a list that the address names, or the only one.

    Args:
        strict: whether a model that is not in the list is not there; some servers list a part of what they have.

    Raises:
        ModelNotFound: it is not there, or there are several and none was named.
    """
    if not at.model:
        if len(names) == 1:
            return names[0]
        some = ", ".join(names[:8]) + (" …" if len(names) > 8 else "")
        has = f"has the models {some}: choose" if names else "names none of its models: name"
        raise ModelNotFound(f"{at.host} {has} one with `#name` at the end of the address.")
    if at.model in names:
        return at.model
    alike = [name for name in names if _plain(name) == _plain(at.model)]
    if len(alike) == 1:
        return alike[0]
    if not strict or not names:
        return at.model
    near = difflib.get_close_matches(at.model, names, 1, 0.5)
    hint = f"Did you mean {near[0]}?" if near else f"It has {', '.join(names[:8])}."
    raise ModelNotFound(f"{at.host} has no model {at.model!r}. {hint}")


def _plain(name: str) -> str:
    """A model's name without folder, ending and the tag that Ollama leaves out."""
    return name.replace("\\", "/").rpartition("/")[2].lower().removesuffix(".gguf").removesuffix(":latest")


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
