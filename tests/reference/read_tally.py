#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads saved tallies without libcxm, written from the comment of src/tally/format.h alone.

    python3 tests/reference/read_tally.py FOLDER     checks the golden tallies of a folder
    python3 tests/reference/read_tally.py FILE       prints one tally

Frame, checksum and layout are checked for every file; for the metrics that keep plain counts
or sums of a column, all counters and sums are computed again as fractions, from the rules of
tests/golden.h.
"""

import math
import struct
import sys
from fractions import Fraction
from pathlib import Path

INT, UINT, REAL, BOOL, TEXT, BYTES, CATEGORY, DATE, TIME = range(9)
PRESENT, MISSING = 1, 2


def crc32c(data):
    """Bit by bit: reflected polynomial 0x1EDC6F41, all ones before and after."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


class Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        assert self.at + n <= len(self.data), "cut off"
        self.at += n
        return self.data[self.at - n : self.at]

    def number(self, form):
        return struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))[0]

    def text(self):
        return self.take(self.number("I")).decode()

    def texts(self):
        return [self.text() for _ in range(self.number("I"))]

    def done(self):
        assert self.at == len(self.data), "bytes left over"


def read_sections(data):
    assert data[:4] == b"CXMT"
    major, minor, kind, flags, zero, length, _ = struct.unpack("<BBHIIQQ", data[4:32])
    assert (major, minor, flags, zero) in ((1, 0, 0, 0), (1, 1, 1, 0))  # the second: a design
    assert length == len(data) - 36
    assert struct.unpack("<I", data[-4:])[0] == crc32c(data[:-4]), "checksum"
    c, sections = Cursor(data[32:-4]), []
    while c.at < len(c.data):
        tag, critical, zero, n = c.number("H"), c.number("H"), c.number("I"), c.number("Q")
        assert (critical, zero) == (1, 0)
        sections.append((tag, c.take(n)))
    tags = [tag for tag, _ in sections]
    assert tags == [1, 2, 3, 4, 5] or (flags == 1 and tags == [1, 2, 3, 4, 5, 6])
    parts = [Cursor(content) for _, content in sections]
    return kind, flags == 1, parts[:5], parts[5] if len(parts) > 5 else None


def read_config(c):
    metric, params = c.text(), {}
    for _ in range(c.number("I")):
        name = c.text()
        numbers = [c.number("d") for _ in range(c.number("I"))]
        params[name] = (numbers, c.texts())
    c.done()
    return metric, params


def read_schema(c, design):
    schema = {"weighted": c.number("B"), "values": c.number("B"), "given": c.number("I")}
    schema["keys"] = [
        (c.text(), c.number("I"), c.number("I"), c.texts()) for _ in range(c.number("I"))
    ]
    schema["types"] = [key[1] for key in schema["keys"]]
    if schema["values"]:
        schema["value_type"] = c.number("I")
        c.texts()
    schema["roles"] = []
    for _ in range(c.number("I") if design else 0):
        schema["roles"].append(c.number("B"))
        schema["keys"].append((c.text(), c.number("I"), c.number("I"), c.texts()))
        schema["types"].append(schema["keys"][-1][1])
    assert bool(schema["roles"]) == design and schema["roles"] == sorted(schema["roles"])
    c.done()
    return schema


def read_key(data, types):
    c, key = Cursor(data), []
    for kind in types:
        tag = c.number("B")
        assert tag in (PRESENT, MISSING)
        if tag == MISSING:
            key.append(None)
        elif kind in (TEXT, BYTES):
            text = b""
            while (byte := c.take(1)) != b"\0" or c.take(1) != b"\0":
                text += byte
            key.append(text.decode())
        else:
            word = struct.unpack(">Q", c.take(8))[0]
            if kind == REAL:
                bits = word ^ 1 << 63 if word >> 63 else word ^ (1 << 64) - 1
                key.append(struct.unpack("<d", struct.pack("<Q", bits))[0])
            else:
                key.append(word - (1 << 63) if kind in (INT, DATE, TIME) else word)
    c.done()
    return tuple(key)


def read_sum(c):
    """Two's complement digits in base 2^32: a fraction."""
    first, n = c.number("h"), c.number("H")
    digits = c.take(4 * n)
    assert n > 0 or first == 0
    assert n == 0 or any(digits[:4]), "a zero below"
    value = int.from_bytes(digits, "little", signed=True)
    assert n < 2 or value != int.from_bytes(digits[:-4], "little", signed=True), "a sign above"
    return value * Fraction(2) ** (32 * first)


