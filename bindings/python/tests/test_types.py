# SPDX-License-Identifier: GPL-3.0-or-later
"""mypy --strict over the package and over a program that uses it; the examples of the docs."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import cxm

PROGRAM = """
from __future__ import annotations
import cxm
r: cxm.Result = cxm.nps([10, 9], by=["a", "b"], level=0.9, missing_codes=[99, "N/A"],
                        labels={"good": 1, "bad": None}, measures=["nps"])
value: float = r.group("a").value
limits: tuple[float, float] = r.total.ci
flags: tuple[str, ...] = r.total.flags
table: dict[str, list[object]] = r.to_dict()
for row in r:
    name: str = row.measure
t: cxm.Tally = cxm.Tally("nps").add(score=[1]).merge(b"")
data: bytes = cxm.merge([t, t.save()]).save()
names: list[str] = [m.name for m in cxm.metrics()]
rate: float = cxm.convert_rate(0.1, from_=1, to=12)
key: cxm.CalendarKey = cxm.month("at", utc_offset="+08:00")
try:
    cxm.gap({"a": [1]}, {"a": [1]}, dimension={"x": ["a"]}, scale=(1, 5))
except cxm.Error as error:
    where: tuple[str | None, int | None, str] = (error.column, error.row, error.status)
cxm.nps([1], promotor=9)
r.valeu
"""


def mypy(*arguments: str) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("mypy")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_package_is_clean(tmp_path: Path) -> None:
    package = Path(cxm.__file__).parent
    # An installed package is named: as a path, all of site-packages would be taken for sources.
    what = ["-p", "cxm"] if "site-packages" in package.parts else [str(package)]
    done = mypy("--cache-dir", str(tmp_path), *what)
    assert done.stdout == "" and done.returncode == 0, done.stdout + done.stderr
    assert (package / "py.typed").exists()


def test_a_program_is_checked(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    done = mypy("--cache-dir", str(tmp_path / "cache"), str(program))
    errors = done.stdout.splitlines()
    errors = [line for line in errors if ": error: " in line]
    assert len(errors) == 2, done.stdout + done.stderr
    assert 'Unexpected keyword argument "promotor" for "nps"' in errors[0]
    assert '"Result" has no attribute "valeu"' in errors[1]


@pytest.mark.parametrize(
    "name", ["cxm", *(f"cxm.{m.name}" for m in pkgutil.iter_modules(cxm.__path__))]
)
def test_examples_of_the_documentation(name: str) -> None:
    module = importlib.import_module(name)
    failed, _ = doctest.testmod(
        module, extraglobs={"cxm": cxm}, optionflags=doctest.NORMALIZE_WHITESPACE
    )
    assert failed == 0
