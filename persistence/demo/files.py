"""The demo as files of request bodies, for whoever fills a service of their own or tests a client.

households.ndjson         a line is the body of `POST /v1/households`, ready to send
ids.csv                   for each of those lines the demo's ids: household, house code, area, members in order
indicator-results.ndjson  {household_id, body}: `PUT /v1/households/{id}/indicator-results`
problems.ndjson           {id, status, body}: `POST /v1/problems`; `status` is how far it has come in the demo
analyses.ndjson           {household_id, body}: `POST /v1/households/{id}/analyses`
assignments.ndjson        {id, status, agency, body}: `POST /v1/assignments`
assistance-events.ndjson  {id, agency, body}: `POST /v1/assistance-events`, with a token of that agency

Ids are the demo's own: as they stand they are right for a service that loaded the same demo. Elsewhere a sender
replaces each by the id that was answered; ids.csv and the `id` of a line tell what it stands for.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from io import BufferedWriter
from pathlib import Path
from typing import Any

import orjson

from persistence.demo import drafts
from persistence.demo.generator import generate
from persistence.demo.records import Household

FILES = (
    "households.ndjson",
    "ids.csv",
    "indicator-results.ndjson",
    "problems.ndjson",
    "analyses.ndjson",
    "assignments.ndjson",
    "assistance-events.ndjson",
)
_UNFINISHED = ".part"
_STEP = 500


def write(
    out: Path, households: int, *, areas: Sequence[str], progress: Callable[[int, int], None]
) -> dict[str, int]:
    """Writes the files into `out`, which is made where it is missing; lines by file.

    A file gets its name when all are whole, and replaces one that was there. `progress` is told how many of
    how many households are written. Raises ValueError for areas or numbers that `generate` refuses.
    """
    made = generate(households, areas=areas)
    out.mkdir(parents=True, exist_ok=True)
    counts = dict.fromkeys(FILES, 0)
    with ExitStack() as stack:
        open_files = {name: stack.enter_context((out / f"{name}{_UNFINISHED}").open("wb")) for name in FILES}
        open_files["ids.csv"].write(b"line,household_id,house_code,area_code,person_ids\n")
        for line, home in enumerate(made, start=1):
            _write(home, line, open_files, counts)
            if line % _STEP == 0 or line == households:
                progress(line, households)
    for name in FILES:
        (out / f"{name}{_UNFINISHED}").replace(out / name)
    return counts


def _write(home: Household, line: int, files: dict[str, BufferedWriter], counts: dict[str, int]) -> None:
    def add(name: str, what: dict[str, Any]) -> None:
        files[f"{name}.ndjson"].write(orjson.dumps(what, option=orjson.OPT_APPEND_NEWLINE))
        counts[f"{name}.ndjson"] += 1

    add("households", drafts.household(home))
    persons = " ".join(str(one.id) for one in home.members)
    files["ids.csv"].write(f"{line},{home.id},{home.house_code or ''},{home.area_code},{persons}\n".encode())
    counts["ids.csv"] += 1
    results = drafts.results(home)
    if results is not None:
        add("indicator-results", {"household_id": str(home.id), "body": results})
    for problem, body in zip(home.problems, drafts.problems(home), strict=True):
        add("problems", {"id": str(problem.id), "status": problem.status, "body": body})
    for body in drafts.analyses(home):
        add("analyses", {"household_id": str(home.id), "body": body})
    for assignment, body in zip(home.assignments, drafts.assignments(home), strict=True):
        told = {"id": str(assignment.id), "status": assignment.status, "agency": assignment.agency}
        add("assignments", {**told, "body": body})
    for event in home.events:
        add(
            "assistance-events",
            {"id": str(event.id), "agency": event.agency, "body": drafts.event(home, event)},
        )
