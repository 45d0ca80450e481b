"""The page of the held bonuses, the oldest first."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from accounts.money import dollars
from gatewayz.adminbase.confirmation import MOST_SELECTED
from gatewayz.adminbase.formatting import moment, page_of
from payments.explanations.referral_comparison import unpaid_since
from referrals.admin.formatting import person
from referrals.models import Referral


def answer(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Show the bonuses that have waited longest."""
    held = Referral.objects.filter(status=Referral.Status.HELD)
    oldest = held.select_related("referrer", "referred_user").order_by("completed_at", "pk")
    rows = list(oldest[: MOST_SELECTED + 1])
    shown, since = rows[:MOST_SELECTED], unpaid_since(rows)
    context |= {
        "title": "Review queue",
        "rows": [_row(referral, since[referral.pk]) for referral in shown],
        "total": dollars(sum((referral.award for referral in shown), Decimal(0))),
        "pays": json.dumps({referral.pk: _cents(referral) for referral in shown}),
        "has_more": len(rows) > MOST_SELECTED,
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
    """Return what it pays if it is released; the page adds these up as they are selected."""
    return int(referral.award * 100) if referral.referrer.is_active else 0
