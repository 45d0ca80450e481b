"""The admin pages of the program: terms, referrals and leaderboard."""

from referrals.admin.leaderboard import LeaderboardAdmin
from referrals.admin.programs import ProgramAdmin
from referrals.admin.referrals import ReferralAdmin

__all__ = ["LeaderboardAdmin", "ProgramAdmin", "ReferralAdmin"]
