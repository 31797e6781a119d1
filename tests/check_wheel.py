#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wheel that pip built, and the package it installed into an otherwise empty environment.

    check_wheel.py WHEEL      run by the Python of that environment; prints `ok` and `not ok`
"""

import importlib.util
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

MOST_MILLISECONDS = 50
LIBRARY = "cxm/_lib/libcxm.so"
SYSTEM = ("libc.so", "libm.so", "libpthread.so", "libdl.so", "ld-linux")


def run(*command):
    return subprocess.run(command, check=True, text=True, capture_output=True).stdout


def check_wheel(path):
    with zipfile.ZipFile(path) as wheel, tempfile.TemporaryDirectory() as folder:
        names = wheel.namelist()
        info = next(n for n in names if n.endswith(".dist-info/WHEEL"))
        meta = wheel.read(info).decode()
        yield "the wheel is one of a platform", "Root-Is-Purelib: false" in meta, meta
        yield "the library is inside", LIBRARY in names, names
        yield "types are shipped", "cxm/py.typed" in names, names
        yield "the licence is shipped", any(n.endswith("licenses/COPYING") for n in names), names
        stray = [n for n in names if "__pycache__" in n or not n.startswith("cxm")]
        yield "nothing else is shipped", not stray, stray

        library = wheel.extract(LIBRARY, folder)
        needed = [line.split("[")[1].rstrip("]\n")
                  for line in run("readelf", "-d", library).splitlines() if "(NEEDED)" in line]
        others = [n for n in needed if not n.startswith(SYSTEM)]
        yield "GSL is inside, nothing else is needed", not others, others
        exported = [line.split()[-1].split("@")[0] for line in
                    run("nm", "-D", "--defined-only", library).splitlines() if " A " not in line]
        foreign = [n for n in exported if not n.startswith("cxm_")]
        yield "the copy of GSL is hidden", bool(exported) and not foreign, foreign


def import_milliseconds():
    """The quickest of some imports in fresh interpreters, less an import of nothing."""
    def best(text):
        code = f"import time; t = time.perf_counter(); {text}; print(time.perf_counter() - t)"
        return min(float(run(sys.executable, "-I", "-c", code)) for _ in range(9))
    return 1000 * (best("import cxm") - best("pass"))


def check_package():
    extra = [n for n in ("numpy", "pandas", "pyarrow") if importlib.util.find_spec(n)]
    yield "the environment is empty", not extra, extra
    code = "import cxm; r = cxm.nps([10, 9, 8, 3, None]); print(r.value, r.n, r.missing)"
    got = run(sys.executable, "-I", "-c", code).split()
    yield "NPS without NumPy", got == ["25.0", "4", "1"], got
    took = import_milliseconds()
    yield f"import in {took:.0f} ms", took < MOST_MILLISECONDS, f"at most {MOST_MILLISECONDS}"


def main():
    failed = 0
    for name, good, told in [*check_wheel(Path(sys.argv[1])), *check_package()]:
        print(f"{'ok' if good else 'not ok'} package: {name}")
        if not good:
            failed += 1
            print(f"    {told}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
