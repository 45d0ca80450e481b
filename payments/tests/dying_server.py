"""The program's own server as a process, which can be told to die before it answers a webhook."""

import os
import signal
import sys
from collections.abc import Iterable
from typing import Any
from wsgiref.simple_server import make_server

from gatewayz.wsgi import application

DIES_BEFORE_THE_ANSWER = "--dies-before-the-answer"


def dying_application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Do all of the work, and send nothing."""
    list(application(environ, start_response))
    os.kill(os.getpid(), signal.SIGKILL)
    return []


if __name__ == "__main__":
    app = dying_application if DIES_BEFORE_THE_ANSWER in sys.argv else application
    with make_server("127.0.0.1", 0, app) as server:
        sys.stdout.write(f"{server.server_port}\n")
        sys.stdout.flush()
        server.serve_forever()
