from django.db import migrations, models

MEASURES = ("referrals", "earnings", "revenue")


class Migration(migrations.Migration):
    """Tell the place in the list, which is one row's alone, from the rank, which equals share."""

    dependencies = [("referrals", "0007_reviewed_by_another")]

    operations = [
        # A snapshot: the next look at the leaderboard makes it anew.
        migrations.RunSQL("DELETE FROM standings", migrations.RunSQL.noop),
        migrations.RenameField("standing", "buyers", "qualified"),
        *[
            migrations.RemoveConstraint("standing", f"standings_rank_by_{measure}")
            for measure in MEASURES
        ],
        *[
            migrations.RenameField("standing", f"rank_by_{measure}", f"place_by_{measure}")
            for measure in MEASURES
        ],
        *[
            migrations.AddConstraint(
                "standing",
                models.UniqueConstraint(
                    fields=("period", f"place_by_{measure}"),
                    name=f"standings_place_by_{measure}",
                ),
            )
            for measure in MEASURES
        ],
        *[
            migrations.AddField(
                "standing", f"rank_by_{measure}", models.PositiveIntegerField(null=True)
            )
            for measure in MEASURES
        ],
        migrations.AddField(
            "standing",
            "payers",
            models.PositiveIntegerField(default=0, help_text="Friends who paid this revenue."),
            preserve_default=False,
        ),
        migrations.AlterField(
            "standing",
            "qualified",
            models.PositiveIntegerField(
                help_text="Of these sign-ups, who has made a qualifying purchase by now."
            ),
        ),
    ]
