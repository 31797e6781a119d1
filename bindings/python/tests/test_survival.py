# SPDX-License-Identifier: GPL-3.0-or-later
"""Survival curves, competing risks and log-rank tests from Python: random records against the
definitions taken customer by customer in fractions, and what users do with the results."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from typing import Any

import cxm
import pytest

Z = 1.959963984540054
NATURES = ["natural", "malicious", "competitive", "fault"]
TIMES_D = [1, 2, 2, 3, 3, 3, 4, 5, 5, 6, 6, 6, 7, 8, 8, 9, 10, 10, 11, 12]
CAUSES_D = [3, 1, 3, 0, 4, 3, 2, 3, 0, 1, 4, 4, 0, 3, 1, 0, 3, 0, 1, 0]


def at_risk(rows: list[Any], t: Any) -> int:
    return sum(f for entry, exit, _, f in rows if (entry is None or entry < t) and exit >= t)


def curve(rows: list[Any]) -> list[tuple[Any, int, int, Fraction, float]]:
    """time, at risk, events, S and its standard error: by the definition, O(n^2)."""
    s, sigma, found = Fraction(1), Fraction(0), []
    for t in sorted({r[1] for r in rows if r[3]}):
        n = at_risk(rows, t)
        d = sum(f for _, exit, cause, f in rows if exit == t and cause)
        s *= 1 - Fraction(d, n)
        if d < n:
            sigma += Fraction(d, n * (n - d))
        else:
            sigma = Fraction(0)
        found.append((t, n, d, s, float(s) * math.sqrt(sigma) if s else math.nan))
    return found


def incidence(rows: list[Any], cause: int) -> list[tuple[Fraction, Fraction]]:
    """F and its variance by the sums as they stand."""
    steps, s, f = [], Fraction(1), Fraction(0)
    found = []
    for t, n, d, after, _ in curve(rows):
        k = sum(c for _, exit, what, c in rows if exit == t and what == cause)
        f += s * Fraction(k, n)
        steps.append((n, d, k, s, f))
        v = Fraction(0)
        for n_i, d_i, k_i, before, f_i in steps:
            gap = f - f_i
            if d_i < n_i:
                v += gap**2 * Fraction(d_i, n_i * (n_i - d_i))
            v += before**2 * Fraction(k_i * (n_i - k_i), n_i**3)
            v -= 2 * gap * before * Fraction(k_i, n_i**2)
        found.append((f, v))
        s = after
    return found


def random_records(rng: random.Random, causes: int) -> tuple[list[Any], bool]:
    truncated = rng.random() < 0.5
    rows = []
    for _ in range(rng.randrange(1, 25)):
        exit = rng.randrange(1, 9) if rng.random() < 0.7 else rng.choice((0.5, 2.25, 7.75))
        entry = rng.choice([e for e in (0, 0.25, 1, 2, 3) if e < exit]) if truncated else None
        rows.append((entry, exit, rng.randrange(causes + 1), rng.randrange(4)))
    return rows, truncated


def columns(rows: list[Any], truncated: bool) -> dict[str, Any]:
    entry, exit, cause, freq = ([r[i] for r in rows] for i in range(4))
    return {"duration": exit, "cause": cause, "freq": freq,
            **({"entry": entry} if truncated else {})}


def close(got: float, want: float) -> bool:
    return (got != got and want != want) or abs(got - want) <= 1e-13 * max(1, abs(want))


def test_curves_of_random_records() -> None:
    rng = random.Random(11)
    for _ in range(300):
        rows, truncated = random_records(rng, 1)
        given = columns(rows, truncated)
        given["event"] = given.pop("cause")
        want = curve(rows)
        r = cxm.kaplan_meier(**given)
        if not want:
            assert math.isnan(r.median)
            continue
        got = r["survival"].to_dict()
        assert got["time"] == [w[0] for w in want]
        assert got["at_risk"] == [w[1] for w in want]
        assert got["events"] == [w[2] for w in want]
        for value, error, lower, upper, (_, _, _, s, se) in zip(
            got["value"], got["std_error"], got["lower"], got["upper"], want
        ):
            assert close(value, float(s)) and close(error, se)
            if 0 < s < 1:
                spread = Z * se / (float(s) * math.log(float(s)))
                assert close(lower, float(s) ** math.exp(-spread))
                assert close(upper, float(s) ** math.exp(spread))
        reached = [(t, s) for t, _, _, s, _ in want if s <= Fraction(1, 2)]
        if not reached:
            assert math.isnan(r.median)
        elif reached[0][1] < Fraction(1, 2):
            assert r.median == reached[0][0]
        else:
            later = [t for t, s in reached if s < Fraction(1, 2)] or [want[-1][0]]
            assert r.median == (reached[0][0] + later[0]) / 2


def test_restricted_means_of_random_records() -> None:
    rng = random.Random(12)
    for _ in range(200):
        rows, truncated = random_records(rng, 1)
        want = curve(rows)
        if not want:
            continue
        given = columns(rows, truncated)
        given["event"] = given.pop("cause")
        tau = Fraction(want[-1][0]) * Fraction(rng.randrange(1, 9), 8)
        steps = [(Fraction(t), n, d, s) for t, n, d, s, _ in want if t <= tau]

        def area(since: Fraction) -> Fraction:
            edges = [since, *[t for t, *_ in steps if t > since], tau]
            total = Fraction(0)
            for a, b in zip(edges, edges[1:]):
                height = [s for t, _, _, s in steps if t <= a]
                total += (height[-1] if height else 1) * (b - a)
            return total

        variance = sum(
            (area(t) ** 2 * Fraction(d, n * (n - d)) for t, n, d, _ in steps if d < n), Fraction(0)
        )
        mean = cxm.kaplan_meier(**given).rmst(float(tau))
        assert close(mean.value, float(area(Fraction(0))))
        assert abs(mean.std_error - math.sqrt(variance)) <= 1e-12


def test_incidences_of_random_records() -> None:
    rng = random.Random(13)
    for _ in range(150):
        causes = rng.randrange(1, 5)
        rows, truncated = random_records(rng, causes)
        names = NATURES[:causes]
        r = cxm.competing_risks(**columns(rows, truncated), causes=names)
        if not curve(rows):
            continue
        sums = [float(s) for _, _, _, s, _ in curve(rows)]
        for k, name in enumerate(names):
            got = r[f"incidence[{name}]"].to_dict()
            for i, (f, v) in enumerate(incidence(rows, k + 1)):
                assert close(got["value"][i], float(f))
                assert abs(got["std_error"][i] - math.sqrt(v)) <= 1e-12
                sums[i] += got["value"][i]
        assert all(abs(total - 1) <= 1e-15 * len(sums) for total in sums)


def test_logrank_of_random_records() -> None:
    numpy = pytest.importorskip("numpy")
    rng = random.Random(14)
    for _ in range(150):
        k, strata = rng.randrange(2, 5), rng.randrange(1, 3)
        rho, gamma = rng.choice(((0, 0), (1, 0), (0, 1), (0.5, 2)))
        rows, truncated = random_records(rng, 1)
        by = [rng.randrange(k) for _ in rows]
        stratum = [rng.randrange(strata) for _ in rows]
        gap, v = numpy.zeros(k), numpy.zeros((k, k))
        expected = numpy.zeros(k)
        for h in range(strata):
            inside = [r for r, s in zip(rows, stratum) if s == h]
            before = Fraction(1)
            for t, n, d, after, _ in curve(inside):
                share = numpy.array([at_risk(
                    [r for r, g, s in zip(rows, by, stratum) if g == j and s == h], t
                ) / n for j in range(k)])
                lost = numpy.array([sum(
                    r[3] for r, g, s in zip(rows, by, stratum)
                    if g == j and s == h and r[1] == t and r[2]
                ) for j in range(k)])
                w = float(before) ** rho * float(1 - before) ** gamma
                gap += w * (lost - d * share)
                expected += w * d * share
                if n > 1:
                    v += w * w * d * (n - d) / (n - 1) * (
                        numpy.diag(share) - numpy.outer(share, share)
                    )
                before = after
        given = columns(rows, truncated)
        given["event"] = given.pop("cause")
        r = cxm.logrank(**given, by=by, strata=None if strata == 1 else stratum, rho=rho,
                        gamma=gamma)
        kept = numpy.flatnonzero(expected > 0)[:-1]
        part = v[numpy.ix_(kept, kept)]
        rank = int(numpy.linalg.matrix_rank(part)) if len(kept) else 0
        assert ("DEGENERATE" in r["logrank"].flags) == (rank < len(kept))
        if rank == 0:
            assert math.isnan(r.statistic)
            continue
        # groups that were never at risk beside others are left out
        want = gap[kept] @ numpy.linalg.pinv(part, rcond=1e-10) @ gap[kept]
        assert r.df == rank
        assert r.statistic == pytest.approx(want, rel=1e-9, abs=1e-12)


def test_partitions_merge_to_the_whole() -> None:
    rng = random.Random(15)
    for _ in range(60):
        rows, truncated = random_records(rng, 2)
        by = [rng.choice("ab") for _ in rows]

        def tally(places: list[int]) -> cxm.Tally:
            given = columns([rows[i] for i in places], truncated)
            given["event"] = given.pop("cause")
            return cxm.Tally("survival", causes=["x", "y"]).add(**given, by=[by[i] for i in places])

        whole = tally(list(range(len(rows))))
        parts: list[list[int]] = [[], [], []]
        for i in range(len(rows)):
            parts[rng.randrange(3)].append(i)
        rng.shuffle(parts)
        merged = cxm.merge(tally(p).save() for p in parts if p)
        assert merged.save() == whole.save()
        if parts[0] and merged.n_rows:
            rest = whole.copy().subtract(tally(parts[0]))
            others = parts[1] + parts[2]
            assert not others or rest == tally(others)
        first = cxm.kaplan_meier(whole).to_dict()
        assert str(first) == str(cxm.kaplan_meier(merged).to_dict())


def test_worked_example_of_causes() -> None:
    r = cxm.competing_risks(TIMES_D, CAUSES_D, causes=NATURES)
    assert r["incidence[natural]"].to_dict()["value"][-1] == pytest.approx(.3004638219, abs=5e-11)
    words = [NATURES[c - 1] if c else "" for c in CAUSES_D]
    with pytest.raises(cxm.Error, match="labels"):
        cxm.competing_risks(TIMES_D, words, causes=NATURES)
    current = [w or "current" for w in words]
    labels = {"current": 0, **{name: i + 1 for i, name in enumerate(NATURES)}}
    again = cxm.competing_risks(TIMES_D, current, causes=NATURES, labels=labels)
    assert again.tally == r.tally
    lost = [i for i, c in enumerate(CAUSES_D) if c]
    text = cxm.competing_risks([TIMES_D[i] for i in lost], [words[i] for i in lost],
                               causes=NATURES)
    assert text.tally == cxm.competing_risks([TIMES_D[i] for i in lost],
                                             [CAUSES_D[i] for i in lost], causes=NATURES).tally
    event = [int(c > 0) for c in CAUSES_D]
    named = cxm.competing_risks(TIMES_D, words, event=event)
    assert named["incidence[fault]"].to_dict()["value"] == \
        r["incidence[fault]"].to_dict()["value"]
    assert named.measures == [f"incidence[{n}]" for n in sorted(NATURES)] + ["survival"]
    unknown = cxm.competing_risks(TIMES_D, [w or None for w in words],
                                  event=[1] * 20, times=[12])
    assert "incidence[unknown]" in unknown.measures
    with pytest.raises(cxm.Error, match="row 4 is 4"):
        cxm.competing_risks(TIMES_D, CAUSES_D, causes=NATURES[:3])


def test_classifications_of_churn() -> None:
    r = cxm.competing_risks(TIMES_D, CAUSES_D, causes="churn_type")
    assert r["incidence[natural]"].to_dict()["value"][-1] == pytest.approx(.3004638219, abs=5e-11)
    assert r.measures == [
        *(f"incidence[{n}]" for n in ("natural", "malicious", "competitive", "fault", "unknown")),
        "survival",
    ]
    chinese = ["", "自然", "恶意流失", "竞争", "过失流失"]
    event = [c > 0 for c in CAUSES_D]
    again = cxm.competing_risks(TIMES_D, [chinese[c] for c in CAUSES_D], event=event,
                                causes="churn_type")
    assert again.tally == r.tally
    shown = cxm.competing_risks(TIMES_D, [chinese[c] for c in CAUSES_D], event=event,
                                causes="churn_type_zh")
    assert shown["incidence[过失流失]"].to_dict()["value"] == \
        r["incidence[fault]"].to_dict()["value"]
    preset = next(p for p in cxm.presets("survival") if p.name == "churn_type")
    assert preset.params["causes"][:4] == NATURES and "自然" in preset.reason
    assert preset.run(TIMES_D, CAUSES_D).tally == r.tally
    words = [NATURES[c - 1] if c else None for c in CAUSES_D]
    own = cxm.competing_risks(TIMES_D, [f"r{c}" for c in CAUSES_D], event=event,
                              labels={f"r{c}": c for c in range(1, 5)}, causes="churn_type")
    assert own.tally == r.tally
    words[4] = "price"
    with pytest.raises(cxm.Error, match="row 4 is price, which is none of the causes natural"):
        cxm.competing_risks(TIMES_D, words, event=event, causes="churn_type")
    with pytest.raises(cxm.Error, match="pass also which customers are lost"):
        cxm.competing_risks(TIMES_D, words, causes="churn_type")
    with pytest.raises(cxm.Error, match="there are churn_through, churn_through_zh, churn_type"):
        cxm.competing_risks(TIMES_D, CAUSES_D, causes="reasons")
    with pytest.raises(cxm.Error, match="classifications of churn are no rules"):
        cxm.preset_report("survival", TIMES_D, CAUSES_D)


def test_grouped_curves() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"days": [1, 2, 3, 4, 5, 6], "lost": [1, 1, 0, 1, 0, 1],
                              "plan": list("aabbab")})
    r = cxm.kaplan_meier("days", "lost", data=frame, by="plan", total=True, quantiles=[0.25])
    assert r.groups == ["a", "b"]
    alone = cxm.kaplan_meier("days", "lost", data=frame)
    assert cxm.kaplan_meier("days", "lost", data=frame, by="plan").total.median == alone.median
    assert r.total["survival"].to_dict()["value"] == alone["survival"].to_dict()["value"]
    assert r.total.rmst(4).value == alone.rmst(4).value
    assert r.group("a").median == 2 and r.total.median == 4
    assert r.group("b").rmst(5).value == pytest.approx(4.5)
    assert r.group("b").at([1, 4.5]).to_dict()["value"] == [1, 0.5]
    assert r.group("a").quantile(0.25).value == 1
    assert len(r["quantile"]) == 3
    with pytest.raises(cxm.Error, match="2 groups"):
        r.median
    test = cxm.logrank("days", "lost", data=frame, by="plan")
    assert (test.df, len(test["observed"])) == (1, 2)
    tally = cxm.Tally("survival").add(duration="days", event="lost", by="plan", data=frame)
    assert cxm.logrank(tally).statistic == test.statistic
    assert tally.estimate(measures="all").group("a")["events"].value == 2


def test_errors_that_explain() -> None:
    with pytest.raises(cxm.Error, match="event= is needed"):
        cxm.kaplan_meier([1, 2])
    with pytest.raises(cxm.Error, match="duration: row 1 is -2"):
        cxm.kaplan_meier([1, -2], [1, 1])
    with pytest.raises(cxm.Error, match="event: row 0 is 2; it must be 0 or 1 .*subtract 1"):
        cxm.kaplan_meier([1, 2], [2, 1])
    with pytest.raises(cxm.Error, match="logrank needs by="):
        cxm.logrank([1], [1])
    with pytest.raises(cxm.Error, match="tau is 9"):
        cxm.kaplan_meier([1, 2], [1, 0], tau=9)
    with pytest.raises(cxm.Error, match="log-log, log, plain"):
        cxm.kaplan_meier([1, 2], [1, 0], interval="wilson")
    with pytest.raises(cxm.Error, match="no survey weights"):
        cxm.Tally("survival").add(duration=[1], event=[1], weight=[2])
    with pytest.raises(cxm.Error, match="tallies of survival"):
        cxm.kaplan_meier(cxm.Tally("nps"))
    with pytest.raises(cxm.Error, match="must be a number"):
        cxm.kaplan_meier([1, 2], [1, 0], quantiles=["x"])
    with pytest.raises(cxm.Error, match="hazard must be"):
        cxm.kaplan_meier([1, 2], [1, 0], hazard="cox")


def test_threads_change_no_bit() -> None:
    numpy = pytest.importorskip("numpy")
    rng = numpy.random.default_rng(17)
    n = 300_000
    days, event = rng.integers(0, 900, n), rng.integers(0, 3, n)
    plan = numpy.array(["a", "b", "c"])[rng.integers(0, 3, n)]
    for more in ({}, {"by": rng.integers(0, 12, n)}, {"by": plan},
                 {"entry": numpy.maximum(days - rng.integers(1, 50, n), 0)}):
        saved = {
            cxm.Tally("survival", causes=["x", "y"])
            .add(duration=days, event=event, threads=threads, **more).save()
            for threads in (1, 2, 4)
        }
        assert len(saved) == 1


def test_replays() -> None:
    """As of an instant with later records present, or with the records cut there: the same."""
    rng = random.Random(18)
    day = 86_400
    for _ in range(200):
        start = [rng.choice((None, *[rng.randrange(-40, 60) * day + rng.randrange(day)] * 9))
                 for _ in range(30)]
        end = [None if s is None or rng.random() < 0.3 else s + rng.randrange(-2, 50) * day
               for s in start]
        as_of = rng.randrange(0, 80) * day
        d = cxm.durations(start, end, as_of=as_of)
        cut = [(s, e if e is not None and e <= as_of else None) for s, e in zip(start, end)
               if s is None or s <= as_of]
        again = cxm.durations(*map(list, zip(*cut)), as_of=as_of)
        seen = [i for i, s in enumerate(start) if s is None or s <= as_of]
        reversed_ = [i for i, (s, e) in enumerate(zip(start, end))
                     if s is not None and s <= as_of and e is not None and e < s]
        assert (d.missing, d.unseen, d.bad) == (start.count(None), 30 - len(seen), len(reversed_))
        assert d.n + d.missing + d.unseen + d.bad == 30
        for i, (s, e) in enumerate(zip(start, end)):
            lost = e is not None and e <= as_of
            if s is None or s > as_of or i in reversed_:
                assert math.isnan(d.duration[i])
            else:
                assert (d.duration[i], d.event[i]) == (
                    ((e if lost else as_of) - s) // day, int(lost))
        if not reversed_ or not any(e is not None and e > as_of for e in end):
            kept = [i for i, place in enumerate(seen) if place not in reversed_]
            assert [str(again.duration[i]) for i in kept] == \
                [str(d.duration[seen[i]]) for i in kept]
        r = cxm.kaplan_meier(d)
        assert r["median"].missing == 30 - d.n and r["median"].n == d.n
    with pytest.raises(cxm.Error, match="unit"):
        cxm.durations([1], [2], as_of=3, unit=0)
    with pytest.raises(cxm.Error, match="end: 2 rows"):
        cxm.durations([1], [2, 3], as_of=3)


def test_dates_of_frames() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({
        "came": pandas.to_datetime(["2024-01-01", "2024-02-28", "2024-06-01"]),
        "went": pandas.to_datetime(["2024-01-31", None, "2024-05-01"]),
    })
    d = cxm.durations("came", "went", as_of=pandas.Timestamp("2024-03-01"), data=frame)
    assert (list(d.duration[:2]), list(d.event), d.unseen) == ([30, 2], [1, 0, 0], 1)
