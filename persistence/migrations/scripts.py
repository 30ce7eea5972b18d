"""Scripts of several statements, which a prepared statement cannot hold."""

import sqlalchemy as sa


def run_script(connection: sa.Connection, script: str) -> None:
    """Runs SQL without parameters on the driver's connection, in the transaction under way."""
    driver = connection.connection.dbapi_connection
    assert driver is not None
    driver.run_async(lambda plain: plain.execute(script))
