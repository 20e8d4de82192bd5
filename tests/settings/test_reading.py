"""The configuration file's form: every fault with its path, its code and its line."""

import pytest

from vestibule.ground.errors import ConfigurationRefused
from vestibule.settings import reading
from vestibule.settings.document import Document

IDP = "{entity_id: https://idp.example/, certificates: [a.pem]}"


def faults(text: str, **environ: str) -> dict[str, str]:
    with pytest.raises(ConfigurationRefused) as caught:
        reading.read(text, environ)
    return {fault.path: fault.code for fault in caught.value.faults}


def connection(keys: str) -> str:
    return f"connections: [{{name: acme, idp: {IDP}, {keys}}}]"


def application(keys: str) -> str:
    return f"applications: [{{client_id: crm, name: CRM, type: web, {keys}}}]"


@pytest.mark.parametrize("text", ["", "---", "{}", "# nothing\n"])
def test_an_empty_file_names_nothing(text: str) -> None:
    assert reading.read(text, {}) == Document()


def test_every_fault_is_found_with_its_line() -> None:
    text = "brandin: {}\nbranding: {colour: red}\napplications:\n  - client_id: 12\n    type: wab\n"
    with pytest.raises(ConfigurationRefused) as caught:
        reading.read(text, {})
    found = {fault.path: (fault.code, fault.message) for fault in caught.value.faults}
    assert found.keys() == {
        "brandin",
        "branding.colour",
        "applications[0].client_id",
        "applications[0].name",
        "applications[0].type",
    }
    assert found["brandin"] == ("configuration.unknown_key", "is no key here. Did you mean branding? (line 1)")
    assert found["applications[0].client_id"] == ("configuration.type", "must be text; put it in quotes. (line 4)")
    assert found["applications[0].name"][0] == "configuration.missing"
    assert found["applications[0].type"][1].startswith("must be one of 'web', 'spa'")


@pytest.mark.parametrize(
    ("text", "path", "code"),
    [
        ("nonsense", "the file", "type"),
        ("[]", "the file", "type"),
        ("a: [", "the file", "yaml"),
        ("a: !!python/object/apply:os.system [ls]", "the file", "yaml"),
        ("a: \x00", "the file", "yaml"),
        ("a: 1\n---\nb: 2", "the file", "yaml"),
        ("a: .nan", "the file", "yaml"),
        ("a: !!binary aGk=", "the file", "yaml"),
        ("a: " + "[" * 5000, "the file", "too_deep"),
        ("a: " + "[" * 50 + "]" * 50, "the file", "too_deep"),
        ("a: " + "9" * 5000, "the file", "yaml"),
        ("#" * 5_000_001, "the file", "too_large"),
        ("1: 2", "the file", "key"),
        ("yes: 2", "the file", "key"),
        ("[a]: 2", "the file", "key"),
        ("<<: {branding: {}}", "the file", "key"),
        ("branding: {support: a@b.example}\nbranding: {}", "branding", "repeated_key"),
        ("applications: &a []\nconnections: *a", "connections", "alias"),
        ("a: &a [*a]", "a[0]", "alias"),
    ],
)
def test_what_is_not_plain_yaml_is_refused(text: str, path: str, code: str) -> None:
    """Tags that run code, keys given twice, aliases that blow up and numbers that take for ever never reach the models."""
    assert faults(text) == {path: f"configuration.{code}"}


