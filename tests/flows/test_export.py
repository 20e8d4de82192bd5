"""Exporting: what is written is taken again, and nothing is lost on the way but secrets."""

import asyncio
from pathlib import Path

import pytest
from lxml import etree
from tests import builders_saml
from tests.flows.configuring import SECRET, WITHOUT_SAML, Bench, by_hand

from vestibule.flows.export import export
from vestibule.saml import metadata
from vestibule.settings import reading
from vestibule.settings.document import ApplicationPart, ConnectionPart
from vestibule.xml import signature

EVERYTHING = f"""\
confirm_identity_switch: false
branding: {{product_name: "Acmé: #1", logo_url: https://crm.example/logo.svg, colour: "#0b5", support: help@crm.example}}
applications:
  - client_id: crm
    name: "yes"
    type: web
    enabled: false
    first_party: false
    client_secret: {SECRET}
    token_endpoint_auth_method: client_secret_post
    redirect_uris: [https://crm.example/callback, https://crm.example/direct]
    post_logout_redirect_uris: [https://crm.example/]
    initiate_login_uri: https://crm.example/login
    target_link_uris: [https://crm.example/app/]
    web_origins: [https://admin.crm.example]
    require_pkce: true
    publish_connections: true
    id_token_signed_response_alg: ES256
    response_types: [code]
    grant_types: [authorization_code]
  - client_id: board
    name: Board
    type: spa
    redirect_uris: [https://board.example/cb]
    allow_unsolicited_tokens: true
    response_types: [code, token, id_token token]
connections:
  - name: acme
    id: con_acme
    display_name: Acme Corp
    enabled: false
    idp:
      entity_id: https://idp.acme.example/saml
      sso_url: https://idp.acme.example/sso
      sso_post_url: https://idp.acme.example/post
      slo_url: https://idp.acme.example/slo
      certificates: [acme-idp.pem]
    acs: logto
    sp_entity_id: urn:vestibule:acme
    sign_requests: false
    request_binding: post
    clock_skew: 0
    max_assertion_age: 600
    provision: false
    subject_attribute: employeeNumber
    allow_foreign_emails: true
    link_by_email: true
    session_max: 3600
    refresh_max: 7200
    debug_until: 2030-01-31T12:00:00Z
    allow_sha1_signatures: true
    allow_cbc_encryption: true
    ignore_unknown_in_response_to: true
    applications: [crm, board]
    domains: [{{name: acme.example, verified: true}}, {{name: acme.test}}]
    attribute_mapping: {{email: [mail, email], name: displayName}}
    idp_initiated:
      enabled: true
      default_application: crm
      unsolicited: accept
      delivery: direct
      response_protocol: oidc
      parameters: redirect_uri=https://crm.example/direct&scope=openid email
      routes:
        "on": {{application: board, delivery: direct, parameters: {{response_type: token}}, response_protocol: oidc}}
        "1": {{application: crm, delivery: client, client_redirect_url: https://crm.example/sso, target_link_uri: https://crm.example/app/1}}
      relay_state: ignore
      unknown_relay_state: refuse
      arrival_ttl: 60
      post_origins: ["null", "*"]
      accept_login_csrf_risk: true
      accept_application_login_csrf_risk: true
"""
"""A value other than the default for every key there is."""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def exported(bench: Bench) -> str:
    return asyncio.run(export(bench.store))


def nouns(bench: Bench) -> object:
    configured = bench.store.configured
    return (
        asyncio.run(configured.installation()),
        asyncio.run(configured.applications()),
        asyncio.run(configured.connections()),
    )


def test_the_sample_leaves_no_key_out() -> None:
    """Else a key that export forgets would not be missed."""
    document = reading.read(EVERYTHING, {})
    applications = set().union(*(part.model_fields_set for part in document.applications))
    connection = document.connections[0]
    assert set(ApplicationPart.model_fields) - applications == {"client_secret_env", "saml"}
    assert set(ConnectionPart.model_fields) == connection.model_fields_set
    policy = connection.idp_initiated
    assert set(type(policy).model_fields) - policy.model_fields_set == {"client_redirect_url"}
    routes = set().union(*(route.model_fields_set for route in policy.routes.values()))
    assert set(type(policy.routes["on"]).model_fields) == routes


