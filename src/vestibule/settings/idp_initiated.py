"""The policy for unsolicited responses, as the configuration file writes it."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from vestibule.settings.kinds import Identifier, Kind, Names, Part, Risk, Text, WebUrl

_Parameters = Annotated[Mapping[Text, str] | Text, Kind("map, or a query string")]


class RoutePart(Part):
    """Where one RelayState alias leads. What is left out follows the application's own type and addresses."""

    application: Identifier = Field(description="The client id of the application.")
    target_link_uri: WebUrl | None = Field(default=None, description="The place in the application to open.")
    delivery: Literal["client", "direct"] | None = Field(default=None, description="As for the default application.")
    client_redirect_url: WebUrl | None = Field(default=None, description="As for the default application.")
    parameters: _Parameters = Field(default={}, description="As for the default application.")
    response_protocol: Literal["oidc", "saml"] | None = Field(
        default=None, description="As for the default application."
    )


class IdpInitiatedPart(Part):
    """The policy for unsolicited responses. The first keys describe the default application."""

    enabled: bool = Field(default=False, description="Off: unsolicited responses are refused with a page that says so.")
    default_application: Identifier | None = Field(
        default=None, description="The client id of the application that is rung for; needed to enable."
    )
    unsolicited: Literal["restart", "confirm", "accept"] = Field(
        default="restart",
        description="How far the unsolicited identity is trusted. `restart`: not at all, the login is asked for again. "
        "`confirm`: after the person's click. `accept`: silently.",
    )
    delivery: Literal["client", "direct"] = Field(
        default="client",
        description="How the person reaches the application. `client`: it starts an ordinary login of its own. "
        "`direct`: it is answered without having asked.",
    )
    response_protocol: Literal["oidc", "saml"] | None = Field(
        default=None, description="Left out: follows the application's type."
    )
    client_redirect_url: WebUrl | None = Field(
        default=None, description="Where `client` delivery sends the browser. Left out: `initiate_login_uri`."
    )
    parameters: _Parameters = Field(default={}, description="Authorization parameters for `direct` delivery.")
    routes: Mapping[Text, RoutePart] = Field(
        default={}, description="RelayState alias (1 to 80 bytes) -> where it leads."
    )
    relay_state: Literal["ignore", "route", "target_link_uri", "state"] = Field(
        default="route", description="What an unsolicited response's RelayState means."
    )
    unknown_relay_state: Literal["default", "refuse"] = Field(
        default="default", description="What becomes of a RelayState that names no route."
    )
    arrival_ttl: Annotated[int, Field(ge=10, le=600), Kind("seconds, 10 to 600")] = Field(
        default=120, description="How long an arrival waits for its application."
    )
    post_origins: Annotated[
        Names,
        Risk(
            "posts from any page are believed, so that login CSRF is open at Vestibule",
            lambda value: "*" in value or "null" in value,
        ),
    ] = Field(
        default=(),
        description="Origins besides that of `sso_url` from which `accept` believes a post; `null` and `*` can be listed.",
    )
    accept_login_csrf_risk: Annotated[
        bool,
        Risk(
            "an attacker can sign a victim's browser in as himself (login CSRF) through this connection",
            lambda value: value is True,
        ),
    ] = Field(default=False, description="Has to be `true` to save `unsolicited: accept`.")
    accept_application_login_csrf_risk: Annotated[
        bool,
        Risk(
            "an attacker can carry his own answer to a victim's browser, and the application cannot tell (login CSRF)",
            lambda value: value is True,
        ),
    ] = Field(default=False, description="Has to be `true` to save `delivery: direct`.")
