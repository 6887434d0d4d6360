"""The process in which math-verify decides whether two expressions are equal: see `scorers.math.symbolic`.

math-verify's own time limits are off: they rest on signals, which fail in a thread and turn a time-out into a
silent "unequal". The parent keeps the clock.
"""

from __future__ import annotations

import logging
from typing import Any

from scorers.math.workers import serve


def main() -> None:
    """Answer [prediction, gold], both LaTeX without delimiters, with whether they are equal."""
    from math_verify import LatexExtractionConfig, parse, verify

    logging.disable(logging.CRITICAL)
    config = [LatexExtractionConfig(boxed_match_priority=-1)]

    def read(latex: str) -> list[Any]:
        return list(parse(f"${latex}$", extraction_config=config, parsing_timeout=None))

    def equal(pair: list[str]) -> bool:
        prediction, gold = map(read, pair)
        return bool(prediction and gold and verify(gold, prediction, timeout_seconds=None))

    equal([r"\frac{\sin^2 x+\cos^2 x}{2}", r"\frac{1}{2}"])  # fills the caches that make the first jobs slow
    serve(equal)


if __name__ == "__main__":
    main()