def read_cells(c, types, n_cells, n_counts, n_sums):
    cells, last = {}, b""
    for i in range(n_cells):
        key = c.take(c.number("I"))
        assert i == 0 or key > last, "keys out of order"
        last = key
        counts = [c.number("Q") for _ in range(n_counts)]
        cells[read_key(key, types)] = counts, [read_sum(c) for _ in range(n_sums)]
    c.done()
    return cells


def units_of(metric, params):
    """Bins, variables and own reasons of each unit."""
    numbers = {name: value[0] for name, value in params.items()}
    items = len(params.get("items", ((), ()))[1])
    choice = {name: value[1][0] for name, value in params.items() if len(value[1]) == 1}
    kind = choice.get("importance_kind")
    if metric in ("nps", "csat", "ces"):
        low, high = numbers["scale"]
        return [(int(high - low) + 1, 0, 0)]
    if metric in ("fcr", "one_touch", "share"):
        return [(2, 0, 1)]
    if metric in ("retention", "churn"):
        return [(4, 0, 1) if choice.get("denominator") == "average" else (2, 0, 3)]
    if metric in ("mean", "total"):
        return [(1, 1, 0)]
    if metric == "ratio":
        return [(1, 2, 0)]
    if metric == "paired":
        low, high = numbers["scale"]
        answers = int(high - low) + 1
        return [(answers**2 if answers <= 31 else 9, 0, 0)] + [(3, 0, 1)] * 3
    if metric == "survival":
        return [(causes_of(params) + 1, 0, 1)]
    if metric == "repeat_purchase":
        return [(2, 0, 1)] * 3
    if metric == "cohorts":
        return [(2, 0, 2)]
    if metric == "revenue":
        return [(4, 4, 2), (6, 5, 2)]
    if metric == "reopen":
        return [(2, 1, 1)]
    if metric == "complaints":
        return [(2, 2, 0)]
    if metric == "fcr_window":  # contacts, their customers, issues, theirs, floored instants
        return [(2, 0, 7), (1, 2, 0), (2, 0, 7), (1, 2, 0), (2, 0, 0)]
    return None if items else []


def causes_of(params):
    return max(1, len(params["causes"][1]))


def read_tally(data):
    kind, design, (config, schema, rows, groups, values), frame = read_sections(data)
    metric, params = read_config(config)
    schema = read_schema(schema, design)
    assert (frame is not None) == (6 in schema["roles"])  # margins
    total, left_out, n_groups, n_values = (rows.number("Q") for _ in range(4))
    rows.done()
    units = units_of(metric, params)
    tally = {"kind": kind, "metric": metric, "params": params, "schema": schema, "rows": total,
             "left_out": left_out, "units": units}
    weighted = schema["weighted"]
    if units is None:
        return tally  # items: their units are described in the sources of csi and gap
    n_sums = 0
    for bins, p, _ in units:
        pairs = p * (p + 1) // 2
        n_sums += 2 * bins + 3 * p + 2 * pairs if weighted else p + pairs
    tally["groups"] = read_cells(groups, schema["types"], n_groups,
                                 sum(b + 3 + r for b, _, r in units), n_sums)
    types = schema["types"] + ([schema["value_type"]] if schema["values"] else [])
    n_counts = causes_of(params) + 2 if metric == "survival" else 1
    tally["values"] = read_cells(values, types, n_values, n_counts, 2 if weighted else 0)
    if frame is not None:
        for cell, (counts, _) in tally["groups"].items():
            first = units[0][0] + 3 + units[0][2]
            assert frame.number("Q") == sum(counts[:first]), cell
            sums = [read_sum(frame) for _ in range(2 if weighted else 0)]
            assert all(s >= 0 for s in sums)
        frame.done()
    at = 0
    for bins, _, reasons in units:  # every unit counts every row
        end = at + bins + 3 + reasons
        assert total == left_out + sum(sum(c[at:end]) for c, _ in tally["groups"].values())
        at = end
    return tally


# ---- the rules of tests/golden.h ------------------------------------------------------------

ROWS, NO_NUMBER = 24, -77
NAMES = ["north", "\u00f8st", "", None]


def value(kind, r, s):
    k = 7 * r + 3 * s
    if (r + 4 * s) % 11 == 10:
        return None
    return {"rating": k % 11, "flag": k // 2 % 2, "count": k % 3, "small": k % 17 / 2,
            "real": math.ldexp(k % 19 - 9, 5 * (k % 7) - 12)}[kind]


