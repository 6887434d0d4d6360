"""Our backends as a model of lmms-eval: what it asks is asked, and what it cannot ask is one line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import PIL.Image
import pytest

from harness.data import load_rows
from harness.errors import HarnessError, UsageError
from harness.models import load, resolve
from harness.registry import Registry
from harness.types import PixelLimits, Request, Sampling
from tasks.images import ImageRef
from tasks.prompts import ImagePart
from tasks.types import Response

pytestmark = pytest.mark.skipif(find_spec("lmms_eval") is None, reason="lmms-eval is not installed")
PICTURE = PIL.Image.linear_gradient("L").convert("RGB")
TEXT = {"type": "text", "text": "What is it?"}


class Recorder:
    """A backend that keeps what it is asked, answers last things first, and forgets what it is told to."""

    name = "recorder"
    coords = None

    def __init__(self, answer: Callable[[Request], Response] | None = None, forgets: int | None = None) -> None:
        self.asked: list[Request] = []
        self.answer = answer or (lambda request: Response(f"answer {request.key}", "stop", 7, 2))
        self.forgets, self.closed = forgets, False

    def describe(self) -> dict[str, Any]:
        return {}

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Response]]:
        self.asked = list(requests)
        for request in reversed(self.asked):
            if request.key != str(self.forgets):
                yield request, self.answer(request)

    def close(self) -> None:
        self.closed = True


def model(backend: Recorder, **arguments: Any) -> Any:
    """Our model of lmms-eval, a recorder in place of its backend."""
    from harness.lmms.model import HarnessModel
    from harness.run.model import RunModel

    made = HarnessModel("mock", **arguments)
    made._model = RunModel(None, backend, print)
    return made


def instances(*messages: Any, **settings: Any) -> list[Any]:
    """A request of lmms-eval for each list of messages, with generation settings."""
    from lmms_eval.api.instance import Instance

    return [
        Instance(
            request_type="generate_until",
            arguments=("context", lambda doc: doc, dict(settings), index, "task", "test"),
            idx=0,
            metadata={"task": "task", "doc_id": index, "repeats": 1},
        )
        for index in range(len(messages))
    ]


def ask(backend: Recorder, *messages: Any, settings: Mapping[str, Any] | None = None, **arguments: Any) -> Any:
    made = model(backend, **arguments)
    made.task_dict = {"task": {"test": list(messages)}}
    return made.generate_until(instances(*messages, **settings or {}))


def user(*content: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(content)}]


def test_a_prompt_is_asked_as_lmms_eval_has_it() -> None:
    backend = Recorder()
    shown = {"type": "image", "url": PICTURE}
    several = [{"role": "system", "content": "Be brief."}, *user(shown, TEXT, shown, TEXT)]
    found = ask(backend, several, user(TEXT), max_pixels=90_000)
    first, second = backend.asked
    assert first.parts == (ImagePart(0), "What is it?", ImagePart(1), "What is it?")
    assert [image.picture().tobytes() for image in first.images] == [PICTURE.tobytes()] * 2
    assert first.system_prompt == "Be brief."
    assert first.pixels == PixelLimits(None, 90_000)
    assert (second.parts, second.images, second.system_prompt) == (("What is it?",), (), None)
    assert [(each.text, each.token_counts.input_tokens, each.token_counts.output_tokens) for each in found] == [
        ("answer 0", 7, 2),
        ("answer 1", 7, 2),
    ]


def test_a_system_prompt_of_the_model_counts() -> None:
    backend = Recorder()
    ask(backend, [{"role": "system", "content": [TEXT]}, *user(TEXT)], system_prompt="Be long.")
    assert backend.asked[0].system_prompt == "Be long."


@pytest.mark.parametrize(
    ("settings", "sampling"),
    [
        ({"until": ["\n\n"], "do_sample": False}, (1024, 0.0, 1.0)),
        ({"max_new_tokens": 16, "temperature": 0, "top_p": None, "num_beams": 1}, (16, 0.0, 1.0)),
        ({"max_new_tokens": 99, "temperature": 0.7, "top_p": 0.9, "do_sample": True}, (99, 0.7, 0.9)),
    ],
)
def test_a_task_says_how_to_generate(settings: dict[str, Any], sampling: tuple[Any, ...]) -> None:
    backend = Recorder()
    ask(backend, user(TEXT), settings=settings)
    asked = backend.asked[0].sampling
    assert (asked.max_new_tokens, asked.temperature, asked.top_p) == sampling


def test_repeated_requests_are_drawn_with_seeds_of_their_own() -> None:
    backend, seeds = Recorder(), []
    for seed in (0, 0, 1):
        made = model(backend, seed=seed)
        made.task_dict = {"task": {"test": [user(TEXT)]}}
        made.generate_until(instances(user(TEXT), temperature=1.0) * 3)
        seeds.append([request.sampling.seed for request in backend.asked])
    assert seeds[0] == seeds[1]
    assert len({*seeds[0], *seeds[2]}) == 6


@pytest.mark.parametrize(
    ("until", "text", "reason"),
    [
        (["\n\n"], "one\n\ntwo; three", "length"),
        (["\n\n", ";"], "one\n\ntwo", "stop"),
        ("two", "one\n\n", "stop"),
        ([], "one\n\ntwo; three", "length"),
        (None, "one\n\ntwo; three", "length"),
        (["", "none of it"], "one\n\ntwo; three", "length"),
    ],
)
def test_an_answer_ends_where_the_task_says(until: Any, text: str, reason: str) -> None:
    backend = Recorder(lambda request: Response("one\n\ntwo; three", "length"))
    [found] = ask(backend, user(TEXT), settings={"until": until})
    assert (found.text, found.text.response.finish_reason) == (text, reason)


def test_what_failed_is_said_as_lmms_eval_says_it() -> None:
    failing = Recorder(lambda request: Response("", "error", error="out of memory"))
    [found] = ask(failing, user(TEXT))
    assert (found.text, found.token_counts) == (
        "[LMMS_EVAL_REQUEST_FAILED after 0 retries] out of memory",
        None,
    )
    first, second = ask(Recorder(forgets=0), user(TEXT), user(TEXT))
    assert first.text == "[LMMS_EVAL_REQUEST_FAILED after 0 retries] the backend gave no answer"
    assert second.text == "answer 1"


@pytest.mark.parametrize(
    ("messages", "settings", "said"),
    [
        (user({"type": "video", "url": "a.mp4"}, TEXT), {}, "task 0: the prompt holds video"),
        ([*user(TEXT), {"role": "assistant", "content": [TEXT]}, *user(TEXT)], {}, "several turns"),
        (user({"type": "image", "url": 7}), {}, "task 0: not an image: int"),
        (user(TEXT), {"num_beams": 4}, "num_beams=4"),
        (user(TEXT), {"repetition_penalty": 1.2}, "repetition_penalty=1.2"),
    ],
)
def test_what_cannot_be_asked_is_refused(messages: Any, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(HarnessError, match=said):
        ask(Recorder(), messages, settings=settings)


def test_other_kinds_of_requests_are_refused() -> None:
    made = model(Recorder())
    with pytest.raises(HarnessError, match="task asks for likelihoods"):
        made.loglikelihood(instances(user(TEXT)))
    with pytest.raises(HarnessError, match="task asks in several rounds"):
        made.generate_until_multi_round(instances(user(TEXT)))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"model": "tinny"}, "did you mean 'tiny'"),
        ({"modle": "tiny"}, "unknown argument 'modle'; did you mean 'model'"),
        ({"temperature": 1}, "unknown argument 'temperature'"),
        ({"min_pixels": 9, "max_pixels": 4}, "is above max_pixels"),
    ],
)
def test_arguments_are_those_of_harness_eval(arguments: dict[str, Any], said: str) -> None:
    from harness.lmms.model import HarnessModel

    with pytest.raises(UsageError, match=said):
        HarnessModel(**arguments)


def test_its_command_line_s_words_become_settings() -> None:
    from harness.lmms.model import HarnessModel

    given = "model=tiny,template_vars=enable_thinking=false,max_pixels=90000,dtype=float32"
    made = HarnessModel.create_from_arg_string(
        given, {"batch_size": "4", "device": None, "max_batch_size": None}
    )
    assert made._config.batch_size == 4
    assert made._config.template_vars == {"enable_thinking": False}
    assert (made._config.max_pixels, made._config.dtype) == (90_000, "float32")
    assert HarnessModel("tiny", batch_size="auto:2")._config.batch_size is None
    assert not made._model.loaded


def test_one_process_only(monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.lmms.model import HarnessModel

    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="2 processes: start one"):
        HarnessModel()


def test_a_finished_evaluation_frees_the_model() -> None:
    from harness.lmms.model import HarnessModel

    made = HarnessModel("mock")
    backend = made._model.load()
    made.clean()
    assert backend is not None
    assert not made._model.loaded


def test_the_entry_point_is_a_manifest_of_a_chat_model(lmms_cli: ModuleType) -> None:
    module, _, name = lmms_cli.entry_point().partition(":")
    manifest = getattr(import_module(module), name)()
    where, _, name = manifest.chat_class_path.rpartition(".")
    found = getattr(import_module(where), name)
    assert (manifest.model_id, found.is_simple) == ("harness", False)


def local_task(folder: Path, name: str, rows: list[dict[str, Any]]) -> None:
    """A task of lmms-eval's own on local rows: its own file, another data set."""
    import datasets
    import lmms_eval

    table = datasets.Dataset.from_list(rows).cast_column("image", datasets.Image())
    folder.mkdir(exist_ok=True)
    table.to_parquet(str(folder / f"{name}.parquet"))
    own = Path(lmms_eval.__file__).parent / "tasks" / name / f"{name}.yaml"
    changed = f"include: {own}\ntask: local_{name}\ndataset_path: parquet\ndataset_kwargs:\n  data_files:\n"
    (folder / f"local_{name}.yaml").write_text(f"{changed}    test: {name}.parquet\n")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_tiny_answers_tasks_of_lmms_eval_by_its_command_line(tmp_path: Path, lmms_cli: ModuleType) -> None:
    pictures = {}
    for name in ("ai2d", "chartqa"):
        rows = [dict(row) for row in load_rows(Registry().get(name), "synthetic", limit=5)]
        for row in rows:
            row["image"] = {"bytes": ImageRef(row["image"]).data, "path": None}
        pictures[f"local_{name}"] = [ImageRef(row["image"]) for row in rows]
        local_task(tmp_path / "tasks", name, rows)
    results, logs = lmms_cli.run(tmp_path / "tasks", ",".join(pictures), tmp_path / "work")
    backend = load(resolve("tiny"))
    for name, images in pictures.items():
        assert len(logs[name]) == len(images) == 5
        for line, image in zip(logs[name], images, strict=True):
            request = Request("", (ImagePart(0), line["input"]), (image,), Sampling(16))
            [(_, response)] = backend.generate([request])
            assert [response.text] == _texts(line.get("resps", line["filtered_resps"]))
            assert line["token_counts"][0]["output_tokens"] == response.completion_tokens
    assert 0 <= results["results"]["local_ai2d"]["exact_match,flexible-extract"] <= 1
    assert 0 <= results["results"]["local_chartqa"]["relaxed_overall,none"] <= 1
    print(json.dumps({name: results["results"][name] for name in pictures}, default=str))


def _texts(said: Any) -> list[str]:
    """The texts in what a sample log holds, however nested."""
    return [said] if isinstance(said, str) else [text for each in said for text in _texts(each)]
