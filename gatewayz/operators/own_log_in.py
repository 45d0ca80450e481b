"""The pages of a member of staff about their own log-in: the password and the second factor."""

from collections.abc import Callable
from typing import Any

import django_otp
import segno
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import BadRequest
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe
from unfold.forms import AdminOwnPasswordChangeForm
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts import audit, second_factor
from accounts.authentication import operator
from accounts.models import User
from accounts.reason_field import ReasonField


class OwnPasswordForm(AdminOwnPasswordChangeForm):
    """The old password, the new one twice, and why."""

    reason = ReasonField()

    @transaction.atomic
    def save(self, commit: bool = True) -> Any:
        user = super().save(commit)
        audit.record(
            by=user,
            action="change own password",
            target=user,
            reason=self.cleaned_data["reason"],
            now=timezone.now(),
        )
        return user


def password_page(request: HttpRequest) -> HttpResponseBase:
    view = PasswordChangeView.as_view(
        form_class=OwnPasswordForm,
        template_name="admin/auth/user/change_password.html",
        success_url=reverse("admin:password_change_done"),
        extra_context=admin.site.each_context(request),
    )
    return view(request)


class CodeForm(forms.Form):
    """A code of the app, or a backup code."""

    code = forms.CharField(
        max_length=20,
        label="Code",
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "one-time-code"}),
    )

    def refuse(self) -> None:
        self.add_error("code", "This code is wrong. Wait for the next one, and try that.")


class TurnOffForm(CodeForm):
    """A code, and why."""

    reason = ReasonField()


def second_factor_page(request: HttpRequest) -> HttpResponse:
    """Show the state of the second factor; a POST names the step to take."""
    if request.method != "POST":
        return _show(request)
    step = _STEPS.get(request.POST.get("step", ""))
    if step is None:
        raise BadRequest
    return step(request, operator(request))


def _begin(request: HttpRequest, me: User) -> HttpResponse:
    try:
        second_factor.start_setup(user=me)
    except second_factor.AlreadyOnError:
        messages.error(request, "A second factor is set up already; turn it off first.")
    return redirect("admin:second_factor")


def _confirm(request: HttpRequest, me: User) -> HttpResponse:
    form = CodeForm(request.POST)
    device = second_factor.pending_device(me)
    if device is None:
        return redirect("admin:second_factor")
    if form.is_valid():
        try:
            codes = second_factor.confirm(
                device=device, code=form.cleaned_data["code"], now=timezone.now()
            )
        except second_factor.WrongCodeError:
            form.refuse()
        else:
            django_otp.login(request, device)
            return _render(request, "codes", codes=codes)
    return _show(request, form)


def _turn_off(request: HttpRequest, me: User) -> HttpResponse:
    form = TurnOffForm(request.POST)
    if form.is_valid():
        try:
            second_factor.turn_off(user=me, now=timezone.now(), **form.cleaned_data)
        except second_factor.WrongCodeError:
            form.refuse()
        else:
            messages.success(request, "The second factor is off; the password alone logs you in.")
            return redirect("admin:second_factor")
    return _show(request, form)


_STEPS: dict[str, Callable[[HttpRequest, User], HttpResponse]] = {
    "begin": _begin,
    "confirm": _confirm,
    "turn off": _turn_off,
}


def _show(request: HttpRequest, form: CodeForm | None = None) -> HttpResponse:
    me = operator(request)
    if second_factor.is_on(me):
        return _render(request, "on", form=form or TurnOffForm())
    device = second_factor.pending_device(me)
    if device is None:
        return _render(request, "off")
    # Dark on white in a dark page too, else no app reads the QR code.
    code = segno.make(device.config_url, error="m")
    picture = mark_safe(code.svg_inline(scale=5, border=3, dark="#000", light="#fff"))  # noqa: S308
    secret = second_factor.readable_secret(device)
    return _render(request, "begun", form=form or CodeForm(), picture=picture, secret=secret)


def _render(request: HttpRequest, state: str, **content: object) -> HttpResponse:
    context = admin.site.each_context(request)
    context |= {
        "title": "Second factor",
        "state": state,
        "must_set_up": second_factor.must_set_up(operator(request)),
    }
    return TemplateResponse(request, "admin/second_factor.html", context | content)
