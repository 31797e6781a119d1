#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records what `bench --gate` measured, so that the gate stays close to what is reached.

    build-release/tests/bench --gate >gate.txt;  build-without/tests/bench --gate >plain.txt
    python3 tests/bench/record.py gate.txt [plain.txt]

The second file is of a build with -Dcpu_mask=avx512 (workloads.c keeps a record for processors
without it where that differs). A tenth is added: a record is what is usual, not the best. A gate
is only lowered, or raised where --raise says so: whoever raises one says why in the commit.
"""
import pathlib
import re
import sys

TABLE = pathlib.Path(__file__).with_name("workloads.c")
LINE = re.compile(r"^(\w+) .* ([\d.]+) x reading, recorded")


def read(path):
    """Workload -> usual ratio, to two digits."""
    found = {}
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        if m := LINE.match(line):
            found[m[1]] = float(f"{1.1 * float(m[2]):.2g}")
    return found


def replace(entry, name, new, raising):
    """The entry with that record; None: the same as the other one."""
    m = re.search(rf", \.{name} = ([\d.]+)", entry)
    if m is None:
        after = re.search(r", \.gate = [\d.]+", entry).end()
        return entry[:after] + (f", .{name} = {new:g}" if new else "") + entry[after:]
    if new is None or (new > float(m[1]) and not raising):
        return entry
    return entry[:m.start()] + f", .{name} = {new:g}" + entry[m.end():]


def main():
    paths = [a for a in sys.argv[1:] if not a.startswith("--")]
    raising = "--raise" in sys.argv
    full, plain = read(paths[0]), read(paths[1]) if len(paths) > 1 else {}
    text = TABLE.read_text(encoding="utf-8")
    for name, ratio in full.items():
        start = text.index(f'{{ "{name}", ')
        end = text.index("\n    {", start) if "\n    {" in text[start:] else len(text)
        entry = replace(text[start:end], "gate", ratio, raising)
        if name in plain:
            differs = plain[name] > 1.2 * ratio
            entry = replace(entry, "gate_plain", plain[name] if differs else None, raising)
        text = text[:start] + entry + text[end:]
    TABLE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
