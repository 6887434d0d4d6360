"""Pictures of every tab of a report and of `harness view`, light and dark, for docs/reports.md.

    python benchmarks/screenshots.py [--out DIR] [--only NAME …]

Synthetic data: four models of differing skill on nine tasks, and two training runs. Needs Chromium and
Playwright.
"""

from __future__ import annotations

import argparse
import io
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

IMAGES = Path(__file__).parents[1] / "docs" / "images"
SCHEMES = ("light", "dark")
LARGEST = 150_000
"""Bytes of a picture."""
MODELS, SAMPLES = 4, 40
SKILLS = (0.86, 0.82, 0.64, 0.45)
TASKS = "mmmu,mmstar,mathvista,mathvision,ai2d,chartqa,docvqa,embspatial,refcoco"
DESK, PHONE = (1440, 900), (390, 844)


@dataclass(frozen=True)
class Shot:
    """One picture of a page."""

    name: str
    fragment: str = ""
    """The address within the report; empty: the list of `harness view`."""
    ready: str = "main"
    """What must be visible before the picture is taken."""
    size: tuple[int, int] = DESK
    scroll: str = ""
    """What the picture begins with; empty: the top."""


SHOTS = (
    Shot("overview", "#/leaderboard", "#lb-board"),
    Shot("figures", "#/leaderboard", "#lb-figures svg[role=img]", scroll="#lb-figures"),
    Shot("phone", "#/leaderboard", "#lb-board", PHONE),
    Shot("breakdown", "#/breakdown?task=mmstar", ".bd-table"),
    Shot("outcomes", "#/breakdown?task=mmstar", ".bd-outcomes", scroll="#bd-outcomes"),
    Shot("samples", "#/samples?task=refcoco", "#section-samples img"),
    Shot("compare", "#/compare", "#section-compare table"),
    Shot("training", "#/training", "#section-training canvas, #section-training svg"),
    Shot("view"),
)


def files() -> list[str]:
    """The names of all pictures."""
    return [f"{shot.name}-{scheme}.png" for shot in SHOTS for scheme in SCHEMES]


def make_report(folder: Path) -> Path:
    """Runs and training logs in `folder`, and the report of them all."""
    import training_logs
    from skilled_runs import make_runs

    from reports.build import build
    from reports.runs import load_runs
    from reports.training.runs import load_training_runs

    count = MODELS * len(TASKS.split(",")) * SAMPLES
    runs = make_runs(folder / "runs", MODELS, count, tasks=TASKS, skills=SKILLS)
    shutil.rmtree(folder / "runs" / "base")
    training = [training_logs.write(folder / "runs" / f"train-{seed}", 120, seed=seed) for seed in (0, 1)]
    for out in training:
        training_logs.write_rollouts(out, 120)
    return build(load_runs(runs), folder / "report.html", training=load_training_runs(training)).path


@contextmanager
def viewed(folder: Path) -> Iterator[str]:
    """The address of `harness view` of a folder."""
    from reports.server import HOST, make_server

    with tempfile.TemporaryDirectory() as cache, make_server(folder, Path(cache), 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://{HOST}:{server.server_port}/"
        server.shutdown()
        thread.join()


def take(browser: Any, shot: Shot, scheme: str, address: str) -> bytes:
    """A picture as PNG."""
    width, height = shot.size
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(address + shot.fragment)
    page.locator(shot.ready).first.wait_for()
    if shot.scroll:
        page.locator(shot.scroll).evaluate(
            "node => scrollTo(0, node.getBoundingClientRect().top + scrollY - 56)"
        )
    page.wait_for_timeout(300)
    taken: bytes = page.screenshot()
    context.close()
    return taken


def small(picture: bytes) -> bytes:
    """The picture as it is where that fits into `LARGEST` bytes, else in as many colours as fit."""
    import PIL.Image

    image = PIL.Image.open(io.BytesIO(picture)).convert("RGB")
    for colours in (None, 256, 128, 64, 32, 16):
        out = io.BytesIO()
        fewer = image.quantize(colours, dither=PIL.Image.Dither.NONE) if colours else image
        fewer.save(out, "PNG", optimize=True)
        if out.tell() <= LARGEST:
            break
    return out.getvalue()


def main() -> None:
    from report import chromium

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=IMAGES, metavar="DIR", help=f"[{IMAGES}]")
    parser.add_argument("--only", action="append", choices=[shot.name for shot in SHOTS], metavar="NAME")
    args = parser.parse_args()
    out = args.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    # In the temporary folder, so that pages show relative paths.
    with tempfile.TemporaryDirectory() as folder, chdir(folder), chromium() as browser:
        if browser is None:
            raise SystemExit("screenshots: no Chromium or no Playwright: pip install playwright")
        report = make_report(Path())
        with viewed(Path("runs")) as list_address:
            for shot in SHOTS:
                address = report.resolve().as_uri() if shot.fragment else list_address
                for scheme in SCHEMES if not args.only or shot.name in args.only else ():
                    picture = small(take(browser, shot, scheme, address))
                    (out / f"{shot.name}-{scheme}.png").write_bytes(picture)
                    print(f"{shot.name}-{scheme}.png: {len(picture) / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
