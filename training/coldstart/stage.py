"""The stage `coldstart`: supervised training of a Hugging Face VLM on task rows, loss on the answers alone.

Prompts are those of evaluation (`tasks.prompts`), answers come from the targets (`training.data.gold`). Any
model that `AutoModelForImageTextToText` loads can be trained; `tiny-untrained` is built from nothing first, and
may have its vision tower warmed up (`training.coldstart.vision_warmup`).
"""

from __future__ import annotations

import json
import shutil
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from harness.errors import UsageError
from harness.jsonl import read_json, write_atomic, write_json
from harness.models import family_coords, tiny_path
from harness.models.hf_files import checkpoint_folder, read_config
from harness.models.processors import load_processor
from harness.run.lock import Lock
from harness.run.media import ImageStore
from harness.run.state import NotedFailure
from training import checkpoint
from training.coldstart import vision_warmup
from training.coldstart.optimizers import Optimizers, rate
from training.coldstart.tiny import (
    ANSWER_PIECES,
    TinyConfig,
    phrases,
    train_tokenizer,
    untrained,
    write_processor,
)
from training.data.demonstrations import load_demonstrations
from training.data.examples import Examples, ExampleSettings, sources, stream
from training.data.rows import left_out
from training.log import read_steps, say
from training.models import load_model, place, save_model, with_adapters, write_model
from training.recipe import UNTRAINED, ColdstartRecipe, Recipe, WarmupRecipe, task_names

FINISHED = "coldstart.json"
"""Written when the stage has ended, with what it was told: the same command again takes the model up."""
TEXTS = 150
"""Examples of each task that the tiny tokenizer is trained on."""


class Log:
    """Figures of a run: one JSON object a line in `train.jsonl`, and a short line for people."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._start, self._cpu = time.monotonic(), time.process_time()

    def __call__(self, stage: str, step: int, steps: int, **figures: Any) -> None:
        """Write figures of a step."""
        took = {
            "seconds": round(time.monotonic() - self._start, 1),
            "cpu_seconds": round(time.process_time() - self._cpu, 1),
        }
        line = {"stage": stage, "step": step, "steps": steps, **took, **figures}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        short = "  ".join(f"{key} {value:.3f}" for key, value in figures.items() if isinstance(value, float))
        print(f"{stage} {step}/{steps}  {took['seconds']:.0f} s  {short}", flush=True)  # noqa: T201

    def continue_after(self, stage: str, step: int) -> None:
        """Drop what a process that was cut off had written of a stage's later steps: they are done again."""
        lines = read_steps(self.path)
        kept = [line for line in lines if line["stage"] != stage or line["step"] <= step]
        write_atomic(self.path, [json.dumps(line).encode() + b"\n" for line in kept])


def run_coldstart(recipe: Recipe, start: str | Path) -> Path:
    """Run the stage.

    Args:
        recipe: the whole recipe.
        start: the model to start from: a name as in the recipe, or the folder that an earlier stage made.

    Returns:
        the folder of the trained model.

    Raises:
        UsageError: the model cannot be loaded, the recipe does not fit it, or `out` holds a cold start that was
            told otherwise.
        HarnessError: rows are missing or cannot be read, or the folder is in use.
    """
    out = Path(recipe.out)
    told = _told(recipe, start)
    out.mkdir(parents=True, exist_ok=True)
    with Lock(out), NotedFailure(out):
        if _finished(out, told):
            return out / "model"
        folder = _run(recipe, start, told)
        write_json(out / FINISHED, told)
        return folder


def _told(recipe: Recipe, start: str | Path) -> dict[str, Any]:
    """What makes a cold start this one and no other."""
    stage = recipe.coldstart.model_dump(mode="json", exclude={"workers", "log_every", "save_every"})
    whole = recipe.model_dump(mode="json", include={"seed", "coords", "dtype"})
    return {"model": str(start), **recipe.data_identity, **whole, **stage}


def _finished(out: Path, told: Mapping[str, Any]) -> bool:
    """Whether the stage has been run to its end.

    Raises:
        UsageError: it has, with other settings.
    """
    if not (out / FINISHED).exists() or not (out / "model").exists():
        return False
    before = read_json(out / FINISHED)
    changed = [key for key in told if before.get(key) != told[key]]
    if changed:
        raise UsageError(
            f"{out / 'model'} was made with another {', '.join(changed)}: give another out, or remove {out}"
        )
    return True


