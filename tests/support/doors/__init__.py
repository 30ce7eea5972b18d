"""REST and GraphQL behind the same verbs: a scenario is written once and goes through either door.

Both speak the contract's snake_case and lower-case words here. GraphQL's spelling is converted along the
schema that the service itself publishes by introspection, so that a field one door lacks is seen as missing.
"""

from typing import TypeAlias

from tests.support.doors.answers import Answer
from tests.support.doors.graphql import GraphqlDoor
from tests.support.doors.rest import RestDoor

__all__ = ["DOORS", "Answer", "AnyDoor", "GraphqlDoor", "RestDoor"]

AnyDoor: TypeAlias = RestDoor | GraphqlDoor
DOORS: tuple[type[AnyDoor], ...] = (RestDoor, GraphqlDoor)
