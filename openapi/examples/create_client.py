"""An operator: creates a client for an agency, with no more scopes and areas than it needs, and tries it.

    python3 create_client.py --url URL --clients demo-clients.json --agency PROV_MOPH-42 --scope assistance:write --area 4201

The secret is in the service's answer and nowhere else: it goes into a file that only you can read.
"""
# ruff: noqa: T201 - a command prints its result

import os
import sys
from pathlib import Path

from kaejon import Client, Refused, arguments, credentials


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--name", default="Example client", help="what system it is")
    parser.add_argument("--agency", default="PROV_MOPH-42")
    parser.add_argument("--scope", action="append", help="repeat for several; default: assistance:write")
    parser.add_argument("--area", action="append", help="area-code prefix; repeat for several; default: 4201")
    parser.add_argument(
        "--secret-file", type=Path, help="a new file for the secret; default: it is printed once"
    )
    given = parser.parse_args()
    own = credentials(given.clients, "admin")
    operator = Client(given.url, own["client_id"], own["client_secret"])

    draft = {
        "name": given.name,
        "agency": given.agency,
        "scopes": given.scope or ["assistance:write"],
        "areas": given.area or ["4201"],
    }
    made = operator.post("/v1/clients", draft).body
    print(f"client_id: {made['client_id']}")
    if given.secret_file is None:
        print(f"client_secret (shown once): {made['client_secret']}")
    else:
        with os.fdopen(os.open(given.secret_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(made["client_secret"] + "\n")

    access = Client(given.url, made["client_id"], made["client_secret"]).get("/v1/me/access").body
    print(f"agency: {access['agency']}")
    print(f"scopes: {' '.join(access['scopes'])}")
    print(f"areas: {' '.join(access['areas'])}")
    return 0 if set(access["scopes"]) == set(draft["scopes"]) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Refused, OSError) as error:
        sys.exit(f"create_client: {error}")
