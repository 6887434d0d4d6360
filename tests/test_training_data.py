"""What is trained on: the prompt stream, task rows, files of the field's format, and which groups are kept."""

from __future__ import annotations

import json
from collections import Counter
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.errors import HarnessError, UsageError
from harness.registry import Registry
from harness.run.media import ImageStore
from scorers.types import Score
from tasks.images import ImageError
from tasks.types import CATEGORIES, Response, RowError, Sample
from training.data.dataset import DrawnProblems, HeldProblems, load_problems
from training.data.file_problems import load_file, told
from training.data.prompt_stream import PromptStream, spread
from training.data.row_format import TASK_TYPES, RowFormat
from training.data.rows import left_out
from training.filtering import Acceptance, FilterRule, outcome
from training.rewards import Reward


def earned(value: float, total: float | None = None) -> Reward:
    return Reward(value if total is None else total, {}, Score(value, None))


# Filtering


@pytest.mark.parametrize(
    ("values", "totals", "what"),
    [
        ([0, 0, 0, 0], None, "too hard"),
        ([1, 1, 1, 1], None, "too easy"),
        ([0, 0, 0, 0.04], None, "too hard"),  # a mean of exactly 0.01
        ([0, 0, 0, 0.05], None, "kept"),
        ([1, 1, 1, 0.96], None, "too easy"),  # a mean of exactly 0.99
        ([0, 0, 1, 1], None, "kept"),
        ([0.5, 0.5, 0.5, 0.5], None, "no spread"),
        ([0.5, 0.5, 0.5, 0.5], [0.5, 0.5, 0.5, 0.6], "kept"),
        ([0, 1], [0.3, 0.3], "no spread"),
        ([0.5], None, "too few"),
        ([], None, "too few"),
    ],
)
def test_which_groups_are_kept(values: list[float], totals: list[float] | None, what: str) -> None:
    rewards = [earned(*pair) for pair in zip(values, totals or values, strict=True)]
    assert outcome(rewards, FilterRule()) == what


def test_the_acceptance_rate_of_each_family() -> None:
    acceptance = Acceptance()
    for family, what in [("math", "kept"), ("math", "too hard"), ("chart", "too easy"), ("math", "kept")]:
        acceptance.add(family, what)
    assert acceptance.rate("math") == pytest.approx(2 / 3)
    assert acceptance.rate("chart") == 0.0


# The stream


@pytest.mark.parametrize(("total", "parts"), [(512, 6), (7, 3), (2, 6), (0, 4), (12, 6)])
def test_prompts_are_spread_evenly_and_in_the_long_run_exactly(total: int, parts: int) -> None:
    turns = [spread(total, parts, turn) for turn in range(parts)]
    assert all(sum(turn) == total and max(turn) - min(turn) <= 1 for turn in turns)
    assert len({sum(column) for column in zip(*turns, strict=True)}) == 1


def stream(fakes: ModuleType, seed: int = 0, number: int = 5) -> PromptStream:
    tasks = [fakes.task("sums"), fakes.task("angles"), fakes.task("bars", "chart")]
    return PromptStream([fakes.problems(task, number) for task in tasks], seed)


def ids(of: PromptStream, family: str, number: int) -> list[str]:
    return [of.take(family).sample.id for _ in range(number)]


def test_a_pass_has_every_question_once_and_the_next_another_order(policy_fakes: ModuleType) -> None:
    source = stream(policy_fakes)
    prompts = [source.take("chart") for _ in range(15)]
    passes = [[p.sample.id for p in prompts[at : at + 5]] for at in (0, 5, 10)]
    assert [sorted(each) for each in passes] == [sorted(passes[0])] * 3
    assert len({tuple(each) for each in passes}) > 1
    assert [prompt.epoch for prompt in prompts] == [0] * 5 + [1] * 5 + [2] * 5
    assert [prompt.index for prompt in prompts] == list(range(15))


