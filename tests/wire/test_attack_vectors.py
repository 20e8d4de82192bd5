"""The corpus of attacks, posted: the same page for each, no cookie and no code, and the reason in the audit alone."""

import base64
import re
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.builders_saml import ACS, IDP, NAME, NOW
from tests.saml.test_trust import EVIL
from tests.vectors.saml.corpus import HERE, OPENER, Vector, certificate, message, read_vectors
from tests.wire.world import MASTER, WireBrowser, World, configuration, play

import vestibule
from vestibule.ground.errors import Refused
from vestibule.keys.seal import NONCE_BYTES, Seal
from vestibule.model.ids import ConnectionId
from vestibule.model.key import KeyPurpose, StoredKey
from vestibule.web.errors import UNREMARKABLE, status_of
from vestibule.web.sentences import sentence
from vestibule.xml.signature import load_certificates

ISSUER = "https://login.vestibule.example/"
TARGET = "/" + ACS.removeprefix(ISSUER)
ONE_PAGE = sentence("xml.signature_value")


def is_configurable(vector: Vector) -> bool:
    """A connection can have these keys. One with none, or with a weak one, is refused when it is saved."""
    try:
        return bool(load_certificates([certificate(name) for name in vector.keys]))
    except Refused:
        return False


VECTORS = [vector for vector in read_vectors() if is_configurable(vector)]
ROWS = [list(group) for _, group in groupby(VECTORS, key=lambda vector: vector.place)]


def configured(vector: Vector) -> dict[str, Any]:
    """The house that the corpus is meant for, with the keys and quirks of this vector."""
    document = configuration()
    connection = document["connections"][0]
    connection["idp"] = {**connection["idp"], "certificates": [certificate(name) for name in vector.keys]}
    connection["idp"]["entity_id"] = IDP
    connection["allow_sha1_signatures"] = vector.allow_sha1
    connection["allow_cbc_encryption"] = vector.allow_cbc
    return document


def opener() -> StoredKey:
    """The corpus's key to encrypt for, as the store of this house keeps it."""
    pem = (HERE / "keys" / f"{OPENER}.private.pem").read_text(encoding="ascii")
    about = f"{KeyPurpose.SAML_ENCRYPTION} {OPENER} con_acme"
    return StoredKey(
        kid=OPENER,
        purpose=KeyPurpose.SAML_ENCRYPTION,
        sealed=Seal(master_key=MASTER).close(pem, about=about, nonce=bytes(NONCE_BYTES)),
        public_pem="",
        certificate_pem=certificate(OPENER),
        created_at=NOW,
        signs_from=NOW,
        connection=ConnectionId("con_acme"),
    )


async def sent(browser: WireBrowser, vector: Vector) -> httpx2.Response:
    """The vector on its way: a whole request as it is, a message in a form."""
    if vector.form == "http":
        head, _, body = vector.octets.partition(b"\r\n\r\n")
        line, *fields = head.decode("ascii").split("\r\n")
        method, target, _ = line.split(" ")
        headers = dict(field.split(": ", 1) for field in fields)
        return await browser.client.request(method, target, headers=headers, content=body)
    value = vector.octets if vector.form == "base64" else base64.b64encode(vector.octets)
    return await browser.post(TARGET, {"SAMLResponse": value.decode()}, origin=None, cross_site=True)


def without_reference(page: httpx2.Response) -> tuple[int, Mapping[str, str], str]:
    """All that a stranger sees of an answer, but for the number that leads to its trace."""
    text, count = re.subn(r"\b[A-Z2-7]{5}-[A-Z2-7]{5}\b", "REFERENCE", page.text)
    assert count
    return page.status_code, dict(page.headers), text


async def latest_code(world: World) -> str | None:
    events = await world.house.store.events.latest(limit=1, kind="login.refused")
    return events[0].code if events else None


