"""The configuration file as types: every key there is, with its default, its meaning and the risk of its weaker values."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from vestibule.settings.idp_initiated import IdpInitiatedPart
from vestibule.settings.kinds import (
    Colour,
    ConnectionKey,
    ConnectionName,
    DomainName,
    Identifier,
    Kind,
    Long,
    Names,
    OneOrMore,
    Part,
    Risk,
    Seconds,
    Secret,
    Support,
    Text,
    VariableName,
    WebUrl,
    refusal,
)
from vestibule.settings.public_email import PUBLIC_EMAIL_DOMAINS


class BrandingPart(Part):
    """The product as people know it, on every page they see."""

    product_name: Text = Field(default="Vestibule", description="The product's name.")
    logo_url: WebUrl | None = Field(default=None, description="The product's logo.")
    colour: Colour = Field(default="#2f5fd0", description="The colour of buttons and links.")
    support: Support | None = Field(default=None, description="Where people turn when a login fails.")


class SamlPart(Part):
    """What a SAML application is reached by."""

    acs_url: WebUrl = Field(description="Where SAML Responses are posted.")
    entity_id: Text = Field(description="The application's entity id.")
    login_url: WebUrl | None = Field(default=None, description="Where the application starts a login of its own.")


class ApplicationPart(Part):
    """Something that people sign in to. Names as in OpenID Connect dynamic registration, where it has one."""

    client_id: Identifier = Field(description="Names the application; never changes.")
    name: Text = Field(description="The application's name, as people see it.")
    type: Literal["web", "spa", "native", "machine", "saml"] = Field(
        description="`web`: a server that keeps a secret. `spa`: runs in the browser. `native`: runs on a device. "
        "`machine`: signs nobody in (client credentials come with a later version). `saml`: speaks SAML (comes with a later version)."
    )
    enabled: bool = Field(default=True, description="Off: nobody signs in to it.")
    first_party: bool = Field(
        default=True,
        description="It belongs to the product itself: `offline_access` is granted without `prompt=consent`.",
    )
    client_secret: Secret | None = Field(
        default=None,
        description="The secret, of which only a digest is kept. Left out: kept as it is, or generated for a new "
        "application and printed once.",
    )
    client_secret_env: VariableName | None = Field(
        default=None, description="The environment variable that holds the secret, instead of `client_secret`."
    )
    token_endpoint_auth_method: Literal["client_secret_basic", "client_secret_post", "none"] | None = Field(
        default=None,
        description="How it proves itself at the token endpoint. Left out: `client_secret_basic` for `web` and "
        "`machine`, `none` for the others.",
    )
    redirect_uris: Names = Field(default=(), description="Where answers may be sent, compared as they are written.")
    post_logout_redirect_uris: Names = Field(default=(), description="Where a person may be sent after signing out.")
    initiate_login_uri: WebUrl | None = Field(
        default=None, description="Where a login that starts elsewhere reaches the application [OIDC Core 4]."
    )
    target_link_uris: Names = Field(
        default=(), description="Where deep links may lead: same scheme, host and port, path equal or below."
    )
    web_origins: Names = Field(
        default=(), description="Origins that may call with CORS, beside those of the redirect URIs."
    )
    require_pkce: bool = Field(
        default=False, description="Asks PKCE of a `web` application too; the others always need it."
    )
    allow_unsolicited_tokens: Annotated[
        bool,
        Risk(
            "tokens that the application did not ask for reach it in the fragment, without a nonce",
            lambda value: value is True,
        ),
    ] = Field(default=False, description="`spa` with `direct` delivery: answers with tokens in the fragment.")
    publish_connections: Annotated[
        bool, Risk("anybody can read which companies use the application", lambda value: value is True)
    ] = Field(
        default=False,
        description="Lists the application's connections in `/client/{client_id}.js`. Has no effect in this version, which does not serve it.",
    )
    id_token_signed_response_alg: Literal["RS256", "ES256"] = Field(
        default="RS256", description="How its ID tokens are signed."
    )
    response_types: Names | None = Field(
        default=None, description="What it may ask of `/authorize`. Left out: `[code]`, none for `machine` and `saml`."
    )
    grant_types: Names | None = Field(
        default=None,
        description="What it may ask of the token endpoint. Left out: `[authorization_code, refresh_token]`, "
        "`[client_credentials]` for `machine`, none for `saml`.",
    )
    saml: SamlPart | None = Field(default=None, description="What a `saml` application is reached by.")

    def proves_itself(self) -> bool:
        """Whether it authenticates at the token endpoint, as it says or as its type has it."""
        method = self.token_endpoint_auth_method
        return self.type in ("web", "machine") if method is None else method != "none"

    @model_validator(mode="after")
    def _one_secret(self) -> Self:
        if self.client_secret is not None and self.client_secret_env is not None:
            raise refusal("secret_twice", "has both client_secret and client_secret_env. Keep one of them.")
        return self


class PartsByHand(Part):
    """What is known of an identity provider without its metadata."""

    entity_id: Text = Field(description="The identity provider's entity id.")
    sso_url: WebUrl | None = Field(default=None, description="Where AuthnRequests go by redirect.")
    sso_post_url: WebUrl | None = Field(default=None, description="Where AuthnRequests go by form post.")
    slo_url: WebUrl | None = Field(default=None, description="Where logout requests go.")
    certificates: Annotated[tuple[Long, ...], Field(min_length=1, max_length=20), Kind("list of PEM texts")] = Field(
        description="Its signing certificates; several during a rollover. Only these are believed."
    )


class IdpPart(Part):
    """The other side: exactly one of `metadata_url`, `metadata_file`, `metadata_xml`, or the parts by hand."""

    metadata_url: WebUrl | None = Field(default=None, description="Metadata to fetch when the file is applied.")
    metadata_file: Text | None = Field(default=None, description="Metadata in a file, relative to this one.")
    metadata_xml: Long | None = Field(default=None, description="Metadata as text.")
    metadata_certificates: (
        Annotated[tuple[Long, ...], Field(min_length=1, max_length=20), Kind("list of paths or PEM texts")] | None
    ) = Field(
        default=None,
        description="Beside metadata: the certificates of whoever signs it, as PEM text or as paths relative to this file. The "
        "document as a whole must then be signed by one of them, and nothing is read but what was signed; several during a "
        "rollover. Left out: a signature on it is not looked at. With `metadata_file` and `metadata_xml` it holds for this "
        "reading; with `metadata_url` it is kept.",
    )
    snapshot: PartsByHand | None = Field(
        default=None,
        description="Beside `metadata_url`: what it said when it was last read, as `export` writes it. Used as it is; "
        "left out, the metadata is fetched.",
    )
    entity_id: Text | None = Field(
        default=None, description="By hand: the entity id. Beside metadata: which of several providers is meant."
    )
    sso_url: WebUrl | None = Field(default=None, description="By hand: where AuthnRequests go by redirect.")
    sso_post_url: WebUrl | None = Field(default=None, description="By hand: where AuthnRequests go by form post.")
    slo_url: WebUrl | None = Field(default=None, description="By hand: where logout requests go.")
    certificates: Annotated[tuple[Long, ...], Field(max_length=20), Kind("list of paths or PEM texts")] | None = Field(
        default=None,
        description="By hand: signing certificates, as PEM text or as paths relative to this file; several during a "
        "rollover. Only these are believed.",
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        sources = [
            name for name in ("metadata_url", "metadata_file", "metadata_xml") if getattr(self, name) is not None
        ]
        by_hand = [
            name for name in ("sso_url", "sso_post_url", "slo_url", "certificates") if getattr(self, name) is not None
        ]
        if len(sources) + bool(by_hand) != 1:
            found = ", ".join((*sources, *by_hand)) or "none of them"
            raise refusal(
                "idp_source",
                "needs exactly one of metadata_url, metadata_file, metadata_xml, or the parts by hand (entity_id, "
                f"sso_url, certificates). Found: {found}.",
            )
        if by_hand and (self.entity_id is None or not self.certificates):
            raise refusal("idp_parts", "by hand needs entity_id and at least one certificate.")
        if by_hand and self.metadata_certificates is not None:
            raise refusal("idp_signer", "has metadata_certificates without metadata that they could be held against.")
        if self.snapshot is not None and self.metadata_url is None:
            raise refusal("idp_snapshot", "has a snapshot without the metadata_url that it is of.")
        return self


class DomainPart(Part):
    """An email domain of a connection's people."""

    name: DomainName = Field(description="The domain, such as `acme.example`.")
    verified: bool = Field(
        default=False,
        description="The operator vouches that the domain is this customer's alone: its emails count as verified. "
        "One connection holds a verified domain.",
    )

    @model_validator(mode="after")
    def _nobodys_own(self) -> Self:
        if self.verified and self.name in PUBLIC_EMAIL_DOMAINS:
            raise refusal(
                "public_domain",
                f"cannot be verified: anybody can have an address at {self.name}. Leave out `verified`.",
            )
        return self


