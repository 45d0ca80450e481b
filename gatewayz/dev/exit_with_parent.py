"""Runs a module for as long as the process that started it lives, even if that one is killed."""

import os
import runpy
import signal
import sys
import threading
import time

STANDARD_INPUT = 0
REPEAT_SECONDS = 5
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)


def _end_with_parent() -> None:
    """Wait for the end of standard input: the parent holds its other end, and nobody else does."""
    # Not by sys.stdin: its lock, held in this thread, would be held for ever in forked workers.
    while os.read(STANDARD_INPUT, 1):
        pass
    while True:
        # Race: Python looks for signals and then waits for a lock. One that comes between the two
        # wakes nobody, and this thread runs just then, because the waiting one lets it.
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(REPEAT_SECONDS)


def _let_new_workers_be_stopped() -> None:
    """Let a stop signal end a forked worker until the worker has handlers of its own.

    A worker of granian begins with its master's handlers, which only set a flag of the master.
    The signal would be lost, and the master would wait for that worker in vain.
    """
    os.register_at_fork(
        before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS),
        after_in_parent=_unblock,
        after_in_child=_reset_and_unblock,
    )


def _reset_and_unblock() -> None:
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    _unblock()


def _unblock() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


if __name__ == "__main__":
    _let_new_workers_be_stopped()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
