"""A run from start to end: plan → generate → journal → score → aggregate.

`execute` is what `harness eval` and `harness.evaluate` call. Running it again with the same configuration
continues: nothing answered is asked twice.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from harness import models
from harness.config import SYNTHETIC_LIMIT, RunConfig
from harness.data import RowSource, load_rows
from harness.errors import UsageError
from harness.jsonl import sha
from harness.progress import Progress
from harness.registry import Registry
from harness.run import identity
from harness.run.items import groups_of, write_items
from harness.run.journal import Journal, Key
from harness.run.lock import Lock
from harness.run.media import Copies, ImageStore
from harness.run.plan import (
    FailedRow,
    Planned,
    PlanOptions,
    TaskPlan,
    permuted_images,
    plan_task,
    request_seed,
)
from harness.scores import aggregate
from harness.scores.results import Results, write_results
from harness.scores.scoring import ScoringThread, Verdict, unanswered, write_scores
from harness.types import Backend, PixelLimits, Request, Sampling
from scorers.types import COORDS, Coords
from tasks.types import Task

OWN = ("run.json", "results.json", "report.html", "report_media", "items", "images", "samples", "scores")
"""What a run writes into its directory, beside the lock; `--fresh` removes it."""


def execute(
    config: RunConfig,
    *,
    backend: Backend | None = None,
    command: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> Results:
    """Run an evaluation, or continue it.

    Args:
        config: what to do.
        backend: a model that is loaded already; `config.model` is then only its name.
        command: as typed, kept in `run.json`.
        progress: where to say how far it is; None: nowhere.

    Raises:
        UsageError: something named does not exist, the coordinate convention of a model that must point is
            not known, or the directory holds a run with other settings.
        HarnessError: the data or the model cannot be loaded, the run is in use, or the disk is full.
    """
    started = time.monotonic()
    progress = progress or Progress(quiet=True)
    tasks = Registry(config.task_file).select(config.suite, config.tasks)
    spec = None if backend is not None else _spec(config)
    if spec is not None and not spec.backend.startswith("entry point"):
        _check_coords(tasks, spec.coords, spec.name)
    config.template()
    sources = {task.name: load_rows(task, config.data_source, seed=config.seed) for task in tasks}
    run_dir = config.run_dir
    existed = run_dir.exists()
    try:
        with Lock(run_dir):
            old = None if config.fresh else identity.read_run(run_dir)
            if config.fresh:
                _wipe(run_dir)
            if old is not None:
                identity.check_settings(run_dir, old, config, [task.name for task in tasks])
                for line in identity.changed_scoring(run_dir, old, config):
                    progress.say(line)
            model = backend if backend is not None else models.load(_given(spec))
            try:
                for note in getattr(model, "notes", ()):
                    progress.say(note)
                if (listen := getattr(model, "listen", None)) is not None:
                    listen(progress.say)
                coords = config.coords or model.coords
                _check_coords(tasks, coords, config.model)
                run = _Run(config, run_dir, tasks, sources, model, coords, progress)
                return run.go(old, command, started)
            finally:
                if backend is None:
                    model.close()
    finally:
        if not existed and run_dir.exists() and not any(run_dir.iterdir()):
            run_dir.rmdir()


def _given(spec: models.ModelSpec | None) -> models.ModelSpec:
    assert spec is not None
    return spec


def _spec(config: RunConfig) -> models.ModelSpec:
    return models.resolve(
        config.model,
        backend=config.backend,
        coords=config.coords,
        base_url=config.base_url,
        revision=config.revision,
        dtype=config.dtype,
        batch_size=config.batch_size,
        api_key_env=config.api_key_env,
        concurrency=config.concurrency,
        delimiters=config.all_delimiters,
        pixels=PixelLimits(config.min_pixels, config.max_pixels),
        checkpoint=models.CheckpointOptions(
            adapter=config.adapter,
            processor=config.processor,
            attention=config.attention,
            device=config.device,
            allow_missing_weights=config.allow_missing_weights,
            trust_remote_code=config.trust_remote_code,
            generation=config.generation,
            chat_template=config.chat_template_text(),
            template_vars=config.template_vars,
        ),
        server=models.ServerOptions(
            extra_body=config.extra_body,
            omit=config.omit,
            timeout=config.timeout,
            max_retries=config.max_retries,
            requests_per_minute=config.requests_per_minute,
            max_wait=config.max_wait,
        ),
    )


def _check_coords(tasks: Sequence[Task], coords: Coords | None, model: str) -> None:
    places = [task.name for task in tasks if task.places]
    if places and coords is None:
        raise UsageError(
            f"{places[0]} asks for places in the image, and how {model} writes coordinates is not known: "
            f"declare it with --coords {'|'.join(COORDS)}"
        )


def _wipe(run_dir: Path) -> None:
    """Remove a run's own files; a directory that holds no run is left alone."""
    if not (run_dir / "run.json").exists():
        identity.read_run(run_dir)  # refuses a directory of something else
        return
    for name in OWN:
        path = run_dir / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Ask:
    """One response that is wanted."""

    task: Task
    position: int
    planned: Planned
    key: Key
    max_new_tokens: int


