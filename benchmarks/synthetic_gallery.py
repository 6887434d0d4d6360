"""Contact sheet of the synthetic rows: can a person answer each from the picture?

    python benchmarks/synthetic_gallery.py OUT [--tasks a,b] [--rows N] [--seed S] [--split train] [--png]

Writes OUT/index.html with every picture beside its question and answer; with --png one sheet a task as well.
"""

from __future__ import annotations

import argparse
import base64
import html
import io
import textwrap
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from harness.data.synthetic import DRAWERS, synthetic_row
from harness.data.synthetic.canvas import font

ASKED = ("question", "reasoning_q", "prompt", "answer_options", "options", "choices", "hint")
ANSWERED = ("answer", "answers", "reasoning_a", "bbox", "object")
HIDDEN = ("depth_image",)


def pictures(row: dict[str, Any]) -> list[Image.Image]:
    return [v for k, v in row.items() if isinstance(v, Image.Image) and k not in HIDDEN]


def words(row: dict[str, Any]) -> tuple[str, str]:
    """What is asked and what is right, as one line each."""
    asked = [
        str(row[k]).split(" Your answer should")[0] for k in ASKED if row.get(k) not in (None, "", "nan", [])
    ]
    asked += [f"{k}: {row[k]}" for k in "ABCD" if k in row]
    if "problem_version" in row:
        asked.insert(0, f"[{row['problem_version']}]")
    if "bbox" in row:
        asked = list(row["answer"])
    right = [str(row[k]) for k in ANSWERED if k in row and not (k == "answer" and "bbox" in row)]
    return " | ".join(asked), " | ".join(right)


def sheet(rows: list[dict[str, Any]], columns: int = 6) -> Image.Image:
    """One picture with all rows of a task."""
    wide, high = 400, 330
    page = Image.new("RGB", (wide * columns, high * -(-len(rows) // columns)), "white")
    draw = ImageDraw.Draw(page)
    for n, row in enumerate(rows):
        x, y = wide * (n % columns), high * (n // columns)
        left = x + 4
        for picture in pictures(row):
            page.paste(picture.convert("RGB"), (left, y + 4))
            left += picture.width + 6
        if "bbox" in row:
            bx, by, bw, bh = row["bbox"]
            draw.rectangle((x + 4 + bx, y + 4 + by, x + 4 + bx + bw, y + 4 + by + bh), outline="magenta")
        asked, right = words(row)
        text = "\n".join(
            [*textwrap.wrap(asked.replace("\n", " / "), 58)[:6], *textwrap.wrap(f"= {right}", 58)[:2]]
        )
        draw.multiline_text((x + 4, y + 200), text, "black", font(13))
    return page


def figure(row: dict[str, Any]) -> str:
    """One row as HTML."""
    tags = []
    for picture in pictures(row):
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        tags.append(f'<img src="data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}">')
    asked, right = map(html.escape, words(row))
    return f"<figure>{''.join(tags)}<figcaption>{asked}<br><b>{right}</b></figcaption></figure>"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--tasks", default=",".join(DRAWERS))
    parser.add_argument("--rows", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--split", choices=("test", "train"), default="test")
    parser.add_argument("--png", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    page = ["<!doctype html><meta charset=utf-8><title>Synthetic rows</title>"]
    page.append("<style>figure{display:inline-block;width:400px;margin:8px;font:13px sans-serif}</style>")
    for task in options.tasks.split(","):
        rows = [synthetic_row(task, n, seed=options.seed, split=options.split) for n in range(options.rows)]
        page.append(f"<h2>{task}</h2>" + "".join(figure(row) for row in rows))
        if options.png:
            sheet(rows).save(options.out / f"{task}.png")
    (options.out / "index.html").write_text("\n".join(page), encoding="utf-8")
    print(options.out / "index.html")


if __name__ == "__main__":
    main()
