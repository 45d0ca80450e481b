"""How the API speaks JSON: bounded bodies in, exact money out, pages by keyset."""

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import IO, Any

import orjson
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers, status
from rest_framework.exceptions import APIException, NotFound, ParseError, ValidationError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

MAX_BODY_BYTES = 64 * 1024
# As many digits as a bigint always holds.
_ROW_ID = re.compile(r"[0-9]{1,18}", re.ASCII)


class BodyTooLarge(APIException):
    """The request's body is above the limit."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = f"The body is larger than {MAX_BODY_BYTES} bytes."
    default_code = "body_too_large"


class BoundedJSONParser(JSONParser):
    """JSON of at most MAX_BODY_BYTES."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        request = (parser_context or {})["request"]
        if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY_BYTES:
            raise BodyTooLarge
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError("JSON parse error - nested too deeply") from None


class TextField(serializers.CharField):
    """Text given as a JSON string; DRF alone would accept a number too."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


@extend_schema_field({"type": ["string", "number", "boolean", "array", "object"]})
class AnythingField(serializers.JSONField):
    """Any JSON value. The schema names the types, since `{}` would be documented as not null."""


def exact_number(value: object) -> orjson.Fragment:
    """Write a Decimal as the JSON number that it is: `20.0`, never by way of a float."""
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} cannot be written as JSON")
    number = f"{value:f}"
    if "." not in number:
        return orjson.Fragment(f"{number}.0")
    whole, _, decimals = number.partition(".")
    return orjson.Fragment(f"{whole}.{decimals.rstrip('0') or '0'}")


def to_json(value: object) -> bytes:
    """Return JSON with amounts of money as exact numbers."""
    return orjson.dumps(value, default=exact_number, option=orjson.OPT_UTC_Z)


def stream(facts: Mapping[str, Any], lists: Mapping[str, Iterable[Any]]) -> Iterator[bytes]:
    """Yield one JSON object of the facts and the lists, a row at a time."""
    yield to_json(facts).removesuffix(b"}")
    for name, rows in lists.items():
        yield b',"%s":[' % name.encode()
        for number, row in enumerate(rows):
            yield (b"," if number else b"") + to_json(row)
        yield b"]"
    yield b"}"


class ExactJSONRenderer(BaseRenderer):
    """JSON, with amounts of money as exact numbers."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if data is None:
            return b""
        return to_json(data)


def answer(body: Any) -> HttpResponse:
    """Return what `Response(body)` would, for endpoints that are called all the time.

    DRF's `Response` is one of Django's templates, and costs three times as much.
    """
    return HttpResponse(ExactJSONRenderer().render(body), content_type="application/json")


class AlwaysJSON(BaseContentNegotiation):
    """Answer JSON, whatever the client accepts."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        media_type = request.content_type.partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == media_type), None)

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class NewestFirstPagination(CursorPagination):
    """Pages of fifty by keyset: the last page costs as much as the first."""

    page_size = 50
    ordering = "-id"

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Return the place in the list.

        Raises ValidationError for a cursor that is not ours.
        """
        refusal = ValidationError({"cursor": ["Use a cursor from `next` or `previous`."]})
        # b64decode skips characters outside its alphabet, so a damaged cursor could pass.
        cursor_text = request.query_params.get(self.cursor_query_param, "")
        if not re.fullmatch(r"[A-Za-z0-9+/=]*", cursor_text):
            raise refusal
        try:
            cursor = super().decode_cursor(request)
        except NotFound:
            raise refusal from None
        if cursor and not _ROW_ID.fullmatch(str(cursor.position or 0)):
            raise refusal
        return cursor

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Describe a page in OpenAPI 3.1, which has no `nullable`."""
        link = {"type": ["string", "null"], "format": "uri", "example": None}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": link, "previous": link, "results": schema},
        }
