"""The side of lmms-eval: a program that answers questions about its tasks, one after the other.

It runs in a process of its own, of whichever Python has lmms-eval, and imports nothing of ours. lmms-eval
prints, seeds global generators, sets alarms and writes files into the working folder: here it may. A question
is a line of JSON on standard input, an answer a line of JSON on standard output and after it the bytes that it
counts; what lmms-eval prints goes to standard error.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    sys.path.pop(0)  # this file's own folder, whose modules would hide others of the same name

import argparse
import base64
import contextlib
import copy
import datetime
import hashlib
import inspect
import io
import json
import math
import os
import random
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Spec = Mapping[str, Any]
"""A task: `yaml`, its file; `files`, data files in place of its own data set, or None."""
_MEDIA = ("Image", "Audio", "Video")


def encoded(value: Any) -> Any:  # noqa: PLR0911 - a table of types
    """A value as JSON that `decoded` turns back into the same: tuples, sets, dates and arrays are tagged.

    Raises:
        TypeError: it holds something else.
    """
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, list):
        return [encoded(item) for item in value]
    if isinstance(value, tuple):
        return {"$tuple": [encoded(item) for item in value]}
    if isinstance(value, set | frozenset):
        return {"$set": [encoded(item) for item in value]}
    if isinstance(value, Mapping):
        if all(isinstance(key, str) and not key.startswith("$") for key in value):
            return {key: encoded(item) for key, item in value.items()}
        return {"$items": [[encoded(key), encoded(item)] for key, item in value.items()]}
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, datetime.datetime):
        return {"$datetime": value.isoformat()}
    if type(value).__module__ == "numpy":
        return {"$array": encoded(value.tolist())} if getattr(value, "shape", ()) else encoded(value.item())
    raise TypeError(f"it holds a {type(value).__name__}, which cannot be written down")


def decoded(value: Any) -> Any:
    """What `encoded` was given."""
    if isinstance(value, list):
        return [decoded(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and (tag := next(iter(value))).startswith("$"):
        return _TAGS[tag](value[tag])
    return {key: decoded(item) for key, item in value.items()}


def _array(value: Any) -> Any:
    import numpy

    return numpy.array(decoded(value))


_TAGS: dict[str, Callable[[Any], Any]] = {
    "$tuple": lambda items: tuple(decoded(items)),
    "$set": lambda items: set(decoded(items)),
    "$items": lambda pairs: {decoded(key): decoded(item) for key, item in pairs},
    "$bytes": base64.b64decode,
    "$datetime": datetime.datetime.fromisoformat,
    "$array": _array,
}


def _no_media(value: Any) -> bool:
    """Whether a column's value is no picture or sound, nor a list with one."""
    if isinstance(value, list | tuple):
        return all(_no_media(item) for item in value)
    return type(value).__module__.partition(".")[0] in {"builtins", "datetime", "numpy"}