async def one_page(world: World) -> tuple[int, Mapping[str, str], str]:
    """What is answered to a message that is not signed at all."""
    value = base64.b64encode(message(sign="none")).decode()
    return without_reference(
        await world.browser(ISSUER).post(TARGET, {"SAMLResponse": value}, origin=None, cross_site=True)
    )


@pytest.mark.parametrize("row", [row for row in ROWS if row[0].refused], ids=lambda row: row[0].place)
def test_an_attack_is_refused_without_a_word_about_why(row: list[Vector]) -> None:
    """Its code is in the audit; whoever sent it sees what everybody sees, and nothing of what was sent."""

    async def scene(world: World) -> None:
        await world.house.store.keep(opener())
        refusal = await one_page(world)
        for vector in row:
            await world.apply(configured(vector))
            before = len(await world.kinds())
            browser = world.browser(ISSUER)
            page = await sent(browser, vector)
            assert vector.refused is not None
            assert page.status_code == (vector.status or status_of(vector.refused)), vector.path
            assert "set-cookie" not in page.headers, vector.path
            assert "location" not in page.headers, vector.path
            if vector.refused in UNREMARKABLE:
                assert len(await world.kinds()) == before, vector.path
            else:
                assert len(await world.kinds()) == before + 1, vector.path
                assert await latest_code(world) == vector.refused, vector.path
            for secret in (EVIL, NAME, IDP, "saml:", "Lovelace", "passwd", "evil.example", vector.refused):
                assert secret not in page.text, vector.path
            if sentence(vector.refused) is ONE_PAGE:
                assert without_reference(page) == refusal, vector.path

    play(scene, configured(row[0]), issuer=ISSUER, at=NOW)


@pytest.mark.parametrize("vector", [one for one in VECTORS if not one.refused], ids=lambda vector: vector.path)
def test_an_honest_message_goes_on(vector: Vector) -> None:
    """The same road with an honest message: it rings, or answers a request that is not there."""

    async def scene(world: World) -> None:
        await world.house.store.keep(opener())
        page = await sent(world.browser(ISSUER), vector)
        if vector.believed is not None and vector.believed["in_response_to"]:
            assert await latest_code(world) == "login.unknown_request"
        else:
            assert page.status_code == 303, (page.text, await latest_code(world))
            assert page.headers["location"].startswith(f"{ISSUER}login/continue?arrival=")

    play(scene, configured(vector), issuer=ISSUER, at=NOW)


ELSEWHERE = {"saml.status", "saml.replayed", "saml.transient_name_id", "saml.too_large", "xml.too_large"}
"""What a person can do something about, or is about size alone, has words of its own."""


def law_codes() -> set[str]:
    """Every code that the two law books of messages refuse by, as their source has them."""
    found: set[str] = set()
    for room in ("saml", "xml"):
        for path in sorted((Path(vestibule.__file__).parent / room).glob("*.py")):
            found |= set(re.findall(r'"((?:saml|xml)\.[a-z0-9_]+)"', path.read_text(encoding="utf-8")))
    return found


@pytest.mark.parametrize("code", sorted(law_codes() - ELSEWHERE))
def test_every_refusal_of_a_signature_is_the_same_page(code: str) -> None:
    """And of a message that is unsigned, encrypted, malformed or about something else: no page tells which it was."""
    assert (sentence(code), status_of(code)) == (ONE_PAGE, status_of("xml.signature_value"))


def test_the_corpus_knows_most_codes() -> None:
    """Those that it does not are about messages to us that are none of these, or need too many octets or another house."""
    known = {vector.refused for vector in read_vectors()}
    others = {"saml.deflate", "saml.not_a_request", "saml.unwritable", "xml.certificate", "xml.signature_missing"}
    others |= {"xml.signature_canonical_form"}  # what has none is refused before
    large = {"saml.attributes", "xml.too_complex"}
    assert law_codes() - known - ELSEWHERE == others | large | {"xml.encryption_no_key"}
