#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of src/ the tests of a build ran; fails below what is wanted.

    coverage.py BUILD LINES BRANCHES

BUILD was made by clang with -fprofile-instr-generate -fcoverage-mapping, its programs left their
profiles as BUILD/profiles/*.profraw. LINES and BRANCHES are the least percentages. clang counts
what stands in the source: a loop that is compiled forty times, each with other constants, has the
branches that one reads.

What this processor cannot run does not count, and is named: the files of AVX-512 where there is none.
"""

import json
import subprocess
import sys
from pathlib import Path


def programs(build):
    """Every program of the build; each has the whole of the static library that it uses."""
    targets = json.loads(subprocess.check_output(["meson", "introspect", "--targets", str(build)]))
    return [name for target in targets if target["type"] == "executable" for name in target["filename"]
            if Path(name).exists()]


def measured(build):
    """What clang's tool says of each file of src/: its summary by the path below src/."""
    profiles = sorted(build.glob("profiles/*.profraw"))
    if not profiles:
        sys.exit(f"coverage.py: no profiles in {build}/profiles")
    data = build / "all.profdata"
    subprocess.run(["llvm-profdata", "merge", "-sparse", "-o", data, *profiles], check=True)
    first, *others = programs(build)
    command = ["llvm-cov", "export", "-summary-only", "-instr-profile", data, first]
    for program in others:
        command += ["-object", program]
    answer = json.loads(subprocess.check_output(command, stderr=subprocess.DEVNULL))
    top = Path("src").resolve()
    files = {}
    for file in answer["data"][0]["files"]:
        path = (build / file["filename"]).resolve()
        if top in path.parents:
            files[str(path.relative_to(top))] = file["summary"]
    return files


def of_other_processors():
    """Files that hold nothing that this processor can run."""
    if "avx512f" in Path("/proc/cpuinfo").read_text(encoding="utf-8").split():
        return set()
    texts = {path: path.read_text(encoding="utf-8") for path in Path("src").glob("*/x86/*.c")}
    return {str(path.relative_to("src")) for path, text in texts.items()
            if 'CXM_TARGET("avx512' in text and 'target("avx2' not in text}


def share(files, what):
    covered = sum(file[what]["covered"] for file in files.values())
    count = sum(file[what]["count"] for file in files.values())
    return 100 * covered / count, covered, count


def main():
    build, least = Path(sys.argv[1]), {"lines": float(sys.argv[2]), "branches": float(sys.argv[3])}
    files = measured(build)
    for path in sorted(of_other_processors()):
        if files.pop(path, None):
            print(f"not counted, for AVX-512: {path}")
    by_share = sorted(files.items(), key=lambda item: item[1]["branches"]["percent"]
                      if item[1]["branches"]["count"] else 100)
    print(f"{'lowest in branches':40} lines branches")
    for path, file in by_share[:25]:
        print(f"{path:40} {file['lines']['percent']:4.0f}% {file['branches']['percent']:7.0f}%")
    good = True
    for what, wanted in least.items():
        percent, covered, count = share(files, what)
        print(f"{what}: {percent:.1f} % ({covered} of {count}), wanted {wanted:g} %")
        good = good and percent >= wanted
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
