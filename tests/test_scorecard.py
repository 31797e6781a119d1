#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""test_scorecard.py PROGRAM SOURCE_ROOT: the scorecard on its example data and on bad input."""
import gzip
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile
import unicodedata
from fractions import Fraction

import scorecard_testing as testing
from scorecard_testing import Case, find, mean_and_error, numbers, read_csv, rows_of, run, wilson

ROOT = pathlib.Path()
MISSING = {"99", "N/A", "unknown"}
MIN_NPS = "[nps]\nfile = s.csv\nscore = score\n"


def kaplan_meier(people, time):
    """S(time) from (days, lost), by going through all days on which somebody left."""
    share = Fraction(1)
    for day in sorted({days for days, lost in people if lost and days <= time}):
        at_risk = sum(days >= day for days, _ in people)
        gone = sum(lost and days == day for days, lost in people)
        share *= Fraction(at_risk - gone, at_risk)
    return share


def width(line):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


class Numbers(Case):
    """The example configuration against numbers computed from the CSV files."""

    @classmethod
    def setUpClass(cls):
        examples = ROOT / "examples"
        cls.rows = rows_of(examples / "scorecard.conf")
        cls.survey = read_csv(examples / "data/survey.csv")
        cls.tickets = read_csv(examples / "data/tickets.csv")
        cls.customers = read_csv(examples / "data/customers.csv")
        cls.orders = read_csv(examples / "data/orders.csv")

    def test_data_are_what_the_script_makes(self):
        with tempfile.TemporaryDirectory() as folder:
            script = ROOT / "examples/make_data.py"
            subprocess.run([sys.executable, script, folder], check=True)
            for name in ("survey.csv", "tickets.csv", "customers.csv", "orders.csv"):
                made = (pathlib.Path(folder) / name).read_bytes()
                self.assertEqual(made, (ROOT / "examples/data" / name).read_bytes(), name)

    def test_base_law(self):
        sizes = {"survey": 3000, "tickets": 4000, "customers": 2000}
        for row in self.rows:
            total = sum(row[k] for k in ("n", "missing", "invalid", "excluded"))
            if row["group"] is None and list(row)[0] == "group":
                self.assertIn(total, sizes.values(), row["section"])

    def check_nps(self, answers, missing, invalid, row):
        self.base(row, len(answers), missing, invalid)
        weights = [Fraction(r["weight"]) for _, r in answers]
        self.near(row["value"], float(testing.weighted_nps(
            answers, lambda r: Fraction(r["weight"]))))
        self.near(row["sum_weight"], float(sum(weights)))
        self.near(row["n_eff"], float(sum(weights) ** 2 / sum(w * w for w in weights)))

    def test_nps(self):
        self.check_nps(*numbers(self.survey, "recommend", 0, 10, MISSING),
                       find(self.rows, "nps"))
        for region in ("North", "South", "East", "West"):
            part = [r for r in self.survey if r["region"] == region]
            self.check_nps(*numbers(part, "recommend", 0, 10, MISSING),
                           find(self.rows, "nps", region=region))
        part = [r for r in self.survey if r["region"] == "East" and r["segment"] == "business"]
        self.check_nps(*numbers(part, "recommend", 0, 10, MISSING),
                       find(self.rows, "nps", segment="business", region="East"))

    def matrix(self):
        """{cohort: [customers who ordered k months after the first order]}, months 1 to 6."""
        months = {}
        for row in self.orders:
            months.setdefault(row["customer_id"], set()).add(int(row["ordered_at"][5:7]))
        cohorts = {}
        for seen in months.values():
            cohorts.setdefault(min(seen), []).append(seen)
        return {first: [sum(first + k in seen for seen in members)
                        for k in range(7 - first)]
                for first, members in sorted(cohorts.items())}

    def test_cohorts(self):
        cells = {(row["cohort"], row["period"]): row for row in self.rows
                 if row["section"] == "cohorts"}
        for first, counts in self.matrix().items():
            for k, count in enumerate(counts):
                row = cells[f"2025-{first:02d}-01", k]
                self.near(row["value"], count / counts[0])
                self.assertEqual(row["n"], counts[0])

    def test_triangle_is_drawn(self):
        text = run(ROOT / "examples/scorecard.conf", env={"LC_ALL": "C", "COLUMNS": "100"})[1]
        lines = text.splitlines()
        top = next(i for i, line in enumerate(lines) if line.startswith("Customers who order"))
        self.assertIn("(cohorts/calendar/unit=month/on, %)", lines[top])
        n = len(self.orders)
        customers = len({row["customer_id"] for row in self.orders})
        self.assertEqual(
            lines[top + 1].replace(" ", ""),
            f"{n}rows={n}used+0missing+0invalid+0excluded[customers{customers}]")
        self.assertEqual(lines[top + 2].split(), ["n", *map(str, range(6))])
        matrix = self.matrix()
        for line, (first, counts) in zip(lines[top + 3:top + 9], matrix.items()):
            shares = [f"{100 * count / counts[0]:.0f}" for count in counts]
            self.assertEqual(line.split(), [f"2025-{first:02d}-01", str(counts[0]), *shares])
        pooled = [Fraction(sum(c[k] for c in matrix.values() if k < len(c)),
                           sum(c[0] for c in matrix.values() if k < len(c))) for k in range(6)]
        self.assertEqual(lines[top + 9].split()[2:], [f"{float(100 * p):.0f}" for p in pooled])
        shaded = run(ROOT / "examples/scorecard.conf")[1]
        self.assertIn("100█", shaded)

    def test_cohorts_go_wrong(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder)
            (path / "o.csv").write_text("who,when\na,2025-01-05\nb,soon\n", encoding="utf-8")
            for text, message in (
                ("customer = who\ntime = when\n", 'needs "as_of = 2025-07-01"'),
                ("customer = who\nas_of = 2025-07-01\n", 'needs "time = <column>"'),
                ("customer = who\ntime = when\nas_of = then\n", "not a date such as"),
                ("customer = who\ntime = when\nas_of = 2025-07-01\nunit = eon\n",
                 "choose from day, week, month, quarter, year"),
                ("customer = who\ntime = when\nas_of = 2025-07-01\nby = who\n",
                 'c.conf:6: [cohorts] does not know "by"; it knows title, title_zh, file'),
                ("customer = who\ntime = when\nas_of = 2025-07-01\nscore = who\n", "score"),
            ):
                (path / "c.conf").write_text("[cohorts]\nfile = o.csv\n" + text, encoding="utf-8")
                status, _, err = run(path / "c.conf", check=False)
                self.assertEqual(status, 1, text)
                self.assertIn(message, err)

    def cohorts_of(self, orders, *arguments, more=""):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder)
            (path / "o.csv").write_text("who,when\n" + orders, encoding="utf-8")
            (path / "c.conf").write_text("[cohorts]\nfile = o.csv\ncustomer = who\ntime = when\n"
                                         "as_of = 2025-05-01\n" + more, encoding="utf-8")
            return run(*arguments, path / "c.conf")[1]

    def test_no_orders_yet(self):
        self.assertEqual(self.cohorts_of("", "--json"), "")
        out = self.cohorts_of("")
        self.assertIn("(cohorts/calendar/unit=month/on, %)\n0 rows = 0 used", out)

    def test_merged_cohorts(self):
        """The rows of the other night are not known; those of this one are not all."""
        with tempfile.TemporaryDirectory() as folder:
            self.cohorts_of("a,2025-01-05\na,2025-02-05\n", "--save", folder)
            out = self.cohorts_of("b,2025-01-05\n", "--merge", folder)
        self.assertIn("2025-01-01       2  100█   50", out)
        self.assertNotIn("rows =", out)

    def test_missing_customers(self):
        out = self.cohorts_of("a,2025-01-05\nN/A,2025-02-05\n-,2025-02-06\nb,never\n",
                              more="missing customer = N/A, -\nmissing time = never\n")
        self.assertIn("4 rows = 1 used + 3 missing", out)

    def test_periods_that_do_not_fit(self):
        orders = "".join(f"a,20{20 + i // 12}-{i % 12 + 1:02}-05\n" for i in range(40))
        # 64 months up to April 2025; 140 columns hold the names and 20 of them.
        self.assertIn("\n+ 44 more periods;", self.cohorts_of(orders))
        self.assertNotIn("more periods", self.cohorts_of("a,2025-01-05\n"))

    def stay(self, plan):
        """[(days, lost)] of the customers of a plan whose end is known."""
        return [(int(r["days"]), r["active_after"] == "no") for r in self.customers
                if r["plan"] == plan and r["active_after"] != ""]

    def test_survival(self):
        for plan in ("basic", "plus", "pro"):
            people = self.stay(plan)
            row = find(self.rows, "survival", "survival", plan=plan)
            self.near(row["value"], float(kaplan_meier(people, 10**9)))
            self.assertEqual(row["n"], len(people))
            events = find(self.rows, "survival", "events", plan=plan)
            self.assertEqual(events["value"], sum(lost for _, lost in people))

    def test_curves_are_drawn(self):
        """Every column of the drawing against the slow curve at its time."""
        text = run(ROOT / "examples/scorecard.conf", env={"COLUMNS": "100"})[1]
        lines = text.splitlines()
        top = next(i for i, line in enumerate(lines) if line.startswith("100 % "))
        rows = [line[7:] for line in lines[top:top + 9]]
        last = max(days for plan in ("basic", "plus", "pro")
                   for days, _ in self.stay(plan))
        self.assertTrue(lines[top + 10].rstrip().endswith(str(last)))
        for letter, plan in zip("abc", ("basic", "plus", "pro")):
            people = self.stay(plan)
            longest = max(days for days, _ in people)
            for column in range(72):
                time = last * column / 71
                if time > longest:
                    continue
                down = round(float((1 - kaplan_meier(people, time)) * 8))
                self.assertIn(rows[down].ljust(72)[column], letter + "+", (plan, column))
            self.assertTrue(any(line.startswith(f"       {letter}  {plan}: median")
                                for line in lines))
        narrow = run(ROOT / "examples/scorecard.conf", env={"COLUMNS": "60", "LC_ALL": "C"})[1]
        self.assertTrue(narrow.isascii())
        self.assertIn("100 % +", narrow)

    def test_nps_without_region(self):
        part = [r for r in self.survey if r["region"] == ""]
        row = find(self.rows, "nps", region=None)
        self.check_nps(*numbers(part, "recommend", 0, 10, MISSING), row)
        self.assertIn("MISSING_KEY", row["flags"])

    def test_nps_by_month(self):
        for month in ("2025-01", "2025-06"):
            part = [r for r in self.survey if r["answered_at"].startswith(month)]
            self.check_nps(*numbers(part, "recommend", 0, 10, MISSING),
                           find(self.rows, "nps", answered_at=month + "-01"))

    def test_weighted_error(self):
        """Linearised: sqrt(n / (n - 1) sum w^2 (y - mean)^2) / sum w."""
        answers, *_ = numbers(self.survey, "recommend", 0, 10, MISSING)
        w = [Fraction(r["weight"]) for _, r in answers]
        y = [(v >= 9) - (v <= 6) for v, _ in answers]
        mean = sum(a * b for a, b in zip(w, y)) / sum(w)
        n = len(y)
        squares = sum((a * (b - mean)) ** 2 for a, b in zip(w, y)) * Fraction(n, n - 1)
        self.near(find(self.rows, "nps")["std_error"],
                  100 * float(squares) ** 0.5 / float(sum(w)))

    def test_csat(self):
        answers, missing, invalid = numbers(self.survey, "satisfaction", 1, 5, {"0"})
        row = find(self.rows, "csat", "csat")
        self.base(row, len(answers), missing, invalid)
        weight = sum(Fraction(r["weight"]) for _, r in answers)
        self.near(row["value"], float(
            sum(Fraction(r["weight"]) for v, r in answers if v >= 4) / weight))
        self.near(find(self.rows, "csat", "mean")["value"],
                  float(sum(Fraction(r["weight"]) * v for v, r in answers) / weight))

    def test_csi(self):
        """sum of mean importance x mean satisfaction, over rows complete in both."""
        names = ("price", "quality", "delivery", "support")
        rows = [r for r in self.survey
                if all(r["sat_" + i] and r["imp_" + i] for i in names)]
        satisfied = [Fraction(sum(int(r["sat_" + i]) for r in rows), len(rows)) for i in names]
        important = [Fraction(sum(int(r["imp_" + i]) for r in rows), len(rows)) for i in names]
        score = sum(s * w for s, w in zip(satisfied, important)) / sum(important)
        row = find(self.rows, "csi", "csi")
        self.base(row, len(rows), len(self.survey) - len(rows), 0)
        self.near(row["value"], float(100 * (score - 1) / 4))

    def test_gap(self):
        row = find(self.rows, "gap", "gap[responsiveness]")
        means = []
        for r in self.survey:
            items = [int(r[f"p{i}"]) - int(r[f"e{i}"]) for i in (9, 10) if r[f"p{i}"]]
            if len(items) == 2:
                means.append(Fraction(sum(items), 2))
        value, error = mean_and_error(means)
        self.assertEqual(row["n"], len(means))
        self.near(row["value"], value)
        self.near(row["std_error"], error)

    def test_fcr(self):
        for agent in (None, "Ada", "Hana"):
            part = [r for r in self.tickets if agent in (None, r["agent"])
                    and r["can_be_solved_at_once"] == "yes"]
            known = [r for r in part if r["first_contact"] in ("yes", "no")]
            row = find(self.rows, "fcr", **({"agent": agent} if agent else {}))
            self.interval(row, wilson(sum(r["first_contact"] == "yes" for r in known),
                                      len(known)))
            self.assertEqual(row["n"], len(known))

    def test_one_touch(self):
        known = [r for r in self.tickets if r["solved"] == "yes" and r["replies"]]
        good = [r for r in known if int(r["replies"]) <= 1 and r["reopens"] == "0"]
        self.interval(find(self.rows, "one_touch"), wilson(len(good), len(known)))

    def test_conditions(self):
        solved = [r for r in self.tickets if r["solved"] == "yes"]
        row = find(self.rows, "share reopened")
        self.interval(row, wilson(sum(int(r["reopens"]) > 0 for r in solved), len(solved)))
        self.base(row, len(solved), 0, 0, len(self.tickets) - len(solved))
        row = find(self.rows, "share sla", priority="high")
        part = [r for r in self.tickets if r["priority"] == "1"]
        self.interval(row, wilson(sum(r["made_sla"] == "true" for r in part), len(part)))

    def test_categories_keep_their_order(self):
        keys = [r["priority"] for r in self.rows if r["section"] == "share sla"
                and "priority" in r]
        self.assertEqual(keys, ["high", "normal", "low"])

    def test_mean_ratio_total(self):
        values = [int(r["handling_minutes"]) for r in self.tickets]
        row = find(self.rows, "mean handling")
        value, error = mean_and_error(values)
        self.near(row["value"], value)
        self.near(row["std_error"], error)
        cost = [Fraction(r["cost"]) for r in self.tickets]
        self.near(find(self.rows, "ratio cost")["value"], float(sum(cost) / sum(values)))
        revenue = [Fraction(r["revenue"]) for r in self.customers]
        self.near(find(self.rows, "total revenue")["value"], float(sum(revenue)))

    def test_retention_and_churn(self):
        start = [r for r in self.customers if r["active_before"] == "yes"]
        known = [r for r in start if r["active_after"] != ""]
        lost = [r for r in known if r["active_after"] == "no"]
        row = find(self.rows, "retention")
        self.interval(row, wilson(len(known) - len(lost), len(known)))
        self.assertEqual((row["n"], row["base"]), (len(known), "customers"))
        self.interval(find(self.rows, "churn", "churn"), wilson(len(lost), len(known)))

    def test_threads_change_nothing(self):
        self.assertEqual(self.rows, rows_of("--threads", 2, ROOT / "examples/scorecard.conf"))


