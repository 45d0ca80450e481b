"""What Sentry is told of an unexpected error, in a process of its own, which it changes."""

import json
import os
import subprocess
import sys

import pytest

SCRIPT = """
import json
from unittest.mock import patch
import django
django.setup()
from django.test import Client
from gatewayz.http import error_reports
from sentry_sdk.transport import Transport

class Kept(Transport):
    def capture_envelope(self, envelope):
        print(envelope.items[0].get_bytes().decode())

error_reports.report_to("https://key@sentry.example.com/1", transport=Kept)
KEY = "gw_live_" + "x" * 43
failure = RuntimeError(f"bob@example.com {KEY}")
with patch("referrals.invite_views.find_and_count", side_effect=failure):
    answer = Client(raise_request_exception=False).post(
        "/referral/validate?email=bob@example.com", {"referral_code": "BOBS-CODE"},
        content_type="application/json", headers={"X-Secret": KEY},
        REMOTE_ADDR="203.0.113.7", SERVER_NAME="localhost",
    )
print(answer.status_code)
"""


@pytest.mark.slow
def test_it_learns_what_failed_and_nothing_of_whom() -> None:
    environment = os.environ | {"DEBUG": "true", "DJANGO_SETTINGS_MODULE": "gatewayz.settings"}

    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True
    )

    *report, status = done.stdout.splitlines()
    assert status == "500"
    [exception] = json.loads(report[-1])["exception"]["values"]
    assert exception["type"] == "RuntimeError"
    for secret in ("bob@", "BOBS-CODE", "gw_live_x", "203.0.113.7"):
        assert secret not in done.stdout