def expected_values(kinds, options):
    """Group -> (counters, sums) of one unit with one bin and a variable for each column."""
    groups = {}
    p = len(kinds)
    pairs = [(i, j) for i in range(p) for j in range(i, p)]
    for r in range(ROWS):
        x = [value(kind, r, s) for s, kind in enumerate(kinds)]
        copies = r % 4 if "freq" in options else 1
        w = (0 if r % 9 == 8 else 0.5 + r % 4) if "weight" in options else None
        key = ()
        if "number" in options:
            key += (None if r % 5 == 4 else r % 3 - 1,)
        if "text" in options:
            key += (NAMES[r // 2 % 4],)
        if copies == 0:
            continue
        used = None not in x and w != 0
        code = 0 if used else 1 if None in x else 3
        v = [w * xi for xi in x] if used and w is not None else []
        exact = [Fraction(xi) for xi in x] if used else []
        if not used:
            sums = None
        elif w is None:
            sums = exact + [exact[i] * exact[j] for i, j in pairs]
        else:
            v = [Fraction(vi) for vi in v]
            fw = Fraction(w)
            sums = [fw, fw * fw] + [fw * xi for xi in exact] + v + [fw * vi for vi in v]
            sums += [v[i] * v[j] for i, j in pairs]
            sums += [fw * exact[i] * exact[j] for i, j in pairs]
        n_sums = p + len(pairs) if w is None else 2 + 3 * p + 2 * len(pairs)
        counts, total = groups.setdefault(key, ([0] * 4, [Fraction(0)] * n_sums))
        counts[code] += copies
        for i in range(n_sums if sums else 0):
            total[i] += copies * sums[i]
    return groups


def expected_answers():
    counts = [0] * 14
    for r in range(ROWS):
        answer = value("rating", r, 0)
        counts[11 if answer is None else answer] += 1
    return {(): (counts, [])}


def expected_times(kinds, causes, options):
    """Groups and times of durations, events and entries: a customer counts once where it left,
    by cause, and once where it came in."""
    groups, times = {}, {}
    for r in range(ROWS):
        x = [value(kind, r, s) for s, kind in enumerate(kinds)]
        copies = r % 4 if "freq" in options else 1
        key = ()
        if "number" in options:
            key += (None if r % 5 == 4 else r % 3 - 1,)
        if "text" in options:
            key += (NAMES[r // 2 % 4],)
        if copies == 0:
            continue
        bad = len(x) == 3 and None not in x and x[2] >= x[1 - 1]
        code = causes + 1 if None in x else causes + 4 if bad else x[1]
        groups.setdefault(key, ([0] * (causes + 5), []))[0][code] += copies
        if code <= causes:
            touched = [(x[0], x[1])] + ([(x[2], causes + 1)] if len(x) == 3 else [])
            for time, counter in touched:
                times.setdefault((*key, time), ([0] * (causes + 2), []))[0][counter] += copies
    return groups, times


CHECKS = {
    "survival": lambda: expected_times(["count", "flag"], 1, {"number", "text", "freq"}),
    "survival-two-causes-entry": lambda: expected_times(
        ["small", "count", "small"], 2, {"freq"}),
    "nps": expected_answers,
    "mean": lambda: expected_values(["real"], {"weight", "freq"}),
    "mean-of-small-numbers": lambda: expected_values(["rating"], {"number"}),
    "ratio": lambda: expected_values(["real", "small"], set()),
    "total": lambda: expected_values(["small"], {"text", "weight"}),
}


def check_folder(folder):
    assert crc32c(b"123456789") == 0xE3069283  # the check value of CRC-32C
    files = sorted(folder.glob("*.cxmt"))
    for path in files:
        tally = read_tally(path.read_bytes())
        want = CHECKS.pop(path.stem, None)
        if want is None:
            continue
        groups = want()
        if isinstance(groups, tuple):
            groups, values = groups
            assert tally["values"] == values, f"{path.name}: {tally['values']} is not {values}"
        assert tally["groups"] == groups, f"{path.name}: {tally['groups']} is not {groups}"
    assert not CHECKS, f"not there: {', '.join(CHECKS)}"
    print(f"{len(files)} golden tallies read")


def main():
    path = Path(sys.argv[1])
    if path.is_dir():
        check_folder(path)
        return
    for name, part in read_tally(path.read_bytes()).items():
        print(f"{name}: {part}")


if __name__ == "__main__":
    main()
