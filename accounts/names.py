"""Compares user names as people read them: without case, and by how they look."""

import unicodedata

from accounts.errors import AccountError

MAX_FOLDED_LENGTH = 450

# Of Unicode's table of look-alikes (unicode.org/Public/security/latest/confusables.txt) what a user
# name can be written with: small letters of other scripts that look like Latin ones, and digits.
_LOOK_ALIKES = str.maketrans(
    {
        **dict(zip("асԁеһіјӏорԛѕԝхуѵ", "acdehijlopqswxyv", strict=True)),
        **dict(zip("αγικνορυχω", "ayiknopuxw", strict=True)),
        **dict(zip("օսցհոռ", "ougnnn", strict=True)),
        **dict(zip("ɑɡıɩʟ", "agiil", strict=True)),
        **dict(zip("01|", "oll", strict=True)),
    }
)
# The same with each other, whatever the script: a capital i is an l in many fonts.
_ALIKE = (("i", "l"), ("rn", "m"), ("vv", "w"))
# Writing that mixes these with Latin letters is usual (unicode.org/reports/tr39, "Highly
# Restrictive").
_EAST_ASIAN = {"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "BOPOMOFO"}


class MixedScriptsError(AccountError):
    """The name has letters of several scripts, so that it can look like another."""


class LooksLikeStaffError(AccountError):
    """The name looks like that of somebody of staff."""


def fold(username: str) -> str:
    """Return the name without regard to case, whatever the database's locale."""
    return unicodedata.normalize("NFKC", username).casefold()[:MAX_FOLDED_LENGTH]


def look(username: str) -> str:
    """Return the same text for names that a person could take for each other."""
    # Without accents, which are easily overlooked.
    letters = unicodedata.normalize("NFKD", fold(username))
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    seen = bare.translate(_LOOK_ALIKES)
    for one, other in _ALIKE:
        seen = seen.replace(one, other)
    return seen


def require_one_script(username: str) -> None:
    """Raise MixedScriptsError unless all letters are of one script, or of Latin and East Asian."""
    scripts = {_script(letter) for letter in username if letter.isalpha()}
    if len(scripts - _EAST_ASIAN) > 1 or (
        scripts & _EAST_ASIAN and scripts - _EAST_ASIAN - {"LATIN"}
    ):
        raise MixedScriptsError("letters of different alphabets look alike: use those of one")


def _script(letter: str) -> str:
    """Return the first word of the letter's name, such as CYRILLIC, which names its script."""
    return unicodedata.name(letter, "UNNAMED").partition(" ")[0]
