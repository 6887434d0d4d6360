"""Run folders written by hand, judged by the real scorers: any id, text or image one likes."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from harness.config import build
from harness.jsonl import encode, plain, write_atomic
from harness.run import rescore
from harness.run.identity import describe_run, save_run
from harness.run.items import gold_of
from reports.page import Section, render
from reports.runs import load_runs
from reports.samples.section import samples_section
from scorers.place.masks import encode as encode_mask
from scorers.rules.choice import ChoiceTarget
from scorers.rules.grounding import BoxTarget
from scorers.rules.refspatial import MaskTarget
from scorers.types import Target

HOSTILE = (
    '</script><script>window.hit=1</script><img src=x onerror="window.hit=1"> javascript:window.hit=1 '
    "\u2028\u2029\u202eltr\u202c \ud800 \x00 &lt;b&gt; {{ 7*7 }} ${7*7}"
)


def picture(path: Path, size: tuple[int, int] = (64, 48), colour: tuple[int, int, int] = (90, 140, 200)) -> str:
    """Write an image into a run's `images`; its name. Noise where colour is (-1, seed, 0)."""
    if colour[0] < 0:
        noise = np.random.default_rng(colour[1]).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
        image = Image.fromarray(noise)
    else:
        image = Image.new("RGB", size, colour)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    name = sha256(buffer.getvalue()).hexdigest()[:24] + ".png"
    write_atomic(path / "images" / name, [buffer.getvalue()])
    return name


def item(name: str, question: str, target: Target, **more: Any) -> dict[str, Any]:
    """A line of `items/<task>.jsonl`."""
    line = {"id": name, "prompt_sha": "p", "image_sha": "i", "question": question, "choices": []}
    line |= {"target": plain(target), "gold": gold_of(target, "norm1000"), "shapes": plain(target.shapes())}
    line |= {"groups": {}, "images": [], "sizes": [], "prompt": [question]}
    return line | more


def response(text: str, **more: Any) -> dict[str, Any]:
    """What a line of `samples/<task>.jsonl` says beside its key."""
    line = {"text": text, "finish_reason": "stop", "prompt_tokens": 40, "completion_tokens": 7, "latency": 0.5}
    return line | more


def write_run(
    path: Path,
    tasks: Mapping[str, Sequence[tuple[dict[str, Any], dict[str, Any] | list[dict[str, Any]] | None]]],
    *,
    model: str = "tiny",
    coords: str | None = "norm1000",
    epochs: int = 1,
    fingerprint: str = "f" * 64,
) -> Path:
    """Write a run and judge it. A sample without a response makes it partial; lists are epochs."""
    names = list(tasks)
    settings: dict[str, Any] = {"model": model, "tasks": names, "data": "synthetic", "epochs": epochs}
    config = build({**settings, "temperature": 0.5} if epochs > 1 else settings)
    described = {
        name: {
            "fingerprint": fingerprint,
            "data": "synthetic",
            "synthetic": True,
            "max_new_tokens": 128,
            "generation_sha": "g",
            "prompts_sha": "s",
        }
        for name in names
    }
    content = describe_run(
        config, model={"backend": "mock", "model": model}, coords=coords, tasks=described, command=["harness"]
    )
    save_run(path, content)
    for name, samples in tasks.items():
        write_atomic(path / "items" / f"{name}.jsonl", (encode(line) for line, _ in samples))
        lines = []
        for line, given in samples:
            for epoch, one in enumerate(given if isinstance(given, list) else [given]):
                if one is not None:
                    key = {"id": line["id"], "epoch": epoch, "prompt_sha": "p", "image_sha": "i"}
                    lines.append(encode({**key, "generation_sha": "g", **one}))
        write_atomic(path / "samples" / f"{name}.jsonl", lines)
    rescore(path)
    return path


def box_item(path: Path, name: str, **more: Any) -> dict[str, Any]:
    """A RefCOCO item about a 64 × 48 image, its box the right half."""
    image = picture(path)
    target = BoxTarget((32, 0, 64, 48), 64, 48)
    shown = {"images": [image], "sizes": [[64, 48]], "prompt": [{"image": 0}, "Where?"]}
    return item(name, f"Where is {name}?", target, **shown, **more)


def choice_item(name: str, right: int = 1, **more: Any) -> dict[str, Any]:
    """An AI2D item of three choices."""
    target = ChoiceTarget(("red", "green", "blue"), right)
    return item(name, f"Which colour is {name}?", target, choices=["red", "green", "blue"], **more)


def mask_item(path: Path, name: str) -> dict[str, Any]:
    """A RefSpatial item, its mask the left half of a 64 × 48 image."""
    mask = np.zeros((48, 64), np.uint8)
    mask[:, :32] = 1
    shown = {"images": [picture(path)], "sizes": [[64, 48]], "groups": {"split": "location", "part": "seen"}}
    return item(name, f"Point at {name}.", MaskTarget(encode_mask(mask), 48, 64), **shown)


def two_runs(folder: Path) -> list[Path]:
    """`alpha` and `beta` over boxes, choices and points; they part on some, `beta` lacks two answers."""
    alpha, beta = folder / "alpha", folder / "beta"
    boxes = {True: "[500, 0, 1000, 1000]", False: "[0, 0, 250, 1000]"}
    runs = []
    for path, model, right in ((alpha, "tiny", (1, 1, 0, 0)), (beta, "mock", (1, 0, 1, 0))):
        tasks = {
            "refcoco": [
                (box_item(path, f"box{n}"), response(boxes[bool(good)], shown=[[128, 96]]))
                for n, good in enumerate(right)
            ],
            "ai2d": [
                (choice_item("c0", groups={"image": "x0"}), response("<think>It is green.</think>B")),
                (choice_item("c1"), response("no idea at all")),
                (choice_item("c2"), response("<think>hmm", finish_reason="length")),
                (choice_item("c3"), response("", finish_reason="error", error="the endpoint said 500")),
            ],
            "refspatial": [
                (mask_item(path, "m0"), response("[(100, 500), (900, 500)]")),
                (mask_item(path, "m1"), response("[(100, 500)]") if model == "tiny" else None),
            ],
        }
        runs.append(write_run(path, tasks, model=model))
    return runs


def section_of(paths: Sequence[Path], media: Path | None = None, **more: Any) -> Section:
    """The viewer's section of some runs."""
    return samples_section(load_runs(list(paths)), media, **more)


def write_page(out: Path, paths: Sequence[Path], **more: Any) -> Path:
    """A page with the viewer alone."""
    section = section_of(paths, out.with_name(f"{out.stem}_media"), **more)
    out.write_text("".join(render("Samples", [section])), encoding="utf-8")
    return out
