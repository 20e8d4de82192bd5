"""SimpleSAMLphp, as Debian ships it, as the identity provider."""

import json
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
from tests.peers.machine import HERE, SIMPLESAMLPHP, free_port, need, running, write_key
from tests.peers.plain_browser import PlainBrowser
from tests.peers.web_application import signed_in

PHP = Path("/usr/bin/php")
NAMELESS = "encrypted-name-both"
UNWELCOME = "refused-encrypted-both"
"""Encrypted with AES-CBC, which this connection does not allow."""


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Enterprise]:
    """One IdP, a connection a mode: it signs and encrypts as each connection's metadata entry says."""
    need(PHP, SIMPLESAMLPHP)
    run = tmp_path_factory.mktemp("simplesamlphp")
    for folder in ("sp", "tmp", "sessions"):
        (run / folder).mkdir()
    write_key(run, "idp")
    port = free_port()
    base = f"http://idp.localhost:{port}"
    entity_id = f"{base}/simplesamlphp/saml2/idp/metadata.php"

    def tile(broker: Broker, connection: str) -> str:
        asked = {"spentityid": broker.sp_entity_id(connection)}
        return f"{base}/simplesamlphp/saml2/idp/SSOService.php?{urlencode(asked)}"

    enterprise = new_enterprise(run, base, "ssp", tile)
    for mode in (*MODES, NAMELESS, UNWELCOME):
        overruling = {
            "saml20.sign.response": not mode.endswith("assertion"),
            "saml20.sign.assertion": not mode.endswith("response"),
            "assertion.encryption": mode in (*ENCRYPTING, UNWELCOME),
            "nameid.encryption": mode == NAMELESS,
        }
        (run / "sp" / f"ssp-{mode}.xml.json").write_text(json.dumps(overruling))
    environment = {
        "PEER_BASE": base,
        "PEER_RUN": str(run),
        "SIMPLESAMLPHP_CONFIG_DIR": str(HERE / "simplesamlphp/config"),
        "PHP_CLI_SERVER_WORKERS": "3",
    }
    router = HERE / "simplesamlphp/router.php"
    command = (PHP, "-d", "session.gc_probability=0", "-S", f"127.0.0.1:{port}", router)
    with running(command, port=port, log=run / "php.log", env=environment):
        # Read from the IdP by the broker itself, under the only name that every resolver knows.
        metadata_url = entity_id.replace("idp.localhost", "127.0.0.1")
        mapping = {"email": "mail", "name": "givenName", "groups": "groups"}
        connections = [
            enterprise.connection(
                mode,
                {"metadata_url": metadata_url},
                attribute_mapping=mapping,
                allow_cbc_encryption=mode in (*ENCRYPTING, NAMELESS),  # it has no other cipher
            )
            for mode in (*MODES, NAMELESS, UNWELCOME)
        ]
        connections[0]["idp_initiated"]["relay_state"] = "target_link_uri"
        with enterprise.serving(connections):
            yield enterprise


@pytest.mark.parametrize("signing", [*MODES, NAMELESS])
def test_a_tile_signs_in_after_a_fresh_answer_whatever_the_idp_signs(acme: Enterprise, signing: str) -> None:
    """IdP-initiated under `restart`: the first response rings, the second, asked for by us, is believed."""
    browser, person = sign_in_from_the_tile(acme, signing)
    check_person(acme, signing, person)
    assert person["userinfo"]["groups"] == ["admin", "dev"]
    assert responses_posted(acme, browser, signing) == 2


@pytest.mark.parametrize("signing", [*MODES, NAMELESS])
def test_a_login_that_the_application_starts_takes_one_response(acme: Enterprise, signing: str) -> None:
    """SP-initiated: our signed AuthnRequest is understood, its answer is believed."""
    browser, person = sign_in_from_the_bookmark(acme, signing)
    check_person(acme, signing, person)
    assert responses_posted(acme, browser, signing) == 1


