"""A headless Chromium of the machine, for pages that a person clicks through."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest
import requests

from fullsend_sandbox.process import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BROWSER = shutil.which("chromium"), shutil.which("chromedriver")
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""The key of an element's reference (W3C WebDriver)."""
FIND_SECONDS = 20


class Browser:
    """A headless Chromium, driven over WebDriver."""

    def __init__(self, driver: str, session: str) -> None:
        self._url = f"{driver}/session/{session}"

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        answer = requests.request(method, f"{self._url}{path}", json=body, timeout=30)
        answer.raise_for_status()
        return answer.json()["value"]

    def open(self, url: str) -> None:
        self._ask("POST", "/url", {"url": url})

    def click(self, selector: str) -> None:
        found = self._ask("POST", "/element", {"using": "css selector", "value": selector})
        self._ask("POST", f"/element/{found[ELEMENT]}/click", {})

    def wait_for_title(self, title: str) -> None:
        """Wait for a page with this title. Raises HTTPError."""
        self._ask("POST", "/element", {"using": "xpath", "value": f"//title[.='{title}']"})


@contextlib.contextmanager
def headless(folder: Path) -> Iterator[Browser]:
    """Start Chromium with its profile in ``folder``; skip the test where it is not installed."""
    chromium, chromedriver = BROWSER
    if chromium is None or chromedriver is None:
        pytest.skip("chromium and chromedriver are not installed (apt-get install chromium chromium-driver)")
    port = free_port()
    driver = f"http://127.0.0.1:{port}"
    arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    arguments += ["--disable-background-networking", "--disable-sync", f"--user-data-dir={folder / 'profile'}"]
    with subprocess.Popen(
        [chromedriver, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            ends = monotonic() + 20
            while monotonic() < ends:
                with contextlib.suppress(requests.ConnectionError):
                    requests.get(f"{driver}/status", timeout=5)
                    break
            # A click ends before the page that it leads to is there.
            options = {
                "goog:chromeOptions": {"binary": chromium, "args": arguments},
                "timeouts": {"implicit": FIND_SECONDS * 1000},
            }
            made = requests.post(f"{driver}/session", json={"capabilities": {"alwaysMatch": options}}, timeout=60)
            session = made.json()["value"]["sessionId"]
            yield Browser(driver, session)
            requests.delete(f"{driver}/session/{session}", timeout=20)
        finally:
            process.terminate()
