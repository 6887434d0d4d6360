"""Compares the hf backend with transformers' own path, request by request.

python tests/family_checks.py FOLDER …       one line a checkpoint: equal n of 12, or why it is refused
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import PIL.Image
import PIL.ImageDraw
import torch
from transformers import AutoProcessor, GenerationConfig

from harness.errors import HarnessError
from harness.models.hf import HFBackend
from harness.models.processors import load_processor
from harness.types import Request, Sampling
from tasks.images import ImageRef
from tasks.prompts import ImagePart
from tasks.types import Response


def _drawn(width: int, height: int, colour: str) -> ImageRef:
    picture = PIL.Image.new("RGB", (width, height), "white")
    draw = PIL.ImageDraw.Draw(picture)
    draw.rectangle((width // 5, height // 4, width // 2, height * 3 // 4), fill=colour)
    draw.ellipse((width // 2, height // 3, width - 5, height - 6), outline=colour)
    return ImageRef(picture)


_SQUARE, _WIDE, _TALL = _drawn(160, 128, "red"), _drawn(300, 100, "blue"), _drawn(90, 240, "green")
_SMALL, _LARGE, _ODD = _drawn(64, 64, "black"), _drawn(500, 400, "orange"), _drawn(37, 211, "purple")
_LONG = "Answer the question using a single word or phrase. How many bars are there, and of what colour? " * 3
_FIRST, _SECOND, _THIRD = ImagePart(0), ImagePart(1), ImagePart(2)


def requests() -> list[Request]:
    """One image, several, none; with a system prompt; of different lengths, places of the image and limits."""
    asked: list[tuple[tuple[Any, ...], tuple[ImageRef, ...], int, str | None]] = [
        ((_FIRST, "What shape is this?"), (_SQUARE,), 12, None),
        ((_FIRST, _LONG), (_WIDE,), 12, None),
        (("What colour is this? ", _FIRST), (_TALL,), 7, None),
        ((_FIRST, "A. star B. square"), (_LARGE,), 16, None),
        ((_FIRST, _SECOND, "Which picture shows a blue shape?"), (_SMALL, _WIDE), 12, None),
        (("First ", _FIRST, " then ", _SECOND, " and ", _THIRD, "?"), (_ODD, _SQUARE, _TALL), 12, None),
        (("What is 1 + 1?",), (), 12, None),
        (("Answer with the option's letter. A. star B. square",), (), 9, None),
        ((_FIRST, "How many?"), (_SMALL,), 1, None),
        ((_FIRST, "What colour is this?"), (_TALL,), 12, "You are a helpful assistant."),
        ((_FIRST, _SECOND, "Which?"), (_SQUARE, _TALL), 12, "Be brief."),
        (("What is 2 + 2?",), (), 12, "Be brief."),
    ]
    return [
        Request(str(number), parts, images, Sampling(limit), system_prompt=system)
        for number, (parts, images, limit, system) in enumerate(asked)
    ]


@dataclass
class Comparison:
    """How often a backend did what transformers does by itself."""

    equal: int = 0
    different: list[str] = field(default_factory=list)


class _Recording(HFBackend):
    """Keeps the tokens of every answer."""

    def _response(self, prompt: Any, row: list[int], prompt_tokens: int, shown: Any) -> Response:
        response = super()._response(prompt, row, prompt_tokens, shown)
        self.rows[prompt.request.key] = row[: response.completion_tokens - (response.finish_reason == "stop")]
        return response

    rows: dict[str, list[int]]


def compare(folder: Path) -> Comparison:
    """Ask all requests, those without a system prompt as one stream, and each by transformers alone."""
    backend = _Recording(str(folder), coords="norm1000")
    backend.rows = {}
    processor = _reference_processor(folder)
    asked = requests()
    got: dict[str, Response | Exception] = {}
    for group in (
        [one for one in asked if not one.system_prompt],
        *([one] for one in asked if one.system_prompt),
    ):
        try:
            got |= {request.key: response for request, response in backend.generate(group)}
        except HarnessError as error:
            got |= {request.key: error for request in group}
    comparison = Comparison()
    for request in asked:
        said = _difference(backend, processor, request, got[request.key])
        comparison.equal += not said
        if said:
            comparison.different.append(f"{request.key}: {said}")
    return comparison


def _reference_processor(folder: Path) -> Any:
    """The processor as transformers makes it; without torchvision, where that needs it, as we do."""
    try:
        processor = AutoProcessor.from_pretrained(folder, trust_remote_code=False)
    except (ImportError, RecursionError):
        processor = load_processor(folder)
    processor.chat_template = processor.chat_template or processor.tokenizer.chat_template
    return processor


def _difference(backend: _Recording, processor: Any, request: Request, ours: Response | Exception) -> str:
    """What differs; empty where nothing does, also where both refuse."""
    refused = str(ours) if isinstance(ours, Exception) else ours.error
    try:
        inputs = _inputs(processor, request)
        tokens = _tokens(backend, dict(inputs), request.sampling.max_new_tokens)
    except Exception as error:  # noqa: BLE001 - whatever transformers' own path says to such a request
        return "" if refused else f"only transformers refuses it: {error}"
    if refused:
        return f"refused: {refused}"
    prompter = backend._prompter
    mine = dict(prompter.batch([prompter.read(request)]).inputs)
    names = {name for name in mine.keys() | inputs.keys() if not _same(mine.get(name), inputs.get(name))}
    if names:
        return f"inputs differ: {', '.join(sorted(names))}"
    if backend.rows[request.key] != tokens:
        return f"tokens: {backend.rows[request.key]} and {tokens}"
    whole = prompter.chat.whole(prompter.read(request).text, Response(prompter.chat.decode(tokens), "stop"))
    assert isinstance(ours, Response)
    return "" if ours.text == whole.text else f"text: {ours.text!r} and {whole.text!r}"


def _inputs(processor: Any, request: Request) -> Any:
    pictures = [image.picture() for image in request.images]
    if processor.chat_template is None:
        if request.system_prompt:
            raise ValueError("no place for a system prompt")
        text = "".join(part for part in request.parts if isinstance(part, str))
        return processor(text=text, images=[pictures] if pictures else None, return_tensors="pt")
    content = [
        {"type": "image", "image": pictures[part.index]}
        if isinstance(part, ImagePart)
        else {"type": "text", "text": part}
        for part in request.parts
    ]
    messages = [{"role": "user", "content": content}]
    if request.system_prompt:
        messages.insert(0, {"role": "system", "content": [{"type": "text", "text": request.system_prompt}]})
    return processor.apply_chat_template(
        messages, tokenize=True, return_dict=True, add_generation_prompt=True, return_tensors="pt"
    )


def _tokens(backend: HFBackend, inputs: dict[str, Any], limit: int) -> list[int]:
    """The greedy answer, without what the checkpoint's generation_config adds, up to its end."""
    model = backend.model
    own = model.generation_config
    ids = ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id")
    model.generation_config = GenerationConfig(**{name: getattr(own, name) for name in ids})
    try:
        with torch.inference_mode():
            output = model.generate(**inputs, max_new_tokens=limit, do_sample=False)
    finally:
        model.generation_config = own
    start = 1 if model.config.is_encoder_decoder else inputs["input_ids"].shape[1]
    row: list[int] = output[0, start:].tolist()
    ends = (index for index, token in enumerate(row) if token in backend._generator.ends)
    return row[: next(ends, len(row))]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def main(folders: list[str]) -> None:
    """Print a line for each checkpoint."""
    for folder in map(Path, folders):
        try:
            comparison = compare(folder)
        except HarnessError as error:
            print(f"{folder.name}: refused: {error}", flush=True)
            continue
        print(f"{folder.name}: equal on {comparison.equal} of 12", *comparison.different, sep="; ", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
