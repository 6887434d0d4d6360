"""Sampling one row at a time: what a request draws does not depend on who shares its batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from transformers import LogitsProcessor

from harness.types import Sampling

if TYPE_CHECKING:
    import torch


_BLOCK = 256
"""Tokens whose probabilities are summed first: a draw finds its block, then its token within it."""


class RowSampler(LogitsProcessor):  # type: ignore[misc]
    """Picks each row's next token by that row's own rules; the rest of its logits become −∞.

    Run under greedy decoding, which then takes what was picked. A sampled row draws one uniform number a token
    from a generator seeded by its request, and finds its token in the cumulated probabilities in vocabulary
    order: rounding that differs with the batch moves a draw only at a token's very edge. A row that has had
    its own `max_new_tokens` gets the end token. Probabilities stay on the device of the logits, and nothing
    waits for them; the numbers drawn are the same on every device.

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
        sampled = [row for row, rule in enumerate(rules) if rule.temperature > 0]
        self.needed = bool(sampled)
        """Whether greedy decoding would pick other tokens."""
        self._generators = [torch.Generator().manual_seed(rules[row].seed % 2**63) for row in sampled]
        self._uniform = torch.empty(len(sampled), 1, dtype=torch.float64)
        self._rows = torch.tensor(sampled, dtype=torch.long)
        self._temperature = torch.tensor([[rules[row].temperature] for row in sampled])
        self._top_p = torch.tensor([[rules[row].top_p] for row in sampled])
        self._tempered = any(rules[row].temperature != 1 for row in sampled)
        self._cuts = any(rules[row].top_p < 1 for row in sampled)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores (batch, vocabulary), written over: of sampled and ended rows only the pick is finite."""
        del input_ids
        if self.needed:
            self._place(scores)
            drawn = self._draw(scores if len(self._rows) == len(scores) else scores[self._rows])
            scores.index_fill_(0, self._rows, float("-inf"))
            scores[self._rows, drawn] = 0.0
        ended = [row for row, limit in enumerate(self._limits) if self.steps >= limit]
        if ended:
            scores[ended] = float("-inf")
            scores[ended, self._end] = 0.0
        self.steps += 1
        return scores

    def _place(self, scores: torch.Tensor) -> None:
        """Have the rules on the device of the logits; the generators stay on the CPU."""
        if self._rows.device != scores.device:
            self._rows = self._rows.to(scores.device)
            self._temperature = self._temperature.to(scores.device)
            self._top_p = self._top_p.to(scores.device)

    def _draw(self, scores: torch.Tensor) -> torch.Tensor:
        """The token drawn for each sampled row, from its logits: (rows, vocabulary) → (rows,)."""
        import torch

        scores = scores.float() / self._temperature if self._tempered else scores.float()
        if 0 < self._top_k < scores.shape[-1]:
            least = scores.topk(self._top_k).values[:, -1:]
            scores = scores.masked_fill(scores < least, float("-inf"))
        probabilities = scores.softmax(-1)
        if self._cuts:
            ranked, order = probabilities.sort(descending=True, stable=True)
            before = ranked.cumsum(-1, dtype=torch.float64) - ranked
            kept = torch.zeros_like(probabilities).scatter(-1, order, (before < self._top_p).float())
            probabilities = probabilities * kept
        if self._min_p > 0:
            least_likely = self._min_p * probabilities.amax(-1, keepdim=True)
            probabilities = probabilities.masked_fill(probabilities < least_likely, 0.0)
        for row, own in enumerate(self._generators):
            torch.rand((1,), generator=own, dtype=torch.float64, out=self._uniform[row])
        return inverted(probabilities, self._uniform.to(scores.device))


def inverted(probabilities: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
    """The tokens at which the cumulated probabilities pass a share of their sum.

    The sums of blocks are cumulated, then the tokens of the one block that holds the draw: a tenth of the time
    of cumulating a large vocabulary.

    Args:
        probabilities: (rows, vocabulary), not negative, of any sum.
        uniform: (rows, 1), float64 in [0, 1).

    Returns:
        (rows,), tokens whose probability is above 0.
    """
    import torch

    vocabulary = probabilities.shape[-1]
    whole = vocabulary // _BLOCK * _BLOCK
    sums = (
        probabilities[:, :whole].view(len(probabilities), -1, _BLOCK).sum(-1) if whole else probabilities[:, :0]
    )
    if whole < vocabulary:
        sums = torch.cat([sums, probabilities[:, whole:].sum(-1, keepdim=True)], -1)
    cumulated = sums.double().cumsum(-1)
    sought = uniform * cumulated[:, -1:]
    block = _passing(cumulated, sought)
    before = (cumulated - sums).gather(-1, block)
    places = block * _BLOCK + torch.arange(_BLOCK, device=block.device)
    inside = probabilities.gather(-1, places.clamp(max=vocabulary - 1)).double()
    inside = inside.masked_fill(places >= vocabulary, 0.0).cumsum(-1)
    return (block * _BLOCK + _passing(inside, sought - before)).squeeze(-1)


def _passing(cumulated: torch.Tensor, sought: torch.Tensor) -> torch.Tensor:
    """Where rising sums first exceed what is sought, (rows, 1); rounding puts it behind no last rise."""
    last = (cumulated < cumulated[:, -1:]).sum(-1, keepdim=True)
    return (cumulated <= sought).sum(-1, keepdim=True).minimum(last)


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
