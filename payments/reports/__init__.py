"""What only reads: totals, leaderboard, invariants. Nothing here changes a balance."""
