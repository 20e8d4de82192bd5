"""pysaml2 as the identity provider; it verifies our signed requests against our metadata."""

from collections.abc import Iterator
from pathlib import Path
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
from tests.peers.machine import HERE, free_port, need, peers_python, running, write_key
from tests.peers.plain_browser import PlainBrowser, fetch

UNWELCOME = "tripledes-both"
"""Encrypted as pysaml2 does unless it is told otherwise."""


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Enterprise]:
    need(Path("/usr/bin/xmlsec1"))
    run = tmp_path_factory.mktemp("pysaml2")
    (run / "sp").mkdir()
    write_key(run, "idp")
    port = free_port()
    base = f"http://idp.localhost:{port}"

    def tile(broker: Broker, connection: str) -> str:
        return f"{base}/start?{urlencode({'sp': broker.sp_entity_id(connection)})}"

    enterprise = new_enterprise(run, base, "pysaml2", tile)
    environment = {"PORT": str(port), "PEER_BASE": base, "PEER_RUN": str(run)}
    with running((peers_python(), HERE / "pysaml2_idp.py"), port=port, log=run / "pysaml2.log", env=environment):
        idp = {"metadata_xml": fetch(f"{base}/metadata").text}
        mapping = {"email": ["mail", "urn:mace:dir:attribute-def:mail"]}  # what its "basic" name format writes
        connections = [
            enterprise.connection(signing, idp, attribute_mapping=mapping) for signing in (*MODES, UNWELCOME)
        ]
        connections[2]["request_binding"] = "post"
        with enterprise.serving(connections):
            yield enterprise


@pytest.mark.parametrize("signing", MODES)
def test_a_tile_signs_in_after_a_fresh_answer_whatever_the_idp_signs(acme: Enterprise, signing: str) -> None:
    """IdP-initiated under `restart`; the fresh request goes by Redirect, for `both` by POST."""
    browser, person = sign_in_from_the_tile(acme, signing)
    check_person(acme, signing, person)
    assert responses_posted(acme, browser, signing) == 2


@pytest.mark.parametrize("signing", MODES)
def test_a_login_that_the_application_starts_takes_one_response(acme: Enterprise, signing: str) -> None:
    """SP-initiated: the IdP wants signed requests and checks ours, in the query and in the document."""
    browser, person = sign_in_from_the_bookmark(acme, signing)
    check_person(acme, signing, person)
    assert responses_posted(acme, browser, signing) == 1
    asked = browser.visited(f"{acme.base}/sso")
    assert [page.method for page in asked] == ["POST" if signing == "both" else "GET"]
    assert ("Signature=" in asked[0].url) is (signing != "both")


def test_the_idp_refuses_a_request_that_was_changed_on_its_way(acme: Enterprise) -> None:
    """The positive test above means something: this IdP does look at the signature."""
    browser = PlainBrowser()
    browser.open(acme.broker.url(f"launch/{acme.application.client_id}?connection={acme.name('assertion')}"))
    request = next(page.url for page in browser.visited(f"{acme.base}/sso"))
    head, _, tail = request.partition("Signature=")
    forged = f"{head}Signature={'A' if tail[0] != 'A' else 'B'}{tail[1:]}"
    with pytest.raises((ConnectionError, OSError)):
        fetch(forged)


def test_triple_des_is_refused_with_what_to_set(acme: Enterprise) -> None:
    """pysaml2's default cipher is never accepted; the operator reads which one to set instead."""
    page = PlainBrowser().open(acme.tile(acme.broker, acme.name(UNWELCOME)))
    assert page.status == 400
    trace = acme.broker.trace(page)
    assert "xml.encryption_algorithm" in trace
    assert "tripledes-cbc" in trace
    assert "aes256-gcm" in trace


def test_encryption_was_not_left_out(acme: Enterprise) -> None:
    """The tests above mean something: no name is in clear in what was posted."""
    for mode in ENCRYPTING:
        browser, _ = sign_in_from_the_tile(acme, mode)
        assert all(b"EncryptedAssertion" in message and b"alice" not in message for message in messages(browser))
