"""A request of the benchmarks: as it goes over the wire, to the application or to a test client."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from wsgiref.util import setup_testing_defaults

from django.test import Client

from gatewayz.benchmarks import HOST


@dataclass(frozen=True)
class Request:
    """A request; `body` is sent as JSON, a text as it is."""

    method: str
    path: str
    body: Any = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()

    def to_wire(self) -> str:
        """Return what goes over the wire; the proxy in front has ended TLS."""
        content = self.content.decode()
        headers = {"Host": HOST, "X-Forwarded-Proto": "https", **self.headers}
        if content:
            headers |= {"Content-Type": "application/json", "Content-Length": f"{len(content)}"}
        lines = (f"{name}: {value}" for name, value in headers.items())
        return "\r\n".join([f"{self.method} {self.path} HTTP/1.1", *lines, "", content])

    def to_environ(self) -> dict[str, Any]:
        """Return it as a WSGI server hands it to the application."""
        names = {name: f"HTTP_{name.upper().replace('-', '_')}" for name in self.headers}
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.method,
            "PATH_INFO": self.path,
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": HOST,
            "HTTP_X_FORWARDED_PROTO": "https",
            "wsgi.input": io.BytesIO(self.content),
            **{names[name]: value for name, value in self.headers.items()},
        }
        if self.content:
            environ["CONTENT_TYPE"] = "application/json"
            environ["CONTENT_LENGTH"] = str(len(self.content))
        setup_testing_defaults(environ)
        return environ

    def send(self, client: Client) -> Any:
        """Return the answer, which must be a success."""
        answer = client.generic(
            self.method,
            self.path,
            self.content,
            content_type="application/json",
            headers={"Host": HOST, **self.headers},
            secure=True,
        )
        if answer.status_code >= HTTPStatus.MULTIPLE_CHOICES:
            raise RuntimeError(f"{self} was answered {answer.status_code}")
        return answer
