# SPDX-License-Identifier: GPL-3.0-or-later
"""The engines that peers.py compares, each in its best form.

An engine is a class with ``name``, ``version``, ``Engine(threads)``, ``load(workload, columns)``, a
method for every workload that it knows (w1 … w9), which goes from columns to a result in memory
(``w5_plain``: as one would write it at first, where that is not the best form), and
``answer(workload, result)``, not timed: the numbers as one array, in the order of keys.
"""
from __future__ import annotations

import importlib

NAMES = ("ours", "duckdb_sql", "polars_frames", "numpy_arrays", "pandas_frames", "r_process")


def available(threads):
    """The engines that are installed, and why the others are not there."""
    engines, absent = [], {}
    for name in NAMES:
        try:
            engines.append(importlib.import_module(f"engines.{name}").Engine(threads))
        except (ImportError, OSError) as error:
            absent[name] = str(error)
    return engines, absent