class Endless:
    """Questions without end."""

    size = None

    def __init__(self, task: Any) -> None:
        self.task = task

    def sample(self, index: int) -> Sample:
        return Sample(f"{self.task.name}-{index}", "?", self.task.target("x"))


def test_tasks_without_end_take_turns(policy_fakes: ModuleType) -> None:
    source = PromptStream([Endless(policy_fakes.task(name)) for name in ("sums", "angles")], 0)
    assert ids(source, "math", 4) == ["sums-0", "angles-0", "sums-1", "angles-1"]
    assert source.epochs == {}


def test_a_rare_task_is_asked_as_often_as_a_row_of_any_other(policy_fakes: ModuleType) -> None:
    tasks = [policy_fakes.problems(policy_fakes.task("many"), 100)]
    tasks += [policy_fakes.problems(policy_fakes.task("one"), 1)]
    source = PromptStream(tasks, 0)
    for epoch in range(3):
        prompts = [source.take("math") for _ in range(101)]
        assert len({prompt.sample.id for prompt in prompts}) == 101
        assert {prompt.epoch for prompt in prompts} == {epoch}
        assert source.epochs == {"math": epoch + 1}


def test_rows_with_an_end_and_tasks_without_take_turns(policy_fakes: ModuleType) -> None:
    task = policy_fakes.task
    source = PromptStream([Endless(task("drawn")), policy_fakes.problems(task("rows"), 3)], 0)
    names = [source.take("math").task.name for _ in range(6)]
    assert names == ["drawn", "rows"] * 3
    assert source.epochs == {"math": 1}


def test_without_balance_families_have_prompts_in_proportion_to_their_rows(policy_fakes: ModuleType) -> None:
    tasks = [policy_fakes.problems(policy_fakes.task("sums"), 30)]
    tasks += [policy_fakes.problems(policy_fakes.task("bars", "chart"), 9)]
    tasks += [policy_fakes.problems(policy_fakes.task("scans", "document"), 1)]
    source = PromptStream(tasks, 0, "none")
    batches = [dict(source.quotas(8, step)) for step in range(5)]
    assert [sum(batch.values()) for batch in batches] == [8] * 5
    assert [batch["math"] for batch in batches] == [6] * 5
    totals = Counter({name: sum(batch[name] for batch in batches) for name in batches[0]})
    assert totals == {"math": 30, "chart": 9, "document": 1}
    with pytest.raises(UsageError, match="balance = none goes by the number of rows, and drawn has no end"):
        PromptStream([*tasks, Endless(policy_fakes.task("drawn", "spatial"))], 0, "none")


