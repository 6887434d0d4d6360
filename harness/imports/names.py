"""What other tools call the benchmarks: only names that mean exactly our data, in the order of our rows.

Left out, because the name does not settle it: lite, reasoning and translated variants, other splits, parts of a
benchmark under names of their own, and tables that hold several benchmarks (VLMEvalKit's RefCOCO).
"""

from __future__ import annotations

from typing import NamedTuple


class Known(NamedTuple):
    """A task of another tool."""

    task: str
    """Ours."""
    metric: str = ""
    """The one that stands for it there."""
    judged: bool = False
    """A judge model gives its verdicts."""
    split: str = ""
    """Which split of the tool's scores is ours, where it tells several apart."""


LMMS_EVAL: dict[str, Known] = {
    "ai2d": Known("ai2d", "exact_match"),
    "chartqa": Known("chartqa", "relaxed_overall"),
    "charxiv_val_reasoning": Known("charxiv", "reasoning_acc", judged=True),
    "docvqa_val": Known("docvqa", "anls"),
    "embspatial": Known("embspatial", "embspatial_acc"),
    "infovqa_val": Known("infovqa", "anls"),
    "mathverse_testmini": Known("mathverse", "gpt_eval_score", judged=True),
    "mathvision_reason_test": Known("mathvision", "llm_as_judge_eval", judged=True),
    "mathvision_test": Known("mathvision", "mathvision_standard_eval"),
    "mathvista_testmini_cot": Known("mathvista", "llm_as_judge_eval", judged=True),
    "mathvista_testmini_format": Known("mathvista", "llm_as_judge_eval", judged=True),
    "mathvista_testmini_solution": Known("mathvista", "llm_as_judge_eval", judged=True),
    "mmbench_en_dev": Known("mmbench", "gpt_eval_score", judged=True),
    "mmmu_val": Known("mmmu", "mmmu_acc"),
    "mmstar": Known("mmstar", "average"),
    "ocrbench": Known("ocrbench", "ocrbench_accuracy"),
    "refcoco+_bbox_rec_val": Known("refcoco+", "refcoco_ACC@0.5"),
    "refcoco_bbox_rec_val": Known("refcoco", "refcoco_ACC@0.5"),
    "refcocog_bbox_rec_val": Known("refcocog", "refcoco_ACC@0.5"),
}
"""By the name in `…_samples_NAME.jsonl`."""

VLMEVALKIT: dict[str, Known] = {
    "AI2D_TEST": Known("ai2d"),
    "ChartQA_TEST": Known("chartqa"),
    "DocVQA_VAL": Known("docvqa", "anls"),
    "InfoVQA_VAL": Known("infovqa", "anls"),
    "MMBench_DEV_EN": Known("mmbench"),
    "MMMU_DEV_VAL": Known("mmmu", split="validation"),
    "MMStar": Known("mmstar"),
    "MathVista_MINI": Known("mathvista"),
    "OCRBench": Known("ocrbench"),
}
"""By the name in `MODEL_NAME.xlsx`. MMMU_DEV_VAL has both splits; its column `split` tells them apart."""
