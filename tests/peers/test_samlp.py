"""npm `samlp`, the library behind Auth0's own identity provider, as the identity provider."""

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from tests.peers.broker import Broker
from tests.peers.enterprise import (
    ENCRYPTING,
    MODES,
    Enterprise,
    check_person,
    messages,
    new_enterprise,
    responses_posted,
    sign_in_from_the_bookmark,
    sign_in_from_the_tile,
)
from tests.peers.machine import HERE, NODE_MODULES, free_port, node, running, write_key
from tests.peers.plain_browser import fetch


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Enterprise]:
    run = tmp_path_factory.mktemp("samlp")
    (run / "sp").mkdir()
    write_key(run, "idp")
    port = free_port()
    base = f"http://idp.localhost:{port}"

    def tile(broker: Broker, connection: str) -> str:
        asked = {"sp": broker.sp_entity_id(connection), "acs": broker.acs(connection)}
        return f"{base}/{connection.removeprefix('samlp-')}/sso?{urlencode(asked)}"

    enterprise = new_enterprise(run, base, "samlp", tile)
    environment = {"NODE_MODULES": str(NODE_MODULES), "PORT": str(port), "PEER_BASE": base, "PEER_RUN": str(run)}
    with running((node(), HERE / "samlp_idp.cjs"), port=port, log=run / "samlp.log", env=environment):
        connections = []
        for signing in MODES:
            (enterprise.broker.directory / f"{signing}.xml").write_text(fetch(f"{base}/{signing}/metadata").text)
            connections.append(enterprise.connection(signing, {"metadata_file": f"{signing}.xml"}))
        with enterprise.serving(connections):
            yield enterprise


@pytest.mark.parametrize("signing", MODES)
def test_a_tile_signs_in_after_a_fresh_answer_whatever_the_idp_signs(acme: Enterprise, signing: str) -> None:
    """Its NotBefore is the very second of issue, its claims have xmlsoap names: both are everyday."""
    browser, person = sign_in_from_the_tile(acme, signing)
    check_person(acme, signing, person)
    assert responses_posted(acme, browser, signing) == 2


@pytest.mark.parametrize("signing", MODES)
def test_a_login_that_the_application_starts_takes_one_response(acme: Enterprise, signing: str) -> None:
    """SP-initiated by the Redirect binding, from the metadata that samlp publishes."""
    browser, person = sign_in_from_the_bookmark(acme, signing)
    check_person(acme, signing, person)
    assert responses_posted(acme, browser, signing) == 1


def test_encryption_was_not_left_out(acme: Enterprise) -> None:
    """The tests above mean something: AES-256-GCM, and no name in clear in what was posted."""
    for mode in ENCRYPTING:
        browser, _ = sign_in_from_the_tile(acme, mode)
        assert all(b"aes256-gcm" in message and b"alice" not in message for message in messages(browser))
