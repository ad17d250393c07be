"""The headless browser, for scripts that write pages."""

from tests.workbench.report.conftest import _driver, browser

__all__ = ["_driver", "browser"]
