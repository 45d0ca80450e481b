"""Everything the sandbox serves: Stripe's API, the payment page, and its own front page."""

from django.contrib.staticfiles.views import serve
from django.urls import path, re_path

from payments.sandbox import (
    api,
    api_disputes,
    api_refunds,
    control,
    front_page,
    money_back,
    pay_page,
)
from payments.sandbox.api_view import endpoints
from payments.sandbox.guard import require_sandbox

require_sandbox()

urlpatterns = [
    path("v1/checkout/sessions", endpoints(GET=api.list_sessions, POST=api.create_session)),
    path("v1/checkout/sessions/<slug:session_id>", endpoints(GET=api.retrieve_session)),
    path("v1/checkout/sessions/<slug:session_id>/expire", endpoints(POST=api.expire_session)),
    path("v1/payment_intents", endpoints(GET=api.list_payment_intents)),
    path("v1/payment_intents/<slug:intent_id>", endpoints(GET=api.retrieve_payment_intent)),
    path("v1/charges", endpoints(GET=api.list_charges)),
    path("v1/charges/<slug:charge_id>", endpoints(GET=api.retrieve_charge)),
    path("v1/refunds", endpoints(GET=api_refunds.list_refunds, POST=api_refunds.create_refund)),
    path("v1/refunds/<slug:refund_id>", endpoints(GET=api_refunds.retrieve_refund)),
    path("v1/disputes", endpoints(GET=api_disputes.list_disputes)),
    path(
        "v1/disputes/<slug:dispute_id>",
        endpoints(GET=api_disputes.retrieve_dispute, POST=api_disputes.update_dispute),
    ),
    path("v1/disputes/<slug:dispute_id>/close", endpoints(POST=api_disputes.close_dispute)),
    path("v1/events", endpoints(GET=api.list_events)),
    path("v1/events/<slug:event_id>", endpoints(GET=api.retrieve_event)),
    re_path(r"^v[12]/", endpoints()),
    path("c/pay/<slug:session_id>", pay_page.pay_page, name="pay"),
    path("sandbox/deliveries", control.deliveries, name="deliveries"),
    path("sandbox/events/<slug:event_id>/redeliver", control.redeliver, name="redeliver"),
    path("sandbox/charges/<slug:charge_id>/refund", money_back.refund, name="refund"),
    path("sandbox/charges/<slug:charge_id>/dispute", money_back.dispute, name="dispute"),
    path("sandbox/disputes/<slug:dispute_id>/decide", money_back.decide, name="decide"),
    path("static/<path:path>", serve, {"insecure": True}, name="static"),
    path("", front_page.front_page, name="front"),
]
