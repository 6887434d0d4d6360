"""What `benchmarks/peers.py` measures of inspect_ai, in its environment: `peers_inspect.py JOBS.json`.

JOBS.json has pairs of a measure and its arguments; prints their results as JSON. Nothing of the
harness is imported here.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any


def run(folder: str, rows: list[dict[str, Any]], limits: list[int], url: str | None = None) -> dict[str, Any]:
    """Processor seconds of a run at each limit; the log is written as samples finish."""
    from inspect_ai import Task
    from inspect_ai import eval as evaluate
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.model import ChatMessageUser, ContentImage, ContentText, ModelOutput, ModelUsage, get_model
    from inspect_ai.scorer import match
    from inspect_ai.solver import generate

    def sample(row: dict[str, Any]) -> Any:
        if row["image"] is None:
            return Sample(input=row["question"], target=row["answer"])
        content = [ContentImage(image=row["image"]), ContentText(text=row["question"])]
        return Sample(input=[ChatMessageUser(content=content)], target=row["answer"])

    def constant(_: int) -> Any:
        output = ModelOutput.from_content("mockllm/model", "A")
        output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)  # else it counts, by network
        return output

    seconds = []
    for number, limit in enumerate(limits):
        started = time.process_time()
        if url is None:
            model = get_model("mockllm/model", custom_outputs=map(constant, range(limit)), memoize=False)
        else:
            os.environ["STUB_API_KEY"] = "none"
            model = get_model("openai-api/stub/constant", base_url=url, memoize=False)
        dataset = MemoryDataset([sample(row) for row in rows[:limit]])
        [log] = evaluate(
            Task(dataset=dataset, solver=generate(), scorer=match()),
            model=model,
            display="none",
            log_dir=f"{folder}/inspect-{number}",
            max_connections=32,
            max_samples=32,
        )
        assert log.status == "success", log.error
        assert log.results is not None
        assert log.results.scores[0].metrics["accuracy"].value == 1.0, log.results
        seconds.append(time.process_time() - started)
    return {"seconds": seconds}


def symbolic(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Processor milliseconds a pair, each compared once, by the scorer `math`."""
    from inspect_ai.model import ModelOutput
    from inspect_ai.scorer import Target, math
    from inspect_ai.solver import TaskState

    score = math()

    async def right(one: str, other: str) -> bool:
        state = TaskState(
            model="mockllm/model",  # type: ignore[arg-type]
            sample_id=0,
            epoch=0,
            input="",
            messages=[],
            output=ModelOutput.from_content("mockllm/model", f"\\boxed{{{one}}}"),
        )
        verdict = await score(state, Target(other))
        return verdict is not None and verdict.value == "C"

    async def all_of_them() -> tuple[float, int]:
        await right(*pairs[0])
        started = time.process_time()
        found = [await right(*pair) for pair in pairs[1:]]
        return (time.process_time() - started) / len(found) * 1000, sum(found)

    ms, count = asyncio.run(all_of_them())
    return {"ms": ms, "right": count}


if __name__ == "__main__":
    measures = {"run": run, "symbolic": symbolic}
    jobs = json.loads(Path(sys.argv[1]).read_text())
    print(json.dumps([measures[name](**given) for name, given in jobs]))
