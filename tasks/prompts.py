"""How a sample becomes a prompt: a Jinja2 template, then text and images interleaved.

Two styles: `direct` asks for the answer alone; `think` asks for thinking in `<think>` and the answer in
`<answer>`, the format that the reward of training checks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tasks.types import RowError, Sample, Style, Task

if TYPE_CHECKING:
    from jinja2 import Template

    from scorers.types import Coords

DEFAULT_TEMPLATE = """\
{% if hint %}Hint: {{ hint }}
{% endif -%}
{{ question }}
{%- if choices %}
{% for letter, choice in lettered %}
{{ letter }}. {{ choice }}
{%- endfor %}
{%- endif %}
{%- if style == "think" %}

{% if instruction %}{{ instruction | replace(" directly", "") }}
{% endif -%}
First think about it step by step inside <think> </think>, then give the final answer inside \
<answer> </answer>.
{%- elif instruction %}
{{ instruction }}
{%- endif %}
"""
"""Variables: question, choices, letters, lettered (pairs of letter and choice), instruction, hint and the
sample's other meta, style, coords."""

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MARKER = re.compile(r"<image\s*(\d+)>")


@dataclass(frozen=True, slots=True)
class ImagePart:
    """The place of an image in a prompt."""

    index: int
    """Which of the sample's images, from 0."""


Part = str | ImagePart


def as_text(parts: Sequence[Part]) -> str:
    """A prompt for people to read: an image is its number in brackets, on a line of its own."""
    return "\n".join(part if isinstance(part, str) else f"[image {part.index + 1}]" for part in parts)


@lru_cache(maxsize=64)
def compiled(source: str) -> Template:
    """A Jinja2 template of ours or a user's, which sees nothing but what it is given."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    template = environment.from_string(source)
    template.globals = dict(template.globals)  # each rendering copies them, from a ChainMap one by one
    return template


def render(
    task: Task,
    sample: Sample,
    style: Style = "direct",
    *,
    template: str | None = None,
    coords: Coords | None = None,
) -> tuple[Part, ...]:
    """The prompt of a sample: text and images in the order in which the model sees them.

    A prompt that the sample brings is used as it is. In the think style an instruction does not ask to answer
    "directly": thinking comes first.
    `<image n>` in the text becomes image n; images that the text does not name come first, in order.

    Args:
        template: a Jinja2 template in place of the task's.
        coords: the model's coordinate convention, for tasks that ask for places.

    Raises:
        RowError: the text names an image that the sample does not have.
        jinja2.TemplateError: the template does not compile or uses an unknown variable.
    """
    if sample.prompt is not None:
        return tuple(part if isinstance(part, str) else ImagePart(part) for part in sample.prompt.parts)
    variables: dict[str, Any] = {
        "hint": None,
        **sample.meta,
        "question": sample.question,
        "choices": sample.choices,
        "letters": LETTERS,
        "lettered": tuple(zip(LETTERS, sample.choices, strict=False)),
        "instruction": sample.instruction,
        "style": style,
        "coords": coords,
    }
    text = compiled(template or task.prompt or DEFAULT_TEMPLATE).render(variables).strip()
    return _interleave(text, len(sample.images))


def _interleave(text: str, images: int) -> tuple[Part, ...]:
    pieces = _MARKER.split(text)
    named = {int(number) - 1 for number in pieces[1::2]}
    absent = sorted(index + 1 for index in named if not 0 <= index < images)
    if absent:
        raise RowError(f"its text names <image {absent[0]}>; images that it has: {images}")
    parts: list[Part] = [ImagePart(index) for index in range(images) if index not in named]
    for position, piece in enumerate(pieces):
        if position % 2 == 0:
            if isinstance(parts[-1] if parts else None, str):
                parts[-1] = f"{parts[-1]}{piece}"
            elif piece:
                parts.append(piece)
        else:
            parts.append(ImagePart(int(piece) - 1))
    return tuple(parts)
