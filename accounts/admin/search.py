"""The search of lists into which somebody may paste an API key."""

from typing import Any

from django.contrib.admin.views.main import SEARCH_VAR
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from gatewayz.adminbase.model_admin import ModelAdmin
from payments.search import truncate_keys


class KeyTruncatingAdmin(ModelAdmin):
    """A list that reduces an API key pasted into its search to the prefix, which is no secret."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        typed = request.GET.get(SEARCH_VAR, "")
        if (short := truncate_keys(typed)) != typed:
            asked = request.GET.copy()
            asked[SEARCH_VAR] = short
            return HttpResponseRedirect(f"{request.path}?{asked.urlencode()}")
        page: HttpResponse = super().changelist_view(request, extra_context)
        return page
