"""The admin site as a whole: dashboard, staff, second factor, jobs."""
