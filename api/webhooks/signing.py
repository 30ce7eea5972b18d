"""Secrets and signatures of Standard Webhooks."""

import base64
import os
from collections.abc import Mapping, Sequence
from datetime import datetime

from standardwebhooks import Webhook

PREFIX = "whsec_"
_BYTES = 32


def new_secret() -> str:
    """256 random bits, as receivers' libraries take them."""
    return PREFIX + base64.b64encode(os.urandom(_BYTES)).decode()


def signed(message_id: str, body: bytes, secrets: Sequence[str], *, now: datetime) -> Mapping[str, str]:
    """The three headers; one signature for each secret, so that a receiver may know either."""
    signatures = [Webhook(secret).sign(message_id, now, body.decode()) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
