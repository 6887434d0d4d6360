"""The supervised cold start: `stage` trains on the answers of task rows.

`tiny` builds the shipped model from nothing, `vision_warmup` teaches a new vision tower, `optimizers` has AdamW
and Muon.
"""

from training.coldstart.stage import run_coldstart

__all__ = ["run_coldstart"]
