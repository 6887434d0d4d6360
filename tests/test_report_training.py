"""Training runs as they are read, and the page that shows them, without and in a browser."""

from __future__ import annotations

import base64
import gzip
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from harness.errors import UsageError
from reports.page import render
from reports.training.figures import MOST_POINTS
from reports.training.gains import Gains, gains
from reports.training.recipe import differences
from reports.training.rollouts import Budget, chosen, packed, stage_rollouts
from reports.training.runs import is_training_run, load_training_runs
from reports.training.section import duration, training_section, update

if TYPE_CHECKING:
    from playwright.sync_api import Page


def data_of(paths: list[Path]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(training_section(load_training_runs(paths)).data))
    return found["training-data"]


# Reading


def test_a_run_with_its_stages_in_order(training_logs: ModuleType, tmp_path: Path) -> None:
    out = training_logs.write(tmp_path / "run", 4, stage="refine")
    training_logs.write(out, 6)
    training_logs.write_coldstart(out, 3)
    (out / "model").mkdir()
    (out / "refine" / "model").mkdir(exist_ok=True)
    [run] = load_training_runs([out])
    assert [stage.name for stage in run.stages] == ["vision_warmup", "coldstart", "g2rpo", "refine"]
    assert [stage.last for stage in run.stages] == [200, 150, 6, 4]
    assert [stage.planned for stage in run.stages] == [None, 500, 6, 4]
    assert run.stages[1].seconds_left == pytest.approx(350 / 50 * 60)
    assert run.state == "complete"


def test_a_stage_folder_alone_is_a_run(training_logs: ModuleType, tmp_path: Path) -> None:
    out = training_logs.write(tmp_path / "run", 3)
    [run] = load_training_runs([out / "g2rpo"])
    assert (run.name, run.stages[0].name, run.stages[0].last) == ("g2rpo", "g2rpo", 3)


def test_what_is_no_step_is_passed_over_and_counted(training_logs: ModuleType, tmp_path: Path) -> None:
    garbage = '\x00\x00\nnot json\n[1]\n{"step": "x"}\n{"step": true}\n{"step": -1}\n' + "[" * 100_000 + "\n\n"
    out = training_logs.write(tmp_path, 2, tail=garbage + '{"step": 3, "val')
    [stage] = load_training_runs([out])[0].stages
    assert [line["step"] for line in stage.lines] == [0, 1, 2]
    assert stage.garbage == 7
    assert stage.torn


def test_a_last_line_that_lacks_only_its_break_counts(training_logs: ModuleType, tmp_path: Path) -> None:
    [stage] = load_training_runs([training_logs.write(tmp_path, 2, tail='{"step": 3}')])[0].stages
    assert (stage.last, stage.torn) == (3, False)


def test_the_last_line_of_a_step_wins(training_logs: ModuleType, tmp_path: Path) -> None:
    again = '{"step": 2, "value": 0.75}\n{"step": 1, "value": 0.25}\n'
    [stage] = load_training_runs([training_logs.write(tmp_path, 2, tail=again)])[0].stages
    assert [line.get("value") for line in stage.lines] == [None, 0.25, 0.75]


def test_without_a_model_it_is_stopped_and_says_what_is_left(training_logs: ModuleType, tmp_path: Path) -> None:
    [run] = load_training_runs([training_logs.write(tmp_path / "run", 4, planned=100)])
    assert (run.state, run.stages[0].seconds_left) == ("stopped", pytest.approx(96 * 61.5))
    html = str(training_section([run]).html)
    assert "step <b>4/100</b>" in html
    assert "about 1 h 38 min left once it is continued" in html
    assert ">stopped</span>" in html
    assert "Evaluate it" not in html


def test_a_running_stage_says_how_long_it_will_take(training_logs: ModuleType, tmp_path: Path) -> None:
    out = training_logs.write(tmp_path / "run", 4, planned=100)
    training_logs.lock(out / "g2rpo")
    html = str(training_section(load_training_runs([out])).html)
    assert ">running</span>" in html
    assert "about 1 h 38 min left</span>" in html


def test_a_failed_stage_says_why(training_logs: ModuleType, tmp_path: Path) -> None:
    out = training_logs.write(tmp_path / "run", 4, planned=100)
    (out / "g2rpo" / "failed.json").write_text('{"error": "50 % of <responses> had no verdict"}')
    html = str(training_section(load_training_runs([out])).html)
    assert ">failed</span>" in html
    assert "Ended with an error: 50 % of &lt;responses&gt; had no verdict" in html


