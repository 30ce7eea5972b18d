"""Sockets to the service: whether it listens, a request that is begun, and its end."""

import socket

from tests.support.service import Service
from tests.support.waiting import PATIENCE_S


def half_a_request(service: Service) -> tuple[socket.socket, bytes]:
    """A connection on which a token request has been begun and is waited for, and the rest of it."""
    own = service.client("frontend")
    body = (
        f"grant_type=client_credentials&client_id={own['client_id']}&client_secret={own['client_secret']}"
    ).encode()
    head = (
        f"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
    ).encode()
    connection = socket.create_connection(("127.0.0.1", service.port), timeout=PATIENCE_S)
    connection.sendall(head)
    said = b""
    while not said.endswith(b"\r\n\r\n"):
        said += connection.recv(1)
    assert said.startswith(b"HTTP/1.1 100 "), "it has been taken on"
    connection.sendall(body[:20])
    return connection, body[20:]


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def told(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    return b"".join(parts)


def finishes(connection: socket.socket, rest: bytes) -> None:
    """The request that was begun is answered, and the connection closed."""
    connection.sendall(rest)
    answer = told(connection)
    connection.close()
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b'"access_token"' in answer
