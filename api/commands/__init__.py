"""Nouns of the command line: a Typer app each, added in `api/cli.py`; composition roots as it is."""
