"""The reference: made from the code, whole, and what the documentation shows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from vestibule.settings import reference
from vestibule.settings.document import Document
from vestibule.settings.kinds import Part
from vestibule.settings.process import VARIABLES, Settings

PAGES = Path(__file__).parents[2] / "docs" / "reference"


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for info in annotation.model_fields.values():
            yield from models_in(info.annotation)
    for argument in get_args(annotation):
        yield from models_in(argument)


@pytest.mark.parametrize(
    ("page", "text"),
    [("configuration.md", reference.configuration()), ("environment.md", reference.environment())],
)
def test_the_pages_are_what_the_code_says(page: str, text: str) -> None:
    """Stale pages are made anew with: vestibule reference configuration > docs/reference/configuration.md (and environment)."""
    assert (PAGES / page).read_text(encoding="utf-8") == text


def test_every_part_of_the_file_has_its_section() -> None:
    assert {part for _, part in reference.SECTIONS} == set(models_in(Document))


@pytest.mark.parametrize("part", [part for _, part in reference.SECTIONS])
def test_every_key_is_documented(part: type[Part]) -> None:
    """A key without a description is a fault, and every key stands in its section."""
    for name, info in part.model_fields.items():
        assert info.description, f"{part.__name__}.{name} has no description"
        assert f"| `{name}` | {reference.kind(info)} |".replace("||", "|") in reference.configuration()


def test_every_setting_has_its_variable() -> None:
    assert {variable.field for variable in VARIABLES} == {
        name for name in Settings.__dataclass_fields__ if not name.startswith("_")
    }
    assert all(variable.meaning and variable.name in reference.environment() for variable in VARIABLES)


def test_risks_are_shown_beside_their_keys() -> None:
    rows = reference.configuration().splitlines()
    for key in ("accept_login_csrf_risk", "allow_sha1_signatures", "confirm_identity_switch", "post_origins"):
        assert any(row.startswith(f"| `{key}` |") and "*Risk:*" in row for row in rows), key
