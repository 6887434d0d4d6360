"""Coordinate conventions: what each means in pixels and fractions, and when a size is needed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorers.place.coordinates import (
    UNITS,
    Y_FIRST,
    box_to_pixels,
    fractions,
    pixel_of,
    responses,
    to_pixels,
)
from scorers.types import COORDS, Coords, ScorerError

SIZE = (640, 480)
PIXELS = [
    ("abs", (320, 120), SIZE, None, (320, 120)),
    ("abs", (320, 120), None, None, (320, 120)),
    ("abs", (320, 120), None, (320, 240), (320, 120)),
    ("abs", (160, 60), SIZE, (320, 240), (320, 120)),
    ("abs", (644, 476), SIZE, (644, 476), (640, 480)),
    ("norm1", (0.5, 0.25), SIZE, None, (320, 120)),
    ("norm1", (1, 1), SIZE, None, (640, 480)),
    ("norm1", (0.5, 0.25), SIZE, (64, 48), (320, 120)),
    ("norm100", (50, 25), SIZE, None, (320, 120)),
    ("norm1000", (500, 250), SIZE, None, (320, 120)),
    ("norm1000", (999, 0), SIZE, None, (639.36, 0)),
    ("yx1000", (500, 250), SIZE, None, (320, 120)),
    ("loc1024", (512, 256), SIZE, None, (320, 120)),
    ("loc1024", (1023, 1023), SIZE, None, (639.375, 479.53125)),
    ("loc1000", (499.5, 249.5), SIZE, None, (320, 120)),
    ("loc1000", (0, 999), SIZE, None, (0.32, 479.76)),
]


@pytest.mark.parametrize(("coords", "point", "size", "shown", "expected"), PIXELS)
def test_points_in_pixels(coords, point, size, shown, expected) -> None:
    assert to_pixels(point, coords, size=size, shown=shown) == pytest.approx(expected)


@pytest.mark.parametrize("coords", [c for c in COORDS if c != "abs"])
def test_normalised_pixels_need_the_size_and_say_so(coords: Coords) -> None:
    with pytest.raises(ScorerError, match=f"{coords}.*width and height"):
        to_pixels((0, 0), coords, size=None)


def test_abs_pixels_of_an_image_known_only_in_fractions_need_what_was_shown() -> None:
    with pytest.raises(ScorerError, match="size of the image"):
        to_pixels((10, 10), "abs", size=(1, 1))
    assert to_pixels((160, 60), "abs", size=(1, 1), shown=(320, 240)) == (0.5, 0.25)


def test_fractions() -> None:
    assert fractions((320, 120), SIZE) == [0.5, 0.25]
    assert fractions((320, 120, 640, 480), SIZE) == [0.5, 0.25, 1.0, 1.0]


@pytest.mark.parametrize(
    ("place", "coords", "first"),
    [
        ((320, 120), "abs", '[{"point_2d": [320, 120]}]'),
        ((320, 120), "norm1", "[(0.500, 0.250)]"),
        ((320, 120), "norm100", '[{"point_2d": [50.0, 25.0]}]'),
        ((320, 120), "norm1000", '[{"point_2d": [500, 250]}]'),
        ((320, 120), "yx1000", '[{"point": [250, 500]}]'),
        ((320, 120), "loc1024", "<loc0256><loc0512>"),
        ((320, 120), "loc1000", "<loc_500><loc_250>"),
        ((-5, 0, 700, 480), "norm1000", '{"bbox_2d": [0, 0, 1000, 1000]}'),
        ((-5, 0, 700, 480), "loc1024", "<loc0000><loc0000><loc1023><loc1023>"),
    ],
)
def test_places_as_models_write_them(place, coords, first) -> None:
    written = list(responses(place, coords, SIZE))
    assert written[0] == first
    assert len(written) == (1 if coords.startswith("loc") else 6 - {"norm1": 3, "norm100": 1}.get(coords, 0))


@pytest.mark.parametrize(
    ("box", "size", "expected"),
    [
        ((10, 20, 30, 40), SIZE, (10, 20, 30, 40)),
        ((30, 40, 10, 20), SIZE, (10, 20, 30, 40)),
        ((30, 20, 10, 40), SIZE, (10, 20, 30, 40)),
        ((-5, -5, 700, 500), SIZE, (0, 0, 640, 480)),
        ((-5, -5, 700, 500), None, (0, 0, 700, 500)),
        ((700, 500, 800, 600), SIZE, (640, 480, 640, 480)),
        ((-20, -20, -10, -10), SIZE, (0, 0, 0, 0)),
        ((-20, -20, -10, -10), None, (0, 0, 0, 0)),
    ],
)
def test_boxes_are_put_in_order_and_clipped(box, size, expected) -> None:
    assert box_to_pixels(box, "abs", size=size) == expected


@pytest.mark.parametrize(
    ("point", "pixel"),
    [
        ((0, 0), (0, 0)),
        ((0.99, 0.99), (0, 0)),
        ((1, 1), (1, 1)),
        ((639.9, 479.9), (639, 479)),
        ((640, 480), (639, 479)),
        ((640.01, 10), None),
        ((10, 480.5), None),
        ((-0.01, 10), None),
        ((10, -3), None),
        ((float("nan"), 3), None),
        ((float("inf"), 3), None),
    ],
)
def test_pixel_of(point, pixel) -> None:
    assert pixel_of(point, SIZE) == pixel


def test_y_first_conventions() -> None:
    assert {"yx1000", "loc1024"} == Y_FIRST
    assert set(UNITS) == set(COORDS) - {"abs"}


sizes = st.tuples(st.integers(2, 4000), st.integers(2, 4000))


@given(st.tuples(st.integers(0, 4000), st.integers(0, 4000)), sizes)
def test_whole_pixels_stay_whole_when_shown_as_stored(point, size) -> None:
    assert to_pixels(point, "abs", size=size, shown=size) == point


@given(st.tuples(st.floats(0, 1), st.floats(0, 1)), sizes, sizes, st.sampled_from(COORDS))
def test_pixels_and_fractions_agree(fraction, size, shown, coords: Coords) -> None:
    unit = shown if coords == "abs" else (UNITS[coords], UNITS[coords])
    bin_ = 0.5 if coords == "loc1000" else 0.0
    written = (fraction[0] * unit[0] - bin_, fraction[1] * unit[1] - bin_)
    x, y = to_pixels(written, coords, size=size, shown=shown)
    again = to_pixels(written, coords, size=(1, 1), shown=shown)
    assert again == pytest.approx(fraction, abs=1e-9)
    assert (x / size[0], y / size[1]) == pytest.approx(fraction, abs=1e-9)


@given(st.tuples(*[st.floats(-5000, 5000)] * 4), sizes)
def test_boxes_end_up_ordered_inside_the_image_whichever_corner_comes_first(box, size) -> None:
    x1, y1, x2, y2 = box_to_pixels(box, "abs", size=size)
    assert 0 <= x1 <= x2 <= size[0]
    assert 0 <= y1 <= y2 <= size[1]
    assert box_to_pixels((box[2], box[1], box[0], box[3]), "abs", size=size) == (x1, y1, x2, y2)
    assert box_to_pixels((x1, y1, x2, y2), "abs", size=size) == (x1, y1, x2, y2)