def test_the_latest_checkpoint_is_handed_over_before_there_is_a_model(
    training_logs: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = training_logs.write(tmp_path / "run", 4, planned=100)
    for name in ("step-0000002", "step-0000004", "step-0000006.partial"):
        (out / "g2rpo" / "checkpoints" / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    html = str(training_section(load_training_runs([out])).html)
    assert "Latest checkpoint: <code>run/g2rpo/checkpoints/step-0000004</code>" in html


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3600 * 1.1, "1 h 06 min"),
        (90000, "1 d 1 h"),
        (3599, "1 h 00 min"),
    ],
)
def test_a_duration_is_in_its_two_largest_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_finished_stage_says_how_to_evaluate_its_model(
    training_logs: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = training_logs.write(tmp_path / "a run", 4)
    monkeypatch.chdir(tmp_path)
    html = str(training_section(load_training_runs([out])).html)
    asked = "--tasks mathvista,refcoco --data synthetic"
    assert f"<code>harness eval --model &#39;a run/g2rpo/model&#39; {asked}</code>" in html


def test_rows_of_one_s_own_are_evaluated_on_the_suite(
    training_logs: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = training_logs.write(tmp_path / "run", 4, tasks=["math", "numerical"], data="rows.json")
    monkeypatch.chdir(tmp_path)
    html = str(training_section(load_training_runs([out])).html)
    assert "<code>harness eval --model run/g2rpo/model --suite all</code>" in html


def test_rollouts_of_some_steps_are_in_the_page(training_logs: ModuleType, tmp_path: Path) -> None:
    out = training_logs.write(tmp_path / "run", 9)
    assert data_of([out])["rollouts"] == []
    for step in range(1, 31):
        training_logs.write_rollouts(out, step, tail="not json\n[1]\n" if step == 30 else "")
    section = training_section(load_training_runs([out]))
    index = section.data["training-data"]["rollouts"]
    assert [each["step"] for each in index] == [1, 4, 8, 11, 15, 19, 22, 26, 30]
    assert (index[-1]["responses"], index[-1]["unreadable"], index[-1]["file"]) == (
        120,
        2,
        "step-0000030.jsonl",
    )
    assert str(section.data[index[0]["block"]]).isascii()
    [run] = load_training_runs([out])
    step = stage_rollouts(run.stages[0], Budget(), 1)[0]
    groups = json.loads(gzip.decompress(base64.b64decode(packed(step))))
    assert len(groups) == 3 * 6
    first = groups[0]
    assert (first["prompt"], first["reference"]) == ("[image]Question 0? <b>bold</b>", "answer 0")
    assert [group["trained"] for group in groups[:3]] == [True, False, True]
    assert first["responses"][0]["terms"] == [["value", 0.5], ["format", 0.25]]
    assert first["responses"][3]["status"] == "truncated"
    grounding = next(group for group in groups if group["family"] == "grounding")
    assert grounding["shapes"] == [{"box": [0.1, 0.1, 0.5, 0.5]}]
    assert grounding["responses"][2]["shapes"] == [{"box": [0.1, 0.1, 0.4, 0.5]}]


def test_pictures_are_kept_ones_of_the_run_alone_and_fit_the_page(
    training_logs: ModuleType, tmp_path: Path
) -> None:
    out = training_logs.write(tmp_path / "run", 1)
    path = training_logs.write_rollouts(out, 1)
    [run] = load_training_runs([out])
    groups = stage_rollouts(run.stages[0], Budget())[0]["groups"]
    assert str(groups[0]["pictures"][0]).startswith("data:image/jpeg;base64,/9j/")
    assert groups[2]["pictures"] == [None], "its file is not there"
    assert stage_rollouts(run.stages[0], Budget(10))[0]["groups"][0]["pictures"] == [None]
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(b"secret")
    (path.parent / "images" / f"{0:024x}.jpg").unlink()
    (path.parent / "images" / f"{0:024x}.jpg").symlink_to(secret)
    path.write_text(path.read_text().replace(f"{1:024x}.jpg", "../../../secret.jpg"))
    groups = stage_rollouts(run.stages[0], Budget())[0]["groups"]
    assert groups[0]["pictures"] == groups[1]["pictures"] == [None]


@pytest.mark.parametrize(
    ("steps", "most", "shown"),
    [([], 3, []), ([7], 3, [7]), ([1, 2, 3, 4], 3, [1, 2, 4]), ([1, 2, 3], 1, [3]), ([1, 2], 9, [1, 2])],
)
def test_first_last_and_steps_between(steps: list[int], most: int, shown: list[int]) -> None:
    assert chosen(steps, most) == shown


# What training brought


def gains_of(out: Path, evaluated: Any = ()) -> Gains:
    [run] = load_training_runs([out])
    [found] = gains(run, run.stages[0], evaluated)
    return found


def scored(hand_runs: ModuleType, path: Path, math: int, grounding: int, **more: Any) -> Path:
    """An evaluation run: so many of 60 right in MathVista, so many in RefCOCO."""
    counts = {"mathvista": math, "refcoco": grounding}
    rows = {
        task: [hand_runs.row(f"{task}{n}", float(n < right)) for n in range(60)]
        for task, right in counts.items()
    }
    written: Path = hand_runs.write_run(path, rows, **more)
    return written


def test_gains_are_paired_between_the_first_and_the_last_evaluation(
    training_logs: ModuleType, hand_runs: ModuleType, tmp_path: Path
) -> None:
    out = training_logs.write(tmp_path / "run", 4)
    scored(hand_runs, out / "g2rpo" / "eval" / "step-0000000", 10, 40)
    scored(hand_runs, out / "g2rpo" / "eval" / "step-0000002", 11, 40)
    scored(hand_runs, out / "g2rpo" / "eval" / "step-0000004", 50, 25)
    found = gains_of(out)
    assert found.what == "evaluations during training, step 0 and step 4"
    rows = {row.label: row for row in found.rows}
    assert list(rows) == ["Math", "Grounding", "Overall"]
    assert (rows["Math"].before, rows["Math"].after) == (pytest.approx(100 / 6), pytest.approx(500 / 6))
    assert [row.sign for row in found.rows] == [1, -1, 1]
    assert rows["Grounding"].difference.value == pytest.approx(-25)
    assert found.verdict.startswith("Yes: overall +20.8 points (95 % CI ")
    assert "Gained significantly: Math +66.7. Lost significantly: Grounding −25.0." in found.verdict
    assert "Not evaluated: General VQA, Chart, Document, Spatial;" in found.verdict
    html = str(training_section(load_training_runs([out])).html)
    assert "+66.7 ▲" in html
    assert "−25.0 ▼" in html


def test_what_changes_little_is_not_called_a_gain(
    training_logs: ModuleType, hand_runs: ModuleType, tmp_path: Path
) -> None:
    out = training_logs.write(tmp_path / "run", 4)
    scored(hand_runs, out / "g2rpo" / "eval" / "step-0000000", 30, 40)
    scored(hand_runs, out / "g2rpo" / "eval" / "step-0000004", 31, 40)
    found = gains_of(out)
    assert found.verdict.startswith("No significant change: overall +0.8 points")
    assert "No family gained significantly. No family lost significantly." in found.verdict


def test_held_out_rows_are_paired_by_row(training_logs: ModuleType, tmp_path: Path) -> None:
    out = training_logs.write(tmp_path / "run", 4)
    for step, right in ((0, 10), (4, 35)):
        path = out / "g2rpo" / "eval" / f"step-{step:07d}" / "responses.jsonl"
        path.parent.mkdir(parents=True)
        lines = [{"task": "math", "id": str(n), "value": float(n < right), "status": "ok"} for n in range(40)]
        lines += [{"task": "math", "id": "lost", "status": "failed", "error": "no image"}]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = gains_of(out)
    assert [(row.label, row.n, row.sign) for row in found.rows] == [("Math", 40, 1), ("Overall", 40, 1)]
    assert found.rows[0].difference.value == pytest.approx(62.5)


def test_evaluation_runs_of_the_report_before_and_after_tell_too(
    training_logs: ModuleType, hand_runs: ModuleType, tmp_path: Path
) -> None:
    out = training_logs.write(tmp_path / "run", 4)
    settings = out / "g2rpo" / "settings.json"
    settings.write_text(settings.read_text().replace("models/start", str(tmp_path / "start")))
    scored(hand_runs, tmp_path / "before", 10, 40, name=str(tmp_path / "start"))
    scored(hand_runs, tmp_path / "after", 40, 40, name=str(out / "g2rpo" / "model"))
    runs = [run_as_read(tmp_path / name) for name in ("before", "after")]
    found = gains_of(out, runs)
    assert found.what == "evaluation runs before and after"
    assert [row.sign for row in found.rows] == [1, 0, 1]


def run_as_read(path: Path) -> Any:
    """What of an evaluation run the page looks at."""
    return SimpleNamespace(path=path, run=json.loads((path / "run.json").read_text()))


def test_without_evaluations_the_page_says_how_to_find_out(
    training_logs: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = training_logs.write(tmp_path / "run", 4)
    asked = '{"asked": {"prompt": "direct", "max_new_tokens": 24}, "training": {}}'
    (out / "g2rpo" / "model" / "harness.json").write_text(asked)
    monkeypatch.chdir(tmp_path)
    found = gains_of(out)
    assert found.verdict.startswith("Not known:")
    assert list(found.commands) == [
        "harness eval --model models/start --tasks mathvista,refcoco --data synthetic --prompt direct "
        "--max-new-tokens 24 --out runs/before",
        "harness eval --model run/g2rpo/model --tasks mathvista,refcoco --data synthetic --out runs/after",
        f"harness report {out} runs/before runs/after",
    ]


def test_evaluations_that_do_not_fit_together_are_said(
    training_logs: ModuleType, hand_runs: ModuleType, tmp_path: Path
) -> None:
    out = training_logs.write(tmp_path / "run", 4)
    for step, task in ((0, "mathvista"), (4, "refcoco")):
        folder = out / "g2rpo" / "eval" / f"step-{step:07d}"
        hand_runs.write_run(folder, {task: [hand_runs.row("a", 1.0)]})
    [run] = load_training_runs([out])
    first, how = gains(run, run.stages[0], ())
    assert "no task is in both" in first.verdict
    assert how.commands


def test_intervals_of_evaluations_are_drawn_where_they_were_recorded(
    training_logs: ModuleType, board_runs: ModuleType, tmp_path: Path
) -> None:
    out = training_logs.write(tmp_path / "run", 4)
    scores = {"mathvista": 40.0, "refcoco": 60.0}
    board_runs.write_run(out / "g2rpo" / "eval" / "step-0000000", scores)
    [stage] = data_of([out])["runs"][0]["stages"]
    assert stage["intervals"]["math"] == [[0, 38.0, 42.0]]
    assert stage["intervals"]["all"] == [[0, pytest.approx(50 - 2**0.5), pytest.approx(50 + 2**0.5)]]


def test_recipes_are_compared(training_logs: ModuleType, tmp_path: Path) -> None:
    one = training_logs.write(tmp_path / "one", 4, reward={"format": 0.1, "length": 0.1})
    two = training_logs.write(tmp_path / "two", 4, reward={"format": 0.0, "length": 0.1}, lora_rank=8)
    [found] = differences(load_training_runs([one, two]))
    assert found["rows"] == [("reward.format", ["0.1", "0.0"]), ("lora_rank", [None, "8"])]
    assert found["same"] == 9
    assert list(differences(load_training_runs([one]))) == []


def test_an_update_has_what_is_new(training_logs: ModuleType, tmp_path: Path) -> None:
    out = training_logs.write(tmp_path / "run", 4, planned=9)
    for step in (1, 2):
        training_logs.write_rollouts(out, step)
    found = update(load_training_runs([out]))
    assert "step <b>4/9</b>" in found["html"]
    assert [each["step"] for each in found["data"]["rollouts"]] == [2]
    assert set(found["blocks"]) == {"training-rollouts-0"}
    json.dumps(found, allow_nan=False)


def test_a_log_that_has_just_begun_is_a_run_without_steps(tmp_path: Path) -> None:
    (tmp_path / "g2rpo").mkdir()
    (tmp_path / "g2rpo" / "steps.jsonl").touch()
    [run] = load_training_runs([tmp_path])
    assert run.stages[0].lines == ()
    assert "stopped" in str(training_section([run]).html)


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"[]", b'{"steps": "many", "shapes": [1]}', b"[" * 100_000]
)
def test_broken_settings_leave_the_steps(training_logs: ModuleType, tmp_path: Path, content: bytes) -> None:
    out = training_logs.write(tmp_path, 3)
    (out / "g2rpo" / "settings.json").write_bytes(content)
    [run] = load_training_runs([out])
    assert (run.stages[0].last, run.stages[0].planned) == (3, None)
    assert data_of([out])["runs"][0]["stages"][0]["bands"] == {}


def test_a_folder_without_a_log_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('{"problem": "a data set", "answer": "1"}\n')
    assert not is_training_run(tmp_path)
    with pytest.raises(UsageError, match=r"not a training run: there is no steps\.jsonl") as caught:
        load_training_runs([tmp_path])
    assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match="there is no such folder"):
        load_training_runs([tmp_path / "nowhere"])


