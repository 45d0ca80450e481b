"""Calls the WSGI application with the requests of a file, for a counter of instructions.

`python -m gatewayz.benchmarks.calls FILE…`: each file is called in a process of its own, which is
forked when the program has started; prints the process numbers in the order of the files.
"""

import gc
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application

from gatewayz.benchmarks import load


def environ_of(request: bytes) -> dict[str, Any]:
    """Return the request as a WSGI server hands it to the application."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, path, protocol = first.split()
    headers = {
        name.upper().replace("-", "_"): value
        for name, value in (line.split(": ", 1) for line in lines)
    }
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SCRIPT_NAME": "",
        "SERVER_NAME": headers["HOST"],
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": protocol,
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": headers.pop("CONTENT_TYPE", ""),
        "CONTENT_LENGTH": headers.pop("CONTENT_LENGTH", ""),
        **{f"HTTP_{name}": value for name, value in headers.items()},
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": headers["X_FORWARDED_PROTO"],
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


def call(application: WSGIHandler, request: bytes) -> str:
    """Return the status of the answer, after the whole of it was read."""
    statuses: list[str] = []

    def start_response(status: str, *_: object) -> Callable[[bytes], object]:
        statuses.append(status)
        return sys.stderr.buffer.write  # the old way to answer, which Django does not use

    answer = application(environ_of(request), start_response)
    try:
        b"".join(answer)
    finally:
        answer.close()
    return statuses[0]


def _call_all(application: WSGIHandler, file: Path) -> None:
    for request in load.unpack(file.read_bytes()):
        status = call(application, request)
        if not status.startswith("2"):
            raise RuntimeError(f"{file.name}: {status}")


def main(files: list[str]) -> None:
    application = get_wsgi_application()
    # What the start has made is never looked through again, as in a process that serves for long.
    gc.collect()
    gc.freeze()
    for file in files:
        pid = os.fork()
        if pid == 0:
            _call_all(application, Path(file))
            os._exit(0)
        if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]):
            sys.exit(1)
        print(pid, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
