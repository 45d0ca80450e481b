"""Makes accounts for tests, through the same door as a registration."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import uuid4

from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import adjustments
from accounts.models import Adjustment, LedgerEntry, User
from referrals import attribution


@dataclass(frozen=True)
class Person:
    """Somebody with an account, a key, and a client that uses it."""

    user: User
    api_key: str

    @property
    def api(self) -> APIClient:
        return api_with(self.api_key)

    @property
    def code(self) -> str:
        assert self.user.referral_code
        return self.user.referral_code

    def balance(self) -> str:
        """Return the balance as the database has it now, like `20.00`."""
        self.user.refresh_from_db()
        return str(self.user.credits)


def api_with(api_key: str) -> APIClient:
    """Return a client that shows this key."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {api_key}")
    return client


def register(name: str, *, code: str | None = None, address: str = "") -> Person:
    """Register `name`, invited with `code`, from an address of its own or from `address`."""
    registration = attribution.register(
        username=name,
        email=f"{name}@example.com",
        auth_method="email",
        invitation=code,
        address=address or name,
        now=timezone.now(),
    )
    return Person(registration.account.user, registration.account.api_key)


def operator() -> Client:
    """Return the browser of somebody who may do all that the admin lets anybody do."""
    client = Client()
    client.force_login(
        User.objects.create(
            username="olivia", email="olivia@example.com", is_staff=True, is_superuser=True
        )
    )
    return client


def colleague(group: str) -> Client:
    """Return the browser of somebody of the staff who is in this group, and no more."""
    client = Client()
    client.force_login(member_of(group))
    return client


def member_of(group: str, name: str = "") -> User:
    """Return the one of this name in the group: Sam of Support, Fiona of Finance, or another."""
    name = name or {"Support": "sam", "Finance": "fiona"}[group]
    user, _ = User.objects.get_or_create(
        username=name, defaults={"email": f"{name}@example.com", "is_staff": True}
    )
    user.groups.add(Group.objects.get(name=group))
    return user


def reviewer() -> User:
    """Return the one operator who decides on bonuses that are held."""
    return User.objects.get_or_create(
        username="rita", defaults={"email": "rita@example.com", "is_staff": True}
    )[0]


def give(person: Person, amount: str) -> Adjustment:
    """Adjust the balance, as the command does."""
    return adjustments.request_adjustment(
        user=person.user,
        amount=Decimal(amount),
        category=Adjustment.Category.GOODWILL,
        reason="A gift",
        by=None,
        token=uuid4(),
        now=timezone.now(),
    )


def vouch_for(entry: LedgerEntry) -> LedgerEntry:
    """Record the adjustment, or the reversal of one, that a test has posted an entry for."""
    original = Adjustment.objects.filter(ledger_entry=entry.reverses_id or 0).first()
    if original or entry.kind == LedgerEntry.Kind.ADJUSTMENT:
        facts = {
            "user_id": entry.user_id,
            "amount": entry.amount,
            "category": Adjustment.Category.OTHER,
            "reason": "A test",
            "status": Adjustment.Status.POSTED,
            "requested_at": entry.created_at,
            "approval_limit": abs(entry.amount),
            "reverses": original,
            "token": uuid4(),
        }
        Adjustment.objects.get_or_create(ledger_entry=entry, defaults=facts)
    return entry
