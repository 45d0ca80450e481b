"""Describes endpoints in the OpenAPI document by their docstrings and their serializers."""

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular import openapi
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework.serializers import BaseSerializer

Serializer = TypeVar("Serializer", bound=type[BaseSerializer[Any]])


class AutoSchema(openapi.AutoSchema):
    """Takes summary and description from the docstring of the action, and the tag from the app."""

    def get_summary(self) -> str:
        return self._docstring()[0]

    def get_description(self, *_: str) -> str:
        return self._docstring()[1]

    def get_tags(self) -> list[str]:
        app, _, _ = type(self.view).__module__.partition(".")
        return [app.capitalize()]

    def _docstring(self) -> tuple[str, str]:
        """Return the first line, and the rest with each paragraph in one line."""
        summary, _, rest = super().get_description().partition("\n\n")
        return summary, "\n\n".join(" ".join(part.split()) for part in rest.split("\n\n"))


def example(name: str, /, **body: Any) -> Callable[[Serializer], Serializer]:
    """Give a serializer the example that the document shows of its bodies."""
    return extend_schema_serializer(examples=[OpenApiExample(name, value=body)])
