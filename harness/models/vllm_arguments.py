"""What `vllm serve` is told, so that it answers as the other backends do."""

from __future__ import annotations

import json

from harness.errors import UsageError
from harness.models.pixels import AS_STORED, PixelRule
from harness.models.spec import CheckpointOptions
from harness.types import NO_LIMITS, PixelLimits

_NOT_TAKEN = {
    "processor": "vLLM takes the checkpoint's own: save the processor beside the weights",
    "attention": "give vLLM's own with HARNESS_VLLM_ARGS='--attention-backend NAME'",
    "device": "choose GPUs with CUDA_VISIBLE_DEVICES",
    "allow_missing_weights": "vLLM loads a whole checkpoint or none",
}
"""Options that vLLM has no counterpart of, with what to do."""


def refuse_what_vllm_lacks(options: CheckpointOptions) -> None:
    """Raise `UsageError` for an option that would otherwise be dropped in silence."""
    for name, instead in _NOT_TAKEN.items():
        if getattr(options, name):
            raise UsageError(f"--{name.replace('_', '-')} is not for --backend vllm: {instead}")


def same_answers(given: dict[str, str], options: CheckpointOptions) -> list[str]:
    """Arguments by which sampling, template and code are what was asked for.

    Args:
        given: arguments of the user's own, by name: what they say is not said again.
        options: of the checkpoint.
    """
    # The checkpoint's file would fill in what a request leaves out, such as a repetition penalty. What it says
    # is sent with each request where the user asks for it.
    arguments = [] if "generation-config" in given else ["--generation-config", "vllm"]
    if options.trust_remote_code:
        arguments.append("--trust-remote-code")
    if options.template_vars:
        arguments += ["--default-chat-template-kwargs", json.dumps(dict(options.template_vars))]
    if options.chat_template is not None:
        arguments += ["--chat-template", options.chat_template]
    return arguments


def pixel_arguments(limits: PixelLimits, rule: PixelRule) -> list[str]:
    """Arguments by which the server leaves images at the size that they are sent at."""
    if rule == AS_STORED or limits == NO_LIMITS:
        return []
    bounds = rule.bounds(limits)
    size = {"shortest_edge": bounds.min_pixels, "longest_edge": bounds.max_pixels}
    return ["--mm-processor-kwargs", json.dumps({"size": size})]
