"""Names of people who do not exist, from many places, each used once."""

from collections.abc import Collection, Iterator
from itertools import count
from random import Random

_GIVEN = """
    ada aiko amara arjun astrid beatriz carlos chidi diego elif emma fatima giulia hugo ibrahim
    ivan jamal kofi layla linh malik mei noah olga priya rosa samuel thabo uche yuki
"""
_FAMILY = """
    adeyemi almeida andersson banerjee bianchi botha chen cohen demir diallo dubois eriksen garcia
    haddad hansen huang kaya kim kovacs lopez mwangi nair nguyen novak okafor patel rossi sato
    schmidt silva tanaka torres weber yilmaz zulu
"""


def new_names(random: Random, *, taken: Collection[str]) -> Iterator[str]:
    """Yield names in random order that nobody has; once all are used, they get numbers."""
    pairs = [f"{given}.{family}" for given in _GIVEN.split() for family in _FAMILY.split()]
    for number in count(1):
        names = [pair if number == 1 else f"{pair}{number}" for pair in pairs]
        random.shuffle(names)
        yield from (name for name in names if name not in taken)
