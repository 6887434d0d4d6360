"""The texts of one sample in the viewer: what was asked and what a run answered, as plain JSON with short keys.

Asked: `q` question, `c` choices, `right` numbers of the right choices, `want` the true answer as text,
`shapes` true places, `size` (width, height) of each image, `p` the prompt (text, or the number of an image),
`sys` the sample's own system prompt, `g` groups, `err` why it could not be asked, `im` numbers of images, `r`
replies by run.

A reply: `n` epoch, `s` status, `v` value, `o` official, `x` extracted, `ch` the channel by which it was
found, `k` components, `err` error, `t` text or its parts (`[0, text]`; of thinking `[1, text, characters of
the opening tag, of the closing one]`, 0 where there is none), `a` the final answer where that is not all of
it, `f` finish reason, `pt` and `ct` tokens of prompt and answer, `l` seconds, `shown` sizes of the images as
the model saw them, `shapes` predicted places. Keys without a value are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.run.items import Line, with_scores
from reports.runs import Run
from reports.samples.geometry import drawn
from reports.samples.index import short
from scorers.read.normalise import STANDARD, Delimiters, clean, read_tags, thinking_spans


class Answers:
    """What one run answered in one task, and how that was scored."""

    def __init__(self, run: Run, task: str) -> None:
        self.epochs = int(run.run["config"].get("epochs", 1))
        own = run.run["config"].get("delimiters")
        self.delimiters = STANDARD + Delimiters.of(own) if own else STANDARD
        self.responses = run.responses(task)
        self.scores: dict[str, list[Line]] = {}
        """Of the samples whose items were read and which are not shown yet."""
        self.items = self._read(with_scores(run.items(task), run.scores(task), f"{run.path}: {task}"))

    def _read(self, pairs: Iterator[tuple[Line, list[Line]]]) -> Iterator[Line]:
        for item, scores in pairs:
            self.scores[item["id"]] = scores
            yield item


def merged(answers: Mapping[int, Answers]) -> Iterator[dict[int, Line]]:
    """What each run asked, sample by sample: number of the run → its line of items.

    The files are read side by side; a line waits only until the other runs come to it.
    """
    waiting: dict[str, dict[int, Line]] = {}
    reading = {number: answer.items for number, answer in answers.items()}
    while reading:
        touched = []
        ended = []
        for number, items in reading.items():
            item = next(items, None)
            if item is None:
                ended.append(number)
                continue
            waiting.setdefault(item["id"], {})[number] = item
            touched.append(item["id"])
        for number in ended:
            del reading[number]
        for name in list(waiting) if ended else touched:
            if name in waiting and all(number in waiting[name] for number in reading):
                yield waiting.pop(name)
    yield from waiting.values()


def asked(item: Line) -> dict[str, Any]:
    """The texts of what was asked."""
    choices = item.get("choices") or []
    shapes = drawn(item.get("shapes"))
    right, want = true_answer(item.get("gold"), choices)
    texts = {
        "q": item.get("question"),
        "c": choices,
        "right": right,
        "want": None if shapes else want,
        "shapes": shapes,
        "size": [[width, height] for width, height in item.get("sizes") or ()],
        "p": prompt_of(item),
        "sys": item.get("system"),
        "g": item.get("groups"),
        "err": item.get("error"),
    }
    return {key: value for key, value in texts.items() if value not in (None, [], {}, "")}


def prompt_of(item: Line) -> list[Any]:
    """The prompt in order: text, or the number of an image."""
    return [part["image"] if isinstance(part, dict) else part for part in item.get("prompt") or ()]


def true_answer(gold: str | None, choices: Sequence[Any]) -> tuple[list[int], str]:
    """The numbers of the right choices, and the true answer as text ("" where it is choices).

    Args:
        gold: a right response: a choice's letter or text, the letters of several ("A, C"), or any text.
        choices: as listed under the question; where the question lists them itself, empty.
    """
    if gold is None:
        return [], ""
    letters = [ord(letter) - ord("A") if len(letter) == 1 else -1 for letter in gold.split(", ")]
    if all(0 <= number < len(choices) for number in letters):
        return letters, ""
    return ([list(choices).index(gold)], "") if gold in choices else ([], gold)


def reply(score: Line, response: Line | None, epochs: int, delimiters: Delimiters) -> dict[str, Any]:
    """One response and its verdict.

    Args:
        score: the line of `scores/<task>.jsonl`.
        response: the line of `samples/<task>.jsonl`; None where there is none.
        epochs: of the run; where there is one, its number is not worth saying.
        delimiters: by which the run's responses are read.
    """
    texts = {
        "n": score["epoch"] if epochs > 1 else None,
        "s": score["status"],
        "v": short(score["value"]),
        "o": short(score.get("official")),
        "x": score.get("extracted"),
        "ch": score.get("channel"),
        "k": {name: short(number) for name, number in (score.get("components") or {}).items()},
        "err": score.get("error"),
        "shapes": drawn(score.get("shapes")),
    }
    if response is not None:
        texts |= _spoken(response["text"], delimiters)
        texts |= {
            "f": response["finish_reason"],
            "pt": response["prompt_tokens"],
            "ct": response["completion_tokens"],
            "l": response["latency"],
            "shown": response.get("shown"),
        }
        texts["err"] = texts["err"] or response.get("error")
    return {key: value for key, value in texts.items() if value not in (None, [], {})}


def _spoken(text: str, delimiters: Delimiters) -> dict[str, Any]:
    """A response's text in parts, its thinking apart, and its final answer where that is not all of it."""
    spans, final = thinking_spans(text, delimiters), clean(text, delimiters).final
    if not spans:
        return {"t": text, "a": None if final == text.strip() else final}
    tags = read_tags(text, delimiters)
    opening = {tag.start: tag.end - tag.start for tag in tags if not tag.closes}
    closing = {tag.end: tag.end - tag.start for tag in tags if tag.closes}
    parts: list[tuple[int | str, ...]] = []
    position = 0
    for start, end in spans:
        parts.append((0, text[position:start]))
        parts.append((1, text[start:end], opening.get(start, 0), closing.get(end, 0)))
        position = end
    parts.append((0, text[position:]))
    return {"t": [part for part in parts if str(part[1]).strip()], "a": final}
