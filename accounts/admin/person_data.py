"""Exports and erases people for Finance, after saying what that means and asking why."""

from django import forms
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts import people, permissions
from accounts.authentication import operator
from accounts.models import User
from accounts.money import dollars
from accounts.person_views import export_of
from accounts.reason_field import ReasonForm
from gatewayz.adminbase.confirmation import Question, confirm, refuse
from gatewayz.adminbase.formatting import page_of
from gatewayz.adminbase.model_admin import ModelAdmin, row_action
from payments import erasure

_REFUSALS = (
    erasure.AlreadyErasedError,
    erasure.NotConfirmedError,
    erasure.StaffError,
    permissions.PermissionMissingError,
)


class ErasureForm(ReasonForm):
    username = forms.CharField(
        label="User name",
        widget=UnfoldAdminTextInputWidget({"autocomplete": "off"}),
        help_text="Type it exactly as it is shown, to confirm.",
    )


@row_action("Erase…", "person_off", "accounts.erase_user")
def erase(page: ModelAdmin, request: HttpRequest, person: User) -> HttpResponse:
    """Ask for the reason and the user name, and then erase a person for good."""
    by, back = operator(request), page_of(person)
    try:
        erasure.require_may_erase(person, by=by)
    except _REFUSALS as refusal:
        return refuse(request, refusal, back=back)

    def act(reason: str, username: str) -> str:
        erased = erasure.erase(person, by=by, confirmed=username, reason=reason, now=timezone.now())
        return f"The person is erased: the account is now {erased}."

    question = Question(
        title=f"Erase {person}",
        consequences=[*erasure.CONSEQUENCES, *_NOT_OURS],
        facts=[("User name", person.username), ("Balance", dollars(person.credits))],
        button="Erase for good",
    )
    return confirm(page, request, question, ErasureForm, act, back=back, refusals=_REFUSALS)


_NOT_OURS = (
    "The reasons that operators wrote stay as they are: do not write names in yours.",
    "Stripe keeps its own data: erase the customer there too.",
)


@row_action("Export…", "download", "accounts.erase_user")
def export(page: ModelAdmin, request: HttpRequest, person: User) -> HttpResponse:
    """Ask for the reason, and then send the file with all that is kept of a person."""
    by, back = operator(request), page_of(person)

    def act(reason: str) -> StreamingHttpResponse:
        erasure.record_export(person, by=by, reason=reason, now=timezone.now())
        return export_of(person)

    question = Question(
        title=f"Export {person}",
        consequences=["You get a JSON file of all that is kept of the person, for them alone."],
        button="Export",
        variant="primary",
        is_answered_by_a_file=True,
    )
    refusals = (people.SuperuserRequiredError,)
    return confirm(page, request, question, ReasonForm, act, back=back, refusals=refusals)
