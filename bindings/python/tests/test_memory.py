# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing is copied, Python's lock is released, threads give the same, small calls are quick."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import cxm
from cxm import _add

GIGABYTE = 1 << 30

ZERO_COPY = """
import resource, sys
import numpy, cxm
{more}
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
values = {make}
score = {column}
cxm.nps({small})
before = peak()
r = cxm.nps({call}, threads=2)
grown = peak() - before
assert r.n == {n}, r.n
print(grown)
"""

KINDS: dict[str, dict[str, Any]] = {
    "numpy": {"call": "score"},
    "numpy strides": {"column": "values[::2]", "n": GIGABYTE // 16, "call": "score"},
    "numpy bytes": {"make": f"numpy.full({GIGABYTE}, 9, numpy.uint8)", "n": GIGABYTE,
                    "call": "score"},
    "numpy, labelled in data=": {"call": "'score', data={'score': score}"},
    "buffer": {"column": "memoryview(values)", "call": "score"},
    "pandas": {"more": "import pandas", "column": "pandas.Series(values, copy=False)",
               "call": "score"},
    "polars": {"more": "import polars", "column": "polars.Series(values)", "call": "score"},
    "pyarrow": {"more": "import pyarrow", "column": "pyarrow.array(values)", "call": "score"},
}


@pytest.mark.parametrize("name", KINDS)
def test_a_column_of_a_gigabyte_is_not_copied(name: str) -> None:
    """The peak of memory rises by less than 1 % of the column."""
    kind = {"more": "", "make": f"numpy.full({GIGABYTE // 8}, 9.0)", "column": "values",
            "small": "values[:10]", "n": GIGABYTE // 8, **KINDS[name]}
    done = subprocess.run(
        [sys.executable, "-c", ZERO_COPY.format(**kind)], capture_output=True, text=True,
        check=False, env=os.environ,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < GIGABYTE / 100


def test_the_lock_of_python_is_released() -> None:
    """While one thread counts 200 million rows by group, another one runs Python."""
    values = np.full(200_000_000, 9, np.uint8)
    done = threading.Event()

    def count() -> None:
        cxm.nps(values, by=values, threads=1)
        done.set()

    worker = threading.Thread(target=count)
    worker.start()
    steps = 0
    start = time.perf_counter()
    while not done.is_set():
        steps += 1
        time.sleep(0)
    took = time.perf_counter() - start
    worker.join()
    assert took > 0.005 and steps > 50, (took, steps)


def test_threads_do_not_change_the_result() -> None:
    rng = np.random.default_rng(1)
    score = rng.integers(0, 11, 300_000).astype(np.int8)
    weight = rng.lognormal(0, 2, 300_000)
    group = rng.integers(0, 1000, 300_000)
    saved = {cxm.nps(score, by=group, weight=weight, threads=t).tally.save() for t in (1, 2, 5)}
    assert len(saved) == 1


def test_threads_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_add, "cpu_count", lambda: 6)
    assert _add.add_options("error", "keep", None, 999_999) is None
    many = _add.add_options("error", "keep", None, 1_000_000)
    assert many._obj.threads == 6
    assert _add.add_options("error", "keep", 1, 10**9) is None


def test_cpu_count() -> None:
    assert 1 <= _add.cpu_count() <= (os.cpu_count() or 1)


def test_results_can_be_read_by_several_threads() -> None:
    rng = np.random.default_rng(2)
    g = cxm.nps(rng.integers(0, 11, 5000), by=rng.integers(0, 50, 5000))
    want = g.to_dict()["value"]
    failures: list[Any] = []

    def read() -> None:
        for _ in range(20):
            if g["nps"].to_dict()["value"] != want or g.total.n != 5000:
                failures.append("read")

    def write() -> None:
        t = g.tally
        for i in range(20):
            t.add(score=[1], by=[i])
        if t.n_rows != 5020:
            failures.append("write")

    threads = [threading.Thread(target=f) for f in (read, write, read, write)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures and g.total.n == 5000


SCORES = np.arange(100, dtype=np.uint8) % 11


@pytest.mark.parametrize("make", [
    lambda: cxm.nps(SCORES).value,
    lambda: cxm.nps(SCORES.tolist(), by=["a", "b"] * 50).to_dict(),
    lambda: cxm.nps(pd.Series(SCORES)).tally.save(),
    lambda: cxm.nps(pl.Series(SCORES)).to_polars(),
    lambda: cxm.nps(pa.array(SCORES), by=pa.array(["a", "b"] * 50)).to_arrow(),
    lambda: cxm.Tally("nps").add(score=SCORES).copy().add(score=[1]).estimate().ci,
    lambda: pytest.raises(cxm.Error, cxm.nps, [99]),
])
def test_nothing_leaks(make: Any) -> None:
    for _ in range(200):
        make()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(2000):
        make()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2048  # KiB


def quickest(call: Any, number: int = 300, repeat: int = 15) -> float:
    """Microseconds of the quickest of some rounds: the machine may be busy."""
    best = float("inf")
    for _ in range(repeat):
        start = time.perf_counter()
        for _ in range(number):
            call()
        best = min(best, time.perf_counter() - start)
    return best / number * 1e6


def test_small_calls_are_quick() -> None:
    """Targets of 50 µs; the bound leaves room for slow machines."""
    score = np.arange(1000) % 11
    group = np.arange(1000) % 8
    assert quickest(lambda: cxm.nps(SCORES).value) < 150
    assert quickest(lambda: cxm.nps(SCORES.tolist()).value) < 150
    assert quickest(lambda: cxm.nps(score, by=group)) < 150


def test_import_is_quick(tmp_path: Path) -> None:
    """At most 50 ms of processor time, once the package has been compiled."""
    code = "import time; t = time.process_time(); import cxm; print(time.process_time() - t)"
    compiled = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path)}
    runs = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                             check=True, env=compiled).stdout)
        for _ in range(7)
    ]
    assert min(runs) < 0.05
