"""The command that serves an application, the same in development, in tests and in benchmarks."""


def granian(
    application: str,
    *,
    port: int | str,
    host: str = "127.0.0.1",
    workers: int = 2,
    threads: int = 8,
) -> list[str]:
    """Return the module and its options; deploy/serve has them for production.

    A worker starts with one thread, and has up to `threads` while requests wait.
    """
    return [
        *("granian", application, "--interface", "wsgi", "--http", "1", "--no-ws"),
        *("--host", host, "--port", f"{port}", "--log-level", "error"),
        *("--workers", f"{workers}", "--blocking-threads", f"{threads}"),
        # A thread that ends takes its connection to the database with it.
        *("--blocking-threads-idle-timeout", "600"),
        *("--respawn-failed-workers", "--workers-kill-timeout", "10"),
    ]
