"""Chromium, driven by playwright-core on Node: windows of separate people, each with cookies of its own."""

import itertools
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.peers.machine import CHROMIUM, NODE_MODULES, ROOT, end, need, node


@dataclass(frozen=True)
class Sight:
    """What a person sees, and what the browser did on the way: every request, every document, every complaint of the console."""

    url: str
    title: str
    words: str
    requests: list[dict[str, Any]]
    documents: list[dict[str, Any]]
    complaints: list[str]

    def asked(self, prefix: str) -> list[str]:
        """The addresses of the requests that went to `prefix`, in order."""
        return [request["url"] for request in self.requests if request["url"].startswith(prefix)]


@dataclass
class Chromium:
    process: "subprocess.Popen[str]"
    names: Iterator[int] = field(default_factory=itertools.count)

    @classmethod
    @contextmanager
    def running(cls) -> Iterator["Chromium"]:
        need(CHROMIUM)
        environment = {**os.environ, "NODE_MODULES": str(NODE_MODULES), "CHROMIUM": str(CHROMIUM)}
        process = subprocess.Popen(
            [node(), str(Path(__file__).with_name("chromium.mjs"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            cwd=ROOT,
            text=True,
            start_new_session=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line.strip() == '{"ok": "ready"}', f"Chromium did not start: {line}"
            yield cls(process)
            process.stdin.close()
            process.wait(timeout=15)
        finally:
            process.stdout.close()
            end(process)

    def tell(self, window: int, verb: str, given: Mapping[str, Any]) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"window": window, "do": verb, "with": given}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline() or '{"error": "Chromium has gone"}')
        assert "error" not in answer, answer["error"]
        return answer["ok"]

    @contextmanager
    def window(self, **options: Any) -> Iterator["Window"]:
        """A browser of somebody's own: no cookies yet. `options` as playwright's newContext has them (viewport, colorScheme)."""
        name = next(self.names)
        self.tell(name, "open", {"options": options})
        try:
            yield Window(self, name)
        finally:
            self.tell(name, "close", {})


@dataclass(frozen=True)
class Window:
    chromium: Chromium
    name: int

    def _do(self, verb: str, **given: Any) -> Any:
        return self.chromium.tell(self.name, verb, given)

    def goto(self, url: str) -> None:
        self._do("goto", url=url)

    def wait_for(self, condition: str) -> None:
        """Until a JavaScript expression is true."""
        self._do("wait_for", condition=condition)

    def wait_for_url(self, prefix: str) -> None:
        self._do("wait_for_url", prefix=prefix)

    def wait_for_words(self, words: str) -> None:
        self._do("wait_for_words", words=words)

    def click(self, name: str) -> None:
        """Press the button or link of this name, as a screen reader would call it."""
        self._do("click", name=name)

    def fill(self, label: str, text: str) -> None:
        self._do("fill", label=label, text=text)

    def press(self, key: str) -> None:
        self._do("press", key=key)

    def evaluate(self, expression: str) -> Any:
        return self._do("evaluate", expression=expression)

    def look(self) -> Sight:
        return Sight(**self._do("look"))

    def screenshot(self, path: Path) -> None:
        self._do("screenshot", path=str(path))

    def cookies(self) -> list[dict[str, Any]]:
        return list(self._do("cookies"))
