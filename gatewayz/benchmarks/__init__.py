"""`./dev bench`: measures the program beside other ways to do the same, on one PostgreSQL."""

HOST = "bench.test"
SECRET = "whsec_benchmark"  # noqa: S105  # of a database that lives for minutes
