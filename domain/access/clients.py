"""Clients: the systems that may call, each of one agency, with its scopes and areas (contract 2).

An administrator gives away no more area than it has and no agency but those of its areas and its own, and
touches no client beyond them: otherwise a wider client's secret, or that of a client of another agency, which
reads what is that agency's own, would be a way out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, Protocol
from uuid import UUID

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from domain.access import networks
from domain.access.actor import COUNTRY, Actor, Scope
from domain.access.networks import MOST_NETWORKS, Networks
from domain.access.policy import Operation, Reach, admit
from domain.access.public_keys import KeySet
from domain.errors import Conflict, Fault, Forbidden, Invalid, NotFound, VersionMismatch
from domain.kernel import Code, Document, Line, Listing, Moment, Paging, Value
from domain.reference.store import KnownAgency, ReferenceStore
from domain.registry.free_text import number_faults

DEFAULT_OVERLAP = 86_400
"""Seconds that a rotated secret keeps working: a day to bring the new one to every machine (assumed)."""
LONGEST_OVERLAP = 7 * 86_400
CLOCKS_DIFFER = timedelta(seconds=60)
"""What the clocks of two of our machines may differ by."""


def _area_list(areas: list[str]) -> list[str]:
    if COUNTRY in areas and len(areas) > 1:
        raise PydanticCustomError("country-and-areas", 'give ["*"] alone, or area codes')
    return sorted(set(areas))


def _scope_list(scopes: list[Scope]) -> list[Scope]:
    return [scope for scope in Scope if scope in scopes]


ClientArea = Annotated[str, Field(pattern=r"^(?:\*|[0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{8})$")]
"""An area code, which holds every longer one that starts with it; or `*`, the country."""
Areas = Annotated[list[ClientArea], Field(max_length=100), AfterValidator(_area_list)]
"""At most 100: the token that carries them stays under 4 KB."""
Scopes = Annotated[list[Scope], Field(max_length=len(Scope)), AfterValidator(_scope_list)]


class ClientDraft(Value):
    """A client to be created."""

    name: Line
    """What system it is."""
    agency: Code
    """The agency it acts for; it never changes."""
    scopes: Scopes = []
    areas: Areas = []
    """Empty: it reaches no household."""
    expires_at: Moment | None = None
    """From then on it gets no token; null: it does not expire."""
    allowed_networks: Networks = []
    """CIDR blocks it may call from, IPv4 and IPv6; empty: from anywhere."""
    jwks: KeySet | None = None
    """Public keys for `private_key_jwt`; its secret works beside them."""


class ClientPatch(Value):
    """Merge patch of a client: absent keeps; only `expires_at` and `jwks` may be null."""

    name: Line = ""
    scopes: Scopes = []
    areas: Areas = []
    enabled: bool = True
    """False bars its tokens as well, those already out included."""
    expires_at: Moment | None = None
    allowed_networks: Networks = []
    """Holds for tokens already out as well."""
    jwks: KeySet | None = None
    """Replaces all of them."""


class SecretRotation(Value):
    """How a secret is replaced."""

    overlap_seconds: Annotated[int, Field(ge=0, le=LONGEST_OVERLAP)] = DEFAULT_OVERLAP
    """How long the old secret keeps working beside the new one; 0 for one that has leaked: then the tokens
    that are out stop as well."""


class Client(Value):
    """A client as administrators see it; never its secret."""

    client_id: Annotated[str, Field(max_length=64)]
    name: Annotated[str, Field(max_length=200)]
    agency: Annotated[str, Field(max_length=64)]
    scopes: Annotated[list[str], Field(max_length=100)]
    """As granted; one that a later version no longer knows stays listed and grants nothing."""
    areas: Annotated[list[str], Field(max_length=100)]
    enabled: bool
    expires_at: datetime | None
    last_used_at: datetime | None
    """When it last proved itself at the token endpoint, to the minute."""
    allowed_networks: Annotated[list[str], Field(max_length=MOST_NETWORKS)]
    """Empty: from anywhere."""
    jwks: KeySet | None
    created_at: datetime
    updated_at: datetime
    version: int


class IssuedClient(Client):
    """A client with its new secret: the one answer in which a secret stands."""

    client_secret: Annotated[str, Field(repr=False, max_length=64)]
    """Shown once; only a hash is kept."""
    previous_secret_expires_at: datetime | None = None
    """Until when the replaced secret keeps working."""


@dataclass(frozen=True, slots=True)
class MintedSecret:
    """A new secret and what is stored of it."""

    text: str = field(repr=False)
    hash: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Credentials:
    """A client with the hashes that a presented secret is compared with."""

    client: Client
    secret_hash: bytes = field(repr=False)
    previous_secret_hash: bytes | None = field(repr=False)
    """None once its overlap is over."""


@dataclass(frozen=True, slots=True)
class Entitled:
    """A client as a token issued now may describe it: read under a lock that a narrowing waits for."""

    credentials: Credentials
    clock: datetime
    """Of the database, taken before the row was read."""
    tokens_not_before: datetime | None
    """Tokens issued before it are refused; a whole second."""


class Secrets(Protocol):
    """Where new secrets come from (auth.clients.ClientSecrets)."""

    def mint(self) -> MintedSecret: ...


class ClientExists(Conflict):
    code = "client-exists"

    def __init__(self) -> None:
        super().__init__("There is a client with this id already.")


class ClientStore(Protocol):
    """A client is within reach when every one of its areas is, and its agency (`reaches_agency`); others are
    absent."""

    async def add(self, actor: Actor, client: Client, secret_hash: bytes) -> None:
        """Raises ClientExists."""
        ...

    async def get(self, reach: Reach, client_id: str) -> Client | None: ...
    async def page(self, reach: Reach, paging: Paging) -> Listing:
        """In the order of ids, which is the order of creation."""
        ...

    async def amend(
        self,
        reach: Reach,
        client: Client,
        changes: Mapping[str, Any],
        *,
        version: int,
        bar_tokens: bool,
        now: datetime,
    ) -> Client | None:
        """Stores what may change of `client` over `version`; None when that version is gone.

        `bar_tokens`: those issued until then are refused from then on. In a transaction.
        """
        ...

    async def rotate(
        self,
        reach: Reach,
        client_id: str,
        secret_hash: bytes,
        *,
        overlap_until: datetime,
        bar_tokens: bool,
        now: datetime,
    ) -> Client | None: ...
    async def revoke(
        self, reach: Reach, client_id: str, secret_hash: bytes, *, now: datetime
    ) -> Client | None:
        """Disables the client, takes its keys, puts a hash in place that no secret has, bars its tokens."""
        ...

    async def credentials(self, client_id: str, *, now: datetime) -> Credentials | None:
        """Of any client, disabled ones too: the caller compares secrets before it says anything."""
        ...

    async def entitled(self, client_id: str, *, now: datetime) -> Entitled | None:
        """As `credentials`, for a token that is about to be issued."""
        ...

    async def spend_assertion(self, client_id: str, jti: str, *, expires_at: datetime) -> bool:
        """Whether this is the first time; of many at once one is."""
        ...

    async def touch(self, client_id: str, *, now: datetime) -> None:
        """Notes that the client got a token, at most once a minute; no new version."""
        ...

    async def revoke_token(self, token: Actor, *, now: datetime) -> None:
        """Bars one token until it would have expired; again is no error."""
        ...


class HasClients(Protocol):
    """What these use cases need of a unit of work."""

    @property
    def clients(self) -> ClientStore: ...
    @property
    def reference(self) -> ReferenceStore: ...
    def new_id(self) -> UUID: ...


def may_authenticate(client: Client, *, remote: str, now: datetime) -> bool:
    """Whether a client whose proof is right gets a token at the address `remote`."""
    if not client.enabled or (client.expires_at is not None and client.expires_at <= now):
        return False
    return not client.allowed_networks or networks.within(networks.parsed(client.allowed_networks), remote)


def reaches_agency(actor: Actor, agency: KnownAgency) -> bool:
    """Whether clients of `agency` are the administrator's: the country's, its own, those that act in its areas.

    A national agency acts in none of them. In SQL: persistence.access.clients.
    """
    if COUNTRY in actor.areas or agency.code == actor.agency:
        return True
    return agency.area_code is not None and actor.covers(agency.area_code)


def narrows(before: Client, after: Client) -> bool:
    """Whether the change takes a scope, an area or a key away, which tokens already out still stand for.

    Disabling, expiry and networks are judged on every request and need no new token.
    """
    kept = [Actor("", "", frozenset(), tuple(after.areas), 0, "").covers(area) for area in before.areas]
    keys = {key.kid: key for key in after.jwks.keys} if after.jwks else {}
    same = all(keys.get(key.kid) == key for key in before.jwks.keys) if before.jwks else True
    return not (set(before.scopes) <= set(after.scopes) and all(kept) and same)


def issue_time(now: datetime, entitled: Entitled) -> int:
    """The `iat` of a token, in Unix seconds: never after a narrowing that its rights were read before.

    The earlier of both clocks, which differ by a minute at most; and where the rights were narrowed within
    this very second, the next one, from which tokens count again.
    """
    clock = min(now, max(entitled.clock, now - CLOCKS_DIFFER))
    if entitled.tokens_not_before is not None:
        clock = max(clock, entitled.tokens_not_before)
    return int(clock.timestamp())


def new_client(client_id: str, draft: ClientDraft, *, now: datetime) -> Client:
    """A client as it stands on its first day."""
    return Client(
        client_id=client_id,
        name=draft.name,
        agency=draft.agency,
        scopes=list(draft.scopes),
        areas=draft.areas,
        enabled=True,
        expires_at=draft.expires_at,
        last_used_at=None,
        allowed_networks=draft.allowed_networks,
        jwks=draft.jwks,
        created_at=now,
        updated_at=now,
        version=1,
    )


async def create(
    work: HasClients, actor: Actor, draft: ClientDraft, *, now: datetime, secrets: Secrets
) -> IssuedClient:
    """A new client with its secret.

    Raises Invalid for an unknown agency or a past expiry, Forbidden `outside-your-areas` for areas or an agency.
    """
    admit(actor, Operation.ADMINISTER)
    agency = (await work.reference.agencies([draft.agency])).get(draft.agency)
    _within_areas(actor, draft.areas, agency)
    faults = [*number_faults({"name": draft.name}), *_expiry_faults(draft.expires_at, now)]
    if agency is None or not agency.enabled:
        faults.append(Fault("/agency", "unknown-agency", "There is no such agency; see /v1/agencies."))
    if faults:
        raise Invalid("The client has faults; see errors.", faults=faults)
    client, secret = new_client(str(work.new_id()), draft, now=now), secrets.mint()
    await work.clients.add(actor, client, secret.hash)
    return _issued(client, secret)


async def browse(work: HasClients, actor: Actor, paging: Paging) -> Listing:
    """The clients within the caller's reach, oldest first."""
    return await work.clients.page(admit(actor, Operation.ADMINISTER), paging)


