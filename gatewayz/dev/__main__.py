"""Does what the verb after `./dev` says."""

import signal
import sys
from collections.abc import Callable
from types import FrameType

from django.core.exceptions import ImproperlyConfigured

from gatewayz.dev import checks, commands, mutation, serving
from gatewayz.dev.checkout import Refusal
from gatewayz.dev.drill.run import drill
from gatewayz.dev.postgres_binaries import EmbeddedPostgresError
from gatewayz.dev.verbs import answer_at_once

HANDLERS: dict[str, Callable[[list[str]], int]] = {
    "run": serving.run,
    "test": checks.test,
    "lint": checks.lint,
    "bench": commands.bench,
    "drill": drill,
    "mutate": mutation.mutate,
    "format": checks.format_code,
    "manage": commands.manage,
    "shell": commands.shell,
    "psql": commands.psql,
    "lock": commands.lock,
}
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
EXIT_INTERRUPTED = 130


def main(arguments: list[str]) -> int:
    answer_at_once(arguments)
    for number in STOP_SIGNALS:
        signal.signal(number, _stop_once)
    try:
        return HANDLERS[arguments[0]](arguments[1:])
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except (Refusal, EmbeddedPostgresError, ImproperlyConfigured) as refusal:
        print(f"./dev: {refusal}", file=sys.stderr)
        return 1


def _stop_once(_number: int, _frame: FrameType | None) -> None:
    """Stop the children and the database, and let no second signal interrupt that."""
    for number in STOP_SIGNALS:
        signal.signal(number, lambda *_: None)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
