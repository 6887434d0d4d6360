"""A training recipe: one TOML file, validated; unknown keys are errors that name the nearest one."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from harness.errors import UsageError, nearest
from harness.registry import SUITES, Registry, suite_names
from scorers.types import Coords
from tasks import types
from training.data.prompt_stream import Balance
from training.data.row_format import COLUMNS, TASK_TYPES, RowFormat
from training.data.rows import has_own_rows
from training.log import TrackerName
from training.policy_recipe import HELD_OUT, OwnTerm, PolicyRecipe
from training.problems import problem_type

SHIPPED = Path(__file__).parent / "recipes"
"""Recipes that come with the package, one file each, found by their name alone."""
UNTRAINED = "tiny-untrained"
"""The model name that means: build the tiny model from nothing."""


Family = Annotated[types.Family, BeforeValidator(lambda name: TASK_TYPES.get(name, name))]
"""A family, by our name or by the `task_type` of OpenVLThinkerV2."""
ROW_KEYS = (
    "columns",
    "problem_type",
    "family",
    "families",
    "image_dir",
    "gold_coords",
    "gold_budget",
    "held_out",
)
"""Keys of a recipe that say how the rows of a file are read."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WarmupRecipe(_Section):
    """`[coldstart.vision_warmup]`: linear heads on image tokens, before any answer (`vision_warmup.py`)."""

    steps: int = Field(1500, ge=0)
    batch_size: int = Field(32, ge=1)
    """Images a step."""
    learning_rate: float = Field(2e-3, gt=0)
    muon_learning_rate: float = Field(0.03, gt=0)


class ColdstartRecipe(_Section):
    """`[coldstart]`: supervised training on the answers of task rows."""

    steps: int = Field(1000, ge=1)
    batch_size: int = Field(32, ge=1)
    optimizer: Literal["adamw", "muon"] = "adamw"
    """`muon`: orthogonalised momentum for the matrices of the layers, AdamW for all else."""
    learning_rate: float = Field(1e-5, gt=0)
    muon_learning_rate: float = Field(0.01, gt=0)
    schedule: Literal["cosine", "constant"] = "cosine"
    ramp_steps: int = Field(20, ge=0)
    """Steps over which the learning rate rises from 0."""
    weight_decay: float = Field(0.01, ge=0)
    max_grad_norm: float = Field(1.0, gt=0)
    think_share: float = Field(0.0, ge=0, le=1)
    """The share of examples in the think style."""
    guess_share: float = Field(0.0, ge=0, le=1)
    """The share of those that are careless: another row's answer. To make weak starts for experiments."""
    sorted_batches: int = Field(8, ge=1)
    """Batches drawn together and sorted by length, so that little is padded."""
    lora_rank: int = Field(0, ge=0)
    """0 trains all weights; else low-rank adapters of this rank on the language model (needs peft)."""
    workers: int = Field(1, ge=0)
    """Processes that draw and read examples beside the training."""
    log_every: int = Field(50, ge=1)
    save_every: int = Field(500, ge=1)
    weights: dict[str, float] = Field(default_factory=dict)
    """How often a task is drawn, relative to 1 for the others."""
    vision_frozen_steps: int = Field(0, ge=0)
    """Steps for which the vision tower stays as it is, while the language model learns to read it."""
    vision_rate: float = Field(1.0, ge=0)
    """The vision tower's learning rates, relative to the others."""
    vision_warmup: WarmupRecipe | None = None


class TrlRecipe(_Section):
    """`[trl]`: how the `trl` engine samples. Nothing of it changes what is trained on."""

    vllm: Literal["off", "colocate", "server"] = "off"
    """`colocate`: in the training processes; `server`: one that `trl vllm-serve` runs; `off`: transformers."""
    vllm_server: str = "http://localhost:8000"
    """Where the server is."""
    vllm_gpu_share: float = Field(0.3, gt=0, lt=1)
    """Of a GPU's memory, for vLLM beside the training."""
    vllm_tensor_parallel: int = Field(1, ge=1)
    """GPUs that hold one copy of the weights between them."""
    weight_bound: float = Field(2.0, gt=1)
    """The most that a token weighs for having been sampled by vLLM: its probability in training over vLLM's."""


