"""The tour's configuration file is a real one."""

import pytest

from vestibule.demo.configuration import SECRET_VARIABLE, excerpt, write
from vestibule.demo.places import lay_out
from vestibule.demo.scenarios import ATTACKS, TILES, Policy
from vestibule.model.connection import Delivery, Unsolicited
from vestibule.settings import reading

PLACES = lay_out(8000)
POLICIES = tuple(dict.fromkeys([*(tile.policy for tile in TILES), *(attack.policy for attack in ATTACKS)]))


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_every_scenario_has_a_well_formed_file(policy: Policy) -> None:
    document = reading.read(write(PLACES, policy), {SECRET_VARIABLE: "a" * 43})
    assert document.confirm_identity_switch == policy.confirm_identity_switch
    [connection] = document.connections
    assert connection.idp_initiated.unsolicited == policy.unsolicited
    assert connection.idp_initiated.delivery == policy.delivery
    assert connection.idp_initiated.default_application == policy.to
    assert tuple(connection.idp_initiated.post_origins) == policy.post_origins


def test_risks_are_accepted_only_where_they_are_taken() -> None:
    """The excerpt on a tile's page names a risk exactly where the mode has it."""
    for policy in POLICIES:
        lines = excerpt(PLACES, policy)
        assert ("accept_login_csrf_risk" in lines) == (policy.unsolicited is Unsolicited.ACCEPT)
        assert ("accept_application_login_csrf_risk" in lines) == (policy.delivery is Delivery.DIRECT)
        assert ("confirm_identity_switch" in lines) == (not policy.confirm_identity_switch)


def test_the_file_holds_no_secret() -> None:
    """CRM's secret is named by its variable."""
    assert f"client_secret_env: {SECRET_VARIABLE}" in write(PLACES, Policy())
    assert "client_secret:" not in write(PLACES, Policy())
