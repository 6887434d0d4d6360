"""A run from start to end: plan → generate → journal → score → aggregate.

`execute` is what `harness eval` and `harness.evaluate` call. Running it again with the same configuration
continues: nothing answered is asked twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

from harness import models
from harness.config import RunConfig
from harness.data import RowSource, load_rows
from harness.errors import HarnessError, UsageError
from harness.fingerprint import announced
from harness.jsonl import plain, sha
from harness.progress import Progress
from harness.registry import Registry
from harness.run import finished, identity
from harness.run.asks import Ask, Asks, request_for
from harness.run.controls import changing
from harness.run.items import groups_of
from harness.run.journal import Journal
from harness.run.judge import Judge
from harness.run.lock import Lock
from harness.run.media import Copies, ImageStore
from harness.run.model import RunModel, spec_of, stoppable
from harness.run.plan import PlanOptions, TaskPlan, permuted_images, plan_task
from harness.run.replaced import Replaced
from harness.run.rescoring import judge_task, write_submissions
from harness.run.submission import check_writable
from harness.scores import aggregate, beside
from harness.scores.results import Results, read_results, write_results
from harness.scores.scoring import ScoringThread, write_scores
from harness.scores.verdicts import unanswered
from harness.types import Backend, Request
from scorers.types import COORDS, Coords
from tasks.types import Task


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
    _check_epochs(config)
    tasks = Registry(config.task_file).select(config.suite, config.tasks, config.split)
    check_writable(tasks)
    judge = Judge.open(config.judge, tasks, progress.say) if config.judge is not None else None
    spec = None if backend is not None else spec_of(config)
    if spec is not None and not spec.backend.startswith("entry point"):
        _check_coords(tasks, spec.coords, spec.name)
    with announced(progress.say):
        sources = {task.name: source_of(config, task, alone=len(tasks) == 1) for task in tasks}
        asked_for = models.identify(spec) if spec is not None else None
    fixed = identity.fixed_settings(config, asked_for)
    fingerprints = {name: source.fingerprint for name, source in sources.items()}
    run_dir = config.run_dir
    existed = run_dir.exists()
    try:
        with Lock(run_dir) as lock:
            aside = Replaced(run_dir, replace=config.fresh)
            old = None if config.fresh else identity.run_to_continue(run_dir, progress.say)
            if old is not None:
                identity.check_settings(run_dir, old, config, fixed, fingerprints)
                if asked_for is not None:
                    identity.check_versions(run_dir, old, asked_for["versions"])
                for line in identity.changed_scoring(run_dir, old, config):
                    progress.say(line)
                if asked_for is not None and old["identity"] == plain(asked_for):
                    answered = finished.answered_all(run_dir, config, tasks)
                    if answered is not None:
                        write_submissions(run_dir, tasks)
                        progress.say(f"{run_dir}: {answered} of {answered} are answered already")
                        seconds = round(time.monotonic() - started, 3)
                        return replace(read_results(run_dir), asked=0, seconds=seconds)
            with closing(RunModel(spec, backend, progress.say)) as model:
                run = _Run(config, run_dir, tasks, sources, model, asked_for, fixed, progress, old, lock, judge)
                return run.go(aside, command, started)
    finally:
        if not existed and run_dir.exists() and not any(run_dir.iterdir()):
            run_dir.rmdir()


def source_of(config: RunConfig, task: Task, *, alone: bool) -> RowSource:
    """A task's rows as a configuration names them; `alone`: it is the only task, as of `load_rows`."""
    return load_rows(
        task,
        config.data_source,
        seed=config.seed,
        alone=alone,
        outside_images=config.allow_outside_images,
    )


def plan_options(config: RunConfig, coords: Coords | None) -> PlanOptions:
    """What of a configuration shapes a plan.

    Args:
        config: the run's.
        coords: how its model writes places.
    """
    return PlanOptions(
        config.prompt,
        config.template(),
        coords,
        config.limit,
        config.shard,
        config.max_new_tokens,
        config.max_pixels,
        changing(config.control, config.seed),
    )


