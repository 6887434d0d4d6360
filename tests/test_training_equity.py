"""Shares of the loss and of the gradient by family, and what a reader of the log finds beside it."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

from training.local.equity import loss_weights, shares
from training.local.policy import Clip, clipped_loss
from training.log import StepLog, read_steps


def rollout(key: str, tokens: int) -> Any:
    return SimpleNamespace(key=key, tokens=tuple(range(tokens)))


def test_the_weight_in_the_loss_is_advantage_times_tokens() -> None:
    rollouts = [rollout("math", 10), rollout("math", 2), rollout("chart", 4)]
    assert loss_weights(rollouts, [1.0, -0.5, 0.25]) == {"math": 11.0, "chart": 1.0}
    assert shares({"math": 11.0, "chart": 1.0}) == pytest.approx({"math": 11 / 12, "chart": 1 / 12})


@pytest.mark.parametrize("parts", [{}, {"math": 0.0}, {"math": float("nan")}, {"math": float("inf"), "a": 1.0}])
def test_nothing_to_share_is_no_share(parts: dict[str, float]) -> None:
    assert shares(parts) == {}


def log_of(trainer: Any, steps: int | None = None) -> tuple[list[dict[str, Any]], dict[str, torch.Tensor]]:
    trainer.run(StepLog(trainer.stage.folder / "steps.jsonl"))
    weights = {name: p.detach().clone() for name, p in trainer.policy.model.named_parameters()}
    return read_steps(trainer.stage.folder / "steps.jsonl"), weights


def test_measuring_the_gradient_changes_no_weight(
    policy_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    plain, expected = log_of(policy_fakes.trainer(policy_model, tmp_path / "plain"))
    measured, found = log_of(policy_fakes.trainer(policy_model, tmp_path / "measured", gradient_every=2))
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    for line in [*plain, *measured]:
        assert sum(f["loss_share"] for f in line["families"].values()) == pytest.approx(1, abs=1e-5)
    assert all("gradient_share" not in f for line in plain for f in line["families"].values())
    assert [all("gradient_share" in f for f in line["families"].values()) for line in measured] == [
        False,
        True,
        False,
    ]
    assert sum(f["gradient_share"] for f in measured[1]["families"].values()) == pytest.approx(1, abs=1e-5)


def test_the_norms_are_of_the_gradient_of_each_family_alone(
    policy_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    from training.filtering import Acceptance
    from training.local.equity import gradient_norms

    trainer = policy_fakes.trainer(policy_model, tmp_path)
    rollouts = [each for group in trainer.collect(1, [], Acceptance()) for each in group]
    advantages = [0.5 if place % 2 else -1.0 for place in range(len(rollouts))]
    found = gradient_norms(trainer.policy, trainer.stepper, rollouts, advantages, clip=Clip(), micro_batch=3)
    assert set(found) == {"math", "chart"}
    own = [place for place, each in enumerate(rollouts) if each.key == "chart"]
    scored = trainer.policy.log_probabilities([rollouts[place] for place in own])
    losses, _ = clipped_loss(
        scored.logps, scored.logps.detach(), scored.each([advantages[place] for place in own]), Clip()
    )
    parameters = [p for p in trainer.policy.model.parameters() if p.requires_grad]
    loss = losses.sum() / sum(len(each.tokens) for each in rollouts)
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    norm = sum(float(g.double().square().sum()) for g in gradients if g is not None) ** 0.5
    assert found["chart"] == pytest.approx(norm, rel=1e-4)
    assert all(p.grad is None for p in parameters)


def test_a_step_without_groups_has_no_share(
    policy_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    from scorers.types import Score

    never = policy_fakes.task("sums", scorer=lambda answer, target: Score(0.0, None))
    figures = policy_fakes.trainer(policy_model, tmp_path, [never], gradient_every=1).step(1)
    assert figures["families"]["math"]["loss_share"] is None


def test_settings_and_bands_lie_beside_the_log(
    policy_fakes: ModuleType, policy_model: Path, tmp_path: Path
) -> None:
    trainer = policy_fakes.trainer(policy_model, tmp_path, steps=1, by="task")
    trainer.run(StepLog(tmp_path / "steps.jsonl"))
    told = json.loads((tmp_path / "settings.json").read_text())
    assert (told["stage"], told["steps"]) == ("g2rpo", 1)
    assert told["settings"]["advantage"] == "g2rpo"
    assert told["shapes"]["bars"] == {"family": "chart", "key": "bars", **policy_fakes.SHAPE}
