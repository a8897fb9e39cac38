"""Ports for what the tests start; those of the dashboard use them too."""

import os
import pathlib
import random
import socket


def candidate_ports():
    """Ports below those that the system gives outgoing connections, each once, in random order.

    A share of its own for each of eight workers of pytest-xdist, which run beside each other.
    """
    path = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")
    end = int(path.read_text().split()[0]) if path.exists() else 32_768
    start = 10_000 if end >= 20_000 else 1_024
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    ports = range(start + worker % 8, end, 8)
    return iter(random.sample(ports, len(ports)))


PORTS = candidate_ports()


def free_ports(count):
    """Ports on which nobody listens and that no outgoing connection is given; never one twice."""
    ports = []
    while len(ports) < count:
        port = next(PORTS)
        with socket.socket() as it:
            # As servers do: what is in TIME_WAIT does not count as taken.
            it.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                it.bind(("127.0.0.1", port))
            except OSError:
                continue
        ports.append(port)
    return ports
