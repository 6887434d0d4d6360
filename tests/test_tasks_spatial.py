"""RefSpatial and RoboSpatial: rows, prompts, metrics, and the counts in their documentation."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scorers.place.coordinates import box_to_pixels
from scorers.rules.refspatial import MaskTarget
from scorers.rules.robospatial import RoboSpatialTarget
from scorers.types import COORDS, Answer
from tasks import load_builtin, refspatial, robospatial
from tasks.prompts import render
from tasks.types import Response, RowError

DOC = Path(__file__).parents[1] / "docs" / "scoring" / "spatial.md"
COORDINATES = DOC.parents[1] / "coordinates.md"


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def mask_image(mode: str = "L") -> Image.Image:
    """40 × 20; inside: columns 20 … 39 of rows 0 … 9."""
    pixels = np.zeros((20, 40), dtype=np.uint8)
    pixels[:10, 20:] = 255
    image = Image.fromarray(pixels)
    if mode == "RGB":  # only the first channel counts
        return Image.merge("RGB", (image, Image.new("L", (40, 20), 255), Image.new("L", (40, 20), 255)))
    return image.convert(mode) if mode != "L" else image


REF = {
    "id": 3,
    "image": png(Image.new("RGB", (40, 20))),
    "mask": png(mask_image()),
    "object": "the cup",
    "prompt": "Please point out the cup.",
    "suffix": "Your answer should be  formatted as a list of tuples.",
    "step": 2,
    "split": "location",
}


def test_refspatial_rows() -> None:
    (sample,) = refspatial.to_samples(REF)
    assert sample.id == "location/3"
    assert sample.question == "Please point out the cup."
    assert sample.instruction == "Your answer should be formatted as a list of tuples."
    assert (sample.target.width, sample.target.height) == (40, 20)
    groups = dict(sample.groups)
    assert groups.pop("image") == sample.images[0].sha
    assert groups == {"split": "location", "part": "seen", "step": "2"}
    (unseen,) = refspatial.to_samples({**REF, "split": "unseen"})
    assert unseen.groups["part"] == "unseen"


@pytest.mark.parametrize("mode", ["L", "1", "RGB", "P", "LA"])
def test_masks_of_any_mode_are_the_first_channel_above_zero(mode) -> None:
    (sample,) = refspatial.to_samples({**REF, "mask": png(mask_image(mode))})
    inside = refspatial.TASK.score(sample, Response("[(0.75, 0.25)]"), coords="norm1")
    outside = refspatial.TASK.score(sample, Response("[(0.25, 0.25)]"), coords="norm1")
    assert (inside.value, outside.value) == (1, 0)


def test_masks_in_any_form(tmp_path) -> None:
    path = tmp_path / "mask.png"
    path.write_bytes(REF["mask"])
    rng = np.random.default_rng(0)
    noisy = Image.fromarray((rng.random((60, 60)) > 0.5).astype(np.uint8) * 255)
    text = base64.b64encode(png(noisy)).decode()
    assert len(text) >= 1024
    forms = [path, str(path), {"bytes": REF["mask"], "path": None}, mask_image()]
    assert len({refspatial.mask_target(form) for form in forms}) == 1
    assert refspatial.mask_target(text) == refspatial.mask_target(noisy)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"mask": None}, "mask"), ({"mask": b"no"}, "mask"), ({"mask": "gone.png"}, "gone.png")],
)
def test_refspatial_rows_that_cannot_be_judged_say_why(change, message) -> None:
    with pytest.raises(RowError, match=message):
        list(refspatial.to_samples({**REF, **change}))
    with pytest.raises(RowError, match="mask"):
        list(refspatial.to_samples({"id": 1}))


ROBO = {
    "category": "context",
    "question": "In the image, there is a bowl. Pinpoint several points within the vacant space situated to "
    "the left of the bowl. Your answer should be formatted as a list of tuples, i.e. [(x1, y1), ...], where "
    "each tuple contains the x and y coordinates of a point. The coordinates should be between 0 and 1.",
    "answer": "[(0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8)]",
    "img": png(Image.new("RGB", (640, 480))),
    "mask": None,
    "depth_image": None,
}
YES = {**ROBO, "category": "compatibility", "question": "Can the cup fit? Answer yes or no.", "answer": "Yes"}


def test_robospatial_rows() -> None:
    (point,) = robospatial.to_samples(ROBO)
    assert point.question.endswith("to the left of the bowl.")
    assert point.target == RoboSpatialTarget("", ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8)), 640, 480)
    assert point.groups["part"] == "pointing"
    (yes,) = robospatial.to_samples(YES)
    assert yes.question == "Can the cup fit? Answer yes or no."
    assert yes.target == RoboSpatialTarget("yes", question="Can the cup fit? Answer yes or no.")
    assert yes.instruction == ""
    assert yes.groups["part"] == "VQA"
    assert point.id.startswith("context-")
    assert point.id != yes.id
    (other,) = robospatial.to_samples({**YES, "img": png(Image.new("RGB", (9, 9)))})
    assert other.id != yes.id
    (named,) = robospatial.to_samples({**YES, "index": 17})
    assert named.id == "17"


@pytest.mark.parametrize(
    "answer",
    [
        "maybe",
        "[]",
        "[(0, 0), (1, 1)]",
        "[(0, 0), (1,), (1, 1)]",
        "(" * 30_000,
        "[" * 15_000,
        7,
        None,
        "[(0,0),(1,1),('a','b')]",
    ],
)
def test_robospatial_golds_that_are_neither_word_nor_polygon(answer) -> None:
    with pytest.raises(RowError, match="answer"):
        list(robospatial.to_samples({**ROBO, "answer": answer}))


@pytest.mark.parametrize("missing", ["category", "question", "answer"])
def test_robospatial_columns(missing) -> None:
    with pytest.raises(RowError, match=missing):
        list(robospatial.to_samples({key: value for key, value in ROBO.items() if key != missing}))


ANSWERS = {
    "abs": "[{'point_2d': [480, 120]}]",
    "norm1": "[(0.75, 0.25)]",
    "norm100": '[{"point_2d": [75.0, 25.0]}]',
    "norm1000": '[{"point_2d": [750, 250]}]',
    "yx1000": '[{"point": [250, 750]}]',
    "loc1024": "<loc0256><loc0768>",
    "loc1000": "<loc_750><loc_250>",
}
WORDS = {
    "abs": "pixels of",
    "norm1": "between 0 and 1,",
    "norm100": "in percent",
    "norm1000": "x and y are integers",
    "yx1000": "[y, x]",
    "loc1024": "<locYYYY>",
    "loc1000": "<loc_X>",
}


@pytest.mark.parametrize("coords", COORDS)
def test_a_model_is_asked_for_points_in_its_own_convention(coords) -> None:
    (place,) = refspatial.to_samples({**REF, "image": png(Image.new("RGB", (40, 20)))})
    (space,) = robospatial.to_samples(ROBO)
    (word,) = robospatial.to_samples(YES)
    for task, sample in ((refspatial.TASK, place), (robospatial.TASK, space)):
        text = render(task, sample, coords=coords)[-1]
        assert WORDS[coords] in text
        assert [name for name, phrase in WORDS.items() if phrase in text] == [coords]
        response = Response(ANSWERS[coords], shown=((640, 480),))
        score = task.score(sample, response, coords=coords)
        assert score.value == 1
        assert (score.official is None) == (coords != "norm1")
    assert render(robospatial.TASK, word, coords=coords)[-1] == "Can the cup fit? Answer yes or no."


def test_the_tasks() -> None:
    assert load_builtin("refspatial") is refspatial.TASK
    assert load_builtin("robospatial") is robospatial.TASK
    headline = refspatial.TASK.headline
    assert (headline.of, headline.reduce, headline.by, headline.where) == (
        "value",
        "macro",
        "split",
        ("part", "seen"),
    )
    headline = robospatial.TASK.headline
    assert (headline.of, headline.reduce, headline.by) == ("value", "macro", "category")


def test_targets_survive_json() -> None:
    (place,) = refspatial.to_samples(REF)
    assert MaskTarget(**json.loads(json.dumps(dataclasses.asdict(place.target)))) == place.target
    (space,) = robospatial.to_samples(ROBO)
    data = json.loads(json.dumps(dataclasses.asdict(space.target)))
    data["polygon"] = tuple(tuple(point) for point in data["polygon"])
    assert RoboSpatialTarget(**data) == space.target


def table(heading: str) -> dict[str, list[str]]:
    """First cell → the others, of the first table about disagreement under a heading of the documentation."""
    text = (
        DOC.read_text(encoding="utf-8")
        .split(f"\n## {heading}\n", 1)[1]
        .split("### Where the two disagree", 1)[1]
    )
    lines = text[text.index("\n|") :].split("\n\n", 1)[0].strip().splitlines()[2:]
    cells = [line.strip("| ").split(" | ") for line in lines]
    return {row[0]: row[1:] for row in cells}


def test_the_documentation_counts_refspatial_disagreements(golden, golden_dir) -> None:
    counts: Counter[str] = Counter()
    for row in golden("refspatial/synthetic"):
        record = {**row["record"], "mask": str(golden_dir / "refspatial" / row["record"]["mask"])}
        (sample,) = refspatial.to_samples(record)
        score = refspatial.TASK.scorer(Answer(row["response"], row.get("coords"), raw=True), sample.target)
        if abs(score.value - score.official) >= 0.5:
            thought = "<think>" in row["response"]
            integers = re.fullmatch(r"\[\(\d+, \d+\)\]", row["response"])
            counts[
                "points in the thinking"
                if thought
                else "integers read as pixels"
                if integers
                else row["response"]
            ] += 1
    assert dict(counts) == {cause: int(cells[0]) for cause, cells in table("RefSpatial").items()}


def test_the_documentation_counts_robospatial_disagreements(golden) -> None:
    counts: Counter[tuple[str, str, str]] = Counter()
    for row in golden("robospatial/synthetic"):
        (sample,) = robospatial.to_samples(row["record"])
        score = robospatial.TASK.scorer(Answer(row["response"], raw=True), sample.target)
        if score.value != score.official:
            form = f"`{row['response']}`".replace("\n", "⏎")
            if row["response"] == "Noted: yes":  # parts both ways
                form += f" (gold {sample.target.answer})"
            counts[form, f"{score.official:.0f}", f"{score.value:.0f}"] += 1
    documented = {(form, cells[1], cells[2]): int(cells[0]) for form, cells in table("RoboSpatial").items()}
    assert dict(counts) == documented


def test_the_picture_in_the_documentation_of_coordinates() -> None:
    from scorers.place.boxes import read_box
    from scorers.read.normalise import clean

    text = COORDINATES.read_text(encoding="utf-8")
    for coords in COORDS:
        answer = re.search(rf"│.* {coords}  +(\S.*)|┐.* {coords}  +(\S.*)|┓.* {coords}  +(\S.*)", text)
        written = next(group for group in answer.groups() if group)
        box = read_box(clean(written), coords).value
        within = 0.4 if coords == "loc1000" else 0  # the middle of a bin
        pixels = box_to_pixels(box, coords, size=(640, 480))
        assert pixels == pytest.approx((160, 120, 320, 360), rel=0, abs=within)
    assert box_to_pixels((80, 60, 160, 180), "abs", size=(640, 480), shown=(320, 240)) == (160, 120, 320, 360)
