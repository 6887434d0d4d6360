"""Right answers written from targets: what `harness validate` answers with."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask

from harness.gold import gold_response
from tasks.types import Sample


def gold(**fields: Any) -> str | None:
    return gold_response(Sample("x", "?", SimpleNamespace(**fields)))


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"options": ("x", "y"), "answer": 1}, "B"),
        ({"options": (), "answer": -1, "golds": ("seven", "7")}, "seven"),
        ({"answer": "12 %"}, "12 %"),
        ({"answer": 0.5}, "0.5"),
        ({"answers": ("a", "b")}, "a"),
        ({"answer": "", "polygon": ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0))}, "[(0.2500, 0.5000)]"),
        ({"nothing": 1}, None),
        ({"box": (1, 2, 3, 4), "width": None, "height": None}, None),
    ],
)
def test_by_the_fields_of_the_target(fields: dict[str, Any], text: str | None) -> None:
    assert gold(**fields) == text


def test_a_box_in_fractions() -> None:
    text = gold(box=(10, 20, 50, 80), width=100, height=200)
    assert text is not None
    assert json.loads(text) == {"bbox_2d": [0.1, 0.1, 0.5, 0.4]}


@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 14)), min_size=1, max_size=60, unique=True))
def test_a_point_inside_any_mask(pixels: list[tuple[int, int]]) -> None:
    array = np.zeros((15, 20), np.uint8, order="F")
    for x, y in pixels:
        array[y, x] = 1
    text = gold(counts=mask.encode(array)["counts"].decode(), width=20, height=15)
    assert text is not None
    x, y = (float(part) for part in text.strip("[()]").split(","))
    assert array[int(y * 15), int(x * 20)] == 1


def test_a_point_inside_a_hollow_polygon() -> None:
    """A U: its centre of mass lies outside."""
    u = ((0, 0), (0.2, 0), (0.2, 0.8), (0.8, 0.8), (0.8, 0), (1, 0), (1, 1), (0, 1))
    text = gold(answer="", polygon=u)
    assert text is not None
    x, y = (float(part) for part in text.strip("[()]").split(","))
    assert y == 0.9 or not 0.2 <= x <= 0.8
