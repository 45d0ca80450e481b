"""Finds what belongs to a person, by the name or address that an operator was told."""

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Lower
from django.db.models.lookups import Exact

from accounts.models import User


def called(term: str) -> QuerySet[User]:
    """Return whoever has this name or e-mail address, whatever the case; by the unique indexes."""
    same = [Q(Exact(Lower(field), Lower(Value(term)))) for field in ("username", "email")]
    return User.objects.filter(same[0] | same[1])
