"""Makes the SAML vectors: `python -m tests.vectors.saml.make` writes them, octet for octet the same each time."""

from collections.abc import Iterator
from itertools import groupby

from tests.vectors.saml import algorithms, content, transport, wrapping
from tests.vectors.saml import octets as octet_rows
from tests.vectors.saml.corpus import HERE, MANIFEST, Vector, described, manifest

FAMILIES = (
    wrapping.vectors,  # S01 to S19, S34
    octet_rows.vectors,  # S20 to S33
    algorithms.vectors,  # S35 to S50
    # S51 to S56, encryption, has its place here.
    content.vectors,  # S57 to S78
    transport.vectors,  # S79 to S97
)


def vectors() -> Iterator[Vector]:
    """All vectors, row by row."""
    for family in FAMILIES:
        yield from family()


def files() -> dict[str, bytes]:
    """What lies below this directory, made anew: the octets of each file by its path."""
    made = sorted(vectors(), key=lambda vector: vector.place)
    found = {vector.path: vector.octets for vector in made}
    assert len(found) == len(made), "two vectors have one name"
    for place, group in groupby(made, key=lambda vector: vector.place):
        found[f"{place}/{MANIFEST}"] = manifest(group)
    return found | {"corpus.json": described()}


def on_disk() -> set[str]:
    """The paths of the files that `files` should account for."""
    return {str(path.relative_to(HERE)) for path in HERE.glob("*/S*/*")} | {
        str(path.relative_to(HERE)) for path in HERE.glob("accepted/*/*")
    } | {"corpus.json"}  # fmt: skip


def main() -> None:
    """Writes what has changed, and takes away what nothing makes any more."""
    made = files()
    for path in on_disk() - made.keys():
        (HERE / path).unlink()
    for path, octets in made.items():
        (HERE / path).parent.mkdir(parents=True, exist_ok=True)
        (HERE / path).write_bytes(octets)


if __name__ == "__main__":
    main()
