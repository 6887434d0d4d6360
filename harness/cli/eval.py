"""`harness eval`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from harness.cli.common import add_delimiters, add_judge

if TYPE_CHECKING:
    from pathlib import Path

    from harness.cli.common import Runner
    from harness.config import RunConfig


def evaluate(parser: argparse.ArgumentParser) -> Runner:
    """Evaluate a model on benchmarks.

    Rerun the same command to continue: samples that have an answer are skipped, failed ones are retried.
    Exit codes: 0 complete, 1 failed, 2 usage, 3 complete but with more failures than allowed, 130 interrupted.
    """
    add_flags(parser)
    _add_beside(parser)
    return _run


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Declare all that says what a run is."""
    _add_what(parser.add_argument_group("what to evaluate"))
    _add_model(parser.add_argument_group("the model"))
    _add_replicas(parser.add_argument_group("the model several times over"))
    _add_vllm(parser.add_argument_group("vLLM"))
    _add_server(parser.add_argument_group("the server"))
    _add_asking(parser.add_argument_group("how to ask"))
    add_judge(parser.add_argument_group("a judge model, beside the scores"))
    _add_run(parser.add_argument_group("the run"))


def _add_what(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--model", help="tiny, mock, a folder, a hub name ORG/NAME, a server's name [tiny]")
    group.add_argument(
        "--suite", help="all, or a category: general_vqa math chart document spatial grounding [all]"
    )
    group.add_argument(
        "--tasks", metavar="A,B", help="tasks by name, in place of a suite; lmms:NAME is one of lmms-eval's"
    )
    group.add_argument("--data", metavar="hub|DIR|synthetic", help="[synthetic for tiny and mock, else hub]")
    group.add_argument(
        "--split",
        metavar="NAME",
        help="of the data: test, testA … [each task's own, see harness show TASK]",
    )
    group.add_argument("--limit", type=int, metavar="N", help="samples a task, groups kept whole; may grow")
    group.add_argument(
        "--shard", metavar="I/N", help="only this shard of the samples; harness merge joins the shards"
    )
    group.add_argument(
        "--allow-image-urls", action="store_true", help="fetch images that rows give as http(s) addresses"
    )
    group.add_argument(
        "--allow-outside-images", action="store_true", help="read images outside the data directory"
    )
    group.add_argument(
        "--task-file",
        metavar="FILE",
        action="append",
        help="further tasks: a Python file, or lmms-eval YAML",
    )


def _add_model(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--backend", help="hf, vllm, openai or mock [hf; openai where --base-url is given]")
    group.add_argument("--batch-size", type=int, metavar="N", help="requests in a batch at most")
    group.add_argument("--dtype", help="auto, float32, bfloat16, float16 [auto]")
    group.add_argument("--revision", help="of a hub model: branch, tag or commit")
    group.add_argument(
        "--coords",
        help="how places are written: abs, norm1, norm100, norm1000, yx1000, loc1024, loc1000 [its family's]",
    )

    group.add_argument(
        "--adapter", metavar="DIR", help="a LoRA adapter, a folder or hub name, on top of --model"
    )
    group.add_argument("--processor", metavar="DIR", help="take processor and tokenizer from there")
    group.add_argument(
        "--attention", metavar="NAME", help="sdpa, eager, flash_attention_2 … [transformers' own]"
    )
    group.add_argument("--device", metavar="NAME", help="cpu, cuda, cuda:1, mps [the GPUs there are, else cpu]")
    group.add_argument(
        "--allow-missing-weights", action="store_true", help="load although weights are missing; it is recorded"
    )
    group.add_argument(
        "--trust-remote-code", action="store_true", help="run code that the checkpoint brings: read it before"
    )


def _add_replicas(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--replicas", type=int, metavar="N", help="load the model in N processes of Ray")
    group.add_argument("--ray-address", metavar="HOST:PORT", help="of a Ray cluster [Ray on this machine]")
    group.add_argument(
        "--gpus-per-replica", type=float, metavar="G", help="[1 where the cluster has GPUs, else 0]"
    )


def _add_vllm(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--tensor-parallel", type=int, metavar="N", help="GPUs that share each layer [1]")
    group.add_argument("--data-parallel", type=int, metavar="N", help="copies that share the requests [1]")
    group.add_argument(
        "--vllm-args",
        metavar="ARGS",
        help="further arguments of vllm serve, in quotes after a =; they win over HARNESS_VLLM_ARGS",
    )


def _add_server(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--base-url", metavar="URL[,URL]", help="of an OpenAI-compatible server, up to /v1")
    group.add_argument("--api-key-env", metavar="NAME", help="the variable that holds the server's key")
    group.add_argument("--concurrency", type=int, metavar="N", help="requests in flight at a server [32]")
    group.add_argument("--extra-body", metavar="JSON", help="more fields of every request's JSON")
    group.add_argument(
        "--omit", metavar="FIELD[,FIELD]", help="fields left out of every request (seed, top_p …)"
    )
    group.add_argument("--timeout", type=float, metavar="SECONDS", help="for one attempt [600]")
    group.add_argument("--max-retries", type=int, metavar="N", help="of a request that failed [5]")
    group.add_argument("--requests-per-minute", type=float, metavar="N", help="sent at most [no limit]")
    group.add_argument(
        "--max-wait",
        type=float,
        metavar="SECONDS",
        help="that a server may be down before it is given up [600]",
    )


def _add_asking(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--prompt", metavar="direct|think", help="the answer alone, or thinking first [direct]")
    group.add_argument("--prompt-template", metavar="FILE", help="a Jinja2 template in place of the tasks' own")
    group.add_argument("--system-prompt", metavar="TEXT")
    group.add_argument("--chat-template", metavar="FILE", help="a Jinja2 template in place of the checkpoint's")
    group.add_argument(
        "--template-var",
        dest="template_vars",
        metavar="NAME=VALUE",
        action="append",
        help="a variable of the chat template, e.g. enable_thinking=false; may be repeated",
    )
    group.add_argument(
        "--generation",
        metavar="harness|checkpoint",
        help="whose sampling settings count: these flags, or the checkpoint's generation_config.json [harness]",
    )
    group.add_argument("--epochs", type=int, metavar="K", help="answers a sample [1]")
    group.add_argument("--temperature", type=float, metavar="T", help="0 is greedy [0]")
    group.add_argument("--top-p", type=float, metavar="P", help="[1]")
    group.add_argument(
        "--max-new-tokens", type=int, metavar="N", help="[each task's own, see harness show TASK]"
    )
    group.add_argument("--min-pixels", type=int, metavar="N", help="width times height at least")
    group.add_argument("--max-pixels", type=int, metavar="N", help="width times height at most")
    group.add_argument("--seed", type=int, metavar="S", help="of sampling and of synthetic data [0]")
    group.add_argument(
        "--permute-images", action="store_true", help="a control: shuffle the images across samples"
    )
    group.add_argument("--hide-images", action="store_true", help="a control: show no image")
    group.add_argument(
        "--shuffle-options", action="store_true", help="a control: list the options in another order"
    )


def _add_run(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--out", metavar="DIR", help="the run's directory [runs/MODEL-TASKS-DATA]")
    group.add_argument("--fresh", action="store_true", help="start over where DIR already holds a run")
    group.add_argument("--no-images", dest="images", action="store_false", help="keep no copies of images")
    add_delimiters(group)
    group.add_argument(
        "--failure-budget",
        type=float,
        metavar="SHARE",
        help="of a task's samples that may get no verdict before the exit code is 3 [0.01]",
    )
    group.add_argument("--config", metavar="FILE", help="TOML with these flags as keys; flags win over it")
    group.add_argument("--no-report", dest="report", action="store_false", help="write no report.html")


def _add_beside(parser: argparse.ArgumentParser) -> None:
    """Declare what replaces a single evaluation: one of each checkpoint, or none at all."""
    group = parser.add_argument_group("beside training")
    group.add_argument(
        "--watch", metavar="DIR", help="evaluate each checkpoint that a trainer writes below DIR, as it appears"
    )
    group.add_argument("--until", type=int, metavar="N", help="of --watch: end after N checkpoints [go on]")
    group.add_argument("--poll", type=float, metavar="SECONDS", help="of --watch: between two looks [10]")
    group = parser.add_argument_group("before an evaluation")
    group.add_argument("--dry-run", action="store_true", help="say what it would take, and end")
    group.add_argument(
        "--rate",
        metavar="TOKENS_PER_S|RUN",
        help="of --dry-run: answer tokens a second, or as a run measured it",
    )
    group.add_argument("--price-in", type=float, metavar="P", help="of --dry-run: of a million prompt tokens")
    group.add_argument("--price-out", type=float, metavar="P", help="of --dry-run: of a million answer tokens")


_BESIDE = {"watch": ("until", "poll"), "dry_run": ("rate", "price_in", "price_out")}
"""What asks for another thing than one evaluation, and its own flags."""


def _run(args: argparse.Namespace) -> int:
    """Evaluate, or do what a flag asks for in its place."""
    from harness.errors import UsageError

    given: dict[str, Any] = vars(args)
    beside = {
        name: given.pop(name) for flags in _BESIDE.items() for name in (flags[0], *flags[1]) if name in given
    }
    for name, flags in _BESIDE.items():
        if name not in beside and (odd := next((flag for flag in flags if flag in beside), None)) is not None:
            raise UsageError(f"--{odd.replace('_', '-')} is for --{name.replace('_', '-')}")
    if "dry_run" in beside:
        return _estimate(given, beside)
    return _watch(given, beside) if "watch" in beside else _evaluate(given)


def _estimate(given: dict[str, Any], beside: dict[str, Any]) -> int:
    """Say what an evaluation would take."""
    from harness.config import build
    from harness.progress import Progress
    from harness.run.estimate import estimate, lines, read_rate

    config = build({name: said for name, said in given.items() if name != "report"}, given.pop("config", None))
    rate = read_rate(beside["rate"]) if "rate" in beside else None
    found = list(estimate(config, Progress()))
    for line in lines(found, rate, beside.get("price_in"), beside.get("price_out")):
        print(line)
    return 0


def _watch(given: dict[str, Any], beside: dict[str, Any]) -> int:
    """Evaluate each checkpoint of a training as it appears, and print scores by step."""
    from pathlib import Path

    from harness.cli.common import write_report
    from harness.config import build
    from harness.errors import Exit, UsageError
    from harness.progress import Progress
    from harness.run.watch import finished_runs, lines, watch
    from harness.terminal import screen, show

    if "model" in given:
        raise UsageError("--watch evaluates the checkpoints of its folder: leave --model out")
    reported, folder = given.pop("report", True), Path(beside["watch"])
    file = given.pop("config", None)
    default = Path("runs", f"{folder.resolve().name}-watch")
    out = Path(build({**given, "model": str(folder)}, file).out or default)

    def configure(model: Path, run: Path) -> RunConfig:
        return build({**given, "model": str(model), "out": str(run)}, file)

    def done(run: Path) -> None:
        if reported and not is_current(run):
            write_report(run, "eval")
        show(lines(out, screen()))
        sys.stdout.flush()

    failed = watch(
        configure,
        folder,
        out,
        until=beside.get("until"),
        poll=beside.get("poll", 10.0),
        command=sys.argv,
        progress=Progress(),
        done=done,
    )
    print(f"{out}: {', '.join(failed)} could not be evaluated" if failed else f"{out}: complete")
    return Exit.FAILED if failed else max(run.results.exit_code for run in finished_runs(out))


def _evaluate(given: dict[str, Any]) -> int:
    """Evaluate, print the table, write the report, return the exit code of the evaluation."""
    from harness.cli.common import print_results, write_report
    from harness.config import as_trained, build
    from harness.models.asking import as_flags
    from harness.progress import Progress
    from harness.run import execute
    from harness.run.rescoring import submissions_said

    reported = given.pop("report", True)
    config = build(given, given.pop("config", None))
    trained = as_trained(dict(config))
    asked = {
        name: said for name, said in trained.items() if name not in given and said == getattr(config, name)
    }
    if asked:
        print(f"asked as in training: {as_flags(asked)}", file=sys.stderr)
    results = execute(config, command=sys.argv, progress=Progress())
    print_results(results)
    assert results.run_dir is not None
    current = reported and is_current(results.run_dir)
    said = ", with report.html" if current or (reported and write_report(results.run_dir, "eval")) else ""
    print(f"{results.run_dir}: complete in {results.seconds:.1f} s{said}")
    for line in submissions_said(results):
        print(line)
    return int(results.exit_code)


def is_current(run_dir: Path) -> bool:
    """Whether the run's report was written after its results: nothing was left to do."""
    page = run_dir / "report.html"
    return page.is_file() and page.stat().st_mtime_ns > (run_dir / "results.json").stat().st_mtime_ns