@pytest.mark.parametrize("text", [EVERYTHING, WITHOUT_SAML, by_hand("acme"), "{}"])
def test_what_is_exported_is_what_is_in_place(bench: Bench, text: str) -> None:
    """Applied to the same store it changes nothing, secrets included."""
    bench.apply(text)
    before = nouns(bench)
    again = bench.apply(exported(bench))
    assert (again.created, again.changed, again.secrets) == ((), (), {})
    assert nouns(bench) == before


def test_what_is_exported_makes_the_same_installation_elsewhere(bench: Bench, tmp_path: Path) -> None:
    """All but secrets, which are generated and shown; certificates need no file any more."""
    bench.apply(EVERYTHING)
    elsewhere = Bench(tmp_path)
    (tmp_path / "acme-idp.pem").unlink()
    assert elsewhere.apply(exported(bench)).secrets.keys() == {"crm"}
    assert exported(elsewhere) == exported(bench)
    assert elsewhere.connection("acme") == bench.connection("acme")
    assert elsewhere.installation() == bench.installation()
    assert elsewhere.application("board") == bench.application("board")


def test_secrets_are_left_out_and_the_file_says_so(bench: Bench) -> None:
    bench.apply(EVERYTHING)
    text = exported(bench)
    assert SECRET not in text
    assert bench.application("crm").secret_digests[0] not in text
    assert text.count("# client_secret: not exported") == 1, "the public application has none"


def test_defaults_are_left_out(bench: Bench) -> None:
    bench.apply(by_hand("acme"))
    assert "clock_skew" not in exported(bench)
    assert "idp_initiated" not in exported(bench)


def test_metadata_from_a_url_is_exported_with_what_it_said(bench: Bench, tmp_path: Path) -> None:
    """Applied elsewhere nothing is fetched, and the address is kept for later."""
    bench.web.documents["https://idp.example/metadata"] = idp_metadata("https://idp.example/")
    bench.apply("connections: [{name: acme, idp: {metadata_url: 'https://idp.example/metadata'}}]")
    elsewhere = Bench(tmp_path)
    elsewhere.apply(exported(bench))
    assert elsewhere.web.asked == []
    assert elsewhere.connection("acme") == bench.connection("acme")
    assert elsewhere.connection("acme").idp.metadata_url == "https://idp.example/metadata"


def test_the_signer_of_metadata_is_exported_with_it(bench: Bench, tmp_path: Path) -> None:
    """Else the next reading of the same address would believe anybody."""
    signer = builders_saml.idp_certificate("federation")
    (bench.base / "federation.pem").write_text(signer)
    root = etree.fromstring(idp_metadata("https://idp.example/"))
    root.set("ID", "_metadata")
    signature.sign(root, key=builders_saml.idp_key("federation"), after=root[0].tag)
    bench.web.documents["https://idp.example/metadata"] = etree.tostring(root)
    idp = "{metadata_url: 'https://idp.example/metadata', metadata_certificates: [federation.pem]}"
    bench.apply(f"connections: [{{name: acme, idp: {idp}}}]")
    elsewhere = Bench(tmp_path)
    elsewhere.apply(exported(bench))
    assert elsewhere.connection("acme") == bench.connection("acme")
    assert elsewhere.connection("acme").idp.metadata_certificates == (signer,)
    assert exported(elsewhere) == exported(bench)


def idp_metadata(entity_id: str) -> bytes:
    """Metadata of a provider that takes both bindings."""
    body = (
        builders_saml.idp_certificate()
        .replace("-----BEGIN CERTIFICATE-----", "")
        .replace("-----END CERTIFICATE-----", "")
    )
    sso = "".join(
        f'<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-{name}" Location="{entity_id}{name}"/>'
        for name in ("Redirect", "POST")
    )
    text = (
        f'<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity_id}">'
        '<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing">'
        f'<KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>{body}</X509Certificate></X509Data>'
        f"</KeyInfo></KeyDescriptor>{sso}</IDPSSODescriptor></EntityDescriptor>"
    )
    read = metadata.read_idp(text.encode(), now=builders_saml.NOW)
    assert read.entity_id == entity_id
    return text.encode()
