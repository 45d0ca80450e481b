"""No query uses this index: the one of the uses of a code contains status and bonus as well."""

from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False  # an index that is dropped concurrently locks nobody out

    dependencies = [("referrals", "0003_offers_and_returned_awards")]

    operations = [RemoveIndexConcurrently("referral", "referrals_earned")]
