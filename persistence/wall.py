"""The second wall: the service's role reads and writes personal data through these views alone.

Each view holds the rows inside the transaction's bounds (persistence/bounds.py): a statement that forgets
its filter returns nothing of other areas, and one without bounds returns nothing at all. On the tables
themselves the role has no right. Writes go through the same views, and a row that would land outside them is
refused (CHECK OPTION).

Decision: views instead of row-level security policies. A policy makes PostgreSQL evaluate every condition
that is not marked leakproof after it, `left(…)` and `&&` among them, so that the indexes of areas and facets
would go unused; marking functions needs a superuser. The role cannot create functions to leak with, and it
could set the bounds in either form: against a forgotten filter both are as strong.
"""

import hashlib
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.kernel import NIL
from persistence.bounds import AREAS, HOLDER
from persistence.engine import WALL

SCHEMA = WALL


def _holder(number: int) -> str:
    return f"nullif(split_part(current_setting('{HOLDER}', true), '|', {number}), '')"


# Read for each row: a sub-select would be an InitPlan for every view of a statement, a dozen for one household,
# which costs more than its rows. `t.area_code >= ''` is always true; it keeps the planner from estimating with
# what the setting holds when it plans, which is another transaction's or nothing.
_INSIDE = f"t.area_code ^@ ANY (nullif(current_setting('{AREAS}', t.area_code >= ''), '')::text[])"
_GRANTED = f"{_holder(3)}::uuid[]"

# Asked for whole tables, and in a sub-select once a statement.
_AREAS = f"(SELECT nullif(current_setting('{AREAS}', true), ''))::text[]"
_UNMASKED = f"(SELECT {_holder(1)} = 'on')"
_AGENCY = f"(SELECT {_holder(2)})"


def _of(household: str) -> str:
    return f"({_INSIDE} OR t.{household} = ANY ({_GRANTED}))"


_OF_HOUSEHOLD = _of("household_id")
# Help for households nobody has registered yet: the agency's own, and what a registrar may come to link.
_WAITING = f"""(t.agency = {_AGENCY} OR EXISTS (SELECT FROM unnest(t.areas) AS own(code), unnest({_AREAS}) AS asked(code)
  WHERE own.code ^@ asked.code OR asked.code ^@ own.code))"""

# What concerns no household (clients, agencies, menus) is nobody's: whoever has bounds, however narrow.
_OF_NOBODY = f"t.household_id = '{NIL}' AND {_AREAS} IS NOT NULL"

WALLED: Mapping[str, str] = {
    "household": _of("id"),
    "person": _OF_HOUSEHOLD,
    "membership": _OF_HOUSEHOLD,
    "citizen_identity": _OF_HOUSEHOLD,
    "indicator_result": _OF_HOUSEHOLD,
    "problem": _OF_HOUSEHOLD,
    "problem_move": _OF_HOUSEHOLD,
    "analysis": _OF_HOUSEHOLD,
    "assignment": _OF_HOUSEHOLD,
    "assignment_move": _OF_HOUSEHOLD,
    "assistance_event": _OF_HOUSEHOLD,
    "queued_event": _WAITING,
    "access_log": _OF_HOUSEHOLD,
    "access_ledger": _OF_HOUSEHOLD,
    "access_grant": f"(t.agency = {_AGENCY} OR {_INSIDE})",
    "change": f"({_OF_NOBODY} OR {_OF_HOUSEHOLD})",
    "audit": f"({_OF_NOBODY} OR {_OF_HOUSEHOLD})",
    "source_record": _OF_HOUSEHOLD,
    "conflict": _OF_HOUSEHOLD,
    # The importing agency's own report; what it says of a household, inside the areas alone.
    "import_row": f"t.agency = {_AGENCY} AND (t.area_code = '' OR {_INSIDE})",
}
"""Every table with personal data, and which of its rows `t` a transaction may see."""

OPEN: frozenset[str] = frozenset(
    {
        "area", "agency", "indicator", "code", "campaign", "menu", "reference_load", "client", "revoked_token",
        "client_assertion", "idempotency", "event_key", "access_block", "signing_key", "key_adoption",
        "quota", "feed_epoch", "export", "export_file", "import_job", "import_cell", "webhook", "webhook_delivery",
    }
)  # fmt: skip
"""The others: reference data and clients; identifiers without personal data; what is sealed whole."""

SEALED = {"person": ("citizen_id_sealed", "phone_sealed"), "conflict": ("given_sealed",)}
"""Columns that are written through the table's view and read through `<table>_sealed`, with the right alone."""


def statements() -> Sequence[str]:
    """The schema with its views, as DDL."""
    made = [f"CREATE SCHEMA {SCHEMA}"]
    for table, inside in WALLED.items():
        made.append(
            f'CREATE VIEW {SCHEMA}."{table}" AS SELECT * FROM public."{table}" t WHERE {inside} WITH CHECK OPTION'
        )
    for table, columns in SEALED.items():
        made.append(
            f'CREATE VIEW {SCHEMA}."{table}_sealed" AS SELECT household_id, id, {", ".join(columns)}'
            f' FROM public."{table}" t WHERE {_UNMASKED} AND {WALLED[table]}'
        )
    # Where every change stands, and nothing of what it is: how far the feed has got is everybody's.
    made.append(
        f"CREATE VIEW {SCHEMA}.feed_position AS SELECT transaction_id, id, left(area_code, 2) AS province FROM public.change"
    )
    made.append(
        f"CREATE VIEW {SCHEMA}.open_grant AS SELECT household_id, area_code, agency, expires_at FROM public.access_grant"
    )
    # What has become of an agency's own events, wherever their households have gone; nothing of where, or of what was given.
    made.append(
        f"CREATE VIEW {SCHEMA}.own_event AS SELECT household_id, id, agency, external_id, status, recorded_at, linked_at,"
        " confirmed_at, supersedes, superseded_by, corrected_at, voided_at"
        f" FROM public.assistance_event t WHERE t.agency = {_AGENCY}"
    )
    return made


def _fingerprint() -> str:
    return hashlib.sha256("\n".join(statements()).encode()).hexdigest()


async def stands(connection: AsyncConnection) -> bool:
    """Whether the wall of this code is there."""
    found = await connection.scalar(
        sa.text("SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = :name"),
        {"name": SCHEMA},
    )
    return bool(found == _fingerprint())


async def take_down(connection: AsyncConnection) -> None:
    """Before a migration: a view holds on to the columns it shows."""
    await connection.execute(sa.text(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"))


async def raise_wall(connection: AsyncConnection) -> None:
    """Makes the views; run by the owner, in the migration's transaction."""
    await take_down(connection)
    for statement in statements():
        await connection.exec_driver_sql(statement)
    await connection.exec_driver_sql(f"COMMENT ON SCHEMA {SCHEMA} IS '{_fingerprint()}'")
