"""The filters of the list of people, each served by an index or by the order of the list."""

from typing import ClassVar

from django.db.models import Exists, OuterRef, Q

from accounts import ledger
from gatewayz.adminbase.filters import ConditionFilter, yes_or_no
from payments.models import Payment


class ReferredFilter(ConditionFilter):
    title = "referred by a code"
    parameter_name = "referred"
    conditions = yes_or_no("referred_by_code")


class PurchasesFilter(ConditionFilter):
    title = parameter_name = "purchases"
    conditions: ClassVar = {
        "any": (
            "Any",
            Q(Exists(Payment.objects.filter(user=OuterRef("pk"), status=Payment.Status.PAID))),
        ),
        "qualifying": ("The first qualifying", Q(has_made_first_purchase=True)),
        "none_qualifying": ("None that qualifies", Q(has_made_first_purchase=False)),
    }


class BalanceFilter(ConditionFilter):
    """A balance above zero, or below: a refund or a dispute took back what was spent."""

    title = parameter_name = "balance"
    conditions: ClassVar = {
        # Most people who ever bought have one, so that scanning backwards soon fills a page.
        "credit": ("Above zero", Q(credits__gt=0)),
        "debt": ("Below zero", Q(pk__in=ledger.in_debt().values("pk"))),
    }
