"""What makes two commands the same run: content counts, spelling does not, and what changed is named."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import harness
from harness import models
from harness.config import build
from harness.errors import UsageError
from harness.models import identity as identity_module
from harness.models.mock import MockBackend
from harness.run.model import spec_of
from harness.types import Backend, Request

FAKES = str(Path(__file__).with_name("fakes.py"))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fakes: Any) -> Path:
    """A folder to work in, with rows of `letters` in `data` and a checkpoint in `exp1/checkpoint-500`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    fakes.write(tmp_path / "data", "letters", [fakes.row(i) for i in range(4)])
    checkpoint(tmp_path / "exp1" / "checkpoint-500")
    return tmp_path


def checkpoint(folder: Path, weights: bytes = b"weights") -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "qwen3_vl"}')
    (folder / "model.safetensors").write_bytes(weights)
    return folder


class Folder(MockBackend):
    """Stands for a loaded checkpoint."""

    def __init__(self, about: dict[str, Any]) -> None:
        super().__init__()
        self.about = about

    def describe(self) -> dict[str, Any]:
        return self.about

    def render(self, request: Request) -> str:
        return f"<|user|>{request.parts[0]}<|end|>"


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The description of each model that was loaded. `device` says where the next one will be."""
    loaded: list[dict[str, Any]] = []

    def load(spec: models.ModelSpec) -> Backend:
        content = identity_module.identify(spec)["model"]
        loaded.append(
            {"model": Path(spec.path).resolve().name, "fingerprint": content, "processor": {"size": 4}}
        )
        return Folder(loaded[-1])

    monkeypatch.setattr(models, "load", load)
    return loaded


def run(model: str, **settings: Any) -> Any:
    settings = {"tasks": "letters", "data": "data", "task_file": (FAKES,), "out": "run", **settings}
    return harness.evaluate(model, **settings)


def answered(run_dir: str = "run") -> int:
    return len(Path(run_dir, "samples", "letters.jsonl").read_text().splitlines())


SPELLINGS: dict[str, Callable[[Path], str]] = {
    "relative": lambda here: "./exp1/checkpoint-500",
    "slash": lambda here: "exp1/checkpoint-500/",
    "roundabout": lambda here: "exp1/../exp1/checkpoint-500",
    "absolute": lambda here: str(here / "exp1" / "checkpoint-500"),
    "link": lambda here: "latest",
    "home": lambda here: "~/exp1/checkpoint-500",
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_a_folder_spelled_otherwise_is_the_same_model(
    here: Path, loads: list[Any], monkeypatch: pytest.MonkeyPatch, spelling: Callable[[Path], str]
) -> None:
    monkeypatch.setenv("HOME", str(here))
    (here / "latest").symlink_to("exp1/checkpoint-500")
    (here / "rows").symlink_to("data")
    run("exp1/checkpoint-500")
    run(spelling(here), data=str(here / "rows"))
    assert (len(loads), answered()) == (1, 4)
    names = [
        build({"model": model, "backend": "hf"}).run_dir for model in ("exp1/checkpoint-500", spelling(here))
    ]
    assert names[0] == names[1]


def test_a_moved_folder_is_the_same_model(here: Path, loads: list[Any]) -> None:
    run("exp1/checkpoint-500", limit=2)
    shutil.move("exp1/checkpoint-500", "kept")
    run("./kept")
    assert (loads[1]["model"], answered()) == ("kept", 4)


@pytest.mark.parametrize("way", ["in place", "moved over"])
def test_a_checkpoint_that_was_overwritten_is_another(here: Path, loads: list[Any], way: str) -> None:
    run("exp1/checkpoint-500")
    if way == "moved over":
        shutil.rmtree("exp1/checkpoint-500")
        checkpoint(here / "after", b"WEIGHTS").rename("exp1/checkpoint-500")
    else:
        Path("exp1/checkpoint-500/model.safetensors").write_bytes(b"WEIGHTS")
    with pytest.raises(
        UsageError, match=r"model was 'exp1/checkpoint-500 \(\w{12}\)' in this run and is"
    ) as caught:
        run("exp1/checkpoint-500")
    assert "\n" not in str(caught.value)
    assert (len(loads), answered()) == (1, 4)


def test_checkpoints_of_two_experiments_have_runs_of_their_own(here: Path) -> None:
    checkpoint(here / "exp2" / "checkpoint-500")
    checkpoint(here / "other" / "exp1" / "checkpoint-500")
    found = {
        build({"model": f"{parent}/checkpoint-500"}).run_dir.name for parent in ("exp1", "exp2", "other/exp1")
    }
    assert len(found) == 3
    assert all(len(name) < 60 for name in found)
    assert sorted(name.split("-checkpoint-500-")[0] for name in found) == ["exp1", "exp1", "exp2"]
    checkpoint(here / "lora")
    adapted = build({"model": "exp1/checkpoint-500", "adapter": "lora"}).run_dir.name
    assert "checkpoint-500-" in adapted
    assert "lora-" in adapted


def test_a_servers_model_is_no_folder(here: Path) -> None:
    served = build({"model": "exp1/checkpoint-500", "base_url": "http://localhost/v1", "data": "hub"})
    assert served.run_dir.name == "checkpoint-500-all-hub"
    assert models.identify(spec_of(served))["model"] == "exp1/checkpoint-500"


def config(**settings: Any) -> dict[str, Any]:
    return models.identify(spec_of(build({"model": "exp1/checkpoint-500", **settings})))


def test_what_decides_an_answer_is_in_the_identity(here: Path) -> None:
    (here / "mine.jinja").write_text("{{ messages }}")
    checkpoint(here / "other", b"other")
    same = config()
    for settings in (
        {"model": "other"},
        {"adapter": "other"},
        {"processor": "other"},
        {"backend": "vllm"},
        {"dtype": "float16"},
        {"attention": "eager"},
        {"device": "cpu"},
        {"allow_missing_weights": True},
        {"trust_remote_code": True},
        {"generation": "checkpoint"},
        {"chat_template": "mine.jinja"},
        {"template_vars": {"enable_thinking": False}},
        {"coords": "abs"},
        {"delimiters": {"thinking": [["<x>", "</x>"]]}},
    ):
        assert config(**settings) != same, settings
    shutil.copy("mine.jinja", "copy.jinja")
    assert config(chat_template="mine.jinja") == config(chat_template="copy.jinja")
    assert config(batch_size=3) == same
    served = {"model": "m", "base_url": "http://a/v1"}
    assert config(**served) == config(**served | {"base_url": "http://b/v1", "concurrency": 2})
    patience = {"timeout": 5, "max_retries": 1, "max_wait": 2, "requests_per_minute": 9}
    assert config(**served) == config(**served, **patience)
    assert config(**served, extra_body={"top_k": 1}) != config(**served) != config(**served, omit="seed")


@pytest.mark.parametrize(
    "name", ["additional_chat_templates/tool.jinja", "modeling_own.py", "chat_template.jinja"]
)
def test_every_file_that_loading_reads_counts(here: Path, name: str) -> None:
    before = config()
    path = here / "exp1" / "checkpoint-500" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("x")
    assert config()["model"] != before["model"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"generation": "checkpoint"}, "generation was 'harness' in this run and is 'checkpoint' now"),
        ({"template_vars": {"enable_thinking": False}}, "template-vars was {} in this run"),
        ({"chat_template": "mine.jinja"}, "chat-template was None in this run"),
        ({"allow_missing_weights": True}, "allow-missing-weights was False"),
        ({"adapter": "lora"}, "adapter was None in this run and is 'lora ("),
    ],
    ids=str,
)
def test_a_changed_setting_is_named_before_anything_is_loaded(
    here: Path, loads: list[Any], settings: dict[str, Any], said: str
) -> None:
    (here / "mine.jinja").write_text("{{ messages }}")
    checkpoint(here / "lora")
    run("exp1/checkpoint-500")
    with pytest.raises(UsageError) as caught:
        run("exp1/checkpoint-500", **settings)
    assert said in str(caught.value)
    assert len(loads) == 1


def test_what_only_the_loaded_model_knows_is_named_too(
    here: Path, loads: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run("exp1/checkpoint-500", limit=2)
    monkeypatch.setattr(Folder, "describe", lambda self: self.about | {"processor": {"size": 8}})
    with pytest.raises(UsageError, match=r"the model's processor\.size was 4 in this run and is 8 now"):
        run("exp1/checkpoint-500")
    assert answered() == 2


def test_another_version_of_what_answers_is_named(
    here: Path, loads: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {"transformers": "5.1", "torch": "2.9"}
    monkeypatch.setattr("harness.models.identity.version", lambda name: found.get(name, "1"))
    run("exp1/checkpoint-500")
    found["transformers"] = "5.2"
    with pytest.raises(UsageError, match=r"transformers was '5\.1' in this run and is '5\.2' now"):
        run("exp1/checkpoint-500")
    assert len(loads) == 1
    assert json.loads(Path("run/results.json").read_text())["model"]["versions"]["torch"] == "2.9"


def test_one_prompt_of_each_task_is_kept_as_it_was_sent(
    here: Path, loads: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run("exp1/checkpoint-500", limit=2)
    rendered = json.loads(Path("run/run.json").read_text())["tasks"]["letters"]["rendered"]
    assert rendered["id"] == "r0"
    assert rendered["example"].startswith("<|user|>Which letter has number 0?")
    run("exp1/checkpoint-500", limit=2)
    assert json.loads(Path("run/run.json").read_text())["tasks"]["letters"]["rendered"] == rendered
    monkeypatch.setattr(Folder, "render", lambda self, request: f"Today is Friday. {request.parts[0]}")
    with pytest.raises(UsageError, match="writes another prompt for letters r0 than in this run"):
        run("exp1/checkpoint-500")
    assert answered() == 2


def test_a_backend_without_a_template_has_no_rendered_prompt(here: Path) -> None:
    run("mock")
    assert json.loads(Path("run/run.json").read_text())["tasks"]["letters"]["rendered"] is None


def test_what_an_earlier_version_made_is_not_continued(here: Path) -> None:
    run("mock")
    stored = json.loads(Path("run/run.json").read_text())
    del stored["identity"]
    Path("run/run.json").write_text(json.dumps(stored))
    with pytest.raises(UsageError, match="made by an earlier version"):
        run("mock")
    run("mock", fresh=True)


def test_weights_that_were_allowed_to_be_missing_are_told(here: Path, loads: list[Any]) -> None:
    from harness.scores.table import lines
    from reports.board.tags import tags
    from reports.runs import load_runs

    results = run("exp1/checkpoint-500", allow_missing_weights=True)
    assert json.loads(Path("run/results.json").read_text())["model"]["allow_missing_weights"] is True
    assert any("--allow-missing-weights" in line for line in lines(results))
    assert "missing weights" in [tag.text for tag in tags(load_runs([Path("run")])[0])]


def test_the_mock_models_latency_is_no_part_of_it(here: Path) -> None:
    run("mock:failing=1.0", failure_budget=1)
    assert run("mock:latency=0.001").tasks["letters"].counted == 4
    with pytest.raises(UsageError, match="model was 'mock' in this run and is 'mock:text=B' now"):
        run("mock:text=B")


def test_a_home_in_settings_is_read_as_a_shell_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/h")
    given = build({"model": "~/m", "data": "~/d", "out": "~/o", "adapter": "~/a", "processor": "~/p"})
    assert (given.model, given.data, given.out, given.adapter, given.processor) == (
        *("/h/m", "/h/d", "/h/o", "/h/a", "/h/p"),
    )
    assert os.path.expanduser("~") == "/h"
