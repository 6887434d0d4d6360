"""The trl engine in two processes: what one gives, whatever falls to which of them, and if one of them dies."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip("trl")

import torch

from harness.models.hf import HFBackend
from training import checkpoint
from training.log import read_steps, scalars

TESTS = Path(__file__).parent
ROUNDING = 5e-5
"""Of a weight, at a learning rate of 1e-3: Adam divides a gradient by its own size, so where one is almost 0
its rounding, which differs between processors, moves the weight. A lost gradient would move it by some 1e-3."""
CASES = "straight,resumed,absent,one_sided,all_wrong,by_trl,broken,nan,full,sharded"


def launch(cases: str, model: Path, out: Path) -> subprocess.CompletedProcess[str]:
    out.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    return subprocess.run(
        [*command, str(TESTS / "trl_worker.py"), cases, str(model), str(out)],
        env=os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture(scope="module")
def two(policy_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes wrote of each case."""
    out = tmp_path_factory.mktemp("two")
    ended = launch(CASES, policy_model, out)
    assert ended.returncode == 0, ended.stderr[-3000:]
    return out


def told(out: Path, case: str, rank: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / f"{case}-{rank}.json").read_text())
    return found


def weights(out: Path, case: str, rank: int = 0) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = torch.load(out / f"{case}-{rank}.pt", weights_only=True)
    return found


def numbers(folder: Path) -> list[dict[str, float]]:
    lines = [dict(scalars(line)) for line in read_steps(folder / "steps.jsonl")]
    clocks = ("seconds", "time/")
    return [{name: value for name, value in line.items() if not name.startswith(clocks)} for line in lines]


@pytest.mark.parametrize("case", ["straight", "absent", "one_sided"])
def test_two_processes_give_what_one_gives(
    two: Path, trl_worker: ModuleType, trl_fakes: ModuleType, policy_model: Path, tmp_path: Path, case: str
) -> None:
    one = trl_fakes.run(trl_worker.CASES[case](policy_model, tmp_path))
    assert trl_fakes.furthest(weights(two, case), one) < ROUNDING
    assert trl_fakes.furthest(weights(two, case, 0), weights(two, case, 1)) == 0
    for own, expected in zip(numbers(two / case), numbers(tmp_path), strict=True):
        assert own == pytest.approx(expected, rel=1e-4, abs=2e-6)


def test_a_family_may_be_absent_in_a_process(two: Path) -> None:
    assert set(told(two, "absent", 0)["rows"]) == {"math"}
    assert set(told(two, "absent", 1)["rows"]) == {"chart"}
    [line] = read_steps(two / "absent" / "steps.jsonl")
    assert {name: family["entropy"] > 0 for name, family in line["families"].items()} == {
        "math": True,
        "chart": True,
    }


def test_groups_that_only_one_process_sampled_are_trained_on_by_both(two: Path) -> None:
    lines = read_steps(two / "one_sided" / "steps.jsonl")
    assert all(line["families"]["chart"]["acceptance"] == 0 for line in lines)
    assert all(line["families"]["math"]["acceptance"] > 0 for line in lines)
    rows = [told(two, "one_sided", rank)["rows"] for rank in (0, 1)]
    assert set(rows[0]) == {"math"}
    assert len(rows[0]) == len(rows[1])


def test_a_step_without_a_group_that_teaches_changes_nothing(
    two: Path, trl_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    before = trl_fakes.weights(trl_fakes.rank_trainer(policy_model, tmp_path))
    assert trl_fakes.furthest(weights(two, "all_wrong"), before) == 0
    lines = read_steps(two / "all_wrong" / "steps.jsonl")
    assert [(line["kept"], line["updates"], line["loss"]) for line in lines] == [(0, 0, None)] * 2
    assert [line["bad"]["steps"] for line in lines] == [1, 2]


def test_stopped_at_a_rollout_it_ends_where_it_would_have(two: Path, trl_fakes: ModuleType) -> None:
    for rank in (0, 1):
        assert trl_fakes.furthest(weights(two, "resumed", rank), weights(two, "straight", rank)) == 0
    assert numbers(two / "resumed") == numbers(two / "straight")


def test_trls_own_sampling_keeps_the_processes_in_step_when_one_has_no_prompt(two: Path) -> None:
    lines = read_steps(two / "by_trl" / "steps.jsonl")
    assert [line["step"] for line in lines] == [1, 2]
    assert all(line["updates"] == 1 for line in lines)
    assert lines[0]["prompts"] % 2 or lines[1]["prompts"] % 2, "a round whose prompts two cannot share evenly"


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("broken", "11 of 11 responses had no verdict, .* ZeroDivisionError: in a scorer"),
        ("nan", "11 of 11 responses had no verdict, .* the scorer gave value nan"),
    ],
)
def test_a_reward_that_fails_ends_the_run_above_its_budget_in_every_process(
    two: Path, case: str, said: str
) -> None:
    errors = {told(two, case, rank)["error"] for rank in (0, 1)}
    assert len(errors) == 1
    assert re.search(said, errors.pop())
    assert not list((two / case).glob("checkpoints/*"))