class Recipe(_Section):
    """A whole recipe."""

    stages: tuple[str, ...] = ("coldstart",)
    model: str = "tiny"
    """`tiny`, `tiny-untrained` (built from nothing), a folder or a hub name."""
    out: str = "runs/train"
    data: str = "synthetic"
    """`synthetic`, `hub` (the tasks' train splits) or a directory of the tasks' rows; or rows of one's own: a
    file, a folder of files, a data set on the hub."""
    tasks: tuple[str, ...] = ("all",)
    task_file: tuple[str, ...] = ()
    """Python files with further tasks, as for `harness eval --task-file`."""
    balance: Balance = "families"
    """What share of a batch each family has."""
    seed: int = 0
    coords: Coords | None = None
    """How places are written; by default as the model's family writes them."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Of a file's rows: a column by our name → what the file calls it."""
    problem_type: str | None = None
    """Of a file's rows that do not say it."""
    family: Family | None = None
    """Of a file's rows that do not say it."""
    families: dict[str, Family] = Field(default_factory=dict)
    """Of a file's rows: a data source or a problem type → family."""
    image_dir: str | None = None
    """What relative image paths of a file are relative to; by default its folder."""
    gold_coords: Coords | None = None
    """How a file writes its gold boxes; by default `norm1000` in OneThinker's format, `abs` in any other."""
    gold_budget: float = Field(0.05, ge=0, le=1)
    """Share of a file's rows whose own gold answer their scorer may refuse."""
    held_out: int = Field(0, ge=0)
    """So many of a file's rows, drawn by the seed, are never trained on: `eval_data = "held-out"` asks them."""
    held_out_data: tuple[str, ...] = ()
    """What the model will be evaluated on, as `harness data overlap` names data sets: its rows are refused."""
    allow_overlap: bool = False
    """Train on rows of `held_out_data` all the same; it is recorded."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    attention: str | None = None
    """The attention implementation, as transformers names it (`sdpa`, `flash_attention_2` …)."""
    engine: Literal["local", "trl"] = "local"
    """Of policy training: one process, or TRL's trainer in one process a GPU."""
    threads: int | None = Field(None, ge=1)
    """Torch's CPU threads."""
    tracker: TrackerName = "none"
    """Where policy training sends its figures, beside its own log."""
    tracker_project: str | None = None
    """Of W&B or trackio; by default what `WANDB_PROJECT` says, else `harness`."""
    trl: TrlRecipe = Field(default_factory=lambda: TrlRecipe.model_validate({}))
    coldstart: ColdstartRecipe = Field(default_factory=lambda: ColdstartRecipe.model_validate({}))
    g2rpo: PolicyRecipe = Field(default_factory=lambda: PolicyRecipe.model_validate({}))
    refine: PolicyRecipe = Field(default_factory=lambda: PolicyRecipe.model_validate({"learning_rate": 1e-6}))

    @field_validator("columns")
    @classmethod
    def _known_columns(cls, given: dict[str, str]) -> dict[str, str]:
        for name in given:
            if name not in COLUMNS:
                raise ValueError(f"there is no column {name!r}{nearest(name, COLUMNS)}")
        return given

    @field_validator("problem_type")
    @classmethod
    def _known_type(cls, given: str | None) -> str | None:
        return given if given is None else problem_type(given).name

    @property
    def row_format(self) -> RowFormat:
        """How the rows of a file are read."""
        return RowFormat(
            columns=self.columns,
            problem_type=self.problem_type,
            family=self.family,
            families=self.families,
            gold_coords=self.gold_coords,
            gold_budget=self.gold_budget,
            image_dir=Path(self.image_dir) if self.image_dir is not None else None,
            held_out=self.held_out,
            seed=self.seed,
        )

    @property
    def registry(self) -> Registry:
        """The known tasks, those of the task files among them."""
        return Registry(self.task_file)

    @property
    def own_rows(self) -> bool:
        """Whether the data are rows of no task."""
        return has_own_rows(self.data, self.registry)

    @property
    def data_identity(self) -> dict[str, Any]:
        """What a stage that is continued must have been told of its data, as plain JSON."""
        own = {*ROW_KEYS} if self.own_rows else {"tasks"}
        return self.model_dump(mode="json", include={"data", *own})


