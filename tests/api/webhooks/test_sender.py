"""One attempt at a receiver that means no good, or a name that leads elsewhere."""

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from api.webhooks.guard import Guard
from api.webhooks.sender import MOST_READ, Sender, outcome_of
from api.webhooks.signing import new_secret
from domain.access.actor import Actor
from domain.exchange.delivery import DeliveryFault, Endpoint, Message, Outcome
from domain.exchange.targets import Address, Allowed, TargetRefused
from tests.support.receiver import Receiver, Reply, receiving
from tests.support.server import free_port
from tests.support.waiting import eventually_so

CLIENT = Actor("c", "PROV_MOPH-42", frozenset(), ("42",), 0, "")
ITEM = {"type": "household", "action": "updated", "resource_id": "r", "occurred_at": "t"}
LOCAL = Allowed.parsed("127.0.0.0/8")
LOOPBACK, ELSEWHERE = ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("10.0.0.1")
SECRET = new_secret()


def message(url: str) -> Message:
    endpoint = Endpoint(UUID(int=1), url, (SECRET,), CLIENT)
    return Message(endpoint, 1, UUID(int=2), ITEM, "42", 0, datetime.now(UTC))


async def sent(
    url: str, guard: Guard | None = None, *, total_s: float = 20.0, verify: ssl.SSLContext | bool = True
) -> Outcome:
    sender = Sender(guard or Guard(LOCAL), source="https://k", total_s=total_s, verify=verify)
    try:
        return await sender.send(message(url), now=datetime.now(UTC))
    finally:
        await sender.close()


class Names:
    """A name server whose answers change; counts how often it is asked."""

    def __init__(self, *answers: Sequence[Address]) -> None:
        self.answers, self.asked = list(answers), 0

    def __call__(self, host: str, port: int) -> Sequence[Address]:
        self.asked += 1
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if not found:
            raise OSError("not found")
        return found


def named(receiver: Receiver, name: str = "receiver.example.org") -> str:
    return receiver.url.replace("127.0.0.1", name)


# -- receivers


async def test_an_answer_that_drips_in_is_cut_at_the_deadline() -> None:
    async with receiving(lambda _: Reply(200, body=b"x" * 1000, drip=0.2)) as receiver:
        outcome = await sent(receiver.url, total_s=1.0)
        assert outcome == Outcome(200, None), "the status was there in time, and it decides"
        assert await eventually_so(lambda: receiver.under_way == 0)
        assert receiver.sent < 900


