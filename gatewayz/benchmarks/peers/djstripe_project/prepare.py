"""Makes dj-stripe's tables, and the endpoint whose secret signs the events."""

import os
from typing import Any

import django
from django.apps import apps
from django.core.management import call_command

from gatewayz.benchmarks import HOST
from gatewayz.benchmarks.peers.djstripe_project import ENDPOINT


def prepare() -> None:
    call_command("migrate", run_syncdb=True, verbosity=0)
    # Types are checked with our settings, where dj-stripe's models are not.
    djstripe: Any = apps.get_app_config("djstripe")
    account = djstripe.get_model("Account")
    djstripe.get_model("WebhookEndpoint").objects.create(
        id="we_benchmark",
        djstripe_uuid=ENDPOINT,
        djstripe_owner_account=account.get_or_retrieve_for_api_key(os.environ["STRIPE_SECRET_KEY"]),
        secret=os.environ["PEER_SECRET"],
        url=f"https://{HOST}/api/stripe/webhook",
        enabled_events=["*"],
        livemode=False,
    )


if __name__ == "__main__":
    django.setup()
    prepare()