class Tasks:
    """lmms-eval's tasks by their files, each made once."""

    def __init__(self) -> None:
        self._tasks: dict[str, Any] = {}
        self._settings: dict[str, dict[str, Any]] = {}
        self._aggregated: set[tuple[str, str]] = set()
        self._scratch = tempfile.mkdtemp(prefix="scratch-", dir=os.environ.get("HARNESS_LMMS_SCRATCH"))

    def hello(self) -> str:
        """The version of lmms-eval, once its tasks can be made."""
        from importlib.metadata import version

        _import()
        return version("lmms_eval")

    def prepare(self, spec: Spec) -> None:
        """Import what a task's rules need."""
        self._settings_of(spec)

    def open(self, spec: Spec) -> dict[str, Any]:
        """Load a task's data: how many documents, their fingerprint, and what the first one's prompt shows."""
        task = self._task(spec)
        docs = task.eval_docs
        media = [
            name
            for name, feature in docs.features.items()
            if any(f"{kind}(" in repr(feature) for kind in _MEDIA)
        ]
        digest = hashlib.sha256()
        for doc in docs.remove_columns(media):
            digest.update(json.dumps(encoded(doc), sort_keys=True).encode())
        content, _ = _content(task.doc_to_messages(docs[0]))
        return {
            "count": len(docs),
            "fingerprint": digest.hexdigest(),
            "shows": sorted({part["type"] for part in content}),
        }

    def doc(self, spec: Spec, index: int) -> tuple[dict[str, Any], list[bytes]]:
        """A document: its prompt's parts and images, what its scoring needs of it, its own answer."""
        task = self._task(spec)
        doc = task.eval_docs[index]
        kept = {name: value for name, value in doc.items() if _no_media(value)}
        reads = bool(getattr(task.config, "process_results_use_image", False))
        text = None if reads else json.dumps(encoded(kept))
        target = None
        with contextlib.suppress(Exception):  # a rule of theirs that gives no target: then none is shown
            target = task.doc_to_target(doc)
        content, system = _content(task.doc_to_messages(doc))
        parts, images = _parts(content)
        answer = {
            "parts": parts,
            "system": system,
            "doc": text,
            "targets": int(task.multiple_target),
            "gold": None if target is None else str(target),
        }
        return answer, images

    def score(self, spec: Spec, index: int, doc: str | None, targets: int, text: str) -> dict[str, Any]:
        """What the task's filter and rule make of a response: metric → the document's value."""
        from lmms_eval.api.instance import Instance

        kept = decoded(json.loads(doc)) if doc is not None else None
        task = self._task(spec, kept)
        task.multiple_target = targets
        row = kept if kept is not None else task.eval_docs[index]
        instance = Instance(
            "generate_until", (), 0, {"task": task.config.task, "doc_id": index, "repeats": 1}, [text]
        )
        ensemble = task._filters[0]
        ensemble.apply([instance], [row])
        response = _without_reasoning(task, instance.filtered_resps[ensemble.name])
        rule = type(task).process_results
        with self._contained(f"{task.config.task}\x1f{index}"):
            values = getattr(rule, "__wrapped__", rule)(task, row, [response])
        metrics = task.aggregation()
        return {name: encoded(value) for name, value in values.items() if name in metrics}

    def aggregate(self, spec: Spec, metric: str, values: list[Any]) -> float:
        """A metric over all documents, from what `score` gave for each."""
        from lmms_eval.api.task import ConfigurableMessagesTask, TaskConfig

        if (used := (json.dumps(spec), metric)) in self._aggregated:
            self._settings.pop(
                used[0], None
            )  # an aggregation may count in a global (OCRBench's does): load it anew
        self._aggregated.add(used)
        task = object.__new__(ConfigurableMessagesTask)  # without its data set
        task._config = TaskConfig(**self._settings_of(spec))
        task._prepare_metric_and_aggregation()
        function = task.aggregation()[metric]
        items = [decoded(value) for value in values]
        with self._contained(metric):
            if "args" in inspect.signature(function).parameters:
                found = function(items, args=argparse.Namespace(output_path=self._scratch))
            else:
                found = function(items)
        found = found.item() if type(found).__module__ == "numpy" and not getattr(found, "shape", ()) else found
        if not isinstance(found, int | float):
            raise TypeError(f"it gave a {type(found).__name__}, not a number")
        if not math.isfinite(found):
            raise ValueError(f"it gave {found}, no finite number")
        return float(found)

    @contextlib.contextmanager
    def _contained(self, seed: str) -> Iterator[None]:
        """Rules may write into the working folder, and draw: what they draw depends on the document alone."""
        import numpy

        random.seed(seed)
        numpy.random.seed(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4], "big"))
        before = os.getcwd()
        os.chdir(self._scratch)
        try:
            yield
        finally:
            os.chdir(before)

    def _task(self, spec: Spec, doc: dict[str, Any] | None = None) -> Any:
        """The task with its data; where a document is given, and no data was loaded yet, with that alone."""
        key = json.dumps(spec)
        if key not in self._tasks and doc is not None:
            key = f"{key} alone"
        if key not in self._tasks:
            self._tasks[key] = _made(self._settings_of(spec), doc)
        return self._tasks[key]

    def _settings_of(self, spec: Spec) -> dict[str, Any]:
        key = json.dumps(spec)
        if key not in self._settings:
            self._settings[key] = _read(spec)
        return copy.deepcopy(self._settings[key])


def _import() -> None:
    """Import what makes tasks, with the metrics that they know by name."""
    import lmms_eval.api.metrics
    import lmms_eval.api.task  # noqa: F401 - imported to be there


def _read(spec: Spec) -> dict[str, Any]:
    from lmms_eval.utils import load_yaml_config

    _import()
    settings: dict[str, Any] = load_yaml_config(spec["yaml"], mode="full")
    if (files := spec["files"]) is not None:
        split = settings.get("test_split") or settings.get("validation_split")
        settings |= {"dataset_path": "parquet", "dataset_name": None}
        settings["dataset_kwargs"] = {"data_files": {split: files}}
    return settings


