"""`vestibule inspect`: what is printed for people and for machines, how it ends, and that nothing of it changes anything."""

import asyncio
import dataclasses
import json
import re
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import pytest
from click.testing import CliRunner
from lxml import etree
from tests.builders_saml import idp_key
from tests.doubles import START
from tests.flows.inspecting import ACS, NAMES, SP, Desk, octets, value
from tests.xml.encrypter import How

from vestibule import assembly
from vestibule.cli import report
from vestibule.cli.main import build
from vestibule.cli.parts import Parts
from vestibule.flows.inspection import FORMAT, Inspection, Inspections
from vestibule.model.event import Event
from vestibule.model.ids import ConnectionId, Reference
from vestibule.saml.names import saml, samlp
from vestibule.settings.process import Settings

PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "inspect.md"
ESCAPE = "\x1b[2J\x9b1m\nfake line\u202e"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def run(desk: Desk, content: bytes | str, *options: str, connection: str = "acme") -> Any:
    """Saves it to a file and inspects that."""
    file = desk.directory / "saved"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return desk.line.run("inspect", str(file), "--connection", connection, *options)


def har(*times: str, response: str | None = None, url: str = ACS) -> str:
    entries = [
        {
            "startedDateTime": at,
            "request": {"method": "POST", "url": url, "headers": [], "postData": {"params": [{"name": "SAMLResponse", "value": response or value()}]}},
        }
        for at in times
    ]  # fmt: skip
    return json.dumps({"log": {"entries": entries}})


# -- how it ends -----------------------------------------------------------------------------------------------------------


def test_an_accepted_response_ends_with_0_and_says_what_would_come_of_it(desk: Desk) -> None:
    result = run(desk, value())
    assert (result.exit_code, result.stderr) == (0, "")
    assert "\nACCEPTED\n" in result.stdout
    assert "application     crm" in result.stdout
    assert "25 of 25 hold." in result.stdout


def test_a_refused_response_ends_with_1_and_says_how_to_mend_it(desk: Desk) -> None:
    """The code, both values with the place where they part, and what to paste."""
    result = run(desk, value(audience=f"{SP}/"))
    assert (result.exit_code, result.stderr) == (1, "")
    lines = result.stdout.splitlines()
    assert "REFUSED  saml.audience" in lines
    want, got = f"    expected  {SP}", f"    found     {SP}/"
    at = lines.index(want)
    assert lines[at + 1] == got
    assert lines[at + 2].index("^") == len(got) - 1
    assert lines[at + 3] == "    They differ only by a slash at the end."
    assert f"      {SP}" in lines, "on a line of its own, to be copied whole"


@pytest.mark.parametrize(
    ("content", "code"),
    [("", "inspect.empty"), ("nothing", "inspect.nothing_found"), ("SAMLRequest=abc", "inspect.only_a_request")],
)
def test_a_file_without_a_response_ends_with_1_and_a_sentence(desk: Desk, content: str, code: str) -> None:
    result = run(desk, content)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"rule: {code}" in result.stderr


def test_a_file_that_is_no_file_ends_with_2_and_a_sentence(desk: Desk) -> None:
    """A script can tell a refused response from a name that was mistyped."""
    for file in ("/nowhere/at/all", "/dev/zero"):
        result = desk.line.run("inspect", file, "--connection", "acme")
        assert (result.exit_code, result.stdout) == (2, "")
        assert "rule: inspect.unreadable" in result.stderr


def test_an_unknown_connection_ends_with_2(desk: Desk) -> None:
    result = run(desk, value(), connection="nobody")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "rule: connection.unknown" in result.stderr


def test_a_file_of_many_responses_is_judged_one_by_one(desk: Desk) -> None:
    """Fifty are judged at once; of more, none is, unless it is chosen: an exit code of 0 speaks for all of them."""
    good = value()
    many = har(*[START.isoformat()] * 51, response=good)
    result = run(desk, many)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "rule: inspect.too_many" in result.stderr
    assert "--request" in result.stderr
    assert "51" in result.stderr
    assert run(desk, many, "--request", "51").exit_code == 0
    fifty = run(desk, har(*[START.isoformat()] * 50, response=good), "--json")
    assert (fifty.exit_code, len(json.loads(fifty.stdout)["inspections"])) == (0, 50)


