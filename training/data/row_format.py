"""What a recipe says of the rows of a file: their columns, problem types and families, the units of places.

The defaults are OneThinker's format. Its own rows name no family, EasyR1's neither family nor problem type:
what neither the rows nor the recipe say is refused, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scorers.types import Coords
from tasks.types import Family
from training.problems import ProblemError, plain_name, problem_type

TASK_TYPES: Mapping[str, Family] = {
    "spatial_grounding": "grounding",
    "spatial_reasoning": "spatial",
    "general_vqa_science_stem": "general_vqa",
    "math_reasoning": "math",
    "chart_figure_qa": "chart",
    "ocr": "document",
}
"""`task_type` of OpenVLThinkerV2's rows → family."""

TYPE_FAMILIES: Mapping[str, Family] = {
    "multiple choice": "general_vqa",
    "open-ended": "general_vqa",
    "math": "math",
    "numerical": "chart",
    "ocr": "document",
    "regression": "spatial",
    "spatial grounding": "grounding",
}
"""Problem type → the family of most rows of that type in OpenVLThinkerV2's published example rows."""

COLUMNS = (
    "problem_id",
    "problem",
    "answer",
    "images",
    "problem_type",
    "options",
    "data_source",
    "data_type",
    "task_type",
    "gold_coords",
    "process",
    "conversations",
)
"""The columns that are read, by the names that a recipe's `columns` translates."""


@dataclass(frozen=True, slots=True)
class RowFormat:
    """How the rows of a file are read."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """One of `COLUMNS` → what the file calls it."""
    problem_type: str | None = None
    """Of the rows that do not say it."""
    family: Family | None = None
    """Of the rows that do not say it and that `families` does not name."""
    families: Mapping[str, Family] = field(default_factory=dict)
    """A `data_source`, a problem type or a `task_type` of another vocabulary → family; in any spelling."""
    gold_coords: Coords | None = None
    """How gold boxes are written where the row does not say; None: as its format has it."""
    gold_budget: float = 0.05
    """Share of rows whose own gold answer their scorer may refuse."""
    image_dir: Path | None = None
    """Relative image paths are relative to it; None: to the folder of the file that names them."""
    held_out: int = 0
    """So many rows are never trained on."""
    seed: int = 0
    """Draws them."""

    def __post_init__(self) -> None:
        plain = {plain_name(name): family for name, family in self.families.items()}
        object.__setattr__(self, "families", plain)

    def type_of(self, row: Mapping[str, Any]) -> str:
        """The problem type of a row, as `training.problems` calls it.

        Raises:
            ProblemError: nothing says it, or it is none that can be judged.
        """
        said = text(row, "problem_type") or self.problem_type
        if said is None:
            raise ProblemError(
                'nothing says its problem type: set problem_type = "math", or whichever it is, or name its '
                "column with columns.problem_type"
            )
        return problem_type(said).name

    def family_of(self, row: Mapping[str, Any], kind: str) -> Family:
        """The family of a row: what it says itself, then what the recipe says, then by its problem type.

        Args:
            row: its columns by our names.
            kind: its problem type.

        Raises:
            ProblemError: its `task_type` is unknown.
        """
        said, source = text(row, "task_type"), text(row, "data_source")
        if said is not None:
            found = self.families.get(plain_name(said)) or TASK_TYPES.get(said)
            if found is None:
                raise ProblemError(
                    f"task_type {said!r} is none of {', '.join(TASK_TYPES)}: give its family in [families]"
                )
            return found
        named = self.families.get(plain_name(source or "")) or self.families.get(plain_name(kind))
        return named or self.family or TYPE_FAMILIES[kind]

    def coords_of(self, row: Mapping[str, Any]) -> Coords:
        """How a row writes its gold box.

        Where nothing says it: in thousandths in OneThinker's format, which has a column `problem_type`; any
        other, in pixels.
        """
        said: Any = text(row, "gold_coords") or self.gold_coords
        theirs = "problem_type" not in self.columns and text(row, "problem_type") is not None
        return said or ("norm1000" if theirs else "abs")


def text(row: Mapping[str, Any], name: str) -> str | None:
    """What a row says in a column; None where the column is missing or empty (NaN too, as tables have it).

    Raises:
        ProblemError: it is neither text nor a number.
    """
    value = row.get(name)
    if value is None or value != value:  # noqa: PLR0124 - NaN is not itself
        return None
    if not isinstance(value, str | int | float):
        raise ProblemError(f"column {name!r} holds no text but a {type(value).__name__}")
    return str(value) if str(value).strip() else None
