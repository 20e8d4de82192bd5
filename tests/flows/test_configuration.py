"""Applying configuration: the documented example, twice; what never changes; and that a fault anywhere applies nothing."""

import re
from pathlib import Path

import pytest
from tests import builders_saml
from tests.flows.configuring import EXAMPLE, SECRET, WITHOUT_SAML, Bench, by_hand

from vestibule.ground.errors import ConfigurationRefused
from vestibule.ground.hashing import digest
from vestibule.model.application import ClientAuth
from vestibule.model.connection import Domain, RequestBinding, Unsolicited
from vestibule.model.ids import ClientId


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


# -- the documented example -------------------------------------------------------------------------------------------


def test_the_example_is_applied_whole(bench: Bench) -> None:
    """The documentation's example, but for its SAML application, is in place afterwards as it is written."""
    assert bench.apply(WITHOUT_SAML).created == ("application crm", "connection acme")
    crm = bench.application("crm")
    acme = bench.connection("acme")
    installation = bench.installation()
    assert installation.branding.product_name == "Acme CRM"
    assert (crm.token_endpoint_auth_method, crm.secret_digests) == (ClientAuth.BASIC, (digest(SECRET),))
    assert crm.grant_types == ("authorization_code", "refresh_token")
    assert (acme.id, acme.display_name, acme.applications) == ("con_acme", "Acme Corp", ("crm",))
    assert acme.domains == (Domain(name="acme.example", verified=True),)
    assert acme.attribute_mapping == {"email": ("mail", "email"), "name": ("displayName",), "groups": ("memberOf",)}
    assert acme.idp.certificates == (builders_saml.idp_certificate(),)
    assert acme.idp_initiated.unsolicited is Unsolicited.RESTART
    assert (acme.idp_initiated.enabled, acme.idp_initiated.default_application) == (True, "crm")


def test_the_example_s_saml_application_is_refused_with_a_sentence(bench: Bench) -> None:
    """It is refused as a whole: not even the web application beside it is put in place."""
    assert "application.saml_not_supported" in bench.faults(EXAMPLE).values()


def test_a_file_applied_twice_changes_nothing_and_says_so(bench: Bench) -> None:
    bench.apply(WITHOUT_SAML)
    before = bench.everything()
    again = bench.apply(WITHOUT_SAML)
    assert again.unchanged == ("installation", "application crm", "connection acme")
    assert (again.created, again.changed, again.secrets) == ((), (), {})
    assert bench.everything() == before, "not even an event"


def test_a_dry_run_judges_and_changes_nothing(bench: Bench) -> None:
    before = bench.everything()
    assert bench.apply(WITHOUT_SAML, dry_run=True).created == ("application crm", "connection acme")
    assert bench.everything() == before


def test_what_is_applied_is_audited(bench: Bench) -> None:
    bench.apply(WITHOUT_SAML)
    assert bench.events("configuration.applied") == [
        {"created": "application crm, connection acme", "changed": "installation"}
    ]
    assert bench.events("configuration.domain_verified") == [{"domain": "acme.example"}]


def test_a_domain_is_audited_when_it_becomes_verified_and_not_again(bench: Bench) -> None:
    bench.apply(WITHOUT_SAML)
    bench.apply(WITHOUT_SAML.replace("Acme Corp", "Acme Inc"))
    assert len(bench.events("configuration.applied")) == 2
    assert len(bench.events("configuration.domain_verified")) == 1


def test_accepted_risks_are_returned_and_audited(bench: Bench) -> None:
    risky = WITHOUT_SAML.replace(
        "      default_application: crm", "      default_application: crm\n      accept_login_csrf_risk: true"
    )
    applied = bench.apply(risky)
    assert [risk.partition(":")[0] for risk in applied.risks] == [
        "connections.acme.idp_initiated.accept_login_csrf_risk"
    ]
    assert [event["risk"] for event in bench.events("configuration.risk_accepted")] == list(applied.risks)


def test_what_a_file_does_not_name_stays(bench: Bench) -> None:
    bench.apply(WITHOUT_SAML)
    other = "applications: [{client_id: board, name: Board, type: spa, redirect_uris: [https://board.example/cb]}]"
    assert bench.apply(other).created == ("application board",)
    assert bench.connection("acme").id == "con_acme"
    assert bench.installation().branding.product_name == "Acme CRM"


# -- secrets ----------------------------------------------------------------------------------------------------------

PLAIN = "applications: [{client_id: crm, name: CRM, type: web, redirect_uris: [https://crm.example/cb]}]"


def digests(bench: Bench) -> tuple[str, ...]:
    return bench.application("crm").secret_digests


def test_a_secret_that_is_left_out_is_generated_once_and_kept_as_a_digest(bench: Bench) -> None:
    applied = bench.apply(PLAIN)
    secret = applied.secrets[ClientId("crm")]
    assert len(secret) >= 43, "256 bits"
    assert digests(bench) == (digest(secret),)
    assert secret not in repr(applied)
    assert secret not in repr(bench.everything())
    again = bench.apply(PLAIN.replace("name: CRM", "name: Sales"))
    assert (again.changed, again.secrets) == (("application crm",), {})
    assert digests(bench) == (digest(secret),), "left out again, it stays"