def _run(recipe: Recipe, start: str | Path, told: Mapping[str, Any]) -> Path:
    stage = recipe.coldstart
    out = Path(recipe.out)
    log = Log(out / "train.jsonl")
    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)
    tasks = () if recipe.own_rows else task_names(recipe.tasks, recipe.registry)
    if str(start) == UNTRAINED and not tasks:
        raise UsageError(f"{UNTRAINED} learns its tokenizer from rows of the tasks: data cannot be a file")
    if str(start) == UNTRAINED:
        folder = out / "untrained"
        if not (folder / "model.safetensors").exists():
            beside = out / "untrained.partial"
            shutil.rmtree(beside, ignore_errors=True)
            build_untrained(beside, recipe, tasks)
            place(beside, folder)
    elif str(start) == "tiny":
        folder = tiny_path()
    else:
        folder, _ = checkpoint_folder(str(start), None)
    settings = ExampleSettings(
        processor=str(folder),
        tasks=tasks or _demonstrated(recipe, folder),
        data=recipe.data,
        task_file=recipe.task_file,
        coords=recipe.coords or family_coords(str(folder)),
        form=recipe.row_format,
        scratch=str(out),
        seed=recipe.seed,
        batch_size=stage.batch_size,
        sorted_batches=stage.sorted_batches,
        think_share=stage.think_share,
        guess_share=stage.guess_share,
        weights=tuple(stage.weights.items()),
    )
    sources(settings)  # data that is not there: said here, before a model is loaded
    model = load_model(folder, recipe)
    if stage.vision_warmup is not None and stage.vision_warmup.steps:
        warmed = out / "warmed"
        if (warmed / "model.safetensors").exists():
            model = load_model(warmed, recipe)
        else:
            log.continue_after("vision_warmup", 0)
            warm_up(model, folder, stage.vision_warmup, recipe.seed, log)
            save_model(model, folder, warmed)
    model = with_adapters(model, stage.lora_rank)
    fit(model, settings, stage, told, log)
    if stage.lora_rank:
        model = model.merge_and_unload()
    return save_model(model, folder, out / "model", torch.bfloat16 if str(start) == UNTRAINED else None)


def _demonstrated(recipe: Recipe, folder: Path) -> tuple[str, ...]:
    """The families that a file of demonstrations has; rows that cannot be taught are said."""
    coords = recipe.coords or family_coords(str(folder))
    store = ImageStore(Path(recipe.out))
    found, failed = load_demonstrations(recipe.data, recipe.row_format, coords, store)
    for line in left_out(failed):
        say(line)
    return tuple(found)


def build_untrained(folder: Path, recipe: Recipe, tasks: tuple[str, ...]) -> None:
    """Write the tiny model with random weights, its tokenizer trained on the tasks' own prompts and answers."""
    config = TinyConfig()
    write_processor(folder, train_tokenizer([], 268), config)
    bytes_only = untrained(train_tokenizer([], 268), config, recipe.seed)
    bytes_only.config.save_pretrained(folder)
    settings = ExampleSettings(str(folder), tasks, recipe.data, "norm1000", recipe.seed, 1, 1, 0.1)
    prompts, answers = Examples(settings).texts(TEXTS)
    tokenizer = train_tokenizer([*prompts, *answers], config.vocabulary, [*phrases(prompts), *ANSWER_PIECES])
    write_processor(folder, tokenizer, config)
    save_model(untrained(tokenizer, config, recipe.seed), folder, folder)


def warm_up(model: Any, folder: Path, recipe: WarmupRecipe, seed: int, log: Log) -> None:
    """Train the vision tower alone on labelled drawings.

    Raises:
        UsageError: the model has no Qwen3-VL vision tower.
    """
    config = read_config(folder)
    if config["model_type"] != "qwen3_vl":
        raise UsageError(f"vision_warmup is for Qwen3-VL towers, not {config['model_type']}")
    tower = model.model.visual
    tokenizer = load_processor(folder).tokenizer
    heads = vision_warmup.Heads(model.get_input_embeddings(), tokenizer).to(model.device)
    named = [*tower.named_parameters(), *((f"heads.{name}", p) for name, p in heads.named_parameters())]
    optimizers = Optimizers(
        named,
        "muon",
        learning_rate=recipe.learning_rate,
        muon_learning_rate=recipe.muon_learning_rate,
        weight_decay=0.01,
        max_grad_norm=1.0,
    )
    sums: dict[str, float] = defaultdict(float)
    batches = vision_warmup.stream(str(folder), seed, recipe.batch_size)
    for step, batch in zip(range(recipe.steps), batches, strict=False):
        inputs = {key: value.to(model.device) for key, value in batch.items()}
        tokens = tower(inputs["pixel_values"], inputs["image_grid_thw"]).pooler_output
        losses = heads(tokens, inputs)
        torch.autograd.backward(torch.stack(list(losses.values())).sum())
        optimizers.step(rate(step, recipe.steps, 20, "cosine"))
        for name, value in losses.items():
            sums[name] += value.item()
        if (step + 1) % 100 == 0:
            log("vision_warmup", step + 1, recipe.steps, **{name: total / 100 for name, total in sums.items()})
            sums.clear()


