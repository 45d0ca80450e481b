"""The endpoints about payments."""

from django.urls import path, re_path

from payments.views import CheckoutViewSet, PaymentViewSet
from payments.webhook import WebhookViewSet

urlpatterns = [
    path("api/stripe/webhook", WebhookViewSet.as_view({"post": "receive"})),
    path("api/stripe/payments", PaymentViewSet.as_view({"get": "list"})),
    path("api/stripe/checkout-session", CheckoutViewSet.as_view({"post": "create"})),
    re_path(
        r"^api/stripe/checkout-session/(?P<session_id>[A-Za-z0-9_]{1,255})\Z",
        CheckoutViewSet.as_view({"get": "retrieve"}),
    ),
]
