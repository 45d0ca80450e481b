"""The Django project: settings, the table of URLs, and what a contributor's machine needs."""