async def read(work: HasClients, actor: Actor, client_id: str) -> Document:
    """One client. Raises NotFound."""
    return _document(await _known(work, admit(actor, Operation.ADMINISTER), client_id))


async def amend(
    work: HasClients, actor: Actor, client_id: str, patch: ClientPatch, *, version: int, now: datetime
) -> Document:
    """Applies a merge patch to the given version. A token that is out never keeps what was taken away: it is
    barred, and the next one carries what is left; one that has less than the client now has stays as it is.

    Raises NotFound, VersionMismatch, Invalid, Forbidden `outside-your-areas`.
    """
    reach = admit(actor, Operation.ADMINISTER)
    client = await _known(work, reach, client_id)
    if client.version != version:
        raise VersionMismatch(client.version)
    given = {name: getattr(patch, name) for name in patch.model_fields_set}
    changes = {name: value for name, value in given.items() if getattr(client, name) != value}
    if not changes:
        return _document(client)
    _within_areas(actor, changes.get("areas", ()))
    if faults := [
        *number_faults({"name": changes.get("name")}),
        *_expiry_faults(changes.get("expires_at"), now),
    ]:
        raise Invalid("The client has faults; see errors.", faults=faults)
    after = client.model_copy(update=changes)
    amended = await work.clients.amend(
        reach, after, changes, version=version, bar_tokens=narrows(client, after), now=now
    )
    if amended is None:
        raise VersionMismatch
    return _document(amended)


