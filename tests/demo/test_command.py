"""The tour's directory: what cannot be kept is a sentence, before anything is shown."""

from pathlib import Path

import pytest
from tests.demo.test_tour import free_ports

from vestibule.demo.command import run
from vestibule.ground.errors import Refused


def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for directory in (tmp_path / "file" / "x", tmp_path / "file", Path("/proc/x")):
        with pytest.raises(Refused) as caught:
            run(port_base=free_ports(), directory=directory)
        assert caught.value.code == "demo.keep"


def test_a_certificate_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "practice-idp.pem").mkdir()
    with pytest.raises(Refused) as caught:
        run(port_base=free_ports(), directory=tmp_path)
    assert caught.value.code == "demo.keep"


def test_a_directory_of_a_tour_on_other_ports_is_refused(tmp_path: Path) -> None:
    """Its database names the addresses it was started with; another tour gets another directory."""
    (tmp_path / "practice-idp.pem").mkdir()
    base = free_ports(10)
    with pytest.raises(Refused):
        run(port_base=base, directory=tmp_path)
    with pytest.raises(Refused, match="other ports") as caught:
        run(port_base=base + 5, directory=tmp_path)
    assert caught.value.code == "demo.keep"
