"""People's pages: legible by everyone, framed by nobody, and nothing that anybody sent is ever markup."""

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.model.installation import Branding
from vestibule.web import pages
from vestibule.web.pages import Page

PLAIN = Branding(product_name="Acme CRM", colour="#0b5", support="help@crm.example")
EVIL = "\"><script>alert(1)</script>'&{{7*7}}<img src=x onerror=alert(1)>"
HOSTILE = Branding(product_name=EVIL, logo_url="https://crm.example/a\"b'c.svg", colour=f"#fff{EVIL}", support=EVIL)

Draw = Callable[[Branding, str], Page]


class Asked(TypedDict):
    application_name: str
    connection_name: str
    account: str
    csrf: str
    action: str


def asked(text: str, account: str | None = None) -> Asked:
    return {
        "application_name": text,
        "connection_name": text,
        "account": text if account is None else account,
        "csrf": text,
        "action": "/login/confirm",
    }


PAGES: dict[str, Draw] = {
    "error": lambda b, t: pages.error(b, reference=t, code=t, back="https://crm.example/", status=400),
    "error_no_way_back": lambda b, t: pages.error(b, reference=t, code="saml.audience", back=None, status=403),
    "home_realm": lambda b, t: pages.home_realm(b, application_name=t, action="/login/realm", fields={t: t}, email=t),
    "home_realm_again": lambda b, t: pages.home_realm(
        b, application_name=t, action="/login/realm", fields={t: t}, email=t, problem=t
    ),
    "confirm": lambda b, t: pages.confirm(b, arrival=t, fields={t: t}, **asked(t)),
    "confirm_switching": lambda b, t: pages.confirm(b, arrival=t, switching_from=True, **asked(t)),
    "switch": lambda b, t: pages.switch(b, handle=t, **asked(t)),
    "mismatch": lambda b, t: pages.mismatch(b, handle=t, **asked(t)),
    "declined": lambda b, t: pages.declined(b, back="https://crm.example/", application_name=t),
    "declined_no_way_back": lambda b, t: pages.declined(b, back=None, application_name=t),
    "loop": lambda b, t: pages.loop(b, connection_name=t, application_name=t, action_url="/authorize?a=b"),
    "moving_on": lambda b, t: pages.moving_on(b, url="https://crm.example/cb?code=1&state=\"'><script>"),
    "form_post": lambda b, t: pages.form_post(b, url="https://idp.example/sso?a=1&b=\"'>", fields={t: t}),
    "front": lambda b, t: pages.front(b),
    "signed_out": lambda b, t: pages.signed_out(b, back="https://crm.example/"),
    "logout_confirm": lambda b, t: pages.logout_confirm(b, csrf=t, action="/oidc/logout", fields={t: t}),
    "rehearsal_waiting": lambda b, t: pages.rehearsal_waiting(b, connection_name=t, steps=(t, t)),
    "rehearsal_passed": lambda b, t: pages.rehearsal_done(b, ok=True, reference=t),
    "rehearsal_refused": lambda b, t: pages.rehearsal_done(b, ok=False, reference=t),
}
FORMS = ("home_realm", "home_realm_again", "confirm", "confirm_switching", "switch", "mismatch", "logout_confirm")
QUESTIONS = ("confirm", "confirm_switching", "switch", "mismatch", "logout_confirm")


