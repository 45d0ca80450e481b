"""Reads settings from the file `.env`, and refuses a line that it does not understand."""

import os
import re
from io import StringIO
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from dotenv.parser import Binding, parse_stream

_NAME = re.compile(r"[A-Z][A-Z0-9_]*|[a-z][a-z0-9_]*", re.ASCII)
# What is surely one of our names: another word at the start of a line may be a piece of a secret.
_OUR_NAME = re.compile(r"\s*(?:export\s+)?([A-Z]+(?:_[A-Z]+)+|DEBUG|HOST|PORT)(?![A-Za-z0-9+/_-])")


def read(path: Path) -> None:
    """Set the variables of the file that the environment does not set; without a file, none.

    Raises ImproperlyConfigured, which names the line and the setting, and never shows a value.
    """
    if not path.exists():
        return
    try:
        text = path.read_text("utf-8-sig")  # an editor may have put a byte order mark before it
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"{path.name} cannot be read: {type(error).__name__}.") from None
    for name, value in _parse(text, path.name).items():
        os.environ.setdefault(name, value)


def _parse(text: str, file: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for binding in parse_stream(StringIO(text)):
        if binding.key is None and not binding.error:  # a comment, or an empty line
            continue
        name, value = binding.key or "", binding.value
        if value is None or "\0" in value or not _NAME.fullmatch(name):
            ours = _OUR_NAME.match(binding.original.string)
            setting = f" ({ours[1]})" if ours else ""
            raise ImproperlyConfigured(
                f"Line {_line(binding)} of {file}{setting} is not understood. It must be of the"
                " form NAME=value; put a value with quotes, spaces or # into single quotes."
            )
        if name in values:
            raise ImproperlyConfigured(f"Line {_line(binding)} of {file} sets {name} again.")
        values[name] = value
    return values


def _line(binding: Binding) -> int:
    """Return the line on which the statement begins; the parser counts empty ones before it."""
    text = binding.original.string
    return binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")
