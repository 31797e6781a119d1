#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adds up what test programs reported; the last line is `N passed, N failed`.

    summary.py [--may-skip TEST]... [NAME=]LOG...

One line a log, then the sum; exit status 1 when anything failed or a log holds no test.

A log is meson's testlog.json (programs of cmocka, and those that print `ok NAME` lines, count each
of their tests, the others count as one), pytest's junit .xml, or a .count file with lines
`ok NAME` and `not ok NAME`. A skipped test counts as failed, because what should run here has
to run, unless it was named.
"""

import json
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


MAY_SKIP = set()


def read_meson(path):
    passed, failures = 0, []
    for line in path.read_text(encoding="utf-8").splitlines():
        test = json.loads(line)
        output = test.get("stdout", "") + test.get("stderr", "")
        good = sum(map(int, re.findall(r"\[  PASSED  \] (\d+) test", output)))
        bad = re.findall(r"^\[  (?:FAILED |SKIPPED)  ?\] (?!\d)([^,\n]*)$", output, re.M)
        bad = sorted(set(bad))
        good += len(re.findall(r"^ok ", output, re.M))
        passed += good
        failures += [f"{test['name']}: {name}" for name in bad]
        if test["result"] == "SKIP" and test["name"].split(" / ")[-1] in MAY_SKIP:
            print(f"    skipped {test['name']}")
        elif test["result"] != "OK" and not bad:
            failures.append(f"{test['name']}: {test['result'].lower()}")
        elif test["result"] == "OK" and not good and not bad:
            passed += 1
    return passed, failures


def read_junit(path):
    passed, failures = 0, []
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        bad = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        if bad:
            failures.append(f"{case.get('classname')}.{case.get('name')}: {bad[0]}")
        else:
            passed += 1
    return passed, failures


def read_count(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return (sum(line.startswith("ok ") for line in lines),
            [line.removeprefix("not ok ") for line in lines if line.startswith("not ok ")])


READERS = {".json": read_meson, ".xml": read_junit, ".count": read_count}


def main():
    passed, failed = 0, 0
    arguments = iter(sys.argv[1:])
    for argument in arguments:
        if argument == "--may-skip":
            MAY_SKIP.add(next(arguments))
            continue
        name, _, path = argument.rpartition("=")
        path = Path(path)
        try:
            good, failures = READERS[path.suffix](path)
        except (OSError, ValueError, ElementTree.ParseError) as error:
            good, failures = 0, [f"no result: {error}"]
        if good == 0 and not failures:
            failures = ["no test ran"]
        print(f"{name or path.name}: {good} passed, {len(failures)} not")
        for failure in failures:
            print(f"    FAILED {failure}")
        passed += good
        failed += len(failures)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
