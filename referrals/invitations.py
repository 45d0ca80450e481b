"""The invite link, the message to share, and what strangers see of the referrer."""

from decimal import Decimal
from urllib.parse import urlencode

from django.conf import settings

from accounts.money import short_dollars
from referrals.models import Program


def invite_link(code: str) -> str:
    """Return the URL of the sign-up page with `code`."""
    return f"{settings.FRONTEND_URL}/signup?{urlencode({'ref': code})}"


def share_message(code: str, referee_bonus: Decimal) -> str:
    """Return the text that a referrer sends to a friend; the bonus is in US dollars."""
    bonus = short_dollars(referee_bonus)
    return f"Join me on Gatewayz and get {bonus} of credit: {invite_link(code)}"


def promise(terms: Program, referrer: str) -> str:
    """Return what the terms promise to those whom `referrer` invites."""
    return (
        f"{short_dollars(terms.referee_bonus)} for you and {short_dollars(terms.referrer_bonus)}"
        f" for {referrer}, after your first purchase of"
        f" {short_dollars(terms.minimum_purchase)} or more."
    )


def visible_email(email: str) -> str | None:
    """Return the e-mail as strangers who know the owner's code may see it (CONTRACT 4)."""
    match settings.REFERRAL_REFERRER_EMAIL:
        case "full":
            return email
        case "masked":
            name, _, domain = email.partition("@")
            return f"{name[:1]}***@{domain}"
    return None
