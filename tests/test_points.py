"""Points: every response format decided by inspection, points in masks and polygons."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from scorers.place import masks
from scorers.place.places import read_places, scan
from scorers.read.normalise import clean
from scorers.rules.refspatial import MaskTarget, points_in_mask
from scorers.rules.robospatial import RoboSpatialTarget, in_polygon, middle, outline, robospatial
from scorers.types import COORDS, Answer, ScorerError, Status

ONE = ((0.1, 0.2),)
TWO = ((0.1, 0.2), (0.3, 0.4))
READ = [
    ("[(0.1, 0.2)]", ONE),
    ("(0.1, 0.2)", ONE),
    ("[0.1, 0.2]", ONE),
    ("[[0.1, 0.2]]", ONE),
    ("[0.1 0.2]", ONE),
    ("0.1, 0.2", ONE),
    ("Answer: 0.1, 0.2", ONE),
    ("The point is at 0.1, 0.2.", ONE),
    ("It took 3, 4 hours", None),
    ("[(0.1, 0.2), (0.3, 0.4)]", TWO),
    ("[[0.1, 0.2], [0.3, 0.4]]", TWO),
    ("(0.1, 0.2) (0.3, 0.4)", TWO),
    ("[(0.1,0.2),(0.3,0.4)", TWO),
    ("[(0.1, 0.2), (0.3, 0.4", TWO),
    ('[{"point_2d": [0.1, 0.2], "label": "p"}]', ONE),
    ('[{"point_2d": ["0.1", "0.2"]}]', ONE),
    ('[{"point_2d": [0.1, 0.2]}, {"point_2d": [0.3, 0.4]}]', TWO),
    ('[{"point_2d": [0.1, 0.2]', ONE),
    ('```json\n[\n {"point": [0.1, 0.2], "label": "a"}\n]\n```', ONE),
    ('{"points": [[0.1, 0.2], [0.3, 0.4]]}', TWO),
    ('{"answer": "[(0.1, 0.2)]"}', ONE),
    ('{"x": 0.1, "y": 0.2}', ONE),
    ('[{"x": 0.1, "y": 0.2}, {"x": 0.3, "y": 0.4}]', TWO),
    ('{"y": 0.2, "x": 0.1}', ONE),
    ("x=0.1, y=0.2", ONE),
    ('<point x="0.1" y="0.2" alt="cup">cup</point>', ONE),
    ('<points x1="0.1" y1="0.2" x2="0.3" y2="0.4"/>', TWO),
    ("<point>[[0.1, 0.2], [0.3, 0.4]]</point>", TWO),
    ("The cup at (0.9, 0.9) is not it.\nAnswer: [(0.1, 0.2)]", ONE),
    ("Between (0.9, 0.9) and the wall: [(0.1, 0.2), (0.3, 0.4)]", TWO),
    ('Near (0.9, 0.9).\n```json\n[{"point_2d": [0.1, 0.2]}]\n```', ONE),
    ('{"label": "near (0.9, 0.9)", "point_2d": [0.1, 0.2]}', ONE),
    ("Step (1) and (2): point to (0.1, 0.2)", ONE),
    ("click(0.1, 0.2)", ONE),
    ("Action: click(start_box='(0.1,0.2)')", ONE),
    ("The point is x=0.1, y=0.2.", ONE),
    ("x: 0.1, y: 0.2", ONE),
    ("x = 0.1\ny = 0.2", ONE),
    ("(x, y) = (0.1, 0.2)", ONE),
    ("<point>0.1 0.2</point>", ONE),
    ("<|point_start|>(0.1,0.2)<|point_end|>", ONE),
    ("点的坐标是（0.1，0.2）。", ONE),
    ("\\boxed{(0.1, 0.2)}", ONE),
    ("\\boxed{0.1, 0.2}", ONE),
    ('{"answer": [[0.1, 0.2]]}', ONE),
    ('{"point": {"x": 0.1, "y": 0.2}}', ONE),
    ('{"name": "computer", "arguments": {"action": "left_click", "coordinate": [0.1, 0.2]}}', ONE),
    ("Answer:\n(0.1, 0.2)\n(0.3, 0.4)", TWO),
    ("Answer:\n1. (0.1, 0.2)\n2. (0.3, 0.4)", TWO),
    ("Point 1: (0.1, 0.2)\nPoint 2: (0.3, 0.4)", TWO),
    ("(0.9, 0.9). Wait, (0.1, 0.2)", ONE),
    ("(0.9, 0.9)\n\nActually, (0.1, 0.2)", ONE),
    ("The answer is (0.9, 0.9). Wait, actually, the answer is (0.1, 0.2).", ONE),
    ("(0.1, 0.2), not (0.9, 0.9)", ONE),
    ("The point (0.9, 0.9) is wrong; (0.1, 0.2).", ONE),
    ("not (0.1, 0.2)", None),
    ("(0.1, 0.2) or (0.3, 0.4)", None),
    ("<think>(0.1, 0.2)", None),
    ("", None),
    ("I cannot tell.", None),
    ("[]", None),
    ("[(x1, y1)]", None),
    ("(0.1)", None),
    ("(0.1, 0.2, 0.3)", None),
    ("In 2014, 3 of 4", None),
    ("(nan, 0.2)", None),
    (f"({'9' * 99}, 0.2)", None),
    ("<loc0010><loc0020>", None),
    ("\x00\ud800\u200f", None),
]


def places_of(text, coords):
    found = read_places(clean(text), coords)
    return found.value if found else None


@pytest.mark.parametrize(("text", "expected"), READ)
def test_read_points(text, expected) -> None:
    assert places_of(text, "norm1") == expected


def test_vectors_of_four_are_boxes() -> None:
    box = (0.1, 0.2, 0.3, 0.4)
    ways = (
        "(0.1, 0.2, 0.3, 0.4)",
        '[{"bbox_2d": [0.1, 0.2, 0.3, 0.4], "label": "cup"}]',
        '{"xmin": 0.1, "ymin": 0.2, "xmax": 0.3, "ymax": 0.4}',
    )
    assert {places_of(way, "norm1") for way in ways} == {(box,)}


@pytest.mark.parametrize(
    ("text", "coords", "expected"),
    [
        ('[{"point": [200, 100], "label": "a"}]', "yx1000", ((100, 200),)),
        ("200, 100", "yx1000", ((100, 200),)),
        ('{"x": 100, "y": 200}', "yx1000", ((100, 200),)),
        ("<loc0200><loc0100>", "loc1024", ((100, 200),)),
        ("<loc0200><loc0100> cup ; <loc0004> <loc0003>", "loc1024", ((100, 200), (3, 4))),
        ("[200, 100]", "loc1024", ((100, 200),)),
        ("<loc_100><loc_200>", "loc1000", ((100, 200),)),
        ("cup<loc_100><loc_200>cup<loc_3><loc_4>", "loc1000", ((100, 200), (3, 4))),
        ('<points x1="61.5" y1="40.4" x2="3" y2="4" alt="cup">cup</points>', "norm100", ((61.5, 40.4), (3, 4))),
        ("(61.5%, 40.4%)", "norm100", ((61.5, 40.4),)),
    ],
)
def test_conventions(text, coords, expected) -> None:
    assert places_of(text, coords) == expected


# 20 wide, 10 high; inside: columns 10 … 19 of rows 0 … 4.
PIXELS = np.zeros((10, 20), dtype=np.uint8)
PIXELS[:5, 10:] = 255
TARGET = MaskTarget(masks.encode(PIXELS), 10, 20)


@pytest.mark.parametrize(
    ("text", "coords", "shown", "value"),
    [
        ("[(0.75, 0.25)]", "norm1", None, 1.0),
        ("[(0.75, 0.25)]", None, None, 1.0),
        ("[(0.25, 0.25)]", "norm1", None, 0.0),
        ("[(0.75, 0.25), (0.25, 0.25)]", "norm1", None, 0.5),
        ("[(0.75, 0.25), (2.0, 3.0)]", "norm1", None, 0.5),
        ("[(0.75, 0.25), (-0.3, 0.25)]", "norm1", None, 0.5),
        ("[(1.0, 0.0)]", "norm1", None, 1.0),
        ("[(1, 0)]", "norm1", None, 1.0),
        ("[(15, 2)]", "norm1", None, 0.0),
        ("[(0.5, 0.0)]", "norm1", None, 1.0),
        ("[(0.499, 0.0)]", "norm1", None, 0.0),
        ("[(0.75, 0.499)]", "norm1", None, 1.0),
        ("[(0.75, 0.5)]", "norm1", None, 0.0),
        ("[(15, 2)]", "abs", None, 1.0),
        ("[(15.9, 4.9)]", "abs", None, 1.0),
        ("[(9.9, 4.9)]", "abs", None, 0.0),
        ("[(20, 0)]", "abs", None, 1.0),
        ("[(20.1, 0)]", "abs", None, 0.0),
        ("[(30, 4)]", "abs", (40, 20), 1.0),
        ("[(15, 2)]", "abs", (40, 20), 0.0),
        ('[{"point_2d": [750, 250]}]', "norm1000", None, 1.0),
        ('[{"point_2d": [250, 750]}]', "norm1000", None, 0.0),
        ('[{"point": [250, 750]}]', "yx1000", None, 1.0),
        ("<loc0256><loc0768>", "loc1024", None, 1.0),
        ("<loc_750><loc_250>", "loc1000", None, 1.0),
        ("<loc_500><loc_0>", "loc1000", None, 1.0),
        ("<loc_499><loc_0>", "loc1000", None, 0.0),
        ('<point x="75" y="25" alt="cup">cup</point>', "norm100", None, 1.0),
        ('[{"bbox_2d": [500, 0, 1000, 500], "label": "cup"}]', "norm1000", None, 1.0),
        ("[(0.75, 0.25), (0.75, 0.25), (0.75, 0.25), (0.25, 0.25)]", "norm1", None, 0.5),
        ("(0.5, 0.0, 1.0, 0.5)", "norm1", None, 1.0),
        ("(0.0, 0.0, 1.0, 1.0)", "norm1", None, 0.25),
        ("(1.0, 1.0, 0.0, 0.0)", "norm1", None, 0.25),
        ("(0.5, 0.0, 1.5, 0.5)", "norm1", None, 0.5),
        ("(0.75, 0.25, 0.75, 0.25)", "norm1", None, 1.0),
        ("[(0.0, 0.0, 1.0, 1.0), (0.75, 0.25)]", "norm1", None, 0.625),
        ("<think>(0.25, 0.25)</think><answer>[(0.75, 0.25)]</answer>", "norm1", None, 1.0),
    ],
)
def test_share_of_points_in_the_mask(text, coords, shown, value) -> None:
    assert points_in_mask(Answer(text, coords, shown), TARGET).value == pytest.approx(value)


def test_points_in_mask_status_official_and_components() -> None:
    score = points_in_mask(Answer("nowhere", "norm1"), TARGET)
    assert (score.status, score.value, score.official) == (Status.UNPARSED, 0.0, 0.0)
    assert points_in_mask(Answer("[(0.75, 0.25)]"), TARGET).official == 1.0
    assert points_in_mask(Answer("[(0.75, 0.25)]", "norm1000"), TARGET).official is None
    assert points_in_mask(Answer("nowhere", "abs"), TARGET).official is None
    both = points_in_mask(Answer("[(0.75, 0.25), (0.25, 0.5)]", "norm1"), TARGET)
    assert both.components == {"points": 2.0}
    assert both.extracted == "[[15.0, 2.5], [5.0, 5.0]]"
    assert both.shapes == ({"points": [[0.75, 0.25, 1], [0.25, 0.5, 0]]},)
    boxed = points_in_mask(Answer("[(0.75, 0.25), (1.0, 0.5, 0.5, 0.0)]", "norm1"), TARGET)
    assert boxed.shapes == ({"points": [[0.75, 0.25, 1]]}, {"box": [0.5, 0.0, 1.0, 0.5]})
    assert TARGET.shapes() == ({"mask": {"counts": TARGET.counts, "height": 10, "width": 20}},)
    thought = Answer("<think>(0.25, 0.25)</think>(0.75, 0.25)", "norm1")
    assert points_in_mask(thought, TARGET).official == 1.0
    assert points_in_mask(Answer(thought.text, "norm1", raw=True), TARGET).official == 0.5


def test_flooding_with_points_is_a_mean() -> None:
    grid = [(x / 20 + 0.01, y / 10 + 0.01) for x in range(20) for y in range(10)]
    assert points_in_mask(Answer(json.dumps(grid), "norm1"), TARGET).value == pytest.approx(0.25)


@pytest.mark.parametrize("counts", ["", "0", "~~~", "ééé", TARGET.counts + "0", TARGET.counts[:-1]])
def test_a_target_that_is_no_mask_is_an_error(counts) -> None:
    with pytest.raises(ScorerError):
        points_in_mask(Answer("(0.1, 0.2)"), MaskTarget(counts, 10, 20))


small = npst.arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 1))


@given(small, st.integers(-3, 14), st.integers(-3, 14), st.integers(-3, 14), st.integers(-3, 14))
@settings(deadline=None)
def test_masks_agree_with_pycocotools_pixel_by_pixel(pixels, x1, y1, x2, y2) -> None:
    from pycocotools import mask as coco

    height, width = pixels.shape
    counts = masks.encode(pixels)
    decoded = coco.decode({"size": [height, width], "counts": counts.encode()})
    mask = masks.load(counts, height, width)
    assert [[mask.contains(x, y) for x in range(width)] for y in range(height)] == decoded.astype(bool).tolist()
    assert not mask.contains(-1, 0)
    assert not mask.contains(0, height)
    inside = decoded[max(y1, 0) : max(y2, 0), max(x1, 0) : max(x2, 0)].sum()
    assert mask.count(x1, y1, x2, y2) == inside


SQUARE = ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8))
BOW_TIE = ((0.2, 0.2), (0.8, 0.2), (0.2, 0.8), (0.8, 0.8))
CONCAVE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 0.2), (0.0, 1.0))


@pytest.mark.parametrize(
    ("point", "polygon", "inside"),
    [
        ((0.5, 0.5), SQUARE, True),
        ((0.1, 0.5), SQUARE, False),
        ((0.2, 0.5), SQUARE, True),
        ((0.8, 0.5), SQUARE, True),
        ((0.5, 0.8), SQUARE, True),
        ((0.8, 0.8), SQUARE, True),
        ((0.81, 0.8), SQUARE, False),
        ((0.5, 0.1), CONCAVE, True),
        ((0.5, 0.5), CONCAVE, False),
        ((0.1, 0.5), CONCAVE, True),
        ((0.25, 0.5), BOW_TIE, True),
        ((0.5, 0.3), BOW_TIE, True),
        ((0.1, 0.5), BOW_TIE, False),
        ((0.5, 0.5), ((0.5, 0.5),) * 3, True),
        ((0.4, 0.5), ((0.5, 0.5),) * 3, False),
    ],
)
def test_point_in_polygon(point, polygon, inside) -> None:
    assert in_polygon(point, outline(polygon)) is inside


def test_an_outline_that_crosses_itself_becomes_the_hull_and_others_stay() -> None:
    assert outline(SQUARE) == SQUARE
    assert outline(CONCAVE) == CONCAVE
    assert set(outline(BOW_TIE)) == set(SQUARE)


@pytest.mark.parametrize(
    ("text", "coords", "shown", "value"),
    [
        ("[(0.5, 0.5)]", "norm1", None, 1.0),
        ("[(0.5, 0.5)]", None, None, 1.0),
        ("[(0.1, 0.1), (0.5, 0.5)]", "norm1", None, 0.0),
        ("[(0.5, 0.5), (0.1, 0.1)]", "norm1", None, 1.0),
        ('[{"point_2d": [500, 500]}]', "norm1000", None, 1.0),
        ('[{"point_2d": [0.5, 0.5]}]', "norm1000", None, 0.0),
        ("(320, 240)", "abs", None, 1.0),
        ("(32, 24)", "abs", None, 0.0),
        ("(32, 24)", "abs", (64, 48), 1.0),
        ("Not (0.1, 0.1). Answer: (0.5, 0.5)", "norm1", None, 1.0),
        ("<think>(0.1, 0.1)</think>(0.5, 0.5)", "norm1", None, 1.0),
    ],
)
def test_first_point_in_the_polygon(text, coords, shown, value) -> None:
    target = RoboSpatialTarget("", SQUARE, 640, 480)
    assert robospatial(Answer(text, coords, shown), target).value == value


def test_robospatial_statuses_and_official() -> None:
    target = RoboSpatialTarget("", SQUARE)
    assert robospatial(Answer("left of the bowl", "norm1"), target).status is Status.UNPARSED
    assert robospatial(Answer("(0.1, 0.1, 0.9, 0.9)", "norm1"), target).status is Status.UNPARSED
    assert robospatial(Answer("(500, 500)", "norm1000"), target).official is None
    assert robospatial(Answer("(0.5, 0.5)", "norm1"), target).official == 1.0
    assert robospatial(Answer("(0.5, 0.5)", "norm1"), target).extracted == "[[0.5, 0.5]]"
    with pytest.raises(ScorerError, match="size of the image"):
        robospatial(Answer("(500, 500)", "abs"), target)


@pytest.mark.parametrize(
    ("text", "answer", "value", "official"),
    [
        ("Yes", "yes", 1.0, 1.0),
        ("No.", "no", 1.0, 1.0),
        ("The answer is yes", "yes", 1.0, 0.0),
        ("Answer: no", "no", 1.0, 0.0),
        ("<think>no</think>yes", "yes", 1.0, 1.0),
        ("<answer>Yes</answer>", "yes", 1.0, 1.0),
        ("Noted.", "no", 0.0, 1.0),
        ("not sure", "no", 0.0, 1.0),
    ],
)
def test_yes_no(text, answer, value, official) -> None:
    score = robospatial(Answer(text, "norm1000"), RoboSpatialTarget(answer))
    assert (score.value, score.official) == (value, official)


unit = st.floats(0, 1).map(lambda f: round(f, 3))
corners = st.lists(st.tuples(unit, unit), min_size=3, max_size=8)


@given(corners.map(tuple))
@example(BOW_TIE)
@example(((0.112, 0.13), (0.196, 0.046), (0.203, 0.039), (0.124, 0.118)))  # in a line but for rounding
def test_an_outline_holds_all_its_corners(points) -> None:
    shape = outline(points)
    assert set(shape) <= set(points)
    assert all(in_polygon(point, shape) for point in points)


@given(st.lists(st.tuples(unit, unit), min_size=1, max_size=20))
def test_every_way_to_write_points_reads_the_same(points) -> None:
    listed = [list(point) for point in points]
    ways = [
        json.dumps(listed),
        str(points),
        json.dumps([{"point_2d": point} for point in listed]),
        json.dumps([{"x": x, "y": y} for x, y in points]),
    ]
    assert {places_of(way, "norm1") for way in ways} == {tuple(points)}


@given(st.text(max_size=300))
@settings(deadline=None)
def test_any_text_gives_a_score(text) -> None:
    assert 0 <= points_in_mask(Answer(text, "norm1"), TARGET).value <= 1
    assert robospatial(Answer(text, "norm1"), RoboSpatialTarget("", SQUARE)).value in (0, 1)


GARBAGE = {
    "brackets": "[" * 500_000 + "]" * 500_000,
    "parentheses": "(" * 1_000_000,
    "digits": "(" + "1" * 1_000_000,
    "long vectors": "(" + "1," * 500_000 + "1)",
    "points": "[" + "(0.1,0.2)," * 100_000 + "]",
    "pixels": "(1, 2)" * 160_000,
    "boxes": "(0.0,0.0,0.9,0.9)" * 60_000,
    "spaces": "(1," + " " * 1_000_000,
    "named": 'x="1" ' * 160_000,
    "lists": "[" * 1_000_000,
    "open list": "[" + "a," * 500_000,
    "words": "yes no " * 140_000,
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", GARBAGE)
def test_a_megabyte_of_garbage_is_judged_in_time(name) -> None:
    answer = Answer(GARBAGE[name], "norm1")
    assert 0 <= points_in_mask(answer, TARGET).value <= 1
    assert robospatial(answer, RoboSpatialTarget("", SQUARE)).value in (0, 1)


def test_a_masks_pixels_are_the_mask_that_was_encoded():
    for seed, shape in enumerate(((1, 1), (7, 3), (24, 31), (2, 50))):
        pixels = np.random.default_rng(seed).random(shape) < 0.5
        assert np.array_equal(masks.load(masks.encode(pixels), *shape).pixels, pixels)


def test_the_deepest_pixel() -> None:
    pixels = np.zeros((40, 60))
    assert masks.load(masks.encode(pixels), 40, 60).deepest() is None
    assert MaskTarget(masks.encode(pixels), 40, 60).gold("abs") is None
    pixels[10:21, 30:41] = 1
    pixels[:, :3] = 1
    assert masks.load(masks.encode(pixels), 40, 60).deepest() == (35, 15)


@pytest.mark.parametrize("coords", [None, *COORDS])
def test_gold_points_lie_inside(coords) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        height, width = (int(side) for side in rng.integers(60, 900, 2))
        pixels = np.zeros((height, width))
        row, column = int(rng.integers(0, height - 9)), int(rng.integers(0, width - 9))
        pixels[row : row + 9, column : column + 9] = 1
        target = MaskTarget(masks.encode(pixels), height, width)
        score = points_in_mask(Answer(target.gold(coords), coords), target)
        assert (score.value, score.official) == (1.0, 1.0 if coords in (None, "norm1") else None)
        shape = tuple((float(x), float(y)) for x, y in rng.random((int(rng.integers(3, 8)), 2)))
        space = RoboSpatialTarget("", shape, width, height)
        assert robospatial(Answer(space.gold(coords), coords), space).value == 1.0


def test_golds_that_cannot_be_written_say_so() -> None:
    pixels = np.zeros((4000, 4000), dtype=np.uint8)
    pixels[1, 1] = 1
    with pytest.raises(ScorerError, match="loc1024"):
        MaskTarget(masks.encode(pixels), 4000, 4000).gold("loc1024")
    with pytest.raises(ScorerError, match="size of the image"):
        RoboSpatialTarget("", SQUARE).gold("abs")
    assert RoboSpatialTarget("", SQUARE).gold() == "[(0.500, 0.500)]"
    assert RoboSpatialTarget("yes").gold("abs") == "yes"


@pytest.mark.parametrize("polygon", [SQUARE, BOW_TIE, CONCAVE, ((0.5, 0.5),) * 3, ((0, 0), (1, 1), (0.5, 0.5))])
def test_the_middle_of_a_polygon_lies_in_it(polygon) -> None:
    assert in_polygon(middle(outline(polygon)), outline(polygon))


def test_robospatial_shapes() -> None:
    target = RoboSpatialTarget("", BOW_TIE)
    assert sorted(map(tuple, target.shapes()[0]["rings"][0])) == sorted(SQUARE)
    assert robospatial(Answer("(0.5, 0.5)", "norm1"), target).shapes == ({"points": [[0.5, 0.5, 1]]},)
    assert robospatial(Answer("(0.1, 0.5)", "norm1"), target).shapes == ({"points": [[0.1, 0.5, 0]]},)
    assert RoboSpatialTarget("yes").shapes() == ()


def test_sentences_that_repeat_the_question_are_read_as_yes_or_no() -> None:
    question = "Is the chair left of the table? Answer yes or no."
    target = RoboSpatialTarget("no", question=question)
    assert robospatial(Answer("The chair is not left of the table."), target).value == 1.0


# --- All that a score says -----------------------------------------------------------------------------------

PATCH = np.zeros((4, 6))
PATCH[1:3, 2:5] = 1
REGION = MaskTarget(masks.encode(PATCH), 4, 6)


@pytest.mark.parametrize(
    ("text", "coords", "value", "official", "extracted", "points", "shapes"),
    [
        ("[(0.5, 0.5)]", "norm1", 1, 1, [[3.0, 2.0]], 1, [{"points": [[0.5, 0.5, 1]]}]),
        (
            "[(0.5, 0.5), (0.5, 0.5), (0.1, 0.1)]",
            None,
            0.5,
            2 / 3,
            [[3.0, 2.0], [0.6, 0.4]],
            2,
            [{"points": [[0.5, 0.5, 1], [0.1, 0.1, 0]]}],
        ),
        ("[500, 500]", "norm1000", 1, None, [[3.0, 2.0]], 1, [{"points": [[0.5, 0.5, 1]]}]),
        ("[[2, 1, 5, 3]]", "abs", 1, None, [[2, 1, 5, 3]], 1, [{"box": [0.3333, 0.25, 0.8333, 0.75]}]),
        ("[[5, 3, 2, 1]]", "abs", 1, None, [[2, 1, 5, 3]], 1, [{"box": [0.3333, 0.25, 0.8333, 0.75]}]),
        ("[[2, 1, 8, 3]]", "abs", 0.5, None, [[2, 1, 8, 3]], 1, [{"box": [0.3333, 0.25, 1.3333, 0.75]}]),
        ("[[2, 1, 2, 1]]", "abs", 1, None, [[2, 1, 2, 1]], 1, [{"box": [0.3333, 0.25, 0.3333, 0.25]}]),
        ("[[1, 1, 1, 1]]", "abs", 0, None, [[1, 1, 1, 1]], 1, [{"box": [0.1667, 0.25, 0.1667, 0.25]}]),
        ("[9, 9]", "abs", 0, None, [[9, 9]], 1, [{"points": [[1.5, 2.25, 0]]}]),
    ],
)
def test_the_score_of_places(text, coords, value, official, extracted, points, shapes) -> None:
    score = points_in_mask(Answer(text, coords), REGION)
    assert (score.value, score.official) == (value, official)
    assert json.loads(score.extracted or "") == extracted
    assert (score.components, list(score.shapes)) == ({"points": points}, shapes)
    assert (score.status, score.channel) == (Status.OK, "whole")


def test_of_many_places_some_are_looked_at_and_some_shown() -> None:
    boxes = [[at % 6, at // 6, at % 6 + 1, at // 6 + 1] for at in range(300)]
    score = points_in_mask(Answer(json.dumps(boxes), "abs"), REGION)
    assert (score.components["points"], len(score.shapes)) == (256, 256)
    assert json.loads(score.extracted or "") == boxes[:32]


@pytest.mark.parametrize(
    ("coords", "written"),
    [
        (None, "[(0.583, 0.375)]"),
        ("abs", '[{"point_2d": [4, 2]}]'),
        ("norm1000", '[{"point_2d": [583, 375]}]'),
        ("yx1000", '[{"point": [375, 583]}]'),
        ("loc1000", "<loc_583><loc_374>"),
    ],
)
def test_gold_points_of_a_mask(coords, written) -> None:
    assert points_in_mask(Answer(REGION.gold(coords) or "", coords), REGION).value == 1
    if coords != "abs":
        column, row = masks.load(REGION.counts, 4, 6).deepest() or (0, 0)
        assert (column, row) in {(2, 1), (3, 1), (2, 2), (3, 2), (4, 1), (4, 2)}


def test_masks_that_hold_nothing() -> None:
    empty = MaskTarget(masks.encode(np.zeros((4, 6))), 4, 6)
    assert empty.gold() is None
    assert REGION.shapes() == ({"mask": {"counts": REGION.counts, "height": 4, "width": 6}},)
    assert REGION.size == (6, 4)


CORNER = ((0.1, 0.1), (0.5, 0.1), (0.5, 0.5), (0.1, 0.5))
FREE = RoboSpatialTarget("", CORNER, 100, 200)


@pytest.mark.parametrize(
    ("text", "coords", "value", "official", "extracted"),
    [
        ("(0.3, 0.2)", "norm1", 1, 1, [[0.3, 0.2]]),
        ("(0.3, 0.2)", None, 1, 1, [[0.3, 0.2]]),
        ("(0.9, 0.3)", "norm1", 0, 0, [[0.9, 0.3]]),
        ("[300, 200]", "norm1000", 1, None, [[0.3, 0.2]]),
        ("[300, 200]", "yx1000", 1, None, [[0.2, 0.3]]),
        ("(30, 40)", "abs", 1, None, [[0.3, 0.2]]),
        ("(0.1, 0.3)", "norm1", 1, 1, [[0.1, 0.3]]),
        ("[0.1, 0.1, 0.2, 0.2], (0.3, 0.3)", "norm1", 1, 1, [[0.3, 0.3]]),
        ("[0.1, 0.1, 0.2, 0.2]", "norm1", 0, 0, None),
        ("none", "norm1", 0, 0, None),
        ("none", "abs", 0, None, None),
    ],
)
def test_the_score_of_a_point(text, coords, value, official, extracted) -> None:
    score = robospatial(Answer(text, coords), FREE)
    assert (score.value, score.official) == (value, official)
    assert (json.loads(score.extracted) if score.extracted else None) == extracted
    assert list(score.shapes) == ([{"points": [[*extracted[0], value]]}] if extracted else [])
    assert score.status is (Status.OK if extracted else Status.UNPARSED)


def test_what_a_free_space_is() -> None:
    assert FREE.size == (100, 200)
    assert RoboSpatialTarget("", CORNER, 100).size is RoboSpatialTarget("", CORNER, None, 200).size is None
    assert FREE.gold() == "[(0.300, 0.300)]"
    assert FREE.gold("abs") == '[{"point_2d": [30, 60]}]'
    assert FREE.gold("loc1024") == "<loc0307><loc0307>"
    assert FREE.shapes() == ({"rings": [[list(corner) for corner in CORNER]]},)
    assert RoboSpatialTarget("no").shapes() == ()
    assert RoboSpatialTarget("no").gold("abs") == "no"
    for call in (
        RoboSpatialTarget("", CORNER).gold,
        lambda coords: robospatial(Answer("(1, 2)", coords), FREE_OF),
    ):
        with pytest.raises(ScorerError, match="abs coordinates need the size of the image"):
            call("abs")


FREE_OF = RoboSpatialTarget("", CORNER)


@pytest.mark.parametrize(
    ("text", "question", "answer", "extracted", "value", "official"),
    [
        ("Yes it is", "", "yes", "yes", 1, 1),
        ("It is.", "", "yes", "yes", 1, 0),
        ("It is not.", "", "no", "no", 1, 0),
        ("Yes", "", "no", "yes", 0, 0),
        ("maybe", "", "no", None, 0, 0),
        ("The cup is tall.", "Is the cup tall?", "yes", "yes", 1, 0),
        ("The cup is tall.", "", "yes", None, 0, 0),
    ],
)
def test_the_score_of_a_word(text, question, answer, extracted, value, official) -> None:
    score = robospatial(Answer(text), RoboSpatialTarget(answer, question=question))
    assert (score.extracted, score.value, score.official) == (extracted, value, official)


@pytest.mark.parametrize(
    ("point", "inside"),
    [
        ((0.5, 0), True),
        ((1, 1), True),
        ((0, 0.5), True),
        ((1.0001, 0.5), False),
        ((2, 1), False),
        ((0.5, -0.1), False),
        ((-1, 0), False),
        ((0.5, 0.5), True),
    ],
)
def test_the_outline_of_a_polygon_is_inside(point, inside) -> None:
    square = ((0, 0), (1, 0), (1, 1), (0, 1))
    assert in_polygon(point, square) is inside
    assert in_polygon(point, square[::-1]) is inside
    assert in_polygon(point, outline((square[0], square[2], square[1], square[3]))) is inside


def test_the_middle_of_a_polygon() -> None:
    assert middle(((0, 0), (1, 0), (1, 1), (0, 1))) == (0.5, 0.5)
    arch = ((0, 0), (4, 0), (4, 4), (3, 4), (3, 1), (1, 1), (1, 4), (0, 4))
    assert middle(arch) == pytest.approx((11 / 3, 8 / 3))
    assert outline(arch) == arch


STATED: list[tuple[str, str, tuple[tuple[float, ...], ...] | None, str | None]] = [
    # (text, coords, the places, the channel)
    ("x: 1, y: 2", "abs", ((1, 2),), "whole"),
    ("y: 2, x: 1", "abs", ((1, 2),), "whole"),
    ("x: 1, y: 2", "yx1000", ((1, 2),), "whole"),
    ("x1=1 y1=2 x2=3 y2=4", "abs", ((1, 2), (3, 4)), "whole"),
    ("xmin: 1, ymin: 2, xmax: 3, ymax: 4", "abs", ((1, 2, 3, 4),), "whole"),
    ("left: 1, top: 2, right: 3, bottom: 4", "abs", ((1, 2, 3, 4),), "whole"),
    ("x: 1, y: 2, width: 3, height: 4", "abs", ((1, 2, 4, 6),), "whole"),
    ("left: 1, top: 2, w: 3, h: 4", "abs", ((1, 2, 4, 6),), "whole"),
    ("xmin 1", "abs", None, None),
    ("left: 1", "abs", None, None),
    ("It is at 1, 2", "abs", ((1, 2),), "whole"),
    ("at 1 2 3 4", "abs", ((1, 2, 3, 4),), "whole"),
    ("{1, 2}", "abs", ((1, 2),), "whole"),
    ("[1, 2", "abs", ((1, 2),), "whole"),
    ("[1; 2]", "abs", ((1, 2),), "whole"),
    ("(10px, 20px)", "abs", ((10, 20),), "whole"),
    ("(1e2, 2)", "abs", ((100, 2),), "whole"),
    ("(-1, −2)", "abs", ((-1, -2),), "whole"),
    ("（１，２）", "abs", ((1, 2),), "whole"),
    # numbers that are no coordinates, vectors that are no places
    ("(999999, 2)", "abs", ((999_999, 2),), "whole"),
    ("(1000000, 2)", "abs", None, None),
    ("(-1000000, 2)", "abs", None, None),
    ("(0." + "1" * 38 + ", 2)", "abs", ((float("0." + "1" * 38), 2),), "whole"),
    ("(0." + "1" * 39 + ", 2)", "abs", None, None),
    ("(1%, 2%)", "abs", None, None),
    ("(1%, 2%)", "norm100", ((1, 2),), "whole"),
    ("1, 2, 3", "abs", None, None),
    ("(1, 2, 3, 4, 5)", "abs", None, None),
    ("(1)", "abs", None, None),
    ("(x1, y1)", "abs", None, None),
    ("", "abs", None, None),
    ("<think>(1, 2)", "abs", None, None),
    # conventions
    ("(1, 2)", "yx1000", ((2, 1),), "whole"),
    ("[1, 2, 3, 4]", "yx1000", ((2, 1, 4, 3),), "whole"),
    ("<loc0001><loc0002>", "abs", None, None),
    ("<loc0001><loc0002>", "loc1024", ((2, 1),), "whole"),
    ("<loc0001><loc0002><loc0003><loc0004>", "loc1024", ((2, 1), (4, 3)), "whole"),
    ("<loc_1><loc_2>", "loc1000", ((1, 2),), "whole"),
    # several, denied, alternative
    ("(1, 2) and (3, 4)", "abs", ((1, 2), (3, 4)), "whole"),
    ("[1, 2], [1, 2, 3, 4]", "abs", ((1, 2), (1, 2, 3, 4)), "whole"),
    ("- (1, 2)\n- (3, 4)", "abs", ((1, 2), (3, 4)), "whole"),
    ("1. (1, 2)\n2. (3, 4)", "abs", ((1, 2), (3, 4)), "whole"),
    ("(1, 2) or (3, 4)", "abs", None, None),
    ("not (1, 2) but (3, 4)", "abs", ((3, 4),), "whole"),
    ("instead of (1, 2), (3, 4)", "abs", ((3, 4),), "whole"),
    ("(1, 2) is wrong. (3, 4)", "abs", ((3, 4),), "concluding"),
    ("(1, 2). Wait, (3, 4)", "abs", ((3, 4),), "whole"),
    # the likeliest kind
    ('{"point": [1, 2], "x": [3, 4]}', "abs", ((1, 2),), "whole"),
    ('{"bbox": [1, 2, 3, 4], "conf": [5, 6]}', "abs", ((1, 2, 3, 4),), "whole"),
    ('{"label": "at (9, 9)", "point": [1, 2]}', "abs", ((1, 2),), "whole"),
    ('{"note": "at (9, 9)"}', "abs", ((9, 9),), "whole"),
    ("It is at (5, 6): [[1, 2], [3, 4]]", "abs", ((1, 2), (3, 4)), "whole"),
    # channels
    ("<answer>(1, 2)</answer> (3, 4)", "abs", ((1, 2),), "tag"),
    ("<answer>none</answer> (3, 4)", "abs", ((3, 4),), "whole"),
    (r"\boxed{(1, 2)} (3, 4)", "abs", ((1, 2),), "box"),
    ("The answer is (1, 2).\nOr so it seems near (3, 4) here.", "abs", ((1, 2),), "announced"),
]


@pytest.mark.parametrize(("text", "coords", "places", "channel"), STATED)
def test_places_that_are_stated(text, coords, places, channel) -> None:
    found = read_places(clean(text), coords)
    assert (found and found.value, found and found.channel) == (places, channel)


@pytest.mark.parametrize(
    ("text", "ranks"),
    [
        ('{"point": [1, 2]}', [0]),
        ('{"bbox_2d": [[1, 2], [3, 4]]}', [0, 0]),
        ("{'the answer': (1, 2)}", [0]),
        ('{"name": [1, 2]}', [1]),
        ('{"x-y": [1, 2]}', [1]),
        ("[(1, 2), (3, 4)]", [1, 1]),
        ("[(1, 2) and (3, 4)]", [1, 2]),
        ("It is at (1, 2)", [2]),
        ('{"note": "a cup at (1, 2)", "click": [3, 4]}', [3, 0]),
        ('{"note": "(1, 2)"}', [1]),
    ],
)
def test_how_likely_a_vector_is_the_answer(text, ranks) -> None:
    assert [vector.rank for vector in scan(text, "abs")] == ranks
