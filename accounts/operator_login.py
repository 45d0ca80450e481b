"""The admin's log-in page, with its limit: passwords are not guessed here."""

from math import ceil

from django.contrib.admin import site
from django.contrib.auth.forms import UsernameField
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.limits import LimitReachedError
from accounts.throttling import limit, whole_seconds
from gatewayz.client_address import client_address

# Folds what the log-in form takes for one name into one.
_NAME = UsernameField(max_length=254)


def log_in(request: HttpRequest) -> HttpResponse:
    """Let so many attempts of one name from one address through; answer the next with a 429.

    By name alone anybody could lock an operator out. Every attempt is counted, before the password
    is looked at: many at once are no way around it.
    """
    if request.method == "POST":
        name = _NAME.to_python(request.POST.get("username", ""))
        try:
            limit("login", f"{client_address(request)} {name}")
        except LimitReachedError as refusal:
            return _locked_out(request, refusal)
    return site.login(request)


def _locked_out(request: HttpRequest, refusal: LimitReachedError) -> HttpResponse:
    seconds = whole_seconds(refusal)
    page = {"minutes": ceil(seconds / 60)}
    answer = render(request, "login_locked.html", page, status=429)
    answer["Retry-After"] = str(seconds)
    return answer
