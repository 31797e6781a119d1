# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry of analyses against the functions of the package, and their late loading."""

from __future__ import annotations

import subprocess
import sys

import pytest

import cxm


def test_every_analysis_is_a_function() -> None:
    for analysis in cxm.analyses():
        assert callable(getattr(cxm, analysis.name)), analysis.name
        assert analysis.name in cxm.__all__
        assert analysis.summary and analysis.summary_zh and analysis.source
        assert (getattr(cxm, analysis.name).__doc__ or "").strip()


def test_lazy_names() -> None:
    assert list(cxm._LAZY) == sorted(cxm._LAZY)
    assert sorted(set(cxm.__all__)) == sorted(cxm.__all__)
    assert set(cxm._LAZY) <= set(cxm.__all__) <= set(dir(cxm))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        cxm.nothing  # noqa: B018
    names: dict[str, object] = {}
    exec("from cxm import *", names)
    assert set(cxm.__all__) <= set(names)


def test_the_import_loads_no_analysis() -> None:
    code = "import sys, cxm; print([m for m in sys.modules if m.startswith('cxm._')])"
    shown = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    for module in set(cxm._LAZY.values()):
        assert f"'cxm.{module}'" not in shown
