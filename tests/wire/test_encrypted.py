"""Encrypted responses at the door: signed in as ever, and what does not open is a page like every other."""

import base64
import re
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from lxml import etree
from tests.builders_saml import idp_key
from tests.doubles import START, FixedClock
from tests.wire.world import World, code_of, configuration, location, parameters, play, refused
from tests.xml.encrypter import How, encrypt

from vestibule.flows.browser import Browser
from vestibule.flows.receive import HUSH, Posted
from vestibule.ground.errors import Refused
from vestibule.model.key import KeyPurpose
from vestibule.saml.names import ds, md, saml
from vestibule.saml.response import ENCRYPTED_ASSERTION
from vestibule.xml.encryption import XENC
from vestibule.xml.signature import sign


class Moving(FixedClock):
    """The first look at the clock is when the message came; every later one is `spent` seconds on."""

    def __init__(self, spent: float) -> None:
        super().__init__()
        self._spent = spent

    def now(self) -> datetime:
        seen = super().now()
        if seen == START:
            self.advance(self._spent)
        return seen


CBC = How(content=XENC + "aes256-cbc")


async def published_key(world: World) -> RSAPublicKey:
    """What our metadata tells the identity provider to encrypt for."""
    page = await world.browser().get("/saml/metadata/acme")
    descriptor = etree.fromstring(page.content).find(f".//{md('KeyDescriptor')}[@use='encryption']")
    body = descriptor.findtext(f".//{ds('X509Certificate')}")
    key = x509.load_der_x509_certificate(base64.b64decode(body)).public_key()
    assert isinstance(key, RSAPublicKey)
    return key


async def sealed(world: World, how: How | None = None, **said: Any) -> str:
    """A fresh response whose assertion is encrypted."""
    root = etree.fromstring(base64.b64decode(world.saml_response(**said)))
    encrypt(root.find(saml("Assertion")), await published_key(world), ENCRYPTED_ASSERTION, how)
    return base64.b64encode(etree.tostring(root)).decode()


async def post(world: World, message: str) -> Any:
    form = {"SAMLResponse": message}
    return await world.browser().post(
        "/login/callback?connection=acme", form, origin="https://idp.acme.example", cross_site=True
    )


ACCEPT: dict[str, Any] = {
    "unsolicited": "accept",
    "accept_login_csrf_risk": True,
    "delivery": "direct",
    "accept_application_login_csrf_risk": True,
}


def test_an_encrypted_response_signs_in_as_ever() -> None:
    """From the tile to the code, opened with the key that the metadata names; and it is good once."""

    async def scene(world: World) -> None:
        message = await sealed(world)
        code = code_of(await post(world, message))
        assert (await world.redeem(code)).status_code == 200
        refused(await post(world, message), 400)
        (event,) = await world.house.store.events.latest(limit=1, kind="login.refused")
        assert event.code == "saml.replayed"
        (finding,) = (one for one in event.trace if one.rule == "xml.decryption")
        assert finding.got == "aes256-gcm with rsa-oaep-mgf1p (sha1, mgf1sha1)"

    play(scene, configuration(**ACCEPT))


def test_a_key_is_made_once_however_many_ask() -> None:
    async def scene(world: World) -> None:
        first = (await published_key(world)).public_numbers()
        assert (await published_key(world)).public_numbers() == first
        (key,) = await world.house.store.keys.of((await world.house.store.configured.connections())[0].id)
        assert key.purpose is KeyPurpose.SAML_ENCRYPTION

    play(scene)


def test_without_a_key_that_was_ever_handed_out_it_says_so() -> None:
    """The operator's sentence names what to do; no key is made by a stranger's post."""

    async def scene(world: World) -> None:
        root = etree.fromstring(base64.b64decode(world.saml_response()))
        encrypt(root.find(saml("Assertion")), idp_key("stranger").public_key(), ENCRYPTED_ASSERTION)
        refused(await post(world, base64.b64encode(etree.tostring(root)).decode()), 400)
        (event,) = await world.house.store.events.latest(limit=1)
        assert event.code == "xml.encryption_no_key"
        assert await world.house.store.keys.of((await world.house.store.configured.connections())[0].id) == ()

    play(scene)


def _same(page: Any) -> str:
    return re.sub(r"[A-Z2-7]{5}-[A-Z2-7]{5}", "REFERENCE", page.text)


