"""Runs a module for as long as the process that started it lives, even if that one is killed."""

import os
import runpy
import signal
import sys
import threading

STANDARD_INPUT = 0


def _end_with_parent() -> None:
    """Wait for the end of standard input: the parent holds its other end, and nobody else does."""
    # Not by sys.stdin: its lock, held in this thread, would be held for ever in forked workers.
    while os.read(STANDARD_INPUT, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
