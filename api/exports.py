"""The manifest of an export as both doors give it: its place in the feed as a signed cursor."""

from dataclasses import replace
from typing import Any

import orjson

from api.feed import cursor_of
from api.paging import Cursors
from domain.exchange.changes import Position
from domain.kernel import Document, Listing


def shown(cursors: Cursors, found: Document) -> Document:
    """One export."""
    return replace(found, text=orjson.dumps(_signed(cursors, orjson.loads(found.text))))


def listed(cursors: Cursors, found: Listing) -> Listing:
    """A page of them."""
    return replace(found, items=orjson.dumps([_signed(cursors, item) for item in orjson.loads(found.items)]))


def _signed(cursors: Cursors, item: dict[str, Any]) -> dict[str, Any]:
    if place := item["feed_position"]:
        epoch, transaction_id, id, seen = place
        item["feed_position"] = cursor_of(cursors, Position(epoch, int(transaction_id), id), seen)
    return item
