"""The tiles and the attacks, as data."""

import pytest

from vestibule.demo.scenarios import ATTACKS, TILES, TILES_BY_KEY, Door, Loot, Verdict
from vestibule.demo.site import ENVIRONMENT
from vestibule.model.connection import Delivery, Unsolicited


def test_there_is_one_tile_for_every_mode() -> None:
    """Every pair of trust and delivery, under the name the front page asks for."""
    for unsolicited in Unsolicited:
        for delivery in Delivery:
            policy = TILES_BY_KEY[f"{unsolicited}-{delivery}"].policy
            assert (policy.unsolicited, policy.delivery) == (unsolicited, delivery)


def test_there_is_a_bookmark_and_a_deep_link_by_relay_state() -> None:
    assert {Door.BOOKMARK, Door.RELAY_STATE} <= {tile.door for tile in TILES}


def test_keys_are_unique_and_every_tile_says_what_happens_and_why() -> None:
    assert len({tile.key for tile in TILES}) == len(TILES)
    assert len({attack.key for attack in ATTACKS}) == len(ATTACKS)
    assert all(tile.hops and tile.protects and tile.costs for tile in TILES)
    assert all(attack.see and attack.why for attack in ATTACKS)


def test_a_planted_response_succeeds_only_where_every_net_is_gone() -> None:
    """restart and confirm fail, accept becomes a question, accept from everywhere succeeds."""
    told = {
        (attack.policy.unsolicited, bool(attack.policy.post_origins)): attack.verdict
        for attack in ATTACKS
        if attack.loot is Loot.RESPONSE
    }
    assert told == {
        (Unsolicited.RESTART, False): Verdict.FAILS,
        (Unsolicited.CONFIRM, False): Verdict.FAILS,
        (Unsolicited.ACCEPT, False): Verdict.ASKED,
        (Unsolicited.ACCEPT, True): Verdict.SUCCEEDS,
    }


def test_a_planted_code_succeeds_under_direct_delivery_alone() -> None:
    told = {attack.policy.delivery: attack.verdict for attack in ATTACKS if attack.loot is Loot.CODE}
    assert told == {Delivery.DIRECT: Verdict.SUCCEEDS, Delivery.CLIENT: Verdict.FAILS}


@pytest.mark.parametrize("name", ENVIRONMENT.list_templates())
def test_every_template_compiles(name: str) -> None:
    assert ENVIRONMENT.get_template(name).name == name


def test_the_planted_response_that_succeeds_blames_nothing_on_direct_delivery() -> None:
    """All four are played against an application that makes its own request, so that only Vestibule's settings decide."""
    assert {attack.policy.delivery for attack in ATTACKS if attack.loot is Loot.RESPONSE} == {Delivery.CLIENT}
