"""RoboSpatial-Home's own rule, branch by branch, and its recorded verdicts."""

from __future__ import annotations

import pytest

from scorers.official.robospatial import (
    inside_even_odd,
    robospatial_point_official,
    robospatial_yes_no_official,
)
from scorers.types import Answer
from tasks.robospatial import TASK, to_samples

YES_NO = [
    ("yes", "yes", 1.0),
    ("Yes", "yes", 1.0),
    ("YES", "yes", 1.0),
    ("  yes\n", "yes", 1.0),
    ("yes.", "yes", 1.0),
    ("Yes, because there is no space", "yes", 1.0),
    ("yesno", "yes", 1.0),
    ("yesterday", "yes", 1.0),
    ("no", "no", 1.0),
    ("No. yes", "no", 1.0),
    ("nope", "no", 1.0),
    ("not sure", "no", 1.0),
    ("Noted: yes", "no", 1.0),
    ("None of these", "no", 1.0),
    ("no", "yes", 0.0),
    ("yes", "no", 0.0),
    ("", "no", 0.0),
    ("", "yes", 0.0),
    ("The answer is yes", "yes", 0.0),
    ("Answer: no", "no", 0.0),
    ('"yes"', "yes", 0.0),
    ("**Yes**", "yes", 0.0),
    ("<answer>Yes</answer>", "yes", 0.0),
    ("I think no", "no", 0.0),
    ("ye", "yes", 0.0),
]


@pytest.mark.parametrize(("text", "gold", "expected"), YES_NO)
def test_yes_no(text, gold, expected) -> None:
    assert robospatial_yes_no_official(text, gold) == expected


SQUARE = ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8))
POINTS = [
    # the first tuple of unsigned numbers
    ("(0.5, 0.5)", 1.0),
    ("(0.5,0.5)", 1.0),
    ("( 0.5 , 0.5 )", 1.0),
    ("[(0.5, 0.5)]", 1.0),
    ("[(0.5, 0.5), (0.1, 0.1)]", 1.0),
    ("[(0.1, 0.1), (0.5, 0.5)]", 0.0),
    ("Around (0.1, 0.1). Answer: (0.5, 0.5)", 0.0),
    ("(0.9, 0.5)", 0.0),
    ("(0.5, 0.1)", 0.0),
    ("(1, 1)", 0.0),
    ("(320, 240)", 0.0),
    ("(0.5\n, 0.5)", 1.0),
    ("(0., 0.)", 0.0),
    # a tuple is sought before a list
    ("[0.1, 0.1] (0.5, 0.5)", 1.0),
    ("(0.1, 0.1) [0.5, 0.5]", 0.0),
    # the first list
    ("[0.5, 0.5]", 1.0),
    ("[[0.5, 0.5], [0.1, 0.1]]", 1.0),
    ("[[0.1, 0.1], [0.5, 0.5]]", 0.0),
    ('[{"point_2d": [0.5, 0.5]}]', 1.0),
    ('[{"point_2d": [500, 500]}]', 0.0),
    # the first bracketed list as a literal
    ("[.5, .5]", 1.0),
    ("[(.5, .5), (.1, .1)]", 1.0),
    ("[(.1, .1), (.5, .5)]", 0.0),
    ("[5e-1, 5e-1]", 1.0),
    ("[+0.5, +0.5]", 1.0),
    ("[-0.5, 0.5]", 0.0),
    ("[(-0.5, 0.5), (0.5, 0.5)]", 1.0),
    ("[(.5, .5),]", 1.0),
    ("[('0.5', '0.5')]", 1.0),
    ("['0.5', '0.5']", 0.0),
    ("[(.5, .5, .5)]", 0.0),
    ("[.5, .5, .5]", 0.0),
    ("[.5]", 0.0),
    ("[]", 0.0),
    ("[] [.5, .5]", 0.0),
    ("[x, y]", 0.0),
    ("[.5, .5", 0.0),
    ("[None, None]", 0.0),
    ("[1j, 1j]", 0.0),
    ("[(1j, 1j)]", 0.0),
    ("[[.5, .5], [.1, .1]]", 0.0),  # the first "]" cuts the inner list: no literal
    # no point
    ("(0.5 0.5)", 0.0),
    ("(0.5, 0.5, 0.5)", 0.0),
    ("0.5, 0.5", 0.0),
    ("left of the bowl", 0.0),
    ("", 0.0),
    ("[" * 5_000 + "]", 0.0),
    ("[" + "(" * 9_000 + "]", 0.0),
    ("[" + "-" * 9_000 + "1]", 0.0),
]


@pytest.mark.parametrize(("text", "expected"), POINTS)
def test_pointing(text, expected) -> None:
    assert robospatial_point_official(text, SQUARE) == expected


CONCAVE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 0.2), (0.0, 1.0))
BOW_TIE = ((0.2, 0.2), (0.8, 0.2), (0.2, 0.8), (0.8, 0.8))


@pytest.mark.parametrize(
    ("point", "polygon", "inside"),
    [
        ((0.5, 0.1), CONCAVE, True),
        ((0.5, 0.5), CONCAVE, False),
        ((0.9, 0.5), CONCAVE, True),
        ((0.5, 0.3), BOW_TIE, True),
        ((0.5, 0.7), BOW_TIE, True),
        ((0.3, 0.5), BOW_TIE, False),  # between the wings, as listed
        ((0.2, 0.5), SQUARE, True),  # left edge in, right edge out
        ((0.8, 0.5), SQUARE, False),
        ((0.5, 0.5), ((0.1, 0.5), (0.9, 0.5), (0.5, 0.5)), False),
    ],
)
def test_even_odd_ray_casting(point, polygon, inside) -> None:
    assert inside_even_odd(*point, polygon) is inside


def test_recorded_verdicts(golden) -> None:
    for row in golden("robospatial/synthetic"):
        (sample,) = to_samples(row["record"])
        score = TASK.scorer(Answer(row["response"], row.get("coords"), raw=True), sample.target)
        assert score.official == row["expected"], row["id"]


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "text", ["[" * 1_000_000, "(" + "1" * 1_000_000, "(1," + " " * 1_000_000, "[" + "a," * 500_000 + "]"]
)
def test_a_megabyte_takes_bounded_time(text) -> None:
    assert robospatial_point_official(text, SQUARE) == 0.0
