"""A checkpoint's chat template and tokenizer: request → prompt, generated tokens → response."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.models.opened import with_opening
from harness.types import Request, Sampling
from scorers.read.normalise import STANDARD, Delimiters, opened_thinking
from tasks.prompts import ImagePart
from tasks.types import Response


class Chat:
    """Renders prompts and decodes responses.

    Args:
        renderer: a processor or a tokenizer: what has `apply_chat_template`.
        tokenizer: the checkpoint's.
        delimiters: by which thinking and answers are known.
        variables: values for the template's variables (`enable_thinking`, or another `chat_template`).
    """

    def __init__(
        self,
        renderer: Any,
        tokenizer: Any,
        delimiters: Delimiters = STANDARD,
        variables: Mapping[str, Any] | None = None,
    ) -> None:
        self._renderer, self._tokenizer = renderer, tokenizer
        self._delimiters, self._variables = delimiters, dict(variables or {})
        added = tokenizer.added_tokens_decoder.items()
        special = {index: token.content for index, token in added if token.special}
        self._control = [text for text in special.values() if len(text) > 1]
        self.marks = _marks(special, delimiters)
        """Special tokens that delimit thinking, answers or boxes: a response keeps them."""
        self._dropped = special.keys() - self.marks

    def render(self, request: Request) -> str:
        """The prompt of a request, up to where the model goes on."""
        content = [
            {"type": "image"} if isinstance(part, ImagePart) else {"type": "text", "text": self._plain(part)}
            for part in request.parts
        ]
        messages: list[dict[str, Any]] = [{"role": "user", "content": content}]
        if request.system_prompt:
            system = {"type": "text", "text": self._plain(request.system_prompt)}
            messages.insert(0, {"role": "system", "content": [system]})
        return str(
            self._renderer.apply_chat_template(
                messages, add_generation_prompt=True, tokenize=False, **self._variables
            )
        )

    def _plain(self, text: str) -> str:
        """Text whose control tokens are broken up, so that a question cannot pose as an image or a turn."""
        text = text.encode("utf-8", "replace").decode("utf-8")
        for token in self._control:
            if token in text:
                text = text.replace(token, f"{token[:1]} {token[1:]}")
        return text

    def decode(self, tokens: Sequence[int]) -> str:
        """Generated tokens as text, without special ones; those that delimit thinking or an answer stay."""
        if self.marks:
            tokens = [token for token in tokens if token not in self._dropped]
        text = self._tokenizer.decode(
            tokens, skip_special_tokens=not self.marks, clean_up_tokenization_spaces=False
        )
        return str(text)

    def whole(self, prompt: str, response: Response) -> Response:
        """A response with the thinking that the end of its prompt opened."""
        return with_opening(response, opened_thinking(prompt, self._delimiters), self._delimiters)

    def opening(self) -> dict[str, str]:
        """Thinking that the template opens, for a model's description; empty where it opens none.

        Old responses without it then belong to another model: they are not continued.
        """
        opened = opened_thinking(self.render(Request("", ("?",), (), Sampling(1))), self._delimiters)
        return {"template_opens": opened} if opened else {}


def _marks(special: Mapping[int, str], delimiters: Delimiters) -> set[int]:
    """Of the special tokens those that make up delimiters of which a model has both halves.

    A turn may end with what closes another family's thinking (`<|end|>`).
    """
    marks: set[int] = set()
    for pair in (*delimiters.thinking, *delimiters.answer, *delimiters.box):
        halves = [
            {index for index, text in special.items() if len(text) > 1 and text.strip().lower() in half.lower()}
            for half in pair
        ]
        if all(halves):
            marks.update(*halves)
    return marks
