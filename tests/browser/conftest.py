"""One Chromium for all browser tests, and the sites that attacks and people's pages are tried on."""

from collections.abc import Iterator

import pytest
from tests.browser.chromium import Chromium
from tests.browser.practice_portal import Portal, practice_portal


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    with Chromium.running() as browser:
        yield browser


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with practice_portal(tmp_path_factory.mktemp("portal")) as running:
        yield running
