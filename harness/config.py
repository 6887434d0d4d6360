"""What a run is asked to do: flags, a TOML file and the Python API fill the same `RunConfig`."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_serializer,
    field_validator,
    model_validator,
)

from harness.control import CONTROLS, Control
from harness.delimiters import read_delimiters
from harness.errors import UsageError, nearest
from harness.models.asking import read_asking
from harness.models.spec import BUILTIN, JudgeOptions
from harness.shards import Shard
from harness.types import PixelLimits
from harness.urls import without_secrets
from scorers.read.normalise import STANDARD, Delimiters
from scorers.types import Coords
from tasks.types import Style

SYNTHETIC_LIMIT = 300
"""Samples a task of synthetic data, which have no end, where no `--limit` is given."""


class RunConfig(BaseModel):
    """The resolved configuration of an evaluation; field names are the flags' with underscores."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = "tiny"
    suite: str | None = None
    """`all` or a category; None: the tasks named, else all 18."""
    tasks: tuple[str, ...] | None = None
    data: str = ""
    """`hub`, `synthetic` or a directory; by default `synthetic` for `tiny` and `mock`, else `hub`."""
    split: str | None = None
    """Of the benchmarks' data; None: each task's usual one."""
    limit: int | None = Field(None, ge=1)
    """Samples a task; groups that stand or fall together are kept whole."""
    shard: Shard | None = None
    """The part of the samples that is asked, as "2/8"; None: all of them."""
    out: str | None = None
    """The run's directory; by default `runs/<model>-<tasks>-<data>`, see `run_dir`."""
    backend: str | None = None
    base_url: str | None = None
    """Up to `/v1`; several servers of one model with commas between."""
    extra_body: dict[str, Any] = Field(default_factory=dict)
    """More fields of every request to a server; as JSON on the command line."""
    omit: tuple[str, ...] = ()
    """Fields left out of every request to a server."""
    timeout: float | None = Field(None, gt=0)
    """Seconds for one attempt of a request to a server."""
    max_retries: int | None = Field(None, ge=0)
    requests_per_minute: float | None = Field(None, gt=0)
    max_wait: float | None = Field(None, ge=0)
    """Seconds that a server may be down before it is given up."""
    vllm_args: str | None = None
    """Further arguments of `vllm serve`, as on a command line."""
    tensor_parallel: int | None = Field(None, ge=1)
    """GPUs that share each layer of the model, of `vllm serve`."""
    data_parallel: int | None = Field(None, ge=1)
    """Copies of the model that `vllm serve` shares the requests among."""
    adapter: str | None = None
    processor: str | None = None
    attention: str | None = None
    device: str | None = None
    allow_missing_weights: bool = False
    trust_remote_code: bool = False
    generation: Literal["harness", "checkpoint"] = "harness"
    """Whose sampling settings count: ours, or those of the checkpoint's `generation_config.json`."""
    chat_template: str | None = None
    """A Jinja2 file in place of the checkpoint's chat template."""
    template_vars: dict[str, Any] = Field(default_factory=dict)
    """Values for variables of the chat template; `NAME=VALUE` on the command line, VALUE as JSON or text."""
    allow_image_urls: bool = False
    """Fetch images that rows give as http(s) addresses."""
    allow_outside_images: bool = False
    """Read images of a data directory that lie outside it."""
    api_key_env: str | None = None
    """The environment variable that holds the server's key."""
    concurrency: int | None = Field(None, ge=1)
    replicas: int | None = Field(None, ge=1)
    """Processes of Ray that each load the model."""
    ray_address: str | None = None
    """Of a Ray cluster; by default Ray is started on this machine for the run."""
    gpus_per_replica: float | None = Field(None, ge=0)
    """By default one where the cluster has any."""
    prompt: Style = "direct"
    prompt_template: str | None = None
    """A Jinja2 file in place of every task's own template."""
    system_prompt: str | None = None
    coords: Coords | None = None
    """How the model writes coordinates; by default its family's convention."""
    epochs: int = Field(1, ge=1)
    """Responses to each sample."""
    temperature: float = Field(0.0, ge=0)
    top_p: float = Field(1.0, gt=0, le=1)
    max_new_tokens: int | None = Field(None, ge=1)
    """By default each task's own limit for the prompt style."""
    seed: int = 0
    min_pixels: int | None = Field(None, ge=1)
    max_pixels: int | None = Field(None, ge=1)
    dtype: str | None = None
    revision: str | None = None
    batch_size: int | None = Field(None, ge=1)
    task_file: tuple[str, ...] = ()
    delimiters: Delimiters | None = None
    """What models write around thinking and answers, beside the standard: given as a TOML file or a table."""
    images: bool = True
    """Keep small copies of what was shown."""
    failure_budget: float = Field(0.01, ge=0, le=1)
    """The share of a task's samples that may get no verdict before the run ends with exit 3."""
    judge_url: str | None = None
    """Of a judge model's server, up to `/v1`; None: no judge is asked."""
    judge_model: str | None = None
    judge_key_env: str | None = None
    """The environment variable that holds the key of the judge's server."""
    judge_timeout: float | None = Field(None, gt=0)
    """Seconds for one attempt of a request to the judge."""
    permute_images: bool = False
    """A control: shuffle the images across samples, to see what is answered without the right picture."""
    hide_images: bool = False
    """A control: show no image."""
    shuffle_options: bool = False
    """A control: list the options in another order, a sample's own, by the seed."""
    fresh: bool = False
    """Start over where the directory already holds a run."""

    @field_validator("tasks", "task_file", "omit", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("model", "adapter", "processor", "data", "out", "prompt_template", "chat_template")
    @classmethod
    def _home(cls, value: str | None) -> str | None:
        """`~` as a shell would have read it, had it stood alone."""
        return os.path.expanduser(value) if value is not None else None

    @field_validator("extra_body", mode="before")
    @classmethod
    def _object(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError as error:
            raise ValueError(f"not JSON: {error}") from None

    @field_validator("template_vars", mode="before")
    @classmethod
    def _assignments(cls, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        values = {}
        for text in value:
            name, equals, said = str(text).partition("=")
            if not equals or not name.isidentifier():
                raise ValueError(f"{text!r} is not NAME=VALUE")
            try:
                values[name] = json.loads(said)
            except ValueError:
                values[name] = said
        return values

    @field_validator("delimiters", mode="before")
    @classmethod
    def _own_delimiters(cls, value: Any) -> Any:
        return read_delimiters(value) if isinstance(value, str | Path | Mapping) else value

    @field_validator("shard", mode="before")
    @classmethod
    def _part(cls, value: Any) -> Any:
        return Shard.parse(value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _consistent(self) -> RunConfig:
        if self.suite is not None and self.tasks is not None:
            raise ValueError("suite and tasks exclude each other: give one")
        if self.generation == "checkpoint" and (self.temperature or self.top_p != 1):
            raise ValueError("generation checkpoint takes the checkpoint's temperature and top_p: give neither")
        if self.min_pixels and self.max_pixels and self.min_pixels > self.max_pixels:
            raise ValueError(f"min_pixels ({self.min_pixels}) is above max_pixels ({self.max_pixels})")
        if self.split is not None and self.data_source == "synthetic":
            raise ValueError("synthetic data have no splits: give --data hub or a directory")
        judge_options(dict(self))
        if self.shard is not None and self.permute_images:
            raise ValueError("permute_images shuffles the images across all samples: it excludes shard")
        controls = [name for name in CONTROLS if getattr(self, name)]
        if len(controls) > 1:
            raise ValueError(f"{controls[0]} and {controls[1]} exclude each other: a control changes one thing")
        return self

    @field_serializer("shard")
    def _as_text(self, value: Shard | None) -> str | None:
        return str(value) if value is not None else None

    @field_serializer("base_url", "judge_url")
    def _without_secrets(self, value: str | None) -> str | None:
        return without_secrets(value) if value is not None else None

    @property
    def data_source(self) -> str:
        """Where rows come from, the default filled in."""
        if self.data:
            return self.data
        return "synthetic" if self.model.partition(":")[0] in ("tiny", "mock") else "hub"

    @property
    def judge(self) -> JudgeOptions | None:
        """The judge to ask; None: none."""
        return judge_options(dict(self))

    @property
    def greedy(self) -> bool:
        """Whether each request has one answer, however often it is asked, as far as the settings decide it."""
        sent = 1.0 if "temperature" in self.omit else self.extra_body.get("temperature", self.temperature)
        return self.generation == "harness" and sent == 0

    @property
    def control(self) -> Control | None:
        """What is changed on purpose; None: nothing."""
        return next((name for name in CONTROLS if getattr(self, name)), None)

    @property
    def pixels(self) -> PixelLimits:
        """The bounds on images."""
        return PixelLimits(self.min_pixels, self.max_pixels)

    @property
    def all_delimiters(self) -> Delimiters:
        """By which responses are read: the standard ones and the user's."""
        return STANDARD + self.delimiters if self.delimiters is not None else STANDARD

    @property
    def run_dir(self) -> Path:
        """Where the run lies: the same command finds it again.

        A folder's name says little (`checkpoint-500`, `model`): the folder that it lies in and six digits of
        its path's hash make it that one's, however it is spelled.
        """
        if self.out is not None:
            return Path(self.out)
        if self.tasks is not None:
            chosen = "+".join(self.tasks) if len(self.tasks) <= 3 else f"{self.tasks[0]}+{len(self.tasks) - 1}"
        else:
            chosen = self.suite or "all"
        data = self.data_source
        source = data if data in ("hub", "synthetic") else Path(data).resolve().name
        if data == source and self.tasks:
            from harness.lmms import PREFIX

            if all(task.startswith(PREFIX) for task in self.tasks):
                source = "own"  # a task of lmms-eval brings its data set
        served = self.base_url is not None or self.backend == "openai"
        model = "+".join(_run_name(name, served=served) for name in (self.model, self.adapter) if name)
        split = [self.split] if self.split is not None else []
        style = ["think"] if self.prompt == "think" else []
        changed = [self.control.replace("_", "-")] if self.control is not None else []
        part = [f"shard{self.shard.index}of{self.shard.count}"] if self.shard is not None else []
        name = "-".join([model, chosen, source, *split, *style, *changed, *part])
        return Path("runs") / re.sub(r"[^\w.+=-]+", "_", name)

    def template(self) -> str | None:
        """The text of the user's prompt template.

        Raises:
            UsageError: the file cannot be read.
        """
        return _text("--prompt-template", self.prompt_template)

    def chat_template_text(self) -> str | None:
        """The text of the user's chat template.

        Raises:
            UsageError: the file cannot be read.
        """
        return _text("--chat-template", self.chat_template)


def _run_name(model: str, *, served: bool) -> str:
    """What a run is called after its model: a hub's or server's name without its owner, or a folder."""
    if served or model in BUILTIN or not os.path.isdir(model):
        return model.rstrip("/").split("/")[-1]
    folder = Path(model).resolve()
    where = hashlib.sha256(os.fsencode(folder)).hexdigest()[:6]
    return "-".join([*filter(None, [folder.parent.name]), folder.name, where])


def _text(flag: str, path: str | None) -> str | None:
    if path is None:
        return None
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{flag} {path}: {error}") from None


def build(given: Mapping[str, Any], file: str | Path | None = None) -> RunConfig:
    """A configuration from what was given, over what a TOML file says, over the defaults.

    A folder that `harness train` wrote is asked as it was in training where nothing else is said.

    Args:
        given: values by field name; what is absent is not given.
        file: TOML with the same keys, dashes or underscores.

    Raises:
        UsageError: a key is unknown or a value does not fit, in one line.
    """
    values = _from_toml(Path(file)) if file is not None else {}
    if "tasks" in given or "suite" in given:
        values.pop("tasks", None)
        values.pop("suite", None)
    values |= given
    for key in values:
        if key not in RunConfig.model_fields:
            raise UsageError(f"unknown configuration key {key!r}{nearest(key, RunConfig.model_fields)}")
    try:
        return RunConfig(**(as_trained(values) | values))
    except ValidationError as error:
        first = error.errors()[0]
        where = "-".join(str(part) for part in first["loc"][:1]).replace("_", "-")
        message = first["msg"].removeprefix("Value error, ")
        said = f" (given: {first['input']!r})" if where else ""
        raise UsageError(f"{where + ': ' if where else ''}{message}{said}") from None


def judge_options(given: Mapping[str, Any]) -> JudgeOptions | None:
    """The judge that settings name by the fields of `RunConfig`; None where they name none.

    Raises:
        ValueError: one of its settings lacks the others.
    """
    url, model, key_env, timeout = (
        given.get(f"judge_{name}") for name in ("url", "model", "key_env", "timeout")
    )
    if url and model:
        return JudgeOptions(url, model, key_env, timeout)
    if url or model or key_env or timeout:
        lacking = "--judge-model" if url else "--judge-url"
        raise ValueError(f"--judge-url and --judge-model go together: {lacking} is missing")
    return None


def as_trained(values: Mapping[str, Any]) -> dict[str, Any]:
    """How the model of a configuration was asked in training, where it is a folder that says so."""
    folder = values.get("adapter") or values.get("model")
    return read_asking(folder) if isinstance(folder, str) and not values.get("base_url") else {}


def _from_toml(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--config {path}: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"--config {path}: not TOML: {error}") from None
    return {key.replace("-", "_"): value for key, value in content.items()}
