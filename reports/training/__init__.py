"""The training page: `runs` reads what training wrote, `section` draws it."""

from reports.training.runs import TrainingRun, is_training_run, load_training_runs
from reports.training.section import training_section

__all__ = ["TrainingRun", "is_training_run", "load_training_runs", "training_section"]
