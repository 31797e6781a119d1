# SPDX-License-Identifier: GPL-3.0-or-later
"""Declarations against the public headers, symbols, layout, and what happens when they differ."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import sys
from typing import Any

import pytest
from conftest import ROOT

import cxm
from cxm import _library
from cxm._library import FUNCTIONS, LAYOUT, lib

HEADERS = sorted((ROOT / "include" / "cxm").glob("*.h"))
SCALARS = {
    "size_t": ctypes.c_size_t, "int64_t": ctypes.c_int64, "uint32_t": ctypes.c_uint32,
    "int": ctypes.c_int, "int32_t": ctypes.c_int32, "double": ctypes.c_double, "void": None,
    "uint8_t": ctypes.c_uint8, "uint64_t": ctypes.c_uint64,
}
STRUCTS = {name: struct for name, struct in LAYOUT}
STRUCTS["cxm_interval_limits"] = _library.IntervalLimits
OPAQUE = {
    "cxm_tally", "cxm_arrow", "cxm_allocator", "ArrowArrayStream", "ArrowSchema", "ArrowArray",
    "cxm_report",
}


def header_text() -> str:
    text = "\n".join(h.read_text(encoding="utf-8") for h in HEADERS)
    return re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)


def prototypes() -> dict[str, tuple[str, list[str]]]:
    """name -> result type and types of the arguments, as written in C."""
    found = {}
    pattern = r"CXM_API\s+(?:CXM_NODISCARD\s+)?([^;{}()]*?)\b(cxm_\w+)\s*\(([^;{}]*?)\)\s*;"
    for result, name, arguments in re.findall(pattern, header_text(), re.S):
        parts = [] if arguments.strip() == "void" else arguments.split(",")
        parts = [re.sub(r"(\w+)\s*\[\w*\]\s*$", r"*\1", p.strip()) for p in parts]
        found[name] = (result, [re.sub(r"\w+\s*$", "", p) or p for p in parts])
    return found


def fits(c_type: str, declared: object) -> bool:
    """Is this ctypes type right for that type of C?"""
    bare = re.sub(r"\b(const|struct)\b", "", c_type).strip()
    stars = bare.count("*")
    base = bare.replace("*", "").strip()
    if stars == 0:
        return declared is (ctypes.c_int if base.startswith("enum") else SCALARS[base])
    if stars == 2 or base in OPAQUE or base == "void":
        return declared in (ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p))
    if base == "char":
        return declared in (ctypes.c_char_p, ctypes.POINTER(ctypes.c_char))
    return declared is ctypes.POINTER(STRUCTS.get(base) or SCALARS[base])


def test_every_function_of_the_headers_is_declared() -> None:
    """But for the one-call functions (cxm_nps …): they are a comfort for C, made of the rest."""
    one_call = {f"cxm_{metric.name}" for metric in cxm.metrics()}
    one_call |= {"cxm_kaplan_meier", "cxm_competing_risks", "cxm_logrank"}
    one_call -= set(FUNCTIONS)  # quantiles and cohorts give reports
    assert sorted(set(prototypes()) - one_call) == sorted(FUNCTIONS)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_declaration_agrees_with_the_header(name: str) -> None:
    result, arguments = prototypes()[name]
    declared_result, *declared = FUNCTIONS[name]
    assert fits(result, declared_result), result
    assert len(arguments) == len(declared)
    for c_type, python_type in zip(arguments, declared):
        assert fits(c_type, python_type), (c_type, python_type)
    assert getattr(lib, name).argtypes == declared
    assert getattr(lib, name).restype is declared_result


@pytest.mark.skipif(shutil.which("nm") is None, reason="nm is not installed")
def test_the_library_exports_what_is_declared() -> None:
    if not os.path.exists(lib._name):
        return  # found by its soname
    output = subprocess.run(
        ["nm", "-D", "--defined-only", lib._name], check=True, capture_output=True, text=True
    ).stdout
    exported = {line.split()[-1].split("@")[0] for line in output.splitlines()}
    assert {name for name in exported if name.startswith("cxm_")} >= set(FUNCTIONS)


def struct_members(name: str) -> list[str]:
    body = re.search(rf"struct {name} \{{(.*?)\n\}};", header_text(), re.S)
    assert body is not None, name
    members: list[str] = []
    common = re.search(r"#define CXM_COMMON_OPTIONS\s(.*?[^\\])\n", header_text(), re.S)
    assert common is not None
    text = body.group(1).replace("CXM_COMMON_OPTIONS", common.group(1).replace("\\", ""))
    for declaration in text.split(";"):
        names = [re.sub(r"\[[^\]]*\]", "", part) for part in declaration.split(",")]
        members += [re.findall(r"\w+", part)[-1] for part in names if part.strip()]
    return members


@pytest.mark.parametrize("name", [name for name, _ in LAYOUT])
def test_struct_has_the_members_of_the_header(name: str) -> None:
    struct = dict(LAYOUT)[name]
    assert [field[0] for field in struct._fields_] == struct_members(name)


def test_layout_is_what_the_library_reports() -> None:
    expected = _library.expected_layout()
    found = (ctypes.c_uint64 * 4096)()
    count = lib.cxm_layout(found, 4096)
    assert list(found[: len(expected)]) == [number for _, number in expected]
    assert count >= len(expected)


class Fake:
    """A library whose struct layout has another number in one place."""

    _name = "fake.so"

    def __init__(self, wrong: int) -> None:
        self.wrong = wrong

    def cxm_layout(self, out: ctypes.Array[ctypes.c_uint64], capacity: int) -> int:
        for i, (_, number) in enumerate(_library.expected_layout()[:capacity]):
            out[i] = number + (i == self.wrong)
        return len(_library.expected_layout())

    def cxm_version(self) -> bytes:
        return b"9.9.9"


def test_another_layout_is_an_import_error() -> None:
    with pytest.raises(ImportError, match="cxm_error.row is 9 in fake.so, 8 in this package"):
        _library._check_layout(Fake(3))  # type: ignore[arg-type]
    with pytest.raises(ImportError, match="the package is version .* is libcxm 9.9.9"):
        _library._check_version(Fake(3))  # type: ignore[arg-type]


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        env={**os.environ, **environment},
    )


def test_a_chosen_library_that_cannot_be_loaded_is_refused() -> None:
    done = run("import cxm", CXM_LIBRARY="/nowhere/libcxm.so")
    assert done.returncode != 0
    assert "cannot load /nowhere/libcxm.so (named by CXM_LIBRARY)" in done.stderr


def test_another_library_is_refused() -> None:
    done = run("import cxm", CXM_LIBRARY="libm.so.6")
    assert "has no cxm_status_message" in done.stderr


def test_import_needs_only_the_standard_library() -> None:
    code = (
        "import sys; before = set(sys.modules); import cxm; "
        "print(sorted(m for m in set(sys.modules) - before if m.partition('.')[0] not in "
        "sys.stdlib_module_names and not m.startswith('cxm')) if sys.version_info >= (3, 10) "
        "else [], 'typing' in set(sys.modules) - before, 'dataclasses' in sys.modules)"
    )
    done = run(code)
    assert done.stdout.split() == ["[]", "False", "False"], done.stderr


def test_lists_need_no_numpy() -> None:
    code = ("import sys, cxm; g = cxm.nps([10, None], by=['a', 'b']); str(g), list(g), "
            "g.to_dict(); print({'numpy', 'pandas', 'polars', 'pyarrow'} & set(sys.modules))")
    assert run(code).stdout.strip() == "set()"


def test_version() -> None:
    assert cxm.version == cxm.__version__ == lib.cxm_version().decode()
    header = (ROOT / "include" / "cxm" / "version.h").read_text(encoding="utf-8")
    assert f'CXM_VERSION "{cxm.version}"' in header


def test_names() -> None:
    for name in cxm.__all__:
        assert getattr(cxm, name).__doc__, name


def test_completion_shows_what_is_public() -> None:
    shown = {name for name in dir(cxm) if not name.startswith("_")}
    assert shown == set(cxm.__all__) - {"__version__"}


def test_numbers_are_not_cut_off() -> None:
    """They were taken as 2, 5, 7 and 1."""
    beyond = 2**32
    calls: dict[str, Any] = {
        "currency_digits": lambda: cxm.revenue([1.5], [2.5], currency_digits=beyond + 2),
        "few": lambda: cxm.kaplan_meier([1, 2], [1, 1], few=beyond + 5),
        "type": lambda: cxm.quantiles([1, 2], type=beyond + 7),
        "max_iterations": lambda: cxm.rake(
            [1, 1], {"a": [1, 2]}, {"a": {1: 2, 2: 3}}, max_iterations=beyond + 1),
    }
    for name, call in calls.items():
        with pytest.raises(cxm.Error, match=f"^{name}") as error:
            call()
        assert error.value.column == name


def test_options_are_whole_numbers() -> None:
    """Fractions were cut off, 2**64 taken as 0, and type=0 as 7."""
    def cohorts(**options: Any) -> Any:
        return cxm.cohorts([1, 1, 2], [0, 2678400, 86400], as_of=5097600, **options)

    def rake(n: Any) -> Any:
        return cxm.rake(None, {"a": [1, 2]}, {"a": {1: 3, 2: 4}}, max_iterations=n)

    calls: list[tuple[str, Any]] = [
        ("brackets", lambda: cohorts(brackets=[0, 2**64 + 1])),
        ("brackets", lambda: cohorts(brackets=[0, 1.5])),
        ("n_periods", lambda: cohorts(n_periods=1.5)),
        ("max_iterations", lambda: rake(1.5)),
        ("max_iterations", lambda: rake("3")),
        ("type", lambda: cxm.quantiles([1, 2], type=0)),
        ("type", lambda: cxm.quantiles([1, 2], type=2.5)),
    ]
    for name, call in calls:
        with pytest.raises(cxm.Error, match=f"^{name}") as error:
            call()
        assert error.value.column == name
    numpy = pytest.importorskip("numpy")
    two = numpy.int64(2)
    assert str(cohorts(n_periods=two)) == str(cohorts(n_periods=2))
    assert str(cohorts(brackets=[0, two])) == str(cohorts(brackets=[0, 2]))
    assert rake(two).iterations == 1
