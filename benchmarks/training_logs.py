"""Training runs written by hand, in the shape in which `training/` logs them."""

from __future__ import annotations

import json
import math
import os
import socket
import time
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image

FAMILIES = ("chart", "document", "general_vqa", "grounding", "math", "spatial")
ENVELOPE = {"min_start": 8, "peak_start": 24, "peak_end": 160, "max_end": 480}
BAND = {"low": 0.3, "high": 0.9}


def family(step: int, place: int, seed: int, gradient: bool) -> dict[str, Any]:
    """The figures of one family after a step."""
    rng = Random(f"{seed}/{place}/{step}")
    progress = 1 - math.exp(-step / (30 + 10 * place))
    value = 0.15 + 0.06 * place + 0.35 * progress * (1 - 0.15 * seed) + rng.gauss(0, 0.03)
    kept = rng.randint(10, 20)
    own: dict[str, Any] = {
        "responses": 256,
        "reward": round(0.8 * value + 0.15 + rng.gauss(0, 0.02), 6),
        "value": round(min(1.0, max(0.0, value)), 6),
        "terms": {"format": round(0.6 + 0.39 * progress, 6), "length": round(0.3 + 0.6 * progress, 6)},
        "length": round(40 + 60 * place * (0.6 + 0.4 * progress) + rng.gauss(0, 6), 6),
        "unparsed": round(0.12 * (1 - progress), 6),
        "truncated": round(0.05 * (1 - progress), 6),
        "acceptance": round(kept / 32, 6),
        "groups": {"kept": kept, "too easy": 5, "too hard": 32 - kept - 6, "no spread": 1},
        "entropy": round(1.3 - 0.8 * progress + rng.gauss(0, 0.04), 6),
        "clip_share": round(abs(rng.gauss(0.01, 0.004)), 6),
        "advantage": {"mean": 0.0, "variance": 1.0, "skew": 0.0, "flips": round(0.05 + 0.02 * rng.random(), 6)},
        "loss_share": round(1 / 6, 6),
    }
    if gradient:
        own["gradient_share"] = round((1 + 0.5 * place * rng.random()) / 12, 6)
    return own


def line(step: int, seed: int = 0, stage: str = "g2rpo") -> dict[str, Any]:
    """A line of `steps.jsonl`."""
    families = {name: family(step, place, seed, step % 5 == 0) for place, name in enumerate(FAMILIES)}
    means = {
        name: round(sum(own[name] for own in families.values()) / len(families), 6)
        for name in (
            "reward",
            "value",
            "length",
            "unparsed",
            "truncated",
            "entropy",
            "clip_share",
            "acceptance",
        )
    }
    written: dict[str, Any] = {
        "step": step,
        "seconds": 61.5 * step,
        "stage": stage,
        "learning_rate": 2e-6 * min(1, step / 10),
        "bad": {"responses": 0, "prompts": 0, "updates": 0, "steps": 0},
        "unreadable": 0,
        "responses": 1536,
        **means,
        "prompts": 192,
        "kept": 90,
        "loss": round(0.02 - 1e-4 * step, 6),
        "grad_norm": round(0.8 + 0.3 * Random(f"{seed}{step}").random(), 6),
        "updates": 4,
        "skipped_updates": 0,
        "tokens": 90000,
        "families": families,
    }
    if step % 20 == 0:
        scores = {name: round(30 + 5 * place + step / 10, 3) for place, name in enumerate(FAMILIES)}
        written["eval"] = {"mean": sum(scores.values()) / 6, "categories": scores, "unparsed": 0.01}
    return written


def told(steps: int, stage: str = "g2rpo", **settings: Any) -> dict[str, Any]:
    """`settings.json`."""
    shapes = {name: {"family": name, "key": name, "length": ENVELOPE, "entropy": BAND} for name in FAMILIES}
    settings = {
        "model": "some-model",
        "tasks": ["mathvista", "refcoco"],
        "data": "synthetic",
        "advantage": "g2rpo",
        "learning_rate": 2e-6,
        "seed": 0,
    } | settings
    return {"stage": stage, "steps": steps, "start": "models/start", "settings": settings, "shapes": shapes}


