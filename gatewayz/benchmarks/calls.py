"""Calls the WSGI application with requests, for a counter of instructions.

`python -m gatewayz.benchmarks.calls`: standard input has lists of requests, as JSON. Each list is
called in a process of its own, which is forked when the program has started; prints the process
numbers in the order of the lists.
"""

import gc
import json
import os
import sys
from collections.abc import Callable

from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application

from gatewayz.benchmarks.request import Request


def call(application: WSGIHandler, request: Request) -> str:
    """Return the status of the answer, after the whole of it was read."""
    statuses: list[str] = []

    def start_response(status: str, *_: object) -> Callable[[bytes], object]:
        statuses.append(status)
        return sys.stderr.buffer.write  # the old way to answer, which Django does not use

    answer = application(request.to_environ(), start_response)
    try:
        b"".join(answer)
    finally:
        answer.close()
    return statuses[0]


def _call_all(application: WSGIHandler, requests: list[Request]) -> None:
    for request in requests:
        status = call(application, request)
        if not status.startswith("2"):
            raise RuntimeError(f"{request.path}: {status}")


def main() -> None:
    lists = [[Request(**request) for request in each] for each in json.load(sys.stdin)]
    application = get_wsgi_application()
    # What the start has made is never looked through again, as in a process that serves for long.
    gc.collect()
    gc.freeze()
    for requests in lists:
        pid = os.fork()
        if pid == 0:
            _call_all(application, requests)
            os._exit(0)
        if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]):
            sys.exit(1)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
