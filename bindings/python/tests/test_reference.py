# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference pages say what the programs behind them say today."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

REFERENCE = Path(__file__).resolve().parents[3] / "tests" / "reference"


def load(name: str) -> Any:
    """A program of tests/reference as a module."""
    spec = importlib.util.spec_from_file_location(name, REFERENCE / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_the_page_of_metrics_is_up_to_date() -> None:
    page = (REFERENCE / "METRICS.md").read_text(encoding="utf-8")
    assert page == load("metrics_page").text(), "run tests/reference/metrics_page.py again"


def test_every_metric_and_analysis_has_its_chinese_term() -> None:
    page = load("metrics_page")
    for line in page.page():
        if line.startswith("| `") and "中文" not in line:
            assert line.count("|") >= 4


def test_the_page_of_coverage_is_up_to_date() -> None:
    page = (REFERENCE / "README.md").read_text(encoding="utf-8").splitlines()
    coverage = load("coverage")
    missing = [line for line in coverage.lines((5, 10)) if line not in page]
    assert not missing, "run tests/reference/coverage.py again"


def test_the_coverage_table_is_that_of_the_definitions() -> None:
    """Section 1.2: mean coverage, share of truths below .93, mean width; other 400 truths."""
    coverage = load("coverage")
    rows = {
        "wald": (0.772, 1.00, 91), "wald-t": (0.838, 0.84, 125), "adjusted-wald": (0.955, 0.17, 95),
        "adjusted-wald-u": (0.966, 0.06, 101), "score": (0.974, 0.01, 105),
    }
    for method, (mean, below, width) in rows.items():
        found = coverage.net_summary(method, 5)
        assert abs(found[0] - mean) < 0.006, method
        assert abs(found[2] - below) < 0.06, method
        assert abs(found[3] - width) < 1.5, method
    for n, mean in ((10, 0.952), (20, 0.951), (50, 0.950)):
        assert abs(coverage.net_summary("adjusted-wald", n)[0] - mean) < 0.0025
    edge = (0.01, 0.05, 0.94)
    for n, truth in ((5, 0.26), (10, 0.46), (50, 0.83)):
        assert round(float(coverage.net_coverage("wald", n, edge)), 2) == truth


def test_the_library_has_these_limits(capsys: pytest.CaptureFixture[str]) -> None:
    assert load("coverage").against_the_library() == 0, capsys.readouterr().out
