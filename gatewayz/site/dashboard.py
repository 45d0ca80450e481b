"""The page of a person's own: the balance and the invitation."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from gatewayz.site.people import PersonRequest, for_people
from referrals import codes
from referrals.invitations import invite_link


@for_people
def dashboard(request: PersonRequest) -> HttpResponse:
    code = codes.ensure_code(request.user, now=timezone.now())
    return render(request, "site/dashboard.html", {"code": code, "link": invite_link(code)})
