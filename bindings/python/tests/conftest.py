# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests run against the installed package: sh tests/run.sh at the top level."""

from __future__ import annotations

from pathlib import Path

import cxm
from cxm._library import lib

ROOT = Path(__file__).resolve().parents[3]
REAL_DATA = ROOT.parent / "shared" / "data"

# The real data are not shipped: where they are absent there is nothing to run.
collect_ignore_glob = [] if REAL_DATA.is_dir() else ["test_real*.py"]


def pytest_report_header() -> list[str]:
    real = "real data found" if REAL_DATA.is_dir() else "no real data: test_real*.py are left out"
    return [f"cxm {cxm.version} with {lib._name}; {real}"]
