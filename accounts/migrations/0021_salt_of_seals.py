"""A seal has a salt, so that nobody guesses the entry beside their own from its hash in a proof."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0020_index_of_names_parts")]

    operations = [migrations.AddField("ledgerseal", "salt", models.BinaryField(null=True))]
