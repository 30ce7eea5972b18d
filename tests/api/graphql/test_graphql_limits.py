"""Limits hold before anything runs, and a large query costs little to refuse."""

import time

import pytest
from graphql import get_introspection_query, parse

from api.graphql import limits
from api.graphql.documents import LONGEST_REMEMBERED, Documents, Known
from tests.api.graphql.fakes import Door

DEEP = "{ problems { nodes " + "{ household { problems " * 4 + "{ id }" + " } }" * 4 + " } }"
BROAD = "{ households(first: 200) { nodes { problems { household { problems { id household { a: id b: id c: id } } } } } } }"
BY_DEFAULT = """query ($n: Int = 200) { households(first: $n) { nodes { problems { assignments { problems {
  household { id members { personId } } } } } } } }"""
NINE = (
    "{"
    + " ".join(
        f"f{n}: households {{ totalCount nodes {{ problems {{ assignments {{ history {{ at }} }} }} }} }}"
        for n in range(9)
    )
    + "}"
)


def fragments(count: int) -> str:
    """Each fragment spreads the next one twice: 2^count selections, were they written out."""
    body = "".join(
        f"fragment F{n} on Household {{ id ...F{n + 1} ... on Household {{ ...F{n + 1} }} }} "
        for n in range(count)
    )
    return "{ households { nodes { ...F0 } } } " + body + f"fragment F{count} on Household {{ id }}"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (DEEP, "query-too-deep"),
        ("{" + " ".join(f"a{n}: me {{ agency }}" for n in range(31)) + "}", "too-many-aliases"),
        ("{" + "me { agency } " * 11 + "}", "too-many-repeats"),
        ("{ me { agency } #" + "\n" + " ".join(f"a{n}: me {{ agency }}" for n in range(600)) + "}", "too-many-tokens"),
        ("{ me { " + "x" * limits.MOST_CHARACTERS + " } }", "query-too-long"),
        ("{" + " ".join(f"s{n}: __schema {{ queryType {{ name }} }}" for n in range(4)) + "}", "too-much-introspection"),
        (BROAD, "query-too-complex"),
        (BY_DEFAULT, "query-too-complex"),
        (NINE, "query-too-complex"),
        ("{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }", "invalid-query"),
        ("{" * 5_000, "malformed-query"),
        ("{ me " * 900, "malformed-query"),
    ],
)  # fmt: skip
async def test_a_query_beyond_a_limit_is_refused_with_its_code(door: Door, query: str, code: str) -> None:
    answer = await door.ask(query)
    assert answer["errors"][0]["extensions"]["code"] == code
    assert "data" not in answer
    assert door.statements.total() == 0


@pytest.mark.parametrize(
    "query",
    [
        fragments(45),
        "{ households { nodes { "
        + " ".join(f"f{n}: problems {{ id }} ...F" for n in range(10))
        + " } } } fragment F on Household { id }",
        "{ me { ..." + " ... ".join("{ agency }" for _ in range(10)) + " } }",
        "query (" + " ".join(f"$v{n}: ID" for n in range(600)) + ") { me { agency } }",
        "{ me { agency(" + " ".join(f"a{n}: 1" for n in range(600)) + ") } }",
        "{ households(filter: {area: [" + '"42" ' * 1900 + "]}) { nodes { id } } }",
        "{ me { " + " ".join(f"a{n}" for n in range(1900)) + " } }",
        " ".join(f"query Q{n} {{ me {{ agency }} }}" for n in range(240)),
    ],
)
async def test_no_query_within_the_limits_takes_long_to_judge(door: Door, query: str) -> None:
    started = time.process_time()
    await door.ask(query)
    assert time.process_time() - started < 1.0


async def test_the_cost_stands_in_every_answer(door: Door) -> None:
    answer = await door.ask("{ households(first: 10) { nodes { id problems { id } } } }")
    # 1 for households, 1 for nodes, and ten times: id, problems, and five times id.
    assert answer["extensions"]["cost"] == 1 + 1 + 10 * (1 + 1 + 5)
    assert (await door.ask("{ me { agency } }"))["extensions"]["cost"] == 2
    assert (await door.ask("{ households { totalCount } }"))["extensions"]["cost"] == 102
    assert (await door.ask("{ nothing }"))["extensions"]["cost"] == 0
    by_default = "query ($n: Int) { households(first: $n) { nodes { id } } }"
    assert (await door.ask(by_default))["extensions"]["cost"] == 52
    assert (await door.ask(by_default, {"n": 7}))["extensions"]["cost"] == 9


async def test_an_ordinary_page_of_a_front_end_fits(door: Door) -> None:
    query = """{ households(first: 100) { nodes { id caseStatus members { person { firstName lastName age } }
      problems { status dimension assignments { status agency } } assistance { providedOn } } } }"""
    assert "errors" not in await door.ask(query)


async def test_introspection_is_on(door: Door) -> None:
    answer = await door.ask(get_introspection_query())
    names = {kind["name"] for kind in answer["data"]["__schema"]["types"]}
    assert {"Household", "HouseholdConnection", "CreateHouseholdInput"} <= names


def test_what_is_remembered_is_bounded() -> None:
    documents, first = Documents(), Known(parse("{ me { agency } }"))
    documents.remember("{ me { agency } }", first)
    assert documents.recall("{ me { agency } }") is first
    for n in range(20):
        documents.remember("{ me { agency } } # " + f"{n:03}" * 5_000, first)
    assert documents.recall("{ me { agency } }") is None
    documents.remember("#" * (LONGEST_REMEMBERED + 1), first)
    assert documents.recall("#" * (LONGEST_REMEMBERED + 1)) is None


async def test_a_query_asked_again_is_neither_parsed_nor_validated(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = "{ me { agency } # twice\n }", "{ me { nothing } # twice\n }"
    first = [await door.ask(query) for query in (good, bad)]
    assert [list(answer) for answer in first] == [["data", "extensions"], ["errors", "extensions"]]
    for name in ("parse", "validate"):
        monkeypatch.delattr(f"strawberry.schema.schema.{name}")
    assert [await door.ask(query) for query in (good, bad)] == first
