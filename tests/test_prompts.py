"""Prompts: the two styles, images where the text names them, templates of one's own."""

from __future__ import annotations

from dataclasses import replace

import jinja2
import pytest

from harness.config import RunConfig
from harness.run.asks import request_for
from harness.run.items import Item, Planned, item_of, line_of
from harness.run.plan import prompt_sha
from tasks import load_builtin
from tasks.images import ImageRef
from tasks.prompts import ImagePart, Part, render
from tasks.types import Prompt, RowError, Sample

TASK = load_builtin("mmstar")
ONE, TWO = ImageRef(b"one"), ImageRef(b"two")


def sample(question: str = "Which?", **changes: object) -> Sample:
    return replace(Sample("1", question, None), **changes)


def test_direct_lists_choices_hint_and_instruction() -> None:
    asked = sample(choices=("red", "blue"), instruction="Answer with the letter.", meta={"hint": "Look."})
    assert render(TASK, asked) == ("Hint: Look.\nWhich?\n\nA. red\nB. blue\nAnswer with the letter.",)


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ("", "Which?\n\nFirst"),
        ("Be brief.", "Which?\n\nBe brief.\nFirst"),
        ("Answer with the letter directly.", "Which?\n\nAnswer with the letter.\nFirst"),
    ],
)
def test_think_asks_for_thinking_and_an_answer_in_tags(instruction: str, expected: str) -> None:
    [text] = render(TASK, sample(instruction=instruction), "think")
    assert isinstance(text, str)
    assert text.startswith(expected)
    assert "<think> </think>" in text
    assert "<answer> </answer>" in text


IMAGES: list[tuple[str, int, tuple[Part, ...]]] = [
    ("Which?", 0, ("Which?",)),
    ("Which?", 1, (ImagePart(0), "Which?")),
    ("Which?", 2, (ImagePart(0), ImagePart(1), "Which?")),
    ("In <image 1> what?", 1, ("In ", ImagePart(0), " what?")),
    ("In <image1> what?", 1, ("In ", ImagePart(0), " what?")),
    ("<image 2> or <image 1>?", 2, (ImagePart(1), " or ", ImagePart(0), "?")),
    ("What of <image 2>?", 2, (ImagePart(0), "What of ", ImagePart(1), "?")),
    ("<image 1> and again <image 1>", 1, (ImagePart(0), " and again ", ImagePart(0))),
    ("<image 1><image 2>", 2, (ImagePart(0), ImagePart(1))),
]


@pytest.mark.parametrize(("question", "count", "expected"), IMAGES)
def test_images_stand_where_the_text_names_them(question: str, count: int, expected: tuple[Part, ...]) -> None:
    assert render(TASK, sample(question, images=(ONE, TWO)[:count])) == expected


@pytest.mark.parametrize(
    ("question", "count", "absent"),
    [("See <image 1> and <image 2>.", 1, 2), ("See <image 0>.", 1, 0), ("a <image9> b", 0, 9)],
)
def test_an_image_that_is_named_and_not_there_is_an_error(question: str, count: int, absent: int) -> None:
    with pytest.raises(RowError, match=f"its text names <image {absent}>; images that it has: {count}"):
        render(TASK, sample(question, images=(ONE, TWO)[:count]))


def test_images_stand_in_options_too() -> None:
    asked = sample(images=(ONE, TWO), choices=("<image 1>", "<image 2>"))
    assert render(TASK, asked) == ("Which?\n\nA. ", ImagePart(0), "\nB. ", ImagePart(1))


def test_a_template_of_ones_own_sees_every_variable() -> None:
    template = "{{ style }}/{{ coords }}/{{ letters[1] }}/{{ unit }}/{{ question }}"
    asked = sample(meta={"unit": "cm"})
    assert render(TASK, asked, "think", template=template, coords="abs") == ("think/abs/B/cm/Which?",)
    assert render(replace(TASK, prompt="own: {{ question }}"), asked) == ("own: Which?",)


@pytest.mark.parametrize(
    "template", ["{{ nothing }}", "{% if %}", "{{ question.__class__.__mro__ }}", "{{ choices.append(1) }}"]
)
def test_a_template_that_is_wrong_or_reaches_out_is_refused(template: str) -> None:
    with pytest.raises(jinja2.TemplateError):
        render(TASK, sample(), template=template)


def test_text_of_a_question_is_no_template() -> None:
    assert render(TASK, sample("{{ 1 + 1 }} <b>&</b>")) == ("{{ 1 + 1 }} <b>&</b>",)


def test_a_prompt_that_the_sample_brings_is_asked_as_it_is() -> None:
    asked = sample(
        "Ignored <image 9>", images=(ONE, TWO), prompt=Prompt((" First ", 1, "\nthen <image 1> ", 0))
    )
    own = (" First ", ImagePart(1), "\nthen <image 1> ", ImagePart(0))
    assert render(TASK, asked) == own
    assert render(TASK, asked, "think", template="{{ nothing }}") == own


def test_a_system_prompt_that_the_sample_brings_is_part_of_what_was_asked() -> None:
    asked = [sample(prompt=Prompt(("Which?",), system)) for system in (None, "Be kind.", "Be brief.")]
    shas = [prompt_sha(each, render(TASK, each)) for each in asked]
    assert len(set(shas)) == 3
    assert shas[0] == prompt_sha(sample(), ("Which?",))
    planned = [Planned(each, ("Which?",), "", "", 0.0) for each in asked]
    systems = [request_for("key", each, 8, RunConfig()).system_prompt for each in planned]
    assert systems == [None, "Be kind.", "Be brief."]
    line = {**line_of(TASK, planned[1], None), "target": {"options": ["red"], "answer": 0}}
    item = item_of(TASK, line, "here")
    assert isinstance(item, Item)
    assert item.sample.prompt == Prompt((), "Be kind."), "a sample is read back from the disk to be asked"
    given = RunConfig(system_prompt="Be mine.")
    assert {request_for("key", each, 8, given).system_prompt for each in planned} == {"Be mine."}
