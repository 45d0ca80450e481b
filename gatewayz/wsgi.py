"""The WSGI application that granian serves."""

import os
import sys
from typing import Any

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest

from gatewayz.http.static_files import require_collected

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gatewayz.settings")


class Utf8Request(WSGIRequest):
    """Text is UTF-8, whatever the request says: Python knows charsets that decode none (`hex`)."""

    # Django decodes the query while it makes the request, before any middleware could help.
    encoding: Any = property(lambda _: None, lambda _, charset: None)


class Utf8Handler(WSGIHandler):
    """Django's application, with such requests."""

    request_class = Utf8Request


try:
    django.setup(set_prefix=False)
    application = Utf8Handler()
    require_collected()
except ImproperlyConfigured as refusal:
    sys.exit(f"gatewayz: {refusal}")