def test_the_stream_is_seeded(policy_fakes: ModuleType) -> None:
    runs = [ids(stream(policy_fakes, seed), "math", 9) for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize("before", [0, 1, 7])
def test_the_stream_goes_on_where_it_was(policy_fakes: ModuleType, before: int) -> None:
    whole = ids(stream(policy_fakes), "math", 14)
    first = stream(policy_fakes)
    ids(first, "math", before)
    again = stream(policy_fakes)
    again.restore(json.loads(json.dumps(first.state())))
    assert ids(again, "math", 14 - before) == whole[before:]


def test_the_turns_of_all_families_are_counted(policy_fakes: ModuleType) -> None:
    source = stream(policy_fakes)
    source.take("chart", lambda prompt: "no" if prompt.index < 2 else None)
    source.take("math")
    assert (source.drawn, source.endless) == (4, ())
    endless = Endless(policy_fakes.task("drawn"))
    assert PromptStream([endless], 0).endless == (endless.task,)


def test_taking_of_one_family_does_not_move_another(policy_fakes: ModuleType) -> None:
    alone, mixed = stream(policy_fakes), stream(policy_fakes)
    ids(mixed, "math", 3)
    assert ids(mixed, "chart", 4) == ids(alone, "chart", 4)


class Flaky:
    """Questions of which some cannot be read."""

    def __init__(self, task: Any, bad: set[int], size: int | None = 6) -> None:
        self.task, self.size, self._bad = task, size, bad
        self._target = task.target("x")

    def sample(self, index: int) -> Sample:
        if index in self._bad:
            raise RowError("no answer") if index % 2 else ImageError("gone.png: No such file or directory")
        return Sample(str(index), "?", self._target)


def test_rows_that_cannot_be_read_are_counted_and_passed_over(policy_fakes: ModuleType) -> None:
    source = PromptStream([Flaky(policy_fakes.task("sums"), {1, 4})], 0)
    assert sorted(ids(source, "math", 4)) == ["0", "2", "3", "5"]
    ids(source, "math", 4)
    assert source.skipped == {"math": 4}


@pytest.mark.parametrize("size", [6, None])
def test_where_nothing_can_be_read_training_says_so(policy_fakes: ModuleType, size: int | None) -> None:
    source = PromptStream([Flaky(policy_fakes.task("sums"), set(range(1000)), size)], 0)
    with pytest.raises(HarnessError, match=r"math: \d+ rows in a row cannot be trained on; the last: "):
        source.take("math")


def test_a_task_without_rows_is_refused(policy_fakes: ModuleType) -> None:
    with pytest.raises(HarnessError, match="sums: no rows to train on"):
        PromptStream([HeldProblems(policy_fakes.task("sums"), [])], 0)


# Rows of tasks


def test_drawn_rows_are_those_of_the_training_seeds(tmp_path: Path) -> None:
    task = Registry().get("chartqa")
    [problems], failed = load_problems([task], "synthetic", seed=3, folder=tmp_path)
    assert not failed
    assert problems.size is None
    train = {problems.sample(index).images[0].sha for index in range(20)}
    from harness.data import load_rows

    test = {
        next(iter(task.to_samples(row))).images[0].sha for row in islice(load_rows(task, "synthetic").rows, 20)
    }
    assert len(train) > 15
    assert not train & test
    assert problems.sample(4).question == DrawnProblems(task, 3).sample(4).question


def test_one_of_several_samples_of_a_row_is_taken(tmp_path: Path) -> None:
    problems = DrawnProblems(Registry().get("refcoco"), 0)
    assert problems.sample(1).id == problems.sample(1).id
    assert len({problems.sample(index).id for index in range(6)}) == 6


def test_rows_of_a_directory_leave_out_what_cannot_be_asked(fakes: ModuleType, tmp_path: Path) -> None:
    rows = [fakes.row(0, "A"), fakes.row(1, "none"), fakes.row(2, "B", image="a.png")]
    fakes.write(tmp_path / "data", "letters", rows)
    (tmp_path / "data" / "letters" / "a.png").write_bytes(fakes.picture(7))
    [problems], failed = load_problems([fakes.LETTERS], str(tmp_path / "data"), seed=0, folder=tmp_path)
    assert problems.size == 2
    assert [row.error for row in failed] == ["letters: row 1 (id r1): column 'answer' holds none"]
    kept = problems.sample(1).images[0]
    assert kept.data
    assert "data" not in vars(problems.sample(1).images[0])  # bytes that were read are not held


def test_a_directory_without_rows_is_refused(fakes: ModuleType, tmp_path: Path) -> None:
    fakes.write(tmp_path / "data", "letters", [fakes.row(1, "none")])
    with pytest.raises(HarnessError, match="letters: no rows to train on in"):
        load_problems([fakes.LETTERS], str(tmp_path / "data"), seed=0, folder=tmp_path)


# Files in the format of OneThinker and EasyR1


def problem(number: int = 0, **changes: Any) -> dict[str, Any]:
    row = {
        "problem_id": number,
        "problem": "<image> What is 1 + 1?",
        "data_type": "image",
        "problem_type": "numerical",
        "options": [],
        "data_source": "made up",
        "answer": "<answer>2</answer>",
        "images": ["a.png"],
        "problem_reserved_text": "",
        "task_type": "math_reasoning",
    }
    return row | changes


def save(fakes: ModuleType, folder: Path, rows: list[Any], lines: bool = False) -> Path:
    (folder / "a.png").write_bytes(fakes.picture(7, (200, 100)))
    path = folder / ("train.jsonl" if lines else "train.json")
    text = "\n".join(map(json.dumps, rows)) if lines else json.dumps(rows)
    path.write_text(text, encoding="utf-8")
    return path


def load(path: Path | str, **form: Any) -> Any:
    """(problems, rows left out); any share of gold answers may be refused."""
    return load_file(str(path), RowFormat(**{"gold_budget": 1.0} | form), ImageStore(Path("/nonexistent")))[:2]


BOX = {"task_type": "spatial_grounding", "problem_type": "spatial grounding"}
CHOICE = {"task_type": "chart_figure_qa", "problem_type": "multiple choice", "options": ["A. red", "B. blue"]}


@pytest.mark.parametrize(
    ("changes", "response", "value"),
    [
        ({}, "2", 1),
        ({}, "3", 0),
        ({"problem_type": "regression", "answer": "<answer>100</answer>"}, "80", 0.7),
        (CHOICE | {"answer": "<answer>B</answer>"}, "B", 1),
        (CHOICE | {"answer": "<answer>B</answer>"}, "red", 0),
        ({"problem_type": "math", "answer": r"<answer>\frac{1}{2}</answer>"}, "0.5", 1),
        (
            {"problem_type": "OCR", "task_type": "ocr", "answer": "<answer>go home now ok</answer>"},
            "go home now",
            0.75,
        ),
        ({"problem_type": "open-ended", "answer": "<answer>a red bus</answer>"}, "a red bus", 1),
        (
            BOX | {"answer": '<answer>{"boxes": [100, 100, 600, 600]}</answer>'},
            '{"bbox_2d": [100, 100, 600, 600]}',
            1,
        ),
        (
            BOX | {"answer": '<answer>{"boxes": [20, 10, 120, 60]}</answer>', "gold_coords": "abs"},
            '{"bbox_2d": [100, 100, 600, 600]}',
            1,
        ),
        (
            BOX | {"answer": "[20, 10, 120, 60]"},
            '{"bbox_2d": [100, 100, 600, 600]}',
            0,
        ),  # thousandths, no pixels
    ],
)
def test_a_row_is_judged_by_its_problem_type(
    fakes: ModuleType, tmp_path: Path, changes: dict[str, Any], response: str, value: float
) -> None:
    [problems], failed = load(save(fakes, tmp_path, [problem(**changes)]))
    assert not failed
    sample = problems.sample(0)
    score = problems.task.score(sample, Response(f"<answer>{response}</answer>"), coords="norm1000")
    assert score.value == pytest.approx(value)


def test_rows_are_sorted_by_family_and_type_and_show_their_images(fakes: ModuleType, tmp_path: Path) -> None:
    from tasks.prompts import ImagePart, render

    rows = [
        problem(1),
        problem(2, **CHOICE, answer="B"),
        problem(3),
        problem(4, images=[], problem="1 + 1?", data_type="text"),
    ]
    problems, failed = load(save(fakes, tmp_path, rows, lines=True))
    assert not failed
    assert Counter({each.task.name: each.size for each in problems}) == {
        "chart/multiple choice": 1,
        "math/numerical": 3,
    }
    assert told(problems) == "4 rows (chart 1, math 3), 3 with images"
    chart = next(each for each in problems if each.task.category == "chart")
    parts = render(chart.task, chart.sample(0), "think")
    assert parts[0] == ImagePart(0)
    assert "A. red\nB. blue" in str(parts[1])
    assert "<image" not in str(parts[1])


@pytest.mark.parametrize(
    ("changes", "choices"),
    [
        ({"problem": "<image> Is it red or blue?"}, ("red", "blue")),  # no list, though the texts are there
        ({"problem": "<image> Which?\n(A) red\n(B) blue"}, ()),
        ({"problem": "<image> Which?\nA. red\nB. blue", "options": []}, ()),
        ({"problem": "<image> Which?", "options": ["A", "B"]}, ("A", "B")),
    ],
)
def test_options_are_shown_unless_lettered_lines_list_them(
    fakes: ModuleType, tmp_path: Path, changes: dict[str, Any], choices: tuple[str, ...]
) -> None:
    [problems], failed = load(save(fakes, tmp_path, [problem(**CHOICE | {"answer": "B"} | changes)]))
    assert not failed
    sample = problems.sample(0)
    assert sample.choices == choices
    assert problems.task.score(sample, Response("<answer>B</answer>")).value == 1.0


def test_a_box_in_pixels_outside_its_image_is_left_out(fakes: ModuleType, tmp_path: Path) -> None:
    boxes = [problem(i, **BOX, answer=f"[20, 10, {right}, 60]") for i, right in enumerate((120, 210))]
    [problems], failed = load(save(fakes, tmp_path, boxes), gold_coords="abs")  # of an image of 200 by 100
    assert problems.sample(0).target.box == (20, 10, 120, 60)
    assert [row.error for row in failed] == [
        "train.json row 1: answer '[20, 10, 210, 60]' lies outside the image in abs coordinates"
    ]


def test_one_type_under_several_spellings_is_one_task(fakes: ModuleType, tmp_path: Path) -> None:
    rows = [problem(i, problem_type=name) for i, name in enumerate(("numerical", "Numerical", " NUMERICAL"))]
    [problems], _ = load(save(fakes, tmp_path, rows))
    assert (problems.task.name, problems.size) == ("math/numerical", 3)


def test_places_are_asked_for_by_type_whatever_the_family(fakes: ModuleType, tmp_path: Path) -> None:
    row = problem(
        task_type="spatial_reasoning", problem_type="spatial grounding", answer="[100, 100, 600, 600]"
    )
    [problems], _ = load(save(fakes, tmp_path, [row]))
    assert problems.task.places
    assert problems.task.category == "spatial"


FORMS = {
    "images": ["a.png"],
    "image": "a.png",
    "path": "a.png",
    "image_path": {"bytes": None, "path": "a.png"},
    "img": [[{"bytes": None, "path": "a.png"}]],
}


@pytest.mark.parametrize("column", FORMS)
def test_pictures_lie_under_any_known_name_in_any_form(fakes: ModuleType, tmp_path: Path, column: str) -> None:
    row = {name: value for name, value in problem().items() if name != "images"}
    [problems], failed = load(save(fakes, tmp_path, [row | {column: FORMS[column]}]))
    assert not failed
    [image] = problems.sample(0).images
    assert image.size == (200, 100)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"images": []}, "its text has 1 <image> and the row no images (under image, images,"),
        ({"problem": "<image> <image> ?"}, "its text has 2 <image> and the row 1 images"),
        ({"problem": "1 + 1?", "images": None, "photo": "a.png"}, "data_type is image and the row has none"),
        ({"images": [{"bytes": None, "path": None}]}, "the row no images (under"),
        ({"images": [7]}, "its picture is none: not an image: int '7'"),
    ],
)
def test_a_row_that_speaks_of_a_picture_and_has_none_is_left_out(
    fakes: ModuleType, tmp_path: Path, changes: dict[str, Any], why: str
) -> None:
    rows = [problem(1), problem(2, **changes), problem(3, **changes)]
    [problems], failed = load(save(fakes, tmp_path, rows))
    assert problems.size == 1
    assert why in failed[0].error
    said = list(left_out(failed))
    assert said[0] == "2 rows left out:"
    assert why in said[1]
    assert said[1].endswith("(and 1 more)")
    assert len(said) == 2
    with pytest.raises(UsageError, match=r"no row to train on: train\.json row 0: .* \(and 1 more\)"):
        load(save(fakes, tmp_path, rows[1:]))


