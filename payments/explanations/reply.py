"""The answer to "why?" as a letter to the customer: in plain words, and naming nobody else."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from accounts.models import User
from payments.explanations.answers import explain_person
from payments.explanations.messages import Audience


def reply_to(user: User, *, now: datetime) -> str:
    """Return what an operator may send to the person, in the words of the API's explanation."""
    return "\n".join(_lines(user, now=now))


def _lines(user: User, *, now: datetime) -> Iterator[str]:
    answer = explain_person(user, Audience.REPLY, cents=None, now=now)
    yield from (f"Hello {user.username},", "", _sentence(answer.summary))
    if answer.checks:
        yield from ("", "This is what we looked at:")
        yield from (f"- {line.sentence}" for line in answer.checks)
    if not user.has_made_first_purchase and answer.what_if.summary != answer.summary:
        yield from ("", answer.what_if.summary)
    if answer.referees:
        yield from ("", "Of the friends who registered with your code:")
        counted = Counter(referee.sentence for referee in answer.referees)
        yield from (f"- {many} × {sentence}" for sentence, many in counted.items())


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
