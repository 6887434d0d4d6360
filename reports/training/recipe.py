"""What several training runs were told differently."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reports.training.runs import Stage, TrainingRun


def settings_of(stage: Stage) -> dict[str, str]:
    """A stage's settings as text, nested keys dotted: steps, the model it started from, the recipe."""
    described = stage.described or {}
    first = {key: described[key] for key in ("steps", "start") if described.get(key) is not None}
    return dict(_flat({**first, **stage.settings}))


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def differences(runs: Sequence[TrainingRun]) -> Iterator[dict[str, Any]]:
    """For each stage that several runs have: the settings that differ, and how many are the same."""
    for name in dict.fromkeys(stage.name for run in runs for stage in run.stages):
        found = [(run.name, settings_of(stage)) for run in runs for stage in run.stages if stage.name == name]
        found = [(run, settings) for run, settings in found if settings]
        if len(found) < 2:
            continue
        keys = list(dict.fromkeys(key for _, settings in found for key in settings))
        rows = [(key, [settings.get(key) for _, settings in found]) for key in keys]
        differing = [(key, values) for key, values in rows if len(set(values)) > 1]
        yield {
            "stage": name,
            "runs": [run for run, _ in found],
            "rows": differing,
            "same": len(rows) - len(differing),
        }
