"""Structured logs: JSON in production, coloured lines in development, no secrets in either."""

import logging.config
import re
import sys
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_SECRET = re.compile(
    r"gw_live_[\w-]+|gw_temp_[\w.-]+"  # our API keys and tokens
    r"|\b(?:sk|rk|whsec)_\w+"  # Stripe's keys and webhook secrets
    r"|(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+"  # e-mail addresses
    r"|\b(?:\d[ -]?){12,18}\d\b",  # card numbers
    re.ASCII,
)


def without_secrets(text: str) -> str:
    """Replace everything that looks like a key, an e-mail or a card."""
    return _SECRET.sub("[redacted]", text)


def redact(_: WrappedLogger, __: str, line: Any) -> str:
    """Replace them in a whole line, tracebacks included."""
    return without_secrets(str(line))


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Writes the line of a request itself: the chain of processors costs more than an answer."""

    def __init__(self, *args: Any, as_json: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        fields: Any = record.msg
        if record.name != ACCESS.name:
            return super().format(record)
        if self._as_json:
            return orjson.dumps(fields, option=orjson.OPT_UTC_Z).decode()
        return "{timestamp:%H:%M:%S} {code} {request} {ms} ms".format_map(fields)


ACCESS = logging.getLogger("gatewayz.access")


# No line says which thread or process wrote it.
logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def write_access_line(**values: object) -> None:
    """Log a request as one line: these values, and those that are bound to the request."""
    if not ACCESS.isEnabledFor(logging.INFO):
        return
    fields = {
        **values,
        **structlog.contextvars.get_contextvars(),
        "event": "request_finished",
        "level": "info",
        "logger": ACCESS.name,
        "timestamp": datetime.now(UTC),
    }
    # `ACCESS.info` would also look for the file and line that logs.
    ACCESS.handle(ACCESS.makeRecord(ACCESS.name, logging.INFO, "", 0, fields, (), None))


def _drop_request(_: WrappedLogger, __: str, record: EventDict) -> EventDict:
    """Drop the request that Django adds to an error: its text has the query, as a log-in link."""
    record.pop("request", None)
    return record


_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso"),
]

# Refused requests have a line of their own already, and the libraries would log every call.
_QUIETER = {
    "axes": "WARNING",
    "django.request": "ERROR",
    # Anybody may send any Host; the line of the request says that it was refused.
    "django.security.DisallowedHost": "CRITICAL",
    "procrastinate": "WARNING",
    "stripe": "WARNING",
}


def configure(*, as_json: bool) -> None:
    """Send both structlog's and the standard library's records through one chain."""
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    formatter = {
        "()": _Formatter,
        "as_json": as_json,
        "foreign_pre_chain": [*_SHARED, structlog.stdlib.ExtraAdder(), _drop_request],
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer() if as_json else _console_renderer(),
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
            "loggers": {name: {"level": level} for name, level in _QUIETER.items()},
        }
    )


def _console_renderer() -> Processor:
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