class Printing(Case):
    def test_widths(self):
        for columns in (60, 80, 100, 140, 200):
            for language in ("en", "zh"):
                _, out, _ = run("--lang", language, ROOT / "examples/scorecard.conf",
                                env={"COLUMNS": str(columns)})
                for line in out.splitlines():
                    if "●" in line:
                        bar = line[:line.rindex("●") + 1]
                        self.assertLessEqual(width(bar), columns, line)

    def test_ascii(self):
        _, out, _ = run(ROOT / "examples/scorecard.conf", env={"LC_ALL": "C"})
        self.assertTrue(out.isascii())
        self.assertIn("--o--", out)

    def test_chinese(self):
        _, out, _ = run("--lang", "zh", ROOT / "examples/scorecard.conf")
        for term in ("净推荐值", "客户满意度指数", "首接解决率", "客户留存率", "客户流失率", "合计",
                     "缺失", "置信区间"):
            self.assertIn(term, out)

    def test_level(self):
        wide = find(rows_of("--level", "0.99", ROOT / "examples/scorecard.conf"), "fcr")
        narrow = find(rows_of("--level", "0.8", ROOT / "examples/scorecard.conf"), "fcr")
        self.assertLess(wide["lower"], narrow["lower"])
        self.assertEqual(wide["level"], 0.99)
        _, out, _ = run("--level", "0.9", ROOT / "examples/scorecard.conf")
        self.assertIn("90 %", out)

    def test_rows_and_all(self):
        _, out, _ = run("--rows", 2, ROOT / "examples/scorecard.conf")
        self.assertIn("more groups; --rows 0 shows all\n", out)
        self.assertNotIn("…", out)
        _, out, _ = run("--all", ROOT / "examples/scorecard.conf")
        self.assertIn("phone: net", out)

    def test_help(self):
        self.assertIn("Usage", run("--help")[1])
        self.assertIn("libcxm", run("--version")[1])
        self.assertEqual(run(check=False)[0], 1)


