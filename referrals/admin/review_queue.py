"""The page of the bonuses that wait for somebody, the oldest first."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from accounts.money import dollars
from gatewayz.adminbase.formatting import moment, page_of
from gatewayz.adminbase.selection import AT_ONCE
from payments.explanations.referral_comparison import unpaid_since
from referrals.admin.cells import person
from referrals.models import Referral


def answer(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Show those that wait longest."""
    held = Referral.objects.filter(status=Referral.Status.HELD)
    oldest = held.select_related("referrer", "referred_user").order_by("completed_at", "pk")
    rows = list(oldest[: AT_ONCE + 1])
    shown, since = rows[:AT_ONCE], unpaid_since(rows)
    context |= {
        "title": "Review queue",
        "rows": [_row(referral, since[referral.pk]) for referral in shown],
        "total": dollars(sum((referral.award for referral in shown), Decimal(0))),
        "pays": json.dumps({referral.pk: _cents(referral) for referral in shown}),
        "has_more": len(rows) > AT_ONCE,
    }
    return TemplateResponse(request, "admin/referrals/referral/queue.html", context)


def _row(referral: Referral, since: datetime) -> dict[str, Any]:
    amounts = referral.bonus_amount, referral.referee_bonus_amount
    return {
        "referral": referral,
        "referrer": person(referral.referrer),
        "friend": person(referral.referred_user),
        "page": f"{page_of(referral)}?from=queue",
        "amount": " + ".join(map(dollars, amounts)),
        "since": moment(since),
    }


def _cents(referral: Referral) -> int:
    """Return what it pays if it is released; the page adds these up as they are chosen."""
    return int(referral.award * 100) if referral.referrer.is_active else 0
