"""The base of every refusal of the referrals domain."""


class ReferralError(Exception):
    """Something about codes, bonuses or terms was refused; the message says why."""
