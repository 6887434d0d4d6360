"""Where another tool's verdicts and ours part, and why, as far as statuses and what was read tell.

Compared is the number that our headline averages (`value`, `official` or a component). Verdicts part where they
are half or more apart, as everywhere in this project.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from harness.imports.logged import Said
from harness.imports.matching import same
from harness.imports.reported import Place
from harness.words import counted
from scorers.types import Status

APART = 0.5
EXAMPLES = 20

Side = Literal["theirs", "ours"]
SIDES: Mapping[Side, str] = {"theirs": "theirs right, ours wrong", "ours": "ours right, theirs wrong"}
_WHY: Mapping[str, str] = {
    Status.UNPARSED: "we find no answer",
    Status.TRUNCATED: "cut before an answer",
    Status.FILTERED: "withheld by a content filter",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One class of verdicts that part."""

    right: Side
    """Whose verdict is right."""
    why: str
    other: str
    """What our other rule says: that it sides with them, or not; empty where there is none."""
    count: int
    ids: tuple[str, ...]
    """The first of them."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """One task's verdicts beside the other tool's."""

    of: str
    """Which number of ours is compared."""
    both: int
    """Responses that both judged."""
    theirs: float | None
    """Mean of their verdicts on those, 0 to 1."""
    ours: float | None
    right: int
    """Both right: half or more."""
    wrong: int
    graded: int
    """Of those, how many differ, by less than half."""
    differences: tuple[Difference, ...]
    """Most frequent first."""
    unsaid: int
    """Responses that only we judged."""
    unjudged: int
    """Responses that only the other tool judged: ours are `failed` or `error`."""

    @property
    def agreement(self) -> float | None:
        """The share of `both` on which the verdicts do not part."""
        return (self.right + self.wrong) / self.both if self.both else None


def agreement(
    reported: Mapping[Place, Said], scores: Iterable[Mapping[str, Any]], of: str, *, judged: bool = False
) -> Agreement:
    """Compare the verdicts on one task.

    Args:
        reported: the other tool's.
        scores: lines of `scores/<task>.jsonl`.
        of: what our headline is a mean of.
        judged: theirs are a judge model's.
    """
    tally: Counter[str] = Counter()
    sums = [0.0, 0.0]
    classes: dict[tuple[Side, str, str], list[str]] = {}
    for line in scores:
        said = reported.get((line["id"], line["epoch"]))
        theirs, ours = said.score if said is not None else None, number_of(line, of)
        if theirs is None or ours is None:
            tally["unsaid"] += ours is not None
            tally["unjudged"] += theirs is not None
            continue
        assert said is not None
        tally["both"] += 1
        sums[0] += theirs
        sums[1] += ours
        if abs(theirs - ours) >= APART:
            side: Side = "theirs" if theirs > ours else "ours"
            key = (side, _why(line, said, judged), _other(line, of, theirs))
            classes.setdefault(key, []).append(line["id"])
        else:
            tally["right" if theirs >= APART else "wrong"] += 1
            tally["graded"] += abs(theirs - ours) > 1e-6
    both = tally["both"]
    ranked = sorted(classes.items(), key=lambda found: (-len(found[1]), found[0]))
    return Agreement(
        of,
        both,
        sums[0] / both if both else None,
        sums[1] / both if both else None,
        tally["right"],
        tally["wrong"],
        tally["graded"],
        tuple(Difference(*key, len(ids), tuple(ids[:EXAMPLES])) for key, ids in ranked),
        tally["unsaid"],
        tally["unjudged"],
    )


def number_of(line: Mapping[str, Any], of: str) -> float | None:
    """A score's number of a name; None where the response has no verdict."""
    if line["status"] in (Status.FAILED, Status.ERROR):
        return None
    nothing_read = 0.0 if line["status"] != Status.OK else None
    found = line[of] if of in ("value", "official") else line.get("components", {}).get(of, nothing_read)
    return None if found is None else float(found)


def _why(line: Mapping[str, Any], said: Said, judged: bool) -> str:
    """Why verdicts part, by what became of the response and what each tool read from it."""
    if judged:
        return "their judge decides otherwise"
    if line["status"] in _WHY:
        return _WHY[line["status"]]
    ours, theirs = line.get("extracted"), said.extracted
    where = f"from the channel {line.get('channel')}"
    if ours is not None and theirs is not None:
        return (
            "the same is read, judged by another rule"
            if same(ours) == same(theirs)
            else f"we read something else, {where}"
        )
    return f"we read {where}; what they read is not logged"


def _other(line: Mapping[str, Any], of: str, theirs: float) -> str:
    """Whether our other verdict sides with them: `value` where the headline is official, and the reverse."""
    name = "official" if of == "value" else "value"
    other = line.get(name)
    if other is None:
        return ""
    sides = "with them" if abs(other - theirs) < APART else "with us"
    return f"{name}: {sides}"


def lines(name: str, found: Agreement) -> Iterator[str]:
    """What a terminal says of an agreement."""
    if found.agreement is None:
        yield f"{name}: no response that both judged"
        return
    assert found.theirs is not None
    assert found.ours is not None
    yield (
        f"{name}: of {counted(found.both, 'response')} that both judged, {100 * found.agreement:.1f} % agree "
        f"(mean {100 * found.theirs:.2f} theirs, {100 * found.ours:.2f} ours, {found.of}); "
        f"{found.right} both right, {found.wrong} both wrong, {found.graded} of these differ by less than half"
    )
    for each in found.differences:
        other = f" ({each.other})" if each.other else ""
        yield f"{each.count:>6}  {SIDES[each.right]}: {each.why}{other}, e.g. {each.ids[0]}"
    if found.unsaid:
        yield f"{found.unsaid:>6}  without a verdict of theirs"
    if found.unjudged:
        yield f"{found.unjudged:>6}  without a verdict of ours"
