"""What `vllm serve` is told, so that it answers as the other backends do."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.models.spec import CheckpointOptions, VLLMOptions
from harness.types import NO_LIMITS, PixelLimits

if TYPE_CHECKING:
    from harness.models.pixels import PixelRule

_NOT_TAKEN = {
    "processor": "vLLM takes the checkpoint's own: save the processor beside the weights",
    "attention": "give vLLM's own with --vllm-args='--attention-backend NAME'",
    "device": "choose GPUs with CUDA_VISIBLE_DEVICES",
    "allow_missing_weights": "vLLM loads a whole checkpoint or none",
}
"""Options that vLLM has no counterpart of, with what to do."""


_SHORT = {
    "-tp": "tensor-parallel-size",
    "-pp": "pipeline-parallel-size",
    "-dp": "data-parallel-size",
    "-dpa": "data-parallel-address",
    "-dpb": "data-parallel-backend",
    "-dpl": "data-parallel-size-local",
    "-dpp": "data-parallel-rpc-port",
    "-q": "quantization",
    "-cc": "compilation-config",
    "-ac": "attention-config",
    "-sc": "speculative-config",
}
"""Short names of vLLM's, with the long ones."""
_SAME_ANSWERS = frozenset(
    (
        *("tensor-parallel-size", "pipeline-parallel-size", "distributed-executor-backend"),
        *("data-parallel-size", "data-parallel-size-local", "data-parallel-address", "data-parallel-rpc-port"),
        *("data-parallel-backend", "api-server-count", "disable-custom-all-reduce"),
        *("gpu-memory-utilization", "kv-cache-memory-bytes", "max-num-seqs", "max-num-batched-tokens"),
        *("disable-log-stats", "enable-log-requests", "disable-uvicorn-access-log", "uvicorn-log-level"),
        *("download-dir", "max-parallel-loading-workers"),
    )
)
"""Arguments that say where and in which portions the same sums are made, what is logged, where files lie. They
move an answer only by rounding, as who shares a batch with it does, and are no part of a model's identity."""

_SECRET = {"api-key": "the server is for this run alone and needs none", "hf-token": "set HF_TOKEN"}
"""Arguments that no file of a run may hold, with what to do."""


def words_by_name(arguments: Sequence[str]) -> list[tuple[str, list[str]]]:
    """The words of a command line by the argument that they belong to, under its long name, in order."""
    found: list[tuple[str, list[str]]] = []
    for word in arguments:
        if re.match("--?[A-Za-z]", word):
            name = word.partition("=")[0]
            found.append((_SHORT.get(name) or _dashed(name.lstrip("-")), [word]))
        elif found:
            found[-1][1].append(word)
        else:
            raise UsageError(f"arguments of vllm serve begin with --, not with {word!r}")
    return found


def _dashed(name: str) -> str:
    """A flag's name as documented; after a dot it is a key's own."""
    flag, dot, key = name.partition(".")
    return flag.replace("_", "-") + dot + key


def flags(arguments: Sequence[str]) -> dict[str, str]:
    """`--name value` and `--name=value` of a command line, by name; a flag without a value has ""."""
    found: dict[str, str] = {}
    for name, (word, *values) in words_by_name(arguments):
        _, equals, value = word.partition("=")
        found[name] = value if equals or not values else values[0]
    return found


def own_arguments(options: VLLMOptions) -> list[str]:
    """The user's arguments of `vllm serve`: what a flag says counts over what `HARNESS_VLLM_ARGS` says.

    Raises:
        UsageError: they cannot be split into words, or two flags say the same.
    """
    given = _split("--vllm-args", options.vllm_args or "")
    for flag, size in (("tensor", options.tensor_parallel), ("data", options.data_parallel)):
        name = f"{flag}-parallel-size"
        if size is not None:
            if any(name == other for other, _ in given):
                raise UsageError(f"--{flag}-parallel and the --{name} of --vllm-args: give one of them")
            given.append((name, [f"--{name}", str(size)]))
    names = {name for name, _ in given}
    inherited = _split("HARNESS_VLLM_ARGS", os.environ.get("HARNESS_VLLM_ARGS", ""))
    kept = [(name, words) for name, words in inherited if name not in names]
    return [word for _, words in (*kept, *given) for word in words]


def _split(where: str, text: str) -> list[tuple[str, list[str]]]:
    try:
        found = words_by_name(shlex.split(text))
    except (ValueError, UsageError) as error:
        raise UsageError(f"{where}: {error}") from None
    for name, _ in found:
        if name in _SECRET:
            raise UsageError(f"{where}: --{name} would be written into run.json: {_SECRET[name]}")
    return found


def deciding(arguments: Sequence[str]) -> list[str]:
    """Those of some arguments that decide answers beyond rounding."""
    return [word for name, words in words_by_name(arguments) if name not in _SAME_ANSWERS for word in words]


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
    from harness.models.pixels import AS_STORED

    if rule == AS_STORED or limits == NO_LIMITS:
        return []
    bounds = rule.bounds(limits)
    size = {"shortest_edge": bounds.min_pixels, "longest_edge": bounds.max_pixels}
    return ["--mm-processor-kwargs", json.dumps({"size": size})]
