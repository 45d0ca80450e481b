"""The WSGI application that granian serves."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

from gatewayz.http.static_files import require_collected

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gatewayz.settings")

try:
    application = get_wsgi_application()
    require_collected()
except ImproperlyConfigured as refusal:
    sys.exit(f"gatewayz: {refusal}")
