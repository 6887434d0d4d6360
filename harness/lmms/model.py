"""Our backends as a model of lmms-eval: `python -m lmms_eval --model harness --model_args model=tiny,…`.

lmms-eval finds `manifest` by the entry point group `lmms_eval.models` and imports this module; the harness
itself never does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lmms_eval.api.instance import GenerationResult, Instance, TokenCounts
from lmms_eval.api.model import lmms
from lmms_eval.models.registry_v2 import ModelManifest

from harness.config import RunConfig, build
from harness.errors import HarnessError, UsageError, nearest
from harness.lmms.scoring import Said
from harness.progress import Progress
from harness.run.model import RunModel, spec_of
from harness.run.plan import request_seed
from harness.types import PixelLimits, Request, Sampling
from tasks.images import ImageError, ImageRef
from tasks.prompts import ImagePart, Part
from tasks.types import Response

ARGUMENTS = (
    *("model", "backend", "adapter", "processor", "revision", "dtype", "attention", "device", "batch_size"),
    *("allow_missing_weights", "trust_remote_code", "generation", "chat_template", "template_vars"),
    *("base_url", "api_key_env", "concurrency", "extra_body", "omit", "timeout", "max_retries"),
    *("requests_per_minute", "max_wait", "system_prompt", "min_pixels", "max_pixels", "seed"),
)
"""What `--model_args` may say: flags of `harness eval` with underscores. How long and how randomly to answer is
the task's to say, and `--gen_kwargs`'s."""
MAX_NEW_TOKENS = 1024
"""Where a task says nothing: as lmms-eval's models of servers have it."""
_REFUSED = {"num_beams": 1, "n": 1, "top_k": None, "repetition_penalty": 1, "stop_sequences": None}
"""Generation settings that our backends do not have → the value at which they mean nothing."""


def manifest() -> ModelManifest:
    """What lmms-eval registers."""
    return ModelManifest("harness", chat_class_path="harness.lmms.model.HarnessModel")


class HarnessModel(lmms):  # type: ignore[misc]  # lmms-eval is not typed
    """A model of `harness eval`, whatever its backend, asked what lmms-eval's tasks ask.

    Args:
        model: its name, see `harness.models.spec`.
        batch_size: requests in a batch at most; `auto` leaves it to the backend.
        device: as for `harness eval`.
        max_batch_size: not used: `auto` does not try sizes.
        given: others of `ARGUMENTS`.

    Raises:
        UsageError: an argument is unknown or does not fit, or there are several processes.
    """

    is_simple = False

    def __init__(
        self,
        model: str = "tiny",
        *,
        batch_size: int | str | None = None,
        device: str | None = None,
        max_batch_size: int | None = None,  # noqa: ARG002 - lmms-eval gives it to every model
        **given: Any,
    ) -> None:
        super().__init__()
        if (processes := int(os.environ.get("WORLD_SIZE", "1"))) > 1:
            raise UsageError(f"{processes} processes: start one; a backend of harness uses several GPUs itself")
        self._config = _config({"model": model, "batch_size": batch_size, "device": device, **given})
        self._progress = Progress()
        self._model = RunModel(spec_of(self._config), None, self._progress.say)

    def generate_until(self, requests: Sequence[Instance]) -> list[GenerationResult]:
        """Answer requests; a failed one with the text that lmms-eval's models give for one.

        Raises:
            HarnessError: the model cannot be loaded, or a prompt is none that it can be asked.
        """
        results = [_result(Response("", "error", error="the backend gave no answer"))] * len(requests)
        backend = self._model.load()
        with self._progress.stage("answering", len(requests)) as stage:
            for request, response in backend.generate(self._asked(requests)):
                index = int(request.key)
                until = requests[index].args[2].get("until")
                results[index] = _result(_cut(response, until))
                stage.advance()
        return results

    def _asked(self, instances: Sequence[Instance]) -> Iterator[Request]:
        times: dict[tuple[str, int], int] = {}
        for index, instance in enumerate(instances):
            _, doc_to_messages, settings, doc_id, task, split = instance.args
            where = f"{task} {doc_id}"
            time = times[task, doc_id] = times.get((task, doc_id), -1) + 1
            seed = request_seed(self._config.seed, f"{where} {time}")
            messages = doc_to_messages(self.task_dict[task][split][doc_id])
            system, parts, images = _prompt(where, messages)
            pixels = PixelLimits(self._config.min_pixels, self._config.max_pixels)
            system = system if self._config.system_prompt is None else self._config.system_prompt
            yield Request(str(index), parts, images, _sampling(where, settings, seed), pixels, system)

    def generate_until_multi_round(self, requests: Sequence[Instance]) -> list[str]:
        """Refused: a request here is one turn."""
        raise HarnessError(f"{_task_of(requests)}asks in several rounds, which --model harness does not")

    def loglikelihood(self, requests: Sequence[Instance]) -> list[tuple[float, bool]]:
        """Refused: backends give texts, not likelihoods."""
        raise HarnessError(f"{_task_of(requests)}asks for likelihoods, which --model harness does not give")

    def clean(self) -> None:
        """Free the model: lmms-eval has asked all that it asks."""
        self._model.close()
        super().clean()


