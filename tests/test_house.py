"""The house rules, each with a test that fails when it is broken."""

import ast
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CODE = ("api", "auth", "domain", "persistence")
MODULES = [
    path for package in CODE for path in (ROOT / package).rglob("*.py") if "versions" not in path.parts
]

# For each contract of pyproject.toml: a line that breaks it, and where.
BREAKS = {
    "arrows": ("auth/keys.py", "import persistence.sql"),
    "domain-is-pure": ("domain/calendar.py", "import orjson"),
    "doors-know-no-persistence": ("api/rest/registry/persons.py", "import persistence.engine"),
    "doors-are-strangers": ("api/graphql/errors.py", "import api.rest.operations"),
    "one-importer-of-jose": ("auth/keys.py", "import jose.jwt"),
}


def lint_imports(tree: Path) -> "subprocess.CompletedProcess[str]":
    command = [
        str(Path(sys.executable).with_name("lint-imports")),
        "--config",
        "pyproject.toml",
        "--no-cache",
    ]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=240, check=False)


def contracts() -> dict[str, str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return {one["id"]: one["name"] for one in settings["tool"]["importlinter"]["contracts"]}


def test_every_import_contract_is_kept() -> None:
    kept = lint_imports(ROOT)
    assert kept.returncode == 0, kept.stdout


def test_every_import_contract_has_a_break_here() -> None:
    assert set(BREAKS) == set(contracts())


@pytest.mark.parametrize("contract", sorted(BREAKS))
def test_an_import_contract_bites(contract: str, tmp_path: Path) -> None:
    for package in CODE:
        shutil.copytree(
            ROOT / package,
            tmp_path / package,
            ignore=shutil.ignore_patterns("__pycache__", "*.csv", "*.toml", "assets"),
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    file, line = BREAKS[contract]
    with (tmp_path / file).open("a") as module:
        module.write(f"\n{line}\n")
    broken = lint_imports(tmp_path)
    said = [text for text in broken.stdout.splitlines() if text.startswith(contracts()[contract])]
    assert broken.returncode != 0
    assert said
    assert said[0].endswith("BROKEN")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_has_one_subject(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 500
    assert not text or ast.get_docstring(ast.parse(text)), "a module says what it is about"
    assert path.stem not in {"utils", "helpers", "manager", "common", "misc"}


def _handlers() -> list[tuple[str, ast.AsyncFunctionDef]]:
    found = []
    for path in (ROOT / "api" / "rest").rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.AsyncFunctionDef) and any(
                "routes." in ast.unparse(d) for d in node.decorator_list
            ):
                found.append((f"{path.relative_to(ROOT)}:{node.name}", node))
    return found


@pytest.mark.parametrize(("name", "handler"), _handlers(), ids=[name for name, _ in _handlers()])
def test_a_handler_is_a_sentence(name: str, handler: ast.AsyncFunctionDef) -> None:
    body = handler.body[1:] if isinstance(handler.body[0], ast.Expr) else handler.body
    statements = [node for one in body for node in ast.walk(one) if isinstance(node, ast.stmt)]
    # The token endpoints speak RFC 6749's own errors, which costs them a try.
    assert len(statements) <= (12 if name.startswith("api/rest/access/oauth") else 8)


def test_nothing_below_the_edge_commits() -> None:
    for path in [*(ROOT / "domain").rglob("*.py"), *(ROOT / "persistence").rglob("*.py")]:
        if (
            path.name
            in ("engine.py", "migrate.py", "bounds.py", "ledger.py", "verify.py", "intake.py", "batch.py")
            or "reference" in path.parts
            or "demo" in path.parts
            or "rekeying" in path.parts
        ):
            continue  # these open their own: single statements in bounds, migrations, bulk loads, the ledger, savepoints
        assert ".commit(" not in path.read_text(), path
        assert ".transaction(" not in path.read_text(), path


def test_every_table_is_listed_granted_and_migrated() -> None:
    from persistence.grants import APPEND_ONLY, DELETABLE
    from persistence.metadata import METADATA, TABLES

    assert {table.__tablename__ for table in TABLES} == set(METADATA.tables)
    assert {*APPEND_ONLY, *DELETABLE} <= set(METADATA.tables)


def test_no_lock_file_records_an_address() -> None:
    for lock in ROOT.glob("requirements*.lock"):
        text = lock.read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text
        assert "index-url" not in text
