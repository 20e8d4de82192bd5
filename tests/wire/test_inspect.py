"""`inspect` and the assertion consumer service walk one road: the same code for every response, and nothing is changed by looking."""

import base64
import copy
import dataclasses
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree
from tests.builders_saml import idp_key, response_xml
from tests.saml.test_trust import behind, in_advice, xsw1, xsw2, xsw3, xsw4, xsw5, xsw6, xsw7, xsw8
from tests.wire.test_refusals import code_behind, start
from tests.wire.test_road import direct
from tests.wire.world import IDP, ISSUER, World, asked, configuration, location, play, refused
from tests.xml.encrypter import How, encrypt

from vestibule.flows.captured import Captured, read
from vestibule.flows.inspect import Request
from vestibule.flows.inspection import Inspection
from vestibule.model.ids import ConnectionId, Reference
from vestibule.saml.names import FORMAT_TRANSIENT, saml, samlp
from vestibule.saml.response import ENCRYPTED_ASSERTION
from vestibule.xml.encryption import XENC

ACS = f"{ISSUER}login/callback?connection=acme"
VECTORS = Path(__file__).parent.parent / "vectors" / "saml"


def everything(world: World) -> dict[str, Any]:
    """All that the store holds."""
    tables = world.house.store.assertions._t  # type: ignore[attr-defined]
    return {
        field.name: copy.copy(getattr(tables, field.name))
        for field in dataclasses.fields(tables)
        if field.name != "lock"
    }


async def looked_at(
    world: World,
    form: dict[str, str],
    *,
    connection: str = "acme",
    origin: str | None = "https://idp.acme.example",
    url: str = ACS,
) -> Inspection:
    """Inspected as a HAR file would tell it; the store is the same before and after."""
    before = everything(world)
    captured = Captured(kind="HAR", form=form, request=1, url=url, has_headers=True, origin=origin)
    found = await world.house.inspecting.inspect(
        Request(captured=captured, connection=connection, at=world.clock.now())
    )
    assert everything(world) == before
    return found


async def both(
    world: World,
    form: dict[str, str],
    *,
    browser: Any = None,
    connection: str = "acme",
    origin: str | None = "https://idp.acme.example",
) -> str | None:
    """The code by which it is refused, or None: what `inspect` foretells, and what then happens when it is posted, are one."""
    foretold = await looked_at(world, form, connection=connection, origin=origin)
    browser = browser or world.browser()
    page = await browser.post(f"/login/callback?connection={connection}", form, origin=origin, cross_site=True)
    if page.status_code == 303:
        code, trace = None, next(iter(await world.house.store.events.latest(limit=1))).trace
    else:
        reference = refused(page, page.status_code)
        code = await code_behind(world, reference)
        trace = (await world.house.store.events.by_reference(Reference(reference)))[0].trace
    assert (foretold.code, foretold.accepted) == (code, code is None), foretold.verdict
    shown = {(one.rule, one.verdict) for stage in foretold.stages for one in stage.findings}
    missing = {(one.rule, one.verdict) for one in trace} - shown - {("saml.replayed", "pass")}
    assert not missing, "what the trace of a login holds, an inspection shows too"
    return code


def made(world: World, **how: Any) -> str:
    """A response as the practice identity provider of the law's tests makes it, for this world."""
    said = {"now": world.clock.now(), "audience": f"{ISSUER}saml/metadata/acme", "recipient": ACS, "destination": ACS}
    return base64.b64encode(response_xml(**{**said, **how})).decode()


def test_every_way_to_be_refused_by_a_rule_is_foretold() -> None:
    """One change each, from the form to the attributes; and the honest response beside them."""

    async def scene(world: World) -> None:
        now = world.clock.now()
        cases: dict[str | None, dict[str, Any]] = {
            None: {},
            "saml.unsigned": {"sign": "none"},
            "xml.signature_value": {"key": idp_key("other")},
            "saml.audience": {"audience": "https://other.example/"},
            "saml.recipient": {"recipient": f"{ISSUER}login/callback?connection=other"},
            "saml.destination": {"destination": f"{ISSUER}saml/acs/acme"},
            "saml.response_issuer": {"issuer": IDP + "/"},
            "saml.response_issue_instant": {"issue_instant": now - timedelta(hours=2)},
            "saml.not_before": {"not_before": now + timedelta(seconds=61)},
            "saml.not_on_or_after": {"not_before": now - timedelta(minutes=9), "not_on_or_after": now - timedelta(seconds=60)},
            "saml.window": {"not_on_or_after": now + timedelta(days=2)},
            "saml.authn_instant": {"authn_instant": now + timedelta(minutes=2)},
            "saml.name_id": {"name_id": "\N{ZERO WIDTH SPACE}"},
            "saml.transient_name_id": {"name_id_format": FORMAT_TRANSIENT},
            "login.unknown_request": {"in_response_to": "_somebody-elses"},
        }  # fmt: skip
        for code, changes in cases.items():
            assert (
                await both(world, {"SAMLResponse": made(world, response_id="_r", assertion_id="_a", **changes)}) == code
            )

    play(scene)


