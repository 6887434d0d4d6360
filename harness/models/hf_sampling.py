"""Sampling one row at a time: what a request draws does not depend on who shares its batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from transformers import LogitsProcessor

from harness.types import Sampling

if TYPE_CHECKING:
    import torch


class RowSampler(LogitsProcessor):  # type: ignore[misc]
    """Picks each row's next token by that row's own rules; the rest of its logits become −∞.

    Run under greedy decoding, which then takes what was picked. A sampled row draws one uniform number a token
    from a generator seeded by its request, and finds its token in the cumulated probabilities in vocabulary
    order: rounding that differs with the batch moves a draw only at a token's very edge. A row that has had
    its own `max_new_tokens` gets the end token.

    Args:
        rules: one `Sampling` a row.
        end: the token that ends a row.
        top_k: sampled rows draw among this many tokens at most; 0: among all.
        min_p: sampled rows draw no token that is less likely than this share of the likeliest.
    """

    def __init__(self, rules: Sequence[Sampling], end: int, *, top_k: int = 0, min_p: float = 0.0) -> None:
        import torch

        self._top_k, self._min_p = top_k, min_p
        self._limits = [rule.max_new_tokens for rule in rules]
        self._end = end
        self.steps = 0
        """Tokens picked so far; 0 after a whole answer: the model never asked."""
        self._rows = [row for row, rule in enumerate(rules) if rule.temperature > 0]
        self.needed = bool(self._rows)
        """Whether greedy decoding would pick other tokens."""
        self._generators = [torch.Generator().manual_seed(rules[row].seed % 2**63) for row in self._rows]
        self._temperature = torch.tensor([rules[row].temperature for row in self._rows]).unsqueeze(1)
        self._top_p = torch.tensor([rules[row].top_p for row in self._rows]).unsqueeze(1)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores (batch, vocabulary) → the same, only the picked tokens finite in sampled and ended rows."""
        del input_ids
        picked: dict[int, int] = {}
        if self._rows:
            picked.update(zip(self._rows, self._draw(scores[self._rows]), strict=True))
        ended = [row for row, limit in enumerate(self._limits) if self.steps >= limit]
        picked.update(dict.fromkeys(ended, self._end))
        self.steps += 1
        if not picked:
            return scores
        scores = scores.clone()
        rows = list(picked)
        scores[rows] = float("-inf")
        scores[rows, list(picked.values())] = 0.0
        return scores

    def _draw(self, scores: torch.Tensor) -> list[int]:
        import torch

        scores = scores.float().cpu() / self._temperature
        if 0 < self._top_k < scores.shape[-1]:
            least = scores.topk(self._top_k).values[:, -1:]
            scores = scores.masked_fill(scores < least, float("-inf"))
        probabilities = scores.softmax(-1).double()
        if bool((self._top_p < 1).any()):
            ranked, order = probabilities.sort(descending=True, stable=True)
            before = ranked.cumsum(-1) - ranked
            kept = torch.zeros_like(probabilities).scatter(-1, order, (before < self._top_p).double())
            probabilities = probabilities * kept
        if self._min_p > 0:
            least_likely = self._min_p * probabilities.amax(-1, keepdim=True)
            probabilities = probabilities.masked_fill(probabilities < least_likely, 0.0)
        cumulated = probabilities.cumsum(-1)
        uniform = torch.stack(
            [torch.rand((1,), generator=own, dtype=torch.float64) for own in self._generators]
        )
        found = torch.searchsorted(cumulated, uniform * cumulated[:, -1:], right=True).squeeze(1)
        return [min(int(token), scores.shape[-1] - 1) for token in found]


class RowPenalty(LogitsProcessor):  # type: ignore[misc]
    """transformers' repetition penalty, blind to padding: a row is penalised as it would be alone.

    Args:
        penalty: the factor; above 1 it makes tokens that a row has less likely.
        mask: (batch, prompt), 0 where a prompt is padded on the left.
    """

    def __init__(self, penalty: float, mask: torch.Tensor) -> None:
        from transformers import RepetitionPenaltyLogitsProcessor

        self._penalise = RepetitionPenaltyLogitsProcessor(penalty)
        self._padded = mask == 0

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores (batch, vocabulary) → the same, penalised for the tokens of each row's prompt and answer."""
        width = self._padded.shape[1]
        if input_ids.shape[1] >= width:
            own = input_ids.clone()
            last = input_ids[:, width - 1 : width].expand(-1, width)
            own[:, :width] = input_ids[:, :width].where(~self._padded, last)
            input_ids = own
        penalised: torch.Tensor = self._penalise(input_ids, scores)
        return penalised
