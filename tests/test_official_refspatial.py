"""RefSpatial-Bench's own tuple parser, branch by branch, and its recorded verdicts."""

from __future__ import annotations

import numpy as np
import pytest

from scorers.official.refspatial import refspatial_official
from scorers.place import masks
from scorers.types import Answer
from tasks.refspatial import TASK, to_samples

# 20 wide, 10 high; inside: columns 10 … 19 of rows 0 … 4.
PIXELS = np.zeros((10, 20), dtype=np.uint8)
PIXELS[:5, 10:] = 1
MASK = masks.load(masks.encode(PIXELS), 10, 20)

CASES = [
    # pairs with a decimal point are fractions
    ("[(0.75, 0.25)]", 1.0),
    ("(0.75, 0.25)", 1.0),
    ("(0.75,0.25)", 1.0),
    ("[(0.25, 0.25)]", 0.0),
    ("(0.5, 0.0)", 1.0),
    ("(0.49, 0.0)", 0.0),
    ("(0.75, 0.49)", 1.0),
    ("(0.75, 0.5)", 0.0),
    # one number with a point is enough; the other is a fraction too
    ("(0.75, 0)", 1.0),
    ("(0, 0.25)", 0.0),
    ("(1., 0)", 0.0),
    ("(0.75, 1)", 0.0),
    # two integers are pixels
    ("(15, 2)", 1.0),
    ("(2, 15)", 0.0),
    ("(19, 4)", 1.0),
    ("(20, 4)", 0.0),
    ("(0, 1)", 0.0),
    ("(+15, +2)", 1.0),
    # outside the image
    ("(2.0, 3.0)", 0.0),
    ("(1.0, 0.0)", 0.0),
    ("(663.5, 937.5)", 0.0),
    ("(-1, 2)", 0.0),
    ("(-0.5, 0.25)", 0.0),
    # cut towards zero: a hair outside is pixel 0
    ("(0.75, -0.05)", 1.0),
    # several points: the mean; repeated ones count again
    ("[(0.75, 0.25), (0.25, 0.25)]", 0.5),
    ("[(0.75, 0.25), (2.0, 3.0)]", 0.5),
    ("[(0.75, 0.25), (0.75, 0.25), (0.25, 0.25)]", 2 / 3),
    ("(0.75, 0.25) and (15, 2)", 1.0),
    ("<think>(0.1, 0.1)</think><answer>[(0.75, 0.25)]</answer>", 0.5),
    # vectors of four: every pixel of the box; fractions with a decimal point anywhere, else pixels
    ("(0.5, 0.0, 1.0, 0.5)", 1.0),
    ("(0.0, 0.0, 1.0, 1.0)", 0.25),
    ("(0.5, 0.0, 1.5, 0.5)", 0.5),
    ("(-0.5, 0.0, 1.0, 0.5)", 1 / 3),
    ("(0, 0, 1, 1.0)", 0.25),
    ("(0, 0, 1, 1)", 0.0),
    ("(10, 0, 19, 4)", 1.0),
    ("(5, 0, 15, 5)", 0.5),
    ("(0.5, 0.0, 1.0, 0.5), (0.25, 0.25)", 50 / 51),
    # an empty box has no points; a swapped one makes the script fail
    ("(0.5, 0.0, 0.5, 0.5)", 0.0),
    ("(0.5, 0.0, 0.5, 0.5) (0.75, 0.25)", 1.0),
    ("(1.0, 0.5, 0.5, 0.0)", 0.0),
    ("(1.0, 0.0, 0.5, 0.5) (0.75, 0.25)", 0.0),
    # other lengths are no points
    ("(0.75)", 0.0),
    ("(0.75, 0.25, 0.1)", 0.0),
    ("(0.1, 0.2, 0.3, 0.4, 0.5)", 0.0),
    ("(0.1, 0.2, 0.3) (0.75, 0.25)", 1.0),
    # what the pattern does not match
    ("( 0.75, 0.25)", 0.0),
    ("(0.75 , 0.25)", 0.0),
    ("(0.75, 0.25 )", 0.0),
    ("(0.75 0.25)", 0.0),
    ("(.75, .25)", 0.0),
    ("(7.5e-1, 0.25)", 0.0),
    ("(x=0.75, y=0.25)", 0.0),
    ("[0.75, 0.25]", 0.0),
    ('[{"point_2d": [15, 2]}]', 0.0),
    ('<points x1="75" y1="25"/>', 0.0),
    ("(0.75,\n0.25)", 1.0),
    ("((0.75, 0.25))", 1.0),
    # nothing, and numbers without end
    ("", 0.0),
    ("I cannot tell.", 0.0),
    (f"({'9' * 5000}, 1) (15, 2)", 0.0),
    (f"({'9' * 290}, 1) (15, 2)", 0.5),
    (f"({'9' * 290}.0, 1.0) (15, 2)", 0.5),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_tuple_parser(text, expected) -> None:
    assert refspatial_official(text, MASK) == pytest.approx(expected)


def test_recorded_verdicts(golden, golden_dir) -> None:
    for row in golden("refspatial/synthetic"):
        record = {**row["record"], "mask": str(golden_dir / "refspatial" / row["record"]["mask"])}
        (sample,) = to_samples(record)
        score = TASK.scorer(Answer(row["response"], row.get("coords"), raw=True), sample.target)
        assert score.official == pytest.approx(row["expected"], abs=1e-9), row["id"]


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "text",
    ["(" + "1" * 1_000_000, "(1" + ",1" * 500_000, "(1," + " " * 1_000_000, "(0.0,0.0,0.9,0.9)" * 60_000],
)
def test_a_megabyte_takes_bounded_time(text) -> None:
    big = np.zeros((1440, 1920), dtype=np.uint8)
    big[300:700, 400:900] = 1
    mask = masks.load(masks.encode(big), 1440, 1920)
    assert 0 <= refspatial_official(text, mask) <= 1