BODIES: dict[str, tuple[str | None, Callable[[str], str]]] = {
    "an honest one": (None, lambda good: f"SAMLResponse={good}"),
    "with more beside it": (None, lambda good: f"x=1&SAMLResponse={good}&RelayState="),
    "twice": ("request.duplicate_parameter", lambda good: f"SAMLResponse={good}&SAMLResponse={good}"),
    "junk before it": ("request.duplicate_parameter", lambda good: f"SAMLResponse=AAAA&SAMLResponse={good}"),
    "a request beside it": ("saml.no_response", lambda good: f"SAMLResponse={good}&SAMLRequest=x"),
    "an artifact beside it": ("saml.no_response", lambda good: f"SAMLart=x&SAMLResponse={good}"),
    "a percent sign": ("request.encoding", lambda good: f"SAMLResponse={good}&x=%zz"),
    "a NUL": ("request.encoding", lambda good: f"SAMLResponse={good}&x=%00"),
    "no UTF-8": ("request.encoding", lambda good: f"SAMLResponse={good}&RelayState=%ff"),
    "many fields": (
        "request.too_many_fields",
        lambda good: f"SAMLResponse={good}" + "".join(f"&f{at}=1" for at in range(100)),
    ),
    "too much": ("request.too_large", lambda good: f"SAMLResponse={good}&x=" + "1" * 1_600_000),
    "a plus": ("saml.base64", lambda good: f"SAMLResponse={good.replace('%2B', '+')}"),
}


@pytest.mark.parametrize("shape", BODIES)
def test_what_is_wrong_with_the_form_is_foretold_from_a_har_file(shape: str) -> None:
    """Octet for octet the body that was posted: refused by the same code before the response in it is looked at, or accepted by both."""
    code, body = BODIES[shape]

    async def scene(world: World) -> None:
        posted = body(quote(made(world, response_id="_r", assertion_id="_a"), safe=""))
        assert shape != "a plus" or "+" in posted
        kind = "application/x-www-form-urlencoded"
        request = {
            "method": "POST",
            "url": ACS,
            "headers": [{"name": "Origin", "value": "https://idp.acme.example"}],
            "postData": {"mimeType": kind, "text": posted},
        }
        (captured,) = read(json.dumps({"log": {"entries": [{"request": request}]}}).encode())
        foretold = await world.house.inspecting.inspect(
            Request(captured=captured, connection="acme", at=world.clock.now())
        )
        page = await world.browser().post(
            "/login/callback?connection=acme", posted, origin="https://idp.acme.example", cross_site=True
        )
        met = None if page.status_code == 303 else await code_behind(world, refused(page, page.status_code))
        assert (foretold.code, foretold.accepted, met) == (code, code is None, code)
        if code is not None:
            assert [stage.name for stage in foretold.stages if stage.verdict == "fail"] == ["encoding"]
            assert foretold.advice
            looked_up = not code.startswith("request.")
            assert foretold.stages[0].verdict == ("pass" if looked_up else "unreached"), "nobody asked whose it is"

    play(scene)


def _remove(name: str) -> Callable[[etree._Element], None]:
    def edit(root: etree._Element) -> None:
        found = next(root.iter(name))
        parent = found.getparent()
        assert parent is not None
        parent.remove(found)

    return edit


def _status(root: etree._Element) -> None:
    next(root.iter(samlp("StatusCode"))).set("Value", "urn:oasis:names:tc:SAML:2.0:status:Responder")
    _remove(saml("Assertion"))(root)


def _two(root: etree._Element) -> None:
    root.append(copy.deepcopy(root.find(saml("Assertion"))))


def _subject_only_outside(root: etree._Element) -> None:
    root.set("InResponseTo", "_outer")


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (_remove(saml("Conditions")), "saml.conditions"),
        (_remove(saml("AuthnStatement")), "saml.authn_statement"),
        (_remove(saml("NameID")), "saml.name_id"),
        (_remove(saml("SubjectConfirmationData")), "saml.subject_confirmation"),
        (_remove(samlp("Status")), "saml.shape"),
        (_two, "saml.one_assertion"),
        (_status, "saml.status"),
        (_subject_only_outside, "saml.in_response_to"),
    ],
)
def test_every_way_to_be_misshapen_is_foretold(edit: Callable[[etree._Element], None], code: str) -> None:
    async def scene(world: World) -> None:
        sign = "none" if code == "saml.status" else "assertion"
        assert await both(world, {"SAMLResponse": made(world, edit=edit, sign=sign)}) == code

    play(scene)


