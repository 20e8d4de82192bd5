"""`python -m bench.law`: what the law of one direct login costs, stage by stage, without a server, a store or a request.

Process CPU time of one thread, held to one core: base64 -> read -> verify -> validate -> translate -> decide -> code ->
ID token, over responses of the size that `bench.responses` makes, each judged once. Beside it, what the libraries alone need.
"""

import argparse
import base64
import cProfile
import gc
import os
import pstats
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from lxml import etree

from bench.ours import CLIENT, DIRECT, SCOPE
from bench.responses import DOMAIN, ENTITY_ID, IDP, SSO, IdentityProvider
from bench.subject import CALLBACK
from vestibule.downstream import oidc as downstream
from vestibule.downstream.lifetimes import Lifetimes
from vestibule.downstream.port import Fresh
from vestibule.flows.judge import Judging
from vestibule.flows.record import Record
from vestibule.ground.remembered import Remembered
from vestibule.jose import keys as jose
from vestibule.jose.keys import SigningKey
from vestibule.model.application import Application, ApplicationType
from vestibule.model.connection import (
    Connection,
    Delivery,
    Domain,
    IdpInitiated,
    Unsolicited,
)
from vestibule.model.connection import (
    IdentityProvider as Upstream,
)
from vestibule.model.grant import Code
from vestibule.model.identity import Person
from vestibule.model.ids import ClientId, ConnectionId, PersonId, Reference
from vestibule.oidc import authorize
from vestibule.oidc import code as code_law
from vestibule.outside.entropy import SystemEntropy
from vestibule.policy import mapping, routing, unsolicited
from vestibule.saml import bindings, checks, response
from vestibule.saml.names import ds, saml
from vestibule.store.traces import document
from vestibule.upstream import saml as upstream

ISSUER = "https://login.bench.example/"
LIFETIMES = Lifetimes()
PEPPER = bytes(32)
AT_ONCE = 4


@dataclass(slots=True)
class Work:
    """One login on its way: each stage reads what the one before has left."""

    field: str
    now: datetime
    record: Record
    octets: bytes = b""
    at: object = None


