"""The texts of one sample in the viewer: what was asked and what a run answered, as plain JSON with short keys.

Asked: `q` question, `c` choices, `right` numbers of the right choices, `want` the true answer as text, `shapes`
true places, `unit` in which places are extracted, `size` (width, height) of each image, `p` the prompt (text,
or the number of an image), `g` groups, `err` why it could not be asked, `im` numbers of images, `r` replies by
run.

A reply: `n` epoch, `s` status, `v` value, `o` official, `x` extracted, `k` components, `err` error, `t` text
(or its parts, `[thinking?, text]`), `a` the final answer where that is not the whole text, `f` finish reason,
`pt` and `ct` tokens of prompt and answer, `l` seconds, `shown` sizes of the images as the model saw them,
`shapes` predicted places. Keys without a value are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reports.runs import Run
from reports.samples.geometry import predicted_shapes, true_shapes
from reports.samples.index import short
from scorers.coordinates import Size
from scorers.final_answer import final_answer, thinking_spans

Line = Mapping[str, Any]

_PLACES = ("box", "counts", "polygon", "width", "height", "question")
"""Keys of targets that are drawn or shown elsewhere."""


class Answers:
    """What one run answered in one task, and how that was scored."""

    def __init__(self, run: Run, task: str) -> None:
        self.items = run.items(task)
        self.epochs = int(run.run["config"].get("epochs", 1))
        self.responses = run.responses(task)
        self.scores: dict[str, list[Line]] = {}
        for score in run.scores(task):
            self.scores.setdefault(score["id"], []).append(score)


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
    target: Any = item.get("target")
    choices = item.get("choices") or []
    right, want = true_answer(target, choices)
    shapes = true_shapes(target, size_of(item))
    texts = {
        "q": item.get("question"),
        "c": choices,
        "right": right,
        "want": want,
        "shapes": shapes,
        "unit": ("fractions" if target.get("polygon") else "pixels") if shapes else None,
        "size": item.get("sizes"),
        "p": prompt_of(item),
        "g": item.get("groups"),
        "err": item.get("error"),
    }
    return {key: value for key, value in texts.items() if value not in (None, [], {}, "")}


def prompt_of(item: Line) -> list[Any]:
    """The prompt in order: text, or the number of an image."""
    return [part["image"] if isinstance(part, dict) else part for part in item.get("prompt") or ()]


def size_of(item: Line) -> Size | None:
    """(width, height) of an item's first image."""
    sizes = item.get("sizes")
    return (sizes[0][0], sizes[0][1]) if sizes else None


def true_answer(target: Any, choices: Sequence[Any]) -> tuple[list[int], str]:
    """The numbers of the right choices, and the true answer as text ("" where it is a choice or a place).

    Args:
        target: of the item.
        choices: as listed under the question; where the question lists them itself, empty.
    """
    if not isinstance(target, Mapping):
        return [], "" if target is None else _text(target)
    options = choices or target.get("options") or []
    answer = target.get("answer")
    chosen = _option(answer, options)
    if chosen is not None:
        if choices:
            return [chosen], ""
        letter = chr(ord("A") + chosen) if chosen < 26 else str(chosen + 1)
        option = _text(options[chosen])
        return [], letter if option == letter else f"{letter}: {option}"
    for key in ("answer", "answers"):
        if target.get(key) not in (None, "", []):
            return [], _text(target[key])
    rest = {key: value for key, value in target.items() if key not in _PLACES}
    empty = not any(rest.values())
    return [], "" if empty else json.dumps(rest, ensure_ascii=False)


def _option(answer: Any, options: Sequence[Any]) -> int | None:
    """Which option an answer is: by number, by text, by letter."""
    if isinstance(answer, bool) or answer is None:
        return None
    if isinstance(answer, int):
        return answer if 0 <= answer < len(options) else None
    if answer in options:
        return list(options).index(answer)
    if isinstance(answer, str) and len(answer) == 1 and 0 <= ord(answer) - ord("A") < len(options):
        return ord(answer) - ord("A")
    return None


def _text(value: Any) -> str:
    if isinstance(value, list):
        return " | ".join(map(_text, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def reply(item: Line, score: Line, response: Line | None, epochs: int) -> dict[str, Any]:
    """One response and its verdict.

    Args:
        item: what was asked.
        score: the line of `scores/<task>.jsonl`.
        response: the line of `samples/<task>.jsonl`; None where there is none.
        epochs: of the run; where there is one, its number is not worth saying.
    """
    components = score.get("components") or {}
    extracted = score.get("extracted")
    texts = {
        "n": score["epoch"] if epochs > 1 else None,
        "s": score["status"],
        "v": short(score["value"]),
        "o": short(score.get("official")),
        "x": extracted,
        "k": {name: short(number) for name, number in components.items()},
        "err": score.get("error"),
        "shapes": predicted_shapes(item.get("target"), extracted, size_of(item), components.get("points")),
    }
    if response is not None:
        texts |= _spoken(response["text"])
        texts |= {
            "f": response["finish_reason"],
            "pt": response["prompt_tokens"],
            "ct": response["completion_tokens"],
            "l": response["latency"],
            "shown": response.get("shown"),
        }
        texts["err"] = texts["err"] or response.get("error")
    return {key: value for key, value in texts.items() if value not in (None, [], {})}


def _spoken(text: str) -> dict[str, Any]:
    """A response's text in parts, its thinking apart, and its final answer where that is not all of it."""
    spans = thinking_spans(text)
    if not spans:
        final = final_answer(text)
        return {"t": text, "a": None if final == text.strip() else final}
    parts: list[tuple[int, str]] = []
    position = 0
    for start, end in spans:
        parts += [(0, text[position:start]), (1, text[start:end])]
        position = end
    parts.append((0, text[position:]))
    return {"t": [part for part in parts if part[1].strip()], "a": final_answer(text)}