@pytest.mark.parametrize("options", [("--at", "yesterday"), ("--acs", "other"), ("--request", "0"), ("--nonsense",)])
def test_wrong_usage_ends_with_2(desk: Desk, options: tuple[str, ...]) -> None:
    assert run(desk, value(), *options).exit_code == 2


def test_standard_input_is_read(desk: Desk) -> None:
    parts = Parts(
        load_settings=desk.line.load, open_house=desk.line.open, run_server=desk.line.serve, run_demo=desk.line.demo
    )
    result = CliRunner().invoke(build(parts), ["inspect", "-", "--connection", "acme"], input=BytesIO(octets()))
    assert result.exit_code == 0
    assert "found as        XML" in result.stdout


def test_a_status_that_ends_it_early_says_that_nothing_else_was_judged(desk: Desk) -> None:
    def edit(root: etree._Element) -> None:
        next(root.iter(samlp("StatusCode"))).set("Value", "urn:oasis:names:tc:SAML:2.0:status:Responder")
        root.remove(root.find(saml("Assertion")))

    result = run(desk, value(sign="none", edit=edit))
    assert result.exit_code == 1
    assert "Refused before the others could be judged." in result.stdout
    assert "REFUSED  saml.status" in result.stdout


# -- time, address, request ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", ["2026-03-01T09:00:00Z", "2026-03-01T09:00:00", "2026-03-01T10:00+01:00"])
def test_the_time_can_be_said(desk: Desk, at: str) -> None:
    yesterday = value(now=START - timedelta(days=1))
    assert run(desk, yesterday, "--at", at).exit_code == 0
    result = run(desk, yesterday)
    assert result.exit_code == 1
    assert "When it was issued, at 2026-03-01 09:00:00 UTC, it would have passed every rule." in result.stdout


def test_a_har_file_brings_its_time(desk: Desk) -> None:
    result = run(desk, har("2026-03-01T09:00:02Z", response=value(now=START - timedelta(days=1))))
    assert result.exit_code == 0
    assert f"was posted to   {ACS}" in result.stdout
    assert "judged at       2026-03-01 09:00:02 UTC" in result.stdout
    assert "found as        HAR file, request 1" in result.stdout
    told = run(desk, har("2026-03-01T09:00:02Z"), "--at", "2026-03-02T09:00:00Z").stdout
    assert "was posted at   2026-03-01 09:00:02 UTC" in told
    assert "judged at       2026-03-02 09:00:00 UTC" in told


def test_every_response_of_a_har_file_is_judged_or_the_one_that_is_named(desk: Desk) -> None:
    """One that is refused makes the whole end with 1."""
    file = har("2026-03-02T09:00:00Z", "2026-03-03T09:00:00Z")
    result = run(desk, file)
    assert result.exit_code == 1
    assert result.stdout.index("Response 1 of 2") < result.stdout.index("ACCEPTED") < result.stdout.index("REFUSED")
    assert run(desk, file, "--request", "1").exit_code == 0
    assert run(desk, file, "--request", "2").exit_code == 1
    missing = run(desk, file, "--request", "3")
    assert missing.exit_code == 2
    assert "rule: inspect.no_such_request" in missing.stderr


def test_an_address_that_is_not_ours_is_said(desk: Desk) -> None:
    result = run(desk, har("2026-03-02T09:00:00Z", url="https://old.example/acs?x=secret"))
    assert "which is no address of connection acme" in result.stdout
    assert "secret" not in result.stdout


def test_the_address_can_be_said(desk: Desk) -> None:
    path = "https://login.example/saml/acs/acme"
    made = value(recipient=path, destination=path)
    assert run(desk, made).exit_code == 1
    assert run(desk, made, "--acs", "path").exit_code == 0