class Bench:
    """The stages, each a function of one login, in the order of the road."""

    def __init__(self) -> None:
        self.idp = IdentityProvider()
        self.entropy = SystemEntropy()
        self.connection = _connection(self.idp.certificate)
        self.application = _application()
        self.person = Person(id=PersonId("p" * 22), created_at=datetime.now(UTC))
        self.requests = Remembered[authorize.AuthorizationRequest]()
        self.acs = upstream.acs_urls(self.connection, ISSUER)["callback"]
        self.signers = {alg: _signer(alg) for alg in ("RS256", "ES256")}
        self.stages: tuple[tuple[str, Callable[[Work], object]], ...] = (
            ("decode", self.decode),
            ("read", self.read),
            ("verify", self.verify),
            ("validate", self.validate),
            ("translate, decide, identify", self.decide),
            ("answer with a code", self.answer),
            ("trace and event as JSON", self.event),
            ("ID token, ES256", lambda work: self.token(work, "ES256")),
            ("ID token, RS256", lambda work: self.token(work, "RS256")),
        )

    def works(self, count: int) -> list[Work]:
        now = datetime.now(UTC)
        made = []
        for person in range(count):
            field = base64.b64encode(self._response(person)).decode()
            record = Record(entropy=self.entropy, now=now, reference=Reference("ABCDE-FGHIJ"))
            made.append(Work(field=field, now=now, record=record))
        return made

    def _response(self, person: int) -> bytes:
        audience = upstream.sp_entity_id(self.connection, ISSUER)
        return self.idp.response(person, acs=self.acs, audience=audience)

    # -- the stages --------------------------------------------------------------------------------------------------

    def decode(self, work: Work) -> None:
        work.octets = bindings.decode_post(work.field)

    def read(self, work: Work) -> None:
        work.at = response.read(work.octets)

    def verify(self, work: Work) -> None:
        judging = Judging(connection=self.connection, acs_url=self.acs, issuer=ISSUER, now=work.now)
        assert isinstance(work.at, response.UnverifiedResponse)
        _ = work.at.is_encrypted
        work.at = judging.verified(work.at, work.record.findings)

    def validate(self, work: Work) -> None:
        expect = upstream.expectation(self.connection, self.acs, ISSUER)
        valid = checks.validate(work.at, expect=expect, now=work.now)  # type: ignore[arg-type]
        work.record.findings.extend(valid.findings)
        work.record.note(
            "saml.instants",
            f"Judged at {work.record.now.isoformat()}; authenticated {valid.authn_instant.isoformat()}; "
            f"usable until {valid.usable_until.isoformat()}, skew included.",
        )
        work.at = valid

    def decide(self, work: Work) -> None:
        valid = work.at
        assert isinstance(valid, checks.ValidAssertion)
        connection, policy = self.connection, self.connection.idp_initiated
        authentication = upstream.translate(valid, connection)
        if checks.classify(valid) is None:
            work.record.note("saml.classified", "Unsolicited: it names no request.")
        _, route = routing.route(connection, None)
        destination = routing.destination(connection, self.application, route, None)
        trusted = unsolicited.post_is_trusted(IDP, connection.idp.sso_url, (*policy.post_origins, ""))
        situation = unsolicited.Situation(
            mode=policy.unsolicited,
            delivery=destination.delivery,
            protocol=destination.protocol,
            post_trusted=trusted,
        )
        decision = unsolicited.decide(situation)
        work.record.note("idp_initiated.ladder", decision.sentence)
        work.at = mapping.identify(authentication, connection, PEPPER), destination

    def answer(self, work: Work) -> None:
        identity, destination = work.at  # type: ignore[misc]
        request = self.requests.get(lambda: self._request(destination), self.application, destination)
        answered = downstream.answer(
            request,
            application=self.application,
            identity=identity,
            person=self.person,
            sid=None,
            arrival=None,
            now=work.now,
            lifetimes=LIFETIMES,
            fresh=Fresh.draw(self.entropy),
            signer=self.signers["RS256"],
            issuer=ISSUER,
        )
        work.at = answered.keep[0]

    def _request(self, destination: routing.Destination) -> authorize.AuthorizationRequest:
        parameters = downstream.errand_parameters(self.application, destination.parameters)
        return authorize.validate(parameters, downstream.rules(self.application), unsolicited=True)

    def event(self, work: Work) -> None:
        document(
            work.record.claimed().event("login.succeeded", person=self.person.id, detail={"how": "accept, direct"})
        )

    def token(self, work: Work, alg: str) -> None:
        code = work.at
        assert isinstance(code, Code)
        facts = code_law.CodeFacts(
            client_id=code.grant.application, redirect_uri=code.redirect_uri, code_challenge=code.code_challenge
        )
        code_law.check(facts, client_id=CLIENT, public=False, redirect_uri=CALLBACK, code_verifier=None)
        downstream.signed_id_token(
            code.grant,
            code.grant.scope,
            self.person,
            access_token=self.entropy.token(32),
            now=work.now,
            lifetimes=LIFETIMES,
            signer=self.signers[alg],
            issuer=ISSUER,
        )

    # -- what the libraries need ---------------------------------------------------------------------------------------

    def libraries(self, field: str) -> dict[str, float]:
        octets = base64.b64decode(field)
        assertion = etree.fromstring(octets).find(saml("Assertion"))
        assert assertion is not None
        signature = assertion.find(ds("Signature"))
        assert signature is not None
        signed_info = etree.tostring(signature[0], method="c14n", exclusive=True)
        value = base64.b64decode(signature[1].text or "")
        assertion.remove(signature)
        public, scheme, algorithm = self.idp.key.public_key(), padding.PKCS1v15(), hashes.SHA256()
        curve, ecdsa = ec.generate_private_key(ec.SECP256R1()), ec.ECDSA(hashes.SHA256())
        parts: dict[str, Callable[[], object]] = {
            "base64 and one XML parse": lambda: etree.fromstring(base64.b64decode(field)),
            "exc-C14N and SHA-256 of the assertion": lambda: sha256(
                etree.tostring(assertion, method="c14n", exclusive=True)
            ).digest(),
            "RSA-2048 verification": lambda: public.verify(value, signed_info, scheme, algorithm),
            "ES256 signature": lambda: curve.sign(signed_info, ecdsa),
            "RS256 signature": lambda: self.idp.key.sign(signed_info, scheme, algorithm),
        }
        return {name: _repeated(work) for name, work in parts.items()}


