#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does what the README shows, and compares what comes out with what the README says.

    check_readme.py console README.md     the C programs and the shell sessions
    check_readme.py python README.md      the Python sessions, in the Python that runs this
    check_readme.py extract README.md LANGUAGE [NAME]    prints the block of that language

A block marked `c` starts with a comment that names its file, and is written there. In a block
marked `console`, a line with `$ ` in front is run, in the order of the page and in one empty
folder; the lines below it are what it prints. A block marked `pycon` is a Python session.
Blocks marked `sh` are for the reader's own machine and are not run. Prints `ok` and `not ok` lines.
"""

import difflib
import doctest
import re
import subprocess
import sys
import tempfile
from pathlib import Path

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)


def blocks(path, language):
    text = Path(path).read_text(encoding="utf-8")
    return [body for name, body in FENCE.findall(text) if name == language]


def file_name(program):
    """The name in the comment on the first line: `/* report.c: ... */`."""
    found = re.match(r"/\* (\w+\.c)\b", program)
    return found.group(1) if found else None


def sessions(block):
    """(command, expected output) of a console block; `\\` at the end continues a command."""
    found = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append([line[2:], []])
        elif found and found[-1][0].endswith("\\"):
            found[-1][0] += "\n" + line
        elif found:
            found[-1][1].append(line)
    return found


def lines_of(text):
    return [line.rstrip() for line in text.rstrip("\n").split("\n") if text.strip()]


def check_console(path):
    failures, n = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for program in blocks(path, "c"):
            if name := file_name(program):
                (Path(folder) / name).write_text(program, encoding="utf-8")
        for command, expected in sum(map(sessions, blocks(path, "console")), []):
            n += 1
            got = subprocess.run(command, shell=True, cwd=folder, text=True, check=False,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            want, have = lines_of("\n".join(expected)), lines_of(got.stdout)
            if got.returncode == 0 and want == have:
                print(f"ok README: {command}")
                continue
            failures += 1
            print(f"not ok README: {command} (exit {got.returncode})")
            print("\n".join(difflib.unified_diff(want, have, "README", "now", lineterm="")))
    return failures == 0 and n > 0


def check_python(path):
    text = "\n".join(blocks(path, "pycon"))
    test = doctest.DocTestParser().get_doctest(text, {}, "README", str(path), 0)
    report = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE, verbose=False)
    runner.run(test, out=report.append)
    failed = runner.failures if hasattr(runner, "failures") else runner.summarize(False).failed
    for number in range(len(test.examples) - failed):
        print(f"ok README: Python example {number + 1}")
    for number in range(failed):
        print(f"not ok README: Python example (failure {number + 1})")
    print("".join(report), end="")
    return failed == 0 and bool(test.examples)


def main():
    mode, path = sys.argv[1:3]
    if mode == "console":
        good = check_console(path)
    elif mode == "python":
        good = check_python(path)
    else:
        found = [b for b in blocks(path, sys.argv[3])
                 if len(sys.argv) < 5 or file_name(b) == sys.argv[4]]
        good = len(found) == 1
        print(found[0] if found else "", end="")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
