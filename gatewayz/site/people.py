"""The sessions of people, in which they see their own pages."""

from collections.abc import Callable

from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts import log_in_links
from accounts.models import User

_View = Callable[..., HttpResponseBase]
with_form = require_http_methods(["GET", "HEAD", "POST"])


class PersonRequest(HttpRequest):
    """A request to a person's `own_page` or `own_form`."""

    user: User


def begin_session(request: HttpRequest, user: User) -> None:
    """Log the person in, under a new session key. Such a session does not open the admin."""
    login(request, user, backend=log_in_links.BACKEND)
    # Django keeps the key when the same person was logged in before.
    request.session.cycle_key()


def own_page(view: _View) -> _View:
    """Ask to log in before the page is shown, and let no cache keep what it says.

    An operator's session will do too: staff are people with accounts.
    """
    return never_cache(login_required(require_safe(view)))


def own_form(view: _View) -> _View:
    """Do the same for a form, which is also shown by itself: after a log-in one comes by GET."""
    return never_cache(login_required(with_form(view)))
