"""Notices that model files came, went or changed. By looking: that works on every disk, network and platform alike."""

from samantha.models.library.catalog import ModelFile, models, snapshot


class Watch:
    """One watcher's view of the folders. Looking again costs a look at each folder and model file, and reads none."""

    def __init__(self) -> None:
        self._seen: tuple[tuple[str, str], ...] | None = None

    def changed(self) -> bool:
        """Whether the list is another than at the last `models`; True before the first."""
        return snapshot() != self._seen

    def models(self) -> list[ModelFile] | None:
        """The list when it is another than at the last call, else None."""
        now = snapshot()
        if now == self._seen:
            return None
        self._seen = now
        return models()
