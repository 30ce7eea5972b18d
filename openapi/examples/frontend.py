"""A front end: reads households page by page over GraphQL, each page with all it shows in one request.

python3 frontend.py --url URL --clients demo-clients.json
"""
# ruff: noqa: T201 - a command prints its result

import sys
from collections import Counter

from kaejon import Client, Refused, arguments, credentials

QUERY = """
query Households($filter: HouseholdFilter, $first: Int, $after: String) {
  households(filter: $filter, first: $first, after: $after) {
    edges {
      node {
        id
        caseStatus
        members { relationship person { firstName lastName age } }
        problems { dimension status }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--area", default="42", help="area-code prefix")
    parser.add_argument("--size", type=int, default=10, help="households a page")
    parser.add_argument("--pages", type=int, default=3, help="pages at most")
    given = parser.parse_args()
    own = credentials(given.clients, "frontend")
    frontend = Client(given.url, own["client_id"], own["client_secret"])

    statuses: Counter[str] = Counter()
    members = problems = cost = pages = 0
    after, more = None, True
    while more and pages < given.pages:
        asked = {"filter": {"area": [given.area]}, "first": given.size, "after": after}
        answer = frontend.graphql(QUERY, asked)
        found = answer["data"]["households"]
        for edge in found["edges"]:
            statuses[edge["node"]["caseStatus"]] += 1
            members += len(edge["node"]["members"])
            problems += len(edge["node"]["problems"])
        pages, cost = pages + 1, answer["extensions"]["cost"]
        more, after = found["pageInfo"]["hasNextPage"], found["pageInfo"]["endCursor"]

    print(f"{statuses.total()} households, {members} members, {problems} problems on {pages} pages")
    print(", ".join(f"{status.lower()} {count}" for status, count in sorted(statuses.items())))
    print(f"cost of the last page: {cost}")
    return 0 if statuses else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Refused, OSError) as error:
        sys.exit(f"frontend: {error}")