async def rotate(
    work: HasClients,
    actor: Actor,
    client_id: str,
    rotation: SecretRotation,
    *,
    now: datetime,
    secrets: Secrets,
) -> IssuedClient:
    """A new secret; the old one works until the overlap ends, and one older than that no more."""
    reach = admit(actor, Operation.ADMINISTER)
    secret, until = secrets.mint(), now + timedelta(seconds=rotation.overlap_seconds)
    client = await work.clients.rotate(
        reach, client_id, secret.hash, overlap_until=until, bar_tokens=rotation.overlap_seconds == 0, now=now
    )
    if client is None:
        raise NotFound
    return _issued(client, secret, until)


async def revoke(
    work: HasClients, actor: Actor, client_id: str, *, now: datetime, secrets: Secrets
) -> Document:
    """Disables a client for good: enabled again, it still needs a new secret or key. Raises NotFound."""
    reach = admit(actor, Operation.ADMINISTER)
    # The hash of a secret that nobody is told.
    client = await work.clients.revoke(reach, client_id, secrets.mint().hash, now=now)
    if client is None:
        raise NotFound
    return _document(client)


async def _known(work: HasClients, reach: Reach, client_id: str) -> Client:
    client = await work.clients.get(reach, client_id)
    if client is None:
        raise NotFound
    return client


def _within_areas(actor: Actor, areas: Sequence[str], agency: KnownAgency | None = None) -> None:
    faults = [
        Fault(f"/areas/{place}", "outside-your-areas", "You may give areas that are yours only.")
        for place, area in enumerate(areas)
        if not actor.covers(area)
    ]
    if agency is not None and not reaches_agency(actor, agency):
        told = "You may make clients of your own agency and of those that act in your areas only."
        faults.append(Fault("/agency", "outside-your-areas", told))
    if faults:
        told = "The client would reach beyond your areas; see errors."
        raise Forbidden(told, code="outside-your-areas", faults=faults)


def _expiry_faults(expires_at: datetime | None, now: datetime) -> list[Fault]:
    if expires_at is None or expires_at > now:
        return []
    return [Fault("/expires_at", "past-date", "The time has passed; disable the client instead.")]


def _issued(client: Client, secret: MintedSecret, previous_until: datetime | None = None) -> IssuedClient:
    return IssuedClient(**dict(client), client_secret=secret.text, previous_secret_expires_at=previous_until)


def _document(client: Client) -> Document:
    return Document(client.model_dump_json().encode(), client.version)
