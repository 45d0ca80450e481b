"""An address of the admin whose id is none is not found, on every page."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admindocs.views import extract_views_from_urlpatterns
from django.db import transaction
from django.urls import reverse

from accounts.tests.factories import operator
from gatewayz.adminbase.model_admin import _filter_name

# The page of an error is the same for all, and drawn for the first.
AS_JSON = {"Accept": "application/json"}
# No number, no row's, too large, other digits, quoted, a NUL, a line's end, and a path.
BAD_IDS = ["abc", "0", "9" * 30, "١٢", "_00", "%00", "1%0A", "a/b"]
TRIED = [("get", bad) for bad in BAD_IDS] + [("post", "abc"), ("post", "0"), ("post", "_00")]
BAD_FILTERS = ["=abc", f"={'9' * 30}", "=%00", "__in=abc", f"__in={'9' * 30}", "__isnull=abc"]
pytestmark = pytest.mark.slow
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


ROUTES = sorted(
    {
        str(path)
        for _, path, *_ in extract_views_from_urlpatterns(admin.site.urls[0])
        if _PARAMETER.search(str(path))
    }
)
PAGES = {f"{model._meta.label_lower}": page for model, page in admin.site._registry.items()}


def test_the_routes_are_found() -> None:
    assert len(ROUTES) > 40, ROUTES


@pytest.mark.parametrize("route", ROUTES)
def test_a_page_of_none_is_not_found(db: None, route: str) -> None:
    browser = operator()
    browser.raise_request_exception = False
    # 403: nobody deletes, for instance. Withdrawn terms are gone; who comes too late reads so.
    right = {403, 404} | ({200} if route.endswith("/withdraw/") and "program" in route else set())
    wrong = {}
    for method, bad in TRIED:
        path = "/admin/" + _PARAMETER.sub(bad, route).removeprefix("^").removesuffix("$")
        headers = {} if (method, bad) == TRIED[0] else AS_JSON
        code = getattr(browser, method)(path, headers=headers, follow=True).status_code
        if code not in right:
            wrong[method, path] = code

    assert wrong == {}


@pytest.mark.parametrize("name", PAGES)
def test_a_list_that_is_asked_for_a_row_of_none_is_no_error(db: None, name: str) -> None:
    browser = operator()
    browser.raise_request_exception = False
    page: Any = PAGES[name]
    path = reverse(f"admin:{name.replace('.', '_')}_changelist")
    wrong = {}
    for field in {*page.linked_by, *map(_filter_name, page.list_filter), "id", "q", "p", "o"}:
        for bad in BAD_FILTERS:
            # PostgreSQL ends the test's transaction when it cannot read a value.
            before = transaction.savepoint()
            code = browser.get(f"{path}?{field}{bad}").status_code
            transaction.savepoint_rollback(before)
            if code >= 500:
                wrong[field, bad] = code

    assert wrong == {}
