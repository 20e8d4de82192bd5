"""Our addresses, our requests, and an identity provider's statement in our words."""

from base64 import b64decode
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256
from tests.builders_saml import NAME, idp_certificate, idp_key, keys, response_xml
from tests.builders_saml import NOW as STATED_AT
from tests.builders_saml import valid as valid_response
from tests.policy.nouns import ISSUER, NOW, connection, idp

from vestibule.ground.errors import Refused
from vestibule.model.answer import FormPost, Redirect
from vestibule.model.connection import AcsStyle, Connection, RequestBinding
from vestibule.saml import names
from vestibule.saml.bindings import decode_post, decode_redirect
from vestibule.saml.checks import ValidAssertion
from vestibule.saml.request import ReceivedRequest, read_request
from vestibule.upstream.saml import acs_url, acs_urls, authn_request, expectation, sp_entity_id, translate
from vestibule.xml.parse import parse
from vestibule.xml.signature import RSA_SHA256, verify

SSO = "https://idp.acme.example/sso"
POST = "https://idp.acme.example/post"
SIGNER = (idp_key(), idp_certificate())


# -- addresses --------------------------------------------------------------------------------------------------------


def test_one_endpoint_has_three_addresses() -> None:
    assert acs_urls(connection(), ISSUER) == {
        "callback": "https://login.example/login/callback?connection=acme",
        "path": "https://login.example/saml/acs/acme",
        "logto": "https://login.example/api/authn/single-sign-on/saml/con_acme",
    }


@pytest.mark.parametrize("style", list(AcsStyle))
def test_our_requests_name_the_address_that_the_connection_says(style: AcsStyle) -> None:
    assert acs_url(connection(acs=style), ISSUER) == acs_urls(connection(), ISSUER)[style]


def test_we_are_known_by_our_metadata_s_address_unless_the_identity_provider_knows_us_otherwise() -> None:
    assert sp_entity_id(connection(), ISSUER) == "https://login.example/saml/metadata/acme"
    assert sp_entity_id(connection(sp_entity_id="urn:crm"), ISSUER) == "urn:crm"


def test_a_response_is_expected_at_the_address_that_it_was_posted_to() -> None:
    posted = "https://login.example/saml/acs/acme"
    expected = expectation(connection(clock_skew=30, max_assertion_age=600, sp_entity_id="urn:crm"), posted, ISSUER)
    assert (expected.idp_entity_id, expected.sp_entity_id) == ("https://idp.acme.example/saml", "urn:crm")
    assert expected.acs_url == posted
    assert (expected.clock_skew, expected.max_assertion_age) == (timedelta(seconds=30), timedelta(seconds=600))


def test_a_name_id_is_required_unless_an_attribute_names_the_person() -> None:
    assert expectation(connection(), "https://login.example/acs", ISSUER).name_id_required
    assert not expectation(connection(subject_attribute="uid"), "https://login.example/acs", ISSUER).name_id_required


# -- in ---------------------------------------------------------------------------------------------------------------


def valid(**changes: Any) -> ValidAssertion:
    plain: dict[str, Any] = {
        "issuer": "https://idp.acme.example/saml",
        "response_id": "_r",
        "assertion_id": "_a",
        "name_id": "ada",
        "name_id_format": names.FORMAT_PERSISTENT,
        "name_qualifier": "nq",
        "sp_name_qualifier": "spnq",
        "attributes": {"mail": ("ada@acme.example",)},
        "authn_instant": NOW,
        "session_index": "_s",
        "session_not_on_or_after": NOW + timedelta(hours=8),
        "authn_context_class": "urn:class",
        "in_response_to": "_q",
        "response_in_response_to": "_q",
        "any_in_response_to": ("_q",),
        "one_time_use": False,
        "issue_instant": NOW,
        "usable_until": NOW + timedelta(minutes=5),
        "remember_until": NOW + timedelta(minutes=10),
        "findings": (),
    }
    return ValidAssertion(**{**plain, **changes})


def test_a_statement_is_translated_with_nothing_lost_of_the_name() -> None:
    told = translate(valid(), connection())
    assert (told.connection, told.issuer, told.assertion_id) == ("con_acme", "https://idp.acme.example/saml", "_a")
    name = told.subject
    assert (name.value, name.format, name.name_qualifier, name.sp_name_qualifier) == (
        "ada",
        names.FORMAT_PERSISTENT,
        "nq",
        "spnq",
    )
    assert told.attributes == {"mail": ("ada@acme.example",)}
    assert (told.authenticated_at, told.ends_at) == (NOW, NOW + timedelta(hours=8))
    assert (told.context_class, told.session_index, told.in_response_to) == ("urn:class", "_s", "_q")
    assert (told.usable_until, told.remember_until) == (NOW + timedelta(minutes=5), NOW + timedelta(minutes=10))