def _repeated(work: Callable[[], object], count: int = 300) -> float:
    work()
    found = []
    for _ in range(5):
        began = time.process_time_ns()
        for _ in range(count):
            work()
        found.append((time.process_time_ns() - began) / count / 1000)
    return statistics.median(found)


def measure(bench: Bench, *, rounds: int, count: int, at_once: int = AT_ONCE) -> dict[str, list[float]]:
    """Microseconds of CPU a login, for each stage, a figure a round.

    A few logins at a time go through a stage: one alone would be lost in the clock's own cost, and of hundreds the code would
    be warmer than it ever is on a server, where each login comes to it from somewhere else.
    """
    found: dict[str, list[float]] = {name: [] for name, _ in bench.stages}
    for number in range(rounds + 1):
        spent = dict.fromkeys(found, 0)
        for _ in range(count // at_once):
            works = bench.works(at_once)
            for name, stage in bench.stages:
                began = time.process_time_ns()
                for work in works:
                    stage(work)
                spent[name] += time.process_time_ns() - began
        gc.collect()
        for name, nanoseconds in spent.items():
            if number:  # the first round warms the caches
                found[name].append(nanoseconds / (count // at_once * at_once) / 1000)
    return found


def table(found: dict[str, list[float]], libraries: dict[str, float]) -> str:
    lines = [f"{'µs CPU a login':40} {'median':>8} {'least':>8} {'most':>8}"]
    for name, spent in found.items():
        lines.append(f"{name:40} {statistics.median(spent):8.1f} {min(spent):8.1f} {max(spent):8.1f}")
    for alg, other in (("RS256", "ID token, ES256"), ("ES256", "ID token, RS256")):
        whole = [sum(each) for each in zip(*(spent for name, spent in found.items() if name != other), strict=True)]
        name = f"the whole, {alg}"
        lines.append(f"{name:40} {statistics.median(whole):8.1f} {min(whole):8.1f} {max(whole):8.1f}")
    lines.append("")
    lines += [f"{name:40} {spent:8.1f}" for name, spent in libraries.items()]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.law", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="(%(default)s)")
    parser.add_argument("--count", type=int, default=200, help="logins a round (%(default)s)")
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help="logins that go through a stage (%(default)s)")
    parser.add_argument("--core", type=int, default=0, help="(%(default)s)")
    parser.add_argument(
        "--profile", metavar="STAGE", help="calls of a stage whose name begins so, instead of the table"
    )
    asked = parser.parse_args(arguments)
    os.sched_setaffinity(0, {asked.core})
    bench = Bench()
    if asked.profile is not None:
        _profiled(bench, asked.profile, asked.count)
        return
    found = measure(bench, rounds=asked.rounds, count=asked.count, at_once=asked.at_once)
    print(table(found, bench.libraries(bench.works(1)[0].field)))


def _profiled(bench: Bench, stage: str, count: int) -> None:
    measure(bench, rounds=1, count=count)
    profile = cProfile.Profile()
    works = bench.works(count)
    for name, work_on in bench.stages:
        if name.startswith(stage):
            profile.enable()
        for work in works:
            work_on(work)
        profile.disable()
    pstats.Stats(profile).sort_stats("tottime").print_stats(45)


def _signer(alg: str) -> SigningKey:
    pem = jose.generate(alg)
    return jose.signing_key(jose.thumbprint(alg, jose.public_pem(pem)), alg, pem)


def _connection(certificate: str) -> Connection:
    return Connection(
        id=ConnectionId("c" * 22),
        name=DIRECT,
        display_name="Bench",
        idp=Upstream(entity_id=ENTITY_ID, sso_url=SSO, certificates=(certificate,)),
        applications=(ClientId(CLIENT),),
        domains=(Domain(name=DOMAIN, verified=True),),
        idp_initiated=IdpInitiated(
            enabled=True,
            default_application=ClientId(CLIENT),
            unsolicited=Unsolicited.ACCEPT,
            delivery=Delivery.DIRECT,
            parameters={"redirect_uri": CALLBACK, "scope": SCOPE},
            accept_login_csrf_risk=True,
            accept_application_login_csrf_risk=True,
        ),
    )


def _application() -> Application:
    return Application(
        client_id=ClientId(CLIENT),
        name="CRM",
        type=ApplicationType.WEB,
        redirect_uris=(CALLBACK,),
        secret_digests=(),
        grant_types=("authorization_code",),
    )


if __name__ == "__main__":
    main()
