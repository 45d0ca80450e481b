"""Terms for tests: the wiki's, but for what a test changes."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from referrals.models import Program


def new_terms(**changes: Any) -> Program:
    """Let terms with `changes` start in a day, unless these say when."""
    terms = {
        "starts_at": timezone.now() + timedelta(days=1),
        "referrer_bonus": Decimal("10.00"),
        "referee_bonus": Decimal("10.00"),
        "minimum_purchase": Decimal("10.00"),
        "max_uses": 10,
    }
    return Program.objects.create(**terms | changes)


def terms_now(**changes: Any) -> Program:
    """Let terms with `changes` be in force from now on."""
    return new_terms(starts_at=timezone.now(), **changes)
