"""A file that is not whole yet: `NAME.part`, and beside it `NAME.part.json`, which says of which bytes it is a part.

Its length is what counts: everything before its end was written in order. Whether those bytes are right is known only
when the checksum of the whole is compared.
"""

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from samantha.errors import DownloadError, ModelError
from samantha.models import gguf
from samantha.models.hub.downloads import RemoteFile
from samantha.models.hub.room import no_room

_PIECE = 1 << 20


class Origin(msgspec.Struct, frozen=True):
    """Whose part it is: the checksum or, without one, the server's mark; `validator` is for asking for the rest."""

    checksum: str = ""
    mark: str = ""
    size: int | None = None
    validator: str = ""


class Part:
    """The part of one file, open for writing. `length` is in bytes. Close it in any case."""

    def __init__(self, file: RemoteFile, target: Path) -> None:
        self._file, self._target = file, target
        self.path = target.with_name(f"{target.name}.part")
        self._notes = target.with_name(f"{target.name}.part.json")
        self._take_back()
        known = self._origin()
        if not self._continues(known):
            self._remove()
        self.validator = known.validator if known and self.path.exists() else ""
        self._bytes: BinaryIO = open(self.path, "ab", buffering=0)  # noqa: SIM115 - closed by `close`
        self.length = os.fstat(self._bytes.fileno()).st_size
        self._hash = self._begin()
        self._hashed = 0
        if file.size is not None and self.length > file.size:
            self.restart()

    def catch_up(self) -> Iterator[int]:
        """Read what an earlier download left, for the checksum; yields the bytes read so far."""
        with self.path.open("rb") as earlier:
            while self._hashed < self.length:
                piece = earlier.read(min(_PIECE, self.length - self._hashed))
                if not piece:
                    raise DownloadError(f"{self.path} became shorter while it was read: try again.")
                self._hash.update(piece)
                self._hashed += len(piece)
                yield self._hashed

    def note(self, validator: str) -> None:
        """Remember the server's mark, before the first byte that belongs to it is written."""
        self.validator = validator
        origin = Origin(self._file.checksum, self._file.etag, self._file.size, validator)
        with _on_disk(self.path):
            self._notes.write_bytes(msgspec.json.encode(origin))

    def append(self, piece: bytes) -> None:
        """Write the next bytes.

        Raises:
            DownloadError: the disk is full or fails; what was written before stays.
        """
        rest = memoryview(piece)
        with _on_disk(self.path):
            while rest:
                written = self._bytes.write(rest) or 0
                self._hash.update(rest[:written])
                self.length += written
                self._hashed += written
                rest = rest[written:]

    def beginning(self, count: int) -> bytes:
        """The first bytes."""
        with self.path.open("rb") as whole:
            return whole.read(count)

    def restart(self) -> None:
        """Forget what has come."""
        self._bytes.truncate(0)
        self.length = self._hashed = 0
        self._hash = self._begin()

    def spoiled(self) -> str:
        """Why the whole file is not the one that was meant; "" where it is."""
        name = self._file.name
        if self._file.size is not None and self.length != self._file.size:
            return f"{name} has {self.length} bytes instead of {self._file.size}."
        if self._file.checksum and self._hash.hexdigest() != self._file.checksum.partition(":")[2]:
            return f"The bytes that came for {name} are not those that the hub vouches for (another checksum)."
        if not self._file.checksum:
            try:
                gguf.read(self.path)
            except ModelError as error:
                return str(error)
        return ""

    def finish(self) -> Path:
        """Give it its name, on the disk for good."""
        with _on_disk(self.path):
            os.fsync(self._bytes.fileno())
            self._bytes.close()
            self.path.replace(self._target)
            self._notes.unlink(missing_ok=True)
            sync_folder(self._target.parent)
        return self._target

    def close(self) -> None:
        """Let go of it; what has come stays."""
        self._bytes.close()

    def _begin(self) -> "hashlib._Hash":
        if not self._file.checksum.startswith("git-sha1:"):
            return hashlib.sha256()
        return hashlib.sha1(b"blob %d\0" % (self._file.size or 0), usedforsecurity=False)

    def _origin(self) -> Origin | None:
        try:
            return msgspec.json.decode(self._notes.read_bytes(), type=Origin)
        except (OSError, msgspec.DecodeError):
            return None

    def _take_back(self) -> None:
        """A finished file that nobody vouches for any more (it was changed, or its record lost) is compared again."""
        if self._file.checksum and self._target.is_file() and not self.path.exists():
            with _on_disk(self.path):
                self._target.replace(self.path)
            self.note("")

    def _continues(self, known: Origin | None) -> bool:
        """Whether what lies there belongs to the same bytes."""
        if known is None or not self.path.is_file():
            return False
        if self._file.checksum:
            return known.checksum == self._file.checksum
        return bool(known.mark) and (known.mark, known.size) == (self._file.etag, self._file.size)

    def _remove(self) -> None:
        with _on_disk(self.path):
            self.path.unlink(missing_ok=True)
            self._notes.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` last; systems that cannot do it to a folder do it by themselves."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def _on_disk(path: Path) -> Iterator[None]:
    """Errors of the disk as sentences."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise no_room(path.parent, path.name.removesuffix(".part")) from error
        raise DownloadError(f"{path} cannot be written ({error.strerror}): check the disk and the folder.") from error
