"""Checks an open page with axe-core 4.14.1 (vendor/axe.min.js, from npm, MPL-2.0)."""

from pathlib import Path

from playwright.sync_api import Page

_AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
_FINDINGS = """async () => {
  const { violations } = await axe.run({ resultTypes: ["violations"] });
  const grave = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  return grave.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}"""


def assert_accessible(page: Page) -> None:
    """Fail if axe finds anything serious or critical: contrast, names, labels, roles, focus."""
    page.evaluate(_AXE)
    assert page.evaluate(_FINDINGS) == []
