"""The table of contents: every path that the program serves."""

from csp.decorators import csp_update
from django.contrib import admin
from django.urls import path, re_path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny

import accounts.urls
import gatewayz.site.urls
import payments.urls
import referrals.urls
from gatewayz.api.errors import NoSuchEndpoint
from gatewayz.http import error_pages
from gatewayz.http.health import HealthViewSet
from gatewayz.http.metrics import MetricsView

handler400 = error_pages.bad_request
handler403 = error_pages.forbidden
handler404 = error_pages.not_found
handler500 = error_pages.server_error

_open_to_all = {"authentication_classes": (), "permission_classes": (AllowAny,)}
# Swagger UI sets style attributes; the pages of the program itself do without.
_docs = csp_update({"style-src": ["'self'", "'unsafe-inline'"]})(
    SpectacularSwaggerSplitView.as_view(url_name="schema", **_open_to_all)
)

urlpatterns = [
    # Not by `include`, with which Django takes three times as long to find an endpoint.
    *accounts.urls.urlpatterns,
    *referrals.urls.urlpatterns,
    *payments.urls.urlpatterns,
    *gatewayz.site.urls.urlpatterns,
    path("healthz", HealthViewSet.as_view({"get": "alive"}), name="healthz"),
    path("readyz", HealthViewSet.as_view({"get": "ready"}), name="readyz"),
    path("metrics", MetricsView.as_view(), name="metrics"),
    path("api/schema", SpectacularJSONAPIView.as_view(**_open_to_all), name="schema"),
    path("api/docs", _docs, name="docs"),
    path("admin/", admin.site.urls),
    re_path(r"^(?:api|auth|referral|user)(?:/|\Z)", NoSuchEndpoint.as_view()),
]
