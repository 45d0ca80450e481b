"""The base of all admin pages, and the one place that knows which admin we build on."""

from collections.abc import Callable
from functools import reduce, wraps
from typing import Any, ClassVar, Generic, TypeVar

from django.contrib.admin import ShowFacets
from django.contrib.admin.checks import ModelAdminChecks
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import BadRequest, FieldDoesNotExist, PermissionDenied
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.text import capfirst
from unfold import admin as unfold
from unfold import decorators
from unfold.views import ChangeList

from gatewayz.adminbase import formatting
from gatewayz.adminbase.changelist import UncountedChangeList, UncountedPaginator, by_value

__all__ = [
    "Columns",
    "ModelAdmin",
    "ReadOnlyAdmin",
    "SuperuserAdmin",
    "action",
    "display",
    "is_superuser",
    "row_action",
]

_Method = TypeVar("_Method", bound=Callable[..., Any])
_Row = TypeVar("_Row", bound=Model)


def display(**how: Any) -> Callable[[_Method], _Method]:
    """Decorate a column as Django's `display` does; `label` is the color of each value."""
    decorate: Callable[[_Method], _Method] = decorators.display(**how)
    return decorate


class Columns(Generic[_Row]):
    """Makes the columns of a list of one model, so that the type checker knows the rows."""

    def __init__(self, model: type[_Row]) -> None:
        self.model = model

    def __call__(
        self, description: str, value: Callable[[_Row], Any], **how: Any
    ) -> Callable[..., Any]:
        """Return a column, or a field of a page, that shows `value` of a row."""

        def shown(page: Any, row: _Row) -> Any:
            return value(row)

        return display(description=description, **how)(shown)


def action(**how: Any) -> Callable[[_Method], _Method]:
    """Decorate an action with its description, icon and permissions."""
    decorate: Callable[[_Method], _Method] = decorators.action(**how)
    return decorate


def row_action(
    description: str, icon: str, *permissions: str
) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Decorate an action of a row's page: it gets the admin page, the request and the row."""

    def decorate(act: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(act)
        def on_row(page: Any, request: HttpRequest, object_id: str) -> HttpResponse:
            return act(page, request, page.row(request, object_id))

        return action(description=description, icon=icon, permissions=permissions)(on_row)

    return decorate


# The most rows that one search finds, so that a single letter does not read half of a table.
MOST_FOUND = 1000
_LOOKUPS = {"", "exact", "in", "isnull", "isempty", "gt", "gte", "lt", "lte"}


def _filter_name(offered: Any) -> str:
    """Return the column or the parameter of an item of `list_filter`."""
    if isinstance(offered, type):
        return str(getattr(offered, "parameter_name", ""))
    return offered if isinstance(offered, str) else str(offered[0])


class ModelAdmin(unfold.ModelAdmin):
    """An admin page that is as fast with a million rows as with ten.

    Only what has an index is offered: a page names the columns to sort by (`sortable_by`), and
    what a search finds (`found_by`, explained by `search_help_text`).
    """

    # Unfold's own checks query the permissions, so that `migrate` would fail on an empty database.
    checks_class = ModelAdminChecks
    paginator: ClassVar[Any] = UncountedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_per_page = 50
    sortable_by: ClassVar[Any] = ()
    ordering: ClassVar[Any] = ("-pk",)
    list_filter_submit = True
    list_fullwidth = True
    empty_value_display = formatting.NOTHING
    warn_unsaved_form = True
    # Whether the audit log records what is done to a row.
    has_history = True
    # Columns that links of ours filter by, besides `list_filter`.
    linked_by: ClassVar[Any] = ()
    # What files of the list have: the name of each column, and its field or expression.
    exported: ClassVar[dict[str, Any]] = {}
    # Their order: by a column whose values differ.
    export_order: ClassVar[str] = "-pk"
    # The expression that a filtered list adds up, and how the sum is written.
    summed: ClassVar[tuple[Any, Callable[[Any], str]] | None] = None

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Allow only the filters that are offered: other columns have no index, or are secret."""
        name, _, how = lookup.partition("__")
        try:
            self.opts.get_field(name)
        except FieldDoesNotExist:
            return bool(super().lookup_allowed(lookup, value, request))
        offered = {*self.linked_by, *map(_filter_name, self.list_filter)}
        return name in offered and how in _LOOKUPS

    def found_by(self, term: str) -> list[Q]:
        """Return conditions, each with an index of its own; a row that meets one is found."""
        raise NotImplementedError

    def get_search_fields(self, request: HttpRequest) -> Any:
        """Show the search box if the page says what it finds."""
        return ("found_by",) if self.search_help_text else ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        # Django's list form refuses NUL; its autocomplete does not.
        term = search_term.replace("\0", "").strip()
        if not term or not self.search_help_text:
            return queryset, False
        rows = self.model._default_manager.order_by()
        # A union keeps each condition's index, which one OR over several tables would not.
        found = [
            rows.filter(condition).values("pk")[:MOST_FOUND] for condition in self.found_by(term)
        ]
        hits = queryset.filter(pk__in=reduce(QuerySet.union, found))
        return hits.order_by(*map(by_value, queryset.query.order_by)), False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return UncountedChangeList

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        # Python's int() also accepts digits of other scripts, and spaces around a number.
        is_id = object_id.isascii() and object_id.isdigit()
        return super().get_object(request, object_id, from_field) if is_id else None

    def row(self, request: HttpRequest, object_id: Any) -> Any:
        """Return the row that an action of its page is about. Raises Http404."""
        found = self.get_object(request, str(object_id))
        if found is None:
            raise Http404
        return found

    def _get_obj_does_not_exist_redirect(self, *_: Any) -> HttpResponse:
        """Answer 404 for an unknown id; Django redirects to the overview."""
        raise Http404

    def context(self, request: HttpRequest) -> dict[str, Any]:
        """Return what each page of this model gives to its template."""
        return {**self.admin_site.each_context(request), "opts": self.opts}

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

    def page_context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """Return what the page of this row shows besides its fields."""
        return {}

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Name the page after its row, and offer one way to save."""
        obj = kwargs.get("obj")
        title = self.heading(obj) if obj else f"New {self.opts.verbose_name}"
        context |= {"title": title, "subtitle": None}
        context["show_history"] = self.has_history
        context |= {"show_save_and_continue": False, "show_save_and_add_another": False}
        context |= self.page_context(request, obj) if obj else {}
        page: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return page

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Show what the audit log has of this object."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        self.row(request, object_id)
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