def test_names_are_unique_and_a_folder_counts_once(training_logs: ModuleType, tmp_path: Path) -> None:
    paths = [training_logs.write(tmp_path / parent / "run", 1) for parent in ("a", "b")]
    runs = load_training_runs([*paths, paths[0] / ".." / "run"])
    assert [run.name for run in runs] == ["a/run", "b/run"]


def test_what_the_trainer_writes_is_read(policy_fakes: ModuleType, policy_model: Path, tmp_path: Path) -> None:
    from training.log import StepLog

    trainer = policy_fakes.trainer(policy_model, tmp_path / "g2rpo", steps=2, gradient_every=1)
    trainer.run(StepLog(tmp_path / "g2rpo" / "steps.jsonl"))
    [run] = data_of([tmp_path])["runs"]
    [stage] = run["stages"]
    assert stage["step"] == [1, 2]
    assert set(stage["families"]) == {"math", "chart"}
    wanted = {"reward", "value", "length", "entropy", "acceptance", "gradient_share", "loss_share", "unparsed"}
    assert wanted <= set(stage["families"]["math"])
    assert {"grad_norm", "learning_rate", "clip_share"} <= set(stage["overall"])
    assert stage["bands"]["math"] == {"length": [[0, 2, 6, 12]], "entropy": [[0.1, 5.0]]}
    assert load_training_runs([tmp_path])[0].stages[0].planned == 2


