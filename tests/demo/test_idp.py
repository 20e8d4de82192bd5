"""The practice identity provider: what it signs, Vestibule's own law accepts; what it is asked, it reads strictly."""

import base64
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.doubles import CountingEntropy, FixedClock

from vestibule.demo.configuration import entity_id
from vestibule.demo.idp import PracticeIdp
from vestibule.demo.people import ADA, GRACE, MALLORY, PracticePerson
from vestibule.demo.places import lay_out
from vestibule.ground.errors import Refused
from vestibule.saml import bindings, checks, response, trust
from vestibule.saml import request as requests
from vestibule.xml.signature import load_certificates

CLOCK = FixedClock()
IDP = PracticeIdp.make(lay_out(8000), clock=CLOCK, entropy=CountingEntropy())
EXPECT = checks.Expectation(
    idp_entity_id=entity_id(IDP.places),
    sp_entity_id=IDP.audience,
    acs_url=IDP.acs_url,
    clock_skew=timedelta(seconds=60),
    max_assertion_age=timedelta(hours=1),
)


def believed(fields: dict[str, str]) -> checks.ValidAssertion:
    octets = bindings.decode_post(fields["SAMLResponse"])
    verified = trust.verify(response.read(octets), keys=load_certificates([IDP.certificate_pem]))
    return checks.validate(verified, expect=EXPECT, now=CLOCK.now())


def asked(issuer: str = IDP.audience, acs_url: str = IDP.acs_url) -> str:
    octets = requests.authn_request(
        id="_asked",
        issue_instant=CLOCK.now(),
        issuer=issuer,
        destination="http://portal.localhost:8001/sso",
        acs_url=acs_url,
    )
    url = bindings.redirect_url(
        "http://portal.localhost:8001/sso",
        parameter="SAMLRequest",
        message=octets,
        relay_state=None,
        sign=None,
        algorithm=None,
    )
    return parse_qs(urlsplit(url).query)["SAMLRequest"][0]


@pytest.mark.parametrize("person", [ADA, GRACE, MALLORY], ids=lambda person: person.key)
def test_an_announcement_is_a_valid_unsolicited_response(person: PracticePerson) -> None:
    """Honest statements, Mallory's too: login CSRF needs no forgery."""
    valid = believed(IDP.announce(person, relay_state=None))
    assert checks.classify(valid) is None
    assert valid.name_id == person.email


def test_an_answer_names_its_request() -> None:
    valid = believed(IDP.answer(IDP.read(asked()), ADA, relay_state="back"))
    assert checks.classify(valid) == "_asked"
    assert valid.attributes["displayName"] == ("Ada Lovelace",)


def test_relay_state_goes_along_only_where_there_is_one() -> None:
    assert IDP.announce(ADA, relay_state="deals")["RelayState"] == "deals"
    assert "RelayState" not in IDP.announce(ADA, relay_state=None)


def test_no_two_responses_share_an_id() -> None:
    one, other = (believed(IDP.announce(ADA, relay_state=None)) for _ in range(2))
    assert one.assertion_id != other.assertion_id


@pytest.mark.parametrize(
    "changes", [{"issuer": "http://evil.localhost:8004/"}, {"acs_url": "http://evil.localhost:8004/catch"}]
)
def test_another_service_provider_gets_no_answer(changes: dict[str, str]) -> None:
    """Else the identity provider would carry Ada's statement wherever a request says."""
    with pytest.raises(Refused) as refused:
        IDP.read(asked(**changes))
    assert refused.value.code == "demo.unknown_service_provider"


@pytest.mark.parametrize("message", ["", "not base64!", base64.b64encode(b"not deflated").decode()])
def test_nonsense_is_refused_and_not_a_crash(message: str) -> None:
    with pytest.raises(Refused):
        IDP.read(message)
