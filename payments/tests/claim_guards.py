"""The controls of the guard on attribution: how a code can be claimed, and how it cannot."""

from dataclasses import replace

from payments.tests.database_guards import ATTRIBUTED, CODE, NOT_REFERRED, REFEREE, Control, row

# The invariant that a wrong claim breaks.
CLAIM = "a code was claimed within seven days, and before the purchase that it was paid for"


def claim(
    where: str, names: str, code: str = "'CLAIMED1'", at: str = "clock_timestamp()"
) -> Control:
    """Let the first such person claim a code."""
    change = f"referred_by_code = {code}, claimed_at = {at}"
    return replace(
        row(ATTRIBUTED, change, where), names=names, wrong=f"{where} AND referred_by_code = {code}"
    )


CLAIMS = [
    row(ATTRIBUTED, "referred_by_code = 'CLAIMED1'", REFEREE, CODE),
    row(ATTRIBUTED, "claimed_at = now()", REFEREE, CLAIM),
    row(ATTRIBUTED, "referred_by_code = 'CLAIMED1'", NOT_REFERRED),
    claim("username = 'fiona'", "users_claim_in_time", at="created_at + interval '7 days'"),
    claim("username = 'fiona'", "users_claim_in_time", at="created_at - interval '1 second'"),
    claim("username = 'olaf'", "users_claim_in_time"),
    claim("username = 'dora'", "users_claim_before_purchases"),
    claim(
        "username = 'alice'",
        "users_claim_no_ring",
        code="(SELECT referral_code FROM users WHERE username = 'eric')",
    ),
]
