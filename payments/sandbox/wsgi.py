"""The sandbox as a process of its own, deliveries included."""

import os

import django
from django.utils.module_loading import import_string

from payments.sandbox.guard import require_sandbox

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gatewayz.settings")
require_sandbox()
django.setup(set_prefix=False)

# Imported only now: these modules need the models, which need Django to be set up.
application = import_string("payments.sandbox.server.SandboxHandler")()
import_string("payments.sandbox.deliveries.start_delivering")()
