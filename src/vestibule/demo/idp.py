"""The practice identity provider: signs responses about practice people, asked [SAMLProf 4.1] and unasked [SAMLProf 4.1.5].

Its key and certificate are made when the tour starts, and end with it.
"""

import base64
from dataclasses import dataclass, field
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric import rsa

from vestibule.demo.configuration import CONNECTION, entity_id
from vestibule.demo.people import PracticePerson
from vestibule.demo.places import Places
from vestibule.ground.clock import Clock
from vestibule.ground.entropy import Entropy
from vestibule.ground.errors import Refused
from vestibule.keys.certificate import self_signed
from vestibule.saml import bindings, issue, names
from vestibule.saml import request as requests

GOOD_FOR = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class PracticeIdp:
    """Knows one service provider, Vestibule, by its entity id and its one assertion consumer service."""

    places: Places
    clock: Clock
    entropy: Entropy
    key: rsa.RSAPrivateKey = field(repr=False)
    certificate_pem: str

    @classmethod
    def make(cls, places: Places, *, clock: Clock, entropy: Entropy) -> "PracticeIdp":
        """A new identity provider, with a new key."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        certificate = self_signed(key, name="Practice identity provider", now=clock.now(), serial=entropy.bytes(16))
        return cls(places=places, clock=clock, entropy=entropy, key=key, certificate_pem=certificate)

    @property
    def acs_url(self) -> str:
        return f"{self.places.issuer}login/callback?connection={CONNECTION}"

    @property
    def audience(self) -> str:
        return f"{self.places.issuer}saml/metadata/{CONNECTION}"

    def read(self, message: str) -> requests.ReceivedRequest:
        """An AuthnRequest by the Redirect binding, of our one service provider, to be answered at its one address."""
        asked = requests.read_request(bindings.decode_redirect(message))
        if asked.issuer != self.audience or asked.acs_url not in (None, self.acs_url):
            raise Refused(
                "demo.unknown_service_provider",
                "The request comes from a service provider that the practice identity provider does not know, or wants its "
                "answer elsewhere. It answers Vestibule alone, at the address agreed.",
                want=self.acs_url,
                got=asked.acs_url,
            )
        return asked

    def announce(self, person: PracticePerson, *, relay_state: str | None) -> dict[str, str]:
        """The form of an unsolicited response: nobody asked, so it names no request."""
        return self._form(person, relay_state, in_response_to=None)

    def answer(
        self, asked: requests.ReceivedRequest, person: PracticePerson, *, relay_state: str | None
    ) -> dict[str, str]:
        """The form of the answer to a request."""
        return self._form(person, relay_state, in_response_to=asked.id)

    def _form(self, person: PracticePerson, relay_state: str | None, *, in_response_to: str | None) -> dict[str, str]:
        now = self.clock.now()
        statement = issue.Statement(
            issuer=entity_id(self.places),
            audience=self.audience,
            recipient=self.acs_url,
            destination=self.acs_url,
            name_id=person.email,
            name_id_format=names.FORMAT_EMAIL,
            attributes={"mail": (person.email,), "displayName": (person.name,), "memberOf": person.groups},
            issue_instant=now,
            authn_instant=now,
            not_before=now - timedelta(seconds=5),
            not_on_or_after=now + GOOD_FOR,
            in_response_to=in_response_to,
            session_index=f"_{self.entropy.token(16)}",
        )
        octets = issue.response(
            statement,
            response_id=f"_{self.entropy.token(16)}",
            assertion_id=f"_{self.entropy.token(16)}",
            key=self.key,
            certificate_pem=self.certificate_pem,
            sign="assertion",
        )
        form = {"SAMLResponse": base64.b64encode(octets).decode("ascii")}
        return form if relay_state is None else {**form, "RelayState": relay_state}
