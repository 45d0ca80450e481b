from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_reports"),
        ("referrals", "0004_invitation_looks"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="referral",
            options={"permissions": [("review_referral", "Can release or void a held bonus")]},
        ),
        migrations.AddIndex(
            model_name="referral",
            index=models.Index(
                fields=["status", "-completed_at", "-id"], name="referrals_by_status"
            ),
        ),
    ]
