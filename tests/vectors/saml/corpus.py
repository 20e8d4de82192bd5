"""What the SAML vectors are made of: their parties, clock and keys, and how one is written down and read again."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from tests.builders_saml import ACS, ATTRIBUTES, IDP, NAME, NOW, SP, response_xml

from vestibule.saml.instant import write_instant
from vestibule.saml.names import FORMAT_EMAIL
from vestibule.xml.signature import PrivateKey

HERE = Path(__file__).parent
MANIFEST = "vectors.json"
KEY = "practice-idp"

Form = Literal["xml", "base64", "http"]
SUFFIX: Mapping[Form, str] = {"xml": ".xml", "base64": ".b64", "http": ".http"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """One document and what must come of it.

    `place` is where it lies: `refused/S29`, `accepted/transport`. `form` says what `octets` are: "xml", the message; "base64", the
    value of the form field `SAMLResponse`; "http", a whole request. `refused` is the code of the refusal; None where it is
    accepted, and then `believed` is what it says. `keys` are the connection's certificates.
    """

    place: str
    name: str
    form: Form
    octets: bytes = field(repr=False)
    about: str
    refused: str | None = None
    believed: Mapping[str, Any] | None = None
    keys: tuple[str, ...] = (KEY,)
    allow_sha1: bool = False
    status: int | None = None

    @property
    def path(self) -> str:
        """Where it is, below this directory."""
        return f"{self.place}/{self.name}{SUFFIX[self.form]}"


def refused(row: str, name: str, code: str, attack: str, octets: bytes, **more: Any) -> Vector:
    """A vector of this row that must be refused by this code."""
    form = more.pop("form", "xml")
    return Vector(place=f"refused/{row}", name=name, form=form, octets=octets, about=attack, refused=code, **more)


def accepted(
    family: str, name: str, what: str, octets: bytes, *, believed: Mapping[str, Any] | None = None, **more: Any
) -> Vector:
    """An honest message of this family; `believed` names what it says otherwise than the plain one."""
    form = more.pop("form", "xml")
    said = {
        "issuer": IDP,
        "name_id": NAME,
        "name_id_format": FORMAT_EMAIL,
        "in_response_to": None,
        "attributes": {name: list(values) for name, values in ATTRIBUTES.items()},
        **(believed or {}),
    }
    return Vector(place=f"accepted/{family}", name=name, form=form, octets=octets, about=what, believed=said, **more)


@cache
def private_key(name: str = KEY) -> PrivateKey:
    """The private key of this name. All of them are published, and worth nothing."""
    return cast(PrivateKey, load_pem_private_key((HERE / "keys" / f"{name}.private.pem").read_bytes(), None))


@cache
def certificate(name: str = KEY) -> str:
    """The certificate of this name, as PEM."""
    return (HERE / "keys" / f"{name}.pem").read_text(encoding="ascii")


def message(**changes: Any) -> bytes:
    """The plain message, signed with the practice key; takes what `builders_saml.response_xml` takes."""
    return response_xml(**{"key": private_key(), **changes})


def swap(octets: bytes, old: bytes, new: bytes) -> bytes:
    """`octets` with the one occurrence of `old` replaced: a trick that changes nothing would prove nothing."""
    assert octets.count(old) == 1, f"{octets.count(old)} times: {old!r}"
    return octets.replace(old, new)


def renamed(octets: bytes, value: bytes) -> bytes:
    """The plain message with these octets as its NameID's content, put there after it was signed."""
    return swap(octets, f">{NAME}</saml:NameID>".encode(), b">" + value + b"</saml:NameID>")


# -- on disk -------------------------------------------------------------------------------------------------------------


def described() -> bytes:
    """`corpus.json`: what a service provider is set up with before it judges the vectors."""
    keys = sorted(path.stem for path in (HERE / "keys").glob("*.pem") if not path.stem.endswith(".private"))
    return _json(
        {
            "identity_provider": IDP,
            "service_provider": SP,
            "assertion_consumer_service": ACS,
            "now": write_instant(NOW),
            "clock_skew_seconds": 60,
            "max_assertion_age_seconds": 3600,
            "certificates": {name: f"keys/{name}.pem" for name in keys},
            "default_keys": [KEY],
        }
    )


def manifest(vectors: Iterable[Vector]) -> bytes:
    """`vectors.json` of one directory."""
    return _json({"vectors": [_entry(vector) for vector in vectors]})


def _entry(it: Vector) -> dict[str, Any]:
    said: dict[str, Any] = {"file": it.name + SUFFIX[it.form], "form": it.form, "about": it.about}
    said |= {"accepted": it.believed} if it.refused is None else {"refused": it.refused}
    if it.keys != (KEY,):
        said["keys"] = list(it.keys)
    if it.allow_sha1:
        said["allow_sha1"] = True
    if it.status is not None:
        said["status"] = it.status
    return said


def read_vectors() -> list[Vector]:
    """All vectors that lie on disk, as their manifests tell them."""
    return [
        Vector(
            place=str(path.parent.relative_to(HERE)),
            name=entry["file"].rpartition(".")[0],
            form=entry["form"],
            octets=(path.parent / entry["file"]).read_bytes(),
            about=entry["about"],
            refused=entry.get("refused"),
            believed=entry.get("accepted"),
            keys=tuple(entry.get("keys", (KEY,))),
            allow_sha1=entry.get("allow_sha1", False),
            status=entry.get("status"),
        )
        for path in sorted(HERE.glob(f"*/*/{MANIFEST}"))
        for entry in json.loads(path.read_text(encoding="utf-8"))["vectors"]
    ]


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
