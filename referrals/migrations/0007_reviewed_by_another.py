"""Nobody reviews a bonus of his own, in the database too."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_reports"),
        ("referrals", "0006_leaderboard_name"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="referral",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("reviewed_by", models.F("referrer")), _negated=True),
                    models.Q(("reviewed_by", models.F("referred_user")), _negated=True),
                ),
                name="referrals_reviewed_by_another",
            ),
        ),
    ]
