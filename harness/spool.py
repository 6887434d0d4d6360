"""Pieces of data on disk for as long as a process needs them, in a file without a name: none is left behind."""

from __future__ import annotations

import os
import tempfile
from array import array
from pathlib import Path
from typing import IO

from harness.jsonl import writing

IN_MEMORY = 256 << 10
"""Bytes of the first pieces that are held in memory: what is small needs no file."""


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
        self._head = bytearray()
        self._ends = array("q", [0])

    def __len__(self) -> int:
        return len(self._ends) - 1

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
        if self._file is None and self._ends[-1] + len(data) <= IN_MEMORY:
            self._head += data
        else:
            self._write(self._file or self.open(), data)
        self._ends.append(self._ends[-1] + len(data))
        return len(self) - 1

    def _write(self, file: IO[bytes], data: bytes) -> None:
        with writing(self._path):
            left = memoryview(data)
            while left:
                left = left[file.write(left) :]

    def __getitem__(self, number: int) -> bytes:
        if not 0 <= number < len(self):
            raise IndexError(number)
        start, end = self._ends[number], self._ends[number + 1]
        if end <= len(self._head):
            return bytes(self._head[start:end])
        assert self._file is not None
        return os.pread(self._file.fileno(), end - start, start - len(self._head))

    def close(self) -> None:
        """Free the file. What was in it cannot be read any more."""
        if self._file is not None:
            self._file.close()

    def __del__(self) -> None:
        self.close()
