"""An operator's browser, as wide as a screen or a phone: it notes what no page may have."""

from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from playwright.sync_api import ConsoleMessage, Page, expect
from playwright.sync_api import Error as ScriptError

from gatewayz.tests.accessibility import findings

DESKTOP, PHONE, SMALL_PHONE = (1280, 900), (390, 844), (360, 740)
# Both groups and both widths; what each group may open, test_permissions asks.
SAM, FIONA = ("Sam", PHONE), ("Fiona", DESKTOP)
BOTH = pytest.mark.parametrize(("who", "desk"), [SAM, FIONA], indirect=["desk"])
ON_A_PHONE = pytest.mark.parametrize("desk", [PHONE], indirect=True)
ON_BOTH = pytest.mark.parametrize("desk", [DESKTOP, PHONE], indirect=True)
FAULTS = Path(__file__).with_name("page_faults.js").read_text()
# What has the focus, and whether it or what surrounds it is drawn with an outline.
FOCUS = """() => {
  const element = document.activeElement;
  const around = [element, element.parentElement, element.parentElement?.parentElement];
  const isSeen = around.some((each) => each && getComputedStyle(each).outlineStyle !== "none");
  return { name: (element.innerText || element.name || element.ariaLabel || "").trim(), isSeen };
}"""

# Counts what the mouse or a finger does, and not the click that pressing Enter makes.
COUNT_CLICKS = """addEventListener("click", (event) => {
  if (event.detail) sessionStorage.clicks = Number(sessionStorage.clicks || 0) + 1;
}, true);"""

_Answer = TypeVar("_Answer")


class Desk:
    """A window on the desk, in which one is whoever one says."""

    def __init__(
        self, window: Page, address: str, sessions: dict[str, str], size: tuple[int, int]
    ) -> None:
        self.window = window
        self.is_phone = size == PHONE
        self.faults: list[str] = []
        # Chromium notes each answer of 400 and above as an error; some are what a test is about.
        self.expects_refusals = False
        # It takes a second a page, so that only those tests ask it that open every page.
        self.asks_axe = False
        self.address = address
        self._sessions = sessions
        width, height = size
        window.set_viewport_size({"width": width, "height": height})
        window.set_default_timeout(10_000)
        window.add_init_script(COUNT_CLICKS)
        window.on("console", self._note_message)
        window.on("pageerror", self._note_error)
        window.on("request", self._note_host)

    def become(self, who: str) -> None:
        """Go on as this colleague."""
        self.window.context.clear_cookies()
        name, value = settings.SESSION_COOKIE_NAME, self._sessions[who]
        self.window.context.add_cookies([{"name": name, "value": value, "url": self.address}])

    def open(self, path: str) -> None:
        response = self.window.goto(self.address + path)
        if response is None or response.status != 200:
            self.faults.append(f"{path}: status {response and response.status}")
        self.look()

    def look(self) -> None:
        """Ask the page that is open for its faults."""
        self.window.wait_for_load_state()
        self.faults += [f"{self.path}: {fault}" for fault in self.window.evaluate(FAULTS)]
        if self.asks_axe:
            self.faults += [f"{self.path}: {finding}" for finding in findings(self.window)]

    def follow(self, text: str) -> None:
        """Click on the link of this text, beside the sidebar."""
        self.window.locator("#main").get_by_role("link", name=text).first.click()
        self.look()

    def press(self, name: str) -> None:
        self.window.get_by_role("button", name=name, exact=True).click()
        self.look()

    def open_menu(self) -> None:
        """Show the sidebar, which on a phone stands behind a button."""
        if self.is_phone:
            self.window.get_by_role("button", name="Show or hide the menu").click()

    def run_on_all(self, action: str) -> None:
        """Choose every row of the list, and what to do with them."""
        for box in self.window.locator("input.action-select").all():
            box.check()
        self.window.get_by_role("combobox").select_option(label=action)
        self.press("Run")

    @property
    def clicks(self) -> int:
        """How many clicks all of this took so far."""
        return int(self.window.evaluate("Number(sessionStorage.clicks || 0)"))

    def find(self, known: str) -> None:
        """Type into the search that every page has, and send it."""
        self.window.keyboard.press("Control+k")
        self.window.keyboard.type(known)
        with self.window.expect_navigation():
            self.window.keyboard.press("Enter")
        self.look()

    def fill(self, label: str, text: str) -> None:
        self.window.locator("#content").get_by_label(label).fill(text)

    def reads(self, text: str) -> None:
        """Wait until the page says this."""
        expect(self.window.locator("#page")).to_contain_text(text)

    def lacks(self, name: str) -> None:
        """Be sure that nothing of this name can be clicked on."""
        expect(self.window.get_by_role("link", name=name)).to_have_count(0)
        expect(self.window.get_by_role("button", name=name)).to_have_count(0)

    def links(self, selector: str) -> list[str]:
        """Return where the links go, as paths of this site, each once."""
        found = self.window.locator(selector).evaluate_all("links => links.map(link => link.href)")
        return list(dict.fromkeys(link.removeprefix(self.address) for link in found))

    def tab_to(self, name: str) -> list[str]:
        """Press Tab until the button has the focus; return what does not show that it has it."""
        unseen = []
        for _ in range(60):
            self.window.keyboard.press("Tab")
            focus = self.window.evaluate(FOCUS)
            unseen += [] if focus["isSeen"] else [focus["name"]]
            if focus["name"] == name:
                return unseen
        return [*unseen, f"{name} is out of reach"]

    @property
    def path(self) -> str:
        return self.window.url.removeprefix(self.address)

    def _note_message(self, message: ConsoleMessage) -> None:
        is_refusal = "the server responded with a status of 4" in message.text
        if message.type in ("error", "warning") and not (is_refusal and self.expects_refusals):
            self.faults.append(f"{self.path}: console: {message.text}")

    def _note_error(self, error: ScriptError) -> None:
        self.faults.append(f"{self.path}: script: {error.message}")

    def _note_host(self, request: Any) -> None:
        if urlsplit(request.url).hostname not in ("localhost", "127.0.0.1", None):
            self.faults.append(f"{self.path}: asks {request.url}")
