"""The desk's pages of the programme: its terms, its referrals, and those that wait for somebody."""

from referrals.admin.programs import ProgramAdmin
from referrals.admin.referrals import ReferralAdmin

__all__ = ["ProgramAdmin", "ReferralAdmin"]