def test_the_page_imports_neither_torch_nor_the_trainer() -> None:
    code = "import sys, reports.training.section; print({'torch', 'training'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# What the page is told


def test_figures_are_columns_over_the_steps(training_logs: ModuleType, tmp_path: Path) -> None:
    out = training_logs.write(tmp_path, 20)
    [stage] = data_of([out])["runs"][0]["stages"]
    line = training_logs.line(7)
    assert stage["step"][7] == 7
    assert stage["families"]["math"]["value"][7] == pytest.approx(line["families"]["math"]["value"], rel=1e-4)
    assert stage["overall"]["grad_norm"][7] == pytest.approx(line["grad_norm"], rel=1e-4)
    assert stage["families"]["math"]["gradient_share"][4:7] == [
        None,
        pytest.approx(training_logs.line(5)["families"]["math"]["gradient_share"], rel=1e-4),
        None,
    ]
    assert stage["overall"]["eval"][0] == 30
    assert stage["families"]["math"]["eval"][0] == 31
    assert stage["families"]["math"]["advantage.flips"][7] == pytest.approx(
        line["families"]["math"]["advantage"]["flips"], rel=1e-4
    )
    assert stage["bands"]["chart"] == {"length": [[8, 24, 160, 480]], "entropy": [[0.3, 0.9]]}


