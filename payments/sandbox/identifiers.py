"""Ids in the forms that Stripe gives them."""

import hashlib
import secrets
import string

_ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str, length: int = 24) -> str:
    """Return a fresh id such as `evt_1Pgc76…`."""
    return f"{prefix}_{_random_token(length)}"


def new_session_id() -> str:
    """Return a fresh id of a checkout session in test mode."""
    return f"cs_test_a1{_random_token(56)}"


def derived_token(seed: str, length: int = 16) -> str:
    """Return the same token for the same seed, as Stripe's fingerprints and secrets look."""
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest(), "big")
    token = ""
    while len(token) < length:
        number, index = divmod(number, len(_ALPHABET))
        token += _ALPHABET[index]
    return token


def _random_token(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