async def test_a_head_that_drips_in_is_a_failure() -> None:
    async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for one in b"HTTP/1.1 200 OK\r\n" + b"X" * 10_000:
                writer.write(bytes((one,)))
                await writer.drain()
                await asyncio.sleep(0.2)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(drips, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert await sent(f"http://127.0.0.1:{port}/", total_s=1.0) == Outcome(None, DeliveryFault.TIMEOUT)


async def test_one_that_says_nothing_is_not_waited_for_beyond_the_deadline() -> None:
    never = asyncio.Event()
    async with receiving(lambda _: Reply(wait=never)) as receiver:
        assert await sent(receiver.url, total_s=0.5) == Outcome(None, DeliveryFault.TIMEOUT)


async def test_a_large_answer_is_read_to_a_bound_and_kept_nowhere() -> None:
    async with receiving(lambda _: Reply(500, body=b"x" * 50_000_000)) as receiver:
        assert await sent(receiver.url) == Outcome(500, DeliveryFault.STATUS)
        assert await eventually_so(lambda: receiver.under_way == 0)
        # What the kernel holds in between is some megabytes.
        assert MOST_READ <= receiver.sent < 40_000_000


@pytest.mark.parametrize(
    "noise", [b"", b"hello\r\n\r\n", b"HTTP/1.1 999999 X\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 50_000]
)  # fmt: skip
async def test_what_is_not_http_is_a_failure(noise: bytes) -> None:
    async def speaks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(noise)
            await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(speaks, "127.0.0.1", 0)
    async with server:
        outcome = await sent(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        assert outcome.status is None
        assert outcome.fault in (DeliveryFault.PROTOCOL, DeliveryFault.CONNECTION)


async def test_nobody_there_is_a_failure() -> None:
    assert await sent(f"http://127.0.0.1:{free_port()}/") == Outcome(None, DeliveryFault.CONNECTION)


async def test_a_redirect_is_not_followed_and_a_cookie_is_not_kept() -> None:
    reply = Reply(307, {"Location": "/elsewhere", "Set-Cookie": "a=b"})
    async with receiving(lambda _: reply) as receiver:
        sender = Sender(Guard(LOCAL), source="https://k")
        for _ in range(2):
            outcome = await sender.send(message(receiver.url), now=datetime.now(UTC))
            assert outcome == Outcome(307, DeliveryFault.REDIRECT)
        await sender.close()
        assert [one.path for one in receiver.requests] == ["/hook", "/hook"]
        assert not any("cookie" in one.headers for one in receiver.requests)


async def test_the_environments_proxies_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    async with receiving() as receiver:
        assert (await sent(receiver.url)).fault is None
        assert receiver.requests[0].verified(SECRET)["subject"] == "r"


# -- names


async def test_a_name_that_leads_elsewhere_by_now_is_not_called() -> None:
    async with receiving() as receiver:
        names = Names([LOOPBACK], [ELSEWHERE])
        guard = Guard(LOCAL, resolve=names)
        await guard.check(named(receiver))
        assert await sent(named(receiver), guard) == Outcome(None, DeliveryFault.TARGET_REFUSED)
        assert receiver.requests == []


async def test_one_bad_address_beside_a_good_one_is_not_called() -> None:
    async with receiving() as receiver:
        guard = Guard(LOCAL, resolve=Names([LOOPBACK, ELSEWHERE]))
        assert await sent(named(receiver), guard) == Outcome(None, DeliveryFault.TARGET_REFUSED)
        assert receiver.requests == []


async def test_the_address_that_was_vetted_is_the_one_that_is_dialled() -> None:
    async with receiving() as receiver:
        names = Names([LOOPBACK], [ELSEWHERE])
        assert (await sent(named(receiver), Guard(LOCAL, resolve=names))).fault is None
        assert names.asked == 1, "nothing is looked up a second time"
        assert receiver.requests[0].headers["host"] == f"receiver.example.org:{receiver.port}"


async def test_the_next_address_is_tried_where_nobody_is_at_the_first() -> None:
    async with receiving() as receiver:
        nobody = ipaddress.ip_address("127.0.0.77")
        assert (await sent(named(receiver), Guard(LOCAL, resolve=Names([nobody, LOOPBACK])))).fault is None


async def test_a_name_that_is_not_found_is_a_failure_and_refused_at_creation() -> None:
    guard = Guard(LOCAL, resolve=Names([]))
    url = "https://receiver.example.org/"
    assert await sent(url, guard) == Outcome(None, DeliveryFault.NO_ADDRESS)
    with pytest.raises(TargetRefused, match="not found"):
        await guard.check(url)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "2002:a00:1::"]
)
async def test_a_public_name_with_a_private_address_is_refused(address: str) -> None:
    guard = Guard(Allowed(), resolve=Names([ipaddress.ip_address(address)]))
    with pytest.raises(TargetRefused):
        await guard.check("https://receiver.example.org/")
    assert await sent("https://receiver.example.org/", guard) == Outcome(None, DeliveryFault.TARGET_REFUSED)


# -- certificates


def contexts(directory: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Of a receiver with a certificate for `name`, and of a sender that trusts its maker."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = directory / "receiver.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + secret)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(pem)
    return served, ssl.create_default_context(cafile=str(pem))


@pytest.mark.parametrize(
    ("asked", "fault"), [("receiver.example.org", None), ("other.example.org", DeliveryFault.TLS)]
)
async def test_the_certificate_is_proved_for_the_name_and_not_the_address(
    tmp_path: Path, asked: str, fault: DeliveryFault | None
) -> None:
    served, trusting = contexts(tmp_path, "receiver.example.org")
    async with receiving(tls=served) as receiver:
        guard = Guard(LOCAL, resolve=Names([LOOPBACK]))
        assert (await sent(named(receiver, asked), guard, verify=trusting)).fault is fault
        assert len(receiver.requests) == (0 if fault else 1)


async def test_a_certificate_that_nobody_trusts_is_a_failure(tmp_path: Path) -> None:
    served, _ = contexts(tmp_path, "receiver.example.org")
    async with receiving(tls=served) as receiver:
        guard = Guard(LOCAL, resolve=Names([LOOPBACK]))
        assert await sent(named(receiver), guard) == Outcome(None, DeliveryFault.TLS)
        assert receiver.requests == []


# -- answers

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (200, None), (204, None), (299, None), (301, DeliveryFault.REDIRECT), (304, DeliveryFault.REDIRECT),
        (400, DeliveryFault.STATUS), (404, DeliveryFault.STATUS), (410, DeliveryFault.GONE), (429, DeliveryFault.STATUS),
        (503, DeliveryFault.STATUS), (199, DeliveryFault.STATUS),
    ],
)  # fmt: skip
def test_what_a_status_means(status: int, fault: DeliveryFault | None) -> None:
    assert outcome_of(status, None, now=NOW).fault is fault


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120), (" 120 ", 120), ("0", 0), ("-1", None), ("1.5", None), ("soon", None), ("", None), ("๑๒", None),
        ("9" * 50, 10**8), ("Thu, 01 Jan 2026 12:02:00 GMT", 120), ("Thu, 01 Jan 2026 11:00:00 GMT", 0),
        ("Thu, 99 Jan 2026 11:00:00 GMT", None), ("Thu, 01 Jan 2026 12:02:00 -0000", 120),
    ],
)  # fmt: skip
def test_how_retry_after_is_read(text: str, seconds: int | None) -> None:
    wanted = None if seconds is None else timedelta(seconds=seconds)
    assert outcome_of(503, text, now=NOW).retry_after == wanted