def test_a_cold_start_has_its_losses_by_task(training_logs: ModuleType, tmp_path: Path) -> None:
    stages = data_of([training_logs.write_coldstart(tmp_path, 2)])["runs"][0]["stages"]
    assert [stage["name"] for stage in stages] == ["vision_warmup", "coldstart"]
    assert stages[1]["families"]["mmmu"]["loss"] == [3, 1.5]
    assert stages[1]["overall"]["loss"] == [2.5, 1.25]


def test_a_long_log_is_averaged_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "steps.jsonl").write_text(
        "".join(f'{{"step": {n}, "value": {n % 2}}}\n' for n in range(1, 4001))
    )
    [stage] = data_of([tmp_path])["runs"][0]["stages"]
    assert stage["every"] == 7
    assert len(stage["step"]) == 573 <= MOST_POINTS
    assert stage["overall"]["value"][-1] == 0, "the last step, as it was logged"
    assert stage["step"][-1] == 4000
    assert stage["overall"]["value"][0] == pytest.approx(4 / 7, rel=1e-4)


def test_what_is_no_number_is_no_point(tmp_path: Path) -> None:
    lines = ['{"step": 1, "value": NaN, "reward": 1e999}', '{"step": 2, "value": true, "reward": "0.5"}']
    lines += ['{"step": 3, "value": 0.5, "families": [1]}', '{"step": 4, "families": {"math": 3}, "eval": 5}']
    (tmp_path / "steps.jsonl").write_text("\n".join(lines) + "\n")
    [stage] = data_of([tmp_path])["runs"][0]["stages"]
    assert stage["overall"] == {"value": [None, None, 0.5, None]}


