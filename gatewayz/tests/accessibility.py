"""Checks an open page with axe-core 4.14.1 (vendor/axe.min.js, from npm, MPL-2.0)."""

from pathlib import Path

from playwright.sync_api import Page

_AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
_FINDINGS = """async (impacts) => {
  const { violations } = await axe.run({ resultTypes: ["violations"] });
  const grave = violations.filter(({ impact }) => impacts.includes(impact));
  return grave.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}"""


GRAVE = ("serious", "critical")


def findings(page: Page, impacts: tuple[str, ...] = ("moderate", *GRAVE)) -> list[str]:
    """Return what axe finds: contrast, names, labels, roles, landmarks, focus."""
    page.evaluate(_AXE)
    found: list[str] = page.evaluate(_FINDINGS, list(impacts))
    return found


def assert_accessible(page: Page) -> None:
    """Fail if axe finds anything serious or critical."""
    assert findings(page, GRAVE) == []
