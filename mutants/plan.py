"""What is mutated, and which tests are asked: the law of this house, and every test that meets it in process."""

from dataclasses import dataclass
from pathlib import Path

LAW = (
    "saml/checks.py",
    "saml/trust.py",
    "saml/response.py",
    "saml/assertion.py",
    "saml/shape.py",
    "saml/decoy.py",
    "saml/bindings.py",
    "saml/instant.py",
    "xml/",
    "policy/",
    "oidc/authorize.py",
    "oidc/code.py",
    "oidc/pkce.py",
    "oidc/client_auth.py",
)
ROOMS = ("saml", "xml", "oidc", "policy", "jose", "upstream", "downstream", "flows", "web", "wire")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One project to try. `law` are modules, or folders that end with `/`, below the package; `rooms` folders of tests.

    The tests of a module's own room (`tests/saml` for `saml/checks.py`) are asked first. Rooms whose tests start
    servers or other processes are left out: two trials at once would meet at one port.
    """

    root: Path
    package: str = "vestibule"
    law: tuple[str, ...] = LAW
    rooms: tuple[str, ...] = ROOMS
    looping: float = 10.0
    """Seconds of computing that any one test has, besides ten times what it took: after that it turns in circles."""

    @property
    def source(self) -> Path:
        """The folder of the package."""
        return self.root / "src" / self.package

    @property
    def excuses(self) -> Path:
        """The file with the written reasons."""
        return self.root / "mutants" / "excused.toml"

    @property
    def scratch(self) -> Path:
        """Where what is known of the tests is kept between runs."""
        return self.root / ".dev" / "mutants"

    def modules(self, wanted: tuple[str, ...] = ()) -> tuple[str, ...]:
        """The paths of all modules of the law, or of those that `wanted` names: a module, or a folder."""
        found: list[str] = []
        for name in self.law:
            paths = sorted((self.source / name).rglob("*.py")) if name.endswith("/") else [self.source / name]
            found += [str(path.relative_to(self.source)) for path in paths if path.name != "__init__.py"]
        if not wanted:
            return tuple(found)
        return tuple(one for one in found if any(_names(name, one) for name in wanted))

    def test_files(self) -> tuple[str, ...]:
        """The test files of all rooms, as paths below the root."""
        return tuple(
            str(path.relative_to(self.root))
            for room in self.rooms
            for path in sorted((self.root / "tests" / room).glob("test_*.py"))
        )

    def import_name(self, module: str) -> str:
        """`saml/checks.py` -> `vestibule.saml.checks`."""
        return ".".join((self.package, *Path(module).with_suffix("").parts))


def _names(wanted: str, module: str) -> bool:
    bare = wanted.removeprefix("src/vestibule/").removesuffix(".py").rstrip("/")
    return module.removesuffix(".py") == bare or module.startswith(f"{bare}/")
