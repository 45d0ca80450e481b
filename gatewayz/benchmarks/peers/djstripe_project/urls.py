"""dj-stripe's view, at the address of our webhook."""

from django.urls import path
from djstripe.views import ProcessWebhookView

from gatewayz.benchmarks.peers.djstripe_project import ENDPOINT

urlpatterns = [path("api/stripe/webhook", ProcessWebhookView.as_view(), {"uuid": ENDPOINT})]