@pytest.mark.parametrize("attack", [xsw1, xsw2, xsw3, xsw4, xsw5, xsw6, xsw7, xsw8, behind, in_advice])
def test_every_wrapping_is_foretold(attack: Callable[[etree._Element], None]) -> None:
    """Whatever names it: the inspection believes no forged assertion, and says so with the consumer's own code."""

    async def scene(world: World) -> None:
        code = await both(world, {"SAMLResponse": made(world, sign="both", tamper=attack)})
        assert code is not None
        assert code.startswith(("saml.", "xml."))

    play(scene)


@pytest.mark.parametrize("path", sorted(VECTORS.rglob("*.xml")), ids=lambda path: path.stem)
def test_every_vector_is_foretold(path: Path) -> None:
    """Messages that were made for the law's tests, old and for others: whatever they are, both say the same."""

    async def scene(world: World) -> None:
        await both(world, {"SAMLResponse": value})

    value = base64.b64encode(path.read_bytes()).decode()
    play(scene)


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"SAMLResponse": "%%%"}, "saml.base64"),
        ({"SAMLResponse": ""}, "saml.base64"),
        ({"SAMLResponse": base64.b64encode(b"<a/>").decode()}, "saml.not_a_response"),
        ({"SAMLResponse": base64.b64encode(b"<a>").decode()}, "xml.malformed"),
        ({"SAMLResponse": base64.b64encode(b"<!DOCTYPE a><a/>").decode()}, "xml.doctype"),
        ({"SAMLResponse": base64.b64encode(b"<a><!-- --></a>").decode()}, "xml.comment"),
        ({"SAMLResponse": base64.b64encode(b"<a><?b?></a>").decode()}, "xml.processing_instruction"),
        ({"SAMLResponse": base64.b64encode(b"\xff<a/>").decode()}, "xml.encoding"),
        ({"RelayState": "crm"}, "saml.no_response"),
    ],
)
def test_what_is_no_message_is_foretold(form: dict[str, str], code: str) -> None:
    async def scene(world: World) -> None:
        assert await both(world, form) == code

    play(scene)


@pytest.mark.parametrize(
    ("how", "cbc", "code"),
    [
        (How(), False, None),
        (How(content=XENC + "aes128-cbc"), False, "xml.encryption_algorithm"),
        (How(content=XENC + "aes128-cbc"), True, None),
        (How(content=XENC + "tripledes-cbc"), True, "xml.encryption_algorithm"),
        (How(seal=lambda octets: octets[:-1] + bytes([octets[-1] ^ 1])), False, "xml.decryption"),
    ],
)
def test_encrypted_responses_are_foretold(how: How, cbc: bool, code: str | None) -> None:
    async def scene(world: World) -> None:
        pem = await world.house.keyring.encryption_certificate(ConnectionId("con_acme"))
        root = etree.fromstring(base64.b64decode(made(world)))
        key = x509.load_pem_x509_certificate(pem.encode()).public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        encrypt(root.find(saml("Assertion")), key, ENCRYPTED_ASSERTION, how)
        assert await both(world, {"SAMLResponse": base64.b64encode(etree.tostring(root)).decode()}) == code

    document = configuration()
    document["connections"][0]["allow_cbc_encryption"] = cbc
    play(scene, document)


def test_an_encrypted_response_without_a_key_of_ours_is_foretold() -> None:
    async def scene(world: World) -> None:
        root = etree.fromstring(base64.b64decode(made(world)))
        encrypt(root.find(saml("Assertion")), idp_key().public_key(), ENCRYPTED_ASSERTION, How())
        form = {"SAMLResponse": base64.b64encode(etree.tostring(root)).decode()}
        assert await both(world, form) == "xml.encryption_no_key"

    play(scene)


def test_what_becomes_of_a_solicited_answer_is_foretold() -> None:
    """Live, answered, expired, forgotten; and the answer to another connection's request."""

    async def scene(world: World) -> None:
        browser, sent = await start(world)
        form = {"SAMLResponse": world.saml_response(in_response_to=asked(sent).id)}
        found = await looked_at(world, form)
        assert "waits until" in said(found, "classification")
        assert found.way is not None
        assert found.way.application == "crm"
        assert await both(world, form, browser=browser) is None
        assert await both(world, form, browser=browser) == "login.expired_or_used"
        assert "was answered at 2026-03-02 09:00:00 UTC" in said(await looked_at(world, form), "classification")

        browser, sent = await start(world)
        world.clock.advance(timedelta(minutes=60))
        form = {"SAMLResponse": world.saml_response(in_response_to=asked(sent).id)}
        assert "was given up" in said(await looked_at(world, form), "classification")
        assert await both(world, form, browser=browser) == "login.expired_or_used"
        world.clock.advance(timedelta(hours=24))
        form = {"SAMLResponse": world.saml_response(in_response_to=asked(sent).id)}
        assert await both(world, form, browser=browser) == "login.unknown_request"

    play(scene)