class ConnectionPart(Part):
    """One enterprise identity provider, reached over SAML 2.0."""

    name: ConnectionName = Field(description="Letters, digits, hyphens; never changes.")
    id: ConnectionKey | None = Field(
        default=None, description="Optional when it is created (moving over keeps ids), else generated; never changes."
    )
    display_name: Text | None = Field(default=None, description="The name that people see. Left out: `name`.")
    enabled: bool = Field(default=True, description="Off: nobody signs in through it, and its sessions answer nothing.")
    idp: IdpPart = Field(description="The identity provider.")
    acs: Literal["callback", "path", "logto"] = Field(
        default="callback",
        description="Which of the three ACS addresses our requests and metadata name; all are served.",
    )
    sp_entity_id: Text | None = Field(
        default=None,
        description="Our entity id towards this provider, where it is already set up otherwise than "
        "`ISSUER/saml/metadata/{name}`.",
    )
    sign_requests: bool = Field(default=True, description="Signs AuthnRequests.")
    request_binding: Literal["redirect", "post"] | None = Field(
        default=None,
        description="How AuthnRequests travel. Left out: `redirect`, or `post` where the provider has only that. "
        "`post` goes to the metadata's address for it, and where that names none, or the parts are by hand, to `sso_url`.",
    )
    clock_skew: Annotated[int, Field(ge=0, le=300), Kind("seconds, 0 to 300")] = Field(
        default=60, description="How far the two clocks may differ."
    )
    max_assertion_age: Annotated[int, Field(ge=60, le=86400), Kind("seconds, 60 to 86400")] = Field(
        default=3600, description="How old an assertion may be when it arrives."
    )
    provision: bool = Field(
        default=True, description="Creates a person at the first sign-in; off: unknown people are refused."
    )
    subject_attribute: Text | None = Field(
        default=None, description="The attribute that names the person, instead of the NameID."
    )
    allow_foreign_emails: Annotated[
        bool,
        Risk("emails outside the connection's domains reach applications, unverified", lambda value: value is True),
    ] = Field(default=False, description="Releases emails outside `domains`, where there are any.")
    link_by_email: Annotated[
        bool, Risk("whoever controls a verified domain's mailboxes can reach its people", lambda value: value is True)
    ] = Field(default=False, description="Joins identities whose email was verified on both sides.")
    session_max: Seconds | None = Field(default=None, description="The longest life of an SSO session made here.")
    refresh_max: Seconds | None = Field(default=None, description="The longest life of refresh tokens given here.")
    debug_until: AwareDatetime | None = Field(
        default=None,
        description="Until then, a sealed copy of each document is to be kept, for at most 24 h. Has no effect in this version.",
    )
    allow_sha1_signatures: Annotated[
        bool,
        Risk("SHA-1 signatures, which can be forged by chosen prefixes, are believed", lambda value: value is True),
    ] = Field(default=False, description="Believes signatures made with SHA-1.")
    allow_cbc_encryption: Annotated[
        bool,
        Risk(
            "AES-CBC does not protect what it encrypts from being changed: whoever catches a message can send changed copies of "
            "it and learn its text from how they are refused (a padding oracle). All failures look alike here, but the cipher stays weak",
            lambda value: value is True,
        ),
    ] = Field(
        default=False,
        description="Accepts assertions encrypted with AES-CBC, for providers that have nothing else. AES-GCM is always accepted, Triple DES never.",
    )
    ignore_unknown_in_response_to: Annotated[
        bool,
        Risk("a response that answers an unknown request is taken for an unsolicited one", lambda value: value is True),
    ] = Field(
        default=False, description="For providers that send a dummy InResponseTo; the login is then always restarted."
    )
    applications: Names = Field(
        default=(), description="The client ids of the applications that it signs people in to."
    )
    domains: tuple[DomainPart, ...] = Field(
        default=(), description="The email domains of its people, for home realm discovery."
    )
    attribute_mapping: Mapping[Text, OneOrMore] = Field(
        default={}, description="Claim <- attribute, or a list of attributes of which the first present wins."
    )
    idp_initiated: IdpInitiatedPart = Field(
        default=IdpInitiatedPart(), description="The policy for unsolicited responses."
    )


class Document(Part):
    """The file. What it names is put in place whole; what it does not name stays as it is."""

    branding: BrandingPart | None = Field(default=None, description="The product's face. Left out: stays as it is.")
    confirm_identity_switch: Annotated[
        bool | None,
        Risk("another person's login can replace this browser's without a question", lambda value: value is False),
    ] = Field(
        default=None,
        description="Asks before another person or connection replaces the one that this browser last used. Left out: "
        "stays as it is, `true` at first.",
    )
    applications: tuple[ApplicationPart, ...] = Field(default=(), description="The applications.")
    connections: tuple[ConnectionPart, ...] = Field(default=(), description="The connections.")
