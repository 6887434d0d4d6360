"""Counts in messages: "1 sample", "2 samples"."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A number with its noun, in the plural where there is not exactly one."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def missing_responses(number: int) -> str:
    """How many responses a run lacks: "1 response is missing"."""
    return f"{counted(number, 'response')} {'is' if number == 1 else 'are'} missing"
