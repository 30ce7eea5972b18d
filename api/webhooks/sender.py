"""One attempt: a signed POST to an address that has been vetted, within a deadline, whatever the receiver does."""

import asyncio
import contextlib
import email.utils
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx2

from api.webhooks.guard import Guard, NoAddress
from api.webhooks.signing import signed
from domain.exchange.delivery import CONTENT_TYPE, DeliveryFault, Message, Outcome, body_of
from domain.exchange.targets import Address, Target, TargetRefused

CONNECT_S = 5.0
TOTAL_S = 15.0
"""Seconds for everything, the lookup and the answer included (Standard Webhooks: 15 to 30)."""
MOST_READ = 65_536
"""Bytes of an answer that are read before it is dropped; none of them is kept."""
MOST_ADDRESSES = 3
"""Of one name that are tried."""
AGENT = "Kaejon-Webhooks/1.0"


class Sender:
    """Sends messages; one for each process."""

    def __init__(
        self,
        guard: Guard,
        *,
        source: str,
        verify: ssl.SSLContext | bool = True,
        connect_s: float = CONNECT_S,
        total_s: float = TOTAL_S,
    ) -> None:
        """`source` is the service's own URL, which messages name."""
        self._guard, self._source = guard, source
        self._connect_s, self._total_s = connect_s, total_s
        # The transport alone: without proxies of the environment, cookies, redirects. Every message has a connection of
        # its own: one that is kept open would be found again by its address, under whatever name it was proved.
        self._transport = httpx2.AsyncHTTPTransport(
            verify=verify,
            trust_env=False,
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=0),
        )

    async def close(self) -> None:
        await self._transport.aclose()

    async def send(self, message: Message, *, now: datetime) -> Outcome:
        """What came of it; never raises but when it is cancelled."""
        answered: list[Outcome] = []
        try:
            async with asyncio.timeout(self._total_s):
                await self._attempt(message, now, answered)
        except TimeoutError:
            # The status decides; a body that drips in is nobody's concern.
            return answered[0] if answered else _failed(DeliveryFault.TIMEOUT)
        except TargetRefused:
            return _failed(DeliveryFault.TARGET_REFUSED)
        except NoAddress:
            return _failed(DeliveryFault.NO_ADDRESS)
        except Exception as error:
            return answered[0] if answered else _failed(fault_of(error))
        return answered[0]

    async def _attempt(self, message: Message, now: datetime, answered: list[Outcome]) -> None:
        target = self._guard.target(message.endpoint.url)
        body = body_of(message, source=self._source)
        headers = {
            "Content-Type": CONTENT_TYPE,
            "User-Agent": AGENT,
            "Accept": "*/*",
            "Connection": "close",
            **signed(message.message_id, body, message.endpoint.secrets, now=now),
        }
        *others, last = (await self._guard.addresses(target))[:MOST_ADDRESSES]
        for address in others:
            with contextlib.suppress(httpx2.ConnectError, httpx2.ConnectTimeout):
                return await self._post(target, address, headers, body, now, answered)
        return await self._post(target, last, headers, body, now, answered)

    async def _post(
        self,
        target: Target,
        address: Address,
        headers: Mapping[str, str],
        body: bytes,
        now: datetime,
        answered: list[Outcome],
    ) -> None:
        """To this address; the name is what the certificate is proved against, and what Host says."""
        request = httpx2.Request(
            "POST",
            dialled(target, address),
            headers={"Host": _netloc(target), **headers},
            content=body,
            extensions={
                "sni_hostname": target.host,
                "timeout": {"connect": self._connect_s, "read": None, "write": None, "pool": None},
            },
        )
        response = await self._transport.handle_async_request(request)
        try:
            answered.append(outcome_of(response.status_code, response.headers.get("retry-after"), now=now))
            read = 0
            async for chunk in response.aiter_raw():
                read += len(chunk)
                if read >= MOST_READ:
                    break
        finally:
            await response.aclose()


def dialled(target: Target, address: Address) -> str:
    """The URL with the vetted address in place of the name: nothing is looked up any more."""
    host = f"[{address}]" if address.version == 6 else str(address)
    parts = urlsplit(target.url)
    query = f"?{parts.query}" if parts.query else ""
    return f"{target.scheme}://{host}:{target.port}{parts.path or '/'}{query}"


def _netloc(target: Target) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    usual = 443 if target.scheme == "https" else 80
    return host if target.port == usual else f"{host}:{target.port}"


def outcome_of(status: int, retry_after: str | None, *, now: datetime) -> Outcome:
    """What an answer means."""
    if 200 <= status <= 299:
        return Outcome(status, None)
    if status == 410:
        return Outcome(status, DeliveryFault.GONE)
    fault = DeliveryFault.REDIRECT if 300 <= status <= 399 else DeliveryFault.STATUS
    return Outcome(status, fault, _wait(retry_after, now))


def _wait(text: str | None, now: datetime) -> timedelta | None:
    """Retry-After in seconds or as a date (RFC 9110 §10.2.3); None for what is neither."""
    text = (text or "").strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), 10**8))
    try:
        at = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(timedelta(0), (at if at.tzinfo else at.replace(tzinfo=UTC)) - now)


def fault_of(error: BaseException) -> DeliveryFault:
    """The kind of a failure, without its text."""
    if isinstance(error, httpx2.TimeoutException):
        return DeliveryFault.TIMEOUT
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return DeliveryFault.TLS
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx2.ProtocolError | httpx2.DecodingError):
        return DeliveryFault.PROTOCOL
    return DeliveryFault.CONNECTION


def _failed(fault: DeliveryFault) -> Outcome:
    return Outcome(None, fault)
