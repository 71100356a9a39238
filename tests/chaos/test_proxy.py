"""The proxy, before a server that echoes every line twice."""

import gc
import socket
import socketserver
import sys
import time
import warnings
from contextlib import closing, suppress

import pytest

from tests.chaos.proxy import Proxy, deaf_port
from tests.processes import free_port
from tests.servers.serving import Serving


class Twice(socketserver.StreamRequestHandler):
    def handle(self):
        with suppress(ConnectionError):
            for line in self.rfile:
                self.wfile.write(line + line)


@pytest.fixture
def port():
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Twice)
    server.daemon_threads = True
    with Serving(server):
        yield server.server_address[1]


@pytest.fixture
def proxy(port):
    made = Proxy(port)
    yield made
    made.end()


def dial(proxy, timeout_s=30.0):
    return closing(socket.create_connection(("127.0.0.1", proxy.port), timeout=timeout_s))


def ask(connection, line=b"hello\n"):
    connection.sendall(line)
    return connection.recv(100)


def assert_it_cuts(proxy):
    """Seen when one connects, writes or reads."""
    with pytest.raises(ConnectionError), dial(proxy) as connection:
        ask(connection)


def test_it_relays_both_ways(proxy):
    with dial(proxy) as one, dial(proxy) as other:
        assert ask(one) == b"hello\nhello\n"
        assert ask(other, b"hi\n") == b"hi\nhi\n"


def test_what_it_swallows_never_comes_and_a_new_connection_is_relayed_later(proxy):
    with dial(proxy) as old:
        assert ask(old) == b"hello\nhello\n"
        proxy.swallow()
        with dial(proxy) as new:
            for connection in (old, new):
                connection.sendall(b"lost\n")
                connection.settimeout(0.1)
                with pytest.raises(TimeoutError):
                    connection.recv(100)
            proxy.let_through()
            for connection in (old, new):
                connection.sendall(b"still lost\n")
                with pytest.raises(TimeoutError):
                    connection.recv(100)
    with dial(proxy) as later:
        assert ask(later) == b"hello\nhello\n"


def test_a_deaf_port_answers_no_attempt_to_connect():
    with deaf_port() as port, pytest.raises(TimeoutError):
        socket.create_connection(("127.0.0.1", port), timeout=0.3)


def test_what_it_stalls_comes_later_and_whole(proxy):
    with dial(proxy) as connection:
        assert ask(connection) == b"hello\nhello\n"
        proxy.stall()
        connection.sendall(b"late\n")
        connection.settimeout(0.1)
        with pytest.raises(TimeoutError):
            connection.recv(100)
        connection.settimeout(30)
        proxy.let_through()
        assert connection.recv(100) == b"late\nlate\n"


def test_what_it_delays_comes_later(proxy):
    with dial(proxy) as connection:
        proxy.delay(0.2)
        began_s = time.monotonic()
        assert ask(connection) == b"hello\nhello\n"
        assert time.monotonic() - began_s >= 2 * 0.2, "on its way there, and on its way back"


def test_it_cuts_what_is_there_and_relays_what_comes(proxy):
    with dial(proxy) as connection:
        assert ask(connection) == b"hello\nhello\n"
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            connection.recv(100)
    with dial(proxy) as again:
        assert ask(again) == b"hello\nhello\n"


def test_it_refuses_until_it_is_told_otherwise(proxy):
    proxy.refuse()
    for _ in range(2):
        assert_it_cuts(proxy)
    proxy.let_through()
    with dial(proxy) as connection:
        assert ask(connection) == b"hello\nhello\n"


def test_a_server_that_is_away_is_a_connection_that_is_cut():
    proxy = Proxy(free_port())
    assert_it_cuts(proxy)
    proxy.end()


def test_its_end_leaves_no_socket_open_whatever_comes_and_goes_just_then(port, monkeypatch):
    left_open = []
    monkeypatch.setattr(sys, "unraisablehook", lambda seen: left_open.append(seen.exc_value))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for turn in range(40):
            proxy = Proxy(port)
            for _ in range(3):
                with dial(proxy) as connection:
                    connection.sendall(b"hello\n")
                    if turn % 2:
                        connection.recv(100)
            proxy.end()
            gc.collect()
    assert not left_open
