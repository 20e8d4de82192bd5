"""Apache's mod_auth_openidc: a login that a third party starts, from a tile."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.browser.practice_idp import PracticeIdp
from tests.peers.broker import Broker, new_broker
from tests.peers.machine import APACHE, HERE, MOD_AUTH_OPENIDC, free_port, need, running
from tests.peers.plain_browser import PlainBrowser
from tests.peers.web_application import SECRET


@dataclass(frozen=True)
class Intranet:
    broker: Broker
    idp: PracticeIdp
    base: str


@pytest.fixture(scope="module")
def intranet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Intranet]:
    need(APACHE, MOD_AUTH_OPENIDC)
    broker = new_broker(tmp_path_factory.mktemp("mod_auth_openidc"))
    port = free_port()
    base = f"http://intranet.localhost:{port}"
    application = {
        "client_id": "intranet",
        "name": "Intranet",
        "type": "web",
        "client_secret": SECRET,
        "redirect_uris": [f"{base}/private/callback"],
        "initiate_login_uri": f"{base}/private/callback",
        "target_link_uris": [f"{base}/private/"],
    }
    deep = {"application": "intranet", "target_link_uri": f"{base}/private/reports/"}
    with ExitStack() as stack:
        idp = stack.enter_context(PracticeIdp.serving(broker))
        home = f"{base}/private/"
        routes = {"reports": deep, "home": {"application": "intranet", "target_link_uri": home}}
        connection = idp.connection("acme", "intranet", routes=routes)
        stack.enter_context(broker.serving({"applications": [application], "connections": [connection]}))
        # Readable by the user that Apache becomes, which pytest's own directories are not.
        run = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vestibule-apache-")))
        run.chmod(0o755)
        for folder in (run / "htdocs/private", run / "htdocs/private/reports"):
            folder.mkdir(parents=True)
            shutil.copy(HERE / "apache/index.shtml", folder)
        environment = {
            "PORT": str(port),
            "RUN": str(run),
            "BASE": base,
            "APP_HOST": "intranet.localhost",
            "ISSUER": broker.issuer,
            "CLIENT_ID": "intranet",
            "CLIENT_SECRET": SECRET,
        }
        command = (APACHE, "-f", HERE / "apache/httpd.conf", "-DFOREGROUND")
        stack.enter_context(running(command, port=port, log=run / "apache.out", env=environment))
        yield Intranet(broker, idp, base)


def test_a_tile_signs_in_at_the_page_that_its_route_names(intranet: Intranet) -> None:
    """`iss` is compared byte for byte, `login_hint` is passed on and names the connection, `target_link_uri` is obeyed."""
    page = PlainBrowser().open(intranet.idp.tile("acme", relay_state="reports"))
    assert "email=ada@acme.test connection=acme page=/private/reports/" in page.words, page


def test_a_launch_link_signs_in_without_a_saml_response_to_begin_with(intranet: Intranet) -> None:
    """`/launch` is a bookmark: the module starts the login, and the connection is the one that the link named."""
    link = f"launch/intranet?connection=acme&target_link_uri={intranet.base}/private/reports/"
    browser = PlainBrowser()
    page = browser.open(intranet.broker.url(link))
    assert "email=ada@acme.test connection=acme page=/private/reports/" in page.words, page
    assert len(browser.visited(intranet.idp.sso_url("acme"))) == 1


def test_an_ordinary_visit_signs_in_too(intranet: Intranet) -> None:
    """The positive control: the module's own login, for an application with one connection, asks nothing."""
    page = PlainBrowser().open(f"{intranet.base}/private/")
    assert "email=ada@acme.test connection=acme page=/private/" in page.words, page
