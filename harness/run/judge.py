"""A judge model's verdicts on a run's responses: `judge/<task>.jsonl`, a journal of its replies.

A reply is known by the judge and by all that it was asked, the response included: nothing is asked twice. An
error, a time-out, or a reply without a verdict gives none: these are counted, and asked again when the command
is rerun. Verdicts are shown beside the scores; no score and no reward is made of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any

from harness import models
from harness.errors import FAULTS, UsageError, named
from harness.jsonl import sha
from harness.models import JudgeOptions
from harness.progress import Progress
from harness.run.items import FailedRow, Item
from harness.run.journal import Key, TaskJournal
from harness.scores.rulings import Rulings
from harness.scores.verdicts import STATUSES, Verdicts
from harness.types import Backend, Request, Sampling
from scorers.read.normalise import Delimiters, clean
from scorers.types import Status
from tasks.rubrics import question_for
from tasks.types import Response, Sample, Task

SAMPLING = Sampling(max_new_tokens=4096)
"""Greedy. Judges that think need room for it."""
TIMEOUT = 120.0
"""Seconds for one attempt, where the user says nothing else."""
_JUDGED = (Status.OK, Status.UNPARSED)
_SHOWN = 80
"""Characters of a reply without a verdict that are told, its last."""
_CUT = {"length": "by the token limit", "content_filter": "by the provider's content filter"}

Asked = Iterable[tuple[int, Item | FailedRow, int, Response | None]]
"""(position, item, epoch, response) of what a run asks of a task, in order."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a judge about one response."""

    row: int
    """Of the response, in the table of verdicts."""
    sample: Sample
    text: str
    key: Key


class Judge:
    """A judge that can be asked, or one whose replies are there already.

    Args:
        model: its name.
        backend: to ask; None: what was not asked before gets no verdict.
    """

    def __init__(self, model: str, backend: Backend | None = None) -> None:
        self.model, self.backend = model, backend
        self._sha = sha(model, SAMPLING.max_new_tokens, SAMPLING.temperature)

    @classmethod
    def open(cls, options: JudgeOptions, tasks: Iterable[Task], say: Callable[[str], None]) -> Judge:
        """Connect to a judge.

        Raises:
            UsageError: no task has a rubric, the address cannot be, there is no such key or model.
        """
        if not any(task.rubric is not None and task.answered for task in tasks):
            raise UsageError("--judge-url: none of the tasks has a rubric for a judge (see docs/judge.md)")
        server = models.ServerOptions(timeout=options.timeout or TIMEOUT)
        try:
            backend = models.load(
                models.resolve(
                    options.model,
                    backend="openai",
                    base_url=options.url,
                    api_key_env=options.key_env,
                    server=server,
                )
            )
        except UsageError as error:
            said = str(error).replace("--api-key-env", "--judge-key-env").replace("--base-url", "--judge-url")
            raise UsageError(said.replace("--model ", "--judge-model ")) from None
        if listen := getattr(backend, "listen", None):
            listen(say)
        return cls(options.model, backend)

    @classmethod
    def of_run(cls, run: Mapping[str, Any]) -> Judge | None:
        """The judge that a run had, whose replies its folder has; None: it had none."""
        told = run.get("judge")
        return cls(told["model"]) if told is not None else None

    def described(self) -> dict[str, str]:
        """What `run.json` says of it."""
        return {"model": self.model}

    def rule(
        self,
        run_dir: Path,
        task: Task,
        verdicts: Verdicts,
        asked: Callable[[], Asked],
        *,
        delimiters: Delimiters,
        progress: Progress,
    ) -> None:
        """Add verdicts to a task's table, and ask for those that are missing, where the task has a rubric.

        Args:
            run_dir: the run.
            task: by whose rubric.
            verdicts: of its responses.
            asked: what the run asks of it, from the start at each call.
            delimiters: by which responses are read.
            progress: where to say how far it is.
        """
        if task.rubric is None or not task.answered:
            return
        verdicts.rulings = rulings = Rulings(self.model, sha(task.rubric.template))
        journal = TaskJournal(run_dir / "judge" / f"{task.name}.jsonl", task.name)
        if self.backend is not None:
            journal.repair()

        def questions() -> Iterator[Question]:
            return self._questions(task, verdicts, rulings, asked(), delimiters)

        wanted: dict[str, list[int]] = {}
        with closing(journal.answers()) as replies:
            for question in questions():
                reply = replies.get(question.key)
                number = None if reply is None else _verdict(task, question.sample, reply)
                if isinstance(number, float):
                    rulings.scores[question.row] = number
                else:
                    wanted.setdefault(question.key.digest, []).append(question.row)
        if self.backend is None:
            missing = (row for rows in wanted.values() for row in rows)
            rulings.failed |= dict.fromkeys(missing, "the judge has not been asked yet")
            return
        under_way: dict[str, Question] = {}
        with closing(journal), progress.stage(f"{task.name}: judge", len(wanted)) as stage:
            for request, reply in self.backend.generate(_requests(questions(), wanted, under_way)):
                question = under_way.pop(request.key)
                journal.append(question.key, reply)
                found = _verdict(task, question.sample, reply)
                for row in wanted[request.key]:
                    if isinstance(found, float):
                        rulings.scores[row] = found
                    else:
                        rulings.failed[row] = found
                stage.advance(f"{len(rulings.failed)} failed" if rulings.failed else "")

    def _questions(
        self, task: Task, verdicts: Verdicts, rulings: Rulings, asked: Asked, delimiters: Delimiters
    ) -> Iterator[Question]:
        """What there is to ask of a task's responses: those with an answer that can be judged."""
        assert task.rubric is not None
        rows = iter(verdicts.ordered())
        row = next(rows, None)
        for position, item, epoch, response in asked:
            if row is None or (verdicts.positions[row], verdicts.epochs[row]) != (position, epoch):
                continue  # not answered yet
            mine, row = row, next(rows, None)
            judged = STATUSES[verdicts.statuses[mine]] in _JUDGED
            if isinstance(item, FailedRow) or response is None or not judged:
                continue
            answer = clean(response.text, delimiters).final
            if not answer:
                continue
            try:
                text = question_for(task.rubric, item.sample, answer)
            except FAULTS as error:
                rulings.failed[mine] = f"the rubric of {task.name} failed: {named(error)}"
                continue
            yield Question(mine, item.sample, text, Key(task.name, item.id, 0, sha(text), "", self._sha))


def _requests(
    questions: Iterable[Question], wanted: Mapping[str, Any], under_way: dict[str, Question]
) -> Iterator[Request]:
    """A request for each different question that is wanted; `under_way` holds those handed out."""
    left = set(wanted)
    for question in questions:
        digest = question.key.digest
        if digest in left:
            left.remove(digest)
            under_way[digest] = question
            yield Request(digest, (question.text,), (), SAMPLING)


def _verdict(task: Task, sample: Sample, reply: Response) -> float | str:
    """The verdict of a reply, or why it holds none."""
    assert task.rubric is not None
    if reply.error is not None:
        return reply.error
    if reply.finish_reason != "stop":
        return "the judge's reply was cut: " + _CUT[reply.finish_reason]
    text = clean(reply.text).final
    try:
        found = task.rubric.read(text, sample)
    except FAULTS as error:
        return f"the rubric of {task.name} failed: {named(error)}"
    if found is None:
        return f"no verdict in the judge's reply: {text[-_SHOWN:]!r}"
    if not isinstance(found, Real) or not 0 <= found <= 1:
        return f"the rubric of {task.name} gave {found!r}, which is no number in 0..1"
    return float(found)
