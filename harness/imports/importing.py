"""Another tool's log as a run of ours: judged by our rules, beside what the tool said."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from harness.config import SYNTHETIC_LIMIT, RunConfig
from harness.data import RowSource, load_rows
from harness.data.files import wanted
from harness.errors import UsageError
from harness.imports.joined import Match, Places
from harness.imports.logged import Log, Logged
from harness.imports.reported import Place, reported_path, write_reported
from harness.jsonl import sha
from harness.progress import Progress
from harness.run import identity, rescore
from harness.run.items import FailedRow, Planned
from harness.run.journal import Journal, Key
from harness.run.lock import Lock
from harness.run.media import Copies, ImageStore
from harness.run.plan import PlanOptions, TaskPlan, plan_task
from harness.run.replaced import Replaced
from harness.scores.results import Results
from harness.words import counted
from scorers.types import COORDS
from tasks.prompts import ImagePart, Part
from tasks.types import Response, Task

MISSING = "the log has no prediction of it"
IMPORTED = "imported"
"""The backend's name in `run.json`, and the key of what a run says of its log."""


def import_log(
    log: Log,
    path: Path,
    task: Task,
    config: RunConfig,
    *,
    partial_data: bool = False,
    command: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> Results:
    """Make a complete run of a log.

    Args:
        log: what `read_log` gives.
        path: the log's file.
        task: whose rules judge.
        config: the model's name, the data, the run's folder, and how responses are read; all rows are taken.
        partial_data: rows that the log lacks are left out; else they are counted `failed`.
        command: as typed, kept in `run.json`.
        progress: where to say how far it is; None: nowhere.

    Raises:
        UsageError: the folder holds a run already, the coordinates of a task with places are not declared, or
            the log or the data cannot be read.
        HarnessError: the data cannot be loaded, or the run cannot be written.
    """
    progress = progress or Progress(quiet=True)
    _check(task, config)
    predictions = _of_the_split(log, task)
    if not predictions:
        raise UsageError(f"{path}: no predictions of {task.name}'s split in it")
    config = config.model_copy(update={"epochs": _epochs(path, predictions)})
    run_dir = config.run_dir
    existed = run_dir.exists()
    source = load_rows(task, config.data_source, seed=config.seed, alone=True)
    try:
        with Lock(run_dir) as lock:
            aside = Replaced(run_dir, replace=config.fresh)
            if not config.fresh and identity.read_run(run_dir) is not None:
                raise UsageError(
                    f"{run_dir}: holds a run already: choose another --out, or --fresh to replace it"
                )
            with aside, closing(ImageStore(run_dir)) as store:
                made = _Import(log, path, task, config, source, predictions, store, progress, partial_data)
                made.write(run_dir, command)
                lock.check()
                aside.drop()
    finally:
        if not existed and run_dir.exists() and not any(run_dir.iterdir()):
            run_dir.rmdir()
    return rescore(run_dir, progress).results


def _of_the_split(log: Log, task: Task) -> list[Logged]:
    """The predictions of the task's split, where the log's rows say theirs; they are then counted anew."""
    found = list(log.predictions)
    kept = [each for each in found if wanted(each.record, task.source)]
    return kept if len(kept) == len(found) else [replace(each, number=n) for n, each in enumerate(kept)]


def _epochs(path: Path, predictions: Sequence[Logged]) -> int:
    """How often each sample was asked."""
    epochs = 1 + max(logged.epoch for logged in predictions)
    if epochs > len(predictions):
        raise UsageError(f"{path}: names epoch {epochs} and holds {counted(len(predictions), 'prediction')}")
    return epochs


def _check(task: Task, config: RunConfig) -> None:
    if task.places and config.coords is None:
        raise UsageError(
            f"{task.name} asks for places in the image, and no log says how its model writes coordinates: "
            f"declare it with --coords {'|'.join(COORDS)}"
        )


@dataclass
class _Import:
    log: Log
    path: Path
    task: Task
    config: RunConfig
    source: RowSource
    predictions: list[Logged]
    store: ImageStore
    progress: Progress
    partial_data: bool
    found: dict[Place, Match] = field(default_factory=dict)
    extra: list[FailedRow] = field(default_factory=list)
    """Predictions that are about no sample of the data."""
    unaskable: set[str] = field(default_factory=set)
    """Rows of the data that gave no sample, and that predictions are about."""

    @cached_property
    def sha256(self) -> str:
        """Of the log's file."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def write(self, run_dir: Path, command: Sequence[str] | None) -> None:
        """Write all of the run but its scores and results."""
        plan = self._matched()
        described = self._described(plan)
        content = self._content(plan, described, command)
        identity.save_run(run_dir, content)
        plan.entries.write(run_dir / "items" / f"{self.task.name}.jsonl")
        with closing(Journal(run_dir / "samples", [self.task.name])) as journal:
            for key, response in self._responses(plan, described["generation_sha"]):
                journal.append(key, response)
        said = ((place, match.logged.said) for place, match in self.found.items() if match.why_not is None)
        write_reported(reported_path(run_dir, self.task.name), said)
        with Copies(run_dir / "images" if self.config.images else None) as copies:
            for position in plan.entries.asked:
                copies.add_all(plan.entries.images(position))

    def _matched(self) -> TaskPlan:
        """The plan, each sample with the prompt that the log has, and what is no sample's at its end."""
        places = Places(self.task)
        options = PlanOptions(
            self.config.prompt, None, self.config.coords, self._limit(), max_pixels=self.config.max_pixels
        )
        with self.progress.stage("planning", None) as stage:
            plan = plan_task(
                replace(self.task, to_samples=places.watched),
                self.source,
                options,
                self.store,
                partial(stage.advance, self.task.name),
            )
        places.take(plan.entries)
        for logged in self.predictions:
            self._place(places, logged)
        prompts = {match.id: match.logged for match in self.found.values() if match.why_not is None}
        entries = plan.entries.empty()
        for entry in plan.entries:
            if isinstance(entry, Planned) and entry.sample.id in prompts:
                entries.append(_asked(entry, prompts[entry.sample.id]))
            elif not self.partial_data or self._known(entry):
                entries.append(entry)
        for row in self.extra:
            entries.append(row)
        return replace(plan, task=self.task, entries=entries)

    def _limit(self) -> int | None:
        """How many samples: all, but drawn data have no end, and are drawn as far as the log goes."""
        if not self.source.synthetic:
            return None
        numbers = [logged.number + 1 for logged in self.predictions if logged.number is not None]
        return max(numbers, default=SYNTHETIC_LIMIT)

    def _place(self, places: Places, logged: Logged) -> None:
        match = places.find(logged)
        if match is not None and match.unaskable:
            self.unaskable.add(match.id)  # counted as failed already
            return
        why = f"{self.source.label} has no row {logged.key}" if match is None else ""
        if match is not None and (match.id, logged.epoch) in self.found:
            earlier = self.found[match.id, logged.epoch]
            if earlier.why_not is None or match.why_not is not None:
                why = f"{earlier.logged.where} is about the same row, {match.id}"
        if why or match is None:
            name = logged.where.removeprefix(f"{self.path}:")
            self.extra.append(FailedRow(f"log {name}", f"{logged.where}: {why}"))
        else:
            self.found[match.id, logged.epoch] = match

    def _known(self, entry: Planned | FailedRow) -> bool:
        """Whether the log has a prediction of it."""
        if isinstance(entry, FailedRow):
            return entry.id in self.unaskable
        return any((entry.sample.id, epoch) in self.found for epoch in range(self.config.epochs))

    def _responses(self, plan: TaskPlan, generation_sha: str) -> Iterator[tuple[Key, Response]]:
        """Every response that the run asks for; in place of one that is missing or is not judged, why."""
        for entry in plan.planned:
            name, shas = entry.sample.id, (entry.prompt_sha, entry.image_sha, generation_sha)
            for epoch in range(self.config.epochs):
                yield Key(self.task.name, name, epoch, *shas), _response(self.found.get((name, epoch)))

    def _described(self, plan: TaskPlan) -> dict[str, Any]:
        config = self.config
        return {
            "fingerprint": plan.source.fingerprint,
            "data": plan.source.label,
            "synthetic": plan.source.synthetic,
            "max_new_tokens": None,
            "generation_sha": identity.generation_sha(
                self._model(), identity.fixed_settings(config, None), 0, config.coords
            ),
            "prompts_sha": plan.entries.prompts_sha(),
            "rendered": None,
        }

    def _model(self) -> dict[str, Any]:
        return {"backend": IMPORTED, "model": self.config.model, "tool": self.log.tool, "log": self.sha256}

    def _content(
        self, plan: TaskPlan, described: Mapping[str, Any], command: Sequence[str] | None
    ) -> dict[str, Any]:
        """`run.json`."""
        log = self.log
        content = identity.describe_run(
            self.config,
            model=self._model(),
            coords=self.config.coords,
            tasks={self.task.name: described},
            command=command,
        )
        headline = log.headline
        return content | {
            IMPORTED: {
                "tool": log.tool,
                "version": log.version,
                "task": log.name,
                "file": self.path.name,
                "sha256": self.sha256,
                "beside": list(log.beside),
                "metric": log.metric,
                "headline": {"metric": headline.metric, "value": headline.value} if headline else None,
                "judged": log.judged,
                "prompts": "whole" if log.prompts else "the question alone",
                **self._counts(plan),
            },
            "found": {"notes": list(self._notes(plan))},
        }

    def _counts(self, plan: TaskPlan) -> dict[str, int]:
        """How many predictions there are, and what became of them."""
        refused = sum(match.why_not is not None for match in self.found.values())
        wanted_responses = sum(1 for _ in plan.entries.asked) * self.config.epochs
        return {
            "predictions": len(self.predictions),
            "judged_predictions": len(self.found) - refused,
            "other_question": refused,
            "no_row": len(self.extra),
            "missing": wanted_responses - len(self.found),
        }

    def _notes(self, plan: TaskPlan) -> Iterator[str]:
        counts, log = self._counts(plan), self.log
        version = f" {log.version}" if log.version else ""
        yield f"{self.task.name}: asked by {log.tool}{version}, with its prompts; judged by our rules."
        if counts["missing"]:
            yield (
                f"{self.task.name}: {counted(counts['missing'], 'response')} of the data's rows not in the "
                "log, counted as failed; --partial leaves such rows out."
            )
        if self.partial_data:
            yield f"{self.task.name}: --partial: rows that the log lacks are left out of n."


def _asked(entry: Planned, logged: Logged) -> Planned:
    """The sample with what the log says was asked, in place of our own prompt."""
    parts: tuple[Part, ...] = (*(part for part in entry.parts if isinstance(part, ImagePart)), logged.question)
    return replace(entry, parts=parts, prompt_sha=sha([logged.question, len(parts) - 1]))


def _response(match: Match | None) -> Response:
    if match is None:
        return Response("", "error", error=MISSING)
    logged = match.logged
    if match.why_not is not None:
        return Response("", "error", error=f"{logged.where}: {match.why_not}")
    if logged.error is not None:
        return Response("", "error", error=f"{logged.where}: {logged.error}")
    return Response(logged.response, logged.finish_reason, logged.prompt_tokens, logged.completion_tokens, 0.0)
