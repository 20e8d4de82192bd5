"""SimpleSAMLphp, as Debian ships it, as the identity provider."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from tests.peers.broker import Broker
from tests.peers.enterprise import (
    SIGNING,
    Enterprise,
    check_person,
    new_enterprise,
    responses_posted,
    sign_in_from_the_bookmark,
    sign_in_from_the_tile,
)
from tests.peers.machine import HERE, SIMPLESAMLPHP, free_port, need, running, write_key
from tests.peers.plain_browser import PlainBrowser
from tests.peers.web_application import signed_in

PHP = Path("/usr/bin/php")


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Enterprise]:
    """Three connections to one IdP; it signs the assertion, the response or both, as each connection's metadata entry says."""
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
    for signing in SIGNING:
        overruling = {"saml20.sign.response": signing != "assertion", "saml20.sign.assertion": signing != "response"}
        (run / "sp" / f"ssp-{signing}.xml.json").write_text(json.dumps(overruling))
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
            enterprise.connection(signing, {"metadata_url": metadata_url}, attribute_mapping=mapping)
            for signing in SIGNING
        ]
        connections[0]["idp_initiated"]["relay_state"] = "target_link_uri"
        with enterprise.serving(connections):
            yield enterprise


@pytest.mark.parametrize("signing", SIGNING)
def test_a_tile_signs_in_after_a_fresh_answer_whatever_the_idp_signs(acme: Enterprise, signing: str) -> None:
    """IdP-initiated under `restart`: the first response rings, the second, asked for by us, is believed."""
    browser, person = sign_in_from_the_tile(acme, signing)
    check_person(acme, signing, person)
    assert person["userinfo"]["groups"] == ["admin", "dev"]
    assert responses_posted(acme, browser, signing) == 2


@pytest.mark.parametrize("signing", SIGNING)
def test_a_login_that_the_application_starts_takes_one_response(acme: Enterprise, signing: str) -> None:
    """SP-initiated: our signed AuthnRequest is understood, its answer is believed."""
    browser, person = sign_in_from_the_bookmark(acme, signing)
    check_person(acme, signing, person)
    assert responses_posted(acme, browser, signing) == 1


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
