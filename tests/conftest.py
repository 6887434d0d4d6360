"""What all tests share: recorded model outputs and real items from `../shared`, which may be absent."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

SHARED = Path(os.environ.get("HARNESS_SHARED", Path(__file__).parents[2] / "shared"))

GoldenRow = dict[str, Any]
"""Keys of golden files: id, record, response, expected, peers, coords, extracted_box, extraction, nearest."""


def shared(part: str) -> Path:
    """A file or folder of `../shared`; skips where it is not there."""
    path = SHARED / part
    if not path.exists():
        pytest.skip(f"recorded outputs and items are absent: {path} (set HARNESS_SHARED to their folder)")
    return path


@pytest.fixture(scope="session")
def golden() -> Callable[[str], list[GoldenRow]]:
    """Reads the recorded outputs `golden/NAME.jsonl`."""

    def read(name: str) -> list[GoldenRow]:
        lines = shared(f"golden/{name}.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    return read


@pytest.fixture(scope="session")
def samples_dir() -> Path:
    """The folder of real benchmark items."""
    return shared("samples")


@pytest.fixture(scope="session")
def golden_dir() -> Path:
    """The folder of recorded outputs, against which a row's mask paths resolve."""
    return shared("golden")


@pytest.fixture(scope="session")
def example_rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the method's published example rows, a drawn picture in place of each image."""
    import PIL.Image

    folder = tmp_path_factory.mktemp("example-rows")
    for file in sorted(shared("training_data").glob("*.json")):
        (folder / file.name).write_bytes(file.read_bytes())
        for path in {path for row in json.loads(file.read_bytes()) for path in row["images"]}:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            PIL.Image.new("RGB", (640, 428)).save(folder / path)
    return folder


def helper_module(name: str, folder: str = "tests") -> ModuleType:
    """`FOLDER/NAME.py` as a module: tests are imported by path and cannot import each other."""
    spec = spec_from_file_location(name, Path(__file__).parents[1] / folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def fakes() -> ModuleType:
    """Small tasks of known behaviour and functions that write their rows: `tests/fakes.py`."""
    return helper_module("fakes")


@pytest.fixture(scope="session")
def skilled_runs() -> ModuleType:
    """Runs of models of differing skill: `benchmarks/skilled_runs.py`."""
    return helper_module("skilled_runs", "benchmarks")


@pytest.fixture(scope="session")
def same_answers() -> ModuleType:
    """Reads what runs answered and counts what differs: `benchmarks/same_answers.py`."""
    return helper_module("same_answers", "benchmarks")


@pytest.fixture(scope="session")
def screenshots() -> ModuleType:
    """The list of the documents' pictures: `benchmarks/screenshots.py`."""
    return helper_module("screenshots", "benchmarks")


@pytest.fixture(scope="session")
def hostile() -> ModuleType:
    """Responses and rows that nobody should give: `tests/hostile.py`."""
    return helper_module("hostile")


@pytest.fixture(scope="session")
def policy_fakes() -> ModuleType:
    """Tasks, a model and trainers small enough to train in a test: `tests/policy_fakes.py`."""
    pytest.importorskip("torch")
    return helper_module("policy_fakes")


@pytest.fixture(scope="session")
def released() -> ModuleType:
    """The reward rules of the released code, described anew: `tests/released_rewards.py`."""
    return helper_module("released_rewards")


@pytest.fixture(scope="session")
def policy_model(policy_fakes: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an untrained model of two thin layers."""
    folder: Path = policy_fakes.build_model(tmp_path_factory.mktemp("policy") / "model")
    return folder


@pytest.fixture(scope="session")
def trl_fakes(policy_fakes: ModuleType) -> ModuleType:
    """Trainers of the trl engine for a test: `tests/trl_fakes.py`."""
    return helper_module("trl_fakes")


@pytest.fixture(scope="session")
def trl_worker(trl_fakes: ModuleType) -> ModuleType:
    """What each of several processes runs: `tests/trl_worker.py`."""
    return helper_module("trl_worker")


@pytest.fixture(scope="session")
def sample_runs() -> ModuleType:
    """Run folders written by hand: `tests/sample_runs.py`."""
    return helper_module("sample_runs")


_browser = helper_module("browser")
browser, watch, page = _browser.browser, _browser.watch, _browser.page


@pytest.fixture(scope="session")
def training_logs() -> ModuleType:
    """Functions that write training runs by hand: `benchmarks/training_logs.py`."""
    return helper_module("training_logs", "benchmarks")


@pytest.fixture(scope="session")
def hand_runs() -> ModuleType:
    """Functions that write evaluation runs by hand: `tests/hand_runs.py`."""
    return helper_module("hand_runs")


@pytest.fixture(scope="session")
def board_runs() -> ModuleType:
    """Run folders with the results one likes: `tests/board_runs.py`."""
    return helper_module("board_runs")


@pytest.fixture(scope="session")
def lmms_cli() -> ModuleType:
    """lmms-eval's command line in a process of its own: `tests/lmms_cli.py`."""
    return helper_module("lmms_cli")
