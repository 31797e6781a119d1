# SPDX-License-Identifier: GPL-3.0-or-later
"""One tally in the hands of several Python threads: no row is lost, and results stay as they are."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from helpers import mini

import cxm

TIMES = 300


@pytest.fixture(autouse=True)
def busy() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def together(*jobs: Callable[[], Any]) -> None:
    """All at once; what one of them raises is raised here."""
    failed: list[BaseException] = []

    def run(job: Callable[[], Any]) -> None:
        try:
            for _ in range(TIMES):
                job()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def test_adding_while_others_estimate_loses_nothing() -> None:
    t = cxm.Tally("nps").add(score=[10], by=["a"])
    together(lambda: t.add(score=[9, 3], by=["a", "b"]), lambda: t.add(score=[9, 3], by=["a", "b"]),
             lambda: t.estimate().total.value)
    assert t.n_rows == 1 + 4 * TIMES


def test_a_result_keeps_its_rows_while_others_add() -> None:
    t = cxm.Tally("nps").add(score=[10])

    def look() -> None:
        r = t.estimate()
        assert r.n == r["mean"].n == sum(row.n for row in r)

    together(look, look, lambda: t.add(score=[9]))
    assert t.n_rows == 1 + TIMES


def test_merging_into_each_other_ends() -> None:
    a, b = cxm.Tally("nps").add(score=[10]), cxm.Tally("nps").add(score=[3])
    one = b.copy()
    together(lambda: a.merge(one), lambda: b.merge(one), lambda: a == b, lambda: a.copy())
    assert a.n_rows == b.n_rows == 1 + TIMES


def test_the_first_rows_of_a_tally_of_items() -> None:
    for _ in range(50):
        t = cxm.Tally("csi", scale=(1, 5))
        add = [threading.Thread(target=lambda: t.add(items=mini("S"))) for _ in range(4)]
        for thread in add:
            thread.start()
        for thread in add:
            thread.join()
        assert t.n_rows == 48


def test_quantiles_of_a_tally_that_grows() -> None:
    t = cxm.Tally("quantiles").add(value=[1.0, 2.0])
    number = iter(range(10**6))
    together(lambda: t.add(value=[float(next(number))] * 3),
             lambda: cxm.quantiles(t, [0.5]).value, lambda: cxm.quantiles(t, [0.5]).value)
    assert t.n_rows == 2 + 3 * TIMES
