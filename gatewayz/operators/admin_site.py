"""The admin site: which pages it has, and who may open it."""

from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from functools import partial, wraps
from http import HTTPStatus
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings
from django.contrib.admin import ModelAdmin as DjangoModelAdmin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from unfold.sites import UnfoldAdminSite

from accounts import operator_login, report_database, second_factor, throttling
from accounts.models import User
from gatewayz.adminbase import model_admin, navigation
from gatewayz.adminbase.content_policy import as_unfold_needs
from gatewayz.http import error_pages
from gatewayz.operators import list_export, own_log_in, search

# A working day, so that no session is open the next morning.
SESSION_LASTS = timedelta(hours=12)
BUSY_SECONDS = 2
_WROTE = "wrote"


def _is_for_setup(request: HttpRequest) -> bool:
    """Return whether the page is open to staff who still have to set up the second factor."""
    return request.path in (reverse("admin:second_factor"), reverse("admin:logout"))


def _must_set_up(request: HttpRequest) -> bool:
    user = request.user
    if not isinstance(user, User) or not user.is_active or not user.is_staff:
        return False
    return second_factor.must_set_up(user)


def _reports_have_own_writes(request: HttpRequest) -> AbstractContextManager[None]:
    """Let reports read the primary while the replica may lack what this operator has just done."""
    has_written = _WROTE in request.COOKIES
    return report_database.fixed(report_database.PRIMARY) if has_written else nullcontext()


def _remember_write(request: HttpRequest, response: HttpResponseBase) -> None:
    """Note a form that did something, which leads to another page."""
    is_done = request.method == "POST" and isinstance(response, HttpResponseRedirect)
    if is_done and report_database.is_configured():
        response.set_cookie(
            _WROTE,
            max_age=settings.DATABASE_REPLICA_MAX_LAG_SECONDS,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )


class OperatorSite(UnfoldAdminSite):
    """The admin site, `django.contrib.admin.site`."""

    index_title = "Overview"
    login_template = "admin/log_in.html"

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.disable_action("delete_selected")
        # Each page asks several times, and each time would cost a query.
        self._admitted: WeakKeyDictionary[HttpRequest, tuple[User, bool]] = WeakKeyDictionary()

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Take only the pages built on our base, not those that libraries register.

        Theirs have another look, count whole tables and search without an index; what helps
        operators has a page of ours in `gatewayz.operators.admin`.
        """
        if issubclass(admin_class or DjangoModelAdmin, model_admin.ModelAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def extra_urls(self) -> list[URLPattern]:
        """Return the pages that belong to no model, and the export of each list that has one.

        They go before those of the rows.
        """
        return [
            *(
                path(
                    f"{page.opts.app_label}/{page.opts.model_name}/export/",
                    self.admin_view(partial(list_export.export, page)),
                    name=f"{page.opts.app_label}_{page.opts.model_name}_export",
                )
                for page in self._registry.values()
                if page.exported
            ),
            path(
                "second-factor/",
                self.admin_view(own_log_in.second_factor_page),
                name="second_factor",
            ),
        ]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Add the page's place in the sidebar, for the link back to it."""
        return {**super().each_context(request), "place": navigation.place(request)}

    def has_permission(self, request: HttpRequest) -> bool:
        """Let staff in if their session has passed the second factor, or they need none.

        Only a session that began with the password: who reads the mail of staff is not staff.
        """
        user = request.user
        if not super().has_permission(request) or not isinstance(user, User):
            return False
        if not operator_login.is_operator_session(request):
            return False
        known = self._admitted.get(request)
        if known is None or known[0] != user:
            known = self._admitted[request] = user, second_factor.is_verified(user)
        return known[1] and (_is_for_setup(request) or not second_factor.must_set_up(user))

    def search(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Find anybody or anything; unfold's own search finds pages only."""
        return search.answer(request, self.each_context)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        protected = as_unfold_needs(super().admin_view(view, cacheable))

        @wraps(protected)
        def led_to_setup(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if _must_set_up(request) and not _is_for_setup(request):
                return redirect("admin:second_factor")
            with _reports_have_own_writes(request):
                response = protected(request, *args, **kwargs)
            _remember_write(request, response)
            return response

        return led_to_setup

    @method_decorator(as_unfold_needs)
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method != "POST":
            return self._log_in(request, extra_context)
        try:
            throttling.limit_address("log_in", request)
            with operator_login.place(), operator_login.one_at_a_time(request):
                return self._log_in(request, extra_context)
        except throttling.TooManyRequests as refusal:
            detail = f"Too many attempts to log in from your address. Wait {refusal.wait} seconds."
            seconds = refusal.wait
        except operator_login.BusyError:
            detail = "The server is busy with other log-ins. Try again in a moment."
            seconds = BUSY_SECONDS
        # Not 503, although the second is nobody's fault: each would be an error in the log.
        status = HTTPStatus.TOO_MANY_REQUESTS
        return error_pages.try_later(request, status, seconds=seconds, detail=detail)

    def _log_in(self, request: HttpRequest, extra_context: dict[str, Any] | None) -> HttpResponse:
        page: HttpResponse = super().login(request, extra_context)
        if request.method == "POST" and request.user.is_authenticated:
            request.session.set_expiry(SESSION_LASTS)
            # Django keeps the key when the same person was logged in before: a key that somebody
            # saw then must not open the admin now.
            request.session.cycle_key()
        return page

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        return own_log_in.password_page(request)
