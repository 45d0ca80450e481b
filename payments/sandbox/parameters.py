"""Readers of request parameters: each turns what was sent into a value or refuses it by name."""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from payments.sandbox.errors import InvalidParameter
from payments.sandbox.form_encoding import Tree

Sent: TypeAlias = "str | Tree"
Reader: TypeAlias = Callable[[Sent, str], Any]

_INTEGER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_METADATA_KEYS, _METADATA_KEY_LENGTH, _METADATA_VALUE_LENGTH = 50, 40, 500


def text(max_length: int = 5000) -> Reader:
    """Read a string that is not empty."""

    def read(sent: Sent, param: str) -> str:
        value = _string(sent, param)
        if not value:
            raise InvalidParameter(
                f"You passed an empty string for '{param}'. We assume empty values are an attempt "
                f"to unset a parameter; however '{param}' cannot be unset. You should remove "
                f"'{param}' from your request or supply a non-empty value.",
                code="parameter_invalid_empty",
                param=param,
            )
        if len(value) > max_length:
            raise InvalidParameter(
                f"Invalid string: {value[:20]}...; must be at most {max_length} characters",
                code="parameter_invalid_string",
                param=param,
            )
        return value

    return read


def integer(minimum: int | None = None, maximum: int | None = None) -> Reader:
    """Read an integer within bounds."""

    def read(sent: Sent, param: str) -> int:
        value = _string(sent, param)
        if not _INTEGER.fullmatch(value):
            raise _invalid_integer(f"Invalid integer: {value[:100]}", param)
        number = int(value)
        if minimum is not None and number < minimum:
            raise _invalid_integer(f"This value must be greater than or equal to {minimum}.", param)
        if maximum is not None and number > maximum:
            raise _invalid_integer(f"This value must be less than or equal to {maximum}.", param)
        return number

    return read


def boolean(sent: Sent, param: str) -> bool:
    """Read `true` or `false`."""
    value = _string(sent, param)
    if value not in ("true", "false"):
        raise InvalidParameter(f"Invalid boolean: {value[:100]}", param=param)
    return value == "true"


def choice(*options: str) -> Reader:
    """Read one of the options."""

    def read(sent: Sent, param: str) -> str:
        value = _string(sent, param)
        if value not in options:
            allowed = options[0] if len(options) == 1 else f"one of {', '.join(options)}"
            raise InvalidParameter(f"Invalid {param}: must be {allowed}", param=param)
        return value

    return read


def url(sent: Sent, param: str) -> str:
    """Read an absolute http(s) address."""
    value = text()(sent, param)
    try:
        parts = urlsplit(value)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_good = False
    if not is_good or re.search(r"\s", value):
        raise InvalidParameter("Not a valid URL", code="url_invalid", param=param)
    return str(value)


def email(sent: Sent, param: str) -> str:
    """Read an e-mail address."""
    value = text(800)(sent, param)
    if not is_email(value):
        raise InvalidParameter(
            f"Invalid email address: {value[:100]}", code="email_invalid", param=param
        )
    return str(value)


def is_email(value: str) -> bool:
    """Say whether the text looks like an e-mail address."""
    return _EMAIL.fullmatch(value) is not None


def currency(*supported: str) -> Reader:
    """Read a currency code, in lower case."""

    def read(sent: Sent, param: str) -> str:
        value = _string(sent, param).lower()
        if value not in supported:
            raise InvalidParameter(
                f"Invalid currency: {value[:20]}. Stripe currently supports these currencies: "
                f"{', '.join(supported)}",
                param=param,
            )
        return value

    return read


def metadata(sent: Sent, param: str) -> dict[str, str]:
    """Read metadata: at most 50 pairs of texts; an empty value unsets its key."""
    if sent == "":
        return {}
    pairs = {key: _string(value, f"{param}[{key}]") for key, value in _tree(sent, param).items()}
    if len(pairs) > _METADATA_KEYS:
        raise InvalidParameter(
            f"You can have up to {_METADATA_KEYS} keys. You have {len(pairs)}.", param=param
        )
    for key, value in pairs.items():
        if len(key) > _METADATA_KEY_LENGTH or len(value) > _METADATA_VALUE_LENGTH:
            raise InvalidParameter(
                f"Metadata keys can be up to {_METADATA_KEY_LENGTH} characters long and values up "
                f"to {_METADATA_VALUE_LENGTH}.",
                param=f"{param}[{key[:_METADATA_KEY_LENGTH]}]",
            )
    return {key: value for key, value in pairs.items() if value}


def list_of(item: Reader) -> Reader:
    """Read a list, in the order of its indexes."""

    def read(sent: Sent, param: str) -> list[Any]:
        if isinstance(sent, str) or not all(key.isdecimal() for key in sent):
            raise InvalidParameter("Invalid array", param=param)
        indexes = sorted(sent, key=int)
        return [item(sent[index], f"{param}[{index}]") for index in indexes]

    return read


def one_or(single: Reader, several: Reader) -> Reader:
    """Read a plain value with one reader and a nested one with the other."""

    def read(sent: Sent, param: str) -> Any:
        return (single if isinstance(sent, str) else several)(sent, param)

    return read


def mapping(readers: Mapping[str, Reader], required: Collection[str] = ()) -> Reader:
    """Read an object whose fields have readers of their own."""

    def read(sent: Sent, param: str) -> dict[str, Any]:
        return read_all(_tree(sent, param), readers, required, param)

    return read


def read_all(
    sent: Tree, readers: Mapping[str, Reader], required: Collection[str] = (), parent: str = ""
) -> dict[str, Any]:
    """Read every parameter sent; refuse unknown and missing ones as Stripe does."""

    def full_name(name: str) -> str:
        return f"{parent}[{name}]" if parent else name

    unknown = [full_name(name)[:200] for name in sent if name not in readers]
    if unknown:
        raise InvalidParameter(
            f"Received unknown parameter{'s' if len(unknown) > 1 else ''}: {', '.join(unknown)}",
            code="parameter_unknown",
            param=unknown[0],
        )
    for name in required:
        if name not in sent:
            raise InvalidParameter(
                f"Missing required param: {full_name(name)}.",
                code="parameter_missing",
                param=full_name(name),
            )
    return {name: readers[name](value, full_name(name)) for name, value in sent.items()}


def _string(sent: Sent, param: str) -> str:
    if not isinstance(sent, str):
        raise InvalidParameter("Invalid string: expected a plain value.", param=param)
    return sent


def _tree(sent: Sent, param: str) -> Tree:
    if isinstance(sent, str):
        raise InvalidParameter("Invalid object", param=param)
    return sent


def _invalid_integer(message: str, param: str) -> InvalidParameter:
    return InvalidParameter(message, code="parameter_invalid_integer", param=param)
