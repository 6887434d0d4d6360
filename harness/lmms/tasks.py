"""One task of lmms-eval as one of ours: its prompts, verdicts and metrics, our models and journal."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from harness.data.base import BadRow, RowSource
from harness.errors import HarnessError, UsageError
from harness.lmms.catalogue import PREFIX, Catalogue, Entry, modules, settings
from harness.lmms.child import PATIENCE, WorkerError, child
from scorers.read.normalise import STANDARD, Delimiters
from scorers.types import Answer, Coords, Score, ScorerError, Status, Target
from tasks.images import ImageRef
from tasks.types import Metric, Prompt, Response, Row, Sample, Source, Task

MAX_NEW_TOKENS = 1024
"""Where a task names no limit: as lmms-eval's model of OpenAI-compatible servers has it."""
LOCAL = frozenset({"csv", "json", "parquet", "text", "pandas", "arrow"})
"""What a task names as its data set where its rows lie in files."""
NO_NUMBER = "no_number"
"""The component that marks a document without a number of its own: its value, 0, then means nothing."""
_OVERALL = re.compile("overall|average|total", re.IGNORECASE)
"""How the metric is called that stands for a task of several; else it is the first of its list."""
_JUDGES = (b"llm_judge", b"OPENAI_API_KEY")


@dataclass(frozen=True, slots=True)
class Document(Target):
    """What lmms-eval's rules compare a response with."""

    index: int
    """Of the document, within the split."""
    doc: str | None
    """The document without its media, as JSON; None where the rule looks at these: then it needs the data."""
    targets: int
    """How many right answers the task says that documents have."""
    answer: str | None
    """A right answer, as the task gives it."""

    def gold(self, coords: Coords | None = None) -> str | None:  # noqa: ARG002 - no place is asked for
        """A right answer, as the task gives it: not always what its rule would read as right."""
        return self.answer


_FILES: dict[str, list[str] | None] = {}
"""The tasks whose data lmms-eval was told to load, by their YAML files: from which files, or from its own."""


