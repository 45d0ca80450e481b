"""Sends requests over kept connections, and prints how long the answers took, as JSON.

`python -m gatewayz.benchmarks.load PORT CONNECTIONS`: standard input has the requests as they go
over the wire, as JSON. A process of its own, so that its work is not counted as the server's.
"""

import json
import socket
import sys
import threading
import time
from collections import Counter
from contextlib import closing


class Connection:
    """One kept connection to the server."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""

    def close(self) -> None:
        self._socket.close()

    def ask(self, request: bytes) -> int:
        """Send the request, read the whole answer, and return its status."""
        self._socket.sendall(request)
        head = self._read_until(b"\r\n\r\n").lower()
        if b"transfer-encoding: chunked" in head:
            while self._read_until(b"\r\n") != b"0":
                pass
            self._read_until(b"\r\n")
        elif b"content-length:" in head:
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
            while len(self._rest) < length:
                self._receive()
            self._rest = self._rest[length:]
        return int(head[9:12])

    def _read_until(self, mark: bytes) -> bytes:
        while mark not in self._rest:
            self._receive()
        found, _, self._rest = self._rest.partition(mark)
        return found

    def _receive(self) -> None:
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionError("the server closed the connection")
        self._rest += data


def run(port: int, connections: int, requests: list[str]) -> dict[str, object]:
    """Send all requests, and return the seconds, the statuses, and p50 and p99 in milliseconds."""
    waiting, lock = iter([request.encode() for request in requests]), threading.Lock()
    times: list[float] = []
    statuses: Counter[int] = Counter()

    def work() -> None:
        with closing(Connection(port)) as connection:
            while True:
                with lock:
                    request = next(waiting, None)
                if request is None:
                    return
                started = time.perf_counter()
                status = connection.ask(request)
                took = time.perf_counter() - started
                with lock:
                    times.append(took)
                    statuses[status] += 1

    threads = [threading.Thread(target=work) for _ in range(connections)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    times.sort()
    return {
        "seconds": seconds,
        "statuses": statuses,
        "p50": times[len(times) // 2] * 1000,
        "p99": times[len(times) * 99 // 100] * 1000,
    }


if __name__ == "__main__":
    port, connections = map(int, sys.argv[1:])
    print(json.dumps(run(port, connections, json.load(sys.stdin))))
