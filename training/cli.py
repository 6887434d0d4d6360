"""`harness train`."""

from __future__ import annotations

import argparse
from typing import Any

from harness.cli.common import Runner


def train(parser: argparse.ArgumentParser) -> Runner:
    """Train a model with the tasks' own scorers.

    Stages: coldstart (supervised, on rows of the tasks), g2rpo (policy training, the scorers as rewards),
    refine (the same on chosen families). Run the same command again and it continues. --set overrides keys of
    the recipe.
    """
    parser.add_argument("recipe", nargs="?", metavar="RECIPE.toml", help="a file or a shipped one [tiny]")
    parser.add_argument("--model", help="tiny, a folder, or a hub name")
    parser.add_argument("--task-file", metavar="FILE", action="append", help="a Python file with further tasks")
    parser.add_argument("--stage", help="run only this one: coldstart, g2rpo or refine")
    parser.add_argument("--engine", help="of policy training: local or trl (several GPUs) [local]")
    parser.add_argument("--tracker", help="none, tensorboard, wandb or trackio [none]")
    parser.add_argument("--out", metavar="DIR", help="where the checkpoint goes")
    parser.add_argument(
        "--reward", metavar="MODULE:FUNCTION=WEIGHT", help="a reward function of your own, added to the terms"
    )
    parser.add_argument(
        "--held-out-data",
        metavar="DATA",
        action="append",
        help="what will be evaluated on, whose rows are refused: tasks, a directory, a file; may be repeated",
    )
    parser.add_argument(
        "--allow-overlap", action="store_true", help="train on such rows all the same; it is recorded"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="load the data, say what would be trained on, and end"
    )
    parser.add_argument(
        "--set", dest="overrides", metavar="KEY=VALUE", action="append", help="a key of the recipe"
    )
    return _run


def _run(args: argparse.Namespace) -> int:
    """Train; the last line printed is the folder of the model. With `--dry-run` say what on."""
    from harness.errors import UsageError
    from training import stages

    given: dict[str, Any] = vars(args)
    overrides: dict[str, Any] = {
        name: given[name]
        for name in (
            "model",
            "stage",
            "engine",
            "out",
            "tracker",
            "task_file",
            "held_out_data",
            "allow_overlap",
        )
        if name in given
    }
    if "reward" in given:
        function, _, weight = given["reward"].rpartition("=")
        if not function:
            raise UsageError(f"--reward {weight}: not MODULE:FUNCTION=WEIGHT")
        for stage in ("g2rpo", "refine"):
            overrides |= {f"{stage}.own_reward.function": function, f"{stage}.own_reward.weight": weight}
    for pair in given.get("overrides", []):
        key, value = _pair(pair)
        overrides[key] = value
    if given.get("dry_run"):
        from training.dry_run import dry_run

        for line in dry_run(stages.chosen_recipe(given.get("recipe"), overrides)):
            print(line.encode(errors="backslashreplace").decode())  # rows may hold half a surrogate pair
        return 0
    folder = stages.train(given.get("recipe"), overrides)
    if stages.is_first_process():
        print(folder)
    return 0


def _pair(text: str) -> tuple[str, Any]:
    """A key and its value, read as TOML where it is TOML, else as text."""
    import tomllib

    from harness.errors import UsageError

    key, equals, value = text.partition("=")
    if not equals or not key:
        raise UsageError(f"--set {text}: not KEY=VALUE")
    try:
        return key.strip().replace("-", "_"), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip().replace("-", "_"), value
