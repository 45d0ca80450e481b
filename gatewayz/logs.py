"""Structured logs: JSON lines in production, coloured ones in development, no secrets in either."""

import logging.config
import re
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

_SECRET = re.compile(
    r"gw_live_[\w-]+"  # our API keys
    r"|\b(?:sk|rk|whsec)_\w+"  # Stripe's keys and webhook secrets
    r"|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"  # e-mail addresses
    r"|\b(?:\d[ -]?){12,18}\d\b",  # card numbers
    re.ASCII,
)


def drop_query_string(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Keep the path of a request and not what was asked: a search may hold a person's e-mail."""
    request = event.pop("request", None)
    if isinstance(request, str):
        event["request"] = request.partition("?")[0]
    return event


def redact(_: WrappedLogger, __: str, line: Any) -> str:
    """Blot out whatever looks like a key, an e-mail or a card, tracebacks included."""
    return _SECRET.sub("[redacted]", str(line))


def configure(*, as_json: bool) -> None:
    """Send both structlog's and the standard library's records through one chain."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso"),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": [*shared, structlog.stdlib.ExtraAdder()],
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            drop_query_string,
            structlog.processors.format_exc_info,
            renderer,
            redact,
        ],
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"structured": formatter},
            "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "structured"}},
            "root": {"handlers": ["console"], "level": "INFO"},
            # The request's own line has told of refusals; and the libraries tell of every call.
            "loggers": {
                "django.request": {"level": "ERROR"},
                "stripe": {"level": "WARNING"},
                "procrastinate": {"level": "WARNING"},
            },
        }
    )
