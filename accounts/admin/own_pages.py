"""Pages about one row that stand beside Django's list and form of it."""

from collections.abc import Callable
from functools import partial

from django.http import HttpResponse
from django.urls import URLPattern, path

from gatewayz.model_admin import ModelAdmin


class OwnPages(ModelAdmin):
    """Has pages about one row beside Django's, named `app_model_page`."""

    def own_page(self, name: str, view: Callable[..., HttpResponse]) -> URLPattern:
        opts = self.opts
        guarded: Callable[..., HttpResponse] = self.admin_site.admin_view(partial(view, self))
        return path(f"<int:pk>/{name}/", guarded, name=f"{opts.app_label}_{opts.model_name}_{name}")
