"""Everything the sandbox serves: Stripe's API, the payment page, and its own front page."""

from django.contrib.staticfiles.views import serve
from django.urls import path, re_path

from payments.sandbox import api, controls, home_page, mail_page, pay_page
from payments.sandbox.guard import require_sandbox

require_sandbox()

urlpatterns = [
    path("v1/checkout/sessions", api.checkout_sessions),
    path("v1/payment_intents/<slug:intent_id>", api.payment_intent),
    path("v1/events", api.events),
    path("v1/balance_transactions", api.balance_transactions),
    path("v1/payouts", api.payouts),
    re_path(r"^v[12]/", api.unknown),
    path("c/pay/<slug:session_id>", pay_page.pay_page, name="pay"),
    path("sandbox/deliveries", controls.steer_deliveries, name="deliveries"),
    path("sandbox/events/<slug:event_id>/redeliver", controls.redeliver, name="redeliver"),
    path("sandbox/charges/<slug:charge_id>/refund", controls.refund, name="refund"),
    path("sandbox/charges/<slug:charge_id>/dispute", controls.dispute, name="dispute"),
    path("sandbox/disputes/<slug:dispute_id>/decide", controls.decide, name="decide"),
    path("mail", mail_page.mail_page, name="mail"),
    path("mail/<int:number>", mail_page.html_page, name="mail-html"),
    path("static/<path:path>", serve, {"insecure": True}, name="static"),
    path("", home_page.home_page, name="front"),
]
