"""What must be true of an evaluation that is killed and continued, given what was asked and answered.

The model of a run is three sets. Every sample that was ever asked is *written* in the journal, was *in flight*
when the process was killed, or had *arrived* so shortly before that it could not be written. What is written is
never asked again and never lost; all else is asked again, once.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Asked:
    """What one process asked, as the model behind it recorded."""

    samples: Sequence[str]
    """`task/id` of each request, in order."""
    answered: Mapping[str, float]
    """Sample → when its answer had been sent."""


@dataclass(frozen=True, slots=True)
class Journal:
    """The journal of a run as it lies on the disk."""

    lines: tuple[bytes, ...] = ()
    """Whole lines, task by task."""
    answers: Mapping[str, str] = field(default_factory=dict)
    """Sample → text."""
    torn: int = 0
    """Files whose last line is not whole."""
    damage: tuple[str, ...] = ()
    """Whole lines that are no answer, or that answer a sample once more."""


def read_journal(run_dir: Path) -> Journal:
    lines: list[bytes] = []
    answers: dict[str, str] = {}
    damage, torn = [], 0
    for path in sorted(run_dir.glob("samples/*.jsonl")):
        for line in path.read_bytes().splitlines(keepends=True):
            if not line.endswith(b"\n"):
                torn += 1
                continue
            lines.append(line)
            name, text = _answer(path.stem, line)
            if name is None or name in answers:
                damage.append(f"{path.name}: a line {'again' if name else 'of garbage'}: {line[:80]!r}")
            else:
                answers[name] = text
    return Journal(tuple(lines), answers, torn, tuple(damage))


def _answer(task: str, line: bytes) -> tuple[str | None, str]:
    try:
        value = json.loads(line)
        return (None, "") if "error" in value else (f"{task}/{value['id']}", value["text"])
    except (ValueError, KeyError, TypeError):
        return None, ""


@dataclass
class Tally:
    """What was counted over the kills of a kind."""

    kills: int = 0
    early: int = 0
    """Kills before anything was asked or learned."""
    runs: int = 0
    """Runs that were carried to their end."""
    lost: int = 0
    again: int = 0
    """Work done twice, in all."""
    again_most: int = 0
    """The most that one kill had done twice."""
    flying_most: int = 0
    """The most that was in flight at a kill."""
    torn: int = 0
    oldest: float = 0.0
    """Seconds: of all answers that had arrived and were not written, the one that had waited longest."""
    broken: list[str] = field(default_factory=list)
    """Promises that were not kept, in words."""


class Model:
    """One run, from its first process to its last.

    Args:
        tally: counts.
        room: requests that may be in flight at once.
        arriving: answers that may have arrived and not be written yet.
        within: seconds after which an answer must be in the journal.
    """

    def __init__(self, tally: Tally, room: int, arriving: int, within: float) -> None:
        self._tally, self._room, self._arriving, self._within = tally, room, arriving, within
        self._written: set[str] = set()
        self._requests: Counter[str] = Counter()
        self._expected: Counter[str] = Counter()

    def _must(self, samples: Iterable[str], what: str) -> int:
        """Count what breaks a promise, and say it."""
        found = sorted(samples)
        if found:
            self._tally.broken.append(f"{what}: {len(found)}, such as {found[0]}")
        return len(found)

    def killed(self, asked: Asked, at: float, before: Journal, after: Journal) -> None:
        """Check a process that was killed.

        Args:
            asked: what it asked.
            at: when it was killed.
            before: the journal right before.
            after: and as it lies there now.
        """
        tally = self._tally
        tally.kills += 1
        tally.early += not asked.samples
        tally.torn += after.torn
        self._must(after.damage, "the journal is damaged")
        if not _begins(after, before):
            tally.broken.append("whole lines that were there before the kill are not there after it")
        written, new = set(after.answers), set(after.answers) - self._written
        open_ = set(asked.samples) - written
        arrived = {sample for sample in open_ if asked.answered.get(sample, at) < at}
        late = {sample for sample in arrived if at - asked.answered[sample] > self._within}
        flying = open_ - arrived
        tally.lost += self._must(late, f"answered more than {self._within:g} s before the kill and not written")
        tally.lost += self._must(self._written - written, "written once and gone")
        self._must(new - set(asked.answered), "written and never answered")
        self._repeated(asked)
        if len(flying) > self._room:
            tally.broken.append(f"{len(flying)} in flight, where {self._room} may be")
        if len(arrived) > self._arriving:
            tally.broken.append(f"{len(arrived)} arrived and not written, where {self._arriving} may be")
        tally.again_most = max(tally.again_most, len(open_))
        tally.flying_most = max(tally.flying_most, len(flying))
        tally.oldest = max([tally.oldest, *(at - asked.answered[sample] for sample in arrived)])
        self._expected.update(open_)
        self._written = written

    def finished(self, asked: Asked, journal: Journal, every: set[str]) -> None:
        """Check the process that ended by itself, and what was asked in all; `every`: what there is to ask."""
        self._must(journal.damage, "the journal is damaged")
        self._must(every ^ set(journal.answers), "too much or too little in the journal at the end")
        self._repeated(asked)
        self._expected.update(every)
        differing = {name for name in every if self._requests[name] != self._expected[name]}
        self._must(differing, "not asked just once and once more for each kill that found it open")
        self._tally.again += self._requests.total() - len(self._requests)
        self._tally.runs += 1

    def _repeated(self, asked: Asked) -> None:
        self._requests.update(asked.samples)
        self._must(set(asked.samples) & self._written, "written and asked again")
        twice = {name for name, count in Counter(asked.samples).items() if count > 1}
        self._must(twice, "asked twice by one process")


def _begins(whole: Journal, part: Journal) -> bool:
    """Whether the lines of one journal are all in the other, each as often."""
    return not Counter(part.lines) - Counter(whole.lines)


def results_of(run_dir: Path) -> dict[str, Any]:
    """The numbers of a finished run that do not depend on when and how it was run."""
    results = json.loads((run_dir / "results.json").read_bytes())
    return {name: results[name] for name in ("tasks", "categories", "mean", "exit_code", "synthetic")}


def unreadable(run_dir: Path) -> list[str]:
    """The files of a run beside its journal that hold no JSON, or no whole lines of it."""
    bad = []
    for path in [*run_dir.glob("*.json"), *run_dir.glob("items/*.jsonl"), *run_dir.glob("scores/*.jsonl")]:
        data = path.read_bytes()
        try:
            for text in data.splitlines() if path.suffix == ".jsonl" else [data]:
                json.loads(text)
        except ValueError:
            bad.append(str(path.relative_to(run_dir)))
    return bad