def _config(given: Mapping[str, Any]) -> RunConfig:
    """The configuration that model arguments are."""
    for name in given:
        if name not in ARGUMENTS:
            raise UsageError(f"--model_args: unknown argument {name!r}{nearest(name, ARGUMENTS)}")
    values = {name: value for name, value in given.items() if value is not None}
    size = str(values.pop("batch_size", "auto"))
    if not size.startswith("auto"):
        values["batch_size"] = size
    if isinstance(values.get("template_vars"), str):
        values["template_vars"] = [values["template_vars"]]
    return build(values)


def _task_of(requests: Sequence[Instance]) -> str:
    return f"{requests[0].task_name} " if requests else ""


def _prompt(
    where: str, messages: Sequence[Mapping[str, Any]]
) -> tuple[str | None, tuple[Part, ...], tuple[ImageRef, ...]]:
    """(system prompt, parts, images) of lmms-eval's messages.

    Raises:
        HarnessError: they are no single turn of text and images.
    """
    system: str | None = None
    users: list[Mapping[str, Any]] = []
    for message in messages:
        if message["role"] == "system" and system is None and not users:
            system = "".join(part["text"] for part in _content(message))
        else:
            users.append(message)
    if [message["role"] for message in users] != ["user"]:
        raise HarnessError(f"{where}: a prompt of several turns, which --model harness does not ask")
    parts: list[Part] = []
    images: list[ImageRef] = []
    for part in _content(users[0]):
        if part["type"] == "text":
            parts.append(part["text"])
        elif part["type"] == "image":
            parts.append(ImagePart(len(images)))
            images.append(_image(where, part["url"]))
        else:
            raise HarnessError(f"{where}: the prompt holds {part['type']}, which --model harness cannot show")
    return system, tuple(parts), tuple(images)


def _content(message: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _image(where: str, value: Any) -> ImageRef:
    try:
        return ImageRef(value)
    except ImageError as error:
        raise HarnessError(f"{where}: {error}") from None


def _sampling(where: str, settings: Mapping[str, Any], seed: int) -> Sampling:
    """How a task wants its answers: as lmms-eval's models read it, a temperature above 0 samples.

    Raises:
        HarnessError: it wants what our backends do not have.
    """
    for name, neutral in _REFUSED.items():
        if settings.get(name, neutral) not in (neutral, None):
            raise HarnessError(
                f"{where}: generates with {name}={settings[name]}, which --model harness does not"
            )
    temperature = float(settings.get("temperature") or 0)
    top_p = float(settings.get("top_p") or 1)
    return Sampling(int(settings.get("max_new_tokens") or MAX_NEW_TOKENS), temperature, top_p, seed)


def _cut(response: Response, until: str | Sequence[str] | None) -> Response:
    """A response up to the first of the texts that end it.

    As in lmms-eval's Qwen models a blank line ends nothing: it is what a task that says nothing is given.
    """
    text = response.text
    for stop in [until] if isinstance(until, str) else until or ():
        if stop and stop != "\n\n":
            text = text.split(stop)[0]
    return response if text == response.text else replace(response, text=text, finish_reason="stop")


def _result(response: Response) -> GenerationResult:
    tokens = TokenCounts(response.prompt_tokens, response.completion_tokens)
    return GenerationResult(Said(response), tokens if response.error is None else None)
