"""What lmms-eval itself makes of the drawn tasks: `python -m tests.lmms_reference FOLDER OUT TASK…`.

Its own evaluator asks a model that answers as `tests.lmms_data.answer_to`; the numbers go to OUT as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from lmms_eval.api.model import lmms
from lmms_eval.evaluator import simple_evaluate
from lmms_eval.tasks import TaskManager

from tests.lmms_data import answer_to


class Answering(lmms):
    """A chat model whose answer depends on all that it is shown."""

    is_simple = False

    def generate_until(self, requests: list[Any]) -> list[str]:
        answers = []
        for request in requests:
            _, doc_to_messages, _, doc_id, task, split = request.args
            content = [
                part
                for message in doc_to_messages(self.task_dict[task][split][doc_id])
                for part in message["content"]
            ]
            text = "".join(part["text"] for part in content if part["type"] == "text")
            answers.append(answer_to(text, [part["url"] for part in content if part["type"] == "image"]))
        return answers

    def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
        raise NotImplementedError

    def generate_until_multi_round(self, requests: list[Any]) -> list[str]:
        raise NotImplementedError


def main() -> None:
    folder, out, *tasks = sys.argv[1:]
    model = Answering()
    os.chdir(Path(out).parent)  # its aggregations write there
    found = simple_evaluate(
        model,
        tasks=tasks,
        task_manager=TaskManager(include_path=folder, model_name="answering"),
        log_samples=False,
        bootstrap_iters=0,
        cli_args=argparse.Namespace(output_path=".", process_with_media=True),
    )
    Path(out).write_text(json.dumps(found["results"], default=str), encoding="utf-8")


if __name__ == "__main__":
    main()
