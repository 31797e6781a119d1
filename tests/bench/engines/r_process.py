# SPDX-License-Identifier: GPL-3.0-or-later
"""R in a process of its own, which reads the columns from a temporary folder and times itself."""
import pathlib
import shutil
import subprocess
import tempfile

import numpy as np

from engines import Base, answers

SCRIPT = pathlib.Path(__file__).with_name("r_process.R")


class Engine(Base):
    name = "R"
    timed = "itself"  # each run returns its seconds
    one_thread, copies = True, 2  # as it is measured here; it has no numbers of 8 or 32 bits
    last = None

    def __init__(self, threads):
        if shutil.which("Rscript") is None:
            raise ImportError("Rscript is not installed")
        self.folder = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen(["Rscript", "--vanilla", SCRIPT, self.folder.name,
                                         str(threads)], text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.version = self.process.stdout.readline().strip()
        if not self.version.startswith("R "):
            raise ImportError("R has not the packages: data.table, collapse, survival")

    def ask(self, line):
        print(line, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline().split()
        if not answer or answer[0] != "ok":
            raise RuntimeError(f"R: {line}: {' '.join(answer)}")
        return float(answer[1])

    def load(self, workload, columns):
        """R has integers of 32 bits and doubles."""
        for name, column in columns.items():
            whole = column.dtype.kind in "iu" and column.dtype.itemsize <= 4
            kind = np.int32 if whole else np.float64
            column.astype(kind).tofile(f"{self.folder.name}/{name}.{'i' if whole else 'd'}")
        self.ask(f"load {workload} {' '.join(columns)}")

    def unload(self):
        self.ask("load nothing")

    def answer(self, workload, _seconds):
        self.ask(f"answer {workload}")
        r = np.fromfile(f"{self.folder.name}/answer")
        if workload in ("w1", "w2", "w2m"):
            return answers.of_bins(r.reshape(-1, 16))
        if workload == "w3":
            return answers.weighted(*r.reshape(2, -1, 8)[:, :, :6])
        if workload == "w6":
            return answers.cohorts(r)
        if workload == "w7" and self.last != "w7_survfit":
            return answers.survival(*r.reshape(4, -1))
        return np.nan_to_num(r)

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.folder.cleanup()


def _method(name):
    def run(self):
        self.last = name
        return self.ask(f"run {name}")
    return run


for _name in ("w1", "w2", "w2m", "w3", "w4", "w4u", "w5", "w6", "w7", "w8", "w9", "w7_table",
              "w7_survfit", "w9_table"):
    setattr(Engine, _name, _method(_name))
