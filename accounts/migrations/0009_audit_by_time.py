"""The audit log is looked through by day; entries lie in the order of time."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_audit_says_who_and_why"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="auditentry",
            index=BrinIndex(fields=["at"], name="audit_by_time", pages_per_range=16),
        ),
    ]
