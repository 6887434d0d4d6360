"""Pieces of data on disk for as long as a process needs them, in a file without a name: none is left behind."""

from __future__ import annotations

import os
import tempfile
from array import array
from pathlib import Path
from typing import IO

from harness.jsonl import writing

IN_MEMORY = 256 << 10
"""Bytes that may wait in memory for the disk: what is small needs no file."""


class Spool:
    """Pieces of bytes, read again by their numbers. In memory each costs eight bytes.

    Args:
        folder: on whose disk they lie; None: in the system's folder for temporary files.
        what: they are, for messages.
    """

    def __init__(self, folder: Path | None, what: str) -> None:
        self._folder = folder
        self._path = Path(tempfile.gettempdir() if folder is None else folder) / f"({what} held for a while)"
        self._file: IO[bytes] | None = None
        self._tail, self._written = bytearray(), 0
        """The last pieces, and how many bytes before them are on the disk."""
        self._ends = array("q", [0])

    def __len__(self) -> int:
        return len(self._ends) - 1

    @property
    def size(self) -> int:
        """Bytes of all pieces."""
        return self._ends[-1]

    def open(self) -> IO[bytes]:
        """Make the file now, not with the first piece: the folder may be moved until then.

        Raises:
            HarnessError: it cannot be made.
        """
        with writing(self._path):
            self._file = tempfile.TemporaryFile(buffering=0, dir=self._folder)  # noqa: SIM115 - closed by close()
        return self._file

    def add(self, data: bytes) -> int:
        """Hold a piece; its number, from 0.

        Raises:
            HarnessError: it cannot be written.
        """
        self._tail += data
        self._ends.append(self._ends[-1] + len(data))
        if len(self._tail) > IN_MEMORY:
            self._write(self._file or self.open())
        return len(self._ends) - 2

    def _write(self, file: IO[bytes]) -> None:
        with writing(self._path), memoryview(self._tail) as left:
            done = 0
            while done < len(left):
                done += os.pwrite(file.fileno(), left[done:], self._written + done)
        self._written += done
        self._tail.clear()

    def __getitem__(self, number: int) -> bytes:
        if number < 0:
            raise IndexError(number)
        start, end = self._ends[number], self._ends[number + 1]
        if start >= self._written:
            return bytes(self._tail[start - self._written : end - self._written])
        assert self._file is not None
        return os.pread(self._file.fileno(), end - start, start)

    def close(self) -> None:
        """Free the file. What was in it cannot be read any more."""
        if self._file is not None:
            self._file.close()

    def __del__(self) -> None:
        self.close()
