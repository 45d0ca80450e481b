"""Everything that is kept of a person, a batch of rows at a time (CONTRACT 1)."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from accounts import audit, ledger, people
from accounts.models import LedgerEntry, User
from accounts.preferences import shown_to_referrer
from payments.models import StripeEvent
from referrals.models import Referral

_BATCH = 500
_Row = dict[str, Any]

_ACCOUNT = (
    *("id", "username", "email", "first_name", "last_name", "auth_method", "created_at"),
    *("last_login", "is_active", "credits", "referral_code", "referred_by_code"),
    *("claimed_at", "has_made_first_purchase", "signup_address", "mailbox"),
)
_KEY = ("id", "prefix", "name", "created_at", "last_used_at", "revoked_at")
_PAYMENT = (
    *("id", "amount", "currency", "status", "taken_back", "session_id", "payment_intent_id"),
    *("created_at", "paid_at", "card_fingerprint", "idempotency_key", "success_url", "cancel_url"),
)
_ENTRY = ("id", "kind", "amount", "balance_after", "reference", "created_at")
# Without the category, since that of fraud is not for the person.
_ADJUSTMENT = ("id", "amount", "status", "requested_at", "decided_at")
_RECEIVED = ("referral_code", "referee_bonus_amount", "status", "completed_at")
_EMAIL = ("template", "caused_at", "outcome", "due_at")
_ACTION = ("at", "action")


def facts(person: User, *, now: datetime) -> _Row:
    """Return what there is once."""
    account = User.objects.values(*_ACCOUNT).get(pk=person.pk)
    return {"exported_at": now, "account": account, "preferences": people.preferences(person)}


def lists(person: User) -> dict[str, Iterable[_Row]]:
    """Return what there may be much of, by name; each is read while it is written.

    Keys have no secrets, friends have the names that they show to the person. What operators wrote
    for each other, and how a bonus was checked for fraud, is not in it.
    """
    return {
        "api_keys": _rows(person.api_keys.all(), _KEY),
        "payments": _rows(person.payments.all(), _PAYMENT),
        "ledger_entries": _each(person.ledger_entries.all(), _entry),
        "adjustments": _rows(person.adjustments.all(), _ADJUSTMENT),
        "friends": _each(person.referrals_made.select_related("referred_user"), _friend),
        "referral_received": _rows(Referral.objects.filter(referred_user=person), _RECEIVED),
        "emails": _rows(person.emails.all(), _EMAIL),
        "operator_actions": _rows(audit.of(person), _ACTION),
        "stripe_events": _each(StripeEvent.objects.filter(payment__user=person), _event),
    }


def _rows(rows: QuerySet[Any], names: tuple[str, ...]) -> Iterator[_Row]:
    return _each(rows, lambda row: _values(row, names))


def _values(row: Any, names: tuple[str, ...]) -> _Row:
    return {name: getattr(row, name) for name in names}


def _each(rows: QuerySet[Any], read: Callable[[Any], _Row]) -> Iterator[_Row]:
    """Yield the rows in their order, a batch at a time, so that no memory holds them all."""
    last = 0
    while batch := list(rows.filter(pk__gt=last).order_by("pk")[:_BATCH]):
        yield from map(read, batch)
        last = batch[-1].pk


def _entry(entry: LedgerEntry) -> _Row:
    return _values(entry, _ENTRY) | {"description": ledger.describe(entry)}


def _friend(referral: Referral) -> _Row:
    friend = referral.referred_user
    return {
        "name": shown_to_referrer(friend.username, friend.show_to_referrer),
        "status": referral.status,
        "bonus_earned": referral.bonus_earned,
        "completed_at": referral.completed_at,
    }


def _event(event: StripeEvent) -> _Row:
    return {
        "event_id": event.event_id,
        "event_type": event.event_type,
        "received_at": event.received_at,
        "outcome": event.outcome,
        # As it came: a JSON text may hold what no JSON of ours can.
        "body": bytes(event.body).decode(errors="replace"),
    }
