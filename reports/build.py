"""A report: the sections that its runs call for, in one file."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.jsonl import write_atomic
from harness.progress import Progress
from harness.words import counted
from reports.beside import judge_section, repeats_section
from reports.board.board import make_board
from reports.board.leaderboard import board_section
from reports.board.tags import notice
from reports.breakdown import breakdown_section
from reports.imported import imported_section
from reports.page import Section, render
from reports.runs import Run, load_runs
from reports.samples.section import samples_section

if TYPE_CHECKING:
    from reports.training.runs import TrainingRun


@dataclass(frozen=True, slots=True)
class Built:
    """A report that was written."""

    path: Path
    size: int
    """Bytes, without the folder of media."""
    runs: int
    """Evaluation and training runs."""
    samples: int
    """Responses, counted over the evaluation runs."""


def build(
    runs: Sequence[Run],
    out: Path,
    *,
    training: Sequence[TrainingRun] = (),
    title: str | None = None,
    samples: bool = True,
    first: str | None = None,
    live: str | None = None,
    baseline: bool = False,
    allow_mismatch: bool = False,
    progress: Progress | None = None,
) -> Built:
    """Write a report, whole or not at all.

    Args:
        runs: evaluation runs.
        out: the file; media that do not fit into it go to the folder `<stem>_media` beside it.
        training: training runs, in a tab of their own.
        title: of the window and the page.
        samples: with the sample viewer.
        first: id of the section that the page opens on; by default the leaderboard.
        live: the address at which a server has what is new of the training runs; None: there is no server.
        baseline: the comparison is with the first run; else it opens on the two best.
        allow_mismatch: compare tasks whose data, images or scorers differ on the samples that agree.
        progress: where to say how far it is.

    Raises:
        HarnessError: a file of a run is broken, or the report cannot be written.
    """
    progress = progress or Progress(quiet=True)
    sections = []
    with _rarely_collected(), progress.stage("report", None) as stage:
        for section in _sections(
            runs, training, out, samples, live, baseline=baseline, allow_mismatch=allow_mismatch
        ):
            sections.append(section)
            stage.advance(section.title)
        sections.sort(key=lambda section: section.id != first)
        name = title or default_title(runs, training)
        pieces = render(name, sections, notice=notice(runs), live=live is not None)
        try:
            write_atomic(out, (piece.encode("utf-8", "backslashreplace") for piece in pieces))
        except OSError as error:
            raise HarnessError(f"{out}: cannot be written: {error.strerror or error}") from None
    count = sum(task.responses for run in runs for task in run.results.tasks.values())
    return Built(out, out.stat().st_size, len(runs) + len(training), count)


@contextmanager
def _rarely_collected() -> Iterator[None]:
    """Look for garbage rarely: millions of objects live to the report's end, and hardly any are in a cycle."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def write_run_report(run_dir: Path, progress: Progress) -> Built:
    """Write `report.html` into the folder of a run: what `harness eval` leaves behind.

    Raises:
        HarnessError: a file of the run cannot be read, or the report cannot be written.
    """
    runs = load_runs([run_dir])
    return build(runs, default_path(runs), progress=progress)


def summary(built: Built) -> str:
    """One line about a report."""
    size = f"{built.size / 1e6:.1f} MB" if built.size >= 1e5 else f"{built.size / 1e3:.0f} kB"
    samples = f", {counted(built.samples, 'sample')}" if built.samples else ""
    return f"{built.path}: {size}, {counted(built.runs, 'run')}{samples}"


def default_title(runs: Sequence[Run], training: Sequence[TrainingRun] = ()) -> str:
    """The title of a report of these runs."""
    if not runs:
        return training[0].name if len(training) == 1 else "Training"
    return runs[0].name if len(runs) == 1 else "Leaderboard"


def default_path(runs: Sequence[Run], training: Sequence[TrainingRun] = ()) -> Path:
    """Where a report goes: a single run's into the run's own folder."""
    paths = [run.path for run in runs] + [run.path for run in training]
    return paths[0] / "report.html" if len(paths) == 1 else Path("leaderboard.html")


def _sections(
    runs: Sequence[Run],
    training: Sequence[TrainingRun],
    out: Path,
    samples: bool,
    live: str | None,
    *,
    baseline: bool,
    allow_mismatch: bool,
) -> Iterator[Section]:
    if runs:
        board, pairs = make_board(runs), None
        if len(runs) > 1:  # imported only now: a run's own report needs no numpy
            from reports.compare import compare_section
            from reports.pairs import pairings

            opened = (0, 1) if baseline else (min(board.order[:2]), max(board.order[:2]))
            pairs = pairings(runs, 0 if baseline else board.order[0], allow_mismatch=allow_mismatch)
            yield board_section(board, pairs, samples=samples)
            yield breakdown_section(board, samples=samples)
            yield compare_section(runs, pairs, opened, samples=samples)
        else:
            yield board_section(board, samples=samples)
            yield breakdown_section(board, samples=samples)
        beside = (repeats_section(runs), judge_section(runs, samples=samples))
        yield from (section for section in beside if section is not None)
        if (imported := imported_section(runs, samples=samples)) is not None:
            yield imported
        if samples:
            yield samples_section(runs, out.with_name(f"{out.stem}_media"))
    if training:
        from reports.training.section import training_section

        yield training_section(training, runs, live)
