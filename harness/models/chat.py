"""A checkpoint's chat template and tokenizer: request → prompt, generated tokens → response."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from jinja2 import TemplateError

from harness.errors import UsageError
from harness.models.opened import with_opening
from harness.types import Request, Sampling
from scorers.read.normalise import STANDARD, Delimiters, opened_thinking
from tasks.prompts import ImagePart, Part
from tasks.types import Response

_PROBE, _ROLE = "Which of these is it?", "You are brief."
_PROBE_SAMPLING = Sampling(1)


class Chat:
    """Renders prompts and decodes responses.

    Args:
        renderer: a processor or a tokenizer: what has `apply_chat_template`.
        tokenizer: the checkpoint's.
        delimiters: by which thinking and answers are known.
        variables: values for the template's variables (`enable_thinking`, or another `chat_template`).
        plain: there is no template: a prompt is its text, and the processor puts the images in.
    """

    def __init__(
        self,
        renderer: Any,
        tokenizer: Any,
        delimiters: Delimiters = STANDARD,
        variables: Mapping[str, Any] | None = None,
        *,
        plain: bool = False,
    ) -> None:
        self._renderer, self._tokenizer = renderer, tokenizer
        self._delimiters, self._variables = delimiters, dict(variables or {})
        self.plain = plain
        self._image_text: str | None = None
        """What stands for an image in a template that takes strings only."""
        self._roles_checked = False
        added = tokenizer.added_tokens_decoder.items()
        special = {index: token.content for index, token in added if token.special}
        self._control = [text for text in special.values() if len(text) > 1]
        self.marks = _marks(special, delimiters)
        """Special tokens that delimit thinking, answers or boxes: a response keeps them."""
        self._dropped = special.keys() - self.marks

    def check(self, image_token: str = "") -> None:
        """Find out what the template takes, and that it leaves nothing out.

        Args:
            image_token: what stands for an image in a prompt, for templates that take text only.

        Raises:
            UsageError: there is no template, or it takes no text, or shows no images.
        """
        if self.plain:
            return
        template = self._template()
        for name in self._variables:
            if name != "chat_template" and not re.search(rf"\b{re.escape(name)}\b", template):
                raise UsageError(f"--template-var {name}: the chat template has no such variable")
        if not self._takes_parts():
            if not image_token:
                raise UsageError(
                    "the chat template takes text only: --chat-template FILE gives one with images"
                )
            self._image_text = image_token
        asked = Request("", (_PROBE,), (), _PROBE_SAMPLING)
        if _PROBE not in (text := self.render(asked)):
            raise UsageError(
                "the chat template leaves out what is asked: give another with --chat-template FILE"
            )
        if self.render(replace(asked, parts=(ImagePart(0), _PROBE))) == text:
            raise UsageError("the chat template shows no images: --chat-template FILE gives another")

    def _template(self) -> str:
        """The text of the template that is rendered.

        Raises:
            UsageError: there is none, or there are several and none is the default.
        """
        own = getattr(self._renderer, "chat_template", None)
        given = self._variables.get("chat_template")
        if isinstance(own, dict):
            name = given or "default"
            if name not in own and given is None:
                raise UsageError(
                    f"the checkpoint has several chat templates: --template-var chat_template={'|'.join(own)}"
                )
            return str(own.get(name, given))
        if given is None and own is None:
            raise UsageError(
                "the checkpoint has no chat template: give one with --chat-template FILE "
                "(a model that was never tuned to instructions has none)"
            )
        return str(given or own)

    def _takes_parts(self) -> bool:
        """Whether the template takes a message as a list of texts and images, and not as one string only."""
        try:
            text = self._apply([{"role": "user", "content": [{"type": "text", "text": _PROBE}]}])
        except (TemplateError, TypeError):
            return False
        written_out = any(f"{quote}text{quote}: {quote}{_PROBE}{quote}" in text for quote in "'\"")
        return _PROBE in text and not written_out

    def render(self, request: Request) -> str:
        """The prompt of a request, up to where the model goes on.

        Raises:
            UsageError: the template refuses it, or has no place for a system prompt.
        """
        if self.plain:
            if request.system_prompt:
                raise UsageError("--system-prompt: the checkpoint has no chat template, so no place for one")
            return "".join(self._plain(part) for part in request.parts if isinstance(part, str))
        messages = [{"role": "user", "content": self._content(request.parts)}]
        if request.system_prompt:
            self._check_roles()
            messages.insert(0, {"role": "system", "content": self._content((request.system_prompt,))})
        try:
            return self._apply(messages)
        except TemplateError as error:
            raise UsageError(f"the chat template refuses the prompt: {error}") from error

    def _apply(self, messages: list[dict[str, Any]]) -> str:
        return str(
            self._renderer.apply_chat_template(
                messages, add_generation_prompt=True, tokenize=False, **self._variables
            )
        )

    def _content(self, parts: Sequence[Part]) -> str | list[dict[str, str]]:
        """The content of a message, in the form that the template takes."""
        if self._image_text is not None:
            texts = (self._image_text if isinstance(part, ImagePart) else self._plain(part) for part in parts)
            return "\n".join(texts)
        return [
            {"type": "image"} if isinstance(part, ImagePart) else {"type": "text", "text": self._plain(part)}
            for part in parts
        ]

    def _check_roles(self) -> None:
        """Refuse a system prompt that the template would leave out, or refuses itself."""
        if self._roles_checked:
            return
        turns = (("system", _ROLE), ("user", _PROBE))
        messages = [{"role": role, "content": self._content((text,))} for role, text in turns]
        try:
            kept = _ROLE in self._apply(messages)
            reason = "leaves it out"
        except TemplateError as error:
            kept, reason = False, f"refuses it ({error})"
        if not kept:
            raise UsageError(f"--system-prompt: the chat template {reason}; without one it can be asked")
        self._roles_checked = True

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
