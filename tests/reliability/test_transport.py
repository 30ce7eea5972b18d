"""HTTP as nobody should send it, over raw sockets to the real server."""

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.server import RunningServer
from tests.support.service import eventually

PATIENCE_S = 60
HEAD = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /v1/households HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
ENV = {"KAEJON_HEADER_DEADLINE": "0.5", "KAEJON_BODY_DEADLINE": "0.5", "KAEJON_LIMIT_CONCURRENCY": "10"}
Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture(scope="module")
def hasty(open_directory: Path) -> Iterator[RunningServer]:
    """A server with short deadlines, and room for forty connections."""
    with RunningServer.start(open_directory / "hasty", households=20, env=ENV) as running:
        yield running


@pytest.fixture(scope="module")
def bearer(hasty: RunningServer) -> bytes:
    client = hasty.client("team")
    form = (
        f"grant_type=client_credentials&client_id={client['client_id']}&client_secret={client['client_secret']}"
    ).encode()
    sent = b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    status, _, body = asked(hasty, sent + b"Content-Length: %d\r\n\r\n" % len(form) + form)
    assert status == 200, body
    return b"Authorization: Bearer " + json.loads(body)["access_token"].encode() + b"\r\n"


@contextlib.contextmanager
def connected(server: RunningServer) -> Iterator[socket.socket]:
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
        yield connection


def received(connection: socket.socket) -> bytes:
    """Everything until the server closes."""
    found = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65_536):
            found += piece
    return found


def one_answer(connection: socket.socket) -> Answer:
    """One answer with a Content-Length, from a connection that may stay open."""
    found = b""
    while b"\r\n\r\n" not in found:
        piece = connection.recv(65_536)
        assert piece, found
        found += piece
    head, _, body = found.partition(b"\r\n\r\n")
    status, headers = parsed(head)
    while len(body) < int(headers.get("content-length", "0")):
        piece = connection.recv(65_536)
        assert piece
        body += piece
    return status, headers, body


def parsed(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(": ") for line in lines)
    return int(first.split()[1]), {name.lower(): value for name, _, value in pairs}


def asked(server: RunningServer, sent: bytes) -> Answer:
    with connected(server) as connection:
        connection.sendall(sent)
        return one_answer(connection)


def problem(answer: Answer, status: int, code: str) -> None:
    found, headers, body = answer
    assert found == status, body
    shown = json.loads(body)
    assert (shown["status"], shown["code"]) == (status, code)
    assert headers["content-type"] == "application/problem+json"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert shown["trace_id"] == headers["x-request-id"]
    assert shown["type"].endswith(f"/errors/{code}")
    assert headers["connection"] == "close"


