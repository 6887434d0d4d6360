"""What `benchmarks/peers.py` measures of lmms-eval, in its environment: `peers_lmms.py JOBS.json`.

JOBS.json has pairs of a measure and its arguments; prints their results as JSON. Nothing of the
harness is imported here.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FUNCTIONS = """
import io
from PIL import Image

def visual(doc):
    return [Image.open(io.BytesIO(doc["image"])).convert("RGB")] if doc["image"] else []

def text(doc, kwargs=None):
    return doc["question"]

def verdict(doc, results):
    return {"acc": float(results[0].strip().lower() == doc["answer"].strip().lower())}
"""
TASK = """
task: {name}
dataset_path: parquet
dataset_kwargs:
  data_files:
    test: {rows}
test_split: test
output_type: generate_until
doc_to_visual: !function functions.visual
doc_to_text: !function functions.text
doc_to_target: answer
process_results: !function functions.verdict
generation_kwargs:
  max_new_tokens: 16
metric_list:
  - metric: acc
    aggregation: mean
    higher_is_better: true
"""


def write_task(folder: Path, name: str, rows: list[dict[str, Any]]) -> None:
    """A task of its own over rows {question, answer, image}, image a path or None."""
    import datasets

    for row in rows:
        row["image"] = Path(row["image"]).read_bytes() if row["image"] else b""
    datasets.Dataset.from_list(rows).to_parquet(str(folder / f"{name}.parquet"))
    (folder / "functions.py").write_text(FUNCTIONS)
    (folder / f"{name}.yaml").write_text(TASK.format(name=name, rows=folder / f"{name}.parquet"))


def model_of(url: str | None) -> dict[str, Any]:
    """Arguments of `simple_evaluate` for a model that answers "A" at once, or the server's."""
    if url is not None:
        options = f"model_version=stub,base_url={url},api_key=none,num_concurrent=32"
        return {"model": "openai", "model_args": options}
    from lmms_eval.api.model import lmms

    class Constant(lmms):
        is_simple = False

        def generate_until(self, requests: list[Any]) -> list[str]:
            return ["A"] * len(requests)

        def loglikelihood(self, requests: list[Any]) -> Any:
            raise NotImplementedError

        def generate_until_multi_round(self, requests: list[Any]) -> Any:
            raise NotImplementedError

    return {"model": Constant()}


def run(
    folder: str, rows: list[dict[str, Any]], limits: list[int], url: str | None = None, cached: bool = False
) -> dict[str, Any]:
    """Processor seconds of a run at each limit; samples are written, if `cached` each response at once."""
    from lmms_eval.evaluator import simple_evaluate
    from lmms_eval.loggers import EvaluationTracker
    from lmms_eval.tasks import TaskManager

    home = Path(folder)
    write_task(home, "peers", rows)
    os.chdir(home)
    manager = TaskManager(include_path=folder, model_name="constant")
    seconds = []
    for number, limit in enumerate(limits):
        started = time.process_time()
        tracker = EvaluationTracker(output_path=str(home / f"out-{number}"))
        found = simple_evaluate(
            **model_of(url),
            tasks=["peers"],
            task_manager=manager,
            limit=limit,
            bootstrap_iters=0,
            use_cache=str(home / f"cache-{number}") if cached else None,
            evaluation_tracker=tracker,
            cli_args=argparse.Namespace(output_path=str(home), process_with_media=True),
        )
        samples = found.pop("samples")
        assert len(samples["peers"]) == limit
        assert found["results"]["peers"]["acc,none"] == 1.0, found["results"]
        tracker.save_results_aggregated(found, samples, f"{number}")
        tracker.save_results_samples("peers", samples["peers"])
        assert list((home / f"out-{number}").rglob("*_samples_peers.jsonl"))
        assert not cached or list((home / f"cache-{number}").rglob("*.db"))
        seconds.append(time.process_time() - started)
    return {"seconds": seconds}


def anls(pairs: list[tuple[list[str], str]], rounds: int) -> dict[str, Any]:
    """Calls a second of the bare function."""
    from lmms_eval.api.metrics import anls as theirs

    theirs(pairs[0][0], [pairs[0][1]])
    started = time.process_time()
    for _ in range(rounds):
        for references, prediction in pairs:
            theirs(references, [prediction])
    return {"rate": rounds * len(pairs) / (time.process_time() - started)}


def points(counts: int, mask: str, response: str) -> dict[str, Any]:
    """Processor milliseconds from a response to its score, the mask an image as in the data set."""
    from lmms_eval.tasks.refspatial.utils import refspatial_process_results
    from PIL import Image

    picture = Image.open(mask)
    picture.load()
    doc = {"id": 0, "mask": picture, "prompt": "", "suffix": "", "object": "", "image": picture}
    return {"ms": _each(lambda: refspatial_process_results(doc, [response]), counts)}


def symbolic(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Processor milliseconds a pair, each compared once, by Math-Verify as its reasoning tasks use it."""
    from lmms_eval.tasks._task_utils.math_verify_utils import MathVerifyFn

    theirs = MathVerifyFn()
    theirs(f"${pairs[0][0]}$", pairs[0][1])
    started = time.process_time()
    right = sum(bool(theirs(f"${one}$", other)) for one, other in pairs[1:])
    return {"ms": (time.process_time() - started) / (len(pairs) - 1) * 1000, "right": right}


def _each(call: Callable[[], object], counts: int) -> float:
    call()
    started = time.process_time()
    for _ in range(counts):
        call()
    return (time.process_time() - started) / counts * 1000


if __name__ == "__main__":
    measures = {"run": run, "anls": anls, "points": points, "symbolic": symbolic}
    jobs = json.loads(Path(sys.argv[1]).read_text())
    print(json.dumps([measures[name](**given) for name, given in jobs]))