@pytest.mark.parametrize(
    ("text", "path", "code"),
    [
        ("branding: {colour: '#12345'}", "branding.colour", "value"),
        ("branding: {logo_url: 'javascript:alert(1)'}", "branding.logo_url", "url"),
        ("branding: {logo_url: 'http://crm.example/'}", "branding.logo_url", "url"),
        ("branding: {support: nobody}", "branding.support", "support"),
        ("branding: {product_name: ''}", "branding.product_name", "value"),
        ("branding: {product_name: ' a'}", "branding.product_name", "text"),
        ('branding: {product_name: "a\\nb"}', "branding.product_name", "text"),
        ("confirm_identity_switch: 'true'", "confirm_identity_switch", "type"),
        (application("enabled: 1"), "applications[0].enabled", "type"),
        (application("redirect_uris: https://crm.example/"), "applications[0].redirect_uris", "type"),
        (application("redirect_uris: [1]"), "applications[0].redirect_uris[0]", "type"),
        (application("client_secret_env: 1st"), "applications[0].client_secret_env", "value"),
        ('branding: {product_name: "\\ud800"}', "branding.product_name", "text"),
        ('branding: {"\\ud800": a}', "branding", "key"),
        (application("client_secret: short"), "applications[0].client_secret", "secret"),
        (application("client_secret: 12345678901234567890123"), "applications[0].client_secret", "type"),
        (application("saml: {acs_url: 'https://a.example/'}"), "applications[0].saml.entity_id", "missing"),
        (application("id_token_signed_response_alg: none"), "applications[0].id_token_signed_response_alg", "value"),
        ("applications: [{client_id: 'a b', name: A, type: web}]", "applications[0].client_id", "identifier"),
        ("applications: [{client_id: '..', name: A, type: web}]", "applications[0].client_id", "identifier"),
        (connection("id: 'a.b'"), "connections[0].id", "identifier"),
        (connection("clock_skew: -1"), "connections[0].clock_skew", "value"),
        (connection("clock_skew: 301"), "connections[0].clock_skew", "value"),
        (connection("clock_skew: 1.5"), "connections[0].clock_skew", "type"),
        (connection("max_assertion_age: 59"), "connections[0].max_assertion_age", "value"),
        (connection("session_max: 59"), "connections[0].session_max", "value"),
        (connection("debug_until: 2030-01-01"), "connections[0].debug_until", "type"),
        (connection("debug_until: '2030-01-01T00:00:00'"), "connections[0].debug_until", "type"),
        (connection("domains: [acme.example]"), "connections[0].domains[0]", "type"),
        (connection("domains: [{name: acme}]"), "connections[0].domains[0].name", "domain"),
        (connection("domains: [{name: bücher.example}]"), "connections[0].domains[0].name", "domain"),
        (connection("domains: [{name: GMail.com, verified: true}]"), "connections[0].domains[0]", "public_domain"),
        (connection("attribute_mapping: {email: []}"), "connections[0].attribute_mapping.email", "value"),
        (connection("attribute_mapping: {email: {}}"), "connections[0].attribute_mapping.email", "type"),
        (connection("attribute_mapping: {email: [1]}"), "connections[0].attribute_mapping.email[0]", "type"),
        (connection("idp_initiated: {arrival_ttl: 9}"), "connections[0].idp_initiated.arrival_ttl", "value"),
        (connection("idp_initiated: {arrival_ttl: 601}"), "connections[0].idp_initiated.arrival_ttl", "value"),
        (connection("idp_initiated: {unsolicited: trust}"), "connections[0].idp_initiated.unsolicited", "value"),
        (connection("idp_initiated: {parameters: {a: 1}}"), "connections[0].idp_initiated.parameters.a", "type"),
        (
            connection("idp_initiated: {routes: {a: {application: b, to: c}}}"),
            "connections[0].idp_initiated.routes.a.to",
            "unknown_key",
        ),
    ],
)
def test_wrong_values_are_refused_where_they_stand(text: str, path: str, code: str) -> None:
    assert faults(text) == {path: f"configuration.{code}"}


@pytest.mark.parametrize("name", ["", "-acme", "acme-", "a b", "a/b", "acme_1", "ä", "a" * 129])
def test_a_connection_name_is_letters_digits_and_hyphens(name: str) -> None:
    text = f"connections: [{{name: '{name}', idp: {IDP}}}]"
    assert faults(text) == {"connections[0].name": "configuration.name"}


@pytest.mark.parametrize(
    ("idp", "code"),
    [
        ("{}", "idp_source"),
        ("{entity_id: a}", "idp_source"),
        ("{metadata_url: 'https://a.example/', metadata_file: a.xml}", "idp_source"),
        ("{metadata_url: 'https://a.example/', sso_url: 'https://a.example/'}", "idp_source"),
        ("{metadata_xml: a, certificates: [a.pem]}", "idp_source"),
        ("{sso_url: 'https://a.example/', certificates: [a.pem]}", "idp_parts"),
        ("{entity_id: a, sso_url: 'https://a.example/'}", "idp_parts"),
        ("{entity_id: a, certificates: []}", "idp_parts"),
        ("{metadata_file: a, snapshot: {entity_id: a, certificates: [a]}}", "idp_snapshot"),
        ("{entity_id: a, certificates: [a.pem], metadata_certificates: [b.pem]}", "idp_signer"),
    ],
)
def test_an_identity_provider_has_exactly_one_source(idp: str, code: str) -> None:
    assert faults(f"connections: [{{name: acme, idp: {idp}}}]") == {"connections[0].idp": f"configuration.{code}"}


def test_an_empty_list_of_signers_is_refused() -> None:
    """It would look like a demand and be none."""
    text = "connections: [{name: acme, idp: {metadata_file: a.xml, metadata_certificates: []}}]"
    assert set(faults(text)) == {"connections[0].idp.metadata_certificates"}


def test_two_parts_of_one_name_are_refused() -> None:
    app = "{client_id: crm, name: CRM, type: web}"
    con = f"{{name: acme, idp: {IDP}}}"
    assert faults(f"applications: [{app}, {app}]\nconnections: [{con}, {con}]") == {
        "applications[1].client_id": "configuration.repeated",
        "connections[1].name": "configuration.repeated",
    }


def test_a_secret_comes_from_the_environment() -> None:
    text = application("client_secret_env: CRM_SECRET, redirect_uris: ['https://crm.example/']")
    document = reading.read(text, {"CRM_SECRET": "s" * 22})
    assert document.applications[0].client_secret == "s" * 22
    assert document.applications[0].client_secret_env is None
    assert document.applications[0].redirect_uris == ("https://crm.example/",)


