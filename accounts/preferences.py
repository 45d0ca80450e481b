"""What a person chose about being seen by others."""

from accounts.models import User


def choose(*, user: User, show_on_leaderboard: bool) -> None:
    """Let others see the name of `user` on the leaderboard, or not."""
    user.show_on_leaderboard = show_on_leaderboard
    user.save(update_fields=["show_on_leaderboard"])
