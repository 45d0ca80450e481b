"""One way to write a date on every page: 19 Nov 2026, 08:34."""

DATE_FORMAT = "j M Y"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = "j M Y, H:i"