@dataclass(frozen=True, slots=True)
class Rules:
    """A task's rules, asked of lmms-eval."""

    name: str
    """As lmms-eval knows the task."""
    yaml: str
    """The task's file."""
    repo: str
    """What the task names as its data set."""
    headline: str
    score_key: str
    """Under which a document's value, where it is an object, holds its score."""

    @property
    def _spec(self) -> dict[str, Any]:
        return {"yaml": self.yaml, "files": _FILES.get(self.yaml)}

    def prepare(self) -> None:
        """Have lmms-eval imported, which takes longer than a response may.

        Raises:
            HarnessError: it cannot be, or a rule of the task cannot.
        """
        try:
            child().ask("prepare", spec=self._spec)
        except WorkerError as error:
            raise HarnessError(f"{PREFIX}{self.name}: {error}") from None

    def rows(self, data: str) -> RowSource:
        """The rows of the task's own data set, or of parquet files in a directory's folder of its name.

        Args:
            data: as for `load_rows`; only a directory counts, as a task brings its own data set.

        Raises:
            UsageError: the directory does not hold the task, or the task shows what cannot be shown here.
            HarnessError: the data cannot be loaded, or lmms-eval not be imported.
        """
        files = self._files(Path(data)) if data not in ("hub", "synthetic") else None
        label = self.repo if files is None else f"directory: {Path(data)}"
        spec = {"yaml": self.yaml, "files": files}
        try:
            opened, _ = child().ask("open", spec=spec)
        except WorkerError as error:
            raise HarnessError(f"{PREFIX}{self.name}: its data ({label}) cannot be loaded: {error}") from None
        _only_images(PREFIX + self.name, opened["shows"])
        _FILES[self.yaml] = files
        read = partial(self._read, spec, opened["count"])
        return RowSource(read, opened["fingerprint"], f"lmms-eval: {label}", count=opened["count"])

    def _files(self, directory: Path) -> list[str] | None:
        """The parquet files of the task in a data directory; None where its own settings name files."""
        if not directory.is_dir():
            raise UsageError(f"--data {directory}: there is no such directory")
        folder = directory / self.name
        files = sorted(str(path.absolute()) for path in folder.glob("**/*.parquet"))
        if not files and self.repo not in LOCAL:
            raise UsageError(f"no rows of {PREFIX}{self.name} in {directory}: make {folder} with parquet files")
        return files or None

    def _read(self, spec: Mapping[str, Any], count: int) -> Iterator[Row | BadRow]:
        for index in range(count):
            try:
                row, images = child().ask("doc", spec=spec, index=index, patience=PATIENCE)
            except WorkerError as error:
                yield BadRow(index, str(error))
            else:
                yield {**row, "id": str(index), "images": images}

    def samples(self, row: Row) -> Iterable[Sample]:
        """The one sample of a row, its prompt ready-made."""
        parts = tuple(row["parts"])
        yield Sample(
            id=row["id"],
            question="\n".join(part for part in parts if isinstance(part, str)),
            target=Document(int(row["id"]), row["doc"], row["targets"], row["gold"]),
            images=tuple(ImageRef(image) for image in row["images"]),
            text_only=not row["images"],
            prompt=Prompt(parts, row["system"]),
        )

    def verdict(self, answer: Answer, target: Document) -> Score:
        """lmms-eval's verdict; `extracted` is what its rule gave, of which the metrics are made.

        Raises:
            ScorerError: the rule failed, or looks at images that are not loaded.
        """
        if target.doc is None and self.yaml not in _FILES:
            raise ScorerError("its rule looks at the images: harness eval scores it, harness score cannot")
        asked = {"index": target.index, "doc": target.doc, "targets": target.targets, "text": answer.text}
        try:
            values, _ = child().ask("score", spec=self._spec, patience=PATIENCE, **asked)
        except WorkerError as error:
            raise ScorerError(f"lmms-eval: {error}") from None
        found = {name: _number(value, self.score_key) for name, value in values.items()}
        numbers = {name: number for name, number in found.items() if number is not None}
        value = numbers.get(self.headline)
        components = numbers if value is not None else {**numbers, NO_NUMBER: 1.0}
        return Score(value or 0.0, None, Status.OK, json.dumps(values), components=components)

    def aggregate(self, metric: str, extracted: Sequence[str]) -> float | None:
        """A metric by lmms-eval's aggregation, of what `verdict` gave for documents; None where none has it.

        Raises:
            ScorerError: the aggregation failed or gave no number.
        """
        values = [each[metric] for each in map(json.loads, extracted) if metric in each]
        if not values:
            return None
        try:
            found, _ = child().ask("aggregate", spec=self._spec, metric=metric, values=values)
        except WorkerError as error:
            raise ScorerError(f"{metric}: lmms-eval's aggregation: {error}") from None
        return float(found)


def _number(value: Any, score_key: str) -> float | None:
    """A document's own number, 0 to 1: its value, or the score in it of which lmms-eval makes errors."""
    found = value.get(score_key) if isinstance(value, dict) else value
    return float(found) if isinstance(found, int | float) and 0 <= found <= 1 else None


class LmmsTask(Task):
    """A task whose verdicts are lmms-eval's: on the untouched response, whatever state that is in."""

    def score(
        self,
        sample: Sample,
        response: Response,
        *,
        coords: Coords | None = None,
        raw: bool = False,
        delimiters: Delimiters = STANDARD,
    ) -> Score:
        """As `Task.score`; a status other than `ok` says how the response ended, and changes no verdict."""
        if response.error is not None:
            return Score(0.0, None, Status.FAILED, error=response.error)
        answer = Answer(response.text, coords, None, raw, delimiters)
        try:
            score = self.scorer(answer, sample.target)
        except ScorerError as error:
            return Score(0.0, None, Status.ERROR, error=str(error))
        if response.finish_reason == "content_filter":
            return replace(score, status=Status.FILTERED)
        cut = response.finish_reason == "length"
        unfinished = answer.response.open or (cut and answer.response.unclosed)
        return replace(score, status=Status.TRUNCATED) if unfinished else score


