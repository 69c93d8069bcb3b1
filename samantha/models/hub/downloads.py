"""The values of this room: a file and a model that can be fetched, and how far a download is."""

import hashlib
from typing import Literal

import msgspec

Phase = Literal["waiting", "checking", "downloading", "pausing"]
"""`waiting`: another program or run downloads it; `checking`: what is there is compared with its checksum;
`pausing`: a fault, and soon another try."""


class RemoteFile(msgspec.Struct, frozen=True):
    """A file as its server describes it.

    `name` is what it is called here. `size` is bytes, None where the server does not say. `checksum` names its
    algorithm before a colon (`sha256`, `git-sha1`), "" where there is none. `etag` is the server's own mark for these
    very bytes.
    `private` says that the user's token is needed.
    """

    url: str
    name: str
    size: int | None
    checksum: str = ""
    etag: str = ""
    private: bool = False


class Download(msgspec.Struct, frozen=True):
    """A model that can be fetched: one file, or all parts of a split one. `commit` is what the revision meant."""

    asked: str
    title: str
    files: tuple[RemoteFile, ...]
    repository: str = ""
    commit: str = ""
    page: str = ""
    quantization: str = ""

    @property
    def size(self) -> int | None:
        """Bytes of all files; None where a server does not say."""
        sizes = [file.size for file in self.files]
        return sum(size for size in sizes if size is not None) if None not in sizes else None

    @property
    def key(self) -> str:
        """The same for the same bytes, wherever they come from; of a file without checksum, for the same link."""
        marks = [(file.name, file.checksum or f"{file.url} {file.etag} {file.size}") for file in self.files]
        return hashlib.sha256(msgspec.json.encode(marks)).hexdigest()[:32]


class Progress(msgspec.Struct, frozen=True):
    """Bytes `done` of `total` (None: not known) of a model, at `rate` bytes a second; `left` is seconds, None unknown.

    `note` is a sentence where something is to be known, e.g. that the connection was cut and is tried again.
    """

    url: str
    phase: Phase
    done: int
    total: int | None = None
    rate: float = 0.0
    left: float | None = None
    note: str = ""