def test_a_secret_that_is_not_in_the_environment_is_refused() -> None:
    text = application("client_secret_env: CRM_SECRET")
    assert faults(text) == {"applications[0].client_secret_env": "configuration.secret_missing"}
    assert faults(text, CRM_SECRET="") == {"applications[0].client_secret_env": "configuration.secret_missing"}
    assert faults(text, CRM_SECRET="x" * 21) == {"applications[0].client_secret_env": "configuration.secret"}
    both = application("client_secret_env: CRM_SECRET, client_secret: " + "x" * 22)
    assert faults(both) == {"applications[0]": "configuration.secret_twice"}


@pytest.mark.parametrize(
    "keys", ["type: spa", "type: native", "type: saml", "type: web, token_endpoint_auth_method: none"]
)
def test_a_secret_without_use_is_refused_where_it_is_named(keys: str) -> None:
    """Whether the variable is set or not."""
    text = f"applications: [{{client_id: app, name: App, client_secret_env: S, {keys}}}]"
    for environ in ({}, {"S": "s" * 22}):
        assert faults(text, **environ) == {"applications[0].client_secret_env": "configuration.secret_unused"}


@pytest.mark.parametrize("keys", ["type: machine", "type: spa, token_endpoint_auth_method: client_secret_post"])
def test_whoever_authenticates_may_name_a_variable(keys: str) -> None:
    text = f"applications: [{{client_id: app, name: App, client_secret_env: S, {keys}}}]"
    assert reading.read(text, {"S": "s" * 22}).applications[0].client_secret == "s" * 22


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("<<: {branding: {}}", "has a merge key (<<), which is not supported. Write out here what it would bring in."),
        ("branding: {colour: red}", "must be # and three or six hexadecimal digits, in quotes, such as '#2f5fd0'."),
        (application("client_secret_env: 1st"), "must be the name of an environment variable: "),
        ('branding: {support: "\\udfff"}', "holds half a character"),
    ],
)
def test_faults_say_what_to_write(text: str, sentence: str) -> None:
    with pytest.raises(ConfigurationRefused) as caught:
        reading.read(text, {})
    assert caught.value.faults[0].message.startswith(sentence)


def test_no_refusal_repeats_a_secret() -> None:
    for text in (application("client_secret: hunter2"), application("client_secret: [hunter2]")):
        with pytest.raises(ConfigurationRefused) as caught:
            reading.read(text, {})
        assert "hunter2" not in str(caught.value)
    with pytest.raises(ConfigurationRefused) as caught:
        reading.read(application("client_secret_env: S"), {"S": "hunter2"})
    assert "hunter2" not in str(caught.value)


def test_one_attribute_is_a_list_of_one_and_domains_are_lower_case() -> None:
    text = connection("attribute_mapping: {name: displayName, email: [mail, email]}, domains: [{name: Acme.Example}]")
    part = reading.read(text, {}).connections[0]
    assert part.attribute_mapping == {"name": ("displayName",), "email": ("mail", "email")}
    assert part.domains[0].name == "acme.example"


def test_a_yaml_time_with_its_zone_is_read() -> None:
    part = reading.read(connection("debug_until: 2030-01-31T12:00:00Z"), {}).connections[0]
    assert part.debug_until is not None
    assert part.debug_until.isoformat() == "2030-01-31T12:00:00+00:00"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("confirm_identity_switch: false", "confirm_identity_switch"),
        (application("allow_unsolicited_tokens: true"), "applications[0].allow_unsolicited_tokens"),
        (application("publish_connections: true"), "applications[0].publish_connections"),
        (connection("allow_foreign_emails: true"), "connections[0].allow_foreign_emails"),
        (connection("link_by_email: true"), "connections[0].link_by_email"),
        (connection("allow_sha1_signatures: true"), "connections[0].allow_sha1_signatures"),
        (connection("allow_cbc_encryption: true"), "connections[0].allow_cbc_encryption"),
        (connection("ignore_unknown_in_response_to: true"), "connections[0].ignore_unknown_in_response_to"),
        (connection("idp_initiated: {post_origins: ['*']}"), "connections[0].idp_initiated.post_origins"),
        (connection("idp_initiated: {post_origins: ['null']}"), "connections[0].idp_initiated.post_origins"),
        (
            connection("idp_initiated: {accept_login_csrf_risk: true}"),
            "connections[0].idp_initiated.accept_login_csrf_risk",
        ),
        (
            connection("idp_initiated: {accept_application_login_csrf_risk: true}"),
            "connections[0].idp_initiated.accept_application_login_csrf_risk",
        ),
    ],
)
def test_weaker_choices_are_named_as_risks(text: str, path: str) -> None:
    assert [(risk.path, risk.code) for risk in reading.risks(reading.read(text, {}))] == [(path, "configuration.risk")]


def test_the_defaults_carry_no_risk() -> None:
    text = application("enabled: true") + "\n" + connection("idp_initiated: {post_origins: ['https://a.example']}")
    assert reading.risks(reading.read(text, {})) == ()
    assert reading.risks(reading.read("confirm_identity_switch: true", {})) == ()
