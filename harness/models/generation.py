"""The sampling that a checkpoint asks for in its `generation_config.json`, taken only where a user says so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.types import Sampling

FILE = "generation_config.json"


@dataclass(frozen=True, slots=True)
class CheckpointSampling:
    """The sampling that a checkpoint wants, as far as every backend can do it; the defaults are none."""

    temperature: float | None = None
    """None: each request's own. 0 is greedy."""
    top_p: float | None = None
    top_k: int = 0
    """0: no limit."""
    min_p: float = 0.0
    repetition_penalty: float = 1.0

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> CheckpointSampling:
        """What the settings ask for. Without `do_sample` that is greedy decoding.

        Raises:
            UsageError: a setting is not a number.
        """

        def given(name: str, otherwise: float) -> float:
            value = settings.get(name)
            if value is None:
                return otherwise
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise UsageError(f"--generation checkpoint: {FILE}: {name} is {value!r}, not a number")
            return value

        penalty = given("repetition_penalty", 1.0)
        if not settings.get("do_sample"):
            return cls(temperature=0.0, top_p=1.0, repetition_penalty=penalty)
        return cls(
            temperature=given("temperature", 1.0),
            top_p=given("top_p", 1.0),
            top_k=int(given("top_k", 0)),
            min_p=given("min_p", 0.0),
            repetition_penalty=penalty,
        )

    def apply(self, rule: Sampling) -> Sampling:
        """A request's sampling with the checkpoint's temperature and top-p, where it has a say."""
        if self.temperature is None or self.top_p is None:
            return rule
        return replace(rule, temperature=self.temperature, top_p=self.top_p)

    def said(self) -> dict[str, float]:
        """What is set, as plain JSON."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def check_ends(folder: Path) -> None:
    """See that the end tokens of a checkpoint's settings can be read: transformers goes on without, unasked.

    Raises:
        UsageError: the file is not JSON, or names end tokens that are none.
    """
    ends = _settings(folder).get("eos_token_id")
    for token in ends if isinstance(ends, list) else [ends]:
        if token is not None and (isinstance(token, bool) or not isinstance(token, int)):
            raise UsageError(f"{folder / FILE}: eos_token_id is {ends!r}, not the number of a token")


def checkpoint_sampling(folder: Path) -> CheckpointSampling:
    """What the file of a checkpoint's folder asks for.

    Raises:
        UsageError: the checkpoint has no such file, or it cannot be read.
    """
    if not (folder / FILE).exists():
        raise UsageError(f"--generation checkpoint: {folder.name} has no {FILE}")
    return CheckpointSampling.of(_settings(folder))


def _settings(folder: Path) -> dict[str, Any]:
    """The file of a checkpoint's folder; empty where it has none."""
    path = folder / FILE
    try:
        settings: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: {error}") from None
    if not isinstance(settings, dict):
        raise UsageError(f"{path}: a JSON object is wanted")
    return settings
