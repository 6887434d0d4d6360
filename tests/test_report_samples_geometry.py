"""What the viewer draws is what the scorers judged."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from harness.jsonl import plain
from harness.scores.judging import score_json
from reports.samples.geometry import distance, drawn
from scorers.place.masks import encode
from scorers.rules.grounding import BoxTarget, grounding
from scorers.rules.refspatial import MaskTarget, points_in_mask
from scorers.rules.robospatial import RoboSpatialTarget, robospatial
from scorers.types import Answer, Target

Shapes = list[dict[str, Any]]


def true(target: Target) -> Shapes:
    """The true places, drawn from what an item's line holds."""
    return drawn(json.loads(json.dumps(plain(target.shapes()))))


def drawings(scorer: Any, answer: Answer, target: Target) -> tuple[Shapes, Shapes, dict[str, Any]]:
    """The true and the predicted places, drawn from what a run's files hold, and the score's line."""
    score = json.loads(json.dumps(score_json(scorer(answer, target))))
    return true(target), drawn(score.get("shapes")), score


@pytest.mark.parametrize(
    ("coords", "text"),
    [
        ("norm1000", "[100, 200, 500, 800]"),
        ("norm1", "(0.1,0.2),(0.5,0.8)"),
        ("abs", "[20, 20, 100, 80]"),
        ("yx1000", "[200, 100, 800, 500]"),
    ],
)
def test_a_predicted_box_stands_where_the_scorer_read_it(coords: Any, text: str):
    target = BoxTarget((60, 20, 200, 100), 400, 200)
    gold, read, _ = drawings(grounding, Answer(text, coords, (200, 100)), target)
    assert read == [{"box": [0.1, 0.2, 0.5, 0.8]}]
    assert gold == [{"box": [0.15, 0.1, 0.5, 0.5]}]


def test_a_box_of_which_only_fractions_are_known():
    gold, read, _ = drawings(grounding, Answer("[0, 0, 500, 500]", "norm1000"), BoxTarget((0.5, 0, 1, 1), 1, 1))
    assert gold == [{"box": [0.5, 0, 1, 1]}]
    assert read == [{"box": [0, 0, 0.5, 0.5]}]


def test_a_box_without_the_size_is_not_drawn():
    gold, read, score = drawings(grounding, Answer("[0, 0, 32, 24]", "abs"), BoxTarget((32, 24, 64, 48)))
    assert (gold, read, score["status"]) == ([], [], "ok")


def ring_mask() -> np.ndarray:
    """A square with a hole, and a pixel apart that touches nothing."""
    mask = np.zeros((20, 40), np.uint8)
    mask[4:16, 10:30] = 1
    mask[8:12, 15:25] = 0
    mask[0, 39] = 1
    return mask


def inside(rings: list[list[list[float]]], x: float, y: float) -> bool:
    """Even-odd, as the page fills."""
    crossings = 0
    for ring in rings:
        for (x1, y1), (x2, y2) in zip(ring, [*ring[1:], ring[0]], strict=True):
            if (y1 > y) != (y2 > y) and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1):
                crossings += 1
    return crossings % 2 == 1


def test_a_masks_outline_fills_exactly_its_pixels():
    mask = ring_mask()
    [shape] = true(MaskTarget(encode(mask), 20, 40))
    assert len(shape["rings"]) == 3
    filled = [[inside(shape["rings"], (x + 0.5) / 40, (y + 0.5) / 20) for x in range(40)] for y in range(20)]
    assert np.array_equal(np.array(filled), mask > 0)


def test_diagonal_neighbours_and_noise_keep_their_area():
    mask = (np.random.default_rng(3).random((24, 31)) < 0.4).astype(np.uint8)
    [shape] = true(MaskTarget(encode(mask), 24, 31))
    filled = [[inside(shape["rings"], (x + 0.5) / 31, (y + 0.5) / 24) for x in range(31)] for y in range(24)]
    assert np.array_equal(np.array(filled), mask > 0)


def test_a_large_mask_is_followed_coarsely_and_stays_in_the_image():
    mask = np.zeros((1000, 3000), np.uint8)
    mask[100:, 1500:] = 1
    [shape] = true(MaskTarget(encode(mask), 1000, 3000))
    [ring] = shape["rings"]
    assert len(ring) == 4
    assert {tuple(corner) for corner in ring} == {(0.5, 0.108), (1, 0.108), (1, 1), (0.5, 1)}