def said(found: Inspection, stage: str) -> str:
    """Everything that is said of a stretch of the road."""
    return " ".join(one.why for part in found.stages if part.name == stage for one in part.findings)


def test_an_assertion_that_was_used_is_told_and_looking_uses_nothing_up() -> None:
    async def scene(world: World) -> None:
        form = {"SAMLResponse": world.saml_response()}
        assert (await looked_at(world, form)).accepted
        assert (await looked_at(world, form)).accepted, "looking twice is free"
        assert await both(world, form) is None
        assert await both(world, form) == "saml.replayed"

    play(scene)


@pytest.mark.parametrize(
    ("policy", "relay_state", "code"),
    [
        ({"enabled": False}, None, "idp_initiated.disabled"),
        ({"unknown_relay_state": "refuse", "routes": {"a": {"application": "crm"}}}, "b", "idp_initiated.unknown_relay_state"),
        ({"routes": {"a": {"application": "board"}}}, "a", None),
        ({"unsolicited": "confirm"}, None, None),
        ({"unsolicited": "accept", "accept_login_csrf_risk": True}, None, None),
    ],
)  # fmt: skip
def test_what_the_policy_says_is_foretold(policy: dict[str, Any], relay_state: str | None, code: str | None) -> None:
    async def scene(world: World) -> None:
        form = {"SAMLResponse": world.saml_response(), **({"RelayState": relay_state} if relay_state else {})}
        assert await both(world, form) == code

    play(scene, configuration(**policy))


def test_an_answer_at_once_is_foretold() -> None:
    """Under `accept` with `direct` the application's request is made and judged here, and so it is in an inspection."""

    async def scene(world: World) -> None:
        form = {"SAMLResponse": world.saml_response()}
        found = await looked_at(world, form)
        assert found.way is not None
        assert found.way.next == "The application is answered at once."
        assert await both(world, form) is None
        assert await both(world, form) == "saml.replayed"

    play(scene, direct(unsolicited="accept", accept_login_csrf_risk=True))


def test_where_the_post_came_from_decides_under_accept_as_it_does_at_the_consumer() -> None:
    async def scene(world: World) -> None:
        for origin, sentence in (
            ("https://idp.acme.example", "accepted the risk"),
            ("https://evil.example", "is asked first"),
        ):
            found = await looked_at(world, {"SAMLResponse": world.saml_response()}, origin=origin)
            assert sentence in said(found, "policy")

    play(scene, configuration(unsolicited="accept", accept_login_csrf_risk=True))


def test_a_dummy_in_response_to_is_foretold() -> None:
    async def scene(world: World) -> None:
        assert await both(world, {"SAMLResponse": world.saml_response(in_response_to="_dummy")}) is None

    document = configuration()
    document["connections"][0]["ignore_unknown_in_response_to"] = True
    play(scene, document)


def test_a_disabled_connection_is_foretold() -> None:
    async def scene(world: World) -> None:
        assert await both(world, {"SAMLResponse": world.saml_response()}) == "connection.disabled"

    document = configuration()
    document["connections"][0]["enabled"] = False
    play(scene, document)


def test_another_host_than_ours_is_foretold() -> None:
    """A HAR file tells which host it was posted to."""

    async def scene(world: World) -> None:
        form = {"SAMLResponse": world.saml_response()}
        found = await looked_at(world, form, url=ACS.replace("login.crm.example", "old-name.example"))
        page = await world.browser("https://old-name.example/").post(
            "/login/callback?connection=acme", form, cross_site=True
        )
        assert found.code == await code_behind(world, refused(page, 400)) == "login.other_host"

    play(scene)


def test_the_address_in_a_har_file_chooses_the_style() -> None:
    """A response for one of our three addresses is judged by the one that it was posted to."""

    async def scene(world: World) -> None:
        for style, path in (
            ("path", "saml/acs/acme"),
            ("logto", "api/authn/single-sign-on/saml/con_acme"),
        ):
            form = {"SAMLResponse": world.saml_response(style=style)}
            found = await looked_at(world, form, url=f"{ISSUER}{path}")
            assert (found.acs_style, found.code) == (style, None)
            assert (await looked_at(world, form, url=ACS)).code == "saml.destination"

    play(scene)


def test_a_browsers_own_post_is_read_back() -> None:
    """What the wire's browser sends as its body, saved as a file, is the same response."""

    async def scene(world: World) -> None:
        _, sent = await start(world)
        assert location(sent)
        value = world.saml_response()
        (found,) = read(f"SAMLResponse={value.replace('+', '%2B').replace('=', '%3D')}&RelayState=x%26y".encode())
        assert found.form == {"SAMLResponse": value, "RelayState": "x&y"}

    play(scene)
