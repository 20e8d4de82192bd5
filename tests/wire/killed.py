"""A process that signs people in over the database it is given, ends some of it, says what was acknowledged, and waits to be killed."""

import asyncio
import json
import sys

from tests.doubles import FixedClock
from tests.wire.attacker import basic, refreshed, refreshing, sign_in, tokens
from tests.wire.nodes import node
from tests.wire.world import configuration, location


async def main(place: str) -> None:
    world = await node(place, FixedClock(), "killed")
    await world.apply(configuration())
    browser = world.browser()
    rotated = await tokens(world, browser)
    successor = await refreshed(world, rotated["refresh_token"])
    revoked = await tokens(world)
    form = {"token": revoked["refresh_token"]}
    await world.browser().post("/oauth/revoke", form, origin=None, authorization=basic())
    reused = await tokens(world)
    newest = await refreshed(world, reused["refresh_token"])
    world.clock.advance(10)
    told = await refreshing(world, reused["refresh_token"])
    world.clock.advance(-10)
    used = await sign_in(world)
    await world.redeem(used)
    live = await sign_in(world)
    form = {"SAMLResponse": world.saml_response()}
    rung = await world.browser().post("/login/callback?connection=acme", form, cross_site=True)
    gone = world.browser()
    await sign_in(world, gone)
    cookie = gone.jar["__Host-vst-sid"]
    await gone.get("/v2/logout?client_id=crm&returnTo=https://crm.example/", cross_site=True)
    said = {
        "told": told.code,
        "rotated": rotated["refresh_token"],
        "successor": successor["refresh_token"],
        "revoked": revoked["refresh_token"],
        "revoked_access": revoked["access_token"],
        "reused": reused["refresh_token"],
        "newest": newest["refresh_token"],
        "used": used,
        "live": live,
        "response": form["SAMLResponse"],
        "rung": location(rung),
        "signed_out": cookie[0],
        "session": browser.jar["__Host-vst-sid"][0],
    }
    sys.stdout.write(f"said {json.dumps(said)}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
