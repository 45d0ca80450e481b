"""Describes to OpenAPI how callers authenticate; drf-spectacular finds the class by itself."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """Describes API key and token as security schemes, and which calls are open to a token."""

    target_class = "accounts.authentication.ApiKeyAuthentication"
    name: Any = ["ApiKey", "Token"]

    def get_security_requirement(self, auto_schema: AutoSchema) -> list[dict[str, list[str]]]:
        view: Any = auto_schema.view
        scope = getattr(view, "token_scopes", {}).get(view.action)
        return [{"ApiKey": []}, *([{"Token": [scope.value]}] if scope else [])]

    def get_security_definition(self, auto_schema: AutoSchema) -> list[dict[str, str]]:
        bearer = {"type": "http", "scheme": "bearer"}
        of_key = "The `api_key` in the answer of `POST /auth/register`."
        temporary = (
            "The `token` in the answer of `POST /user/tokens`, for a browser: it ends after 15"
            " minutes, and is good for the calls of its scope. `checkout` includes"
            " `read`, which includes `stats`."
        )
        return [
            bearer | {"bearerFormat": "gw_live_…", "description": of_key},
            bearer | {"bearerFormat": "gw_temp_…", "description": temporary},
        ]
