#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every public header compiles alone, as C99, C17, C++11 and C++17, without a warning.

    check_headers.py folder-of-headers C-compiler C++-compiler

Each header is included twice (guards) and the macros that make columns are used, in the
forms that the language has. What is no column, or no array of rows, does not compile.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

# What careful programs ask of all that they include.
STRICT = ["-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Wsign-conversion", "-Wcast-qual", "-Wundef",
          "-pedantic", "-Werror", "-fsyntax-only"]
LANGUAGES = [
    ("C99", ["-x", "c", "-std=c99", "-Wstrict-prototypes"]),
    ("C17", ["-x", "c", "-std=c17", "-Wstrict-prototypes"]),
    ("C++11", ["-x", "c++", "-std=c++11"]),
    ("C++17", ["-x", "c++", "-std=c++17"]),
]
RECORDS = """
struct answer { int64_t customer; int8_t score; float minutes; char agent[16]; };
int64_t rows_of(const struct answer *answers, size_t n, const uint8_t *scores);
int64_t rows_of(const struct answer *answers, size_t n, const uint8_t *scores)
{
"""
# With a type by name; and with the type found by the compiler.
NAMED = """
    const struct cxm_column a = CXM_FIELD_AS(CXM_I8, answers, n, score);
    const struct cxm_column b = CXM_FIELD_AS(CXM_TEXT, answers, n, agent);
    const struct cxm_column c = CXM_ARRAY_AS(CXM_U8, scores, n);
    const struct cxm_column d = CXM_TIME(CXM_FIELD_AS(CXM_I64, answers, n, customer), CXM_MS, -1);
    return a.n + b.n + c.n + d.n;
}
"""
FOUND = """
    const struct cxm_column a = CXM_FIELD(answers, n, score);
    const struct cxm_column b = CXM_FIELD(answers, n, agent);
    const struct cxm_column c = CXM_ARRAY(scores, n);
    const struct cxm_column d = CXM_FIELD(answers, n, minutes);
    return a.n + b.n + c.n + d.n;
}
"""

# C++ alone: containers in place of arrays.
VECTORS = """#include <cxm/cxm.h>
#include <vector>
extern struct cxm_column of(const std::vector<double> &x);
extern struct cxm_column named(const std::vector<double> &x);
struct cxm_column of(const std::vector<double> &x) { return CXM_ARRAY(x, x.size()); }
struct cxm_column named(const std::vector<double> &x) { return CXM_ARRAY_AS(CXM_F64, x, x.size()); }
static const char agents[2][8] = { "ann", "bob" };
static const double *minutes = nullptr;
extern struct cxm_column text(void);
extern struct cxm_column none(void);
struct cxm_column text(void) { return CXM_ARRAY(agents, 2); }
struct cxm_column none(void) { return CXM_ARRAY(minutes, 0); }
"""

# Every kind of field that is a column; and of those that are none, each by itself.
FIELDS = """#include <cxm/cxm.h>
struct record { char letter; char name[8]; const char *text; char *own; uint8_t id[16]; signed char raw[4];
                long a; unsigned long long b; short c; float d; double e; long double wide;
                const int *pointer; uint8_t *bytes; struct { int x; } inner; int list[2]; };
struct cxm_column of(const struct record *r, struct record *w, char (*names)[8], const char *const *list);
struct cxm_column of(const struct record *r, struct record *w, char (*names)[8], const char *const *list)
{
    (void)r, (void)w, (void)names, (void)list;
    return USED;
}
"""
COLUMNS = [f"CXM_FIELD({records}, 2, {field})" for records in "rw"
           for field in ("letter", "name", "text", "own", "id", "raw", "a", "b", "c", "d", "e")]
COLUMNS += ["CXM_ARRAY(names, 2)", "CXM_ARRAY(list, 2)"]
NO_COLUMNS = [f"CXM_FIELD({records}, 2, {field})" for records in "rw"
              for field in ("wide", "pointer", "bytes", "inner", "list")]
ROWS = """#include <cxm/cxm.h>
enum cxm_status of(const struct cxm_column *score, struct cxm_row *rows);
enum cxm_status of(const struct cxm_column *score, struct cxm_row *rows)
{
    struct cxm_row array[2];
    (void)array, (void)rows;
    return cxm_nps(score, NULL, CXM_ROWS(USED), NULL, NULL);
}
"""


def compile_text(compiler, flags, include, text):
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "header.c"
        source.write_text(text, encoding="utf-8")
        got = subprocess.run(
            [*compiler.split(), *STRICT, *flags, "-I", include, str(source)],
            text=True, stderr=subprocess.PIPE, check=False)
    return got.stderr if got.returncode else ""


def uses(cc, cxx, folder):
    """How many of the uses that compile do not, and of those that do not compile do."""
    failed = 0
    for language, flags in LANGUAGES:
        compiler = cxx if language.startswith("C++") else cc
        fields = [] if language == "C99" else [(FIELDS, x, x in COLUMNS) for x in COLUMNS + NO_COLUMNS]
        for text, used, good in [*fields, (ROWS, "array", True), (ROWS, "rows", False)]:
            errors = compile_text(compiler, flags, folder, text.replace("USED", used))
            if bool(errors) == good:
                failed += 1
                print(f"{used} as {language}:\n{errors or 'compiles'}")
    return failed


def main():
    folder, cc, cxx = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    cases = [(path.name, f"#include <cxm/{path.name}>\n" * 2 + "extern int alone;\n")
             for path in sorted((folder / "cxm").glob("*.h"))]
    n_headers = len(cases)
    cases.append(("columns by name", "#include <cxm/cxm.h>\n" + RECORDS + NAMED))
    cases.append(("columns", "#include <cxm/cxm.h>\n" + RECORDS + FOUND))
    cases.append(("vectors", VECTORS))
    failed = 0
    for name, text in cases:
        for language, flags in LANGUAGES:
            cplusplus = language.startswith("C++")
            if name == "columns" and language == "C99" or name == "vectors" and not cplusplus:
                continue
            if errors := compile_text(cxx if cplusplus else cc, flags, str(folder), text):
                failed += 1
                print(f"{name} as {language}:\n{errors}")
    failed += uses(cc, cxx, str(folder))
    print(f"{n_headers} headers in {len(LANGUAGES)} languages, {failed} failures")
    return 1 if failed or n_headers == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
