"""Training runs as they are read, and the page that shows them, without and in a browser."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from harness.errors import UsageError
from reports.page import render
from reports.training.runs import is_training_run, load_training_runs
from reports.training.section import MOST_POINTS, training_section

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
    [run] = load_training_runs([out])
    assert [stage.name for stage in run.stages] == ["vision_warmup", "coldstart", "g2rpo", "refine"]
    assert [stage.last for stage in run.stages] == [200, 150, 6, 4]
    assert [stage.planned for stage in run.stages] == [None, None, 6, 4]
    assert run.finished


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


def test_without_a_model_it_is_unfinished(training_logs: ModuleType, tmp_path: Path) -> None:
    [run] = load_training_runs([training_logs.write(tmp_path / "run", 4, planned=100)])
    assert not run.finished
    html = str(training_section([run]).html)
    assert "4 of 100" in html
    assert "unfinished" in html
    assert "harness eval" not in html


def test_a_finished_stage_says_how_to_evaluate_its_model(
    training_logs: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = training_logs.write(tmp_path / "a run", 4)
    monkeypatch.chdir(tmp_path)
    html = str(training_section(load_training_runs([out])).html)
    assert "<code>harness eval --model &#39;a run/g2rpo/model&#39;</code>" in html


def test_rollouts_of_some_steps_are_shown(training_logs: ModuleType, tmp_path: Path) -> None:
    out = training_logs.write(tmp_path / "run", 9)
    assert "Rollouts" not in str(training_section(load_training_runs([out])).html)
    for step in range(1, 10):
        training_logs.write_rollouts(out, step, tail="not json\n[1]\n" if step == 9 else "")
    html = str(training_section(load_training_runs([out])).html)
    steps = [int(number) for number in re.findall(r"run, g2rpo, step (\d+)", html)]
    assert steps == [1, 5, 9]
    assert html.count('<details class="training-group">') == 3 * 6 * 3
    assert html.count("; dropped") == 3 * 6  # of the groups 0, 1 and 2 the second
    assert "120 responses in step-0000009.jsonl; 2 unreadable lines left out" in html
    assert "[image]Question 0? &lt;b&gt;bold&lt;/b&gt;" in html
    assert "Image: images/2.png" in html
    assert "(1011 more characters in the file)" in html
    assert "value 0.50, format 0.25" in html
    assert "+0.50" in html
    assert "truncated" in html


def test_a_log_that_has_just_begun_is_a_run_without_steps(tmp_path: Path) -> None:
    (tmp_path / "g2rpo").mkdir()
    (tmp_path / "g2rpo" / "steps.jsonl").touch()
    [run] = load_training_runs([tmp_path])
    assert run.stages[0].lines == ()
    assert "unfinished" in str(training_section([run]).html)


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
    assert len(stage["step"]) == 572 <= MOST_POINTS
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
    assert "0.025 → 0.385" in html  # means of the first and the last four
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


@pytest.fixture
def two_runs(training_logs: ModuleType, tmp_path: Path) -> Path:
    runs = [
        training_logs.write(tmp_path / "first", 60),
        training_logs.write(tmp_path / "<b>second", 30, seed=1, planned=60),
    ]
    training_logs.write(runs[0], 10, stage="refine")
    path = tmp_path / "training.html"
    path.write_text("".join(render("Training", [training_section(load_training_runs(runs))])), encoding="utf-8")
    return path


def test_runs_are_overlaid_by_family(page: Page, watch: Any, two_runs: Path) -> None:
    watch.open(two_runs)
    panel = page.locator('[data-panel="reward-math"]')
    assert panel.locator("path.training-line:not(.training-raw)").count() == 2
    assert panel.locator("path.training-raw").count() == 2
    assert page.locator('[data-panel="entropy-math"] rect.training-band').count() == 1
    assert page.locator('[data-panel="length-chart"] rect.training-band').count() >= 1
    assert page.locator('[data-panel="gradient_share-math"] .training-reference').count() == 1
    assert "Reward, math: first from" in str(panel.locator("svg").get_attribute("aria-label"))
    assert page.evaluate("document.documentElement.scrollWidth") == 1280
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    watch.shot("training")


def test_a_run_can_be_hidden_and_the_address_keeps_it(page: Page, watch: Any, two_runs: Path) -> None:
    watch.open(two_runs)
    page.get_by_role("button", name="second").click()
    lines = page.locator('[data-panel="value-chart"] path.training-line:not(.training-raw)')
    assert lines.count() == 1
    assert "hide=1" in page.url
    page.reload()
    assert lines.count() == 1
    page.get_by_role("button", name="second").click()
    assert lines.count() == 2


def test_smoothing_is_a_moving_average_over_the_faint_line(page: Page, watch: Any, two_runs: Path) -> None:
    watch.open(two_runs, "#/training?smooth=0")
    raw = page.locator('[data-panel="value-math"] path.training-line').first
    assert page.locator(".training-raw").count() == 0
    before = raw.get_attribute("d")
    page.locator("input[type=range]").fill("0.9")
    smooth = page.locator('[data-panel="value-math"] path.training-line:not(.training-raw)').first
    assert smooth.get_attribute("d") != before
    assert page.locator('[data-panel="value-math"] .training-raw').first.get_attribute("d") == before
    assert (
        page.evaluate("trainingSmooth([...Array(30).keys()].map((n) => n % 2 ? null : 2), 0.5)[2]") is not None
    )
    averaged = page.evaluate("trainingSmooth([1, null, 3, ...Array(30).fill(3)], 0.5).slice(0, 3)")
    assert averaged == [1, None, pytest.approx((0.25 + 0.5 * 3) / 0.75)]


def test_values_are_read_by_pointer_and_by_keyboard(
    page: Page, watch: Any, two_runs: Path, training_logs: ModuleType
) -> None:
    watch.open(two_runs, "#/training?smooth=0")
    figure = page.locator('[data-panel="value-all"] svg')
    figure.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    said = page.locator("[data-said]")
    expected = training_logs.line(2)["value"]
    assert f"Value, all families, step 2: first {expected:.3f}; <b>second" in str(said.text_content())
    other = page.locator('[data-panel="value-math"]')
    assert f"{training_logs.line(2)['families']['math']['value']:.3f}" in str(other.text_content())
    assert other.locator(".training-cursor").get_attribute("visibility") == "visible"
    page.keyboard.press("Escape")
    assert other.locator(".training-cursor").get_attribute("visibility") == "hidden"
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.closest('figure').dataset.panel") == "length-all"
    figure.hover()
    cursor = "document.querySelector('[data-panel=value-math] .training-cursor').getAttribute('visibility')"
    page.wait_for_function(f"{cursor} === 'visible'")
    page.mouse.move(0, 0)
    page.wait_for_function(f"{cursor} === 'hidden'")


def test_other_stages_other_figures_and_one_panel_large(page: Page, watch: Any, two_runs: Path) -> None:
    watch.open(two_runs)
    page.get_by_role("combobox", name="Stage").select_option("refine")
    assert page.get_by_role("button", name="second").is_disabled()
    page.get_by_role("button", name="Sign flips").click()
    assert page.locator('[data-panel="advantage-flips-math"] path.training-line').count() == 1
    page.get_by_role("button", name="Enlarge Entropy, math").click()
    assert page.locator(".training-wide").get_attribute("data-panel") == "entropy-math"
    page.get_by_role("combobox", name="Over").select_option("hours")
    assert "hours" in str(page.locator(".training-wide").text_content())
