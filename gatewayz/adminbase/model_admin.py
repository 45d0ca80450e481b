"""The one place that knows which admin we build on; operators may look, unless a page says more."""

from collections.abc import Callable
from functools import partial, reduce
from typing import Any, ClassVar, TypeVar

from django.contrib.admin import ShowFacets
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import BadRequest, FieldDoesNotExist, PermissionDenied
from django.core.paginator import Page, Paginator
from django.db import DataError
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.utils.text import capfirst
from unfold import admin as unfold
from unfold import decorators
from unfold.views import ChangeList

from gatewayz.adminbase import formatting, navigation
from gatewayz.adminbase.filters import DayFilter

__all__ = [
    "ModelAdmin",
    "ReadOnlyAdmin",
    "SuperuserAdmin",
    "action",
    "display",
    "is_superuser",
]

_Method = TypeVar("_Method", bound=Callable[..., Any])


def display(**how: Any) -> Callable[[_Method], _Method]:
    """Say how a column is shown, as Django's own does, and `label`: the colour of each value."""
    decorate: Callable[[_Method], _Method] = decorators.display(**how)
    return decorate


def action(**how: Any) -> Callable[[_Method], _Method]:
    """Say what an action is called, who may take it, and with which form (`dialog`)."""
    decorate: Callable[[_Method], _Method] = decorators.action(**how)
    return decorate


# As deep as one can page: OFFSET reads all that it skips. Who looks for more searches or filters.
MOST_PAGES = 100
# As much as one search finds, so that a single letter does not read half of a table.
MOST_FOUND = 1000


def _by_value(ordering: Any) -> Any:
    """Sort by what a column says, not by its index.

    What a search finds is few, and quickly sorted; along an index PostgreSQL would walk through
    the table until it has met enough of it.
    """
    if not isinstance(ordering, str):
        return ordering
    column = F(ordering.removeprefix("-"))
    value = Coalesce(column, column)
    return value.desc() if ordering.startswith("-") else value.asc()


_WAYS_TO_FILTER = {"", "exact", "in", "isnull", "isempty", "gt", "gte", "lt", "lte"}


def _filtered_by(offered: Any) -> str:
    """Return the column, or the own name, of what stands in `list_filter`."""
    if isinstance(offered, type):
        return str(getattr(offered, "parameter_name", ""))
    return offered if isinstance(offered, str) else str(offered[0])


class SteppingPaginator(Paginator):
    """Goes forward and back without counting: one row more than a page tells of the next."""

    template_name = "admin/steps.html"
    has_more = False

    @property
    def count(self) -> int:
        """Return as many as one can page through, whatever there is."""
        return self.per_page * MOST_PAGES

    def page(self, number: int | str) -> Page:
        number = self.validate_number(number)
        first = (number - 1) * self.per_page
        rows = list(self.object_list[first : first + self.per_page + 1])
        self.has_more = len(rows) > self.per_page and number < MOST_PAGES
        return Page(rows[: self.per_page], number, self)


