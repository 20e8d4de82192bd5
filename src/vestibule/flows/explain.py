"""The words of a trace: a rule that held is kept by its name alone, and told in the sentence that the law has for it."""

from collections.abc import Mapping

from vestibule.ground.errors import Finding
from vestibule.saml.checks import RULES

SENTENCES: Mapping[str, str] = {rule.name: f"{rule.sentence} {rule.cite}" for rule in RULES}


def why(finding: Finding) -> str:
    """What the finding says; for a rule that held, what the rule demands and where it is written."""
    return finding.why or SENTENCES.get(finding.rule, "")
