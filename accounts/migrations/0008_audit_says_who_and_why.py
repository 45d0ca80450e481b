"""The audit log always says who and why; entries from before that rule stay as they are."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_reports"),
    ]

    operations = [
        migrations.AddField(
            model_name="auditentry",
            name="shell_user",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Who typed it, by the machine's account; empty when it was done at the desk.",
                max_length=100,
            ),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="reason",
            field=models.CharField(max_length=500),
        ),
        AddConstraintNotValid(
            model_name="auditentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason__regex", "\\S")), name="audit_says_why"
            ),
        ),
        AddConstraintNotValid(
            model_name="auditentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("by__isnull", False), ("shell_user", "")),
                    models.Q(("by__isnull", True), models.Q(("shell_user", ""), _negated=True)),
                    _connector="OR",
                ),
                name="audit_says_who",
            ),
        ),
    ]