STAGES = ("coldstart", "g2rpo", "refine")


def load_recipe(path: str | Path | None, overrides: Mapping[str, Any]) -> Recipe:
    """Read a recipe and lay overrides over it.

    Args:
        path: a TOML file, or the name of a shipped recipe; None: the defaults.
        overrides: values by key, dotted where nested ("coldstart.steps"); `stage` names the only stage to run.

    Raises:
        UsageError: the file cannot be read, a key or stage is unknown, or a value does not fit, in one line.
    """
    values = _read(path)
    for key, value in overrides.items():
        if key == "stage":
            values["stages"] = [value]
            continue
        *parents, last = key.replace("-", "_").split(".")
        section = values
        for parent in parents:
            section = section.setdefault(parent, {})
            if not isinstance(section, dict):
                raise UsageError(f"recipe key {key}: {parent} is a value, not a section")
        section[last] = value
    _check_keys(values, Recipe, "")
    try:
        recipe = Recipe.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(f"recipe key {where}: {first['msg']}") from None
    for stage in recipe.stages:
        if stage not in STAGES:
            raise UsageError(f"unknown stage {stage!r}{nearest(stage, STAGES)}")
    _check_held_out(recipe)
    return recipe


def _check_held_out(recipe: Recipe) -> None:
    """See that rows can be held out, and that they are where a stage is evaluated on them."""
    if recipe.held_out and not recipe.own_rows:
        raise UsageError(f"held_out is for rows of one's own: the tasks of data = {recipe.data} have test rows")
    for stage in recipe.stages:
        settings = getattr(recipe, stage)
        if isinstance(settings, PolicyRecipe) and settings.eval_data == HELD_OUT and not recipe.held_out:
            raise UsageError(f"{stage}.eval_data is {HELD_OUT}, and no row is: set held_out to their number")


def task_names(chosen: tuple[str, ...], registry: Registry | None = None) -> tuple[str, ...]:
    """Names of tasks and suites → names of tasks, none twice.

    Args:
        chosen: the names.
        registry: the known tasks; None: without task files.

    Raises:
        UsageError: there is no such task or suite.
    """
    registry = registry or Registry()
    names: dict[str, None] = {}
    for name in chosen:
        names.update(dict.fromkeys(suite_names(name) if name in SUITES else [registry.get(name).name]))
    return tuple(names)


def _read(path: str | Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    file = Path(path)
    shipped = list(SHIPPED.rglob(f"{file.name.removesuffix('.toml')}.toml"))
    if not file.exists() and shipped:
        file = shipped[0]
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        known = ", ".join(sorted(recipe.stem for recipe in SHIPPED.rglob("*.toml")))
        raise UsageError(f"recipe {path}: {error.strerror} (shipped: {known})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"recipe {path}: not TOML: {error}") from None


def _check_keys(values: Mapping[str, Any], section: type[BaseModel], prefix: str) -> None:
    for key, value in values.items():
        if key not in section.model_fields:
            raise UsageError(f"unknown recipe key {prefix + key!r}{nearest(key, section.model_fields)}")
        inner = _SECTIONS.get(f"{prefix}{key}")
        if inner is not None and isinstance(value, Mapping):
            _check_keys(value, inner, f"{prefix}{key}.")


_SECTIONS: dict[str, type[BaseModel]] = {
    "coldstart": ColdstartRecipe,
    "coldstart.vision_warmup": WarmupRecipe,
    "g2rpo": PolicyRecipe,
    "g2rpo.own_reward": OwnTerm,
    "refine": PolicyRecipe,
    "refine.own_reward": OwnTerm,
    "trl": TrlRecipe,
}
