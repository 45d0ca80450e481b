"""The front door: what this is, and what an invitation brings."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from referrals.models import Program


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    terms = Program.objects.at(timezone.now()).get()
    return render(request, "site/home.html", {"terms": terms})
