"""The desk's pages of the program: its terms, its referrals, and who is ahead."""

from referrals.admin.leaderboard import LeaderboardAdmin
from referrals.admin.programs import ProgramAdmin
from referrals.admin.referrals import ReferralAdmin

__all__ = ["LeaderboardAdmin", "ProgramAdmin", "ReferralAdmin"]