class Read(HTMLParser):
    """A page as a browser reads it: its elements with their attributes, in order, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice"
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, *tags: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.elements if tag in tags]

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())

    def hidden(self) -> dict[str, str]:
        return {field["name"]: field["value"] for field in self.all("input") if field["type"] == "hidden"}


def directives(page: Page) -> dict[str, str]:
    return dict(part.split(" ", 1) for part in page.csp.split("; "))


@pytest.fixture(params=PAGES)
def name(request: pytest.FixtureRequest) -> str:
    value: str = request.param
    return value


def test_no_value_becomes_markup(name: str) -> None:
    """Hostile values leave a page with the same elements as harmless ones, and can be read on it as they are."""
    harmless, hostile = (Read(PAGES[name](PLAIN, text).html) for text in ("harmless", EVIL))
    assert [tag for tag, _ in hostile.elements] == [tag for tag, _ in harmless.elements]
    for tag, attributes in hostile.elements:
        assert not [key for key in attributes if key.startswith("on") or key == "style"], tag


def test_branding_never_becomes_markup(name: str) -> None:
    read = Read(PAGES[name](HOSTILE, "harmless").html)
    allowed = 1 if name == "form_post" else 0
    assert len(read.all("script")) == allowed
    assert not [attributes for attributes in read.all("img") if "onerror" in attributes]
    assert EVIL in "".join(read.texts)


def test_a_page_is_a_page_for_everyone(name: str) -> None:
    """Language, viewport, one heading of the first rank, the three landmarks, a title that names page and product."""
    page = PAGES[name](PLAIN, "CRM")
    read = Read(page.html)
    assert page.html.startswith("<!doctype html>\n")
    assert read.all("html") == [{"lang": "en"}]
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in read.all("meta")
    assert len(read.all("h1")) == 1
    assert not read.all("h2", "h3")
    assert [len(read.all(tag)) for tag in ("header", "main", "footer", "title")] == [1, 1, 1, 1]
    title = re.search("<title>(.+) · Acme CRM</title>", page.html)
    assert title is not None
    assert all("alt" in image for image in read.all("img"))
    assert not [attributes for _, attributes in read.elements if int(attributes.get("tabindex", "0")) > 0]


def test_every_input_has_its_label_and_ids_are_unique(name: str) -> None:
    read = Read(PAGES[name](PLAIN, "CRM").html)
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    labels = {label["for"] for label in read.all("label")}
    for field in read.all("input"):
        assert field["type"] == "hidden" or field["id"] in labels
        for described in field.get("aria-describedby", "").split():
            assert described in ids


def test_the_policy_allows_what_the_page_needs_and_nothing_else(name: str) -> None:
    page = PAGES[name](PLAIN, "CRM")
    found = directives(page)
    assert found["default-src"] == "'none'"
    assert found["frame-ancestors"] == "'none'"
    assert found["base-uri"] == "'none'"
    assert found["img-src"] == "'self'"
    assert found.get("script-src") == ("'self'" if name == "form_post" else None)
    wanted = "https:" if name == "form_post" else "'self'" if name in FORMS else "'none'"
    assert found["form-action"] == wanted
    assert "unsafe" not in page.csp
    (style,) = re.findall("<style>(.*)</style>", page.html)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert found["style-src"] == f"'self' 'sha256-{digest}'"


def test_a_page_loads_only_files_that_exist_under_their_version(name: str) -> None:
    read = Read(PAGES[name](PLAIN, "CRM").html)
    loaded = [link["href"] for link in read.all("link")] + [script["src"] for script in read.all("script")]
    assert len(loaded) >= 2
    for address in loaded:
        path, _, version = address.partition("?v=")
        assert path.removeprefix("/static/") in pages.STATIC
        assert version == pages.STATIC_VERSION


def test_a_page_tells_nobody_where_the_person_was(name: str) -> None:
    """Nothing for others; our own forms need their Origin (browsers make it "null" under no-referrer), and so do peers."""
    wanted = {"form_post": "strict-origin", **dict.fromkeys(FORMS, "same-origin")}.get(name, "no-referrer")
    assert {"name": "referrer", "content": wanted} in Read(PAGES[name](PLAIN, "CRM").html).all("meta")


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_has_two_buttons_and_its_token(name: str) -> None:
    read = Read(PAGES[name](PLAIN, "text").html)
    assert [(button["name"], button["value"], button["type"]) for button in read.all("button")] == [
        ("decision", "yes", "submit"),
        ("decision", "no", "submit"),
    ]
    (form,) = read.all("form")
    assert form["method"] == "post"
    assert form["action"] == ("/oidc/logout" if name == "logout_confirm" else "/login/confirm")
    assert read.hidden()["csrf"] == "text"


@pytest.mark.parametrize(("name", "handle"), [("confirm", "arrival"), ("switch", "outcome"), ("mismatch", "outcome")])
def test_a_question_carries_the_handle_and_names_who_where_and_what_for(name: str, handle: str) -> None:
    question: Asked = {
        "application_name": "Orders",
        "connection_name": "Acme Corp",
        "account": "ada@acme.example",
        "csrf": "token",
        "action": "/x",
    }
    page = {
        "confirm": lambda: pages.confirm(PLAIN, arrival="the-handle", fields={"resume": "r"}, **question),
        "switch": lambda: pages.switch(PLAIN, handle="the-handle", fields={"resume": "r"}, **question),
        "mismatch": lambda: pages.mismatch(PLAIN, handle="the-handle", fields={"resume": "r"}, **question),
    }[name]()
    read = Read(page.html)
    assert read.hidden() == {"resume": "r", "csrf": "token", handle: "the-handle"}
    assert "Account ada@acme.example Signed in at Acme Corp Application Orders" in read.text
    assert "Continue to Orders No, this isn\u2019t me" in read.text


def test_a_switch_may_be_asked_about_an_arrival() -> None:
    page = pages.switch(PLAIN, handle="h", handle_name="arrival", **asked("x"))
    assert Read(page.html).hidden() == {"csrf": "x", "arrival": "h"}


def test_fields_cannot_replace_the_token_or_the_handle() -> None:
    page = pages.confirm(PLAIN, arrival="h", fields={"csrf": "forged", "arrival": "forged"}, **asked("x"))
    assert Read(page.html).hidden() == {"csrf": "x", "arrival": "h"}


def test_the_confirm_page_says_when_another_person_is_replaced() -> None:
    note = "Another account was last used in this browser."
    assert note in Read(PAGES["confirm_switching"](PLAIN, "x").html).text
    assert note not in Read(PAGES["confirm"](PLAIN, "x").html).text


@pytest.mark.parametrize("name", ["confirm", "switch", "mismatch"])
def test_an_account_cannot_disguise_itself(name: str) -> None:
    """Invisible characters and those that turn the writing round are shown as what they are."""
    read = Read(PAGES[name](PLAIN, "ecila\u202e\u200b\x07@acme.example").html)
    assert "ecila⟨U+202E⟩⟨U+200B⟩⟨U+0007⟩@acme.example" in read.text


def test_a_very_long_account_is_cut_visibly() -> None:
    whole, cut = (Read(pages.switch(PLAIN, handle="h", **asked("x", "a" * count)).html).text for count in (320, 321))
    assert "a" * 320 + "…" in cut
    assert "…" not in whole


def test_an_error_has_its_sentence_reference_support_and_way_back() -> None:
    page = pages.error(
        PLAIN, reference="K7QM-2FXD", code="login.other_browser", back="https://crm.example/", status=403
    )
    read = Read(page.html)
    assert page.status == 403
    assert "This sign-in started in another browser" in read.text
    assert "Reference K7QM-2FXD" in read.text
    assert [link["href"] for link in read.all("a")] == ["https://crm.example/", "mailto:help@crm.example"]
    assert "login.other_browser" not in page.html


def test_sentences_are_set_with_proper_apostrophes() -> None:
    assert "Your company\u2019s sign-in service" in Read(PAGES["error_no_way_back"](PLAIN, "x").html).text


def test_a_problem_is_announced_tied_to_the_field_and_in_the_title() -> None:
    page = PAGES["home_realm_again"](PLAIN, "Unknown")
    (field,) = [field for field in Read(page.html).all("input") if field["type"] == "email"]
    assert field["aria-invalid"] == "true"
    assert field["aria-describedby"] == "problem hint"
    assert field["value"] == "Unknown"
    assert {"id": "problem", "class": "problem", "role": "alert"} in Read(page.html).all("p")
    assert "<title>Error: Sign in to Unknown" in page.html


@pytest.mark.parametrize(
    ("logo", "source"),
    [
        ("https://crm.example/logo.svg", " https://crm.example"),
        ("http://localhost:8002/logo.svg", " http://localhost:8002"),
        ("/static/icon.svg", ""),
    ],
)
def test_the_policy_allows_the_logos_origin_alone(logo: str, source: str) -> None:
    page = pages.signed_out(replace(PLAIN, logo_url=logo))
    assert directives(page)["img-src"] == f"'self'{source}"
    assert Read(page.html).all("img") == [{"class": "logo", "src": logo, "alt": "Acme CRM"}]


@pytest.mark.parametrize(
    "logo",
    [
        "javascript:alert(1)",
        "data:image/svg+xml,x",
        "https://a;script-src *",
        "https://a.example;x/",
        "https://[::1/x",
        "//x/y",
        "",
        "x",
        "https://a,b/",
        "https://a.example:x/",
    ],
)
def test_a_logo_that_a_policy_cannot_name_is_left_out(logo: str) -> None:
    page = pages.signed_out(replace(PLAIN, logo_url=logo))
    assert directives(page)["img-src"] == "'self'"
    assert not Read(page.html).all("img")


@pytest.mark.parametrize(
    ("support", "href"),
    [
        ("help@crm.example", "mailto:help@crm.example"),
        ("mailto:help@crm.example", "mailto:help@crm.example"),
        ("https://crm.example/help", "https://crm.example/help"),
        ("javascript:alert(1)@crm.example", "mailto:javascript:alert(1)@crm.example"),
        ("javascript:alert(1)", None),
        ("help@crm.example?bcc=x@evil.example", None),
        ("Call extension 4711", None),
    ],
)
def test_support_is_a_link_where_it_can_be_one(support: str, href: str | None) -> None:
    read = Read(pages.signed_out(replace(PLAIN, support=support)).html)
    assert [link["href"] for link in read.all("a")] == ([href] if href else [])
    assert "Need help?" in read.text
    assert href is not None or support in read.text


def test_without_support_nothing_is_promised() -> None:
    assert "Need help?" not in pages.signed_out(replace(PLAIN, support=None)).html


NOWHERE = (
    "javascript:alert(1)",
    "JAVASCRIPT:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "blob:https://x/y",
    "file:///etc/passwd",
    "intent://x",
    "java\nscript:alert(1)",
    " javascript:alert(1)",
    "https://crm.example/ x",
    "https://crm.example/\r\nx",
    "//evil.example/",
    "/\\evil.example/",
    "https:///x",
    "https:x",
    "http://[::1/",
    "relative",
    "",
)
SOMEWHERE = (
    "https://crm.example/cb?code=1&state=a;b%22#x",
    "http://localhost:8002/",
    "http://[::1]:8002/",
    "com.example.app:/cb?code=1",
    "/login/continue?login=x",
    "/",
)


@pytest.mark.parametrize("url", NOWHERE)
def test_no_page_leads_where_a_browser_must_not_go(url: str) -> None:
    assert pages.safe_url(url) is None
    with pytest.raises(ValueError, match="may lead only"):
        pages.moving_on(PLAIN, url=url)
    with pytest.raises(ValueError, match="may lead only"):
        pages.loop(PLAIN, connection_name="x", application_name="x", action_url=url)
    with pytest.raises(ValueError, match="may lead only"):
        pages.form_post(PLAIN, url=url, fields={})
    support_alone = ["mailto:help@crm.example"]
    for page in (
        pages.signed_out(PLAIN, back=url),
        pages.declined(PLAIN, back=url, application_name="x"),
        pages.error(PLAIN, reference="x", code="x", back=url, status=400),
    ):
        assert [link["href"] for link in Read(page.html).all("a")] == support_alone


@pytest.mark.parametrize("url", SOMEWHERE)
def test_moving_on_navigates_by_itself_and_by_a_link(url: str) -> None:
    read = Read(pages.moving_on(PLAIN, url=url).html)
    assert {"http-equiv": "refresh", "content": f"0; url={url}"} in read.all("meta")
    assert read.all("a")[0]["href"] == url


@given(st.text())
def test_safe_url_is_total(text: str) -> None:
    assert pages.safe_url(text) in (None, text)


def test_a_form_post_carries_every_field_and_works_without_scripts() -> None:
    fields = {"SAMLRequest": "a+b/=", "RelayState": "\"'><", "submit": "x"}
    page = pages.form_post(PLAIN, url="https://idp.example/sso?x=1", fields=fields)
    read = Read(page.html)
    assert read.hidden() == fields
    assert read.all("form") == [{"method": "post", "action": "https://idp.example/sso?x=1", "autocomplete": "off"}]
    assert re.search("<noscript>.*<button.*</noscript>", page.html, re.DOTALL)
    assert page.html.index("</form>") < page.html.index("<script src=")


@pytest.mark.parametrize(
    ("url", "action"),
    [
        ("https://idp.example/", "https:"),
        ("http://localhost:8001/", "http: https:"),
        ("http://[::1]:1/", "http: https:"),
    ],
)
def test_a_form_post_may_be_redirected_by_whoever_receives_it(url: str, action: str) -> None:
    assert directives(pages.form_post(PLAIN, url=url, fields={}))["form-action"] == action


@pytest.mark.parametrize("url", ["com.example.app:/cb", "/own"])
def test_a_form_is_posted_by_http_alone(url: str) -> None:
    with pytest.raises(ValueError, match="http or https"):
        pages.form_post(PLAIN, url=url, fields={})


def test_the_script_survives_a_field_called_submit() -> None:
    """`form.submit` would be that field."""
    assert b"HTMLFormElement.prototype.submit.call(" in pages.STATIC["submit.js"].content


def test_the_style_sheet_knows_both_schemes_and_stillness() -> None:
    css = pages.STATIC["pages.css"].content.decode()
    assert "@media (prefers-color-scheme: dark)" in css
    assert "@media (prefers-reduced-motion: reduce)" in css
    assert "url(" not in css
    assert "@import" not in css


def test_the_brands_colour_is_in_the_page_for_both_schemes() -> None:
    page = pages.signed_out(replace(PLAIN, colour="#001030"))
    assert ":root{--brand:#001030;--on-brand:#ffffff;--accent:#001030}" in page.html
    assert "@media (prefers-color-scheme:dark){:root{--accent:#" in page.html


def test_a_blank_product_name_falls_back_to_the_house() -> None:
    assert "· Vestibule</title>" in pages.signed_out(replace(PLAIN, product_name=" ")).html


def test_rehearsals_say_that_nobody_is_signed_in() -> None:
    for name in ("rehearsal_passed", "rehearsal_refused"):
        assert "Nobody was signed in." in Read(PAGES[name](PLAIN, "x").html).text
    waiting = pages.rehearsal_waiting(PLAIN, connection_name="Acme")
    assert "It signs nobody in." in Read(waiting.html).text
    assert waiting.html.count("<li>") == 3
    assert "refused" in Read(PAGES["rehearsal_refused"](PLAIN, "x").html).text
    assert "refused" not in Read(PAGES["rehearsal_passed"](PLAIN, "x").html).text


def test_pages_are_answers_and_errors_have_the_status_they_were_given(name: str) -> None:
    wanted = {"error": 400, "error_no_way_back": 403}.get(name, 200)
    assert PAGES[name](PLAIN, "x").status == wanted
