import pytest

from scorers.final_answer import final_answer, is_unfinished, without_thinking

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
    ("<think>never closed", "<think>never closed"),
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
    assert final_answer(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<think>a</think>b<answer>c</answer>", "b<answer>c</answer>"),
        ("a</think>b", "b"),
        ("<think>a", "<think>a"),
        ("x", "x"),
    ],
)
def test_without_thinking(text: str, expected: str) -> None:
    assert without_thinking(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("<think>a", True), ("<think>a</think>b", False), ("<think>a</think><answer>b", True), ("b", False)],
)
def test_is_unfinished(text: str, expected: bool) -> None:
    assert is_unfinished(text) is expected


def test_enormous_and_hostile_texts_take_linear_time() -> None:
    pieces = ["<think>", "<answer>", '"<think>', '{"a": "<think>", ']
    for text in [piece * 50_000 for piece in pieces] + ['{"a": "' * 50_000 + "<think>"]:
        final_answer(text)
        without_thinking(text)
        is_unfinished(text)
