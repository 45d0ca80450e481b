"""What reads the books: totals, leaderboard, invariants. Nothing here moves money."""
