"""The OpenAPI 3.1 document, built from the table of operations and the models that it names."""

from collections.abc import Sequence

from api.contract import operations as described_by
from api.contract.limits import Schema
from api.contract.parameters import HEADERS as REQUEST_HEADERS
from api.contract.public import public_paths
from api.contract.responses import HEADERS, PROBLEM, error_responses, problem_schema
from api.contract.schemas import schemas_of
from api.contract.vocabulary import BARE_LISTS, DESCRIPTION, SCOPES, TAGS, TITLE, VERSION
from api.rest.operations import Routes

HERE = "/"


def openapi_document(routes: Sequence[Routes], *, server: str = HERE) -> Schema:
    """The document of these routes. The same input gives the same document, in the same order."""
    table = [(each.tag, operation) for each in routes for operation in each.operations]
    schemas = schemas_of(
        bodies=(one.body for _, one in table if one.body is not None),
        patches=(one.body for _, one in table if one.body is not None and one.method == "PATCH"),
        answers=(one.answer for _, one in table if one.answer is not None),
        queries=(one.query for _, one in table if one.query is not None),
    )
    paged = [one for _, one in table if one.many and one.id not in BARE_LISTS]
    pages = {schemas.answers[one.answer] for one in paged if one.answer is not None}
    components = schemas.components | {
        described_by.page_name(name): described_by.page_schema(name) for name in pages
    }
    components |= {PROBLEM: problem_schema(), described_by.OAUTH_ERROR: described_by.oauth_error_schema()}
    paths: dict[str, Schema] = {}
    for tag, operation in table:
        item = paths.setdefault(described_by.document_path(operation.path), {})
        item[operation.method.lower()] = described_by.described(operation, tag, schemas)
    paths |= public_paths()
    used = {tag for tag, _ in table} | {"graphql", "operations"}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": TITLE,
            "version": VERSION,
            "description": DESCRIPTION,
            "contact": {"name": "The operator of this service"},
        },
        "servers": [
            {"url": server, "description": "This service, in production as in testing.", "x-internal": False}
        ],
        "tags": [{"name": tag, "description": text} for tag, text in TAGS.items() if tag in used],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "responses": error_responses(),
            "parameters": REQUEST_HEADERS,
            "headers": HEADERS,
            "securitySchemes": security_schemes(server),
        },
    }


def security_schemes(server: str) -> Schema:
    """The token endpoint, the token itself, and how a client shows who it is."""
    scopes = {str(scope): SCOPES[scope] for scope in SCOPES}
    flow = {"tokenUrl": server.rstrip("/") + "/oauth/token", "scopes": scopes}
    return {
        "oauth2": {
            "type": "oauth2",
            "description": "Client credentials (RFC 6749); access tokens are RFC 9068, verified as RFC8725 "
            "asks, and live 15 minutes at most.",
            "flows": {"clientCredentials": flow},
        },
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "at+jwt",
            "description": "A token of /oauth/token; the roles named are its scopes.",
        },
        "client": {
            "type": "http",
            "scheme": "basic",
            "description": "client_id and client_secret, at the token endpoint only; or both in the form.",
        },
    }
