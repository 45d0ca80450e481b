"""Creates people, operators and adjustments for tests."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import uuid4

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone
from factory.declarations import LazyAttribute, Sequence
from factory.django import DjangoModelFactory
from rest_framework.test import APIClient

from accounts import adjustments
from accounts.models import Adjustment, LedgerEntry, User
from gatewayz.http.sessions import SessionStore
from referrals import attribution


class UserFactory(DjangoModelFactory[User]):
    """A row without code and key; `register` creates a person as the API does."""

    class Meta:
        model = User

    username = Sequence("user{}".format)
    email = LazyAttribute("{0.username}@example.com".format)


class StaffFactory(UserFactory):
    """Staff without permissions; the same name is the same row."""

    class Meta:
        django_get_or_create = ("username",)

    is_staff = True


@dataclass(frozen=True)
class Person:
    """A user with an API key."""

    user: User
    api_key: str

    @property
    def api(self) -> APIClient:
        """Return an API client that sends the key."""
        return api_with(self.api_key)

    @property
    def code(self) -> str:
        assert self.user.referral_code
        return self.user.referral_code

    def change(self, **columns: object) -> None:
        """Change columns in the database; `self.user` keeps the old values."""
        User.objects.filter(pk=self.user.pk).update(**columns)

    def balance(self) -> str:
        """Read the balance from the database; return it like `20.00`."""
        self.user.refresh_from_db()
        return str(self.user.credits)


def api_with(api_key: str) -> APIClient:
    """Return an API client that sends this key."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {api_key}")
    return client


def register(name: str, *, code: str | None = None, address: str = "") -> Person:
    """Register as the API does; each person has an address of their own unless one is given."""
    registration = attribution.register(
        username=name,
        email=f"{name}@example.com",
        auth_method="email",
        invitation=code,
        address=address or name,
        now=timezone.now(),
    )
    return Person(registration.user, registration.api_key)


def operator() -> Client:
    """Return the browser of Olivia, a superuser."""
    return logged_in(StaffFactory.create(username="olivia", is_superuser=True))


def colleague(group: str) -> Client:
    """Return the browser of Sam of Support or Fiona of Finance."""
    return logged_in(member_of(group))


def logged_in(user: User) -> Client:
    """Return a browser with their session: four statements, where a log-in takes fourteen."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = str(session.session_key)
    return client


def with_password(user: User, password: str) -> User:
    user.set_password(password)
    user.save()
    return user


def member_of(group: str, name: str = "") -> User:
    """Return Sam of Support, Fiona of Finance, or another member of the group by name."""
    name = name or {"Support": "sam", "Finance": "fiona"}[group]
    user = StaffFactory.create(username=name)
    user.groups.add(Group.objects.get(name=group))
    return user


def reviewer() -> User:
    """Return Rita, who is of Support and of Finance."""
    rita = member_of("Support", "rita")
    return member_of("Finance", rita.username)


def give(person: Person, amount: str, *, category: str = "goodwill") -> Adjustment:
    """Adjust the balance as the command line does."""
    return adjustments.request_adjustment(
        user=person.user,
        amount=Decimal(amount),
        category=Adjustment.Category(category),
        reason="A gift",
        by=None,
        token=uuid4(),
        now=timezone.now(),
    )


def vouch_for(entry: LedgerEntry) -> LedgerEntry:
    """Create the adjustment that belongs to an entry which a test posted directly."""
    original = Adjustment.objects.filter(ledger_entry=entry.reverses_id or 0).first()
    if original or entry.kind == LedgerEntry.Kind.ADJUSTMENT:
        values = {
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
        Adjustment.objects.get_or_create(ledger_entry=entry, defaults=values)
    return entry