def test_a_relay_state_can_be_said(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.line.bench.apply("""\
        connections:
          - name: acme
            idp: {entity_id: "https://idp.acme.example/saml", sso_url: "https://idp.acme.example/sso", certificates: [acme-idp.pem]}
            applications: [crm]
            idp_initiated:
              enabled: true
              default_application: crm
              routes: {tile: {application: crm}}
              unknown_relay_state: refuse
        """)
    assert run(desk, value(), "--relay-state", "tile").exit_code == 0
    result = run(desk, value(), "--relay-state", "other")
    assert result.exit_code == 1
    assert "REFUSED  idp_initiated.unknown_relay_state" in result.stdout


# -- what is printed -------------------------------------------------------------------------------------------------------


def test_names_and_values_are_hidden_unless_asked_for(desk: Desk) -> None:
    for made in (value(), value(audience="https://other.example/"), desk.encrypted(), har("2026-03-02T09:00:00Z")):
        for options in ((), ("--json",)):
            hidden = run(desk, made, *options)
            shown = run(desk, made, *options, "--show-values")
            for name in NAMES:
                assert name not in hidden.output
                assert name in shown.stdout


def test_neither_signatures_nor_ciphertext_are_ever_printed(desk: Desk) -> None:
    made = desk.encrypted(How())
    printed = run(desk, made, "--show-values").stdout + run(desk, made, "--show-values", "--json").stdout
    for element in etree.fromstring(made).iter("{*}CipherValue", "{*}SignatureValue", "{*}DigestValue"):
        assert (element.text or "")[:30] not in printed


def _hostile(root: etree._Element) -> None:
    """Everywhere that a sender can write."""
    evil = "\x9b1m\u202e\nfake line"
    root.set("InResponseTo", evil)
    root.set("Destination", evil)
    root.find(saml("Issuer")).text = evil
    etree.SubElement(root.find(samlp("Status")), samlp("StatusMessage")).text = evil
    assertion = root.find(saml("Assertion"))
    for name in ("Issuer", "NameID", "Audience", "AttributeValue"):
        next(assertion.iter(saml(name))).text = evil
    next(assertion.iter(saml("NameID"))).set("Format", evil)
    next(assertion.iter(saml("Attribute"))).set("Name", evil)
    next(assertion.iter(saml("SubjectConfirmationData"))).set("Recipient", evil)
    next(root.iter(samlp("StatusCode"))).set("Value", evil)


@pytest.mark.parametrize("sign", ["assertion", "none"])
@pytest.mark.parametrize("options", [(), ("--json",), ("--show-values",), ("--show-values", "--json")])
def test_hostile_values_move_nothing_on_a_terminal(desk: Desk, sign: str, options: tuple[str, ...]) -> None:
    """No control, no mark of direction, no line of their own."""
    result = run(desk, value(sign=sign, edit=_hostile, key=idp_key()), *options)
    assert result.exit_code == 1
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", result.output)
    assert not any(line.lstrip().startswith("fake line") for line in result.stdout.splitlines())


def test_what_a_har_file_says_moves_nothing_either(desk: Desk) -> None:
    result = run(desk, har("2026-03-02T09:00:00Z", url=f"https://a.example/{ESCAPE}"))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", result.output)


def test_colours_are_for_terminals_and_never_for_machines(desk: Desk) -> None:
    assert "\x1b[" not in run(desk, value()).output
    coloured = run(desk, value(), "--color", "always").stdout
    assert "\x1b[32m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == run(desk, value()).stdout
    assert "\x1b[" not in run(desk, value(), "--json", "--color", "always").stdout


def test_lines_are_as_wide_as_asked_but_for_what_is_in_one_piece(desk: Desk) -> None:
    found = desk.inspect(value(audience=f"{SP}/"))
    for width in (72, 100):
        for line in report.whole(Inspections(inspections=(found,)), width=width).splitlines():
            words = re.sub(r"\x1b\[[0-9;]*m", "", line)
            assert len(words) <= width or any(part in words for part in ("https://", "SHA-256", "urn:", "CN="))


# -- for machines ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content", [value(), value(audience="x"), value(sign="none"), har("2026-03-02T09:00:00Z", "2026-03-03T09:00:00Z")]
)
def test_json_says_the_same_in_fields_that_stay(desk: Desk, content: str) -> None:
    """What is written can be read back into the very values, with no field too few."""
    result = run(desk, content, "--json")
    read = msgspec.json.decode(result.stdout, type=Inspections)
    assert read.format == FORMAT
    assert (result.exit_code == 0) is all(one.accepted for one in read.inspections)
    written = json.loads(result.stdout)
    for one in written["inspections"]:
        assert set(one) == {field.name for field in dataclasses.fields(Inspection)}
    assert result.stdout.isascii()


