"""PostgreSQL: tables, migrations, and the stores behind the domain's protocols."""
