"""The exception tree. Every message says what happened, to what, and what to do next.

    SamanthaError
    ├── ChainError                 a mistake in a chain, found before its first event
    │   └── HyperparameterError    unknown key or value out of range
    ├── ModelError                 a model could not be found, loaded or used
    │   ├── ModelNotFound          no such name, file or folder
    │   ├── ModelFileError         the file is no GGUF, truncated, malformed or of an unknown architecture
    │   ├── PromptTooLong          the prompt leaves no room for an answer; carries the numbers
    │   ├── TemplateError          the chat template failed, looped or is unknown
    │   ├── GrammarError           a grammar or JSON schema that cannot be used
    │   ├── DownloadError          a link that cannot be used, or a download that failed
    │   │   ├── HostNotConfirmed   a link to a host that the user has not confirmed yet; carries the host
    │   │   └── DownloadCancelled  it was cancelled; what has come is kept, and the next download goes on from there
    │   ├── EndpointError          a server that cannot be used, refused or failed
    │   │   └── EndpointNotConfirmed   text would go to another computer unencrypted; carries the origin
    │   └── WorkerDied             the model's process ended by itself
    ├── ScoreError                 a text that cannot be scored, or scores that cannot be compared
    ├── TraceError                 a recorded token that keeps too little of how it was chosen
    ├── SearchError                a search of a vocabulary that cannot be understood
    ├── StoreError                 the run store cannot be read or written
    ├── SessionBusy                a second run was asked for while one is active
    ├── SandboxError               a grant or limit that cannot be given, or no sandbox to run code in
    └── SettingsError              a settings file or a folder cannot be used

What is not here: our own bugs. They raise what Python raises and are never caught as one of these.
"""


class SamanthaError(Exception):
    """Anything that a user can cause and mend."""


class ChainError(SamanthaError):
    """A mistake in a chain: says which item, which key and what is allowed."""


class HyperparameterError(ChainError):
    """An unknown hyperparameter or a value out of its range."""


class ModelError(SamanthaError):
    """A model cannot be used."""


class ModelNotFound(ModelError):
    """No model of that name or path."""


class ModelFileError(ModelError):
    """The file is there but is not a model that can be loaded."""


class PromptTooLong(ModelError):
    """The prompt leaves fewer tokens for the answer than are needed.

    Args:
        prompt_tokens: tokens of the rendered prompt.
        n_ctx: tokens the context window holds.
    """

    def __init__(self, prompt_tokens: int, n_ctx: int) -> None:
        self.prompt_tokens = prompt_tokens
        self.n_ctx = n_ctx
        super().__init__(
            f"The prompt has {prompt_tokens} tokens and the context window n_ctx holds {n_ctx}, so fewer than 16 are"
            " left for the answer: shorten the prompt or raise n_ctx."
        )


class TemplateError(ModelError):
    """A chat template that failed, looped or is unknown."""


class GrammarError(ModelError):
    """A grammar or JSON schema that cannot be used."""


class DownloadError(ModelError):
    """A link that cannot be used, or a download that failed."""


class HostNotConfirmed(DownloadError):
    """A link to a host that the user has not confirmed yet.

    Args:
        host: its name, in ASCII, with the port where that is not the usual one.
    """

    def __init__(self, host: str) -> None:
        self.host = host
        super().__init__(
            f"{host} is not the Hugging Face hub and has not been confirmed: nothing was fetched from it. Confirm it"
            f" once if you trust it (`samantha download --confirm {host}`)."
        )


class DownloadCancelled(DownloadError):
    """It was cancelled. What has come is kept, and the next download of the same file goes on from there."""


class EndpointError(ModelError):
    """A model on a server cannot be used: a wrong address, a refusal, a fault."""


class EndpointNotConfirmed(EndpointError):
    """Prompts and key would go to another computer, and the user has not agreed to that yet.

    Args:
        origin: scheme, host and port, as they are confirmed.
    """

    def __init__(self, origin: str) -> None:
        self.origin = origin
        read = "" if origin.startswith("https://") else ", where anybody between can read them, as it has no https"
        super().__init__(
            f"{origin} is another computer: prompts and answers would leave this one{read}. Nothing was sent. If you"
            f" agree to that, confirm it once (`samantha endpoints confirm {origin}`)."
        )


class WorkerDied(ModelError):
    """The process that held the model ended by itself."""


class ScoreError(SamanthaError):
    """A text that cannot be scored, or two scores that cannot be compared."""


class TraceError(SamanthaError):
    """A recorded token of which too little was kept to answer what is asked."""


class SearchError(SamanthaError):
    """A search that cannot be understood: a reversed range, an id beyond the vocabulary, bytes that are none."""


class StoreError(SamanthaError):
    """The run store cannot be opened, read or written."""


class SessionBusy(SamanthaError):
    """A run is already active in this session."""


class SandboxError(SamanthaError):
    """A grant or a limit that cannot be given, or no sandbox to run code in."""


class SettingsError(SamanthaError):
    """A settings file or folder cannot be used."""