class Files(Case):
    """Small files, most of them bad. Nothing may crash, every message has its place."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)

    def write(self, name, content):
        data = content if isinstance(content, bytes) else content.encode("utf-8")
        (self.path / name).write_bytes(data)

    def score(self, survey, more="", *arguments):
        self.write("s.csv", survey)
        self.write("c.conf", MIN_NPS + more)
        return rows_of(*arguments, "c.conf", cwd=self.path)

    def refuse(self, survey, configuration, *parts):
        if survey is not None:
            self.write("s.csv", survey)
        self.write("c.conf", configuration)
        status, out, err = run("c.conf", cwd=self.path, check=False)
        self.assertEqual((status, out), (1, ""), err)
        self.assertEqual(err.count("\n"), 1, err)
        for part in parts:
            self.assertIn(part, err)

    def test_out_of_range_names_file_and_line(self):
        self.refuse("score\n9\n10\n12\n3\n44\n", MIN_NPS, "s.csv:4: score is 12", "[nps]",
                    "missing =", "invalid = count")

    def test_text_names_file_and_line(self):
        self.refuse("score\n9\nnine\n12\n", MIN_NPS, 's.csv:3: score is "nine", not a number')
        self.refuse("score\n9\n12\nnine\n", MIN_NPS, "s.csv:3: score is 12")

    def test_lines_inside_quotes_count(self):
        text = 'note,score\n"one\ntwo\n\nfour",9\n\n\nplain,99\n'
        self.refuse(text, MIN_NPS, "s.csv:8: score is 99")
        self.refuse(text.replace("\n", "\r\n"), MIN_NPS, "s.csv:8: score is 99")
        self.refuse("score\r9\r\r99\r", MIN_NPS, "s.csv:4: score is 99")

    def test_lines_beyond_the_first_chunk(self):
        lines = ["score"] + ["7"] * 70000 + ["55"]
        self.refuse("\n".join(lines), MIN_NPS, "s.csv:70002: score is 55")

    def test_ragged_rows(self):
        self.refuse("a,score\n1,2\n3\n", MIN_NPS, "s.csv:3: 1 cells", "2 columns")
        self.refuse("a,score\n1,2,3\n", MIN_NPS, "s.csv:2: 3 cells")

    def test_open_quote(self):
        self.refuse('a,score\n1,2\n"3,4\n5,6\n', MIN_NPS, "s.csv:3: a quote")

    def test_no_file_no_rows_no_column(self):
        self.refuse(None, MIN_NPS, "s.csv: No such file")
        self.refuse("", MIN_NPS, "s.csv: is empty")
        self.refuse("Score\n1\n", MIN_NPS, 'c.conf:3: s.csv has no column "score"',
                    'did you mean "Score"?')
        self.refuse("score\n1\n", MIN_NPS.replace("= score", "= score > 3"), "c.conf:3: ",
                    "only yes/no inputs take comparisons")
        self.refuse("score,score\n1,2\n", MIN_NPS, "s.csv:1: two columns")
        self.refuse("s\0core\n1\n", MIN_NPS, "no column")
        self.refuse("\xff\xfes\0".encode("latin-1"), MIN_NPS, "UTF-16")
        row, = self.score("score\n")
        self.assertEqual((row["n"], row["value"]), (0, None))
        self.assertIn("NO_DATA", row["flags"])

    def test_header_only_with_keys(self):
        rows = self.score("score,k\n", "by = k\n")
        self.assertEqual([r["n"] for r in rows], [0])
        run("c.conf", cwd=self.path)

    def test_byte_order_mark(self):
        self.assertEqual(self.score("\ufeffscore\n9\n")[0]["value"], 100)
        self.assertEqual(self.score('\ufeff"score"\n9\n')[0]["value"], 100)
        self.assertEqual(self.score('\ufeff"a, b",score\n1,9\n')[0]["value"], 100)
        self.refuse("\ufeff", MIN_NPS, "s.csv: is empty")

    def test_gzip(self):
        packed = gzip.compress(b"score\n9\n9\n1\n")
        self.write("s.csv.gz", packed)
        self.write("c.conf", MIN_NPS.replace("s.csv", "s.csv.gz"))
        self.near(rows_of("c.conf", cwd=self.path)[0]["value"], 100 / 3)
        self.write("s.csv.gz", packed[:-9])
        status, _, err = run("c.conf", cwd=self.path, check=False)
        self.assertEqual(status, 1)
        self.assertIn("s.csv.gz", err)

    def test_invalid_utf8(self):
        rows = self.score(b"score,k\n9,\xff\xfe\n8,\xe4\xb8\n7,\xed\xa0\x80\n6,ok\x1b[31m\n",
                          "by = k\n")
        self.assertEqual(sum(r["n"] for r in rows if "k" in r), 4)
        _, out, _ = run("c.conf", cwd=self.path)
        self.assertNotIn("\x1b", out)
        self.refuse(b"score\n9\n\xff\xfe\n", MIN_NPS, "s.csv:3: score is")

    def test_other_encodings_are_told(self):
        """A comparison with a word of a GBK file is never true: that must not pass unnoticed."""
        for more in ("by = k\n", ""):
            column = "score,k" if more else "score,state"
            self.write("s.csv", (column + "\n9,北京\n8,上海\n7,\n").encode("gbk"))
            self.write("c.conf", MIN_NPS + more if more else
                       "[share]\nfile = s.csv\nnumerator = state == 北京\n")
            _, _, err = run("c.conf", cwd=self.path)
            self.assertIn(f"s.csv: 2 values of {column[6:]} are not UTF-8", err)
        self.write("s.csv", "score,state\n9,北京\n8,上海\n")
        self.assertEqual(run("c.conf", cwd=self.path)[2], "")

    def test_nul_bytes(self):
        rows = self.score(b"score,k\n9,a\0b\n8,a\n", "by = k\n")
        self.assertEqual(sum(r["n"] for r in rows if "k" in r), 2)
        self.refuse(b"score\n9\0\n", MIN_NPS, "s.csv:2: score is")
        self.write("s.csv", b"score\nyes\0no\nyes\nno\n")
        self.write("c.conf", "[share]\nfile = s.csv\nnumerator = score == yes\n")
        self.near(rows_of("c.conf", cwd=self.path)[0]["value"], 1 / 3)
        self.refuse(b"score,k\n9,1\0x\n", MIN_NPS + "by = k\nnames k = 1: one\n", "s.csv:2: k is")

    def test_missing_codes_are_numbers(self):
        """99.0, as many programs write a column of whole numbers with gaps, is the code 99."""
        self.write("s.csv", "score\n99.0\n99\n9\n3\n")
        for input_ in ("numerator = score >= 9", "numerator = score >= 9 and score > 0"):
            self.write("c.conf", f"[share]\nfile = s.csv\n{input_}\nmissing = 99\n")
            row, = rows_of("c.conf", cwd=self.path)
            self.base(row, 2, 2, 0)
            self.near(row["value"], 0.5)
        rows = self.score("score,age\n9,99.0\n9,99\n9,30\n",
                          "by = number(age)\nmissing age = 99\n")
        self.assertEqual([(r["age"], r["n"]) for r in rows if "age" in r], [(30, 1), (None, 2)])

    def test_unreadable_part_of_a_condition(self):
        """The first row is decided by a; the second is refused, and its own text is named."""
        self.refuse("a,b\n1,x\n0,y\n", "[share]\nfile = s.csv\nnumerator = a == 0 and b < 1\n",
                    's.csv:3: b is "y", not a number')

    def test_counting_what_is_invalid(self):
        row, = self.score("score\n9\n\n99\nN/A\nnine\n12\n7.5\ninf\nnan\n0x9\n1e400\n3\n",
                          "missing = 99, N/A\ninvalid = count\n")
        self.base(row, 2, 2, 7)

    def test_numbers_keys_sort_as_numbers(self):
        rows = self.score("score,age\n9,10\n9,9\n9,100\n", "by = number(age)\n")
        self.assertEqual([r["age"] for r in rows if "age" in r], [9, 10, 100])

    def test_bad_keys(self):
        key = MIN_NPS + "period = month day\n"
        self.refuse("score,day\n9,2025-02-30\n", key, "s.csv:2: day", "2025-02-30")
        self.refuse("score,day\n9,03/04/2025\n", key, "s.csv:2: day")
        self.refuse("score,day\n9,2025-03-31T23:30Z\n", key, "s.csv:2: day", "utc_offset")
        rows = self.score("score,day\n9,2025-03-31T23:30Z\n8,\n",
                          "period = month day\nutc_offset = +08:00\n")
        self.assertEqual([r["day"] for r in rows if "day" in r], ["2025-04-01", None])
        self.refuse("score,code\n9,3\n", MIN_NPS + "by = code\nnames code = 1: one\n",
                    "s.csv:2: code", "no name")
        self.score("score,day\n9,yesterday\n", "period = month day\ninvalid = count\n")
        self.assertIn("1 values of day", run("c.conf", cwd=self.path)[2])

    def test_labels(self):
        self.write("c.conf", "[share]\nfile = s.csv\nnumerator = ok\n"
                   "labels = yes: 1, no: 0, ?: missing\n")
        self.write("s.csv", "ok\nyes\nno\nno\n?\n")
        row, = rows_of("c.conf", cwd=self.path)
        self.near(row["value"], 1 / 3)
        self.assertEqual(row["missing"], 1)
        self.write("s.csv", "ok\nyes\nmaybe\n")
        status, _, err = run("c.conf", cwd=self.path, check=False)
        self.assertEqual(status, 1)
        self.assertIn("s.csv:3: ok is", err)
        self.assertIn("maybe", err)

    def test_conditions(self):
        table = "a,b\n0,0\n0,1\n1,\n,0\n,1\n0,\n"
        self.write("s.csv", table)
        self.write("c.conf", "[share]\nfile = s.csv\nnumerator = a == 0 and b < 1\n")
        row, = rows_of("c.conf", cwd=self.path)
        # yes, no, no, missing, no, missing: one no decides.
        self.base(row, 4, 2, 0)
        self.near(row["value"], 0.25)
        for wrong in ("a >", "a > x", "a > 1 > 2", "> 1", "a =! 1"):
            self.refuse(table, f"[share]\nfile = s.csv\nnumerator = {wrong}\n", "c.conf:3:")

    def test_padded_texts(self):
        """Databases fill texts of fixed width with spaces and quote them."""
        self.write("s.csv", '" k "," solved "\n"a  ","yes  "\n"  a",yes\n"a",no\n"a", \n"a","  "\n')
        self.write("c.conf", "[share]\nfile = s.csv\nnumerator = solved == yes\nby = k\n")
        total, group = rows_of("c.conf", cwd=self.path)
        self.base(total, 3, 2, 0)
        self.near(total["value"], 2 / 3)
        self.assertEqual((group["k"], group["n"]), ("a", 3))

    def test_freq(self):
        row, = self.score("score,n\n9,3\n0,1\n,2\n", "freq = n\n")
        self.base(row, 4, 2, 0)
        self.near(row["value"], 50)

    def test_weights_must_be_numbers(self):
        self.refuse("score,w\n9,1\n9,x\n", MIN_NPS + "weight = w\n", "s.csv:3: w is")
        self.refuse("score,w\n9,1\n9,-1\n", MIN_NPS + "weight = w\n", "s.csv:3: ")
        self.refuse("score,w\n9,1\n9,\n", MIN_NPS + "weight = w\n", "s.csv:3: ")

    def test_delimiters(self):
        self.assertEqual(self.score("a;score\n1;9\n", "delimiter = semicolon\n")[0]["n"], 1)
        self.assertEqual(self.score("a\tscore\n1\t9\n", "delimiter = tab\n")[0]["n"], 1)

    def test_key_named_like_a_field(self):
        rows = self.score("score,value\n9,a\n", "by = value\n")
        self.assertEqual(rows[1]["group"], "a")

    def test_configuration_errors(self):
        good = "score\n9\n"
        self.refuse(good, "[npss]\nfile = s.csv\n", 'c.conf:1: there is no metric "npss"',
                    "csat")
        self.refuse(good, "[nps]\nfile = s.csv\n", 'c.conf:1: [nps] needs "score')
        self.refuse(good, "[nps]\nscore = score\n", 'needs "file')
        self.refuse(good, MIN_NPS + "scores = x\n", 'c.conf:4: [nps] does not know "scores"',
                    "promoter")
        self.refuse(good, MIN_NPS + "score = x\n", "c.conf:4: score stands in [nps] twice")
        self.refuse(good, MIN_NPS + "[csat]\nfile = s.csv\n[nps]\nfile = x\n", "second section")
        self.refuse(good, MIN_NPS + "[nps]\nby = score\n", "c.conf:4: a second section [nps]")
        self.refuse(good, MIN_NPS + "scale = 0\n", "c.conf:4: scale takes two numbers")
        self.refuse(good, MIN_NPS + "scale = 0, ten\n", 'c.conf:4: scale: "ten"')
        self.refuse(good, MIN_NPS + "scale = 10, 0\n", "c.conf:4: [nps] ")
        self.refuse(good, MIN_NPS + "promoter = 11\n", "c.conf:4: [nps] ")
        self.refuse(good, MIN_NPS + "interval = wilsn\n", "c.conf:4: interval = wilsn")
        self.refuse(good, MIN_NPS + "invalid = maybe\n", "c.conf:4:", "error, count")
        self.refuse(good, MIN_NPS + "measures = npss\n", "no measure", "promoters")
        self.refuse(good, MIN_NPS + "axis = 5, 1\n", "c.conf:4: axis")
        self.refuse(good, MIN_NPS + "gibberish\n", "c.conf:4:")
        self.refuse(good, MIN_NPS + "period = fortnight day\n", "c.conf:4: period")
        self.refuse(good, "score = x\n", "c.conf:1:", "first [section]")
        self.refuse(good, "[scorecard]\nbye = x\n" + MIN_NPS, 'c.conf:2: [scorecard] does not')
        self.refuse(good, "", "no metric")
        self.refuse(good, MIN_NPS + "small_n = 2.5\n", "c.conf:4: small_n")
        self.refuse(good, MIN_NPS + "small_n = 1e10\n", "c.conf:4: small_n")
        self.refuse(good, "[csat]\n" + MIN_NPS, "c.conf:1: nothing stands in this section")
        self.refuse(good, "\ufeff[csat]\n" + MIN_NPS, "c.conf:1: nothing stands in this section")
        self.refuse(good, MIN_NPS + "[csat]\n", "c.conf:4: nothing stands in this section")
        self.refuse(good, MIN_NPS + "title = a ; b\n", "c.conf:4: a semicolon")
        self.refuse(good, MIN_NPS + "measures = nps,\n  promoters ; detractors\n", "c.conf:5: a semi")
        share = "[share]\nfile = s.csv\nnumerator = score\n"
        self.refuse(good, share + "labels = yes: 1, no: 0, yes: 0\n", 'c.conf:4: "yes" has two')
        self.refuse(good, MIN_NPS + "by = k\nnames k = 1: a, 1: b\n", 'c.conf:5: "1" has two names')
        self.refuse("p1,p2,e1,e2\n1,2,3,4\n", "[gap]\nfile = s.csv\nscale = 1, 7\n"
                    "perceived = p1..p2\nexpected = e1..e2\ndimension x = p1, p2\n"
                    "dimension y = p2\n", 'c.conf:7: "p2" is in a dimension already')
        self.refuse(good, MIN_NPS + "title = " + "x" * 300 + "\n", "c.conf:4:", "too long")
        self.refuse(good, MIN_NPS + "k" * 60 + " = 1\n", "c.conf:4:", "too long")
        self.refuse(good, "[nps\nfile = s.csv\n", "c.conf:1: the name of this section does not end")
        for end in ("\n", "", "\0\n", "\n\n"):
            self.refuse(good, MIN_NPS + "by = k\0x" + end, "c.conf:4: a NUL stands in this line")

    def test_defaults_may_stay_unused(self):
        self.write("s.csv", "score\n9\n")
        self.write("c.conf", "[scorecard]\n; later\n" + MIN_NPS)
        run("c.conf", cwd=self.path)
        self.write("c.conf", "[scorecard]\nutc_offset = Z\ntitle = x\n" + MIN_NPS)
        self.assertTrue(run("c.conf", cwd=self.path)[1].startswith("x\n"))

    def test_intervals_that_do_not_fit(self):
        self.refuse("score\n9\n", MIN_NPS + "interval = wilson\n", "c.conf:1: [nps]", "wilson")
        row, = self.score("score\n9\n8\n", "interval = score\n")
        self.assertEqual(row["interval"], "score")

    def test_long_lists_continue(self):
        columns = [f"question_{i}" for i in range(1, 41)]
        self.write("s.csv", ",".join(columns) + "\n" + ",".join(["3"] * 40) + "\n")
        lines = ",\n   ".join(", ".join(columns[i:i + 8]) for i in range(0, 40, 8))
        self.write("c.conf", f"[csi]\nfile = s.csv\nscale = 1, 5\nitems = {lines}\n")
        row, = rows_of("c.conf", cwd=self.path)
        self.near(row["value"], 50)

    def test_save_and_merge(self):
        more = "by = k\ninvalid = count\n"
        all_rows = self.score("score,k\n9,a\n,b\n3,a\n8,c\n77,a\n10,b\n", more)
        self.score("score,k\n9,a\n,b\n3,a\n", more, "--save", "night1")
        merged = self.score("score,k\n8,c\n77,a\n10,b\n", more, "--merge", "night1",
                            "--save", "nights")
        self.assertEqual(merged, all_rows)
        self.score("score,k\n9,a\n,b\n3,a\n8,c\n77,a\n10,b\n", more, "--save", "once")
        for file in (self.path / "once").iterdir():
            self.assertEqual(file.read_bytes(), (self.path / "nights" / file.name).read_bytes())
        for option in ("--save", "--merge"):
            status, _, err = run(option, "once", "c.conf", "c.conf", cwd=self.path, check=False)
            self.assertEqual(status, 1)
            self.assertIn("one configuration at a time", err)
        (self.path / "once" / "1-nps-k.cxm").write_bytes(b"junk")
        status, _, err = run("--merge", "once", "c.conf", cwd=self.path, check=False)
        self.assertEqual(status, 1)
        self.assertIn("1-nps-k.cxm", err)

    def test_a_save_that_fails_keeps_the_old_tallies(self):
        def small_disk():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        self.score("score\n9\n", "", "--save", "nights")
        before = {p.name: p.read_bytes() for p in (self.path / "nights").iterdir()}
        # The limit holds for the counts of coverage too: half a file of them spoils all others.
        done = subprocess.run([testing.PROGRAM, "--merge", "nights", "--save", "nights", "c.conf"],
                              cwd=self.path, check=False, capture_output=True, preexec_fn=small_disk,
                              env={**os.environ, "LLVM_PROFILE_FILE": os.devnull})
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b"1-nps.cxm", done.stderr)
        after = {p.name: p.read_bytes() for p in (self.path / "nights").iterdir()}
        self.assertEqual(after, before)

    def test_options(self):
        self.score("score\n9\n")
        for wrong in (["--level", "95"], ["--level", "x"], ["--lang", "fr"], ["--rows", "-1"],
                      ["--threads", "0"], ["--threads", "2.5"], ["--rows", "2.5"], ["--nonsense"],
                      ["--data", "nowhere"]):
            status, _, err = run(*wrong, "c.conf", cwd=self.path, check=False)
            self.assertEqual(status, 1, wrong)
            self.assertNotEqual(err, "")
        self.assertEqual(run("no.conf", cwd=self.path, check=False)[0], 1)

    def test_control_characters_in_keys(self):
        table = 'score,k\n9,"a\nb"\n3,a?b\n8,"a\tb"\n'
        rows = self.score(table, "by = k\n")
        self.assertEqual([row["group"] for row in rows[1:]], ["a\tb", "a\nb", "a?b"])
        self.assertEqual(run("c.conf", cwd=self.path)[1].count("a?b"), 3)  # nothing steers the terminal
        rows = self.score("score,k\n9,a\0b\n3,a\0c\n8,a\n", "by = k\n")
        self.assertEqual([row["group"] for row in rows[1:]], ["a", "a\0b", "a\0c"])

    def test_very_long_keys_are_cut(self):
        self.write("s.csv", "score,k\n9," + "净" * 300_000 + "\n")
        self.write("c.conf", MIN_NPS + "by = k\n")
        self.assertRegex(run("c.conf", cwd=self.path)[1], "  净{5,40}…")

    def test_json_is_strict(self):
        self.score('score,k\n9,"a ""b"" \\ \n/"\n', "by = k\n")
        for line in run("--json", "c.conf", cwd=self.path)[1].splitlines():
            row = json.loads(line, parse_constant=lambda name: self.fail(name))
            self.assertEqual(row["metric"], "nps")


if __name__ == "__main__":
    testing.PROGRAM, ROOT = str(pathlib.Path(sys.argv[1]).resolve()), pathlib.Path(sys.argv[2])
    sys.exit(testing.main(Numbers, Printing, Files))