@pytest.mark.parametrize("cbc", [False, True])
def test_no_answer_tells_whether_it_opened(cbc: bool) -> None:
    """Changed ciphertext, changed key, plaintext that is no XML, a wrong signature within, none at all: one page, one status."""

    async def scene(world: World) -> None:
        how = CBC if cbc else How()
        flip = lambda octets: octets[:-1] + bytes([octets[-1] ^ 1])  # noqa: E731
        ways = [
            How(content=how.content, seal=flip),
            How(content=how.content, wrap=flip),
            How(content=how.content, plain=lambda octets: b"no XML"),
            How(content=how.content, plain=lambda octets: octets.replace(b"ada@", b"eve@")),
        ]
        pages = [await post(world, await sealed(world, way)) for way in ways]
        pages.append(await post(world, await sealed(world, how, sign="none")))
        pages.append(await post(world, await sealed(world, how, key=idp_key("other"))))
        codes = [event.code for event in reversed(await world.house.store.events.latest(limit=6))]
        assert codes == ["xml.decryption"] * 3 + ["xml.signature_digest", "saml.unsigned", "xml.signature_value"]
        assert {page.status_code for page in pages} == {400}
        assert len({_same(page) for page in pages}) == 1
        assert {tuple(sorted(page.headers)) for page in pages} == {tuple(sorted(pages[0].headers))}
        assert world.pauses == [HUSH.total_seconds()] * len(pages)

    document = configuration()
    document["connections"][0]["allow_cbc_encryption"] = cbc
    play(scene, document)


def test_all_refusals_of_encrypted_messages_are_answered_at_one_moment_after_they_came() -> None:
    """However long the work took, and whatever the clock does meanwhile; others are answered at once, and so is a login."""

    async def scene(world: World) -> None:
        house = world.house
        for spent, left in ((0.1, 0.15), (0.3, 0.0), (-5.0, 0.25)):
            receiving = replace(house.receiving, clock=Moving(spent))
            posted = Posted(
                connection="acme",
                style="callback",
                form={"SAMLResponse": await sealed(world, key=idp_key("other"))},
                browser=Browser(host="login.crm.example"),
            )
            with pytest.raises(Refused):
                await receiving.receive(posted)
            assert world.pauses.pop() == pytest.approx(left)
        refused(await post(world, world.saml_response(key=idp_key("other"))), 400)
        location(await post(world, await sealed(world)))
        assert world.pauses == []

    play(scene)


def test_aes_cbc_needs_the_setting_and_the_metadata_says_what_is_opened() -> None:
    """Refused by default with what to set; allowed, it rings the bell like any other."""

    async def refusing(world: World) -> None:
        refused(await post(world, await sealed(world, CBC)), 400)
        (event,) = await world.house.store.events.latest(limit=1)
        assert event.code == "xml.encryption_algorithm"
        assert "allow_cbc_encryption" in event.detail["why"]
        assert "-cbc" not in (await world.browser().get("/saml/metadata/acme")).text

    async def allowing(world: World) -> None:
        landed = location(await post(world, await sealed(world, CBC)))
        assert "arrival" in parameters(landed)
        assert "aes256-cbc" in (await world.browser().get("/saml/metadata/acme")).text

    play(refusing)
    document = configuration()
    document["connections"][0]["allow_cbc_encryption"] = True
    play(allowing, document)


def test_an_encrypted_name_and_encrypted_attributes_are_opened_at_the_door() -> None:
    """The assertion itself is in clear: what is in it alone needs our key."""

    async def scene(world: World) -> None:
        key = await published_key(world)

        def edit(root: etree._Element) -> None:
            encrypt(next(root.iter(saml("NameID"))), key, saml("EncryptedID"))
            for attribute in list(root.iter(saml("Attribute"))):
                encrypt(attribute, key, saml("EncryptedAttribute"))

        root = etree.fromstring(base64.b64decode(world.saml_response(sign="none")))
        edit(root)
        sign(root.find(saml("Assertion")), key=idp_key(), after=saml("Issuer"))
        code = code_of(await post(world, base64.b64encode(etree.tostring(root)).decode()))
        tokens = (await world.redeem(code)).json()
        claims = await world.browser().get("/userinfo", authorization=f"Bearer {tokens['access_token']}")
        assert claims.json()["name"] == "Ada"

    play(scene, configuration(**ACCEPT))