def test_every_task_type_is_one_of_our_families() -> None:
    assert set(TASK_TYPES.values()) == set(CATEGORIES)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (problem(answer=""), "column 'answer' is missing or empty"),
        ({"problem": "?"}, "column 'answer' is missing or empty"),
        (problem(task_type="poetry"), "task_type 'poetry' is none of spatial_grounding"),
        (problem(data_type="video"), "it shows a video: images and text are trained on"),
        (problem(problem_type="numericl"), "unknown problem type 'numericl'; did you mean 'numerical'?"),
        (problem(answer="some"), "answer 'some' is no number"),
        (problem(**CHOICE, answer="Z"), "answer 'Z' is none of 2 options"),
        (problem(**BOX, images=[], data_type="text"), "its text has 1 <image> and the row no images"),
        (
            problem(**BOX | {"problem": "Where?"}, images=[], data_type="text"),
            "a place is asked for and there is no",
        ),
        (problem(**BOX, answer="left"), "answer 'left' is no box"),
        (problem(**BOX, answer="[577, 232, 899, 1786]"), "lies outside the image in norm1000 coordinates"),
        (problem(**BOX, answer="[1, 2, 3, 4]", gold_coords="pixel"), "a box needs gold_coords"),
        (problem(**CHOICE | {"options": []}, answer="A"), "there are no options, and the question lists none"),
        (problem(**CHOICE | {"options": float("nan")}, answer="A"), "there are no options"),
        (problem(**CHOICE | {"options": ["B. red", "A. blue"]}, answer="A"), "lettered B, A: wants A, B, C"),
        (7, "a JSON object is wanted, not int"),
    ],
)
def test_a_row_that_cannot_be_trained_on_is_named(
    fakes: ModuleType, tmp_path: Path, row: Any, why: str
) -> None:
    problems, failed = load(save(fakes, tmp_path, [problem(), row]))
    assert sum(each.size or 0 for each in problems) == 1
    assert failed[0].error.startswith("train.json row 1: ")
    assert why in failed[0].error


