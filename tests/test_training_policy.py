"""Log-probabilities, the clipped loss, the entropy hinge over micro-batches, and the optimizer."""

from __future__ import annotations

import math
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

from harness.errors import HarnessError
from training.budgets import Budget
from training.local.policy import Clip, Policy, clipped_loss, likelihoods_of, micro_batches
from training.local.update import Stepper, divergences
from training.policy_stage import even
from training.shaping import EntropyBand


@pytest.mark.parametrize("chunk", [1, 7, 1024])
@pytest.mark.parametrize("with_entropy", [True, False])
def test_likelihoods_whatever_the_chunk(chunk: int, with_entropy: bool) -> None:
    torch.manual_seed(0)
    head = torch.nn.Linear(6, 40, dtype=torch.float64)
    hidden = torch.randn(30, 6, dtype=torch.float64, requires_grad=True)
    tokens = torch.randint(40, (30,))
    expected = head(hidden).log_softmax(-1)[torch.arange(30), tokens]
    spread = torch.distributions.Categorical(logits=head(hidden)).entropy()
    found, entropies = likelihoods_of(hidden, tokens, head, entropy_gradient=with_entropy, chunk=chunk)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(entropies, spread)
    assert entropies.requires_grad == with_entropy
    mine, true = (found.sum(), expected.sum())
    if with_entropy:
        mine, true = mine + 3 * entropies.sum(), true + 3 * spread.sum()
    ours, theirs = (torch.autograd.grad(total, [hidden, head.weight]) for total in (mine, true))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other)


def test_no_tokens_have_no_likelihoods() -> None:
    found = likelihoods_of(torch.zeros(0, 5), torch.zeros(0, dtype=torch.long), torch.nn.Linear(5, 7))
    assert [values.shape for values in found] == [(0,), (0,)]


def test_half_precision_is_scored_in_single() -> None:
    hidden = torch.zeros(2, 4, dtype=torch.bfloat16)
    logps, entropies = likelihoods_of(hidden, torch.tensor([1, 2]), lambda part: part.new_zeros(len(part), 8))
    assert logps.tolist() == pytest.approx([-math.log(8)] * 2, abs=1e-6)
    assert entropies.tolist() == pytest.approx([math.log(8)] * 2, abs=1e-6)


@pytest.mark.parametrize(
    ("advantage", "ratio", "loss", "gradient"),
    [
        (1.0, 1.0, -1.0, -1.0),  # on policy
        (1.0, 1.25, -1.25, -1.25),  # within the upper bound of 1.3
        (1.0, 1.5, -1.3, 0.0),  # beyond it: no further
        (1.0, 0.5, -0.5, -0.5),  # a good response that became unlikely is still raised
        (-1.0, 1.0, 1.0, 1.0),
        (-1.0, 0.9, 0.9, 0.9),  # within the lower bound of 0.8
        (-1.0, 0.5, 0.8, 0.0),  # beyond it: no further
        (-1.0, 2.0, 2.0, 2.0),  # a bad response that became likely is still lowered
        (-1.0, 4.0, 3.0, 0.0),  # up to the dual clip
        (-2.0, 4.0, 6.0, 0.0),
        (0.0, 2.0, 0.0, 0.0),
    ],
)
def test_clipped_loss(advantage: float, ratio: float, loss: float, gradient: float) -> None:
    logps = torch.tensor([math.log(ratio)], dtype=torch.float64, requires_grad=True)
    losses, clipped = clipped_loss(
        logps, torch.zeros(1, dtype=torch.float64), torch.tensor([advantage], dtype=torch.float64), Clip()
    )
    (found,) = torch.autograd.grad(losses.sum(), logps)
    assert losses.item() == pytest.approx(loss)
    assert found.item() == pytest.approx(gradient)
    bound = 0 if advantage == 0 or gradient != 0 else 1 if advantage > 0 else -1
    assert clipped.tolist() == [bound]


