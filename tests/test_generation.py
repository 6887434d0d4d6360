"""The sampling that a checkpoint asks for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from harness.models.generation import CheckpointSampling, checkpoint_sampling
from harness.types import Sampling


@pytest.mark.parametrize(
    ("settings", "sampling"),
    [
        (
            {"repetition_penalty": 1.05, "top_k": 50, "temperature": 0.7},
            CheckpointSampling(0.0, 1.0, 0, 0.0, 1.05),
        ),
        ({"do_sample": True, "top_k": 50, "temperature": 0.7}, CheckpointSampling(0.7, 1.0, 50)),
        ({"do_sample": True, "min_p": 0.1, "top_p": None}, CheckpointSampling(1.0, 1.0, 0, 0.1)),
        ({}, CheckpointSampling(0.0, 1.0)),
    ],
)
def test_what_a_checkpoint_asks_for(tmp_path: Path, settings: dict[str, Any], sampling: Any) -> None:
    (tmp_path / "generation_config.json").write_text(json.dumps(settings))
    assert checkpoint_sampling(tmp_path) == sampling
    asked = Sampling(8, 0.3, 0.9, 7)
    assert sampling.apply(asked) == Sampling(8, sampling.temperature, sampling.top_p, 7)
    assert CheckpointSampling().apply(asked) == asked


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, r"has no generation_config\.json"),
        ("{", "Expecting property name"),
        ("[]", "a JSON object is wanted"),
        ('{"do_sample": true, "temperature": "hot"}', "temperature is 'hot', not a number"),
        ('{"repetition_penalty": true}', "repetition_penalty is True, not a number"),
    ],
)
def test_settings_that_cannot_be_read_are_an_error(tmp_path: Path, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / "generation_config.json").write_text(text)
    with pytest.raises(UsageError, match=said):
        checkpoint_sampling(tmp_path)
