"""Every code that an error may carry is explained on a page of its own."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api import parsing
from api.errors import TITLES
from api.operations.catalogue import FAULTS, PROBLEMS
from domain.assistance import events
from domain.exchange.reading import cells
from domain.registry.free_text import PERSONAL_DATA
from tests.support.pages import BASE, pages_app

ROOT = Path(__file__).parents[2]
SOURCES = [path for name in ("api", "auth", "domain", "persistence") for path in (ROOT / name).rglob("*.py")]
CODE = re.compile(r"[a-z]+(-[a-z]+)+|forbidden|conflict|unauthenticated|unavailable")
WHOLE, PLACE = "of a request", "of a place"
# How a code is handed over: the callable, the position of the code, and what it is the code of.
CALLS = {
    "HttpError": (1, WHOLE),
    "QueryError": (0, WHOLE),
    "_taken": (1, WHOLE),
    "Fault": (1, PLACE),
    "at": (1, PLACE),
    "PydanticCustomError": (0, PLACE),
    "CellFault": (0, PLACE),
    "RowFault": (1, PLACE),
    "UnreadableFile": (0, PLACE),
    "row_code": (1, PLACE),
    "keep_stored": (1, PLACE),
}
# Handed over by another name: what stands in these is looked at below, or written out where the function is called.
NOT_WRITTEN_OUT = {
    ("api/graphql/documents.py", "code"),
    ("api/parsing.py", "*_said(one)"),
    ("domain/assistance/events.py", "verdict"),
    ("domain/casework/catalogue.py", "code"),
    ("domain/errors.py", "code"),
    ("domain/exchange/importing/comparing.py", "code"),
    (
        "domain/exchange/reading/cells.py",
        "*_SAID.get(kind, ('wrong-format', 'It does not have the required form.'))",
    ),
    ("domain/exchange/reading/cells.py", "PERSONAL_DATA"),
    ("domain/registry/free_text.py", "PERSONAL_DATA"),
    ("persistence/reference/store.py", "code"),
}
# Never raised as they are: the base of the tree, and the base of two families.
ABSTRACT = {"error"}


def text(node: ast.AST | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def codes_in(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """(kind, code) for every code written out in a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield from ((WHOLE, code) for code in class_codes(node))
        elif isinstance(node, ast.Call):
            yield from call_codes(node)
        elif isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
            # A description of an error: status, code, …
            match node.value.elts:
                case [ast.Constant(value=int()), ast.Constant(value=str(code)), *_]:
                    yield WHOLE, code


def class_codes(node: ast.ClassDef) -> Iterator[str]:
    for line in node.body:
        target = line.targets[0] if isinstance(line, ast.Assign) else getattr(line, "target", None)
        code = text(getattr(line, "value", None))
        if isinstance(target, ast.Name) and target.id == "code" and code is not None:
            yield code


def call_codes(node: ast.Call) -> Iterator[tuple[str, str]]:
    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
    if name in CALLS:
        place, kind = CALLS[name]
        code = text(node.args[place]) if len(node.args) > place else None
        if code is not None:
            yield kind, code
    for keyword in node.keywords:
        code = text(keyword.value)
        if keyword.arg == "code" and code is not None and CODE.fullmatch(code):
            yield WHOLE, code


def raised() -> set[tuple[str, str, str]]:
    """(kind, code, file) over the whole source."""
    return {
        (kind, code, path.relative_to(ROOT).as_posix())
        for path in SOURCES
        for kind, code in codes_in(ast.parse(path.read_text("utf-8")))
        if code not in ABSTRACT
    }


def test_every_code_in_the_source_is_explained() -> None:
    missing = {
        (kind, code, where)
        for kind, code, where in raised()
        if code not in (PROBLEMS if kind == WHOLE else FAULTS)
    }
    assert missing == set()


def test_codes_that_are_not_written_out_are_known_places() -> None:
    found = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = (
                getattr(node.func, "id", getattr(node.func, "attr", "")) if isinstance(node, ast.Call) else ""
            )
            if isinstance(node, ast.Call) and name in CALLS and len(node.args) > CALLS[name][0]:
                code = node.args[CALLS[name][0]]
                # The code of an error type is written out in its class.
                if text(code) is None and not isinstance(code, ast.Attribute):
                    found.add((path.relative_to(ROOT).as_posix(), ast.unparse(code)))
    assert found == NOT_WRITTEN_OUT


def in_tables() -> set[str]:
    said = [
        *parsing._DETAILS.values(),
        *(one for _, one in parsing._KINDS),
        *cells._SAID.values(),
        parsing._said({"type": "unheard_of"}),
    ]
    return {code for code, _ in said} | set(events._REFUSALS) | {PERSONAL_DATA}


def test_codes_that_tables_hold_are_explained() -> None:
    assert in_tables() <= set(FAULTS)


def test_nothing_is_explained_that_is_not_raised() -> None:
    found = {code for _, code, _ in raised()} | in_tables()
    assert (set(PROBLEMS) | set(FAULTS)) - found == set()


def test_the_search_finds_a_code_however_it_is_handed_over() -> None:
    source = """
class Lost(NotFound):
    code: ClassVar[str] = "it-is-lost"
raise Conflict("x", code="in-the-way")
raise HttpError(418, "a-teapot", "x")
raise Invalid.at("/a", "not-a", "x")
[Fault("/b", "not-b", "x"), PydanticCustomError("not-c", "x")]
def described(): return 418, "short-and-stout", "x"
"""
    assert set(codes_in(ast.parse(source))) == {
        (WHOLE, "it-is-lost"),
        (WHOLE, "in-the-way"),
        (WHOLE, "a-teapot"),
        (WHOLE, "short-and-stout"),
        (PLACE, "not-a"),
        (PLACE, "not-b"),
        (PLACE, "not-c"),
    }


def test_every_status_of_the_catalogue_has_a_title() -> None:
    assert {known.status for known in PROBLEMS.values()} <= set(TITLES)


@pytest.fixture(scope="module")
def http() -> TestClient:
    return TestClient(pages_app())


@pytest.mark.parametrize("code", sorted({*PROBLEMS, *FAULTS}))
def test_a_code_has_a_page_for_people_and_for_machines(http: TestClient, code: str) -> None:
    page = http.get(f"/errors/{code}", headers={"Accept": "text/html"})
    assert (page.status_code, code in page.text) == (200, True)
    answer = http.get(f"/errors/{code}", headers={"Accept": "application/json"})
    assert answer.json()["type"] == f"{BASE}/errors/{code}"
    assert answer.headers["vary"] == "Accept"


def test_the_index_links_every_code(http: TestClient) -> None:
    page = http.get("/errors", headers={"Accept": "text/html"}).text
    assert all(f'href="/errors/{code}"' in page for code in [*PROBLEMS, *FAULTS])
    assert len(http.get("/errors", headers={"Accept": "application/json"}).json()["items"]) == len(PROBLEMS)


@pytest.mark.parametrize("code", ["no-such-code", "<script>", "x%0d%0ay"])
def test_an_unknown_code_is_not_found_and_not_repeated(http: TestClient, code: str) -> None:
    answer = http.get(f"/errors/{code}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert code not in answer.text
