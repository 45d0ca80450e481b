"""What a person lets others see."""

from accounts.models import User


def update(*, user: User, show_on_leaderboard: bool) -> None:
    """Show the name of `user` to others on the leaderboard, or hide it."""
    user.show_on_leaderboard = show_on_leaderboard
    user.save(update_fields=["show_on_leaderboard"])
