"""The run that `--fresh` replaces: out of the way, and gone for good once the new one has an answer."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import TracebackType

from harness.run.identity import read_run

OWN = (
    *("run.json", "results.json", "finished.json", "report.html", "report_media"),
    *("items", "images", "samples", "scores", "reported"),
)
"""What a run writes into its directory, beside the lock."""
FOLDER = "replaced"


class Replaced:
    """Within the block, an old run lies in a folder of its own; what is not dropped is put back at the end.

    Args:
        run_dir: where the new run is to be.
        replace: move an old run aside. Otherwise only what a killed process left is dropped.

    Raises:
        UsageError: the directory holds something that is no run.
    """

    def __init__(self, run_dir: Path, *, replace: bool) -> None:
        self._run_dir, self._folder = run_dir, run_dir / FOLDER
        self._replace = replace and (run_dir / "run.json").exists()
        self._dropped = False
        if replace and not self._replace:
            read_run(run_dir)

    def __enter__(self) -> Replaced:
        if self.kept:
            self._clear()  # by a process that was killed before its first answer
        elif self._replace:
            self._folder.mkdir()
            self._move(self._run_dir, self._folder)
        return self

    @property
    def kept(self) -> bool:
        """Whether an old run is still to be put back."""
        return self._replace and not self._dropped and self._folder.is_dir()

    def drop(self) -> None:
        """Remove the old run: the new one has taken its place."""
        if not self._dropped and self._folder.is_dir():
            shutil.rmtree(self._folder)
        self._dropped = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.kept:
            self._clear()
            self._move(self._folder, self._run_dir)
            self._folder.rmdir()

    def _clear(self) -> None:
        for path in (self._run_dir / name for name in OWN):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    @staticmethod
    def _move(here: Path, there: Path) -> None:
        for name in OWN:
            if (here / name).exists():
                (here / name).replace(there / name)
