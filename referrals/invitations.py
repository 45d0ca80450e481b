"""How a person passes a code on: the link, the message, and what a stranger sees of whom."""

from decimal import Decimal
from urllib.parse import urlencode

from django.conf import settings


def invite_link(code: str) -> str:
    """Return the address at which a friend signs up with `code`."""
    return f"{settings.FRONTEND_URL}/signup?{urlencode({'ref': code})}"


def share_message(code: str, referee_bonus: Decimal) -> str:
    """Return a sentence to send to a friend, with the bonus in US dollars."""
    bonus = f"{referee_bonus:.2f}".removesuffix(".00")
    return f"Join me on Gatewayz and get ${bonus} of credit: {invite_link(code)}"


def visible_email(email: str) -> str | None:
    """Return what someone who knows a code sees of its owner's e-mail (CONTRACT 4)."""
    match settings.REFERRAL_REFERRER_EMAIL:
        case "full":
            return email
        case "masked":
            name, _, domain = email.partition("@")
            return f"{name[:1]}***@{domain}"
    return None
