"""`[g2rpo]` and `[refine]` of a recipe: the settings of a stage of policy training, validated.

The defaults are the paper's setting (arXiv 2604.08539); what it leaves open is this project's choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from harness.errors import UsageError
from tasks.types import Family, Style, Task
from training.advantages import TaskPass
from training.filtering import FilterRule
from training.parts import Part
from training.rewards import OWN, RewardRule, own_reward, weights
from training.shaping import ENTROPY_WEIGHT, FamilyShape, default_shapes

EstimatorName = Literal["g2rpo", "grpo", "dr_grpo", "ema_grpo", "gdpo", "gs_gdpo"]


HELD_OUT = "held-out"
"""The `eval_data` that means the recipe's held-out rows."""


DEFAULT_STEPS = 100


class OwnTerm(BaseModel):
    """`own_reward`: a reward function of one's own, added to the terms."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    function: str
    """As "module:function"; see `training.rewards.OwnReward`."""
    weight: float = Field(gt=0)
    """On top of the others."""


class PolicyRecipe(BaseModel):
    """One stage of policy training."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: int | None = Field(None, ge=1)
    """Rollout batches; 100 where `epochs` is not said either."""
    epochs: float | None = Field(None, gt=0)
    """How many times over the rows are asked. With `steps` too, the stage ends with what comes first."""
    families: tuple[Family, ...] = ()
    """Only the tasks of these; empty: all of the recipe's."""
    advantage: EstimatorName = "g2rpo"
    task_pass: TaskPass = "rank"
    """G²RPO's pass over a family; `rank` is the paper's."""
    by: Literal["family", "task"] = "family"
    """What advantages, lengths and entropies are taken over."""

    responses: int = Field(8, ge=2)
    """A prompt: one alone has no advantage."""
    temperature: float = Field(1.0, gt=0)
    top_p: float = Field(1.0, gt=0, le=1)
    max_prompt_tokens: int = Field(16_384, ge=1)
    """Of a prompt, its images included; a longer one is not asked, and another drawn in its place."""
    max_new_tokens: int = Field(4096, ge=1)
    style: Style = "think"
    max_pixels: int | None = Field(None, ge=1)
    """Of an image as the model sees it."""
    rollout_batch: int | None = Field(None, ge=1)
    """Responses generated together; by default what the `hf` backend takes for the device."""

    rollout_prompts: int = Field(512, ge=1)
    update_prompts: int = Field(128, ge=1)
    micro_batch: int = Field(8, ge=1)
    """Responses in one forward and backward pass."""
    fill_rounds: int = Field(4, ge=1)
    """How often prompts are drawn at most to fill a batch with groups that teach."""
    low_accuracy: float = Field(0.01, ge=0, le=1)
    high_accuracy: float = Field(0.99, ge=0, le=1)
    min_std: float = Field(1e-6, ge=0)
    """Groups whose rewards spread no more than this are dropped."""

    reward: dict[str, float] = Field(default_factory=dict, validate_default=True)
    """Term → weight, over the defaults of `training.rewards.TERMS`; `value` takes what is left of 1."""
    own_reward: OwnTerm | None = None
    strict_format: bool = True
    """The whole response is one thinking block and one answer block; else text may stand around them."""
    entropy_weight: float = Field(ENTROPY_WEIGHT, ge=0)
    shapes: dict[str, FamilyShape] = Field(default_factory=dict)
    """Family or task → length envelope and entropy band, over the table of `shaping.toml`."""

    kl_weight: float = Field(0.0, ge=0)
    """β of the KL divergence from the weights that the stage started from; 0: they are not kept."""
    overlong: Literal["count", "mask"] = "count"
    """Whether responses that the token limit cut are trained on, or only judged: DAPO's overlong filter."""

    clip_low: float = Field(0.2, gt=0, lt=1)
    clip_high: float = Field(0.3, gt=0)
    dual_clip: float = Field(3.0, gt=1)
    learning_rate: float = Field(2e-6, gt=0)
    ramp_steps: int = Field(0, ge=0)
    """Updates over which the learning rate rises from 0; then it is constant."""
    weight_decay: float = Field(0.01, ge=0)
    max_grad_norm: float = Field(1.0, gt=0)
    lora_rank: int = Field(0, ge=0)
    """0 trains all weights; else low-rank adapters of this rank on linear layers (needs peft)."""
    lora_alpha: int | None = Field(None, ge=1)
    """Scale of the adapters, over their rank; by default twice the rank."""
    lora_targets: tuple[Part, ...] = Field(("language",), min_length=1)
    """The parts of the model whose linear layers get adapters."""
    freeze: tuple[Part, ...] = ()
    """Parts of the model that stay as they are: `vision`, `projector`."""
    gradient_checkpointing: bool = False

    failure_budget: float = Field(0.01, ge=0, le=1)
    """Share of responses that may get no verdict."""
    prompt_budget: float = Field(0.5, ge=0, le=1)
    """Share of prompts that may be longer than `max_prompt_tokens`."""
    update_budget: float = Field(0.05, ge=0, le=1)
    """Share of updates that may be skipped for a loss or gradient that is not finite."""
    empty_budget: float = Field(0.5, ge=0, le=1)
    """Share of steps in which no group is kept."""

    save_every: int = Field(10, ge=1)
    eval_every: int = Field(0, ge=0)
    """Steps between evaluations; 0: none."""
    eval_data: str = "synthetic"
    """Rows of the tasks, as for `harness eval`; or `held-out`, the recipe's own, all of them."""
    eval_limit: int = Field(20, ge=1)
    """Samples a task."""
    eval_temperature: float = Field(0.0, ge=0)
    """Of the answers that are evaluated; 0: greedy."""
    keep_rollouts: bool = True
    """Write what was sampled and what it earned, a file a step."""
    gradient_every: int = Field(0, ge=0)
    """Steps between measurements of each family's share of the gradient, which cost a forward and a backward
    pass over the batch; 0: none."""

    @model_validator(mode="before")
    @classmethod
    def _has_an_end(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and given.get("steps") is None and given.get("epochs") is None:
            return {**given, "steps": DEFAULT_STEPS}
        return given

    @field_validator("reward")
    @classmethod
    def _every_term(cls, given: dict[str, float]) -> dict[str, float]:
        return weights(given)

    @model_validator(mode="after")
    def _consistent(self) -> PolicyRecipe:
        if self.low_accuracy >= self.high_accuracy:
            raise ValueError("low_accuracy must be below high_accuracy")
        if self.update_prompts > self.rollout_prompts:
            raise ValueError("update_prompts exceed rollout_prompts")
        return self

    @property
    def reward_rule(self) -> RewardRule:
        """The weights of the reward's terms.

        Raises:
            UsageError: there is no such reward function.
        """
        if self.own_reward is None:
            return RewardRule(self.reward, self.strict_format)
        weighed = {**self.reward, OWN: self.own_reward.weight}
        return RewardRule(weighed, self.strict_format, own_reward(self.own_reward.function))

    @property
    def filter_rule(self) -> FilterRule:
        """Which groups are kept."""
        return FilterRule(self.low_accuracy, self.high_accuracy, self.min_std)

    def prompts(self, rows: int) -> int | None:
        """Prompts after which the stage ends, of data with so many rows; None: they have no say."""
        return None if self.epochs is None else ceil(self.epochs * rows)

    def most_steps(self, rows: int) -> int:
        """Steps that the stage takes; by `epochs` fewer, where prompts are drawn in the place of others.

        Args:
            rows: of the data.
        """
        prompts = self.prompts(rows)
        by_rows = [] if prompts is None else [-(-prompts // self.rollout_prompts)]
        return min(by_rows if self.steps is None else [self.steps, *by_rows])

    def key(self, task: Task) -> str:
        """What a task is pooled under: its family, or its own name."""
        return task.category if self.by == "family" else task.name

    def shape(self, task: Task) -> FamilyShape:
        """The length envelope and entropy band of a task: its own, else its family's.

        Raises:
            UsageError: there is none.
        """
        for name in (task.name, task.category):
            if name in self.shapes:
                return self.shapes[name]
        if task.category in default_shapes():
            return default_shapes()[task.category]
        raise UsageError(
            f"{task.name}: no length envelope and entropy band for the family {task.category!r}: "
            f"add [shapes.{task.category}] to the recipe"
        )
