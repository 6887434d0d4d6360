"""Questions that two data sets share: pictures by what they look like, questions by their words."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from harness.cli import main
from harness.data.looks import Looks, look
from harness.data.overlap import Question, normalised, overlap
from harness.errors import UsageError
from tasks import load_builtin
from tasks.images import ImageRef

Change = Callable[[Image.Image], Image.Image]
CHANGES: dict[str, Change] = {
    "half": lambda picture: picture.resize((picture.width // 2, picture.height // 2)),
    "larger": lambda picture: picture.resize((picture.width * 3 // 2, picture.height * 3 // 2)),
    "squeezed": lambda picture: picture.resize((picture.width, picture.height * 3 // 4)),
}


def scene(number: int, size: tuple[int, int] = (480, 360)) -> Image.Image:
    """A picture of lines and blocks that no other number gives."""
    from random import Random

    draw = Random(number)
    picture = Image.new("RGB", size, tuple(draw.randrange(256) for _ in range(3)))
    pen = ImageDraw.Draw(picture)
    for _ in range(12):
        x, y = draw.randrange(size[0]), draw.randrange(size[1])
        box = (x, y, x + draw.randrange(20, 200), y + draw.randrange(20, 150))
        pen.rectangle(box, fill=tuple(draw.randrange(256) for _ in range(3)))
    return picture


def encoded(picture: Image.Image, kind: str = "PNG", **how: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **how)
    return buffer.getvalue()


def question(name: str, text: str, *pictures: bytes) -> Question:
    return Question(name, text, tuple(map(ImageRef, pictures)))


@pytest.mark.parametrize("quality", [90, 50])
@pytest.mark.parametrize("change", CHANGES)
def test_a_picture_is_known_again_resized_and_encoded_anew(change: str, quality: int) -> None:
    known = Looks()
    for number in range(60):
        known.add(look(scene(number)))
    for number in range(60):
        again = encoded(CHANGES[change](scene(number)), "JPEG", quality=quality)
        assert known.near(look(ImageRef(again).picture())) == [number]


def test_the_drawn_pictures_of_a_task_are_told_apart() -> None:
    from harness.data import load_rows
    from harness.run.plan import samples_of
    from tasks.types import Sample

    known, looks = Looks(), {}
    task = load_builtin("chartqa")
    for sample in samples_of(task, load_rows(task, "synthetic", limit=60)):
        assert isinstance(sample, Sample)
        found = look(sample.images[0].picture())
        looks[known.add(found)] = found
    assert [number for number, found in looks.items() if known.near(found) != [number]] == []


def test_plain_pictures_are_known_by_their_bytes_alone() -> None:
    white, grey = (encoded(Image.new("RGB", (64, 64), shade)) for shade in ("white", "#f0f0f0"))
    found = overlap([question("a", "q", white)], [question("b", "q", grey), question("c", "q", white)])
    assert found.counts == {"both": 1, "image": 0, "question": 1}
    assert found.pairs["both"] == [("a", "c")]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is the value?", "<image> what is  the VALUE"),
        ("Which bar is red?", "<image 1>Which bar is red?\nOptions:\n(A) left\n(B) right"),
        ("Which bar is red?", "Which bar is red?\nA. left\nB. right"),
        ("ﬁve cafés", "five cafés!"),
    ],
)
def test_questions_are_compared_by_their_words(one: str, other: str) -> None:
    assert normalised(one) == normalised(other) != ""


def test_other_numbers_are_other_questions() -> None:
    assert normalised("What was sold in 2012?") != normalised("What was sold in 2013?")


def test_each_question_counts_once_for_the_most_that_is_shared() -> None:
    one, two = encoded(scene(1)), encoded(scene(2))
    again = encoded(scene(1).resize((300, 225)), "JPEG", quality=70)
    first = [question("a1", "How many?", one), question("a2", "Where?", one), question("a3", "Why?")]
    second = [
        question("b1", "how many", again),
        question("b2", "Which?", again),
        question("b3", "Where?", two),
        question("b4", "Why?"),
        question("b5", "Who?", two),
    ]
    found = overlap(first, second)
    assert (found.first, found.second) == (3, 5)
    assert found.counts == {"both": 2, "image": 1, "question": 1}
    assert found.pairs == {
        "both": [("a1", "b1"), ("a3", "b4")],
        "image": [("a2", "b2")],
        "question": [("a2", "b3")],
    }


def test_of_several_pictures_all_must_be_there() -> None:
    one, two, three = (encoded(scene(number)) for number in range(3))
    first = [question("a", "Which?", one, two)]
    assert overlap(first, [question("b", "Which?", one, two)]).counts["both"] == 1
    assert overlap(first, [question("b", "Which?", one, three)]).counts["both"] == 0


def test_pictures_that_cannot_be_read_are_counted() -> None:
    found = overlap([question("a", "q", b"no picture")], [question("b", "r", encoded(scene(1)))])
    assert (found.unreadable, found.counts["image"]) == (1, 0)


def test_the_second_is_never_held() -> None:
    held: list[int] = []

    def second() -> Iterator[Question]:
        for number in range(50):
            held.append(number)
            yield question(f"b{number}", "What?", encoded(scene(number % 5)))

    found = overlap([question("a", "What?", encoded(scene(0)))], second())
    assert (found.counts["both"], len(held)) == (10, 50)


# --- the command line, and training ---


@pytest.fixture
def shared_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Evaluation rows in data/chartqa, and train.json, whose second of three rows is one of them."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data" / "chartqa"
    folder.mkdir(parents=True)
    rows = []
    for number in range(4):
        (folder / f"{number}.png").write_bytes(encoded(scene(number)))
        row = {"type": "human_test", "question": f"How many bars of {number}?", "answer": "5"}
        rows.append(json.dumps({**row, "image": f"{number}.png"}))
    (folder / "rows.jsonl").write_text("\n".join(rows), encoding="utf-8")
    trained = []
    for number, of in enumerate((10, 2, 11)):
        (tmp_path / f"t{number}.jpg").write_bytes(encoded(scene(of).resize((320, 240)), "JPEG", quality=80))
        row = {"problem_id": f"t{number}", "problem": f"<image>How many bars of {of}?", "answer": "5"}
        more = {"problem_type": "numerical", "data_type": "image", "images": [f"t{number}.jpg"]}
        trained.append({**row, **more, "task_type": "chart_figure_qa"})
    (tmp_path / "train.json").write_text(json.dumps(trained), encoding="utf-8")
    return tmp_path


def test_data_overlap_names_what_is_shared(shared_rows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "overlap", "data", "train.json"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "data: 4 questions"
    assert shown[2] == "          1  same image and question"
    assert shown[3].startswith("             t1 is chartqa/")
    assert main(["data", "overlap", "chartqa", "train.json", "--data", "data", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["counts"] == {"both": 1, "image": 0, "question": 0}
    assert (found["first"], found["second"], found["pairs"]["both"][0][1]) == (4, 3, "t1")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["data"], "takes two data sets, not 1"),
        (["data", "nowhere/at/all"], "nowhere/at/all: neither a task, a suite, a file"),
    ],
)
def test_what_is_no_data_set(
    shared_rows: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "overlap", *words]) == 2
    assert said in capsys.readouterr().err


def test_training_refuses_rows_that_are_evaluated_on(
    shared_rows: Path, policy_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from training.data.overlap import check_overlap
    from training.recipe import load_recipe

    given = {"data": "train.json", "out": "out", "held_out_data": ["data"], "stages": ["g2rpo"]}
    with pytest.raises(UsageError) as refused:
        check_overlap(load_recipe(None, given))
    said = "train.json: 1 of 3 rows occur in data (same image and question): t1"
    assert str(refused.value) == f"{said}; leave them out, or --allow-overlap trains on them and records it"
    assert not Path("out").exists()
    words = ["train", "--model", str(policy_model), "--set", "data=train.json", "--held-out-data", "data"]
    assert main([*words, "--stage", "g2rpo", "--dry-run"]) == 2
    assert said in capsys.readouterr().err
    assert main([*words, "--stage", "g2rpo", "--dry-run", "--allow-overlap"]) == 0
    assert f"{said}; trained on all the same" in capsys.readouterr().out
    check_overlap(load_recipe(None, {**given, "allow_overlap": True}))
    record = json.loads(Path("out/overlap.json").read_text(encoding="utf-8"))
    assert (record["allowed"], record["counts"]["both"], record["pairs"]["both"][0][1]) == (True, 1, "t1")


def test_training_says_where_only_pictures_are_shared(
    shared_rows: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from training.data.overlap import check_overlap
    from training.recipe import load_recipe

    rows = json.loads(Path("train.json").read_text(encoding="utf-8"))
    rows[1]["problem"] = "<image>How many colours?"
    Path("train.json").write_text(json.dumps(rows), encoding="utf-8")
    check_overlap(load_recipe(None, {"data": "train.json", "out": "out", "held_out_data": ["data"]}))
    shown = capsys.readouterr()
    assert "1 row more with an image of theirs and another question" in shown.out + shown.err
    assert json.loads(Path("out/overlap.json").read_text(encoding="utf-8"))["counts"]["image"] == 1
