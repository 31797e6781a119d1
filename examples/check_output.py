#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""check_output.py EXPECTED PROGRAM...: runs it and compares what it prints with a file."""
import difflib
import pathlib
import subprocess
import sys

expected = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")
run = subprocess.run(sys.argv[2:], stdout=subprocess.PIPE, check=False)
printed = run.stdout.decode("utf-8", "backslashreplace")
for line in difflib.unified_diff(expected.splitlines(), printed.splitlines(), "expected",
                                 "printed", lineterm=""):
    print(line)
sys.exit(run.returncode != 0 or printed != expected)
