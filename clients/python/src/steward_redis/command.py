"""The program steward-py."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import signal
import subprocess
import sys
import time

from .app import Steward
from .errors import StewardError

#: What the end of a worker means whose handler could not be ended.
HUNG = 70


def main(words: list[str] | None = None) -> None:
    """`steward-py worker app:s -c 8`"""
    args = _parser().parse_args(words)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    if args.processes > 1 and args.name:
        sys.exit("steward-py: a name is that of one process: leave out --name or -p")
    if args.processes > 1 and not os.environ.get("STEWARD_PY_CHILD"):
        sys.exit(_supervise(args.processes, words or sys.argv[1:]))
    try:
        app = load(args.app)
        worker = app.worker(
            concurrency=args.concurrency, queues=args.queue, name=args.name, ttl=args.ttl, cut=args.cut, grace=args.grace
        )
        worker.run()
    except (StewardError, ValueError) as error:
        sys.exit(f"steward-py: {error}")
    if worker.hung:
        # Its thread would keep this process for ever.
        os._exit(HUNG)


def load(name: str) -> Steward:
    """The application that `module:attribute` names.

    >>> load("no_such_module:s")
    Traceback (most recent call last):
    steward_redis.errors.StewardError: there is no module no_such_module: start steward-py in the folder of your application, or set PYTHONPATH
    """
    module, _, attribute = name.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        loaded = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.split(".")[0]:
            raise
        raise StewardError(
            f"there is no module {module}: start steward-py in the folder of your application, or set PYTHONPATH"
        ) from None
    app = getattr(loaded, attribute or "s", None)
    if not isinstance(app, Steward):
        raise StewardError(f"{module} has no Steward named {attribute or 's'}: write module:name")
    return app


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="steward-py", description="Workers of Python applications on steward.")
    commands = parser.add_subparsers(required=True)
    worker = commands.add_parser("worker", help="run a worker until SIGTERM")
    worker.add_argument("app", help="module:name of the Steward")
    worker.add_argument("-c", "--concurrency", type=int, default=8, help="tasks at once in a process (8)")
    worker.add_argument("-p", "--processes", type=int, default=1, help="processes; one that dies is started again (1)")
    worker.add_argument("-q", "--queue", action="append", help="a queue; by default those of all tasks")
    worker.add_argument("--name", help="the name of the worker (host-pid-random)")
    worker.add_argument("--ttl", default="15s", help="after how long without a sign of life others get its tasks (15s)")
    worker.add_argument("--cut", default="5s", help="the same once its connections have ended (5s)")
    worker.add_argument("--grace", default="25s", help="how long tasks may go on after SIGTERM (25s)")
    return parser


def _supervise(count: int, words: list[str]) -> int:
    """Runs processes, and starts one again that ends by itself."""
    environment = {**os.environ, "STEWARD_PY_CHILD": "1"}

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "steward_redis", *words], env=environment)

    children = [start() for _ in range(count)]
    stopping = False

    def stop(number: int, _: object) -> None:
        nonlocal stopping
        stopping = True
        for child in children:
            child.send_signal(number)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    while not stopping:
        time.sleep(0.2)
        for place, child in enumerate(children):
            if child.poll() is not None and not stopping:
                print(f"steward-py: a process ended with {child.returncode}: another one starts", file=sys.stderr)
                time.sleep(1)
                children[place] = start()
    return max(child.wait() for child in children)