def test_a_given_secret_replaces_the_one_before(bench: Bench) -> None:
    bench.apply(PLAIN)
    bench.apply(PLAIN.replace("type: web", f"type: web, client_secret: {SECRET}"))
    assert digests(bench) == (digest(SECRET),)


def test_an_application_that_does_not_authenticate_has_no_secret(bench: Bench) -> None:
    bench.apply(PLAIN)
    spa = PLAIN.replace("type: web", "type: spa")
    assert bench.apply(spa).secrets == {}
    assert digests(bench) == ()
    assert bench.faults(spa.replace("type: spa", f"type: spa, client_secret: {SECRET}")) == {
        "applications[0].client_secret": "configuration.secret_unused"
    }


# -- names and ids ----------------------------------------------------------------------------------------------------


def test_an_id_is_generated_once(bench: Bench) -> None:
    bench.apply(by_hand("acme"))
    first = bench.connection("acme")
    assert re.fullmatch(r"con_[A-Za-z0-9_-]{16}", first.id)
    assert bench.apply(by_hand("acme")).unchanged == ("connection acme",)
    assert bench.apply(by_hand("acme", f"id: {first.id}")).unchanged == ("connection acme",)


def test_an_id_never_changes(bench: Bench) -> None:
    bench.apply(by_hand("acme", "id: con_1"))
    assert bench.faults(by_hand("acme", "id: con_2")) == {"connections[0].id": "configuration.id_changed"}


def test_a_name_never_changes(bench: Bench) -> None:
    bench.apply(by_hand("acme", "id: con_1"))
    assert bench.faults(by_hand("umbrella", "id: con_1")) == {"connections[0].name": "configuration.name_changed"}


def test_a_name_may_not_be_another_connection_s_id(bench: Bench) -> None:
    """Also where the other is in place already and not in the file."""
    bench.apply(by_hand("acme", "id: umbrella"))
    assert bench.faults(by_hand("umbrella", "id: con_2")) == {"connections[0].name": "connection.name_is_id"}


# -- contradictions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "path", "code"),
    [
        ("applications: [crm]", "applications: []", "connections[0].idp_initiated.default_application", "idp_initiated.application_not_enabled"),
        ("applications: [crm]", "applications: [crm, nobody]", "connections[0].applications[1]", "connection.unknown_application"),
        ("https://crm.example/callback", "http://crm.example/callback", "applications[0].redirect_uris[0]", "application.redirect_uri"),
        ("enabled: true", "enabled: true\n      unsolicited: accept", "connections[0].idp_initiated.accept_login_csrf_risk", "idp_initiated.login_csrf_risk_not_accepted"),
        ("enabled: true", "enabled: true\n      delivery: direct", "connections[0].idp_initiated.accept_application_login_csrf_risk", "idp_initiated.application_login_csrf_risk_not_accepted"),
        ("enabled: true", "enabled: true\n      parameters: client_id=x", "connections[0].idp_initiated.parameters", "idp_initiated.forbidden_parameter"),
        ("      sso_url: https://idp.acme.example/sso\n", "", "connections[0].idp_initiated.unsolicited", "idp_initiated.restart_needs_sso_url"),
        ("groups: memberOf", "sub: memberOf", "connections[0].attribute_mapping.sub", "mapping.reserved_claim"),
    ],
)  # fmt: skip
def test_contradictions_are_refused_with_their_path_in_the_file(
    bench: Bench, before: str, after: str, path: str, code: str
) -> None:
    assert before in WITHOUT_SAML
    assert bench.faults(WITHOUT_SAML.replace(before, after))[path] == code


def test_the_file_is_judged_together_with_what_is_in_place(bench: Bench) -> None:
    """A domain that another connection holds cannot be verified again, although the file alone is sound."""
    bench.apply(WITHOUT_SAML)
    text = by_hand("umbrella", "domains: [{name: acme.example, verified: true}]")
    assert "connection.domain_taken" in bench.faults(text).values()


def test_a_change_that_breaks_what_is_in_place_is_refused(bench: Bench) -> None:
    """The application loses what a connection outside the file needs; the fault says where that connection is."""
    bench.apply(WITHOUT_SAML)
    text = "applications: [{client_id: crm, name: CRM, type: web, redirect_uris: [https://crm.example/callback]}]"
    with pytest.raises(ConfigurationRefused, match="in place already and not in this file") as caught:
        bench.apply(text)
    assert all(fault.path.startswith("connections.acme.") for fault in caught.value.faults)


def test_faults_of_several_parts_are_named_at_once(bench: Bench) -> None:
    text = f"""\
        applications:
          - {{client_id: board, name: Board, type: spa, client_secret: {SECRET}}}
        connections:
          - {{name: one, idp: {{metadata_file: missing.xml}}}}
          - {{name: two, idp: {{metadata_url: https://missing.example/metadata}}}}
        """
    assert bench.faults(text) == {
        "applications[0].client_secret": "configuration.secret_unused",
        "connections[0].idp.metadata_file": "configuration.file",
        "connections[1].idp.metadata_url": "configuration.metadata",
    }


def test_a_provider_that_takes_posts_only_is_posted_to(bench: Bench) -> None:
    text = by_hand("acme").replace("sso_url", "sso_post_url")
    bench.apply(text)
    assert bench.connection("acme").request_binding is RequestBinding.POST