class _Alone(list[Any]):
    """A data set of one document."""

    @property
    def features(self) -> dict[str, Any]:
        return dict(self[0])


class _Everywhere(dict[str, Any]):
    """The same data under the name of every split."""

    def __missing__(self, split: str) -> Any:
        return self[""]


def _made(settings: dict[str, Any], doc: dict[str, Any] | None) -> Any:
    """A task as lmms-eval's evaluator makes it for a chat model."""
    from lmms_eval.api.reasoning import parse_reasoning_tags_config
    from lmms_eval.api.task import ConfigurableMessagesTask
    from lmms_eval.filters.transformation import StripThinkingFilter

    class Task(ConfigurableMessagesTask):  # type: ignore[misc]
        def download(self, dataset_kwargs: Any = None) -> None:
            if doc is None:
                # Theirs is tried five times, two seconds apart, and hides what went wrong.
                ConfigurableMessagesTask.download.__wrapped__(self, dataset_kwargs)
            else:
                self.dataset = self.dataset_no_image = _Everywhere({"": _Alone([doc])})

    task = Task(config=settings)
    if task.config.num_fewshot is None:
        task.config.num_fewshot = 0
    task.set_fewshot_seed(1234)
    tags = parse_reasoning_tags_config(None, task.config.reasoning_tags)
    if task.config.auto_strip_thinking and tags is None:
        for ensemble in task._filters:
            ensemble.filters.insert(0, StripThinkingFilter())
    return task


def _without_reasoning(task: Any, response: Any) -> Any:
    from lmms_eval.api.reasoning import parse_reasoning_tags_config, strip_reasoning_tags

    tags = parse_reasoning_tags_config(None, task.config.reasoning_tags)
    if tags is None:
        return response
    if isinstance(response, list):
        return [strip_reasoning_tags(each, tags) if isinstance(each, str) else each for each in response]
    return strip_reasoning_tags(response, tags) if isinstance(response, str) else response


def _content(messages: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], str | None]:
    """The content of the one question that messages hold, and the system prompt before it."""
    found: list[dict[str, Any]] = []
    system: list[str] = []
    for message in messages:
        content = message["content"]
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
        if message["role"] == "system":
            system += [part["text"] for part in parts]
        elif message["role"] == "user" and not found:
            found = parts
        else:
            raise ValueError(f"its prompt has a further turn, of the {message['role']}: one question is asked")
    return found, "\n".join(system) if system else None


def _parts(content: list[dict[str, Any]]) -> tuple[list[str | int], list[bytes]]:
    """Text and the numbers of images in order, and the images."""
    parts: list[str | int] = []
    images: list[bytes] = []
    for part in content:
        if part["type"] == "text":
            if parts and isinstance(parts[-1], str):
                parts[-1] += part["text"]
            elif part["text"]:
                parts.append(part["text"])
        elif part["type"] == "image":
            parts.append(len(images))
            images.append(_image(part["url"]))
        else:
            raise ValueError(f"its prompt shows {part['type']}: only text and images are shown here")
    return parts, images


def _image(picture: Any) -> bytes:
    """The bytes of an image as a prompt gives it: a decoded picture, a file, or its bytes."""
    if isinstance(picture, dict):
        picture = picture.get("bytes") or picture.get("path")
    if isinstance(picture, bytes):
        return picture
    if isinstance(picture, str):
        with open(picture, "rb") as file:
            return file.read()
    buffer = io.BytesIO()
    if picture.mode not in {"1", "L", "LA", "P", "RGB", "RGBA", "I;16"}:
        picture = picture.convert("RGB")
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def main() -> None:
    """Answer until there is no further question."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the asking side, and with it the questions
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    tasks = Tasks()
    for line in sys.stdin.buffer:
        question = json.loads(line)
        blobs: list[bytes] = []
        try:
            answer = getattr(tasks, question.pop("do"))(**question)
            if isinstance(answer, tuple):
                answer, blobs = answer
            told = json.dumps({"answer": answer, "bytes": [len(blob) for blob in blobs]})
        except (Exception, SystemExit) as error:  # noqa: BLE001 - code of theirs: told to who asked
            said = " ".join(str(error).split())[:300]
            blobs = []
            told = json.dumps({"error": f"{type(error).__name__}: {said}" if said else type(error).__name__})
        answers.write(told.encode() + b"\n" + b"".join(blobs))
        answers.flush()


if __name__ == "__main__":
    main()