@dataclass
class _Run:
    config: RunConfig
    run_dir: Path
    tasks: Sequence[Task]
    sources: Mapping[str, RowSource]
    backend: Backend
    coords: Coords | None
    progress: Progress
    asked: int = 0
    """Responses asked for by this command."""

    def go(self, old: dict[str, object] | None, command: Sequence[str] | None, started: float) -> Results:
        model = {"backend": self.backend.name, **self.backend.describe()}
        if old is not None:
            fingerprints = {name: source.fingerprint for name, source in self.sources.items()}
            identity.check_contents(self.run_dir, old, model, self.coords, fingerprints)
        with closing(ImageStore(self.run_dir)) as store:
            plans = self._plan(store)
            shas = {
                plan.task.name: identity.generation_sha(model, self.config, plan.max_new_tokens, self.coords)
                for plan in plans
            }
            (self.run_dir / "results.json").unlink(missing_ok=True)
            described = {
                plan.task.name: {
                    "fingerprint": plan.source.fingerprint,
                    "data": plan.source.label,
                    "synthetic": plan.source.synthetic,
                    "max_new_tokens": plan.max_new_tokens,
                    "generation_sha": shas[plan.task.name],
                    "prompts_sha": sha([entry.prompt_sha for entry in plan.planned]),
                }
                for plan in plans
            }
            content = identity.describe_run(
                self.config, model=model, coords=self.coords, tasks=described, command=command
            )
            if old is not None:
                content |= {name: value for name, value in old.items() if name == "found"}
            identity.save_run(self.run_dir, content)
            for plan in plans:
                write_items(self.run_dir / "items" / f"{plan.task.name}.jsonl", plan, self.coords)
            try:
                verdicts = self._answer(plans, shas)
            finally:
                content = identity.with_found(content, getattr(self.backend, "found", dict[str, object])())
                identity.save_run(self.run_dir, content)
        notes = identity.notes_of(content)
        results = self._results(plans, verdicts, model, notes, time.monotonic() - started)
        write_results(self.run_dir / "results.json", results)
        return results

    def _plan(self, store: ImageStore) -> list[TaskPlan]:
        options = PlanOptions(
            self.config.prompt,
            self.config.template(),
            self.coords,
            self.config.limit,
            self.config.max_new_tokens,
            self.config.max_pixels,
        )
        plans = []
        with self.progress.stage("planning", None) as stage:
            for task in self.tasks:
                source = self.sources[task.name]
                endless = source.synthetic and source.count is None and options.limit is None
                limited = replace(options, limit=SYNTHETIC_LIMIT) if endless else options
                plan = plan_task(task, source, limited, store, partial(stage.advance, task.name))
                if plan.failed:
                    more = f" (and {len(plan.failed) - 1} more)" if len(plan.failed) > 1 else ""
                    self.progress.say(f"{task.name}: counted as failed: {plan.failed[0].error}{more}")
                plans.append(permuted_images(plan, self.config.seed) if self.config.permute_images else plan)
        return plans

    def _wanted(self, plans: Sequence[TaskPlan], shas: Mapping[str, str]) -> dict[str, _Ask]:
        """Every response of the run by its key, longest first."""
        asks = []
        for plan in plans:
            name = plan.task.name
            for position, entry in enumerate(plan.entries):
                if isinstance(entry, Planned):
                    for epoch in range(self.config.epochs):
                        key = Key(name, entry.sample.id, epoch, entry.prompt_sha, entry.image_sha, shas[name])
                        asks.append(_Ask(plan.task, position, entry, key, plan.max_new_tokens))
        asks.sort(key=lambda ask: -ask.planned.cost)
        return {ask.key.digest: ask for ask in asks}

    def _answer(self, plans: Sequence[TaskPlan], shas: Mapping[str, str]) -> dict[str, list[Verdict]]:
        """Ask what is not answered yet; score everything."""
        wanted = self._wanted(plans, shas)
        total = len(wanted)
        journal = Journal(self.run_dir / "samples", [plan.task.name for plan in plans])
        copies = Copies(self.run_dir / "images" if self.config.images else None)
        with closing(journal), ScoringThread(self.coords, self.config.all_delimiters) as scoring, copies:
            for digest in self._replay(journal, wanted, scoring):
                copies.add_all(wanted.pop(digest).planned.sample.images)
            if len(wanted) < total:
                self.progress.say(f"{self.run_dir}: {total - len(wanted)} of {total} are answered already")
            self.asked = len(wanted)
            if wanted:
                self._generate(wanted, journal, scoring, copies)
            scoring.finish(self.progress)
        verdicts = scoring.verdicts
        for ask in wanted.values():
            sample, why = ask.planned.sample, "the backend gave no answer"
            missing = unanswered(ask.position, sample.id, sample.groups, ask.key.epoch, why)
            verdicts.setdefault(ask.task.name, []).append(missing)
        for plan in plans:
            verdicts.setdefault(plan.task.name, []).extend(self._unasked(plan))
            verdicts[plan.task.name].sort(key=lambda verdict: (verdict.position, verdict.epoch))
            write_scores(
                self.run_dir / "scores" / f"{plan.task.name}.jsonl", plan.task, verdicts[plan.task.name]
            )
        return verdicts

    def _unasked(self, plan: TaskPlan) -> Iterator[Verdict]:
        for position, entry in enumerate(plan.entries):
            if isinstance(entry, FailedRow):
                groups = groups_of(plan.task, entry)
                for epoch in range(self.config.epochs):
                    yield unanswered(position, entry.id, groups, epoch, entry.error)

    def _replay(self, journal: Journal, wanted: Mapping[str, _Ask], scoring: ScoringThread) -> list[str]:
        """Score what the journal holds already; the keys of it."""
        answered: list[str] = []
        for task_journal in journal.tasks.values():
            repair = task_journal.repair()
            if repair.torn:
                self.progress.say(f"{task_journal.path}: the last line was torn and is dropped")
            if repair.garbage:
                lines = "1 line is" if repair.garbage == 1 else f"{repair.garbage} lines are"
                self.progress.say(f"{task_journal.path}: {lines} garbage, moved to {repair.sidecar}")
            last = {
                digest: response for key, response in task_journal.read() if (digest := key.digest) in wanted
            }
            for digest, response in last.items():
                if response.error is None:
                    ask = wanted[digest]
                    scoring.add(ask.task, ask.position, ask.planned.sample, ask.key.epoch, response)
                    answered.append(digest)
        return answered

    def _generate(
        self, wanted: dict[str, _Ask], journal: Journal, scoring: ScoringThread, copies: Copies
    ) -> None:
        """Ask, journal and hand over for scoring; what is answered leaves `wanted`."""
        failed = 0
        with self.progress.stage("answering", len(wanted)) as stage:
            for request, response in self.backend.generate(self._requests(list(wanted.items()), copies)):
                ask = wanted.pop(request.key)
                journal.append(ask.key, response)
                scoring.add(ask.task, ask.position, ask.planned.sample, ask.key.epoch, response)
                if response.error is not None:
                    failed += 1
                    if failed == 1:
                        self.progress.say(f"{ask.key.task} {ask.key.id}: no answer: {response.error}")
                stage.advance(f"{failed} failed" if failed else "")

    def _requests(self, asks: list[tuple[str, _Ask]], copies: Copies) -> Iterator[Request]:
        config = self.config
        pixels = PixelLimits(config.min_pixels, config.max_pixels)
        for digest, ask in asks:
            images = ask.planned.sample.images
            copies.add_all(images)
            sampling = Sampling(
                ask.max_new_tokens, config.temperature, config.top_p, request_seed(config.seed, digest)
            )
            yield Request(digest, ask.planned.parts, images, sampling, pixels, config.system_prompt)

    def _results(
        self,
        plans: Sequence[TaskPlan],
        verdicts: Mapping[str, list[Verdict]],
        model: Mapping[str, object],
        notes: Sequence[str],
        seconds: float,
    ) -> Results:
        tasks = {
            plan.task.name: aggregate.task_result(
                plan.task,
                verdicts[plan.task.name],
                data=plan.source.label,
                fingerprint=plan.source.fingerprint,
                synthetic=plan.source.synthetic,
            )
            for plan in plans
        }
        return aggregate.run_results(
            tasks,
            failure_budget=self.config.failure_budget,
            model=model,
            seconds=seconds,
            run_dir=self.run_dir,
            asked=self.asked,
            notes=notes,
        )