MALFORMED = {
    "noise": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "no version": b"GET /healthz\r\n\r\n",
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "a later version": b"GET /healthz HTTP/3.0\r\nHost: x\r\n\r\n",
    "a name with a space": HEAD + b"A B: c\r\n\r\n",
    "a space before the colon": HEAD + b"Content-Length : 3\r\n\r\nabc",
    "a folded line": HEAD + b"A: b\r\n c\r\n\r\n",
    "a bare carriage return": HEAD + b"A: b\rc\r\n\r\n",
    "a nul": HEAD + b"A: b\x00c\r\n\r\n",
    "a url that is none": b"GET http://[x HTTP/1.1\r\nHost: x\r\n\r\n",
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "one length twice": POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "a list of lengths": POST + b"Content-Length: 2, 2\r\n\r\n{}",
    "a negative length": POST + b"Content-Length: -2\r\n\r\n{}",
    "a signed length": POST + b"Content-Length: +2\r\n\r\n{}",
    "a length in hex": POST + b"Content-Length: 0x2\r\n\r\n{}",
    "a huge length": POST + b"Content-Length: 99999999999999999999999\r\n\r\n{}",
    "length and chunks": POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
    "another coding": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunks not last": POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "chunks twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "identity": POST + b"Transfer-Encoding: identity\r\n\r\n{}",
    "a coding that looks like one": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a coding behind a tab": POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "chunks in an older version": POST.replace(b"1.1", b"1.0")
    + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_what_is_not_http_or_may_be_read_in_two_ways_is_refused(hasty: RunningServer, kind: str) -> None:
    with connected(hasty) as connection:
        connection.sendall(MALFORMED[kind])
        answer = received(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    problem((*parsed(head), body), 400, "bad-request")


def test_what_follows_a_refused_head_is_not_read_as_a_request(hasty: RunningServer) -> None:
    smuggled = b"0\r\n\r\nGET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
    with connected(hasty) as connection:
        connection.sendall(POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + smuggled)
        assert received(connection).count(b"HTTP/1.1 ") == 1


def test_a_broken_chunk_ends_the_request(hasty: RunningServer, bearer: bytes) -> None:
    with connected(hasty) as connection:
        connection.sendall(POST + bearer + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n")
        head, _, body = received(connection).partition(b"\r\n\r\n")
    problem((*parsed(head), body), 400, "bad-request")


def test_a_malformed_successor_waits_for_the_answer_before_it(hasty: RunningServer) -> None:
    with connected(hasty) as connection:
        connection.sendall(HEAD + b"\r\n" + b"nonsense\r\n\r\n")
        answers = received(connection)
    assert answers.startswith(b"HTTP/1.1 200 ")
    assert answers.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "head",
    [
        HEAD + b"X-Long: " + b"x" * 300_000 + b"\r\n\r\n",
        HEAD + b"X-Endless: " + b"x" * 300_000,
        HEAD + b"".join(b"X-%d: y\r\n" % number for number in range(200)) + b"\r\n",
        b"GET /" + b"x" * 300_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=["long", "unfinished", "many", "url"],
)
def test_a_head_has_a_largest_size(hasty: RunningServer, head: bytes) -> None:
    problem(asked(hasty, head), 431, "headers-too-large")


@pytest.mark.parametrize("begun", [b"", b"G", HEAD, b"\r\n", HEAD + b"\r\n" + HEAD])
def test_a_head_that_does_not_arrive_ends_the_connection(hasty: RunningServer, begun: bytes) -> None:
    with connected(hasty) as connection:
        connection.sendall(begun)
        # The read ends only when the server hangs up.
        answers = received(connection)
    assert answers.count(b"HTTP/1.1 200 ") == begun.count(b"\r\n\r\n")
    if begun.strip() and not begun.endswith(b"\r\n\r\n"):
        assert answers.rpartition(b"HTTP/1.1 ")[2].startswith(b"408 ")


def test_a_head_that_trickles_is_not_waited_for(hasty: RunningServer) -> None:
    with connected(hasty) as connection:
        connection.sendall(HEAD)
        connection.settimeout(0.05)
        deadline = time.monotonic() + PATIENCE_S
        answer = b""
        while time.monotonic() < deadline and b"408" not in answer:
            with contextlib.suppress(TimeoutError):
                answer += connection.recv(65_536)
            with contextlib.suppress(ConnectionError):
                connection.sendall(b"X: y\r\n")
        assert answer.startswith(b"HTTP/1.1 408 ")


def test_an_idle_connection_is_kept_between_requests(hasty: RunningServer) -> None:
    with connected(hasty) as connection:
        for _ in range(2):
            connection.sendall(HEAD + b"\r\n")
            assert one_answer(connection)[0] == 200
            # Longer than a head may take: what has not begun has no deadline but the keep-alive's.
            connection.settimeout(1.5)
            with pytest.raises(TimeoutError):
                connection.recv(1)
            connection.settimeout(PATIENCE_S)


def test_a_body_that_trickles_is_not_waited_for(hasty: RunningServer, bearer: bytes) -> None:
    with connected(hasty) as connection:
        connection.sendall(POST + bearer + b"Content-Length: 1000\r\n\r\n")
        connection.settimeout(0.05)
        deadline = time.monotonic() + PATIENCE_S
        answer = b""
        while time.monotonic() < deadline and b"\r\n\r\n" not in answer:
            with contextlib.suppress(TimeoutError):
                answer += connection.recv(65_536)
            with contextlib.suppress(ConnectionError):
                connection.sendall(b" ")
        assert answer.startswith(b"HTTP/1.1 408 ")


def test_a_chunked_body_beyond_the_limit_is_refused(hasty: RunningServer, bearer: bytes) -> None:
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    with connected(hasty) as connection:
        connection.sendall(POST + bearer + b"Transfer-Encoding: chunked\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            for _ in range(20):
                connection.sendall(chunk)
        status, headers, body = one_answer(connection)
    assert (status, json.loads(body)["code"]) == (413, "content-too-large")
    assert headers["connection"] == "close"


def test_a_trailer_is_no_header(hasty: RunningServer, bearer: bytes) -> None:
    answer = asked(hasty, POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n" + bearer + b"\r\n")
    assert answer[0] == 401


def test_whoever_hangs_up_leaves_nothing_behind(hasty: RunningServer, bearer: bytes) -> None:
    for sent in (POST + bearer + b"Content-Length: 1000\r\n\r\n{", HEAD, HEAD + b"\r\n", b""):
        with connected(hasty) as connection:
            connection.sendall(sent)

    def at_rest() -> bool:
        # Only the request that asks is under way.
        return (
            b"kaejon_http_requests_in_progress 1.0"
            in asked(hasty, b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")[2]
        )

    assert eventually(at_rest)


def test_too_many_connections_are_told_to_come_again(hasty: RunningServer) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(45):
            stack.enter_context(connected(hasty))
        status, headers, body = asked(hasty, HEAD + b"\r\n")
        if status == 200:
            # Idle connections are closed after a while: more of them at once, then.
            for _ in range(45):
                stack.enter_context(connected(hasty))
            status, headers, body = asked(hasty, HEAD + b"\r\n")
    problem((status, headers, body), 503, "unavailable")
    assert headers["retry-after"] == "1"
    assert eventually(lambda: asked(hasty, HEAD + b"\r\n")[0] == 200, PATIENCE_S)


def test_a_compressed_body_and_another_charset_are_refused(hasty: RunningServer, bearer: bytes) -> None:
    base = b"POST /v1/households HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n" + bearer
    kinds = (
        b"Content-Type: application/json\r\nContent-Encoding: gzip\r\n",
        b"Content-Type: application/json\r\nContent-Encoding: identity, br\r\n",
        b"Content-Type: application/json; charset=tis-620\r\n",
        b'Content-Type: application/json; charset="utf-16"\r\n',
    )
    for kind in kinds:
        status, _, body = asked(hasty, base + kind + b"\r\n{}")
        assert (status, json.loads(body)["code"]) == (415, "unsupported-media-type"), kind
    kept = b'Content-Type: application/json; Charset="UTF-8"\r\nContent-Encoding: identity\r\n'
    assert asked(hasty, base + kept + b"\r\n{}")[0] == 422
