# SPDX-License-Identifier: GPL-3.0-or-later
"""The engines that peers.py compares, each in its best form.

An engine is a ``Base`` with ``name``, ``version``, ``Engine(threads)``, ``load(workload, columns)``, a
method for every workload that it knows (w1 … w9), which goes from columns to a result in memory
(``w5_plain``: as one would write it at first, where that is not the best form), and
``answer(workload, result)``, not timed: the numbers as one array, in the order of keys.
``unload()`` lets go of the columns; ``copies`` is how many times their bytes it holds.
"""
from __future__ import annotations

import importlib

NAMES = ("ours", "duckdb_sql", "polars_frames", "numpy_arrays", "pandas_frames", "r_process")


class Base:
    one_thread = False  # it has no more
    copies = 1
    d = t = None

    def unload(self):
        self.d = self.t = None


def available(threads, wanted=()):
    """The engines that are installed, and why the others are not there; wanted: only those, and ours."""
    engines, absent = [], {}
    for name in NAMES:
        try:
            engine = importlib.import_module(f"engines.{name}").Engine
            if wanted and engine.name.lower() not in (*wanted, "cxm"):
                raise ImportError("not asked for")
            if threads > 1 and engine.one_thread:
                raise ImportError("one thread only")
            engines.append(engine(threads))
        except (ImportError, OSError) as error:
            absent[name] = str(error)
    return engines, absent