def fit(
    model: Any, settings: ExampleSettings, stage: ColdstartRecipe, told: Mapping[str, Any], log: Log
) -> None:
    """Train on examples, from the latest checkpoint where there is one."""
    optimizers = Optimizers(
        model.named_parameters(),
        stage.optimizer,
        learning_rate=stage.learning_rate,
        muon_learning_rate=stage.muon_learning_rate,
        weight_decay=stage.weight_decay,
        max_grad_norm=stage.max_grad_norm,
        scale_of=lambda name: stage.vision_rate if _is_tower(name) else 1.0,
    )
    tower = [parameter for name, parameter in optimizers.named.items() if _is_tower(name)]
    checkpoints = log.path.parent / "checkpoints"
    first, unlogged = resume(checkpoints, told, optimizers, model.device)
    log.continue_after("coldstart", first)
    losses: dict[str, list[float]] = defaultdict(list, unlogged)
    norm = 0.0
    batches = _moved(stream(settings, first, stage.workers), model.device)
    for step, (names, inputs) in zip(range(first, stage.steps), batches, strict=False):
        for parameter in tower:
            parameter.requires_grad_(step >= stage.vision_frozen_steps)
        loss, rows = answer_loss(model, inputs)
        torch.autograd.backward(loss)
        norm = optimizers.step(rate(step, stage.steps, stage.ramp_steps, stage.schedule))
        for name, value in zip(names, rows.tolist(), strict=True):
            losses[name].append(value)
        done = step + 1
        if done % stage.log_every == 0 or done == stage.steps:
            means = {name: round(sum(values) / len(values), 4) for name, values in losses.items()}
            log(
                "coldstart",
                done,
                stage.steps,
                loss=sum(means.values()) / len(means),
                grad_norm=norm,
                tasks=means,
            )
            losses.clear()
        if done % stage.save_every == 0 and done < stage.steps:
            files = partial(write_model, model, Path(settings.processor))
            state = {"settings": told, "unlogged": losses}
            checkpoint.write(checkpoints, done, optimizers.state(), state, files)


def resume(
    folder: Path, told: Mapping[str, Any], optimizers: Optimizers, device: torch.device
) -> tuple[int, dict[str, list[float]]]:
    """Take up the latest checkpoint of the stage.

    Returns:
        its step, 0 where there is none, and the losses of each task since the last line of the log.

    Raises:
        UsageError: it was made with other settings.
    """
    found = checkpoint.latest(folder, told, device)
    if found is None:
        return 0, {}
    optimizers.restore(found.tensors)
    return found.step, found.state.get("unlogged", {})


def _is_tower(name: str) -> bool:
    """Whether a parameter belongs to the vision tower; its DeepStack branches do not."""
    tower = any(part in name for part in ("visual.", "vision_tower.", "vision_model."))
    return tower and "deepstack" not in name


def answer_loss(model: Any, inputs: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss on the answers of a batch.

    A row's tokens share a weight that falls with the root of their number: a box of twenty tokens counts more
    than a letter, but not twenty times.

    Args:
        inputs: from `Examples.collate`.

    Returns:
        the weighted mean loss in nats, and the mean of each row (batch,), detached.
    """
    inputs = dict(inputs)
    labels = inputs.pop("labels")
    width = labels.shape[1]
    logits = model(**inputs, logits_to_keep=width + 1).logits[:, :-1].float()
    each = functional.cross_entropy(logits.transpose(1, 2), labels, ignore_index=-100, reduction="none")
    taught = labels.ne(-100)
    lengths = taught.sum(1)
    weights = taught / lengths.sqrt()[:, None]
    return (each * weights).sum() / weights.sum(), (each.detach().sum(1) / lengths)


def _moved(
    batches: Iterator[tuple[list[str], dict[str, torch.Tensor]]], device: torch.device
) -> Iterator[tuple[list[str], dict[str, torch.Tensor]]]:
    for names, inputs in batches:
        yield names, {key: value.to(device) for key, value in inputs.items()}
