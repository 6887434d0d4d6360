"""Counts and times in messages: "1 sample", "2 samples", "3 min"."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A number with its noun, in the plural where there is not exactly one."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def missing_responses(number: int) -> str:
    """How many responses a run lacks: "1 response is missing"."""
    return f"{counted(number, 'response')} {'is' if number == 1 else 'are'} missing"


def duration(seconds: float) -> str:
    """A time to wait: "25 s", "3 min", "2 h 05 min"."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"
