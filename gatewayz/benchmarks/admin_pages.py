"""Every page of the admin, found from its registry: lists with each filter, each sort, a search."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.contrib.admin.views.main import ChangeList
from django.contrib.admindocs.views import extract_views_from_urlpatterns
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from accounts.models import User
from gatewayz.adminbase.changelist import MOST_PAGES
from gatewayz.adminbase.filters import DayFilter

# The beginning of many names, one e-mail address, a code, an id of Stripe's, and what nobody has.
TERMS = ("person77", "person77@example.com", "B0000077", "cs_load_1_77", "nobody at all")
MOST_CHOICES = 20
OBJECT = "<path:object_id>"


def lists(operator: User) -> Iterator[tuple[str, str]]:
    """Yield every list, by name and address: as it opens, filtered, sorted, searched, later on."""
    for model in admin.site._registry:
        page = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        changes = _change_list(model, page, operator)
        terms = TERMS if changes.model_admin.search_help_text else ()
        middle = MOST_PAGES // 2
        is_long = model._default_manager.count() > changes.list_per_page * middle
        queries = (
            *("", *_filters(changes), *_sorts(changes)),
            *(_query(q=term) for term in terms),
            *([_query(p=middle)] if is_long else ()),
        )
        yield from ((page + query, page + query) for query in queries)
        # What is linked to depends on the size, and the name does not.
        yield from ((f"{page}?{name}=…", page + query) for name, query in _links(changes))


def _change_list(model: Any, page: str, operator: User) -> ChangeList:
    request = RequestFactory().get(page)
    request.user = operator
    return admin.site._registry[model].get_changelist_instance(request)


def _filters(changes: ChangeList) -> Iterator[str]:
    """Yield the queries of each choice of each filter."""
    for each in changes.filter_specs:
        if isinstance(each, SimpleListFilter):
            values = [value for value, _ in each.lookup_choices]
            # Of many people who could be chosen, some are as good as all.
            yield from (_query(**{str(each.parameter_name): v}) for v in values[:MOST_CHOICES])
        elif isinstance(each, DayFilter):
            yield from _days(each.field_path)
        else:
            queries = (str(choice["query_string"]) for choice in each.choices(changes))
            yield from (query for query in queries if query != "?")


def _days(column: str) -> Iterator[str]:
    """Yield the queries of a day, of longer periods, of long ago, and of all days."""
    today = timezone.now().date()
    for first, last in ((2, 2), (8, 2), (32, 2), (100, 100), (190, 100), (400, 0)):
        days = {"from": today - timedelta(days=first), "to": today - timedelta(days=last)}
        yield _query(**{f"{column}_{end}": day for end, day in days.items()})


def _links(changes: ChangeList) -> Iterator[tuple[str, str]]:
    """Yield the queries of links of ours: each column, and its newest value."""
    page: Any = changes.model_admin
    for name in page.linked_by:
        column = getattr(changes.opts.get_field(name), "attname", name)
        rows = changes.model._default_manager.exclude(**{column: None}).order_by("-pk")
        if value := rows.values_list(column, flat=True).first():
            yield name, _query(**{name: value})


def _sorts(changes: ChangeList) -> Iterator[str]:
    """Yield the queries of each column that a list can be sorted by, both ways."""
    for number, name in enumerate(changes.list_display):
        if changes.get_ordering_field(name):
            yield from (_query(o=number), _query(o=f"-{number}"))


def _query(**parameters: Any) -> str:
    return "?" + urlencode(parameters)


def others() -> Iterator[tuple[str, str]]:
    """Yield all other pages, by name and address; those about a row are about the newest one."""
    for _, pattern, *_ in extract_views_from_urlpatterns(admin.site.urls[0], "admin/"):
        path = str(pattern)
        if "<" not in path and "(" not in path:
            yield f"/{path}", f"/{path}"
        elif OBJECT in path and path.count("<") == 1:
            row = _newest(path)
            if row is not None:
                yield f"/{path}", f"/{path.replace(OBJECT, str(row))}"


def _newest(path: str) -> Any:
    """Return the key of the newest row of the model that the path is about."""
    _, app, model, *_ = path.split("/")
    rows = apps.get_model(app, model)._default_manager.order_by("-pk")
    return rows.values_list("pk", flat=True).first()
