# SPDX-License-Identifier: GPL-3.0-or-later
"""The scripts of tests/bench on few rows: every engine gives the same answers, and files come out.

How fast anything is does not matter here.
"""
import json
import os
import pathlib
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[3]
SCRIPTS = TOP / "tests" / "bench"
PROGRAM = TOP / "build" / "tests" / "bench"
WORKLOADS = {"w1", "w2", "w2m", "w3", "w4", "w4u", "w5", "w6", "w7", "w8", "w9"}


def run(*command, env):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True,
                          env={**os.environ, **env})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """The folder in which everything was run, on 3 000 rows."""
    if not PROGRAM.exists():
        pytest.skip("no C program: the benchmarks are not built")
    folder = tmp_path_factory.mktemp("bench")
    run("sh", SCRIPTS / "all.sh", TOP / "build", folder, 3000, env={"PYTHON": sys.executable})
    return folder


def test_peers_give_the_same_answers(out):
    one, two = json.loads((out / "peers.json").read_text(encoding="utf-8"))["runs"]
    assert set(one["workloads"]) == set(two["workloads"]) == WORKLOADS
    for workload, row in one["workloads"].items():
        want = {"cxm", "numpy"} | ({"duckdb", "polars", "pandas"} if workload != "w8" else set())
        assert want <= set(row["engines"]), workload
        assert row["rows"] == 3000
        assert all(e["rounds"] == 1 and e["seconds"] > 0 for e in row["engines"].values())
    assert {"cxm", "duckdb", "polars"} <= set(two["workloads"]["w2"]["engines"])
    assert "numpy" not in two["workloads"]["w2"]["engines"]  # it has one thread only


def test_drawings(out):
    drawn = (out / "peers.svg").read_text(encoding="utf-8")
    assert drawn.startswith("<svg") and "duckdb" in drawn and "W9" in drawn
    drawn = (out / "scale.svg").read_text(encoding="utf-8")
    assert "by rows" in drawn and "by groups" in drawn and ">W2m</text>" in drawn


def test_tables(out):
    tables = (out / "tables.md").read_text(encoding="utf-8")
    for row in ("| W1 NPS | 0.003", "| W9 | duckdb | 5 | 10 | ", "| polars | ", "ns a row",
                "| one row added |",
                "MiB beside the input"):
        assert row in tables, row


def test_records(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    record = __import__("record")
    monkeypatch.setattr(record, "TABLE", tmp_path / "workloads.c")
    record.TABLE.write_text('    { "W1", .rows = 3, .gate = 9, X },\n'
                            '    { "W2", .rows = 3, .gate = 2, .gate_plain = 8 },\n')
    gate, plain = tmp_path / "gate", tmp_path / "plain"
    gate.write_text("W1    NPS   2.00 x reading, recorded 9.00\nW2    NPS   3.00 x reading, recorded 2.00\n")
    plain.write_text("W1    NPS   4.00 x reading, recorded 9.00\nW2    NPS   5.00 x reading, recorded 2.00\n")
    monkeypatch.setattr(sys, "argv", ["record.py", str(gate), str(plain)])
    record.main()
    assert record.TABLE.read_text() == ('    { "W1", .rows = 3, .gate = 2.2, .gate_plain = 4.4, X },\n'
                                        '    { "W2", .rows = 3, .gate = 2, .gate_plain = 5.5 },\n')


def test_fewer_rows_where_time_or_memory_is_short(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    rounds = __import__("rounds")
    pilot = {"setup": 0, "runs": {"cxm": 1e-6, "pandas": 1e-5}, "bytes": 10, "copies": 6}
    assert rounds.plan({"w1": pilot}, {"w1": 10**6}, 5, 100)["w1"] == {"rows": 10**6, "seconds": 16}
    short = rounds.plan({"w1": pilot, "w2": pilot}, {"w1": 10**6, "w2": 10**5}, 5, 20)
    assert short["w2"]["rows"] == 10**5 and short["w1"]["rows"] < 10**6
    assert sum(p["seconds"] for p in short.values()) <= 20
    monkeypatch.setattr(rounds, "free_bytes", lambda: 60e6)
    assert rounds.plan({"w1": pilot}, {"w1": 10**7}, 5, 1e9)["w1"]["rows"] == 850_000