def test_a_full_disk_ends_the_run_in_every_process_and_leaves_the_last_checkpoint_whole(two: Path) -> None:
    errors = {told(two, "full", rank)["error"] for rank in (0, 1)}
    assert len(errors) == 1
    assert "step-0000002: the checkpoint cannot be written: " in (error := errors.pop())
    assert error.endswith("the last one is intact: " + str(two / "full" / "checkpoints" / "step-0000001"))
    assert [path.name for path in (two / "full" / "checkpoints").iterdir()] == ["step-0000001"]


def test_a_checkpoint_is_a_model_that_can_be_evaluated(two: Path, trl_fakes: ModuleType) -> None:
    from transformers import AutoModelForImageTextToText

    folder = two / "straight" / "checkpoints" / "step-0000003"
    expected = weights(two, "straight")
    for model in (
        HFBackend(str(folder), coords="norm1000").model,
        AutoModelForImageTextToText.from_pretrained(folder, dtype="float32"),
    ):
        assert trl_fakes.furthest(dict(model.named_parameters()), expected) == 0
    assert [path.name for path in checkpoint.found(folder.parent)] == ["step-0000002", "step-0000003"]


def test_image_tokens_stay_out_where_the_output_layer_is_sharded(two: Path) -> None:
    assert float(weights(two, "sharded")["moved"]) < 1e-6


@pytest.fixture(scope="module")
def sharded(policy_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes wrote that hold half of the weights each, by the shipped settings of FSDP."""
    out = tmp_path_factory.mktemp("sharded")
    ended = launch("fsdp,fsdp_resumed,fsdp_sampled,fsdp_adapters", policy_model, out)
    assert ended.returncode == 0, ended.stderr[-3000:]
    return out


@pytest.mark.slow
def test_sharded_weights_train_as_whole_ones_do_and_go_on(
    sharded: Path, trl_worker: ModuleType, trl_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    one = trl_fakes.run(trl_worker.CASES["fsdp"](policy_model, tmp_path))
    assert trl_fakes.furthest(weights(sharded, "fsdp"), one) < ROUNDING
    assert trl_fakes.furthest(weights(sharded, "fsdp_resumed"), weights(sharded, "fsdp")) == 0
    for own, expected in zip(numbers(sharded / "fsdp"), numbers(tmp_path), strict=True):
        assert own == pytest.approx(expected, rel=1e-4, abs=2e-6)


@pytest.mark.slow
def test_sharded_weights_are_sampled_from_and_their_checkpoint_is_a_whole_model(
    sharded: Path, trl_fakes: ModuleType
) -> None:
    assert [line["updates"] for line in read_steps(sharded / "fsdp_sampled" / "steps.jsonl")] == [1, 1]
    model = HFBackend(str(sharded / "fsdp_sampled" / "checkpoints" / "step-0000002"), coords="norm1000").model
    found = weights(sharded, "fsdp_sampled")
    assert trl_fakes.furthest(dict(model.named_parameters()), found) == 0


@pytest.mark.slow
def test_sharded_results_are_whole_models_adapters_merged(
    sharded: Path, trl_worker: ModuleType, trl_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    result = HFBackend(str(sharded / "fsdp" / "model"), coords="norm1000").model
    assert trl_fakes.furthest(dict(result.named_parameters()), weights(sharded, "fsdp")) == 0
    merged = HFBackend(str(sharded / "fsdp_adapters" / "model"), coords="norm1000").model
    one = trl_worker.CASES["fsdp_adapters"](policy_model, tmp_path)
    trl_fakes.run(one)
    expected = dict(one.backend.model.merge_and_unload().named_parameters())
    assert trl_fakes.furthest(dict(merged.named_parameters()), expected) < 1e-5


@pytest.mark.slow
def test_when_a_process_is_killed_the_other_ends_and_one_alone_goes_on_to_where_both_would_have_ended(
    two: Path, trl_worker: ModuleType, trl_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    start = time.monotonic()
    ended = launch("die", policy_model, tmp_path)
    assert ended.returncode != 0
    assert time.monotonic() - start < 120
    assert [path.name for path in (tmp_path / "straight" / "checkpoints").iterdir()] == ["step-0000001"]
    found = trl_fakes.run(trl_worker.CASES["straight"](policy_model, tmp_path / "straight"))
    assert trl_fakes.furthest(found, weights(two, "straight")) < ROUNDING
    for own, expected in zip(numbers(tmp_path / "straight"), numbers(two / "straight"), strict=True):
        assert own == pytest.approx(expected, rel=1e-4, abs=2e-6)
