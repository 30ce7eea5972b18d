"""The schema as text: what is committed as `openapi/schema.graphql`, and pinned by a test."""

from api.graphql.schema import schema


def schema_sdl() -> str:
    """Every type by its name; fields in the order of the domain's values."""
    return schema().as_str() + "\n"
