"""Django's backend for PostgreSQL, with our settings and a health check that sends no query."""
