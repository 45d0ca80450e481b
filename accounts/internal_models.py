"""The models that only the program uses: the ledger's seals and the rate limits' counters."""

from django.db import models


class LedgerSeal(models.Model):
    """A hash over a batch of entries and over the seal before; see `accounts.ledger_seals`."""

    # The batch begins after the last entry of the seal before.
    last_entry_id = models.BigIntegerField(unique=True)
    root = models.BinaryField()
    # In the hash of each entry's details. Empty in seals from before there was one.
    salt = models.BinaryField(null=True)
    # Unique, so that no two seals continue one.
    previous_head = models.BinaryField(unique=True)
    head = models.BinaryField(unique=True)
    sealed_at = models.DateTimeField()

    class Meta:
        db_table = "ledger_seals"
        default_permissions = ()

    def __str__(self) -> str:
        return bytes(self.head).hex()


class LimitWindow(models.Model):
    """The uses of one action by one caller in the current window; see `accounts.limits`.

    The table is UNLOGGED: counting waits for no disk write. A crash of PostgreSQL empties it, so at
    worst all windows start again.
    """

    # An HMAC of the action and the caller.
    key = models.BinaryField(primary_key=True)
    uses = models.PositiveIntegerField()
    ends_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "limit_windows"

    def __str__(self) -> str:
        return f"{self.uses} uses until {self.ends_at:%Y-%m-%d %H:%M:%S}"
