"""What people choose for themselves: what their referrer sees of them, which e-mails they get."""

from django.db.models import TextChoices

A_FRIEND = "a friend"
_MAX_INITIALS = 3


class ShowToReferrer(TextChoices):
    """What the person who invited somebody sees of them (CONTRACT 2.14)."""

    USERNAME = "username"
    INITIALS = "initials"
    HIDDEN = "hidden"  # "a friend"


class EmailKind(TextChoices):
    """The e-mails that a person can switch off; the one to log in is not among them."""

    WELCOME = "welcome", "The welcome after signing up"
    FRIEND_SIGNED_UP = "friend_signed_up", "A friend signed up"
    BONUS_EARNED = "bonus_earned", "You earned a bonus"
    BONUS_TAKEN_BACK = "bonus_taken_back", "A bonus was taken back or is held"
    ADJUSTMENT = "adjustment", "Support changed your balance"


def shown_to_referrer(username: str, choice: str) -> str:
    """Return what a referrer sees of a referee; every page, answer and e-mail to them asks here.

    `choice` is the referee's `show_to_referrer`.
    """
    if choice == ShowToReferrer.USERNAME:
        return username
    if choice == ShowToReferrer.INITIALS:
        words = "".join(char if char.isalnum() else " " for char in username).split()
        return " ".join(f"{word[0].upper()}." for word in words[:_MAX_INITIALS]) or A_FRIEND
    return A_FRIEND
