"""What the OpenAPI document says of a batch that is refused as a whole is what is answered."""

from typing import Any

import jsonschema_rs

from api.contract.openapi import openapi_document
from api.errors import MEDIA_TYPE
from api.rest.table import ROUTES
from tests.api.test_batch import PATH, batch
from tests.api.test_households import registered
from tests.support import builders
from tests.support.api import Api

DOCUMENT = openapi_document(ROUTES)


def refusal() -> dict[str, Any]:
    """The content of the 422."""
    found: dict[str, Any] = DOCUMENT["paths"][PATH]["post"]["responses"]["422"]["content"][MEDIA_TYPE]
    return found


def validator(*required: str) -> Any:
    schema = {
        "components": DOCUMENT["components"],
        "allOf": [refusal()["schema"]],
        "required": list(required),
    }
    return jsonschema_rs.Draft202012Validator(schema)


async def test_a_refused_batch_has_what_is_described(api: Api) -> None:
    home = await registered(api)
    items = [builders.event(home["id"]), builders.event(home["id"], provided_on="2999-01-01")]
    answer = (await batch(api, items, atomic=True)).json()
    assert answer["code"] == "batch-refused"
    validator("summary", "results", "code").validate(answer)
    # It is described, and not merely allowed.
    for name, wrong in (("summary", {"created": "two"}), ("results", [{"index": "one"}])):
        assert not validator().is_valid({**answer, name: wrong}), name


async def test_any_other_refusal_fits_as_well(api: Api) -> None:
    answer = (await api.post("health", PATH, {"items": []} | {"more": 1})).json()
    assert answer["code"] == "invalid-input"
    validator().validate(answer)


def test_its_example_fits() -> None:
    validator("summary", "results").validate(refusal()["example"])
