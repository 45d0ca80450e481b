"""Django's backend for PostgreSQL, with a health check that asks nobody, and our settings."""
