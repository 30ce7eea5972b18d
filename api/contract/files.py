"""The contract as files, for `kaejon contract`; a test pins them."""

import json
from pathlib import Path


def contract_files() -> dict[str, str]:
    """The files of `openapi/` that are generated, by name."""
    # Here, because building the document needs the tables of both doors, which nobody else should load for it.
    from api.contract.openapi import openapi_document
    from api.graphql.sdl import schema_sdl
    from api.rest.table import ROUTES

    document = json.dumps(openapi_document(ROUTES), ensure_ascii=False, indent=1)
    return {"openapi.json": document + "\n", "schema.graphql": schema_sdl().rstrip("\n") + "\n"}


def write_contract(directory: Path) -> None:
    """Writes openapi.json and schema.graphql into the directory, which is made if need be."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in contract_files().items():
        (directory / name).write_text(text, "utf-8")
