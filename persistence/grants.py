"""What the service's role may do, table by table. It owns nothing.

"Problems are never deleted" is a privilege, not a trigger: DELETE is granted only where listed here.
"""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from persistence.engine import SERVICE_ROLE
from persistence.metadata import METADATA

READ_ONLY = ("alembic_version",)
APPEND_ONLY = ("change", "audit", "access_log", "problem_move", "assignment_move", "analysis")
DELETABLE = (
    "citizen_identity",
    "indicator_result",
    "idempotency",
    "revoked_token",
    "queued_event",
    "reference_load",
    "code",
)


def privileges(table: str) -> tuple[str, ...]:
    """The rights of the service's role on one table."""
    if table in READ_ONLY:
        return ("SELECT",)
    if table in APPEND_ONLY:
        return ("SELECT", "INSERT")
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
    superuser = await connection.scalar(sa.text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"))
    if not superuser:
        # A login that both migrates and serves has to be able to step down to the service's role.
        await connection.execute(sa.text(f"GRANT {SERVICE_ROLE} TO CURRENT_USER"))
    for table in (*METADATA.tables, *READ_ONLY):
        await connection.execute(sa.text(f'REVOKE ALL ON "{table}" FROM {SERVICE_ROLE}'))
        await connection.execute(
            sa.text(f'GRANT {", ".join(privileges(table))} ON "{table}" TO {SERVICE_ROLE}')
        )
