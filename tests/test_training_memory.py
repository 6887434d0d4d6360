"""What a stage is said to take in memory, against what it takes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.models import tiny_path
from training.memory import estimate, memory
from training.recipe import load_recipe

MEASURED = """
import json, sys
from types import SimpleNamespace
import torch
from harness.models import tiny_path
from harness.models.processors import load_processor
from harness.types import Request, Sampling
from training.local.policy import Policy
from training.models import load_model
from training.recipe import Recipe

rows, response, checkpointing = json.loads(sys.argv[1])
model = load_model(tiny_path(), Recipe())
if checkpointing:
    model.gradient_checkpointing_enable({"use_reentrant": False})
policy = Policy(model, load_processor(tiny_path()), 1.0)

def of(size, words=64):
    request = Request("", ("Which colour is it? " * words,), (), Sampling(size))
    return SimpleNamespace(request=request, tokens=tuple(9 + place % 90 for place in range(size)))

def highest():
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) * 1024

policy.log_probabilities([of(4)]).logps.sum().backward()  # what is made once
before = highest()
policy.log_probabilities([of(response, 64 - row) for row in range(rows)]).logps.sum().backward()
print(highest() - before)
"""


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="the high-water mark of memory is not told here"
)
@pytest.mark.parametrize("checkpointing", [False, True])
def test_a_micro_batch_of_4096_tokens_takes_what_is_said(checkpointing: bool) -> None:
    recipe = load_recipe("tiny", {"g2rpo.micro_batch": 2, "g2rpo.max_new_tokens": 4096})
    stage = recipe.g2rpo.model_copy(update={"gradient_checkpointing": checkpointing})
    said = memory(tiny_path(), recipe, stage).micro_batch
    words = [sys.executable, "-c", MEASURED, json.dumps([2, 4096, checkpointing])]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    took = int(done.stdout.split()[-1])
    print(f"said {said / 2**20:.0f} MiB, took {took / 2**20:.0f} MiB: ratio {said / took:.2f}")
    assert 0.85 <= said / took <= 1.15


def test_weights_and_what_training_adds_to_them() -> None:
    recipe = load_recipe("tiny", {"dtype": "bfloat16", "g2rpo.micro_batch": 1, "g2rpo.max_new_tokens": 8})
    whole = memory(tiny_path(), recipe, recipe.g2rpo)
    number = whole.weights // 2
    assert whole.training == 18 * number
    adapted = memory(tiny_path(), recipe, recipe.g2rpo.model_copy(update={"lora_rank": 4}))
    assert 0 < adapted.training < whole.training / 4
    single = memory(tiny_path(), recipe.model_copy(update={"dtype": "float32"}), recipe.g2rpo)
    assert (single.weights, single.training) == (4 * number, 12 * number)


def test_a_model_that_is_not_here_is_said(tmp_path: Path) -> None:
    recipe = load_recipe("qwen3-vl-8b", {})
    said = list(estimate(tmp_path / "nowhere", recipe, recipe.g2rpo, 0))
    assert said[0] == "At most 1,677,721,600 tokens are sampled and kept, in 100 steps."
    assert "not in a folder here" in said[1]
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    assert "cannot be worked out for this model" in list(estimate(tmp_path, recipe, recipe.g2rpo, 0))[1]
