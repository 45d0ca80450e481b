"""A person takes their data along, or has them erased (CONTRACT 2.14)."""

from http import HTTPStatus
from typing import Any

from django import forms
from django.contrib.auth import logout
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone

from accounts import throttling
from accounts.person_views import STAFF_ACCOUNT, export_of
from gatewayz.site.people import PersonRequest, own_form, own_page
from payments import erasure


class ErasureForm(forms.Form):
    """Typing the name by hand is the confirmation."""

    username = forms.CharField(
        label="Your user name",
        max_length=150,
        help_text="Type it, to confirm.",
        widget=forms.TextInput({"autocomplete": "off", "autocapitalize": "none"}),
    )


@own_page
def export(request: PersonRequest) -> StreamingHttpResponse:
    """Send all that is kept of the person as a file."""
    throttling.limit_person(request.user.pk)
    return export_of(request.user)


@own_form
def erase(request: PersonRequest) -> HttpResponse:
    """Say what it means, and erase the person who typed their name."""
    if request.method != "POST":
        return _page(request, ErasureForm())
    form = ErasureForm(request.POST)
    if form.is_valid():
        try:
            erasure.erase(
                request.user,
                by=request.user,
                confirmed=form.cleaned_data["username"],
                reason=erasure.BY_THE_PERSON,
                now=timezone.now(),
            )
            logout(request)
            return render(request, "site/erased.html")
        except erasure.NotConfirmedError:
            form.add_error("username", "This is not your user name.")
        except erasure.StaffError:
            form.add_error(None, STAFF_ACCOUNT)
    return _page(request, form, status=HTTPStatus.BAD_REQUEST)


def _page(request: PersonRequest, form: Any, *, status: int = HTTPStatus.OK) -> HttpResponse:
    context = {"form": form, "consequences": erasure.CONSEQUENCES, "credits": request.user.credits}
    return render(request, "site/erase.html", context, status=status)
