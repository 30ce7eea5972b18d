"""What the service's role may do, table by table. It owns nothing.

"Problems are never deleted" is a privilege, not a trigger: DELETE is granted only where listed here.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from persistence import jobs, wall
from persistence.engine import SERVICE_ROLE
from persistence.metadata import METADATA

READ_ONLY = ("alembic_version",)
THE_OWNERS = ("feed_epoch",)
"""Written by the owner alone: at the start, at a restore, by retention."""
APPEND_ONLY = (
    "import_cell",
    "change", "audit", "access_ledger", "access_block", "access_grant", "problem_move", "assignment_move", "analysis",
)  # fmt: skip
# The sealer moves rows on from here; what it has sealed only the owner could still take away, and not unseen.
MOVED_ON = ("access_log",)
# What was said stays: these columns alone may be written again, by corrections and by what becomes of the household.
AMENDABLE = {
    "assistance_event": (
        "household_id", "area_code", "beneficiaries", "linked_at", "confirmed_at", "superseded_by", "corrected_at",
        "voided_at", "correction_reason", "status", "version",
    ),
}  # fmt: skip
DELETABLE = (
    "citizen_identity",
    "indicator_result",
    "idempotency",
    "revoked_token",
    "quota",
    "client_assertion",
    "signing_key",
    "key_adoption",
    "queued_event",
    "reference_load",
    "code",
    "webhook",
    "webhook_delivery",
    "export",
    "export_file",
)

FOLLOWING = ("problem_move", "assignment_move", "analysis", "access_grant")
"""Append-only, and yet of a household: the columns `AREA` follow it when it moves or is merged; nothing that was
said can be changed."""
AREA = ("household_id", "area_code")


def privileges(table: str) -> tuple[str, ...]:
    """The rights of the service's role on one table."""
    if table in (*READ_ONLY, *THE_OWNERS):
        return ("SELECT",)
    if table in APPEND_ONLY or table in AMENDABLE:
        return ("SELECT", "INSERT")
    if table in MOVED_ON:
        return ("SELECT", "INSERT", "DELETE")
    if table in DELETABLE:
        return ("SELECT", "INSERT", "UPDATE", "DELETE")
    return ("SELECT", "INSERT", "UPDATE")


async def apply_grants(connection: AsyncConnection) -> None:
    """Makes the role if it is missing and sets its rights exactly; run by the owner after a migration."""
    exists = await connection.scalar(
        sa.text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": SERVICE_ROLE}
    )
    if not exists:
        await connection.execute(sa.text(f"CREATE ROLE {SERVICE_ROLE} NOLOGIN"))
    await connection.execute(sa.text(f"GRANT USAGE ON SCHEMA public TO {SERVICE_ROLE}"))
    # Servers that began before PostgreSQL 15 let everybody make functions there.
    await connection.execute(sa.text("REVOKE CREATE ON SCHEMA public FROM PUBLIC"))
    database = await connection.scalar(sa.text("SELECT quote_ident(current_database())"))
    # In a temporary schema anybody could make functions, and a function in a condition sees rows before a view does.
    await connection.exec_driver_sql(f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC")
    # A login that both migrates and serves has to be able to step down to the service's role. 'SET' is PostgreSQL 16's.
    may = await connection.scalar(
        sa.text(
            """SELECT rolsuper OR pg_has_role(current_user, :role,
                 CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END)
               FROM pg_roles WHERE rolname = current_user"""
        ),
        {"role": SERVICE_ROLE},
    )
    if not may:
        await connection.execute(sa.text(f"GRANT {SERVICE_ROLE} TO CURRENT_USER"))
    await connection.execute(sa.text(f"GRANT USAGE ON SCHEMA {wall.SCHEMA} TO {SERVICE_ROLE}"))
    for statement in (*grants(), *jobs.grants()):
        await connection.exec_driver_sql(statement)


def grants() -> Sequence[str]:
    """Every right of the service's role: on the views of the wall where there is one, else on the table."""
    made = []
    for table in (*METADATA.tables, *READ_ONLY):
        made.append(f'REVOKE ALL ON public."{table}" FROM {SERVICE_ROLE}')
        place = f'{wall.SCHEMA}."{table}"' if table in wall.WALLED else f'public."{table}"'
        made.append(f"REVOKE ALL ON {place} FROM {SERVICE_ROLE}")
        rights = [right for right in privileges(table) if right != "SELECT" or table not in wall.SEALED]
        made.append(f"GRANT {', '.join(rights)} ON {place} TO {SERVICE_ROLE}")
        if table in AMENDABLE:
            made.append(f"GRANT UPDATE ({', '.join(AMENDABLE[table])}) ON {place} TO {SERVICE_ROLE}")
        if table in FOLLOWING:
            made.append(f"GRANT UPDATE ({', '.join(AREA)}) ON {place} TO {SERVICE_ROLE}")
        if table in wall.SEALED:
            hidden = wall.SEALED[table]
            shown = ", ".join(one.name for one in METADATA.tables[table].columns if one.name not in hidden)
            made.append(f"GRANT SELECT ({shown}) ON {place} TO {SERVICE_ROLE}")
            made.append(f'GRANT SELECT ON {wall.SCHEMA}."{table}_sealed" TO {SERVICE_ROLE}')
    made.append(f"GRANT SELECT ON {wall.SCHEMA}.open_grant TO {SERVICE_ROLE}")
    made.append(f"GRANT SELECT ON {wall.SCHEMA}.feed_position TO {SERVICE_ROLE}")
    made.append(f"GRANT SELECT ON {wall.SCHEMA}.own_event TO {SERVICE_ROLE}")
    return made
