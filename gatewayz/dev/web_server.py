"""How an application is served: the same in development, in tests and in benchmarks."""

import socket


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


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback that nobody listens on."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports
