"""Vestibule under measurement: its four kinds of login, and the configuration that they need."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench import server
from bench.load import Failed, Script
from bench.responses import DOMAIN, ENTITY_ID, IDP, SSO, IdentityProvider, email, form
from bench.subject import APP, CALLBACK, SECRET, Kind, Login, Site, Subject, Up, asked, redeem, requested, verified
from vestibule import __version__

LOGIN = f"{APP}/login"
CLIENT, CLIENT_ES = "crm", "crm-es256"
SCOPE = "openid profile email"
PEOPLE = 500
"""How many people sign in, again and again; the warm-up has met them all."""

DIRECT, DIRECT_ES, DESK, PORTAL = "accept-direct", "accept-direct-es256", "solicited", "restart-client"
"""The connections, one for each kind of login."""
ACCEPT, ACCEPT_ES, SOLICITED, RESTART = "accept·direct", "accept·direct ES256", "solicited", "restart·client"
"""The kinds of login."""
ON_SQLITE, ON_POSTGRES = "Vestibule, SQLite", "Vestibule, PostgreSQL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The server, and the identity provider that it trusts."""

    site: Site
    idp: IdentityProvider

    def trusted(self, connection: str) -> tuple[IdentityProvider, str]:
        """Who answers for a connection, and under which entity id."""
        return self.idp, ENTITY_ID

    @property
    def issuer(self) -> str:
        return f"http://{self.site.host}/"

    def posted(
        self, login: Login, connection: str, *, in_response_to: str | None = None, relay_state: str | None = None
    ) -> bytes:
        """A fresh response, on its way in the auto-submitted form of the identity provider's page."""
        acs = f"{self.issuer}login/callback?connection={connection}"
        idp, entity_id = self.trusted(connection)
        response = idp.response(
            login.person,
            acs=acs,
            audience=f"{self.issuer}saml/metadata/{connection}",
            in_response_to=in_response_to,
            entity_id=entity_id,
        )
        return self.site.post(login, acs, form(response, relay_state), origin=IDP)

    # -- parts of logins, each timed as a whole; what stands before the inner function is not ----------------------------

    def direct(self, login: Login, connection: str, client: str) -> Script:
        """`accept` with `direct`: the response is posted, the answer brings the code, the application redeems it."""
        posted = self.posted(login, connection)

        def part() -> Script:
            login.at = (yield posted).location()
            yield from redeem(self.site, login, "/oauth/token", client)

        return part()

    def ring(self, login: Login) -> Script:
        """`restart` with `client`: the doorbell, the hop to the application, its request, and on to the provider."""
        posted = self.posted(login, PORTAL)
        asking = self._authorize(login, PORTAL)

        def part() -> Script:
            answer = yield posted
            login.keep(answer.values(b"set-cookie"))
            answer = yield self.site.get(login, answer.location())
            login.keep(answer.values(b"set-cookie"))
            if not answer.location().startswith(f"{LOGIN}?"):
                raise Failed(f"expected the application's login address, got {answer.location()}")
            answer = yield self.site.get(login, asking)
            login.keep(answer.values(b"set-cookie"))
            login.at = answer.location()

        return part()

    def ask(self, login: Login, connection: str) -> Script:
        """The application's request, answered by a redirect to the identity provider."""
        asking = self.site.get(login, self._authorize(login, connection))

        def part() -> Script:
            answer = yield asking
            login.keep(answer.values(b"set-cookie"))
            login.at = answer.location()

        return part()

    def answered(self, login: Login, connection: str) -> Script:
        """The fresh answer is posted, the hop where cookies are whole, the code, the exchange."""
        request, relay_state = requested(login, SSO)
        posted = self.posted(login, connection, in_response_to=request, relay_state=relay_state)

        def part() -> Script:
            answer = yield posted
            login.keep(answer.values(b"set-cookie"))
            login.at = (yield self.site.get(login, answer.location())).location()
            yield from redeem(self.site, login, "/oauth/token", CLIENT)

        return part()

    def _authorize(self, login: Login, connection: str) -> str:
        """The address of the application's authorization request, which names the connection."""
        return "/authorize?" + asked(login, {"client_id": CLIENT, "scope": SCOPE, "connection": connection}, pkce=True)

    # -- proofs --------------------------------------------------------------------------------------------------------

    def proven(self, login: Login, client: str, alg: str) -> Script:
        """The ID token is of the published key, for this application, about this person, through a connection."""
        keys = (yield self.site.get(Login(0), "/.well-known/jwks.json")).body
        want = {"iss": self.issuer, "aud": client, "email": email(login.person)}
        verified(login, keys, alg, want=want, having=("sub", "connection", "connection_id"))

    def replayed(self) -> Script:
        """A response that comes a second time is refused."""
        login = Login(person=0)
        posted = self.posted(login, DIRECT)
        login.at = (yield posted).location()
        second = yield posted
        if second.status < 400:
            raise Failed(f"a response that was used before was answered with {second.status}")


def kinds(scene: Scene) -> tuple[Kind, ...]:
    """The logins that the report compares."""
    return (
        _direct(scene, ACCEPT, DIRECT, CLIENT, "RS256"),
        _direct(scene, ACCEPT_ES, DIRECT_ES, CLIENT_ES, "ES256"),
        Kind(
            name=SOLICITED,
            says="/authorize -> AuthnRequest -> post of its answer -> continue -> code -> tokens (PKCE, state, nonce)",
            requests=4,
            signs="RS256",
            parts=(lambda login: scene.ask(login, DESK), lambda login: scene.answered(login, DESK)),
            prove=lambda login: scene.proven(login, CLIENT, "RS256"),
            warm=PEOPLE,
        ),
        Kind(
            name=RESTART,
            says="post of an unsolicited response -> continue -> application -> all of a solicited login",
            requests=6,
            signs="RS256",
            parts=(scene.ring, lambda login: scene.answered(login, PORTAL)),
            prove=lambda login: scene.proven(login, CLIENT, "RS256"),
            warm=PEOPLE,
        ),
    )


def _direct(scene: Scene, name: str, connection: str, client: str, alg: str) -> Kind:
    return Kind(
        name=name,
        says=f"post of an unsolicited response -> code -> tokens ({alg})",
        requests=2,
        signs=alg,
        parts=(lambda login: scene.direct(login, connection, client),),
        prove=lambda login: scene.proven(login, client, alg),
        warm=PEOPLE,
    )


def on_postgres(directory: Path, idp: IdentityProvider, url: str, pid: int) -> Subject:
    """Vestibule over this database of the PostgreSQL with this process."""
    return _subject(ON_POSTGRES, "PostgreSQL, synchronous_commit=on", url, directory, idp, pid)


def on_sqlite(directory: Path, idp: IdentityProvider) -> Subject:
    """Vestibule with its database in a file of this directory."""
    return _subject(ON_SQLITE, "SQLite, synchronous=FULL", str(directory / "bench.db"), directory, idp)


def _subject(
    name: str, where: str, database: str, directory: Path, idp: IdentityProvider, database_pid: int | None = None
) -> Subject:
    site = Site(port=server.free_port())
    scene = Scene(site=site, idp=idp)
    file = directory / f"bench-{site.port}.yaml"
    file.write_text(yaml.safe_dump(configuration(idp)))

    def serve(core: int) -> AbstractContextManager[Up]:
        return server.vestibule(
            directory, site.port, core=core, database=database, config=file, database_pid=database_pid
        )

    return Subject(
        name=name,
        version=f"Vestibule {__version__}",
        keeps=f"assertion, code, grant, access token, two events a login, on disk before the answer: {where}",
        port=site.port,
        kinds=kinds(scene),
        serve=serve,
        checks=(scene.replayed,),
    )


def configuration(idp: IdentityProvider) -> dict[str, Any]:
    """What `vestibule apply` puts in place: an application for each algorithm, a connection for each kind of login."""
    tiles = {"enabled": True, "default_application": CLIENT}
    return {
        "applications": [application(CLIENT, "RS256"), application(CLIENT_ES, "ES256")],
        "connections": [
            connection(idp, DIRECT, CLIENT, accepting(CLIENT), [{"name": DOMAIN, "verified": True}]),
            connection(idp, DIRECT_ES, CLIENT_ES, accepting(CLIENT_ES), []),
            connection(idp, DESK, CLIENT, {}, []),
            connection(idp, PORTAL, CLIENT, tiles, []),
        ],
    }


def accepting(client: str) -> dict[str, Any]:
    """`accept` with `direct`, and what has to be said to be allowed that."""
    return {
        "enabled": True,
        "default_application": client,
        "unsolicited": "accept",
        "delivery": "direct",
        "accept_login_csrf_risk": True,
        "accept_application_login_csrf_risk": True,
        "parameters": {"redirect_uri": CALLBACK, "scope": SCOPE},
    }


def application(client: str, alg: str) -> dict[str, Any]:
    return {
        "client_id": client,
        "name": "CRM",
        "type": "web",
        "client_secret": SECRET,
        "redirect_uris": [CALLBACK],
        "initiate_login_uri": LOGIN,
        "id_token_signed_response_alg": alg,
    }


def connection(
    idp: IdentityProvider, name: str, client: str, idp_initiated: Mapping[str, Any], domains: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "name": name,
        "idp": {"entity_id": ENTITY_ID, "sso_url": SSO, "certificates": [idp.certificate]},
        "applications": [client],
        "domains": domains,
        "idp_initiated": dict(idp_initiated),
    }
