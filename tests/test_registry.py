"""Names of tasks, suites and models; what an unknown one says."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest

from harness import models, registry
from harness.errors import UsageError
from harness.registry import Registry, from_file, suite_names
from tasks import BUILTIN, CATEGORIES

FAKES = Path(__file__).with_name("fakes.py")


def test_eighteen_tasks_in_six_categories_of_three() -> None:
    assert len(suite_names("all")) == 18
    assert [len(suite_names(category)) for category in CATEGORIES] == [3] * 6
    assert [name for category in CATEGORIES for name in suite_names(category)] == list(BUILTIN)


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_suite_holds_the_tasks_of_its_category(category: str) -> None:
    for task in Registry().suite(category):
        assert task.category == category
        assert task.name in BUILTIN


@pytest.mark.parametrize(
    ("name", "said"),
    [("mmmmu", "did you mean 'mmmu'"), ("RefCOCO", "did you mean 'refcoco"), ("zzz", "known: ai2d")],
)
def test_an_unknown_task_names_the_nearest(name: str, said: str) -> None:
    with pytest.raises(UsageError, match="unknown task") as caught:
        Registry().get(name)
    assert said in str(caught.value)


def test_an_unknown_suite_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'math'"):
        suite_names("maths")


def test_a_task_file_adds_tasks() -> None:
    tasks = Registry([FAKES])
    assert [task.name for task in tasks.select(None, ["twins", "letters", "twins"])] == ["twins", "letters"]
    assert tasks.names()[-3:] == ["letters", "twins", "spots"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("x = 1", "defines no tasks.Task"),
        ("import nothing_like_it", "cannot be imported: ModuleNotFoundError"),
        ("def", "cannot be imported: SyntaxError"),
    ],
)
def test_a_task_file_that_is_none(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "mine.py"
    path.write_text(content)
    with pytest.raises(UsageError, match=said):
        from_file(path)
    with pytest.raises(UsageError, match="no such file"):
        from_file(tmp_path / "other.py")


def test_a_task_file_cannot_replace_a_benchmark(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(FAKES.read_text() + '\nMINE = task("mmmu")\n')
    with pytest.raises(UsageError, match="'mmmu' is that of a built-in task"):
        from_file(path)


def test_entry_points_add_tasks(monkeypatch: pytest.MonkeyPatch, fakes: ModuleType) -> None:
    points = {
        "letters": EntryPoint("letters", "fakes:LETTERS", "harness.tasks"),
        "row": EntryPoint("row", "fakes:row", "harness.tasks"),
    }
    monkeypatch.setattr(registry, "entry_points", lambda: points)
    assert Registry().get("letters") is fakes.LETTERS
    assert "letters" in Registry().names()
    with pytest.raises(UsageError, match=r"not a tasks\.Task"):
        Registry().get("row")


def test_a_suite_among_the_names() -> None:
    chosen = [task.name for task in Registry().select(None, ["refcoco+", "grounding"])]
    assert chosen == ["refcoco+", "refcoco", "refcocog"]


def test_no_tasks_named() -> None:
    with pytest.raises(UsageError, match="names no task"):
        Registry().select(None, [])


@pytest.mark.parametrize(
    ("name", "coords"),
    [
        ("Qwen/Qwen3-VL-8B-Instruct", "norm1000"),
        ("Qwen/Qwen2-VL-2B-Instruct", "norm1000"),
        ("Qwen/Qwen2.5-VL-7B-Instruct", "abs"),
        ("OpenGVLab/InternVL3-8B", "norm1000"),
        ("gemini-2.5-pro", "yx1000"),
        ("google/paligemma2-3b-mix-448", "loc1024"),
        ("microsoft/Florence-2-large", "loc1000"),
        ("florence2", "loc1000"),
        ("allenai/Molmo-7B-D-0924", "norm100"),
        ("allenai/MolmoE-1B-0924", "norm100"),
        ("molmo", "norm100"),
        ("allenai/Molmo2-8B", None),
        ("allenai/MolmoAct-7B-D-0812", None),
        ("zai-org/GLM-4.5V", "norm1000"),
        ("deepseek-ai/deepseek-vl2", "norm1000"),
        ("moonshotai/Kimi-VL-A3B-Instruct", "norm1"),
        ("llava-hf/llava-1.5-7b-hf", None),
        ("gpt-4o", None),
    ],
)
def test_families_of_names(name: str, coords: str | None) -> None:
    assert models.named_coords(name) == coords


@pytest.mark.parametrize(
    ("model_type", "coords"),
    [("qwen2_5_vl", "abs"), ("qwen2_vl", "norm1000"), ("qwen3_vl_moe", "norm1000"), ("internvl", "norm1000")],
)
def test_families_of_configs(tmp_path: Path, model_type: str, coords: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type}))
    spec = models.resolve(str(tmp_path))
    assert (spec.backend, spec.coords) == ("hf", coords)
    assert models.resolve(str(tmp_path), coords="norm1").coords == "norm1"


def test_what_names_mean(tmp_path: Path) -> None:
    assert models.resolve("tiny").backend == "hf"
    assert models.resolve("Qwen/Qwen3-VL-8B-Instruct").backend == "hf"
    assert models.resolve("Qwen/Qwen3-VL-8B-Instruct", backend="vllm").backend == "vllm"
    assert models.resolve("gpt-4o", base_url="http://x/v1").backend == "openai"
    spec = models.resolve("mock:text=B,failing=0.5")
    assert (spec.backend, dict(spec.options)) == ("mock", {"text": "B", "failing": "0.5"})


@pytest.mark.parametrize(
    ("name", "how", "said"),
    [
        ("tinny", {}, "unknown model 'tinny'; did you mean 'tiny'"),
        ("tiny", {"backend": "hff"}, "unknown backend 'hff'; did you mean 'hf'"),
        ("gpt-4o", {"backend": "openai"}, "needs --base-url"),
        ("./nowhere/x", {}, "unknown model"),
        ("mock:txt=B", {}, "did you mean 'text'"),
        (str(Path(__file__).parent), {}, "no config.json"),
    ],
)
def test_what_names_cannot_mean(name: str, how: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        models.resolve(name, **how)
    assert said in str(caught.value)


def test_a_broken_config_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UsageError, match=r"config\.json: not JSON"):
        models.resolve(str(tmp_path))


def test_entry_points_add_models(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("parrot", "harness.models.mock:MockBackend", "harness.models")
    monkeypatch.setattr(metadata, "entry_points", lambda group: [point] if group == point.group else [])
    spec = models.resolve("parrot")
    assert models.load(spec).name == "mock"


@pytest.mark.parametrize("latency", ["x", ""])
def test_a_mock_option_that_is_no_number(latency: str) -> None:
    with pytest.raises(UsageError, match="could not convert"):
        models.load(models.resolve(f"mock:latency={latency}"))


def test_a_missing_key_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    with pytest.raises(UsageError, match="NO_SUCH_KEY"):
        models.load(models.resolve("gpt-4o", base_url="http://x/v1", api_key_env="NO_SUCH_KEY"))


@pytest.mark.parametrize("name", ["scorers", "tasks", "training", "reports"])
def test_a_file_that_shadows_a_package_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.py").write_text("x = 1\n")
    command = [sys.executable, "-m", "harness", "ls", "tasks"]
    shadowed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert shadowed.returncode == 2
    assert str(tmp_path / f"{name}.py") in shadowed.stderr
    assert shadowed.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["scorers", "tasks"])
@pytest.mark.parametrize(
    "use", ["import harness; harness.evaluate()", "from harness import rescore", "from training import train"]
)
def test_a_file_that_shadows_a_package_is_named_in_python_too(tmp_path: Path, name: str, use: str) -> None:
    (tmp_path / f"{name}.py").write_text("x = 1\n")
    shadowed = subprocess.run(
        [sys.executable, "-c", use], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert shadowed.returncode == 1
    said = shadowed.stderr.splitlines()[-1]
    assert said.startswith(f"harness.errors.UsageError: the package {name!r} is not ours: ")
    assert f"{tmp_path / name}.py shadows it" in said


def test_a_file_that_the_engine_does_not_import_shadows_nothing(tmp_path: Path) -> None:
    (tmp_path / "training.py").write_text("import harness\nprint(harness.score)\n")
    command = [sys.executable, "training.py"]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
