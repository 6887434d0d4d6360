"""lmms-eval's tasks by our models: the same numbers as its own evaluator, in our journal and reports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.cli import main
from harness.config import build
from harness.errors import Exit, HarnessError, UsageError
from harness.registry import Registry
from harness.run import execute, rescore
from harness.scores.results import Results, read_results
from harness.scores.table import lines
from harness.types import Request
from tasks.types import Response
from tests.lmms_data import GROUP, ROWS, TASKS, answer_to, write_rows, write_tasks

if find_spec("lmms_eval") is None:
    pytest.skip("lmms-eval is not installed (tox -e lmms-eval installs it)", allow_module_level=True)

from harness.lmms import Catalogue
from harness.lmms.catalogue import package
from harness.lmms.child import Child, WorkerError, child

pytestmark = pytest.mark.slow
NAMES = [f"lmms:drawn_{name}" for name in TASKS]


class Answering:
    """A backend whose answers depend on all that it is shown."""

    name = "answering"
    coords = None

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def describe(self) -> dict[str, Any]:
        return {"model": "answering"}

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
        for request in requests:
            self.asked.append(request)
            text = "".join(part for part in request.parts if isinstance(part, str))
            yield request, Response(answer_to(text, [image.picture() for image in request.images]))

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def home() -> Path:
    found = package()
    assert found is not None
    return found


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Path:
    folder = tmp_path_factory.mktemp("lmms") / "tasks"
    folder.mkdir()
    write_tasks(folder, home)
    return folder


@pytest.fixture(scope="module")
def run(drawn: Path) -> tuple[Path, Results, Answering]:
    backend = Answering()
    names = [name for name in NAMES if name.removeprefix("lmms:drawn_") not in GROUP] + ["lmms:drawn_pope"]
    where = drawn.parent / "run"
    before = set(os.listdir())
    results = execute(
        build({"tasks": ",".join(names), "task_file": [str(drawn)], "out": str(where)}), backend=backend
    )
    assert set(os.listdir()) == before, "what their aggregations write stays away from the working folder"
    return where, results, backend


def test_the_numbers_are_those_of_lmms_evals_own_evaluator(
    run: tuple[Path, Results, Answering], drawn: Path
) -> None:
    out = drawn.parent / "reference" / "results.json"
    out.parent.mkdir()
    root = Path(__file__).parents[1]
    command = [sys.executable, "-m", "tests.lmms_reference", str(drawn), str(out)]
    done = subprocess.run(
        [*command, *(name.removeprefix("lmms:") for name in NAMES)],
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    theirs = json.loads(out.read_text(encoding="utf-8"))
    _, results, _ = run
    assert list(results.tasks) == NAMES
    compared = 0
    for name, task in results.tasks.items():
        own = {
            key.partition(",")[0]: value
            for key, value in theirs[name.removeprefix("lmms:")].items()
            if "_stderr" not in key
        }
        for metric, estimate in task.metrics.items():
            value = getattr(estimate, "value", None)
            assert value == own.get(metric), (name, metric)
            print(f"{name} {metric}: {value}")
            compared += value is not None
    assert compared >= 30
    assert len({task.score.value for task in results.tasks.values()}) >= 8, "they tell answers apart"


def test_only_a_mean_of_the_documents_numbers_has_an_interval(run: tuple[Path, Results, Answering]) -> None:
    _, results, _ = run
    mean, whole = results.tasks["lmms:drawn_chartqa"], results.tasks["lmms:drawn_mme"]
    assert mean.score.low is not None
    assert mean.score.low < mean.score.value < (mean.score.high or 0)
    assert whole.score.value is not None
    assert (whole.score.low, whole.score.high, whole.low, whole.high) == (None, None, None, None)
    assert whole.score.n == ROWS
    human = mean.metrics["relaxed_human_split"]
    assert human.n == ROWS * 2 // 3, "only the documents that have the metric"  # type: ignore[union-attr]


def test_foreign_tasks_enter_no_mean(run: tuple[Path, Results, Answering]) -> None:
    where, results, _ = run
    assert results.mean.tasks == ()
    assert results.categories == {}
    shown = list(lines(results))
    assert not any(line.startswith("all") for line in shown)
    assert all(len(line) <= 80 for line in shown)
    assert read_results(where).tasks["lmms:drawn_mme"].score == results.tasks["lmms:drawn_mme"].score


def test_prompts_are_asked_as_they_are_with_images_where_they_stand(
    run: tuple[Path, Results, Answering],
) -> None:
    _, _, backend = run
    asked = [request for request in backend.asked if ", number 1?" in str(request.parts)]
    [request] = [request for request in asked if "What is shown in" in str(request.parts[0])]
    kinds = ["text" if isinstance(part, str) else part.index for part in request.parts]
    assert kinds == ["text", 0, "text", 1, "text"]
    assert max(len(r.images) for r in backend.asked) == 4, "muirbench shows several"


def test_a_document_without_a_number_of_its_own_says_so(run: tuple[Path, Results, Answering]) -> None:
    where, _, _ = run
    rows = [json.loads(line) for line in (where / "scores" / "lmms:drawn_mmmu_val.jsonl").open()]
    assert all(row["components"] == {"no_number": 1.0} and row["value"] == 0 for row in rows)
    assert all("parsed_pred" in row["extracted"] for row in rows)
    scored = [json.loads(line) for line in (where / "scores" / "lmms:drawn_mmstar.jsonl").open()]
    assert {row["value"] for row in scored} == {0.0, 1.0}, "an object with a score has one"


def test_a_run_continues_and_is_scored_again_without_its_data(
    run: tuple[Path, Results, Answering], drawn: Path
) -> None:
    where, results, _ = run
    backend = Answering()
    names = ",".join(NAMES)
    again = execute(build({"tasks": names, "task_file": [str(drawn)], "out": str(where)}), backend=backend)
    assert backend.asked == []
    assert again.tasks == results.tasks
    hidden = drawn / "rows"
    hidden.rename(drawn.parent / "elsewhere")
    try:
        child().close()
        assert rescore(where).results.tasks == results.tasks
    finally:
        (drawn.parent / "elsewhere").rename(hidden)


def test_runs_are_compared_on_the_documents_numbers_and_reported(
    run: tuple[Path, Results, Answering], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where, _, _ = run
    assert main(["compare", str(where), str(where)]) == 0
    said = capsys.readouterr().out
    assert "pope_accuracy, mean of documents" in said
    assert "mmmu_acc, mean of documents: its documents have no numbers to pair" in " ".join(said.split())
    page = tmp_path / "page.html"
    assert main(["report", str(where), "-o", str(page)]) == 0
    assert "drawn_mme" in page.read_text(encoding="utf-8")
    capsys.readouterr()
    assert main(["report", str(where), "--format", "markdown"]) == 0
    table = capsys.readouterr().out
    assert "mme\\_perception\\_score, in units of its own; in no mean." in table
    assert "[None" not in table


def test_a_directory_of_data_serves_one_of_its_own_tasks(tmp_path: Path) -> None:
    child().close()  # nothing of another task is imported
    write_rows("ai2d", tmp_path / "data" / "ai2d" / "test.parquet")
    given = {"tasks": "lmms:ai2d", "data": str(tmp_path / "data"), "limit": 5, "out": str(tmp_path / "run")}
    results = execute(build(given), backend=Answering())
    assert results.tasks["lmms:ai2d"].samples == 5
    with pytest.raises(UsageError, match=r"no rows of lmms:mme in .*data: make .*mme with parquet files"):
        execute(build(given | {"tasks": "lmms:mme", "out": str(tmp_path / "none")}), backend=Answering())


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("videomme", "it shows video: only text and images can be shown here"),
        ("seedbench_ppl", "its kind is multiple_choice: only generate_until can be asked here"),
        ("mmmu_val_pass64", "it asks each question 64 times"),
        ("mmmu_vall", "unknown task 'lmms:mmmu_vall'; did you mean"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_line(
    name: str, why: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    command = ["eval", "--model", "mock", "--tasks", f"lmms:{name}", "--out", str(tmp_path / "run")]
    assert main(command) == Exit.USAGE
    said = capsys.readouterr().err
    assert why in said
    assert said.count("\n") == 1


def test_their_prompts_take_no_style(drawn: Path, tmp_path: Path) -> None:
    given = {"tasks": "lmms:drawn_mme", "task_file": [str(drawn)], "out": str(tmp_path), "prompt": "think"}
    with pytest.raises(UsageError, match="brings its own prompts"):
        execute(build(given), backend=Answering())


def test_data_that_are_not_there_end_the_run_in_one_line(drawn: Path, tmp_path: Path, home: Path) -> None:
    own = {"include": str(home / "tasks/mme/mme.yaml"), "task": "lost", "dataset_path": "parquet"}
    (tmp_path / "lost.yaml").write_text(yaml.safe_dump(own | {"dataset_kwargs": {"data_files": "no.parquet"}}))
    given = {"tasks": "lmms:lost", "task_file": [str(tmp_path / "lost.yaml")], "out": str(tmp_path / "run")}
    with pytest.raises(HarnessError, match=r"lmms:lost: its data \(parquet\) cannot be loaded: .*no.parquet"):
        execute(build(given), backend=Answering())


def test_the_catalogue_is_read_without_importing_lmms_eval(capsys: pytest.CaptureFixture[str]) -> None:
    code = "import sys; from harness.lmms import Catalogue as C; print(len(list(C())), 'torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    count, torch = done.stdout.split()
    assert int(count) > 1500
    assert torch == "False"
    assert main(["ls", "tasks", "--lmms"]) == 0
    listed = {line.split()[0]: line.split()[1] for line in capsys.readouterr().out.splitlines()}
    assert listed["lmms:mmmu_val"] == "generate_until"
    assert listed["lmms:pope_full"] == "group"
    assert listed["lmms:seedbench_ppl"] == "multiple_choice"


def test_what_a_reader_must_know_is_a_label_also_where_settings_are_included(drawn: Path, home: Path) -> None:
    own = {"include": str(home / "tasks/mathvista/mathvista_testmini_format.yaml"), "task": "judged"}
    (drawn.parent / "judged.yaml").write_text(
        yaml.safe_dump(own | {"generation_kwargs": {"temperature": 0.7, "max_new_tokens": 7}}), encoding="utf-8"
    )
    registry = Registry([drawn.parent / "judged.yaml", drawn])
    task = registry.get("lmms:judged")
    assert task.labels == (
        "its own temperature (0.7) is not used",
        "its rules can call a judge model: without one, not comparable to published",
    )
    assert task.limits["direct"] == 7
    assert registry.get("lmms:drawn_mme").labels == ()
    assert registry.get("lmms:drawn_mme").version == registry.get("lmms:drawn_mme").version != task.version


def test_groups_and_tags_stand_for_their_tasks() -> None:
    catalogue = Catalogue()
    assert catalogue.leaves("lmms:pope_full") == ["lmms:pope_adv", "lmms:pope_pop", "lmms:pope_random"]
    assert "lmms:mmmu_val" in catalogue.leaves("lmms:public_eval_qwen3_5_family")
    with pytest.raises(UsageError, match="is a group of 3 tasks"):
        Registry().get("lmms:pope_full")


def test_a_rule_that_hangs_or_dies_costs_its_own_question(tmp_path: Path) -> None:
    (tmp_path / "rules.py").write_text(
        "import os, time\n"
        "def process(doc, results):\n"
        "    if results[0] == 'hang':\n        time.sleep(60)\n"
        "    if results[0] == 'die':\n        os._exit(3)\n"
        "    return {'exact_match': 1.0}\n"
    )
    task = tmp_path / "task.yaml"
    task.write_text(
        "task: own\ndataset_path: none\ntest_split: test\noutput_type: generate_until\ndoc_to_text: question\n"
        "doc_to_target: answer\nprocess_results: !function rules.process\n"
        "metric_list:\n  - metric: exact_match\n    aggregation: mean\n    higher_is_better: true\n"
    )
    own = Child()
    spec = {"yaml": str(task), "files": None}
    asked = {"spec": spec, "index": 0, "doc": '{"question": "?", "answer": "1"}', "targets": 0}
    try:
        own.ask("prepare", spec=spec)
        assert own.ask("score", text="1", **asked)[0] == {"exact_match": 1.0}
        with pytest.raises(WorkerError, match="gave nothing within 2 s"):
            own.ask("score", text="hang", patience=2, **asked)
        with pytest.raises(WorkerError, match="the process of lmms-eval ended"):
            own.ask("score", text="die", **asked)  # of another process, which was started for it
    finally:
        own.close()
