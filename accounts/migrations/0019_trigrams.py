"""Trigrams, by which an index finds any part of a text."""

from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0018_emails_switched_off")]

    operations = [TrigramExtension()]
