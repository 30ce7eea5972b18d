"""A provincial health office: takes an assignment, and reports the help it gave from its own system.

python3 health_office.py --url URL --clients demo-clients.json
"""
# ruff: noqa: T201 - a command prints its result

import sys
from datetime import datetime, timedelta, timezone

from kaejon import Client, Refused, arguments, credentials

BANGKOK = timezone(timedelta(hours=7))
OPEN = ["assigned", "accepted", "in_progress"]


def main() -> int:
    given = arguments(__doc__).parse_args()
    own = credentials(given.clients, "health")
    office = Client(given.url, own["client_id"], own["client_secret"])

    mine = office.items("/v1/assignments", agency=own["agency"], status=OPEN, limit=50)
    assignment = next(mine, None)
    if assignment is None:
        print("No assignment is open.")
        return 1
    if "accepted" in assignment["allowed"]:
        assignment = office.post(f"/v1/assignments/{assignment['id']}/transitions", {"to": "accepted"}).body
    problem = office.get(f"/v1/problems/{assignment['problem_ids'][0]}").body

    today = datetime.now(BANGKOK).date()
    event = {
        # The number of the record in the office's own system: with it, sending twice records once.
        "external_id": f"example-{today:%Y%m%d}-{assignment['id']}",
        "household": {"id": assignment["household_id"]},
        "assignment_id": assignment["id"],
        "problem_ids": [problem["id"]],
        "dimension": problem["dimension"],
        "assistance_type": "health_service",
        "description": "เยี่ยมบ้านและตรวจสุขภาพ",
        "provided_on": today.isoformat(),
        "value_baht": "350.00",
    }
    first = office.post("/v1/assistance-events", event)
    again = office.post("/v1/assistance-events", event)
    moved = office.get(f"/v1/assignments/{assignment['id']}").body

    print(f"assignment {assignment['id']}: {moved['status']}")
    print(f"event {first.body['id']}: {first.body['receipt']['outcome']}")
    print(f"sent again: {again.body['receipt']['outcome']}")
    same = again.body["id"] == first.body["id"] and again.body["receipt"]["outcome"] == "duplicate"
    return 0 if same else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Refused, OSError) as error:
        sys.exit(f"health_office: {error}")
