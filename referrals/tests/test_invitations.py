"""The invite link, the share message, and the visible e-mail of the referrer."""

from decimal import Decimal
from typing import Any

import pytest

from referrals.invitations import invite_link, share_message, visible_email


def test_the_link_leads_to_the_sign_up_page(settings: Any) -> None:
    settings.FRONTEND_URL = "https://app.gatewayz.ai"

    assert invite_link("ABC12345") == "https://app.gatewayz.ai/signup?ref=ABC12345"


@pytest.mark.parametrize(("bonus", "said"), [("10.00", "$10 "), ("7.50", "$7.50 ")])
def test_the_message_names_the_bonus_and_holds_the_link(bonus: str, said: str) -> None:
    message = share_message("ABC12345", Decimal(bonus))

    assert said in message
    assert message.endswith(invite_link("ABC12345"))


@pytest.mark.parametrize(
    ("setting", "shown"),
    [("full", "alice@example.com"), ("masked", "a***@example.com"), ("hidden", None)],
)
def test_the_email_is_shown_as_configured(settings: Any, setting: str, shown: str | None) -> None:
    settings.REFERRAL_REFERRER_EMAIL = setting

    assert visible_email("alice@example.com") == shown
