"""The login that serves: the service's role itself, so that nothing on its connections can step up to the owner.

On an outside server an administrator gives the role a login (README); on the embedded one every start does.
"""

import secrets
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from persistence.engine import SERVICE_ROLE


async def serving_login(owner_dsn: str) -> str:
    """Gives the service's role a password of this start alone; the URL that logs in with it."""
    password = secrets.token_urlsafe(32)
    connection = await asyncpg.connect(owner_dsn)
    try:
        # No parameters are taken here; the password is of the alphabet A-Z a-z 0-9 - _.
        await connection.execute(f"ALTER ROLE {SERVICE_ROLE} LOGIN PASSWORD '{password}'")
    finally:
        await connection.close()
    parts = urlsplit(owner_dsn)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{SERVICE_ROLE}:{quote(password)}@{place}"))
