"""The vocabulary of a benchmark: row → `Sample` → (a model's) `Response` → `Score` → `Metric`.

A `Task` is data plus short functions. It knows nothing of models or runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, get_args

from scorers.read.normalise import STANDARD, Delimiters
from scorers.types import Answer, Coords, Score, Scorer, ScorerError, Status, Target
from tasks.images import ImageRef

Family = Literal["general_vqa", "math", "chart", "document", "spatial", "grounding"]
"""The six categories; in training each is a `family`, the unit of reward shaping."""

CATEGORIES: tuple[Family, ...] = get_args(Family)

Category = Family | Literal["other"]
"""One of the six, or `other`: a task outside them, whose score enters no mean."""

Style = Literal["direct", "think"]
FinishReason = Literal["stop", "length", "content_filter", "error"]
FINISH_REASONS: tuple[FinishReason, ...] = get_args(FinishReason)
Row = Mapping[str, Any]
"""A data set row as the hub has it."""

Groups = Mapping[str, str | tuple[str, ...]]
"""Group key → the group a sample is in, or the several (MathVista's skills)."""


class RowError(ValueError):
    """A row cannot become a sample: a column is missing or holds what it must not."""


def column(row: Row, name: str, *others: str, null: bool = False) -> Any:
    """The row's value in a column that the task cannot do without.

    Args:
        row: as the data set has it.
        name: of the column on the hub.
        others: what other tools' tables call it.
        null: the published data set has rows where it is null.

    Raises:
        RowError: the column is missing, or null (None or NaN, as tables have an empty cell).
    """
    for found in (name, *others):
        if found in row:
            value = row[found]
            if not null and (value is None or (isinstance(value, float) and value != value)):  # noqa: PLR0124
                raise RowError(f"column {found!r} is null")
            return value
    raise RowError(f"column {name!r} is missing (the row has: {', '.join(map(str, row))})")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt that a task brings ready-made: asked as it is, in no other style and by no other template."""

    parts: tuple[str | int, ...]
    """Texts, and the numbers of images from 0, in the order in which the model sees them."""
    system: str | None = None
    """The system prompt, where the run has none of its own."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One question about zero or more images, with what is needed to judge a response."""

    id: str
    """Unique within the task."""
    question: str
    """What is asked, without choices and instruction; `<image n>` stands where image n belongs."""
    target: Target
    """What the task's scorer compares with: an instance of `Task.target`."""
    images: tuple[ImageRef, ...] = ()
    choices: tuple[str, ...] = ()
    """Option texts, listed as A, B, C … under the question; empty where the question lists them itself."""
    instruction: str = ""
    """How to answer in the direct style, e.g. "Answer with the option's letter." """
    groups: Groups = field(default_factory=dict)
    text_only: bool = False
    """Asked without an image, by the benchmark's design; any other sample without one cannot be asked."""
    meta: Mapping[str, Any] = field(default_factory=dict)
    """Further values for the prompt template (hint, unit); plain JSON."""
    prompt: Prompt | None = None
    """In place of what the template would make of question, choices and instruction."""


@dataclass(frozen=True, slots=True)
class Response:
    """What a model answered."""

    text: str
    finish_reason: FinishReason = "stop"
    """`content_filter`: the provider cut or withheld the answer."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    latency: float = 0.0
    """Seconds from the request to the last token."""
    shown: tuple[tuple[int, int], ...] = ()
    """(width, height) in pixels of each image as the model saw it; empty: as stored."""
    error: str | None = None
    """Why there is no response, in one line."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A number over a task's scores. `harness.scores` computes it with its interval.

    mean: the mean over samples. macro: the mean of the means of the groups of `by`.
    circular: right only where every member of a group of `by` is right, then the mean over groups.
    whole: a number that only `aggregate` can make, of all responses together; it has no interval.
    A mean with `by` is a breakdown: one number a group.
    """

    name: str
    of: str = "value"
    """`value`, `official`, or the name of a score component."""
    reduce: Literal["mean", "macro", "circular", "whole"] = "mean"
    by: str | None = None
    where: tuple[str, str] | None = None
    """Only samples whose group (key, name) matches."""
    scale: float = 100.0
    """What 1.0 is displayed as: 100 for per cent, 1000 for OCRBench's total."""
    headline: bool = False
    aggregate: Callable[[Sequence[str]], float | None] | None = None
    """Makes the number of the `extracted` of all responses that count, in the order of the rows, one epoch at a
    time; the mean of `of` gives the interval then, where that is the same number. Raises ScorerError."""


@dataclass(frozen=True, slots=True)
class Split:
    """A split of a benchmark beside the one that it is usually scored on: what differs there."""

    rows: int | None = None
    """How many rows it has; None: not checked."""
    where: tuple[str, tuple[str, ...]] | None = None
    """As `Source.where`, where it is a part of one table; None: as in the usual split."""
    unanswered: Callable[[Row], Iterable[Sample]] | None = None
    """Makes the samples where its answers are withheld: targets without a gold answer. None: it has answers."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """A response, as a challenge's file needs it."""

    sample: Sample
    """As it was asked, without its images."""
    response: str
    """The text of the response."""
    answer: str
    """What our reader found in it; where that is nothing, its final answer."""
    found: bool
    """Whether the reader found an answer."""


@dataclass(frozen=True, slots=True)
class Submission:
    """The file that a challenge's server scores, where a split's answers are withheld."""

    suffix: str
    """Of the file's name, with its dot."""
    to: str
    """Where it is sent, for the end of the command."""
    content: Callable[[Sequence[Submitted]], bytes]
    """The file, of one response a question in the order of the rows."""
    needs: str | None = None
    """The package that writes it, where that is no dependency of ours."""


@dataclass(frozen=True, slots=True)
class Rubric:
    """What a judge model is asked about a response, and what its reply means. It sees no image."""

    template: str
    """Jinja2 with question, choices, target, letters and the final answer of the response as `response`."""
    read: Callable[[str, Sample], float | None]
    """(the judge's reply, sample) → its verdict, 0..1; None where the reply holds none."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a task's rows are on the hub, in which columns its pictures lie."""

    repo: str
    """Its name today; the hub redirects former names to it."""
    split: str
    configs: tuple[str | None, ...] = (None,)
    config_splits: Mapping[str, str] = field(default_factory=dict)
    """Config → its split, where that is not `split` (MathVerse: the text-only rows)."""
    other_configs: tuple[str, ...] = ()
    """The repository's configurations that hold the same columns and are another benchmark or language."""
    revision: str = "main"
    config_column: str | None = None
    """A column to fill with the config's name (MMMU: the subject)."""
    split_column: str | None = None
    """A column to fill with the split's name (RefSpatial); `split` may then name several, comma-separated."""
    data_files: str | None = None
    """A file within the repo, where it is no `datasets` table (a VLMEvalKit TSV)."""
    where: tuple[str, tuple[str, ...]] | None = None
    """Only rows whose column has one of these values."""
    train_split: str | None = None
    """The split to train on, where the benchmark has one."""
    image_columns: tuple[str, ...] = ("image",)
    """Columns that hold an image or a mask: bytes, a path, base64 or a decoded picture."""
    rows: int | None = None
    """How many rows the split has, to be checked by `harness data verify`."""
    former: tuple[str, ...] = ()
    """Names that the repository had before it moved: folders of these names hold its data too."""
    splits: Mapping[str, Split] = field(default_factory=dict)
    """Further splits that `--split` may name."""


@dataclass(frozen=True)
class Task:
    """One benchmark: where its rows are, what is asked, how it is scored and summed up."""

    name: str
    category: Category
    title: str
    """One line for `harness ls tasks`."""
    source: Source
    to_samples: Callable[[Row], Iterable[Sample]]
    """A row → its samples (RefCOCO: one per expression). Raises RowError."""
    scorer: Scorer
    target: type[Target]
    """The dataclass of `Sample.target`."""
    metrics: tuple[Metric, ...]
    """Exactly one is the headline."""
    limits: Mapping[Style, int] = field(default_factory=lambda: {"direct": 128, "think": 4096})
    """`max_new_tokens` for each prompt style."""
    prompt: str | None = None
    """A Jinja2 template in place of the default one (see tasks/prompts.py)."""
    cluster: str | None = None
    """Group key whose members share an image or a question: intervals resample these together."""
    unit: str | None = None
    """Group key whose members stand or fall together (MMBench rotations): never split by --limit."""
    places: bool = False
    """Answers are places in the image: a coordinate convention must be declared."""
    official: str | None = None
    """The script whose verdict is `Score.official`, by name; None where there is none."""
    judged: bool = False
    """The benchmark is officially scored by a judge model: without one, not comparable to published figures."""
    rubric: Rubric | None = None
    """What a judge is asked where `--judge-url` names one; its verdict is shown beside the score."""
    submission: Submission | None = None
    """The file for the challenge's server, written where a split's answers are withheld."""
    answered: bool = True
    """False: the rows hold no answers, and no response is scored."""
    defect: Callable[[Row], str | None] | None = None
    """A row → what is known to be wrong with it as published, after its id; `harness data verify` lists it."""
    notes: str = ""
    """What a reader of the score should know."""
    labels: tuple[str, ...] = ()
    """What every table that shows the score must say beside it, in a few words."""
    rows: Callable[[str], Any] | None = None
    """Makes the `harness.data.RowSource` of a task that brings its rows, from what `--data` says."""
    prepare: Callable[[], None] | None = None
    """Does what takes long before the first response can be scored."""
    version: str | None = None
    """Of its scorer, where that is not ours; None: a hash of the source of ours."""

    @cached_property
    def summed_by(self) -> frozenset[str]:
        """The group keys that every sample needs: its metrics sum up by them, or its unit is one."""
        by = [metric.by for metric in self.metrics]
        where = [metric.where[0] for metric in self.metrics if metric.where]
        return frozenset(name for name in (*by, *where, self.unit) if name)

    @property
    def headline(self) -> Metric:
        """The metric that stands for the task."""
        return next(metric for metric in self.metrics if metric.headline)

    def on_split(self, name: str) -> Task:
        """The task on one of the splits that its source declares; the usual one is the task itself.

        Raises:
            KeyError: there is no such split.
        """
        if name == self.source.split:
            return self
        split = self.source.splits[name]
        where = split.where or self.source.where
        source = replace(self.source, split=name, where=where, rows=split.rows, config_splits={})
        labels = (f"split {name}", *self.labels)
        if split.unanswered is None:
            return replace(self, source=source, labels=labels)
        return replace(
            self, source=source, to_samples=split.unanswered, answered=False, judged=False, labels=labels
        )

    def score(
        self,
        sample: Sample,
        response: Response,
        *,
        coords: Coords | None = None,
        raw: bool = False,
        delimiters: Delimiters = STANDARD,
    ) -> Score:
        """Judge one response: the only place where a task's score is computed.

        `harness eval` writes it, `harness train` takes its `value` as the reward. Where thinking is open, or an
        answer block is cut by the limit, there is no answer, whatever the scorer would read: `truncated`. What
        a provider's filter withheld or cut is `filtered`. Where the rows hold no answers, the response is read
        and not scored: `unscored`.

        Args:
            sample: what was asked.
            response: what came back.
            coords: the model's coordinate convention, for tasks with `places`.
            raw: judge `official` on the untouched response, not on its final answer.
            delimiters: by which thinking, answers and chat tokens are known.
        """
        score = self._judged(sample, response, coords, raw, delimiters)
        if self.answered or score.status in (Status.FAILED, Status.ERROR):
            return score
        return Score(0.0, None, Status.UNSCORED, score.extracted, score.channel)

    def _judged(
        self, sample: Sample, response: Response, coords: Coords | None, raw: bool, delimiters: Delimiters
    ) -> Score:
        none = 0.0 if self.official else None
        if response.error is not None:
            return Score(0.0, None, Status.FAILED, error=response.error)
        if response.finish_reason == "content_filter":
            return Score(0.0, none, Status.FILTERED)
        shown = response.shown[0] if response.shown else None
        answer = Answer(response.text, coords, shown, raw, delimiters)
        cut = response.finish_reason == "length"
        unfinished = answer.response.open or (cut and answer.response.unclosed)
        if unfinished and not raw:
            return Score(0.0, none, Status.TRUNCATED)
        try:
            score = self.scorer(answer, sample.target)
        except ScorerError as error:
            return Score(0.0, None, Status.ERROR, error=str(error))
        if not isinstance(score, Score):
            raise TypeError(f"the scorer gave {type(score).__name__}, not a Score")
        if unfinished:
            return Score(0.0, score.official, Status.TRUNCATED)
        return replace(score, status=Status.TRUNCATED) if score.status is Status.UNPARSED and cut else score
