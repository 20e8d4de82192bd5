"""`vestibule inspect` beside a running broker: what real identity providers post, saved as a person saves it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.peers.enterprise import Enterprise
from tests.peers.plain_browser import Page, PlainBrowser
from tests.peers.test_samlp import acme as by_samlp  # noqa: F401 a fixture
from tests.peers.test_simplesamlphp import acme as by_simplesamlphp  # noqa: F401 a fixture


def saved(enterprise: Enterprise, signing: str, directory: Path) -> Path:
    """The page that posts itself, saved before it is posted."""
    browser = PlainBrowser()

    def posts_itself(page: Page) -> bool:
        return page.is_html and 'name="SAMLResponse"' in page.text

    page = browser.open(enterprise.tile(enterprise.broker, enterprise.name(signing)), stop=posts_itself)
    assert posts_itself(page)
    file = directory / f"{signing}.html"
    file.write_bytes(page.body)
    return file


@pytest.mark.parametrize(
    ("peer", "signing"), [("by_samlp", "assertion"), ("by_samlp", "response"), ("by_simplesamlphp", "both")]
)
def test_a_saved_page_is_judged_as_the_consumer_judges_it(
    request: pytest.FixtureRequest, tmp_path: Path, peer: str, signing: str
) -> None:
    """Accepted now; refused for another connection, and a day later, each with its own reason. Then posted: it was not used up."""
    enterprise: Enterprise = request.getfixturevalue(peer)
    file = saved(enterprise, signing, tmp_path)
    name = enterprise.name(signing)
    broker = enterprise.broker

    now = broker.command("inspect", str(file), "--connection", name)
    assert now.returncode == 0, now.stdout + now.stderr
    assert "found as        HTML form" in now.stdout
    assert "ACCEPTED" in now.stdout
    assert "alice" not in now.stdout

    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    late = broker.command("inspect", str(file), "--connection", name, "--at", tomorrow)
    assert late.returncode == 1
    assert "it would have passed every rule" in late.stdout

    other = enterprise.name("both" if signing != "both" else "response")
    mixed = broker.command("inspect", str(file), "--connection", other, "--json")
    assert mixed.returncode == 1
    (found,) = json.loads(mixed.stdout)["inspections"]
    failing = {one["rule"] for stage in found["stages"] for one in stage["findings"] if one["verdict"] == "fail"}
    assert {"saml.audience", "saml.recipient"} <= failing
    assert any(f"belongs to connection {name}" in said for said in found["evidence"])

    page = next(form for form in _forms(file) if "SAMLResponse" in form)
    posted = PlainBrowser().post(broker.acs(name), page, initiator=enterprise.base)
    assert posted.status == 200
    again = broker.command("inspect", str(file), "--connection", name)
    assert "REFUSED  saml.replayed" in again.stdout


def _forms(file: Path) -> list[dict[str, str]]:
    page = Page("GET", "http://idp.localhost/", 200, (("content-type", "text/html"),), file.read_bytes())
    return [dict(form.form_values()) for form in page.document.forms]
