"""Pages for people: everything they load comes from this service, and nothing else may be loaded."""

import hashlib
import re
from html.parser import HTMLParser

import pytest
from starlette.testclient import TestClient

from api.graphql.sdl import schema_sdl
from api.operations.accept import preferred
from api.operations.files import FOLDER, TYPES, url_of
from tests.support.pages import pages_app

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PAGES = ["/docs", "/graphql", "/errors", "/errors/invalid-input"]
ADDRESS = re.compile(r"(?i)(?:https?:)?//[a-z0-9]")


class References(HTMLParser):
    """What a page loads, and what it would run or style inline."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.inline: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        link = {"script": "src", "link": "href", "img": "src", "iframe": "src"}.get(tag)
        if link is not None:
            self.loaded.append(given.get(link) or "")
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)
        self.inline += [name for name in given if name == "style" or name.startswith("on")]


@pytest.fixture(scope="module")
def http() -> TestClient:
    return TestClient(pages_app())


def policy(csp: str) -> dict[str, set[str]]:
    parts = [part.split() for part in csp.split(";")]
    return {name: set(sources) for name, *sources in parts}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_loads_only_files_of_this_service(http: TestClient, path: str) -> None:
    answer = http.get(path, headers=BROWSER)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    found = References(answer.text)
    assert found.inline == []
    assert found.loaded
    for reference in set(found.loaded) - {"data:,"}:
        assert reference.startswith("/assets/")
        served = http.get(reference)
        assert served.status_code == 200
        assert served.headers["content-type"] == TYPES[reference.rpartition("/")[2]]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_allows_no_other_origin_and_no_inline_script(http: TestClient, path: str) -> None:
    answer = http.get(path, headers=BROWSER)
    allowed = policy(answer.headers["content-security-policy"])
    assert allowed["default-src"] == {"'none'"}
    for name in ("base-uri", "form-action", "frame-ancestors"):
        assert allowed.pop(name) == {"'none'"}
    named = {source for sources in allowed.values() for source in sources}
    assert {source for source in named if not source.startswith("'sha256-")} <= {"'none'", "'self'", "data:"}
    assert allowed.get("script-src", {"'self'"}) == {"'self'"}
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", TYPES)
def test_an_asset_is_kept_for_ever_under_the_digest_of_its_content(http: TestClient, name: str) -> None:
    content = (FOLDER / name).read_bytes()
    answer = http.get(url_of(name))
    assert answer.content == content
    assert hashlib.sha256(content).hexdigest()[:16] in url_of(name)
    assert "immutable" in answer.headers["cache-control"]
    again = http.get(url_of(name), headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/assets/",
        "/assets/x/docs.js",
        "/assets/../operations/docs.py",
        url_of("docs.js") + "/../NOTICE.txt",
        url_of("docs.js").replace("docs.js", "NOTICE.txt"),
        url_of("docs.js").replace("docs.js", "..%2f..%2fdocs.py"),
        url_of("docs.js").replace("docs.js", "%2e%2e/%2e%2e/docs.py"),
        url_of("docs.js") + "%00",
    ],
)
def test_nothing_but_the_listed_files_is_served(http: TestClient, path: str) -> None:
    assert http.get(path).status_code == 404


def test_software_of_others_is_as_it_was_published() -> None:
    notice = (FOLDER / "NOTICE.txt").read_text("utf-8")
    stated = dict(
        reversed(line.split()) for line in notice.splitlines() if re.match(r"  [0-9a-f]{64} ", line)
    )
    ours = {"docs.js", "graphiql.js", "pages.css"}
    assert set(stated) == set(TYPES) - ours
    for name, digest in stated.items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == digest
    for licence in re.findall(r"[\w.\-]+LICENSE\.txt", notice):
        assert (FOLDER / licence).stat().st_size > 500


def test_what_we_wrote_names_no_host() -> None:
    ours = ["docs.html", "docs.js", "graphiql.html", "graphiql.js", "pages.css", "NOTICE.txt"]
    assert [name for name in ours if ADDRESS.search((FOLDER / name).read_text("utf-8"))] == []


def test_every_file_of_the_folder_is_served_or_says_whose_it_is() -> None:
    others = {path.name for path in FOLDER.iterdir()} - set(TYPES)
    assert {name for name in others if not name.endswith((".html", ".txt"))} == set()


def test_only_a_browser_gets_graphiql(http: TestClient) -> None:
    assert "graphiql.min.js" in http.get("/graphql", headers=BROWSER).text
    assert http.get("/graphql", headers=BROWSER).headers["vary"] == "Accept"
    assert http.get("/graphql", headers={"Accept": "*/*"}).status_code == 400
    assert http.get("/graphql", headers={"Accept": "application/graphql-response+json"}).status_code == 400
    asked = http.post(
        "/graphql", headers={**BROWSER, "Authorization": "Bearer x"}, json={"query": "{ __typename }"}
    )
    assert asked.json() == {"data": {"__typename": "Query"}}


def test_the_graphql_schema_is_served_as_text(http: TestClient) -> None:
    answer = http.get("/schema.graphql")
    assert answer.text == schema_sdl()
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


def test_the_document_is_served_with_an_etag(http: TestClient) -> None:
    answer = http.get("/openapi.json")
    assert answer.json()["openapi"] == "3.1.0"
    assert http.get("/openapi.json", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, "a/json"),
        ("*/*", "a/json"),
        ("text/html", "text/html"),
        ("text/*;q=0.5, a/json;q=0.4", "text/html"),
        ("text/html;q=0, */*", "a/json"),
        ("text/html;q=x, a/*;q=0.1", "a/json"),
        ("image/png", "a/json"),
    ],
)
def test_the_media_type_that_the_caller_would_rather_have_is_chosen(accept: str | None, chosen: str) -> None:
    assert preferred(accept, ("a/json", "text/html")) == chosen
