"""Length envelopes and the entropy hinge: its gradient is the true one, absent families add nothing."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError

from tasks.types import CATEGORIES
from training.shaping import EntropyBand, LengthEnvelope, default_shapes, entropy_penalty, token_entropy

ENVELOPE = LengthEnvelope(min_start=10, peak_start=20, peak_end=40, max_end=80)


@pytest.mark.parametrize(
    ("tokens", "reward"),
    [(0, 0), (10, 0), (15, 0.5), (19, 0.9), (20, 1), (30, 1), (40, 1), (60, 0.5), (80, 0), (4096, 0)],
)
def test_length_envelope(tokens: int, reward: float) -> None:
    assert ENVELOPE.reward(tokens) == pytest.approx(reward)


def test_an_envelope_with_steps_for_slopes_divides_by_nothing() -> None:
    step = LengthEnvelope(min_start=0, peak_start=0, peak_end=5, max_end=5)
    assert [step.reward(tokens) for tokens in (0, 5, 6)] == [1, 1, 0]


@pytest.mark.parametrize("numbers", [(20, 10, 40, 80), (10, 40, 20, 80), (10, 20, 80, 40), (-1, 20, 40, 80)])
def test_an_inverted_envelope_is_refused(numbers: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValidationError, match="a length envelope needs 0 <= min_start"):
        LengthEnvelope(**dict(zip(("min_start", "peak_start", "peak_end", "max_end"), numbers, strict=True)))


def test_an_inverted_band_is_refused() -> None:
    with pytest.raises(ValidationError, match="an entropy band needs 0 <= low <= high"):
        EntropyBand(low=0.9, high=0.3)


@pytest.mark.parametrize(
    ("entropy", "slope", "hinge"), [(0.2, -1, 0.1), (0.3, 0, 0), (0.5, 0, 0), (0.9, 0, 0), (1.0, 1, 0.1)]
)
def test_hinge(entropy: float, slope: int, hinge: float) -> None:
    band = EntropyBand(low=0.3, high=0.9)
    assert band.slope(entropy) == slope
    assert band.hinge(entropy) == pytest.approx(hinge)


def test_every_family_has_its_shape() -> None:
    assert set(default_shapes()) == set(CATEGORIES)


def test_token_entropy_is_that_of_the_full_softmax() -> None:
    torch.manual_seed(0)
    logits = (torch.randn(40, 50, dtype=torch.float64) * 3).requires_grad_()
    expected = torch.distributions.Categorical(logits=logits).entropy()
    found = token_entropy(logits.log_softmax(-1))
    torch.testing.assert_close(found, expected)
    ours, true = (torch.autograd.grad(values.sum(), logits)[0] for values in (found, expected))
    torch.testing.assert_close(ours, true)


def test_token_entropy_of_nothing_and_of_certainty() -> None:
    assert token_entropy(torch.zeros(0, 5)).shape == (0,)
    certain = torch.tensor([[1e4, 0.0, -1e4]], requires_grad=True)
    entropy = token_entropy(certain.log_softmax(-1))
    entropy.sum().backward()
    assert entropy.item() == 0
    assert torch.isfinite(certain.grad).all()


def model_and_batch() -> tuple[torch.nn.Module, torch.Tensor, list[str]]:
    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Linear(6, 32), torch.nn.Tanh(), torch.nn.Linear(32, 50)).double()
    families = ["math"] * 23 + ["chart"] * 9 + ["spatial"] * 8
    return model, torch.randn(40, 6, dtype=torch.float64), families


def gradient(model: torch.nn.Module) -> torch.Tensor:
    return torch.cat([parameter.grad.flatten() for parameter in model.parameters()])


def statistics(entropies: torch.Tensor, families: list[str]) -> tuple[dict[str, float], dict[str, int]]:
    names = sorted(set(families))
    of = {name: torch.tensor([family == name for family in families]) for name in names}
    return ({n: entropies[of[n]].mean().item() for n in names}, {n: int(of[n].sum()) for n in names})


def test_micro_batches_add_up_to_the_gradient_of_the_true_hinge() -> None:
    model, inputs, families = model_and_batch()
    entropies = token_entropy(model(inputs).log_softmax(-1))
    means, counts = statistics(entropies, families)
    bands = {
        "math": EntropyBand(low=0, high=means["math"] - 0.5),
        "chart": EntropyBand(low=means["chart"] + 0.5, high=99),
        "spatial": EntropyBand(low=0, high=99),
    }
    true = sum(
        0.02 * torch.relu(m - bands[f].high) + 0.02 * torch.relu(bands[f].low - m)
        for f in bands
        for m in [entropies[torch.tensor([family == f for family in families])].mean()]
    )
    true.backward()
    expected = gradient(model)
    model.zero_grad()
    for start in range(0, 40, 7):
        part = slice(start, start + 7)
        entropy_penalty(
            token_entropy(model(inputs[part]).log_softmax(-1)), families[part], means, counts, bands=bands
        ).backward()
    found = gradient(model)
    assert torch.nn.functional.cosine_similarity(found, expected, dim=0) > 0.9999
    torch.testing.assert_close(found, expected)


def test_a_family_that_is_absent_inside_its_band_or_without_one_adds_exactly_nothing() -> None:
    model, inputs, families = model_and_batch()
    entropies = token_entropy(model(inputs).log_softmax(-1))
    means, counts = statistics(entropies, families)
    bands = {"grounding": EntropyBand(low=9, high=9), "math": EntropyBand(low=0, high=99)}
    penalty = entropy_penalty(entropies, families, means, counts, bands=bands)
    assert penalty.item() == 0
    penalty.backward()
    assert gradient(model).abs().max() == 0
    nothing = entropy_penalty(entropies[:0], [], {}, {}, bands=bands)
    assert nothing.item() == 0