def test_points_say_whether_the_scorer_found_them_inside():
    answer = Answer("[(0.3, 0.3), (0.5, 0.5), (2, 0.1)]", "norm1")
    _, [shape], score = drawings(points_in_mask, answer, MaskTarget(encode(ring_mask()), 20, 40))
    assert [point[2] for point in shape["points"]] == [1, 0, 0]
    assert shape["points"][0][:2] == [0.3, 0.3]
    assert sum(point[2] for point in shape["points"]) / 3 == pytest.approx(score["value"])


def test_a_vector_of_four_is_a_box_behind_the_points():
    answer = Answer("[[100, 100, 500, 800]]", "norm1000")
    _, read, score = drawings(points_in_mask, answer, MaskTarget(encode(ring_mask()), 20, 40))
    assert read == [{"box": [0.1, 0.1, 0.5, 0.8]}]
    assert score["extracted"] == "[[4.0, 2.0, 20.0, 16.0]]"


def test_a_point_for_a_polygon_is_in_fractions_and_judged_by_its_outline():
    crossed = RoboSpatialTarget("", ((0, 0), (1, 1), (1, 0), (0, 1)), 160, 128)
    gold, read, score = drawings(robospatial, Answer("(900, 500)", "norm1000"), crossed)
    assert score["value"] == 1
    assert read == [{"points": [[0.9, 0.5, 1]]}]
    assert len(gold[0]["rings"][0]) == 4


SQUARE = [{"rings": [[[0.2, 0.2], [0.4, 0.2], [0.4, 0.4], [0.2, 0.4]]]}]


@pytest.mark.parametrize(
    ("points", "wanted"),
    [
        ([[0.3, 0.3, 1]], 0),
        ([[0.7, 0.3, 0]], 100 * 0.3 * 300 / 500),  # straight to the right side
        ([[0.7, 0.8, 0]], 100 * math.hypot(0.3 * 300, 0.4 * 400) / 500),  # to the corner
        ([[0.3, 0.3, 1], [0.7, 0.3, 0]], 50 * 0.3 * 300 / 500),
        ([[0.3, 0.3, 0]], 100 * 0.1 * 300 / 500),  # found outside: to the nearest side
    ],
)
def test_how_far_points_are_from_the_true_place(points: Any, wanted: float):
    assert distance([{"points": points}], SQUARE, (300, 400)) == pytest.approx(wanted)


def test_a_box_is_an_outline_too_and_without_points_there_is_no_distance():
    box = [{"box": [0.2, 0.2, 0.4, 0.4]}]
    assert distance([{"points": [[0.7, 0.3, 0]]}], box, (300, 400)) == pytest.approx(18)
    assert distance(box, SQUARE, (300, 400)) is None
    assert distance([{"points": [[0.7, 0.3, 0]]}], [], (300, 400)) is None


def test_a_word_is_no_place():
    gold, read, score = drawings(robospatial, Answer("yes"), RoboSpatialTarget("yes"))
    assert (gold, read) == ([], [])
    assert "shapes" not in score


@pytest.mark.parametrize(
    "shape",
    [
        None,
        [],
        "text",
        {},
        {"box": "0,0,1,1"},
        {"box": [0, 0, 1]},
        {"box": [0, 0, 1, True]},
        {"box": [0, 0, 1, float("nan")]},
        {"mask": None},
        {"mask": {"counts": "zz", "height": 2, "width": 2}},
        {"mask": {"counts": "é", "height": 2, "width": 2}},
        {"mask": {"counts": "04", "height": 10**6, "width": 10**6}},
        {"mask": {"counts": "04", "height": "2", "width": 2}},
        {"rings": [[[0, 0], [1, 1]]]},
        {"rings": [[[0, 0], [1, "1"], [0, 1]]]},
        {"rings": {"a": 1}},
        {"points": []},
        {"points": [[1, 2]]},
        {"points": [["1", 2, 0]]},
        {"points": 5},
    ],
)
def test_a_shape_of_another_form_is_not_drawn(shape: Any):
    assert drawn([shape]) == []
    assert drawn([shape, {"box": [0, 0, 1, 1]}]) == [{"box": [0, 0, 1, 1]}]


@pytest.mark.parametrize("shapes", [None, 5, "A", {"box": [0, 0, 1, 1]}])
def test_shapes_that_are_no_list_draw_nothing(shapes: Any):
    assert drawn(shapes) == []
