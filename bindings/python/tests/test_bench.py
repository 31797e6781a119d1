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


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def script(name, *arguments):
    return run(sys.executable, SCRIPTS / name, *arguments)


@pytest.fixture(scope="module")
def peers(tmp_path_factory):
    path = tmp_path_factory.mktemp("bench") / "peers.json"
    program = ["--bench", PROGRAM] if PROGRAM.exists() else []
    script("peers.py", *program, "--rows", 3000, "--repeat", 1, "--json", path)
    return path


def test_peers_give_the_same_answers(peers):
    one, two = json.loads(peers.read_text(encoding="utf-8"))["runs"]
    assert set(one["workloads"]) == set(two["workloads"]) == WORKLOADS
    for workload, row in one["workloads"].items():
        want = {"cxm", "numpy"} | ({"duckdb", "polars", "pandas"} if workload != "w8" else set())
        assert want <= set(row["engines"]), workload
        assert row["rows"] == 3000
        assert all(e["rounds"] == 1 and e["seconds"] > 0 for e in row["engines"].values())
    assert {"cxm", "duckdb", "polars"} <= set(two["workloads"]["w2"]["engines"])
    assert "numpy" not in two["workloads"]["w2"]["engines"]  # it has one thread only


def test_drawing_of_peers(peers, tmp_path):
    script("plot.py", peers, tmp_path / "p.svg")
    drawn = (tmp_path / "p.svg").read_text(encoding="utf-8")
    assert drawn.startswith("<svg") and "duckdb" in drawn and "W9" in drawn


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
