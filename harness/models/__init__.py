"""Models: what a name means (`spec`), how a family writes coordinates (`families`), and the backends.

Each backend answers requests behind `harness.types.Backend`: `hf`, `vllm`, `openai`, `mock`. `loading` imports
only the one that is asked for, so that nothing here needs torch before a model does.
"""

from harness.models.families import family_coords, named_coords
from harness.models.identity import identify
from harness.models.loading import load
from harness.models.spec import (
    BACKENDS,
    BUILTIN,
    CheckpointOptions,
    JudgeOptions,
    ModelSpec,
    ReplicaOptions,
    ServerOptions,
    VLLMOptions,
    entry_points,
    resolve,
    tiny_path,
)

__all__ = [
    "BACKENDS",
    "BUILTIN",
    "CheckpointOptions",
    "JudgeOptions",
    "ModelSpec",
    "ReplicaOptions",
    "ServerOptions",
    "VLLMOptions",
    "entry_points",
    "family_coords",
    "identify",
    "load",
    "named_coords",
    "resolve",
    "tiny_path",
]
