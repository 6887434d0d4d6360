"""A response taken apart: thinking, answer blocks, chat tokens, and what is left for each rule."""

from __future__ import annotations

from dataclasses import astuple

import pytest

from scorers.read.normalise import (
    STANDARD,
    Clean,
    Delimiters,
    clean,
    opened_thinking,
    read_tags,
    thinking_spans,
)

CASES = [
    ("B", "B"),
    ("  B\n", "B"),
    ("<answer>B</answer>", "B"),
    ("<answer>A</answer> no: <answer>B</answer>", "B"),
    ("<ANSWER> B </ANSWER>", "B"),
    ("<think>Maybe (C)</think>\nD", "D"),
    ("<thinking>Maybe (C)</thinking>\nD", "D"),
    ("<think>a</think>x<think>b</think>y", "y"),
    ("Maybe (C)</think>D", "D"),
    ("<think><answer>A</answer></think> B", "B"),
    ("<think><answer>A</answer></think>", "A"),
    ("<think>C?</think><answer>D", "D"),
    ("I use <answer> tags. <answer>B</answer>", "B"),
    ('[{"label": "the <think> man", "box": [1, 2]}]', '[{"label": "the <think> man", "box": [1, 2]}]'),
    ('{"a": "<answer>no</answer>", "b": 1}', '{"a": "<answer>no</answer>", "b": 1}'),
    ('<think>x</think>{"label": "</think>", "b": 1}', '{"label": "</think>", "b": 1}'),
    ('<answer>"quoted"</answer>', '"quoted"'),
    ("a < b", "a < b"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_final_answer(text: str, expected: str) -> None:
    assert clean(text).final == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a</think>b", "b"),
        ("x", "x"),
    ],
)
def test_what_is_said_outside_thinking(text: str, expected: str) -> None:
    assert clean(text).visible == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("<think>a", True), ("<think>a</think>b", False), ("<think>a</think><answer>b", True), ("b", False)],
)
def test_is_unfinished(text: str, expected: bool) -> None:
    response = clean(text)
    assert (response.open or response.unclosed) is expected


def test_open_thinking_is_no_answer() -> None:
    assert clean("<think>never closed") == Clean("", (), "", open=True, unclosed=False)
    assert clean("B. <think>no, wait").final == ""


@pytest.mark.parametrize(("opening", "closing"), STANDARD.thinking)
def test_every_pair_of_thinking_is_taken_out(opening: str, closing: str) -> None:
    assert clean(f"{opening}Maybe C{closing}\nB").visible == "B"
    assert clean(f"{opening.upper()}Maybe C{closing.upper()}B").final == "B"
    assert clean(f"Maybe C{closing}B").final == "B"
    assert clean(f"{opening}Maybe C").open
    assert not clean(f"{opening}Maybe C{closing}").open
    assert clean(f"{opening}C{closing}B{opening}D").open


@pytest.mark.parametrize(("opening", "closing"), STANDARD.answer)
def test_every_answer_block_is_the_final_answer(opening: str, closing: str) -> None:
    response = clean(f"So: {opening} B {closing} ")
    assert (response.visible.split(), response.blocks, response.final) == (["So:", "B"], ("B",), "B")
    assert not response.open
    assert not response.unclosed
    assert clean(f"{opening}A{closing} no {opening}B{closing}").final == "B"
    assert clean(f"{opening}B").unclosed
    assert clean(f"{opening}B").final == "B"
    assert not clean(f"{opening}A{closing}{opening}B{closing}").unclosed


@pytest.mark.parametrize(("opening", "closing"), STANDARD.box)
def test_box_tokens_are_boxes(opening: str, closing: str) -> None:
    response = clean(f"So it is {opening}B{closing}.")
    assert response.visible == r"So it is \boxed{B}."
    assert response.final == "B"


@pytest.mark.parametrize(
    "token", [*STANDARD.dropped, "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<｜end▁of▁sentence｜>"]
)
def test_chat_tokens_are_dropped(token: str) -> None:
    assert clean(f"B{token}").final == clean(f"B{token}").visible == "B"
    assert clean(f"{token}B{token}").visible == "B"


@pytest.mark.parametrize("text", ["a < b", "a <| b", "<b>B</b>", "|x| < |y|", "<x|y>"])
def test_what_looks_like_a_token_is_text(text: str) -> None:
    assert clean(text).visible == text


def test_an_opening_tag_within_a_json_string_is_text() -> None:
    assert read_tags('{"label": "the <think> man"}') == ()
    assert clean('{"label": "<answer>no</answer>"}').blocks == ()


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("<|im_start|>assistant\n<think>\n", "<think>\n"),
        ("assistant: ◁think▷", "◁think▷"),
        ("assistant [THINK]", "[THINK]"),
        ("<|assistant|><think></think>\n", ""),
        ("Use <think> tags to think.\nassistant:", ""),
        ("", ""),
        ("<|assistant|>", ""),
    ],
)
def test_thinking_that_a_prompt_opened(prompt: str, expected: str) -> None:
    assert opened_thinking(prompt) == expected


def test_spans_of_thinking() -> None:
    assert thinking_spans("<think>a</think>b<think>c") == [(0, 16), (17, 25)]
    assert thinking_spans("a</think>b") == [(0, 9)]
    assert thinking_spans("b") == []


def test_delimiters_are_added() -> None:
    table = {"thinking": [["<ponder>", "</ponder>"]], "answer": [["<say>", "</say>"]]}
    more = STANDARD + Delimiters.of({**table, "box": [["<bx>", "</bx>"]], "dropped": ["<stop>"]})
    assert clean("<ponder>A</ponder><say>B</say><stop>", more).final == "B"
    assert clean("<bx>B</bx>", more).visible == r"\boxed{B}"
    assert clean("<think>A</think>B", more).final == "B"
    assert clean("<ponder>A</ponder>B").visible == "<ponder>A</ponder>B"
    assert astuple(STANDARD + Delimiters.of({})) == astuple(STANDARD)


def test_enormous_and_hostile_texts_take_linear_time() -> None:
    pieces = ["<think>", "<answer>", '"<think>', '{"a": "<think>", ', "<|begin_of_box|>", "<|", "</think>"]
    for text in [piece * 50_000 for piece in pieces] + ['{"a": "' * 50_000 + "<think>"]:
        clean(text)
        thinking_spans(text)