def test_encryption_was_not_left_out(acme: Enterprise) -> None:
    """The tests above mean something: the posted messages hold no name in clear, and the trace says how it was opened."""
    for mode in ENCRYPTING:
        browser, _ = sign_in_from_the_tile(acme, mode)
        for message in messages(browser):
            assert b"EncryptedAssertion" in message
            assert b"alice" not in message
    browser, _ = sign_in_from_the_tile(acme, NAMELESS)
    assert all(b"EncryptedID" in message and b"<saml:NameID" not in message for message in messages(browser))


def test_aes_cbc_that_is_not_allowed_is_refused_with_what_to_set(acme: Enterprise) -> None:
    """By a page for the person that says nothing of it, and a trace for the operator that says it all."""
    browser = PlainBrowser()
    page = browser.open(acme.tile(acme.broker, acme.name(UNWELCOME)))
    assert page.status == 400
    trace = acme.broker.trace(page)
    assert "xml.encryption_algorithm" in trace
    assert "allow_cbc_encryption" in trace
    assert "CBC" not in page.text


def test_a_rotated_key_opens_old_messages_and_is_replaced_in_the_metadata(acme: Enterprise) -> None:
    """The IdP still has the old metadata: its messages open until the old key is retired."""
    name = acme.name("encrypted-both")
    acme.broker.told("keys", "rotate", "saml-encryption", "--connection", name)
    certificate = 'use="encryption"'
    assert acme.broker.metadata(name).count(certificate) == 1
    assert acme.broker.metadata(name) != (acme.run / "sp" / f"{name}.xml").read_text()
    sign_in_from_the_tile(acme, "encrypted-both")
    old, new = (line.split()[1] for line in acme.broker.told("keys", "list", "--connection", name).splitlines())
    acme.broker.told("keys", "retire", old, "--connection", name)
    page = PlainBrowser().open(acme.tile(acme.broker, name))
    assert page.status == 400
    assert "xml.decryption" in acme.broker.trace(page)
    (acme.run / "sp" / f"{name}.xml").write_text(acme.broker.metadata(name))
    sign_in_from_the_tile(acme, "encrypted-both")
    assert new in acme.broker.told("keys", "list", "--connection", name)


def test_relay_state_as_a_deep_link_survives_the_fresh_login(acme: Enterprise) -> None:
    """`relay_state: target_link_uri`: the page that the portal named is where the person ends."""
    wanted = f"{acme.application.base}/invoices/7?view=all"
    browser = PlainBrowser()
    page = browser.open(f"{acme.tile(acme.broker, acme.name('assertion'))}&{urlencode({'RelayState': wanted})}")
    assert signed_in(page)["at"] == wanted


def test_the_same_person_has_the_same_subject_at_every_login(acme: Enterprise) -> None:
    """`sub` is stable: two browsers, one person of one connection."""
    _, first = sign_in_from_the_tile(acme, "both")
    _, second = sign_in_from_the_bookmark(acme, "both")
    assert first["claims"]["sub"] == second["claims"]["sub"]


def test_another_person_of_the_same_idp_is_another_subject(acme: Enterprise) -> None:
    """What tells people apart is what the IdP says of them, nothing of the browser."""
    _, alice = sign_in_from_the_tile(acme, "both")
    browser = PlainBrowser(person=("bob", "bobpass"))
    bob = signed_in(browser.open(acme.tile(acme.broker, acme.name("both"))))
    assert bob["userinfo"]["email"] == "bob@acme.test"
    assert bob["claims"]["sub"] != alice["claims"]["sub"]


def test_a_response_posted_a_second_time_is_refused(acme: Enterprise) -> None:
    """The browser's "back" button, or a thief: the same assertion never counts twice."""
    acs = acme.broker.acs(acme.name("assertion"))
    browser = PlainBrowser()
    kept: list[dict[str, str]] = []

    def at_the_form(page: object) -> bool:
        forms = [f for p in browser.history[-1:] if p.is_html for f in p.document.forms if "SAMLResponse" in f.fields]
        kept.extend(dict(form.form_values()) for form in forms)
        return bool(forms)

    page = browser.open(acme.tile(acme.broker, acme.name("assertion")), stop=at_the_form)
    assert browser.post(acs, kept[0], initiator=page.url).status == 200
    again = PlainBrowser().post(acs, kept[0], initiator=page.url)
    assert again.status == 400
    assert "SAMLResponse" not in again.text