def test_tables_say_what_the_figures_show(training_logs: ModuleType, tmp_path: Path) -> None:
    lines = [
        {"step": n, "families": {"math": {"value": n / 100, "groups": {"kept": 3, "too easy": 1}}}}
        for n in range(1, 41)
    ]
    (tmp_path / "steps.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    html = str(training_section(load_training_runs([tmp_path])).html)
    assert "0.01 → 0.4" in html
    assert "<td>160</td>" in html
    assert "75.0 %" in html


def test_hostile_names_are_text(training_logs: ModuleType, tmp_path: Path) -> None:
    out = training_logs.write(
        tmp_path / "<script>alert(1)<", 2, tail='{"step": 3, "families": {"</script><b>": {"value": 1}}}\n'
    )
    page = "".join(render("t", [training_section(load_training_runs([out]))]))
    assert "<script>alert" not in page
    assert "</script><b>" not in page


def test_the_command_writes_the_page_into_the_run(
    training_logs: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from harness.cli import main

    out = training_logs.write(tmp_path / "run", 3)
    assert main(["report", str(out)]) == 0
    text = (out / "report.html").read_text(encoding="utf-8")
    assert 'data-section="training"' in text
    assert 'data-section="leaderboard"' not in text
    (tmp_path / "empty").mkdir()
    assert main(["report", str(tmp_path / "empty")]) == 2
    assert len(capsys.readouterr().err.splitlines()) <= 2


# In the browser


def written(folder: Path, paths: list[Path]) -> Path:
    """The page of training runs."""
    path = folder / "training.html"
    page = render("Training", [training_section(load_training_runs(paths))])
    path.write_text("".join(page), encoding="utf-8")
    return path


@pytest.fixture
def two_runs(training_logs: ModuleType, tmp_path: Path) -> Path:
    runs = [
        training_logs.write(tmp_path / "first", 60),
        training_logs.write(tmp_path / "<b>second", 30, seed=1, planned=60),
    ]
    training_logs.write(runs[0], 10, stage="refine")
    return written(tmp_path, runs)


def readout(page: Page, panel: str) -> str:
    return str(page.locator(f'[data-panel="{panel}"] .training-readout').text_content())


def painted(page: Page, panel: str, colour: str) -> int:
    """Pixels of a chart that have a colour of the style sheet."""
    page.locator(f'[data-panel="{panel}"]').scroll_into_view_if_needed()
    page.locator(f'[data-panel="{panel}"] canvas').wait_for()
    count: int = page.evaluate(
        """([panel, name]) => {
          const canvas = document.querySelector(`[data-panel="${panel}"] canvas`);
          const wanted = trainingColour(`var(${name})`).match(/[0-9.]+/g).map(Number);
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          let found = 0;
          for (let at = 0; at < data.length; at += 4) {
            const near = [0, 1, 2].every((each) => Math.abs(data[at + each] - wanted[each]) < 12);
            if (data[at + 3] > 200 && near) found++;
          }
          return found;
        }""",
        [panel, colour],
    )
    return count


def test_runs_are_overlaid_by_family(page: Page, watch: Any, two_runs: Path) -> None:
    watch.open(two_runs)
    panel = page.locator('[data-panel="reward-math"]')
    assert panel.locator(".training-swatch").count() == 2
    assert painted(page, "reward-math", "--c1") > 40
    assert painted(page, "reward-math", "--c2") > 40
    assert "band 24–160, 0 at 8 and 480" in str(page.locator('[data-panel="length-chart"]').text_content())
    assert "Reward, Math: first from" in str(panel.locator(".training-plot").get_attribute("aria-label"))
    assert page.evaluate("document.documentElement.scrollWidth") == 1280
    for width in (1440, 1024, 390):
        page.set_viewport_size({"width": width, "height": 844})
        page.wait_for_timeout(100)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        fits = "(each) => each.offsetWidth <= each.parentElement.clientWidth"
        assert page.evaluate(f"[...document.querySelectorAll('.uplot')].every({fits})")
    watch.shot("training")


def test_last_values_are_those_that_were_logged(
    page: Page, watch: Any, two_runs: Path, training_logs: ModuleType
) -> None:
    watch.open(two_runs, "#/training?smooth=0.9")
    first, second = training_logs.line(60)["value"], training_logs.line(30, 1)["value"]
    assert f"first {first:.3f} ~" in readout(page, "value-all")
    assert f"second {second:.3f} ~" in readout(page, "value-all")
    page.locator("input[type=range]").fill("0")
    assert "~" not in readout(page, "value-all")
    assert f"first {first:.3f}" in readout(page, "value-all")


def test_smoothing_is_a_moving_average_beside_the_line(page: Page, watch: Any, two_runs: Path) -> None:
    watch.open(two_runs, "#/training?smooth=0")
    series = """(smooth) => {
      const line = { name: "a", mark: 0, x: [...Array(40).keys()], y: Array(40).fill(1) };
      const spec = { title: "", label: "", xs: "step", lines: [line], smooth };
      const plot = new TrainingPlot(document.createElement("div"), spec);
      plot.draw();
      return plot.chart.series.length;
    }"""
    assert [page.evaluate(series, weight) for weight in (0, 0.5)] == [2, 3]
    assert page.evaluate("trainingSmooth([...Array(30).keys()].map((n) => n % 2 ? null : 2), 0.5)") is None
    averaged = page.evaluate("trainingSmooth([1, null, 3, ...Array(30).fill(3)], 0.5).slice(0, 3)")
    assert averaged == [1, None, pytest.approx((0.25 + 0.5 * 3) / 0.75)]


def test_a_run_can_be_hidden_and_the_address_keeps_it(page: Page, watch: Any, two_runs: Path) -> None:
    watch.open(two_runs)
    legend = page.get_by_role("group", name="Runs shown").get_by_role("button", name="second")
    legend.click()
    assert "second" not in readout(page, "value-chart")
    assert "hide=1" in page.url
    page.reload()
    assert "second" not in readout(page, "value-chart")
    legend.click()
    assert "second" in readout(page, "value-chart")


def read(page: Page, panel: str, text: str) -> None:
    """Wait until a chart, which may be drawn only now, reads so."""
    page.locator(f'[data-panel="{panel}"] .training-readout', has_text=text).wait_for()


def test_one_cursor_reads_all_charts_by_pointer_and_by_keyboard(
    page: Page, watch: Any, two_runs: Path, training_logs: ModuleType
) -> None:
    watch.open(two_runs, "#/training?smooth=0")
    chart = page.locator('[data-panel="value-all"] .training-plot')
    chart.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expected = training_logs.line(2)["value"]
    said = f"Value, all families, step 2: first {expected:.3f}; <b>second"
    page.locator("[data-said]", has_text=said).wait_for(state="attached")
    read(page, "reward-all", f"{training_logs.line(2)['reward']:.3f}")
    read(page, "length-all", "step 2")
    page.keyboard.press("Escape")
    read(page, "reward-all", "last")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.closest('figure').dataset.panel") == "length-all"
    chart.hover()
    read(page, "reward-all", "step")
    page.mouse.move(0, 0)
    read(page, "reward-all", "last")


def test_a_chart_drawn_later_reads_where_the_cursor_is(page: Page, watch: Any, two_runs: Path) -> None:
    watch.open(two_runs, "#/training?smooth=0")
    page.locator('[data-panel="value-all"] .training-plot').focus()
    page.keyboard.press("End")
    last = page.locator("[data-panel]:has(.training-plot)").last
    assert last.locator(".uplot").count() == 0
    last.scroll_into_view_if_needed()
    last.locator(".training-readout", has_text="step 60").wait_for()


def test_axes_are_linear_or_logarithmic_and_zoomed_together(page: Page, watch: Any, two_runs: Path) -> None:
    watch.open(two_runs, "#/training?smooth=0")
    page.get_by_label("log y").check()
    page.get_by_label("log x").check()
    assert "log=x.y" in page.url
    assert "values ≤ 0 left out" in readout(page, "loss-all") or "step 0" not in readout(page, "loss-all")
    page.get_by_label("log x").uncheck()
    page.get_by_label("log y").uncheck()
    page.locator('[data-panel="value-all"]').scroll_into_view_if_needed()
    over = page.locator('[data-panel="value-all"] .u-over').bounding_box()
    assert over is not None
    page.mouse.move(over["x"] + 0.5 * over["width"], over["y"] + 40)
    page.mouse.down()
    page.mouse.move(over["x"] + 0.75 * over["width"], over["y"] + 60, steps=4)
    page.mouse.up()
    page.get_by_role("button", name="Whole range").wait_for()
    assert "zoom=3" in page.url
    page.get_by_role("button", name="Whole range").click()
    assert "zoom" not in page.url


def test_other_stages_other_charts_and_one_panel_large(page: Page, watch: Any, two_runs: Path) -> None:
    watch.open(two_runs)
    page.get_by_role("combobox", name="Stage").select_option("refine")
    assert page.get_by_role("group", name="Runs shown").get_by_role("button", name="second").is_disabled()
    page.get_by_role("button", name="Sign flips").click()
    page.locator('[data-panel="advantage-flips-math"]').scroll_into_view_if_needed()
    page.locator('[data-panel="advantage-flips-math"] canvas').wait_for()
    page.get_by_role("button", name="Enlarge Entropy, Math").click()
    assert page.locator(".training-wide").get_attribute("data-panel") == "entropy-math"
    page.get_by_role("combobox", name="Over").select_option("hours")
    assert "zoom" not in page.url


def test_the_charts_follow_the_theme(page: Page, watch: Any, two_runs: Path) -> None:
    watch.open(two_runs)
    light = page.evaluate("trainingColour('--c1')")
    page.get_by_label("Theme").select_option("dark")
    assert page.evaluate("trainingColour('--c1')") != light
    page.wait_for_timeout(50)
    assert painted(page, "reward-math", "--c1") > 40


def test_rollouts_are_picked_by_step_and_sorted_by_reward(
    page: Page, watch: Any, training_logs: ModuleType, tmp_path: Path
) -> None:
    out = training_logs.write(tmp_path / "run", 3)
    for step in (1, 2, 3):
        training_logs.write_rollouts(out, step)
    watch.open(written(tmp_path, [out]))
    page.get_by_role("combobox", name="Step").wait_for()
    assert page.get_by_role("combobox", name="Step").input_value() == "3"
    page.get_by_role("button", name="Earlier step").click()
    page.wait_for_url("**step=2*")
    page.get_by_role("combobox", name="Family").select_option("grounding")
    cards = page.locator(".training-card")
    page.locator(".training-card h4", has_text="Grounding").nth(2).wait_for()
    assert cards.count() == 3
    assert cards.locator(".tag", has_text="filtered out").count() == 1
    first = cards.first
    assert first.locator("img").evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 64
    assert first.locator("svg .training-true rect").count() == 2
    assert first.locator("svg .training-predicted").count() == 4
    assert "Reference (100,100),(500,500)" in str(first.text_content())
    assert "terms value 0.50format 0.25" in str(first.text_content())
    page.get_by_role("combobox", name="Sort").select_option("low")
    page.locator(".training-responses li", has_text="reward 0.10").first.wait_for()
    page.wait_for_url("**sort=low*")
    rewards = [re.search("reward ([0-9.]+)", text) for text in first.locator("li").all_text_contents()]
    assert [found and found[1] for found in rewards] == ["0.10", "0.25", "0.50", "0.75"]
    assert "<b>bold</b>" in str(first.text_content())
    assert page.locator(".training-card b").count() == 0
    watch.shot("rollouts")


def test_the_page_answers_whether_training_helped(
    page: Page, watch: Any, training_logs: ModuleType, hand_runs: ModuleType, tmp_path: Path
) -> None:
    out = training_logs.write(tmp_path / "run", 4)
    scored(hand_runs, out / "g2rpo" / "eval" / "step-0000000", 10, 40)
    scored(hand_runs, out / "g2rpo" / "eval" / "step-0000004", 50, 25)
    watch.open(written(tmp_path, [out]))
    section = page.locator('[data-live="gains"]')
    assert section.get_by_role("heading", name="Did training help, and at which family’s cost?").is_visible()
    assert section.get_by_text("Yes: overall +20.8 points").is_visible()
    row = section.get_by_role("row", name="Grounding")
    assert "−25.0 ▼" in str(row.text_content())
    box = section.bounding_box()
    assert box is not None
    assert box["y"] < 800, "on the first screen"


def test_a_page_from_disk_asks_nobody(page: Page, watch: Any, two_runs: Path) -> None:
    watch.open(two_runs)
    page.wait_for_timeout(200)
    assert page.locator("[data-live-status]").is_hidden()
    assert "connect-src" not in two_runs.read_text(encoding="utf-8").split("<title>")[0]
