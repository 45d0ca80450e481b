"""The colour of each status that the apps have, by its word."""

_WORDS = {
    "success": ("active", "completed", "in force", "in use", "paid", "posted", "won"),
    "info": ("pending", "staff", "superuser", "to come", "voided"),
    "warning": ("ending", "held", "succeeded", "waiting"),
    "danger": ("deactivated", "failed", "lost", "open", "rejected", "reversed"),
    "default": (
        *("created", "dismissed", "expired", "not_counted", "past", "revoked", "withdrawn"),
    ),
}
COLOURS = {word: colour for colour, words in _WORDS.items() for word in words}
