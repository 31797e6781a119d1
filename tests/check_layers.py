#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who includes whom: the layers of the library, checked from the #include lines.

    python3 tests/check_layers.py [root of the tree]

Each layer knows only the ones below it, GSL is known to `estimate` alone, a metric never looks
into another metric, public headers stand on public headers, and bindings and examples see
nothing but <cxm/...>. Also: every source is in the list of its layer in src/meson.build, and
every tests/test_*.c is built, so that nothing is left out by mistake.
"""

import re
import sys
from pathlib import Path

BELOW = {
    "base": set(),
    "column": {"base"},
    "tally": {"base", "column"},
    "derive": {"base", "column"},
    "estimate": {"base"},
    "metric": {"base", "column", "tally", "derive", "estimate"},
    "analysis": {"base", "column", "tally", "derive", "estimate", "metric"},
}
STANDARD = set(
    "assert ctype errno fenv float inttypes limits locale math setjmp signal stdarg stdbool "
    "stddef stdint stdio stdlib string time wchar".split()
)
# What the core may take from the system beyond C: threads, vector intrinsics and what tells
# which of them there are, large pages (where the system is Linux), and the look-up of a host's
# own functions (the capsules of Python).
SYSTEM = {"pthread.h", "immintrin.h", "cpuid.h", "arm_neon.h", "arm_acle.h", "sys/auxv.h",
          "sys/mman.h", "dlfcn.h"}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)

problems = []


def wrong(path, text):
    problems.append(f"{path}: {text}")


def includes(path):
    """(quoted, name) of every #include of a file, comments taken out."""
    text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.S)
    return [(kind == '"', name) for kind, name in INCLUDE.findall(text)]


def c_files(folder, *endings):
    return sorted(p for p in folder.rglob("*") if p.suffix in (endings or (".c", ".h")))


def check_public(root):
    for path in c_files(root / "include"):
        for quoted, name in includes(path):
            if quoted:
                wrong(path, f'includes "{name}": public headers are included as <cxm/...>')
            elif name.startswith("cxm/"):
                if not (root / "include" / name).is_file():
                    wrong(path, f"includes <{name}>, which is no public header")
            elif name.removesuffix(".h") not in STANDARD:
                wrong(path, f"includes <{name}>: public headers need C's own headers only")


def metric_names(root):
    """Metrics that have a file of their own: those that describe an entry of the registry."""
    described = re.compile(r"^const struct cxm_metric cxm_priv_metric_(\w+)\b", re.M)
    return {
        path.stem
        for path in c_files(root / "src" / "metric", ".c")
        if described.search(path.read_text(encoding="utf-8"))
    }


def check_private(root, path, layer, metrics):
    src = root / "src"
    for quoted, name in includes(path):
        if quoted:
            target = src / name if (src / name).is_file() else path.parent / name
            if not target.is_file():
                wrong(path, f'includes "{name}", which is not in src/')
                continue
            inner = target.resolve().relative_to(src.resolve())
            if inner.parts[0] != layer and inner.parts[0] not in BELOW[layer]:
                wrong(path, f'{layer} includes "{name}": it may know {sorted(BELOW[layer])}')
            if layer == inner.parts[0] == "metric" and inner.stem in metrics:
                if not path.stem.startswith(inner.stem):
                    wrong(path, f'includes "{name}", the private header of another metric')
        elif name.startswith("gsl/"):
            if layer != "estimate":
                wrong(path, f"includes <{name}>: GSL is known to estimate alone")
        elif name.startswith("cxm/"):
            if not (root / "include" / name).is_file():
                wrong(path, f"includes <{name}>, which is no public header")
        elif name.removesuffix(".h") not in STANDARD and name not in SYSTEM:
            wrong(path, f"includes <{name}>: the core needs libc, threads and GSL only")


def check_guests(root):
    """Bindings and examples: the public headers, and what lies in their own folder."""
    for folder in ("bindings", "examples"):
        for path in c_files(root / folder, ".c", ".h", ".cc", ".cpp", ".hpp"):
            for quoted, name in includes(path):
                if quoted and not (path.parent / name).is_file():
                    wrong(path, f'includes "{name}", which is not beside it')
                if name.startswith("cxm/") and not (root / "include" / name).is_file():
                    wrong(path, f"includes <{name}>, which is no public header")


def check_lists(root):
    text = (root / "src" / "meson.build").read_text(encoding="utf-8")
    for layer in BELOW:
        found = re.search(rf"^{layer}_sources = files\((.*?)\)", text, re.M | re.S)
        listed = set(re.findall(r"'([^']+)'", found.group(1))) if found else set()
        there = {
            str(p.relative_to(root / "src")) for p in c_files(root / "src" / layer, ".c")
        }
        for name in sorted(there ^ listed):
            state = "not listed" if name in there else "listed but not there"
            wrong(root / "src" / name, f"{state} in {layer}_sources of src/meson.build")
    text = (root / "tests" / "meson.build").read_text(encoding="utf-8")
    lists = re.findall(r"^(?:unit|law)_tests = \[(.*?)\]", text, re.M | re.S)
    listed = sorted(re.findall(r"'(\w+)'", " ".join(lists)))
    there = sorted(p.stem.removeprefix("test_") for p in (root / "tests").glob("test_*.c"))
    if listed != there:
        odd = sorted(set(listed) ^ set(there)) or "a name twice"
        wrong(root / "tests" / "meson.build", f"lists and tests/test_*.c differ: {odd}")
    headers = (root / "include" / "cxm" / "meson.build").read_text(encoding="utf-8")
    for path in sorted((root / "include" / "cxm").glob("*.h")):
        if f"'{path.name}'" not in headers:
            wrong(path, "not installed: include/cxm/meson.build does not name it")


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent)
    check_public(root)
    metrics = metric_names(root)
    n_files = 0
    for folder in sorted(p for p in (root / "src").iterdir() if p.is_dir()):
        if folder.name not in BELOW:
            wrong(folder, f"no such layer: {', '.join(BELOW)}")
            continue
        for path in c_files(folder):
            check_private(root, path, folder.name, metrics)
            n_files += 1
    check_guests(root)
    check_lists(root)
    for line in problems:
        print(line)
    print(f"layers: {n_files} files of src/ read, {len(problems)} problems")
    return 1 if problems or n_files == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
