"""Lets `./dev manage` know where a `./dev run` of this checkout serves."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

from gatewayz.dev.checkout import WORKSHOP

# Whoever serves holds this locked; so it says nothing any more once that one is gone.
RUN_FILE = WORKSHOP / "run.json"
TOLD = ("PORT", "STRIPE_API_BASE", "STRIPE_SANDBOX_WEBHOOK_URL")


@contextmanager
def announced() -> Iterator[None]:
    """Tell where everything is, from the environment, unless another run does already."""
    RUN_FILE.parent.mkdir(exist_ok=True)
    with RUN_FILE.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield
            return
        file.truncate(0)
        json.dump({name: os.environ[name] for name in TOLD if name in os.environ}, file)
        file.flush()
        yield


def join() -> None:
    """Put where the present run is into the environment, where that is silent on the port."""
    if "PORT" in os.environ or not RUN_FILE.exists():
        return
    with RUN_FILE.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            for name, value in json.load(file).items():
                os.environ.setdefault(name, value)
