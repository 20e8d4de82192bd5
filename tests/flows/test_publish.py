"""What the provider tells everyone of itself."""

import asyncio

from tests.flows.backchannel_house import ISSUER, House


def test_the_key_set_holds_the_token_keys_and_the_metadata_the_issuer() -> None:
    async def run() -> None:
        house = House()
        await house.open()
        keys = (await house.publishing.jwks())["keys"]
        assert isinstance(keys, list)
        assert sorted(key["alg"] for key in keys) == ["ES256", "RS256"]
        assert house.publishing.discovery()["issuer"] == ISSUER

    asyncio.run(run())
