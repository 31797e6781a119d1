#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the built libraries give and take, read with binutils.

    check_symbols.py exports libcxm.so tests/data/symbols.txt [--update]
    check_symbols.py guest libcxm.a

exports: the shared library exports the names listed, all cxm_, and nothing else; --update
writes the list anew, for a commit in which a name was added on purpose.

guest: nothing in the library prints, ends the program, touches locale, signals, environment or
GSL's error handler, or keeps mutable global state; memory comes from base/alloc.c alone.
"""

import re
import subprocess
import sys
from pathlib import Path

HEADER = "# The names that libcxm.so exports; check_symbols.py compares. Names are only added.\n"

DENIED = re.compile(
    r"""(__)?v?[fd]?printf(_chk)? | puts | fputs | fputc | putchar | putc | fwrite | perror
      | (std(out|err|in)) | fopen | open | write | read
      | abort | exit | _exit | _Exit | quick_exit | atexit | raise | kill | signal | sigaction
      | setlocale | uselocale | localeconv | getenv | secure_getenv | setenv | putenv
      | gsl_set_error_handler(_off)? | gsl_error | gsl_stream_printf
      | rand | srand | random | srandom | drand48 | time | clock | localtime | gmtime | mktime
      | strtok | strerror | __errno_location | longjmp | fork | system""",
    re.X,
)
ALLOCATING = {"malloc", "calloc", "realloc", "free", "aligned_alloc", "posix_memalign"}


def run(*command):
    return subprocess.run(command, check=True, text=True, capture_output=True).stdout


def exports(library, listed_path, update):
    lines = [line.split() for line in run("nm", "-D", "--defined-only", library).splitlines()]
    # Absolute symbols are the version nodes themselves.
    names = sorted({re.sub(r"@.*", "", f[-1]) for f in lines if len(f) == 3 and f[1] != "A"})
    if update:
        listed_path.write_text(HEADER + "".join(f"{n}\n" for n in names), encoding="utf-8")
    text = listed_path.read_text(encoding="utf-8")
    listed = [line for line in text.splitlines() if line and not line.startswith("#")]
    problems = [f"exported, but not listed: {n}" for n in names if n not in listed]
    problems += [f"listed, but not exported: {n}" for n in listed if n not in names]
    problems += [f"not ours: {n}" for n in names if not re.match(r"cxm_(?!priv_)", n)]
    if listed != sorted(set(listed)):
        problems.append("the list is not sorted")
    print(f"{len(names)} names exported")
    return problems


def guest(library):
    problems = []
    member = ""
    for line in run("nm", "-A", "--undefined-only", library).splitlines():
        where, name = line.rsplit(":", 1)[0], line.split()[-1]
        member = where.split(":")[-1]
        if DENIED.fullmatch(name):
            problems.append(f"{member} calls {name}")
        if name in ALLOCATING and "alloc" not in member:
            problems.append(f"{member} calls {name}: memory comes from base/alloc.c")
    for line in run("objdump", "-t", library).splitlines():
        if ".o:" in line:
            member = line.split(":")[0]
        # Flag O is an object; read-only ones lie in .rodata or .data.rel.ro.
        found = re.match(r"[0-9a-f]+ .{6}O (\S+)\t[0-9a-f]+ +(?:\.hidden )?(\S+)", line)
        if found and re.match(r"\.(data|bss|tdata|tbss)(?!\.rel\.ro)|\*COM\*", found.group(1)):
            problems.append(f"{member} keeps mutable state: {found.group(2)}")
    return problems


def main():
    if len(sys.argv) > 3 and sys.argv[1] == "exports":
        problems = exports(sys.argv[2], Path(sys.argv[3]), "--update" in sys.argv)
    elif len(sys.argv) == 3 and sys.argv[1] == "guest":
        problems = guest(sys.argv[2])
    else:
        sys.exit(__doc__)
    for line in problems:
        print(line)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
