"""What operators did is found by any part of the reason."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations
from django.db.models.functions import Lower


class Migration(migrations.Migration):
    atomic = False  # an index that is made concurrently locks nobody out

    dependencies = [("accounts", "0023_claims")]

    operations = [
        AddIndexConcurrently(
            "auditentry",
            GinIndex(OpClass(Lower("reason"), name="gin_trgm_ops"), name="audit_by_reason"),
        ),
    ]