def _check_epochs(config: RunConfig, model: Mapping[str, Any] | None = None) -> None:
    """Refuse to ask several times what has one answer; `model`: its description, once it is loaded."""
    sampling = (model or {}).get("generation")
    own = isinstance(sampling, Mapping) and sampling.get("temperature") == 0
    if config.epochs > 1 and (config.greedy or own):
        whose = ", which the checkpoint asks for," if own else ""
        mend = "--generation harness and " if own else ""
        raise UsageError(
            f"--epochs {config.epochs} with greedy decoding{whose} gives {config.epochs} equal answers to each "
            f"sample: give {mend}a --temperature above 0"
        )


def _check_coords(tasks: Sequence[Task], coords: Coords | None, model: str) -> None:
    places = [task.name for task in tasks if task.places]
    if places and coords is None:
        raise UsageError(
            f"{places[0]} asks for places in the image, and how {model} writes coordinates is not known: "
            f"declare it with --coords {'|'.join(COORDS)}"
        )


@dataclass
class _Run:
    config: RunConfig
    run_dir: Path
    tasks: Sequence[Task]
    sources: Mapping[str, RowSource]
    model: RunModel
    asked_for: Mapping[str, Any] | None
    """The model's identity as far as it is known without loading it; None for one that was given."""
    fixed: Mapping[str, Any]
    progress: Progress
    old: dict[str, Any] | None
    """`run.json` of the run to be continued."""
    lock: Lock
    judge: Judge | None
    """To be asked about the responses; None: none, or the one that the run had."""
    coords: Coords | None = None
    asked: int = 0
    """Responses asked for by this command."""
    content: dict[str, Any] = field(default_factory=dict)
    """`run.json` as it was written last."""

    def go(self, aside: Replaced, command: Sequence[str] | None, started: float) -> Results:
        with closing(ImageStore(self.run_dir, fetch=self._fetch)) as store:
            plans = self._prepare(store)
            journal = Journal(self.run_dir / "samples", [plan.task.name for plan in plans])
            scoring = ScoringThread(self.coords, self.config.all_delimiters, self.run_dir)
            with closing(journal), scoring:
                left = self._answer(plans, journal, scoring, aside, command)
                scoring.finish(self.progress)
            self._add_unanswered(plans, scoring, left)
            pictures = store.files
        self.lock.check()
        self._judge(plans, scoring)
        for plan in plans:
            write_scores(self.run_dir / "scores" / f"{plan.task.name}.jsonl", scoring.of(plan.task))
        write_submissions(self.run_dir, self.tasks)
        results = self._results(plans, scoring, time.monotonic() - started)
        write_results(self.run_dir / "results.json", results)
        if self.asked_for is not None and not results.failures:
            finished.record(self.run_dir, self.config, self.tasks, pictures, results.responses)
        return results

    @property
    def _fetch(self) -> Callable[[str], bytes] | None:
        """What gets images by their addresses, where the user allows it."""
        if not self.config.allow_image_urls:
            return None
        from harness.data.fetch import fetch_image

        return fetch_image

    def _prepare(self, store: ImageStore) -> list[TaskPlan]:
        """Plan, and load the model at the same time, unless the run looks finished."""
        if self._known() and self._finished():
            assert self.old is not None
            self.model.recall(self.old["model"], self.old.get("coords"))
            self.coords = self.config.coords or self.model.coords
            return self._plan(store, Event())
        self.coords = self.config.coords or self.model.coords
        plans = self.model.load_beside(partial(self._plan, store))
        expected = self.coords
        self._take_model()
        return plans if self.coords == expected else self._plan(store, Event())

    def _known(self) -> bool:
        """Whether the model is still that of the run, as far as that is known without loading it."""
        old = self.old
        return old is not None and self.asked_for is not None and old["identity"] == plain(self.asked_for)

    def _finished(self) -> bool:
        """Whether the run looks as if nothing were left to ask."""
        old = self.old
        return (
            old is not None
            and (self.run_dir / "results.json").exists()
            and old["tasks"].keys() == self.sources.keys()
            and old["config"].get("limit") == self.config.limit
        )

    def _take_model(self) -> Backend:
        """The loaded model, which is the run's or ends it."""
        backend = self.model.load()
        self.coords = self.config.coords or self.model.coords
        _check_coords(self.tasks, self.coords, self.config.model)
        _check_epochs(self.config, self.model.describe())
        if self.old is not None:
            identity.check_model(self.run_dir, self.old, self.model.describe(), self.coords)
        return backend

    def _plan(self, store: ImageStore, stop: Event) -> list[TaskPlan]:
        options = plan_options(self.config, self.coords)
        plans = []
        with self.progress.stage("planning", None) as stage:
            for task in self.tasks:
                source = stoppable(self.sources[task.name], stop)
                plan = plan_task(task, source, options, store, partial(stage.advance, task.name))
                self._say_failed(plan)
                plans.append(permuted_images(plan, self.config.seed) if self.config.permute_images else plan)
        return plans

    def _say_failed(self, plan: TaskPlan) -> None:
        _, first = next(plan.failed, (0, None))
        if first is not None:
            others = sum(1 for _ in plan.entries.failed) - 1
            more = f" (and {others} more)" if others else ""
            self.progress.say(f"{plan.task.name}: counted as failed: {first.error}{more}")

    def _answer(
        self,
        plans: Sequence[TaskPlan],
        journal: Journal,
        scoring: ScoringThread,
        aside: Replaced,
        command: Sequence[str] | None,
    ) -> Asks:
        """Have scored what is answered already, and ask the rest; what got no answer."""
        model = self.model.describe()
        shas = {
            plan.task.name: identity.generation_sha(model, self.fixed, plan.max_new_tokens, self.coords)
            for plan in plans
        }
        wanted = Asks(plans, shas, self.config.epochs)
        total = len(wanted)
        if not self.config.fresh:
            self._replay(journal, wanted, scoring)
        self.asked = len(wanted)
        if self.asked < total:
            self.progress.say(f"{self.run_dir}: {total - self.asked} of {total} are answered already")
        if self.asked:
            self._take_model()
        tasks = self._described(plans, shas)
        with aside, Copies(self.run_dir / "images" if self.config.images else None) as copies:
            if self.asked:
                (self.run_dir / "results.json").unlink(missing_ok=True)
            self._save(plans, tasks, command)
            if self.config.images:
                copies.add_all(wanted.images_of_answered())
            if self.asked:
                try:
                    self._generate(wanted, journal, scoring, copies, aside)
                finally:
                    self._record_found()
            else:
                aside.drop()
        return wanted

    def _described(self, plans: Sequence[TaskPlan], shas: Mapping[str, str]) -> dict[str, dict[str, Any]]:
        """What `run.json` says of each task."""
        tasks = {
            plan.task.name: {
                "fingerprint": plan.source.fingerprint,
                "data": plan.source.label,
                "synthetic": plan.source.synthetic,
                "max_new_tokens": plan.max_new_tokens,
                "generation_sha": shas[plan.task.name],
                "prompts_sha": plan.entries.prompts_sha(),
                "rendered": self._rendered(plan),
                **({"whole": plan.entries.whole} if self.config.shard is not None else {}),
            }
            for plan in plans
        }
        if self.old is not None:
            identity.check_rendered(self.run_dir, self.old, tasks)
        return tasks

    def _rendered(self, plan: TaskPlan) -> dict[str, str] | None:
        """The first prompt of a task as the model is given it; None where the backend cannot know."""
        if not self.model.loaded:
            recorded: dict[str, str] | None = (self.old or {})["tasks"][plan.task.name].get("rendered")
            return recorded
        render = getattr(self.model.load(), "render", None)
        first = next(plan.planned, None)
        if render is None or first is None:
            return None
        text = render(request_for("", first, plan.max_new_tokens, self.config))
        return {"id": first.sample.id, "sha": sha(text), "example": text} if text is not None else None

    def _save(
        self,
        plans: Sequence[TaskPlan],
        tasks: Mapping[str, Mapping[str, Any]],
        command: Sequence[str] | None,
    ) -> None:
        """Write what is asked, before anything is."""
        content = identity.describe_run(
            self.config,
            model=self.model.describe(),
            coords=self.coords,
            tasks=tasks,
            command=command,
            identity=self.asked_for,
        )
        kept = {name: value for name, value in (self.old or {}).items() if name in ("found", "judge")}
        self.content = content | kept
        identity.save_run(self.run_dir, self.content)
        for plan in plans:
            plan.entries.write(self.run_dir / "items" / f"{plan.task.name}.jsonl")

    def _record_found(self) -> None:
        """Add to `run.json` what the backend found out while asking."""
        found = identity.with_found(self.content, self.model.found())
        if found != self.content:
            self.content = found
            identity.save_run(self.run_dir, found)

    def _add_unanswered(self, plans: Sequence[TaskPlan], scoring: ScoringThread, left: Asks) -> None:
        """The verdicts on what could not be asked, and on what was not answered."""
        for plan in plans:
            for position, row in plan.failed:
                for epoch in range(self.config.epochs):
                    verdict = unanswered(position, row.id, groups_of(plan.task, row), epoch, row.error)
                    scoring.of(plan.task).add(verdict)
            for ask in left.of(plan.task.name):
                sample, why = ask.planned.sample, "the backend gave no answer"
                verdict = unanswered(ask.position, sample.id, sample.groups, ask.key.epoch, why)
                scoring.of(plan.task).add(verdict)

    def _judge(self, plans: Sequence[TaskPlan], scoring: ScoringThread) -> None:
        """Have the responses judged, where a judge is asked for or the run had one."""
        judge = self.judge or Judge.of_run(self.content)
        if judge is None:
            return
        for plan in plans:
            judge_task(
                judge,
                self.run_dir,
                self.content,
                plan.task,
                scoring.of(plan.task),
                delimiters=self.config.all_delimiters,
                progress=self.progress,
            )
        if self.content.get("judge") != judge.described():
            self.content = self.content | {"judge": judge.described()}
            identity.save_run(self.run_dir, self.content)

    def _replay(self, journal: Journal, wanted: Asks, scoring: ScoringThread) -> None:
        """Score what the journal holds already; it is not wanted any more."""
        for name, task_journal in journal.tasks.items():
            repair = task_journal.repair()
            if repair.torn:
                self.progress.say(f"{task_journal.path}: the last line was torn and is dropped")
            if repair.garbage:
                lines = "1 line is" if repair.garbage == 1 else f"{repair.garbage} lines are"
                self.progress.say(f"{task_journal.path}: {lines} garbage, moved to {repair.sidecar}")
            with closing(task_journal.answers()) as answers:
                for ask in wanted.of(name) if len(answers) else ():
                    response = answers.get(ask.key)
                    if response is not None and response.error is None:
                        wanted.answered(ask)
                        scoring.add(ask.task, ask.position, ask.planned.sample, ask.key.epoch, response)

    def _generate(
        self,
        wanted: Asks,
        journal: Journal,
        scoring: ScoringThread,
        copies: Copies,
        aside: Replaced,
    ) -> None:
        """Ask, journal and hand over for scoring; what is answered is not wanted any more."""
        failed = 0
        why = "the backend gave none"
        asked: dict[str, Ask] = {}
        with self.progress.stage("answering", len(wanted)) as stage:
            for request, response in self.model.load().generate(self._requests(wanted, asked, copies)):
                ask = asked.pop(request.key)
                wanted.answered(ask)
                journal.append(ask.key, response)
                scoring.add(ask.task, ask.position, ask.planned.sample, ask.key.epoch, response)
                if response.error is None:
                    aside.drop()
                else:
                    failed += 1
                    if failed == 1:
                        why = response.error
                        self.progress.say(f"{ask.key.task} {ask.key.id}: no answer: {why}")
                stage.advance(ask.key.task, failed)
        if aside.kept:
            raise HarnessError(
                f"{self.run_dir}: no answer ({why}); the run that --fresh was to replace is back"
            )

    def _requests(self, wanted: Asks, asked: dict[str, Ask], copies: Copies) -> Iterator[Request]:
        """The requests, one when it is wanted; `asked` holds those under way by their keys."""
        for ask in wanted:
            copies.add_all(ask.planned.sample.images)
            digest = ask.key.digest
            asked[digest] = ask
            yield request_for(digest, ask.planned, ask.max_new_tokens, self.config)

    def _results(self, plans: Sequence[TaskPlan], scoring: ScoringThread, seconds: float) -> Results:
        tasks = {
            plan.task.name: beside.task_result(
                plan.task,
                scoring.of(plan.task),
                data=plan.source.label,
                fingerprint=plan.source.fingerprint,
                synthetic=plan.source.synthetic,
            )
            for plan in plans
        }
        return aggregate.run_results(
            tasks,
            failure_budget=self.config.failure_budget,
            model=self.model.describe(),
            seconds=seconds,
            run_dir=self.run_dir,
            asked=self.asked,
            shard=self.config.shard,
            control=self.config.control,
            notes=identity.notes_of(self.content),
        )