@pytest.mark.parametrize(
    ("format", "transient"),
    [(names.FORMAT_TRANSIENT, True), (names.FORMAT_PERSISTENT, False), (names.FORMAT_UNSPECIFIED, False), ("", False)],
)
def test_a_transient_name_is_told_apart(format: str, transient: bool) -> None:
    assert translate(valid(name_id_format=format), connection()).transient is transient


# -- out --------------------------------------------------------------------------------------------------------------


def redirected(through: Connection, **how: Any) -> tuple[str, dict[str, list[str]], ReceivedRequest]:
    """The URL of a redirect, its parameters, and the request in it."""
    sent = authn_request(through, ISSUER, **{"id": "_q", "now": STATED_AT, **how})
    assert isinstance(sent, Redirect)
    given = parse_qs(urlsplit(sent.url).query, strict_parsing=True)
    return sent.url, given, read_request(decode_redirect(given["SAMLRequest"][0]))


def posted(through: Connection, **how: Any) -> tuple[FormPost, bytes]:
    sent = authn_request(through, ISSUER, **{"id": "_q", "now": STATED_AT, **how})
    assert isinstance(sent, FormPost)
    return sent, decode_post(sent.fields["SAMLRequest"])


def test_a_request_says_who_asks_whom_and_where_the_answer_goes() -> None:
    url, given, request = redirected(connection())
    assert url.startswith(f"{SSO}?SAMLRequest=")
    assert request == ReceivedRequest(
        id="_q",
        issuer="https://login.example/saml/metadata/acme",
        destination=SSO,
        acs_url="https://login.example/login/callback?connection=acme",
        issue_instant=STATED_AT,
        force_authn=False,
        is_passive=False,
        subject=None,
    )
    assert set(given) == {"SAMLRequest"}


def test_a_request_may_force_a_fresh_authentication_and_name_whom_is_expected() -> None:
    _, given, request = redirected(
        connection(), force_authn=True, subject_hint='ada"<&@acme.example', relay_state="handle"
    )
    assert request.force_authn
    assert request.subject == ('ada"<&@acme.example', names.FORMAT_EMAIL)
    assert given["RelayState"] == ["handle"]


def test_the_connection_s_own_settings_are_in_its_requests() -> None:
    _, _, request = redirected(connection(acs=AcsStyle.PATH, sp_entity_id="urn:crm"))
    assert (request.issuer, request.acs_url) == ("urn:crm", "https://login.example/saml/acs/acme")


def test_a_redirect_is_signed_over_the_octets_that_are_sent() -> None:
    url, given, _ = redirected(connection(), relay_state="a b&c", signer=SIGNER)
    assert list(given) == ["SAMLRequest", "RelayState", "SigAlg", "Signature"]
    assert given["SigAlg"] == [RSA_SHA256]
    octets, _, signature = urlsplit(url).query.partition("&Signature=")
    SIGNER[0].public_key().verify(b64decode(unquote(signature)), octets.encode(), padding.PKCS1v15(), SHA256())


def test_a_post_carries_its_signature_within() -> None:
    through = connection(idp=idp(sso_post_url=POST), request_binding=RequestBinding.POST)
    form, document = posted(through, relay_state="handle", signer=SIGNER)
    assert form.url == POST
    assert form.fields["RelayState"] == "handle"
    assert read_request(document).destination == POST
    root = parse(document)
    assert verify(root, root, keys=keys("first")).get("ID") == "_q"


def test_a_post_without_a_signer_is_unsigned() -> None:
    through = connection(idp=idp(sso_post_url=POST), request_binding=RequestBinding.POST)
    form, document = posted(through)
    assert b"Signature" not in document
    assert set(form.fields) == {"SAMLRequest"}


def test_a_post_goes_to_the_one_sign_on_url_there_is() -> None:
    form, _ = posted(connection(request_binding=RequestBinding.POST))
    assert form.url == SSO


def test_where_only_a_post_address_is_known_the_request_is_posted() -> None:
    form, _ = posted(connection(idp=idp(sso_url=None, sso_post_url=POST)))
    assert form.url == POST


def test_the_redirect_address_is_taken_for_a_redirect_though_a_post_address_is_known() -> None:
    url, _, request = redirected(connection(idp=idp(sso_post_url=POST)))
    assert url.startswith(f"{SSO}?")
    assert request.destination == SSO


@pytest.mark.parametrize("binding", list(RequestBinding))
def test_without_a_sign_on_url_nobody_can_be_sent(binding: RequestBinding) -> None:
    with pytest.raises(Refused) as caught:
        authn_request(connection(idp=idp(sso_url=None), request_binding=binding), ISSUER, id="_q", now=STATED_AT)
    assert caught.value.code == "connection.no_sso_url"


def test_a_response_of_a_real_shape_becomes_an_authentication() -> None:
    told = translate(valid_response(response_xml()), connection())
    assert (told.subject.value, told.subject.format) == (NAME, names.FORMAT_EMAIL)
    assert told.attributes["mail"] == ("ada@acme.example",)
    assert told.in_response_to is None
