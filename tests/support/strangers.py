"""Tokens that were good once, and such as never were: of nobody that the service knows now."""

import time
from dataclasses import dataclass

from auth.keys import SigningKeys
from auth.tokens import issue
from tests.support.api import ISSUER, PURPOSE, Api
from tests.support.calls import EVERYTHING, everything
from tests.support.oauth import basic, created, form, me, patched, token_of

KINDS = (
    "expired",
    "another signer",
    "disabled client",
    "revoked client",
    "revoked token",
    "outside its networks",
)
"""Each with every scope, for the whole country."""


@dataclass(frozen=True, slots=True)
class Strangers:
    """A token of each kind."""

    tokens: dict[str, str]

    def headers(self, kind: str) -> dict[str, str]:
        return {**PURPOSE, "Authorization": f"Bearer {self.tokens[kind]}"}

    @classmethod
    async def made(cls, api: Api) -> "Strangers":
        """Each of them has been let in before, where it could be: what is remembered of it must not help."""
        whole = {"scopes": list(EVERYTHING), "areas": ["*"]}
        tokens = {
            "expired": api.token("center", **whole, now=int(time.time()) - 1000, lifetime=900),
            "another signer": issue(
                keys=SigningKeys.generate(), issuer=ISSUER, audience=ISSUER, client_id="demo-center",
                agency="SCJP_P-42", token_id="t", now=int(time.time()), **whole,
            ),
        }  # fmt: skip
        for kind in KINDS[2:]:
            client = await created(api, **whole)
            token = tokens[kind] = await token_of(api, client)
            assert (await me(api, token)).status_code == 200
            path = f"/v1/clients/{client['client_id']}"
            match kind:
                case "disabled client":
                    ended = await patched(api, client, 1, enabled=False)
                case "revoked client":
                    ended = await everything(api, "DELETE", path)
                case "revoked token":
                    proof = basic(client["client_id"], client["client_secret"])
                    ended = await form(api, "/oauth/revoke", proof, token=token)
                case _:
                    ended = await patched(api, client, 1, allowed_networks=["192.0.2.0/24"])
            assert ended.is_success, ended.text
        return cls(tokens)
