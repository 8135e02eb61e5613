"""What has arrived of a file, kept so that a later download can go on from it."""

from pathlib import Path

import attrs


@attrs.frozen
class Partial:
    """Keep the first bytes of a file, and what tells whether the server's is the same.

    Attributes:
        file: holds the bytes; it is there only after `begin`.
        tag: holds the server's validator, an ETag or a date.
    """

    file: Path
    tag: Path

    @classmethod
    def of(cls, path: Path) -> "Partial":
        """Name the files beside the path that the whole will have."""
        names = (path.name + ending for ending in (".part", ".part.tag"))
        return cls(*map(path.with_name, names))

    def size(self) -> int:
        """Return how many bytes there are."""
        return self.file.stat().st_size if self.file.exists() else 0

    def validator(self) -> str:
        """Return what tells whether the server's file is the same, "" if unknown."""
        return self.tag.read_text("utf-8") if self.tag.exists() else ""

    def begin(self, validator: str) -> None:
        """Start anew with no bytes."""
        self.forget()  # first: it must never be that of other bytes
        self.file.write_bytes(b"")
        if validator:
            self.tag.write_text(validator, "utf-8")

    def forget(self) -> None:
        """Drop the validator: nothing can go on from the bytes."""
        self.tag.unlink(missing_ok=True)

    def drop(self) -> None:
        """Delete everything."""
        self.forget()
        self.file.unlink(missing_ok=True)

    def finish(self, path: Path) -> None:
        """Move the bytes, which are whole, to their place."""
        self.file.replace(path)
        self.forget()