class SteppingChangeList(ChangeList):
    """A list that knows what it shows, and not how much there is."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = navigation.title_of(self.model)

    def get_ordering_field(self, field_name: Any) -> Any:
        """Sort by what is offered alone, also when the address is typed by hand."""
        return super().get_ordering_field(field_name) if field_name in self.sortable_by else None

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet:
        try:
            rows: QuerySet = super().get_queryset(request, exclude_parameters)
        except ValueError as nonsense:
            raise IncorrectLookupParameters(nonsense) from nonsense
        # The rows of a few days are quicker sorted than met by walking through all other days.
        is_sorted = any(
            isinstance(each, DayFilter) and each.is_of_few_days for each in self.filter_specs
        )
        return rows.order_by(*map(_by_value, rows.query.order_by)) if is_sorted else rows

    @property
    def linked(self) -> str:
        """Return what one of our links has filtered by, in words."""
        filters = ((name.partition("__")[0], value) for name, value in self.params.items())
        parts = (
            f"{field.verbose_name} {_named(field, value)}"
            for name, value in filters
            if name in self.model_admin.linked_by and (field := self.opts.get_field(name))
        )
        return capfirst(", ".join(parts))

    def get_results(self, request: HttpRequest) -> None:
        """Read the page; what PostgreSQL cannot even read of the address is taken for a typo."""
        try:
            super().get_results(request)
        except (DataError, ValueError) as nonsense:
            raise IncorrectLookupParameters(nonsense) from nonsense
        self.result_count = self.full_result_count = len(self.result_list)


def _named(column: Any, value: str) -> Any:
    """Return what a value of the column is called: a row by its name."""
    if column.related_model is None:
        return value
    return column.related_model._default_manager.filter(pk=value).first() or value


class ModelAdmin(unfold.ModelAdmin):
    """A page of the desk, as fast with a million rows as with ten.

    Only what has an index is offered: a page names the columns to sort by (`sortable_by`), and
    what can be searched for (`found_by`, announced to people by `search_help_text`).
    """

    paginator: ClassVar[Any] = SteppingPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_per_page = 50
    sortable_by: ClassVar[Any] = ()
    ordering: ClassVar[Any] = ("-pk",)
    list_filter_submit = True
    list_fullwidth = True
    empty_value_display = formatting.NOTHING
    warn_unsaved_form = True
    # Whether anything that is done to a row is in the audit log.
    has_history = True
    # What our own links filter by, beside `list_filter`.
    linked_by: ClassVar[Any] = ()

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Let be filtered what is offered alone: another column has no index, or is a secret."""
        name, _, how = lookup.partition("__")
        try:
            self.opts.get_field(name)
        except FieldDoesNotExist:
            return bool(super().lookup_allowed(lookup, value, request))
        offered = {*self.linked_by, *map(_filtered_by, self.list_filter)}
        return name in offered and how in _WAYS_TO_FILTER

    def found_by(self, term: str) -> list[Q]:
        """Return conditions, each with an index of its own; a row that meets one is found."""
        raise NotImplementedError

    def get_search_fields(self, request: HttpRequest) -> Any:
        """Show the search box where the page says what it finds."""
        return ("found_by",) if self.search_help_text else ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        # The list's own form refuses NUL, the choices that load as one types do not.
        term = search_term.replace("\0", "").strip()
        if not term or not self.search_help_text:
            return queryset, False
        rows = self.model._default_manager.order_by()
        # A union keeps each condition's index, which one OR over several tables would not.
        found = [
            rows.filter(condition).values("pk")[:MOST_FOUND] for condition in self.found_by(term)
        ]
        hits = queryset.filter(pk__in=reduce(QuerySet.union, found))
        return hits.order_by(*map(_by_value, queryset.query.order_by)), False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SteppingChangeList

    def own_page(self, name: str, view: Callable[..., HttpResponse]) -> URLPattern:
        """Return the path of a page about one row, named `app_model_name`.

        The view is given this object, the request, and the row's key as `pk`.
        """
        opts = self.opts
        guarded: Callable[..., HttpResponse] = self.admin_site.admin_view(partial(view, self))
        return path(f"<int:pk>/{name}/", guarded, name=f"{opts.app_label}_{opts.model_name}_{name}")

    def row(self, request: HttpRequest, object_id: Any) -> Any:
        """Return the row that an action of its page is about. Raises Http404."""
        found = self.get_object(request, str(object_id))
        if found is None:
            raise Http404
        return found

    def offers(self, action: str, request: HttpRequest, row: Any) -> bool:
        """Tell whether the action makes sense for this row, and this operator.

        It decides what the page shows; the action's permissions decide who may do it.
        """
        return True

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        allowed = super().get_actions_detail(request, object_id)
        row = self.get_object(request, str(object_id)) if allowed else None
        return [each for each in allowed if row and self.offers(each.path, request, row)]

    def response_action(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        """Run the action of a list. Django fails on a selected row whose key is no number."""
        keys = request.POST.getlist(ACTION_CHECKBOX_NAME)
        if not all(key.isascii() and key.isdigit() for key in keys):
            raise BadRequest
        response: HttpResponse | None = super().response_action(request, queryset)
        return response

    def heading(self, obj: Any) -> str:
        """Return what the page of this row is called."""
        return capfirst(str(obj))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Name the page after its row, and offer one way to save."""
        obj = kwargs.get("obj")
        title = self.heading(obj) if obj else f"New {self.opts.verbose_name}"
        context |= {"title": title, "subtitle": None}
        context["show_history"] = self.has_history
        context |= {"show_save_and_continue": False, "show_save_and_add_another": False}
        page: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return page

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Show what the audit log has of this object."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        what = urlencode({"target_type": self.opts.label_lower, "target_id": object_id})
        return redirect(f"{reverse('admin:accounts_auditentry_changelist')}?{what}")

    def log_addition(self, request: HttpRequest, obj: Any, message: Any, /) -> Any:
        """Leave it to the audit log, which is the only log there is."""

    log_change = log_addition

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is deleted: people are deactivated, and their entries stay (CONTRACT 2.8)."""
        return False


class ReadOnlyAdmin(ModelAdmin):
    """Shows, and lets nobody add or change: money moves in the domain, not in forms."""

    def get_form(self, *args: Any, **kwargs: Any) -> Any:
        """Leave out what helps to fill a form in."""
        silent = {column.name: "" for column in self.opts.fields}
        return super().get_form(*args, **{"help_texts": silent, **kwargs})

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class SuperuserAdmin(ReadOnlyAdmin):
    """Open to superusers alone, whatever permissions somebody else was given."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)

    def has_superuser_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Answer what an action asks with `permissions=["superuser"]`."""
        return is_superuser(request)


def is_superuser(request: HttpRequest) -> bool:
    return request.user.is_active and request.user.is_superuser
