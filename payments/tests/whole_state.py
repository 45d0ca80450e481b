"""The state that a purchase has left, independent of ids and names."""

from typing import Any

from accounts.models import LedgerEntry
from accounts.tests.factories import Person
from payments.models import Clawback, Payment, StripeEvent
from referrals.models import Referral

State = dict[str, list[Any]]


def money_of(alice: Person, bob: Person) -> State:
    """Return balances, entries, referral, payment and clawbacks."""
    entries = LedgerEntry.objects.filter(user__in=[alice.user, bob.user]).order_by("id")
    referrals = Referral.objects.filter(referred_user=bob.user)
    payments = Payment.objects.filter(user=bob.user).order_by("id")
    intents = [f"pi_{payment.session_id}" for payment in payments]
    clawbacks = Clawback.objects.filter(payment_intent_id__in=intents).order_by("id")
    return {
        "balances": [alice.balance(), bob.balance(), bob.user.has_made_first_purchase],
        "entries": [_entry_state(entry, alice) for entry in entries.select_related("reverses")],
        "referrals": list(
            referrals.values_list(
                *("status", "review", "use_number", "awards", "purchase_qualifies", "bonus_amount"),
                *("referee_bonus_amount", "referrer_entry__kind", "referee_entry__kind"),
            )
        ),
        "payments": list(
            payments.values_list(
                *("status", "bonus_decision", "taken_back", "ledger_entry__kind"),
                *("referral__status",),
            )
        ),
        "clawbacks": list(
            clawbacks.values_list(
                *("kind", "status", "amount", "taken", "postings", "ledger_entry__kind"),
                *("payment__status",),
            )
        ),
    }


def _entry_state(entry: LedgerEntry, alice: Person) -> tuple[Any, ...]:
    whose = "alice" if entry.user_id == alice.user.pk else "bob"
    undone = entry.reverses.kind if entry.reverses else None
    return whose, entry.number, entry.kind, entry.amount, entry.balance_after, undone


def events_of(*event_ids: str) -> State:
    """Return the outcomes of these events."""
    events = StripeEvent.objects.filter(event_id__in=event_ids).order_by("id")
    outcome = ("event_type", "outcome", "reason", "attempts", "last_error", "payment__status")
    return {"events": list(events.values_list(*outcome))}