def write(
    out: Path,
    steps: int = 100,
    *,
    seed: int = 0,
    stage: str = "g2rpo",
    planned: int | None = None,
    tail: str = "",
    **settings: Any,
) -> Path:
    """A stage of a run in `out`; complete where as many steps were planned. Returns `out`."""
    folder = out / stage
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(line(step, seed, stage)) for step in range(1, steps + 1)]
    lines = [
        json.dumps({"step": 0, "seconds": 9.0, "eval": {"mean": 30.0, "categories": {"math": 31.0}}}),
        *lines,
    ]
    (folder / "steps.jsonl").write_text("\n".join(lines) + "\n" + tail, encoding="utf-8")
    planned = steps if planned is None else planned
    (folder / "settings.json").write_text(json.dumps(told(planned, stage, **settings)), encoding="utf-8")
    if planned == steps:
        (folder / "model").mkdir(exist_ok=True)
    return out


def write_coldstart(out: Path, steps: int = 5) -> Path:
    """A cold start with its warm-up before it. Returns `out`."""
    out.mkdir(parents=True, exist_ok=True)
    lines: list[dict[str, Any]] = [
        {"stage": "vision_warmup", "step": 100 * n, "seconds": 9.0 * n, "cpu_seconds": 9.0 * n, "loss": 2.0 / n}
        for n in (1, 2)
    ]
    for n in range(1, steps + 1):
        losses = {"chartqa": round(2 / n, 4), "mmmu": round(3 / n, 4)}
        figures = {"loss": sum(losses.values()) / 2, "grad_norm": 1.0, "tasks": losses}
        lines.append(
            {
                "stage": "coldstart",
                "step": 50 * n,
                "steps": 500,
                "seconds": 60.0 * n,
                "cpu_seconds": 60.0 * n,
                **figures,
            }
        )
    text = "".join(json.dumps(each) + "\n" for each in lines)
    (out / "train.jsonl").write_text(text, encoding="utf-8")
    return out


def lock(folder: Path, *, age: float = 0.0, pid: int | None = None) -> None:
    """A lock such as a writer leaves: touched so many seconds ago, by this process or another one."""
    holder = {"pid": os.getpid() if pid is None else pid, "host": socket.gethostname()}
    (folder / "lock").write_text(json.dumps(holder), encoding="utf-8")
    os.utime(folder / "lock", (time.time() - age,) * 2)


def append(out: Path, first: int, last: int, stage: str = "g2rpo") -> None:
    """Further steps, as a run that goes on logs them."""
    with (out / stage / "steps.jsonl").open("a", encoding="utf-8") as file:
        for step in range(first, last + 1):
            file.write(json.dumps(line(step, 0, stage)) + "\n")


def write_rollouts(out: Path, step: int, groups: int = 5, stage: str = "g2rpo", tail: str = "") -> Path:
    """The rollouts of a step: groups of four responses of each family, every other one dropped."""
    lines = [
        {
            "task": "refcoco" if name == "grounding" else name,
            "family": name,
            "id": f"{name}/{group}",
            "epoch": 0,
            "index": group,
            "attempt": 0,
            "prompt": [{"image": 0}, f"Question {group}? <b>bold</b>"],
            "images": [f"images/{group}.png"],
            "pictures": [f"{group:024x}.jpg"],
            "reference": "(100,100),(500,500)" if name == "grounding" else f"answer {group}",
            "true": [{"box": [0.1, 0.1, 0.5, 0.5]}] if name == "grounding" else [],
            "predicted": [{"box": [0.1, 0.1, 0.2 + place / 10, 0.5]}] if name == "grounding" else [],
            "text": f"response {place} " + "x" * 3000 * (place == 3),
            "finish_reason": "length" if place == 3 else "stop",
            "tokens": 12,
            "reward": [0.75, 0.25, 0.5, 0.1][place],
            "terms": {"value": 0.5, "format": 0.25},
            "value": place / 4,
            "status": "truncated" if place == 3 else "ok",
            "extracted": f"parsed {place}",
            "advantage": None if group % 2 else 0.5 - place / 4,
        }
        for name in FAMILIES
        for group in range(groups)
        for place in range(4)
    ]
    path = out / stage / "rollouts" / f"step-{step:07d}.jsonl"
    (path.parent / "images").mkdir(parents=True, exist_ok=True)
    for group in range(2):  # the third group's is not there
        Image.new("RGB", (64, 48), (90, 120, 200)).save(path.parent / "images" / f"{group:024x}.jpg")
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + tail)
    return path
