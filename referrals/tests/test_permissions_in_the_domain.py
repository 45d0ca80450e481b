"""What operators do asks for their permission where it is done."""

from collections.abc import Callable
from functools import partial

import pytest
from django.utils import timezone

from accounts import api_keys, people
from accounts.permissions import PermissionMissingError
from accounts.tests.factories import StaffFactory
from payments import inbox, related
from referrals import attribution, review, terms
from referrals.models import Referral


@pytest.mark.parametrize(
    ("permission", "act"),
    [
        ("accounts.deactivate_user", lambda held, **by: people.deactivate(held.referrer, **by)),
        (
            "accounts.manage_keys",
            lambda held, **by: api_keys.revoke(held.referrer.api_keys.get(), **by),
        ),
        ("accounts.manage_keys", lambda held, **by: api_keys.issue(held.referrer, **by)),
        ("payments.replay_event", lambda held, **by: inbox.replay("evt_1", **by)),
        ("accounts.deactivate_user", lambda held, **by: related.close([held.referrer_id], **by)),
        ("payments.replay_event", lambda held, **by: inbox.resolve("evt_1", **by)),
        (
            "accounts.set_inviter",
            lambda held, **by: attribution.set_inviter(held.referrer, "ABC12345", **by),
        ),
        ("referrals.add_program", lambda held, **by: terms.add_terms(**by)),
        ("referrals.add_program", lambda held, **by: terms.withdraw_terms(held.program_id, **by)),
    ],
)
def test_the_domain_itself_asks_for_the_permission(
    held: Referral, permission: str, act: Callable[..., object]
) -> None:
    """Whatever page, job or script calls it."""
    nobody = StaffFactory.create()

    with pytest.raises(PermissionMissingError, match=permission):
        act(held, by=nobody, reason="I can", now=timezone.now())


@pytest.mark.parametrize(
    "decide", [review.release, review.void, partial(review.hold, reason="One card")]
)
def test_a_bonus_is_decided_by_who_may(held: Referral, decide: Callable[..., object]) -> None:
    with pytest.raises(PermissionMissingError, match=r"referrals\.review_referral"):
        decide(held.pk, by=StaffFactory.create(), note="I can", now=timezone.now())
