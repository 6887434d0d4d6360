"""`harness view`."""

from __future__ import annotations

import argparse

from harness.cli.common import Runner


def view(parser: argparse.ArgumentParser) -> Runner:
    """Serve a folder of runs to this machine's browser: a list, and each run's report, made when it is opened.

    The address is of 127.0.0.1 and is served to this machine alone. Nothing is written into the folder. Ctrl-C
    ends it, with exit code 0.
    """
    parser.add_argument("dir", metavar="DIR", nargs="?", help="the folder of runs, or one run [runs]")
    parser.add_argument(
        "--port", type=int, metavar="N", help="0: any free one [8321, or the next that is free]"
    )
    parser.add_argument("--open", action="store_true", help="open the browser")
    return _run


def _run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM."""
    import signal
    import tempfile
    import threading
    from pathlib import Path

    from harness.errors import Exit, UsageError
    from reports.server import HOST, make_server

    given = vars(args)
    port = given.get("port")
    if port is not None and not 0 <= port < 65536:
        raise UsageError(f"--port {port}: a port is 0 to 65535")
    root = Path(given.get("dir", "runs"))

    def stop(*_: object) -> None:  # from a thread: `shutdown` waits for the loop that this signal interrupts
        threading.Thread(target=server.shutdown).start()

    with (
        tempfile.TemporaryDirectory(prefix="harness-view-", ignore_cleanup_errors=True) as cache,
        make_server(root, Path(cache), port) as server,
    ):
        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        address = f"http://{HOST}:{server.server_port}/"
        print(f"{address}  runs in {root}; Ctrl-C ends it", flush=True)
        if given.get("open"):
            import webbrowser

            webbrowser.open(address)
        try:
            server.serve_forever()
            print()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    return int(Exit.COMPLETE)
