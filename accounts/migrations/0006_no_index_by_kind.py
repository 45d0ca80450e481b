"""Two smaller indexes have taken the place of this one."""

from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False  # an index that is dropped concurrently locks nobody out

    dependencies = [("accounts", "0005_index_of_rare_kinds")]

    operations = [RemoveIndexConcurrently("ledgerentry", "ledger_by_kind")]
