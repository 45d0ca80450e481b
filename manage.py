#!/usr/bin/env python
"""Run Django's commands; `./dev manage …` runs this with a database at hand."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line


def run() -> None:
    """Do what the command line asks for; end with 1 when nobody reads on, as after `| head`."""
    try:
        execute_from_command_line(sys.argv)
        # Here and not when the interpreter ends, where nothing could be done about it any more.
        sys.stdout.flush()
    except ImproperlyConfigured as refusal:
        sys.exit(f"manage.py: {refusal}")
    except BrokenPipeError:
        # What is still to be written goes nowhere, or Python would complain of it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gatewayz.settings")
    run()
