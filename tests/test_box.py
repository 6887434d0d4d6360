"""Boxes: every response format decided by inspection, IoU, the grounding score."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorers.place.boxes import iou, read_box
from scorers.read.normalise import clean
from scorers.rules.grounding import BoxTarget, grounding
from scorers.types import COORDS, Answer, ScorerError, Status

BOX = (10, 20, 30, 40)
READ = [
    # JSON
    ('{"bbox_2d": [10, 20, 30, 40]}', BOX),
    ('{"bbox": [10, 20, 30, 40]}', BOX),
    ('{"boxes": [10, 20, 30, 40]}', BOX),
    ('{"boxes": [[10, 20, 30, 40]]}', BOX),
    ('{"box": [10.0, 20.0, 30.0, 40.0]}', BOX),
    ('{"bounding_box": [10, 20, 30, 40]}', BOX),
    ('{"Bounding Box": [10, 20, 30, 40]}', BOX),
    ("{'bbox': [10, 20, 30, 40]}", BOX),
    ("{bbox: [10, 20, 30, 40]}", BOX),
    ('[{"bbox_2d": [10, 20, 30, 40], "label": "a dog"}]', BOX),
    ('{"boxes": ["10", "20", "30", "40"]}', BOX),
    ('{"answer": "[10, 20, 30, 40]"}', BOX),
    ('[{"think": "the man [1, 2, 3, 4] is no one", "answer": "[10, 20, 30, 40]"}]', BOX),
    ('{"label": "at [1, 2, 3, 4]", "bbox_2d": [10, 20, 30, 40]}', BOX),
    ('[{"bbox_2d": [10, 20, 30, 40], "label": "<think>not [1, 2, 3, 4]</think>"}]', BOX),
    ('{"the dog": [10, 20, 30, 40]}', BOX),
    ('{"dog": {"coordinates": [10, 20, 30, 40]}}', BOX),
    ('{"bounding_box": {"left": [10, 20, 30, 40], "right": [1, 2, 3, 4]}}', BOX),
    ('{"answer": "The box is [10, 20, 30, 40]."}', BOX),
    # fences, and what is broken around a box
    ('```json\n[\n\t{"bbox_2d": [10, 20, 30, 40], "label": "a"}\n]\n```', BOX),
    ('```json\n{"bbox_2d": [10, 20, 30, 40]}\n```json\n', BOX),
    ('```json\n```json\n{"bbox_2d": [10, 20, 30, 40]}\n```\n```', BOX),
    ("```\n[10, 20, 30, 40]\n```", BOX),
    ('[{"bbox_2d": [10, 20, 30, 40],}]', BOX),
    ('{"bbox_2d": [10, 20, 30, 40,]}', BOX),
    ('[{"bbox_2d": [10, 20, 30, 40]', BOX),
    ('[{"bbox_2d": [10, 20, 30, 40', BOX),
    ('[{"bbox_2d": [10, 20, 30, 40], "label": "the "big" dog"}]', BOX),
    ('[{"label": "the "big" one", "bbox_2d": [10, 20, 30, 40]}]', BOX),
    # bare
    ("[10, 20, 30, 40]", BOX),
    ("[10 20 30 40]", BOX),
    ("[10;20;30;40]", BOX),
    ("[10,20,30,40]'", BOX),
    ("(10, 20, 30, 40)", BOX),
    ("[[10, 20, 30, 40]]", BOX),
    ("[ 10.5 , 20.25, .5, 40. ]", (10.5, 20.25, 0.5, 40)),
    ("[-10, -10, 5000, 5000]", (-10, -10, 5000, 5000)),
    ("[−10, +20, 30, 40]", (-10, 20, 30, 40)),
    ("[1e1, 2e1, 3E1, 4e+1]", BOX),
    ("[10px, 20px, 30px, 40px]", BOX),
    ("10, 20, 30, 40", BOX),
    ("10 20 30 40.", BOX),
    ("Answer: 10, 20, 30, 40", BOX),
    ("The bounding box is 10, 20, 30, 40.", BOX),
    ("Box: **10, 20, 30, 40**", BOX),
    ("It is there.\n10 20 30 40", BOX),
    ("1, 2, 3, 4\nno, rather\n10, 20, 30, 40", None),
    ("1, 2, 3, 4.\nWait.\n10, 20, 30, 40", BOX),
    ("<bbox>10 20 30 40</bbox>", BOX),
    ("<x1>10</x1><y1>20</y1><x2>30</x2><y2>40</y2>", BOX),
    ("Rows 10, 20, 30, 40 and 50 are free.", None),
    ("It is 10, 20, 30, 40, 50", None),
    ("It is 10, 20, 30, 40 pixels wide", None),
    ("<box>[[10, 20, 30, 40]]</box>", BOX),
    ("<ref>a dog</ref><box>[[10, 20, 30, 40]]</box>", BOX),
    # two corners
    ("(10,20),(30,40)", BOX),
    ("<|box_start|>(10,20),(30,40)<|box_end|>", BOX),
    ("(10, 20) to (30, 40)", BOX),
    ("[[10, 20], [30, 40]]", BOX),
    ("The top left corner is (10, 20) and the bottom right corner is (30, 40).", BOX),
    ('{"bounding_box": {"top_left": [10, 20], "bottom_right": [30, 40]}}', BOX),
    ("[[10, 20], [30, 20], [30, 40], [10, 40]]", BOX),
    ("(10,20),(30,40) (1,2),(3,4)", BOX),
    ("[[10, 20], [30, 20], [30, 40]]", None),
    ("Top-left: (10, 20), Bottom-right: (30, 40)", BOX),
    ("- **Top-left corner**: (10, 20)\n- **Bottom-right corner**: (30, 40)", BOX),
    ("The answer is:\n- Top-left: (10, 20)\n- Bottom-right: (30, 40)", BOX),
    ("The cup spans from (10, 20) to (30, 40).", BOX),
    ("(x1, y1) = (10, 20), (x2, y2) = (30, 40)", BOX),
    ("[x1, y1, x2, y2] = [10, 20, 30, 40]", BOX),
    ("左上角：(10, 20)，右下角：(30, 40)", BOX),
    ("边界框是［10，20，30，40］。", BOX),
    # named numbers
    ('{"x1": 10, "y1": 20, "x2": 30, "y2": 40}', BOX),
    ('{"xmin": 10, "ymin": 20, "xmax": 30, "ymax": 40}', BOX),
    ('{"ymin": 20, "xmin": 10, "ymax": 40, "xmax": 30}', BOX),
    ('{"x_min": "10", "y_min": "20", "x_max": "30", "y_max": "40"}', BOX),
    ('{"left": 10, "top": 20, "right": 30, "bottom": 40}', BOX),
    ('{"x": 10, "y": 20, "width": 20, "height": 20}', BOX),
    ('{"x": 10, "y": 20, "w": 20, "h": 20}', BOX),
    ('{"x0": 10, "y0": 20, "x1": 30, "y1": 40}', BOX),
    ('{"top_left": {"x": 10, "y": 20}, "bottom_right": {"x": 30, "y": 40}}', BOX),
    ("x1 = 10, y1 = 20, x2 = 30, y2 = 40", BOX),
    ("x1: 10\ny1: 20\nx2: 30\ny2: 40", BOX),
    ('{"x1": 10, "x2": 30, "y1": 20, "y2": 40}', BOX),
    ('{"xmin": 10, "xmax": 30, "ymin": 20, "ymax": 40}', BOX),
    ('[{"label": "cup", "bbox": {"x1": 10, "y1": 20, "x2": 30, "y2": 40}}]', BOX),
    ("Left: 10\nTop: 20\nRight: 30\nBottom: 40", BOX),
    ("from x=10, y=20 to x=30, y=40", BOX),
    # LaTeX and channels
    ("\\boxed{[10, 20, 30, 40]}", BOX),
    ("\\boxed{\\text{[10, 20, 30, 40]}}", BOX),
    ("\\boxed{\\left[10, 20, 30, 40\\right]}", BOX),
    ("\\boxed{10, 20, 30, 40}", BOX),
    ('{"answer": {"bbox_2d": [10, 20, 30, 40]}}', BOX),
    ('{"final_answer": "[10, 20, 30, 40]"}', BOX),
    ("<|begin_of_box|>[10, 20, 30, 40]<|end_of_box|>", BOX),
    ("答案是[10, 20, 30, 40]", BOX),
    ("La respuesta es [10, 20, 30, 40].", BOX),
    ('Answer:\n```json\n[\n\t{"bbox_2d": [10, 20, 30, 40], "label": "a"}\n]\n```', BOX),
    ("The final answer is:\n\n[\n  10,\n  20,\n  30,\n  40\n]", BOX),
    ("Let me look.\n\nThere are several things.\n\n**[10, 20, 30, 40]**", BOX),
    ("[10, 20, 30, 40]\n\nExplanation: the other cup at [1, 2, 3, 4] is smaller.", BOX),
    ("[10, 20, 30, 40]<|im_end|>", BOX),
    # taken back
    ("<answer>[1, 2, 3, 4]</answer> Wait, that is wrong. <answer>[10, 20, 30, 40]</answer>", BOX),
    ("The answer is [1, 2, 3, 4]. Wait, actually, the answer is [10, 20, 30, 40].", BOX),
    ("Answer: [1, 2, 3, 4]\n\nHold on, let me double-check.\n\nAnswer: [10, 20, 30, 40]", BOX),
    ("\\boxed{[1, 2, 3, 4]}... no wait, \\boxed{[10, 20, 30, 40]}", BOX),
    # denied, and descriptions that only sound like it
    ("The answer is [10, 20, 30, 40], not [1, 2, 3, 4].", BOX),
    ("It is not [1, 2, 3, 4], it is [10, 20, 30, 40].", BOX),
    ("[1, 2, 3, 4] is not the cup; [10, 20, 30, 40] is.", BOX),
    ("[1, 2, 3, 4] is wrong. [10, 20, 30, 40]", BOX),
    ("Not (1, 2) to (3, 4) but (10, 20) to (30, 40).", BOX),
    ("not [1, 2, 3, 4]", None),
    ("(not [1, 2, 3, 4])", None),
    ("There is no cup at [1, 2, 3, 4].", None),
    ("[1, 2, 3, 4] or [10, 20, 30, 40]", None),
    ("The man not wearing a hat is at [10, 20, 30, 40].", BOX),
    ("The box of the dog that is not black is [10, 20, 30, 40].", BOX),
    ('{"label": "not the dog", "bbox_2d": [10, 20, 30, 40]}', BOX),
    ("<ref>not the dog</ref><box>(10,20),(30,40)</box>", BOX),
    ('{"why": "He sits, so he is not [1, 2, 3, 4], so no", "bbox_2d": [10, 20, 30, 40]}', BOX),
    ("<think>Maybe [10, 20, 30, 40]? Let me check the", None),
    # several boxes, and talk
    ('[{"bbox_2d": [10, 20, 30, 40]}, {"bbox_2d": [1, 1, 5, 5]}]', BOX),
    ("There are 2 people; box [10, 20, 30, 40]", BOX),
    ("Not [1, 2, 3, 4]. The answer is [10, 20, 30, 40].", BOX),
    ("Not [1, 2, 3, 4]. Final answer: [10, 20, 30, 40], as said.", BOX),
    ("Not [1, 2, 3, 4], so \\boxed{[10, 20, 30, 40]}", BOX),
    ("[10, 20, 30, 40] is the answer.", BOX),
    ('I first saw [1, 2, 3, 4].\n```json\n{"bbox_2d": [10, 20, 30, 40]}\n```', BOX),
    ('The other is [1, 2, 3, 4]; {"bbox_2d": [10, 20, 30, 40]}', BOX),
    ("Of the 3 dogs at (1, 2) this one: [10, 20, 30, 40]", BOX),
    # degenerate boxes are boxes
    ("[0, 0, 0, 0]", (0, 0, 0, 0)),
    ("[30, 40, 10, 20]", (30, 40, 10, 20)),
    # no box
    ("", None),
    ("I cannot find it.", None),
    ("There are none.", None),
    ("```json\n[]\n```", None),
    ('[{"bbox_2d": [], "label": "cat"}]', None),
    ("[10, 20, 30]", None),
    ("[10, 20, 30, 40, 50]", None),
    ("[10, 20, 30", None),
    ("(10, 20)", None),
    ("[x1, y1, x2, y2]", None),
    ("[nan, 1, 2, 3]", None),
    ("[inf, 1, 2, 3]", None),
    ("[1e999, 1, 2, 3]", None),
    (f"[{'9' * 400}, 1, 2, 3]", None),
    ("In 2014 there were 3 of 4", None),
    ("<loc0010><loc0020><loc0030><loc0040>", None),
    ("\x00\ud800\u200f", None),
    ("\U000f0000\U000f0001\U0010fffd", None),
    ("[10%, 20%, 30%, 40%]", None),
]


def box_of(text: str, coords: str) -> tuple[float, ...] | None:
    found = read_box(clean(text), coords)
    return found.value if found else None


@pytest.mark.parametrize(("text", "expected"), READ)
def test_read_box(text, expected) -> None:
    assert box_of(text, "abs") == expected


@pytest.mark.parametrize(
    ("text", "coords", "expected"),
    [
        ('{"box_2d": [20, 10, 40, 30]}', "yx1000", BOX),
        ("[20, 10, 40, 30]", "yx1000", BOX),
        ("(20, 10), (40, 30)", "yx1000", BOX),
        ("20, 10, 40, 30", "yx1000", BOX),
        ('{"ymin": 20, "xmin": 10, "ymax": 40, "xmax": 30}', "yx1000", BOX),
        ("<loc0020><loc0010><loc0040><loc0030> a dog", "loc1024", BOX),
        ("<loc0020> <loc0010> <loc0040> <loc0030> ; <loc0001><loc0001><loc0001><loc0001>", "loc1024", BOX),
        ("<loc0020><loc0010><loc0040>", "loc1024", None),
        ("[20, 10, 40, 30]", "loc1024", BOX),
        ("<loc_10><loc_20><loc_30><loc_40>", "loc1000", BOX),
        ("a dog<loc_10><loc_20><loc_30><loc_40>a cat<loc_1><loc_1><loc_1><loc_1>", "loc1000", BOX),
        ("<loc_10><loc_20><loc_30>", "loc1000", None),
        ("[10%, 20%, 30%, 40%]", "norm100", BOX),
        ('<box x1="10" y1="20" x2="30" y2="40">', "norm100", BOX),
    ],
)
def test_conventions_say_what_is_x_and_what_is_a_number(text, coords, expected) -> None:
    assert box_of(text, coords) == expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((0, 0, 10, 10), (0, 0, 10, 10), 1.0),
        ((0, 0, 10, 10), (0, 0, 10, 5), 0.5),
        ((0, 0, 10, 10), (5, 5, 15, 15), 25 / 175),
        ((0, 0, 10, 10), (10, 0, 20, 10), 0.0),
        ((0, 0, 10, 10), (20, 20, 30, 30), 0.0),
        ((0, 0, 0, 0), (0, 0, 0, 0), 0.0),
        ((5, 5, 5, 9), (0, 0, 10, 10), 0.0),
        ((2, 2, 4, 4), (0, 0, 10, 10), 0.04),
        ((0, 0, 1e300, 1e300), (0, 0, 10, 10), 0.0),
    ],
)
def test_iou(first, second, expected) -> None:
    assert iou(first, second) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "coords", "size", "shown", "value"),
    [
        ("[100, 100, 200, 200]", "abs", None, None, 1.0),
        ("[200, 200, 100, 100]", "abs", None, None, 1.0),
        ("[50, 50, 100, 100]", "abs", (640, 480), (320, 240), 1.0),
        ("[100, 100, 200, 200]", "abs", (640, 480), (320, 240), 0.0),
        ("[100, 100, 200, 150]", "abs", None, None, 0.5),
        ("[250, 250, 500, 500]", "norm1000", (400, 400), None, 1.0),
        ("[0.25, 0.25, 0.5, 0.5]", "norm1", (400, 400), None, 1.0),
        ("[100, 100, 200, 200]", "norm1", (400, 400), None, 0.0),
        ("[0.25, 0.25, 0.5, 0.5]", "norm1000", (400, 400), None, 0.0),
        ("[250, 500, 500, 1000]", "yx1000", (200, 400), None, 1.0),
        ("<loc0256><loc0512><loc0512><loc1024>", "loc1024", (200, 400), None, 1.0),
        ("[100, 100, 9999, 9999]", "abs", (200, 200), None, 1.0),
        ("[0, 0, 0, 0]", "abs", None, None, 0.0),
        ("[NaN, 0, 0, 0]", "abs", None, None, 0.0),
    ],
)
def test_grounding(text, coords, size, shown, value) -> None:
    target = BoxTarget((100, 100, 200, 200), *(size or (None, None)))
    score = grounding(Answer(text, coords, shown), target)
    assert score.value == pytest.approx(value)
    assert score.official == float(value >= 0.5)
    assert score.components["iou"] == score.value
    assert score.components["r@0.3"] == float(value >= 0.3)
    assert score.components["r@0.7"] == float(value >= 0.7)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("<think>[1, 2, 3, 4]</think>[100, 100, 200, 200]", 1.0),
        ("<think>[1, 2, 3, 4]</think><answer>[100, 100, 200, 200]</answer>", 1.0),
        ("[1, 2, 3, 4] no, <answer>[100, 100, 200, 200]</answer>", 1.0),
        ("[100, 100, 200, 200]<answer>see above</answer>", 1.0),
        ('[{"bbox_2d": [100, 100, 200, 200], "label": "<answer>a dog</answer>"}]', 1.0),
        ('```json\n[{"bbox_2d": [100, 100, 200, 200], "label": "<think>a dog</think>"}]\n```', 1.0),
        ("<think>[100, 100, 200, 200]</think>There is none.", 0.0),
    ],
)
def test_grounding_reads_the_final_answer(text, value) -> None:
    assert grounding(Answer(text, "abs"), BoxTarget((100, 100, 200, 200))).value == value


def test_statuses_and_errors() -> None:
    target = BoxTarget((100, 100, 200, 200))
    score = grounding(Answer("none", "abs"), target)
    assert (score.status, score.value, score.official) == (Status.UNPARSED, 0.0, 0.0)
    assert score.components == {"iou": 0.0, "r@0.3": 0.0, "r@0.7": 0.0}
    with pytest.raises(ScorerError, match="--coords"):
        grounding(Answer("[1, 2, 3, 4]"), target)
    with pytest.raises(ScorerError, match="norm1000"):
        grounding(Answer("[1, 2, 3, 4]", "norm1000"), target)
    score = grounding(Answer("[100, 100, 200, 200]", "abs"), target)
    assert (score.extracted, score.channel, score.shapes) == ("[100.0, 100.0, 200.0, 200.0]", "whole", ())
    tagged = grounding(Answer("<answer>[100, 100, 200, 200]</answer>", "abs"), target)
    assert tagged.channel == "tag"


def test_shapes_are_fractions_of_the_image() -> None:
    target = BoxTarget((100, 100, 200, 200), 400, 200)
    assert target.shapes() == ({"box": [0.25, 0.5, 0.5, 1.0]},)
    score = grounding(Answer("[500, 0, 1000, 9000]", "norm1000"), target)
    assert score.shapes == ({"box": [0.5, 0.0, 1.0, 1.0]},)
    assert BoxTarget((100, 100, 200, 200)).shapes() == ()


GOLD = [
    ("abs", '{"bbox_2d": [100, 100, 200, 200]}'),
    ("norm1", '{"bbox_2d": [0.250, 0.500, 0.500, 1.000]}'),
    ("norm100", '{"bbox_2d": [25.0, 50.0, 50.0, 100.0]}'),
    ("norm1000", '{"bbox_2d": [250, 500, 500, 1000]}'),
    ("yx1000", '{"box_2d": [500, 250, 1000, 500]}'),
    ("loc1024", "<loc0512><loc0256><loc1023><loc0512>"),
    ("loc1000", "<loc_250><loc_500><loc_500><loc_999>"),
]


@pytest.mark.parametrize(("coords", "written"), GOLD)
def test_gold_boxes_as_each_convention_writes_them(coords, written) -> None:
    assert {name for name, _ in GOLD} == set(COORDS)
    assert BoxTarget((100, 100, 200, 200), 400, 200).gold(coords) == written


@given(st.tuples(*[st.integers(40, 4000)] * 2), st.tuples(*[st.floats(0, 0.9)] * 2), st.sampled_from(COORDS))
def test_a_gold_box_is_right(size, corner, coords) -> None:
    (width, height), (x, y) = size, (corner[0] * size[0], corner[1] * size[1])
    target = BoxTarget((x, y, x + 0.09 * width, y + 0.1 * height), width, height)
    score = grounding(Answer(target.gold(coords), coords), target)
    assert score.value >= (0.97 if not coords.startswith("loc") else 0.95)


def test_small_golds_get_more_digits_and_unknown_sizes_say_so() -> None:
    assert BoxTarget((3.2, 4.1, 9.3, 8.8), 640, 480).gold("norm1000") == '{"bbox_2d": [5.0, 8.5, 14.5, 18.3]}'
    assert BoxTarget((1, 2, 3, 4)).gold("abs") == '{"bbox_2d": [1, 2, 3, 4]}'
    with pytest.raises(ScorerError, match="width and height"):
        BoxTarget((1, 2, 3, 4)).gold("norm1000")
    with pytest.raises(ScorerError, match="fractions"):
        BoxTarget((0.1, 0.2, 0.3, 0.4), 1, 1).gold("abs")


boxes = st.tuples(*[st.floats(0, 1000)] * 4).map(
    lambda b: (min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3]))
)
whole = st.tuples(*[st.integers(0, 1000)] * 4)


@given(boxes, boxes)
def test_iou_is_symmetric_and_bounded(first, second) -> None:
    assert 0 <= iou(first, second) <= 1
    assert iou(first, second) == pytest.approx(iou(second, first))


@given(boxes, st.floats(0.1, 10), st.floats(0.1, 10))
def test_iou_does_not_change_when_both_axes_are_scaled(box, sx, sy) -> None:
    other = (100.0, 200.0, 500.0, 700.0)
    scaled = [(b[0] * sx, b[1] * sy, b[2] * sx, b[3] * sy) for b in (box, other)]
    assert iou(*scaled) == pytest.approx(iou(box, other), abs=1e-9)


@given(whole)
def test_every_way_to_write_a_box_reads_the_same(box) -> None:
    a, b, c, d = box
    ways = [
        json.dumps(box),
        json.dumps([{"bbox_2d": box, "label": "x"}]),
        f"({a},{b}),({c},{d})",
        f"[{a} {b} {c} {d}]",
        f"```json\n{json.dumps({'boxes': [str(n) for n in box]})}\n```",
        json.dumps({"x1": a, "y1": b, "x2": c, "y2": d}),
    ]
    assert {box_of(way, "abs") for way in ways} == {box}


@given(whole, whole)
def test_swapped_corners_score_the_same(box, truth) -> None:
    target = BoxTarget((truth[0], truth[1], truth[0] + 50, truth[1] + 50), 1200, 1200)
    swapped = (box[2], box[3], box[0], box[1])
    scores = [grounding(Answer(json.dumps(b), "abs"), target).value for b in (box, swapped)]
    assert scores[0] == scores[1]


@given(st.text(max_size=300))
def test_any_text_gives_a_score(text) -> None:
    score = grounding(Answer(text, "norm1000"), BoxTarget((1, 2, 3, 4), 10, 10))
    assert 0 <= score.value <= 1


GARBAGE = {
    "brackets": "[" * 500_000 + "]" * 500_000,
    "deep json": '{"bbox_2d": ' * 90_000,
    "digits": "[" + "1" * 1_000_000,
    "commas": "[1" + "," * 1_000_000,
    "spaces": ("[1," + " " * 999) * 1_000,
    "one long run of spaces": "[1" + " " * 1_000_000 + "x",
    "quotes": '"' * 1_000_000,
    "json quotes": ',"a' * 300_000,
    "escapes": ':"' + '\\"' * 500_000,
    "pairs": "(1,2)" * 200_000,
    "boxes": "[1,2,3,4]," * 100_000,
    "prose and boxes": "the key is: [1,2,3,4] x" * 43_000,
    "keys": '"x1": ' * 160_000,
    "named": '"x1": 1, ' * 110_000,
    "cues": "answer: " * 125_000 + "[1,2,3,4]",
    "fences": "```" * 330_000,
    "tags": "<think>" * 140_000,
    "words": "a " * 500_000,
    "lines of numbers": "1\n" * 500_000,
    "line ends": "\n" * 1_000_000,
    "is is": "is " * 330_000,
    "surrogates": "\ud800" * 1_000_000,
    "marks": "\U000f0000" * 1_000_000,
    "denials": "not [1,2,3,4] is not " * 50_000,
    "no and spaces": "no" + " " * 1_000_000 + "[1,2,3,4]",
    "boxed": "\\boxed{" * 140_000 + "[1,2,3,4]",
    "open lines": "{\n" * 500_000 + "[1,2,3,4]",
    "closed lines": "a\n" + "}\n" * 500_000 + "[1,2,3,4]",
    "unclosed json": '{"answer": [[' * 80_000 + "[1,2,3,4]",
    "tokens": "<loc0001>" * 110_000,
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", GARBAGE)
def test_a_megabyte_of_garbage_is_judged_in_time(name) -> None:
    score = grounding(Answer(GARBAGE[name], "norm1000"), BoxTarget((1, 2, 3, 4), 10, 10))
    assert 0 <= score.value <= 1


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((0, 0, 0, 1), (0, 0, 0, 1), 0),
        ((0, 0, 1, 0), (0, 0, 1, 0), 0),
        ((0, 0, 1, 1), (1, 0, 2, 1), 0),
        ((0, 0, 1, 1), (0, 1, 1, 2), 0),
        ((0, 0, 2, 2), (1, 1, 3, 3), 1 / 7),
        ((0, 0, 2, 3), (1, 1, 4, 2), 1 / 8),
    ],
)
def test_boxes_that_touch_or_are_empty_share_nothing(first, second, expected) -> None:
    assert iou(first, second) == pytest.approx(expected)
    assert iou(second, first) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "coords", "target", "value", "extracted", "shapes"),
    [
        (
            "[10, 20, 30, 40]",
            "abs",
            BoxTarget((10, 20, 30, 40), 100, 200),
            1,
            [10, 20, 30, 40],
            [0.1, 0.1, 0.3, 0.2],
        ),
        (
            "[10, 20, 30, 40]",
            "norm1000",
            BoxTarget((1, 4, 3, 10), 100, 200),
            2 / 3,
            [1, 4, 3, 8],
            [0.01, 0.02, 0.03, 0.04],
        ),
        ("[10, 20, 30, 40]", "abs", BoxTarget((10, 20, 30, 45)), 0.8, [10, 20, 30, 40], None),
        ("[30, 40, 10, 20]", "abs", BoxTarget((10, 20, 30, 60)), 0.5, [10, 20, 30, 40], None),
        ("[10, 20, 30, 40]", "abs", BoxTarget((10, 20, 30, 61)), 20 / 41, [10, 20, 30, 40], None),
        ("[0, 0, 3, 1]", "abs", BoxTarget((0, 0, 10, 1)), 0.3, [0, 0, 3, 1], None),
        ("[0, 0, 7, 1]", "abs", BoxTarget((0, 0, 10, 1)), 0.7, [0, 0, 7, 1], None),
    ],
)
def test_all_that_the_score_of_a_box_says(text, coords, target, value, extracted, shapes) -> None:
    score = grounding(Answer(text, coords), target)
    assert score.value == pytest.approx(value)
    assert score.official == (value >= 0.5)
    iou_, low, high = (score.components[name] for name in ("iou", "r@0.3", "r@0.7"))
    assert (iou_, low, high) == (score.value, float(value >= 0.3), float(value >= 0.7))
    assert json.loads(score.extracted or "") == extracted
    assert list(score.shapes) == ([{"box": shapes}] if shapes else [])
    assert (score.status, score.channel) == (Status.OK, "whole")


def test_what_a_box_needs() -> None:
    target = BoxTarget((10, 20, 30, 40))
    assert target.shapes() == ()
    assert BoxTarget((10, 20, 30, 40), 100, 200).shapes() == ({"box": [0.1, 0.1, 0.3, 0.2]},)
    assert BoxTarget((1, 2, 3, 4), 5).size is BoxTarget((1, 2, 3, 4), None, 5).size is None
    for coords, message in (
        (None, "^no coordinate convention is declared: --coords abs, norm1 or norm1000$"),
        ("norm1", "^norm1 coordinates need the width and height of the image: the row has neither$"),
    ):
        with pytest.raises(ScorerError, match=message):
            grounding(Answer("[0.1, 0.2, 0.3, 0.4]", coords), target)
    with pytest.raises(
        ScorerError, match=r"^abs coordinates need the size .* of which only fractions are known$"
    ):
        grounding(Answer("[1, 2, 3, 4]", "abs"), BoxTarget((0.1, 0.2, 0.3, 0.4), 1, 1))
    score = grounding(Answer("none", "abs"), target)
    assert (score.official, score.components) == (0, {"iou": 0, "r@0.3": 0, "r@0.7": 0})