def lmms_task(catalogue: Catalogue, name: str) -> LmmsTask:
    """A task of lmms-eval; neither it nor the task's data is loaded.

    Raises:
        UsageError: there is none of that name, or it is of a kind that cannot be asked here.
    """
    entry = catalogue.entry(name)
    assert entry.path is not None
    name, found = PREFIX + entry.name, settings(entry.path)
    _refuse(name, entry, found)
    asked = found.get("generation_kwargs") or {}
    split = str(found.get("test_split") or found.get("validation_split"))
    listed = _listed(found)
    repo = str(found.get("dataset_path"))
    key = str(found.get("score_key") or "score")
    headline = next((metric for metric in listed if _OVERALL.search(metric)), next(iter(listed)))
    rules = Rules(entry.name, str(entry.path), repo, headline, key)
    return LmmsTask(
        name=name,
        category="other",
        title=f"{repo}, {split}",
        source=Source(repo, split, (found.get("dataset_name"),)),
        rows=rules.rows,
        prepare=rules.prepare,
        to_samples=rules.samples,
        scorer=rules.verdict,
        target=Document,
        metrics=tuple(
            Metric(
                metric,
                of=metric,
                reduce="mean" if mean else "whole",
                scale=1.0,
                headline=metric == rules.headline,
                aggregate=partial(rules.aggregate, metric),
            )
            for metric, mean in listed.items()
        ),
        limits=dict.fromkeys(("direct", "think"), int(asked.get("max_new_tokens") or MAX_NEW_TOKENS)),
        labels=tuple(_labels(entry.path, asked)),
        version=_version(catalogue.version, entry.path, found),
        notes="Numbers are in lmms-eval's own units.",
    )


def _labels(path: Path, asked: Mapping[str, Any]) -> Iterator[str]:
    if float(asked.get("temperature") or 0):
        yield f"its own temperature ({asked['temperature']}) is not used"
    sources = [module.read_bytes() for module in modules(path)]
    if any(word in source for source in sources for word in _JUDGES):
        yield "its rules can call a judge model: without one, not comparable to published"


def _refuse(name: str, entry: Entry, found: Mapping[str, Any]) -> None:
    shown = found.get("dataset_kwargs") or {}
    if entry.output_type != "generate_until":
        raise UsageError(f"{name}: its kind is {entry.output_type}: only generate_until can be asked here")
    if shown.get("video") or "From_YouTube" in shown:
        _only_images(name, ["video"])
    if (repeats := int(found.get("repeats") or 1)) > 1:
        raise UsageError(f"{name}: it asks each question {repeats} times and judges the answers together")


def _only_images(name: str, shown: Iterable[str]) -> None:
    if other := sorted(set(shown) - {"text", "image"}):
        raise UsageError(f"{name}: it shows {other[0]}: only text and images can be shown here")


def _listed(found: Mapping[str, Any]) -> dict[str, bool]:
    """Its metrics in order, each with whether it is the plain mean over documents."""
    listed = [each for each in found.get("metric_list") or [] if each] or [{"metric": "exact_match"}]
    names = [str(each["metric"]) for each in listed]
    names = [name.rpartition(".")[2] if name.startswith("!function") else name for name in names]
    return {name: each.get("aggregation", "mean") == "mean" for name, each in zip(names, listed, strict=True)}


def _version(version: str, path: Path, found: Mapping[str, Any]) -> str:
    """A hash of lmms-eval's version, the task's settings, but where its data lie, and its rules' modules."""
    rules = {name: value for name, value in found.items() if name != "dataset_kwargs"}
    digest = hashlib.sha256(json.dumps([version, rules], sort_keys=True, default=str).encode())
    for module in modules(path):
        digest.update(module.read_bytes())
    return digest.hexdigest()[:12]