def test_a_row_whose_own_answer_its_scorer_refuses_is_named(
    fakes: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earns = {"2": 1.0, "3": 0.9}
    monkeypatch.setattr("training.data.file_problems.gold_value", lambda name, problem: earns[problem.gold])
    [problems], failed = load(save(fakes, tmp_path, [problem(0), problem(1, answer="3")]))
    assert problems.size == 1
    assert [row.error for row in failed] == [
        "train.json row 1: its own answer earns 0.90 of 1 by the scorer of numerical"
    ]


def test_a_file_of_nothing_but_bad_rows_is_refused(fakes: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no row to train on: train\.json row 0: column 'answer'"):
        load(save(fakes, tmp_path, [problem(answer=None)]))


@pytest.mark.parametrize(("text", "why"), [("[", "not JSON"), ("{", "broken JSON"), (None, "no such file")])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, text: str | None, why: str) -> None:
    path = tmp_path / "train.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(HarnessError, match=why):
        load(path)


def test_a_vanished_image_of_a_box_is_passed_over(fakes: ModuleType, tmp_path: Path) -> None:
    box = {**BOX, "answer": "[20, 10, 120, 60]"}
    path = save(fakes, tmp_path, [problem(1, **box), problem(2, **box, images=["gone.png"])])
    (tmp_path / "gone.png").write_bytes(fakes.picture(7))
    [problems], failed = load(path)
    assert not failed
    (tmp_path / "gone.png").unlink()
    source = PromptStream([problems], 0)
    assert ids(source, "grounding", 3) == ["1", "1", "1"]
    assert source.skipped["grounding"] >= 2