def types(root: Any) -> Iterator[type]:
    """Every dataclass that JSON is made of."""
    for hint in get_type_hints(root).values():
        for inner in (hint, *get_args(hint), *(one for arg in get_args(hint) for one in get_args(arg))):
            if dataclasses.is_dataclass(inner) and isinstance(inner, type):
                yield inner
                yield from types(inner)


def test_every_field_is_on_its_page() -> None:
    """And the page names none that is not there."""
    text = PAGE.read_text(encoding="utf-8")
    fields = {
        f"{kind.__name__}.{field.name}"
        for kind in {Inspections, *types(Inspections)}
        for field in dataclasses.fields(kind)
    }
    named: set[str] = set()
    section = ""
    for line in text.splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ").strip()
        elif (row := re.match(r"\| `([a-z_]+)` \|", line)) is not None:
            named.add(f"{section}.{row[1]}")
    assert named == fields
    assert FORMAT in text


# -- nothing changes -------------------------------------------------------------------------------------------------------


def test_a_database_is_the_same_before_and_after(tmp_path: Path) -> None:
    """On the engine itself, whatever the response is: no claim, no event, no row."""
    desk = Desk(tmp_path)
    settings = Settings(issuer="https://login.example/", database=tmp_path / "vestibule.db", master_key=bytes(32))
    bench = desk.line.bench
    connection, application, installation = bench.connection("acme"), bench.application("crm"), bench.installation()

    async def prepare() -> None:
        async with assembly.open_house(settings) as house:
            await house.store.configured.apply(
                installation=installation, applications=[application], connections=[connection]
            )

    def rows() -> list[str]:
        with sqlite3.connect(tmp_path / "vestibule.db") as database:
            return list(database.iterdump())

    asyncio.run(prepare())
    before = rows()
    parts = Parts(
        load_settings=lambda: settings,
        open_house=assembly.open_house,
        run_server=desk.line.serve,
        run_demo=desk.line.demo,
    )
    for number, content in enumerate((value(), value(audience="x"), value(in_response_to="_x"), "x")):
        file = tmp_path / f"saved-{number}"
        file.write_text(content)
        at = START.isoformat()
        result = CliRunner().invoke(build(parts), ["inspect", str(file), "--connection", "acme", "--at", at])
        assert result.exit_code == int(number > 0), result.output
    assert rows() == before


# -- trace -----------------------------------------------------------------------------------------------------------------


def test_trace_says_how_a_refusal_is_mended(desk: Desk) -> None:
    """The same words, with this connection's values."""
    event = Event(
        id="1",
        at=START,
        kind="login.refused",
        reference=Reference("ABCDE-FGHIJ"),
        code="saml.audience",
        connection=ConnectionId("con_acme"),
    )
    asyncio.run(desk.line.bench.store.keep(event))
    shown = desk.line.run("trace", "ABCDE-FGHIJ").stdout
    assert "What is usually wrong" in shown
    assert f"      {SP}" in shown.splitlines()
    assert "\x1b[" not in shown