@pytest.mark.parametrize(
    ("items", "most", "sizes"),
    [
        (0, 4, []),
        (3, 4, [3]),
        (8, 4, [4, 4]),
        (9, 4, [3, 3, 3]),
        (300, 128, [100, 100, 100]),
        (5, 2, [1, 2, 2]),
    ],
)
def test_mini_batches_are_equal(items: int, most: int, sizes: list[int]) -> None:
    parts = even(range(items), most)
    assert [len(part) for part in parts] == sizes
    assert [item for part in parts for item in part] == list(range(items))


def test_micro_batches_hold_each_rollout_once_and_like_lengths() -> None:
    lengths = [9, 1, 5, 8, 2, 7, 3]
    batches = list(micro_batches(range(7), lengths, 3))
    assert sorted(place for batch in batches for place in batch) == list(range(7))
    assert [[lengths[place] for place in batch] for batch in batches] == [[1, 2, 3], [5, 7, 8], [9]]


# On a small model


@pytest.fixture(scope="module")
def sampled(policy_fakes: ModuleType, policy_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A trainer and the groups of one rollout, prompts and responses of several lengths."""
    trainer = policy_fakes.trainer(policy_model, tmp_path_factory.mktemp("sampled"), max_new_tokens=9)
    groups: list[Any] = []
    for step in (1, 2, 3):
        groups += trainer.collect(step, [], _Ignore())
    return trainer, [rollout for group in groups for rollout in group]


class _Ignore:
    def add(self, family: str, what: str) -> None:
        pass


def test_scores_are_those_of_each_response_alone_without_padding(sampled: Any) -> None:
    trainer, rollouts = sampled
    mixed = sorted(rollouts[:12], key=lambda rollout: -len(rollout.tokens))
    assert len({len(rollout.tokens) for rollout in rollouts}) > 1
    together = trainer.policy.log_probabilities(mixed)
    for rollout, found in zip(mixed, together.split(together.logps), strict=True):
        alone = trainer.policy.log_probabilities([rollout]).logps
        torch.testing.assert_close(found, alone, rtol=1e-4, atol=1e-5)
        assert len(alone) == len(rollout.tokens) == rollout.response.completion_tokens


def test_scores_are_the_probabilities_that_were_sampled_from(sampled: Any) -> None:
    """Token by token with the cache, as in a rollout."""
    trainer, rollouts = sampled
    model, processor = trainer.policy.model, trainer.backend.processor
    rollout = max(rollouts, key=lambda rollout: len(rollout.tokens))
    prompt = trainer.policy._prompter.read(rollout.request)
    inputs = trainer.policy._prompter.batch([prompt]).inputs
    expected = []
    with torch.no_grad():
        for end in range(len(rollout.tokens)):
            said = torch.tensor([rollout.tokens[:end]], dtype=torch.long)
            own = dict(inputs)
            for name, value in inputs.items():
                if value.shape == inputs["input_ids"].shape:
                    fill = torch.ones_like(said) if name == "attention_mask" else torch.zeros_like(said)
                    own[name] = torch.cat([value, said if name == "input_ids" else fill], 1)
            logits = model(**own).logits[0, -1]
            logits[trainer.backend.input_only] = -torch.inf
            expected.append(logits.log_softmax(-1)[rollout.tokens[end]])
    torch.testing.assert_close(
        trainer.policy.log_probabilities([rollout]).logps, torch.stack(expected), rtol=1e-4, atol=1e-5
    )
    assert processor is not None


def gradients(trainer: Any, rollouts: Any, advantages: list[float], **changes: Any) -> torch.Tensor:
    """The gradient of one mini-batch, as one vector."""
    found: list[torch.Tensor] = []
    parameters = [p for p in trainer.policy.model.parameters() if p.requires_grad]

    class Recorder:
        def step(self) -> float:
            found.append(
                torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in parameters])
            )
            self.clear()
            return 1.0

        def gather(self) -> None:
            pass

        def clear(self) -> None:
            for parameter in parameters:
                parameter.grad = None

    from training.local.update import Updater

    settings: dict[str, Any] = {
        "clip": Clip(),
        "bands": {},
        "entropy_weight": 0.0,
        "kl_weight": 0.0,
        "micro_batch": 4,
        "budget": Budget("x", 0, 0),
    }
    updater = Updater(trainer.policy, Recorder(), **(settings | changes))  # type: ignore[arg-type]
    updater.update([rollouts], [advantages])
    return found[0]


TIGHT = {"math": EntropyBand(low=0.0, high=0.1), "chart": EntropyBand(low=0.0, high=50.0)}


@pytest.mark.parametrize("bands", [{}, TIGHT])
def test_the_gradient_does_not_depend_on_the_micro_batches(sampled: Any, bands: dict[str, EntropyBand]) -> None:
    trainer, rollouts = sampled
    advantages = [(-1.0) ** place * (1 + place) / 4 for place in range(len(rollouts))]
    weight = 0.02 if bands else 0.0
    whole, small = (
        gradients(trainer, rollouts, advantages, micro_batch=size, bands=bands, entropy_weight=weight)
        for size in (100, 3)
    )
    assert whole.norm() > 0
    torch.testing.assert_close(small, whole, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("size", [3, 100])
def test_the_hinge_s_gradient_is_that_of_the_family_s_mean_entropy(sampled: Any, size: int) -> None:
    trainer, rollouts = sampled
    nothing = [0.0] * len(rollouts)
    found = gradients(trainer, rollouts, nothing, bands=TIGHT, entropy_weight=0.02, micro_batch=size)
    own = [rollout for rollout in rollouts if rollout.key == "math"]
    inputs, targets, kept = trainer.policy._inputs(own)
    logits = trainer.policy.model(**inputs).logits[:, -targets.shape[1] - 1 : -1][kept]
    logits[:, trainer.backend.input_only] = -1e9
    entropy = torch.distributions.Categorical(logits=logits).entropy().mean()
    parameters = [p for p in trainer.policy.model.parameters() if p.requires_grad]
    true = torch.autograd.grad(entropy, parameters, allow_unused=True)
    flat = torch.cat(
        [(torch.zeros_like(p) if g is None else g).flatten() for p, g in zip(parameters, true, strict=True)]
    )
    assert float(torch.cosine_similarity(found, flat, dim=0)) > 0.99
    assert float(found.norm() / flat.norm()) == pytest.approx(0.02, rel=1e-3)


def test_an_absent_family_and_one_within_its_band_add_exactly_nothing(sampled: Any) -> None:
    trainer, rollouts = sampled
    charts = [rollout for rollout in rollouts if rollout.key == "chart"]
    found = gradients(trainer, charts, [0.0] * len(charts), bands=TIGHT, entropy_weight=0.02)
    assert torch.equal(found, torch.zeros_like(found))


# The optimizer


def test_narrow_weights_are_stepped_in_float32() -> None:
    weight = torch.nn.Parameter(torch.full((4, 4), 0.02, dtype=torch.bfloat16))
    stepper = Stepper([("w", weight)], learning_rate=2e-6, weight_decay=0.0)
    before = weight.detach().clone()
    for _ in range(100):
        weight.grad = torch.ones_like(weight)
        stepper.step()
    assert float(stepper.state()["weights"]["w"][0, 0]) == pytest.approx(0.02 - 100 * 2e-6, rel=2e-3)
    assert not torch.equal(weight, before)
    assert weight.dtype == torch.bfloat16


def test_gradients_of_many_micro_batches_add_up_in_single_precision() -> None:
    weight = torch.nn.Parameter(torch.zeros(4, dtype=torch.bfloat16))
    stepper = Stepper([("w", weight)], learning_rate=1.0)
    for _ in range(1000):
        (weight * 1e-3).sum().backward()
        stepper.gather()
    assert stepper.norm() == pytest.approx(2.0, rel=5e-3)  # in bfloat16 it stays at a quarter of that


def test_the_learning_rate_rises_then_stays() -> None:
    weight = torch.nn.Parameter(torch.ones(1))
    stepper = Stepper([("w", weight)], learning_rate=1.0, ramp_steps=4)
    rates = []
    for _ in range(6):
        rates.append(stepper.learning_rate)
        weight.grad = torch.ones(1)
        stepper.step()
    assert rates == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_gradient_that_is_not_finite_updates_nothing(bad: float) -> None:
    weight = torch.nn.Parameter(torch.ones(2))
    stepper = Stepper([("w", weight)], learning_rate=1.0)
    weight.grad = torch.tensor([1.0, bad])
    assert not math.isfinite(stepper.step())
    assert weight.tolist() == [1.0, 1.0]
    assert weight.grad is None
    assert stepper.updates == 0


def test_a_budget_is_a_share_with_a_floor() -> None:
    budget = Budget("responses had no verdict", 0.1, 2)
    budget.add(2, 2)
    for _ in range(28):
        budget.add(0, 1)
    budget.add(1, 1)
    with pytest.raises(
        HarnessError,
        match=r"training stopped: 4 of 32 responses had no verdict, more than the "
        r"budget of 10% \(at least 2\); the last: oh$",
    ):
        budget.add(1, 1, "oh")


def test_a_family_that_caps_its_logits_is_taken_whole(sampled: Any) -> None:
    trainer, rollouts = sampled
    policy = Policy(trainer.policy.model, trainer.backend.processor, 1.0)
    plain = policy.log_probabilities(rollouts[:2]).logps.detach()

    def capped(_module: Any, _given: Any, output: Any) -> Any:
        output.logits = 0.2 * torch.tanh(output.logits / 0.2)
        return output

    handle = policy.model.register_forward_hook(capped)
    try:
        policy = Policy(trainer.policy.model, trainer.backend.processor, 1.0)
        found = policy.log_probabilities(rollouts[:2])
        inputs, targets, kept = policy._inputs(rollouts[:2])
        logits = policy.model(**inputs).logits[:, -targets.shape[1] - 1 : -1][kept]
    finally:
        handle.remove()
    logits[:, trainer.backend.input_only] = -1e9
    expected = logits.log_softmax(-1).gather(-1, targets[kept][:, None]).squeeze(-1)
    torch.testing.assert_close(found.logps, expected, atol=1e-5, rtol=1e-5)
    assert (found.logps - plain).abs().max() > 0.05


def test_the_reference_is_the_model_that_training_started_from(sampled: Any) -> None:
    trainer, rollouts = sampled
    some = rollouts[:3]
    policy = Policy(trainer.policy.model, trainer.backend.processor, 1.0, keeps_reference=True)
    start = policy.log_probabilities(some).logps.detach()
    weights = {name: value.clone() for name, value in policy.model.state_dict().items()}
    try:
        with torch.no_grad():
            for parameter in policy.model.parameters():
                parameter.mul_(1.1)
        moved = policy.log_probabilities(some).logps.detach()
        torch.testing.assert_close(policy.reference(some), start)
        torch.testing.assert_close(policy.log_probabilities(some).logps.detach(), moved)
        assert (moved - start).abs().max() > 1e-3
        trained = SimpleNamespace(policy=policy, backend=trainer.backend)
        found = gradients(trained, some, [0.0] * 3, kl_weight=0.5, micro_batch=2)
        logps = policy.log_probabilities(some).logps
        expected = torch.autograd.grad(
            0.5 * ((start - logps).exp() - 1 - (start - logps)).mean(),
            [p for p in policy.model.parameters() if p.requires_grad],
            allow_unused=True,
        )
        flat = [
            (torch.zeros_like(p) if g is None else g).flatten()
            for p, g in zip(policy.model.parameters(), expected, strict=True)
        ]
        assert float((found - torch.cat(flat)).norm()) <= 1e-4 * float(found.norm())
    finally:
        policy.model.load_state_dict(weights)


def test_divergences_are_those_of_the_two_policies_in_expectation() -> None:
    torch.manual_seed(0)
    one, other = (torch.randn(6, dtype=torch.float64).log_softmax(0) for _ in range(2))
    found = (one.exp() * divergences(one, other)).sum()
    assert float(found) == pytest.approx(float((one.exp() * (one - other)).sum()))
    assert (divergences(one, other) >= 0).all()
