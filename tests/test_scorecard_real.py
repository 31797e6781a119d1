#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""test_scorecard_real.py PROGRAM SOURCE_ROOT [DATA]: the scorecard on real data.

The files are public but are not shipped; they are looked for in ../shared/data beside the source
tree. Where they are not, a note says so. Expected numbers are computed from the files here.
"""
import math
import pathlib
import sys
from fractions import Fraction

import scorecard_testing as testing
from scorecard_testing import Case, find, mean_and_error, numbers, read_csv, rows_of, wilson

ROOT = DATA = pathlib.Path()


def results(name):
    return rows_of("--data", DATA, ROOT / f"examples/real/{name}.conf")


class Airport(Case):
    @classmethod
    def setUpClass(cls):
        cls.rows = results("airport")
        cls.survey = read_csv(DATA / "sfo2017_survey/sfo_2017.csv")

    def check(self, part, **keys):
        answers, missing, invalid = numbers(part, "NETPRO", 0, 10, {"11", "Blank"})
        row = find(self.rows, "nps", "nps", **keys)
        self.base(row, len(answers), missing, invalid)
        self.near(row["value"], float(testing.weighted_nps(
            answers, lambda r: Fraction(r["WEIGHT"]))))

    def test_nps(self):
        self.check(self.survey)
        row = find(self.rows, "nps", "nps")
        self.assertEqual((row["missing"], row["invalid"]), (85, 0))

    def test_nps_by_stratum(self):
        for code, name in (("1", "morning"), ("2", "midday"), ("3", "afternoon")):
            self.check([r for r in self.survey if r["STRATA"] == code], STRATA=name)

    def test_csat(self):
        answers, missing, invalid = numbers(self.survey, "Q7ALL", 1, 5, {"0", "6", "Blank"})
        row = find(self.rows, "csat", "csat")
        self.base(row, len(answers), missing, invalid)
        weight = sum(Fraction(r["WEIGHT"]) for _, r in answers)
        self.near(row["value"], float(
            sum(Fraction(r["WEIGHT"]) for v, r in answers if v >= 4) / weight))
        self.assertGreaterEqual(missing, 143)


class Airline(Case):
    @classmethod
    def setUpClass(cls):
        cls.rows = results("airline")
        cls.survey = read_csv(DATA / "airline_gap_a/airline_gap_a.csv")

    def gaps(self, row):
        return [int(row[f"s{i}"]) - int(row[f"e{i}"]) for i in range(1, 24) if row[f"s{i}"]]

    def test_overall_gap(self):
        complete = [self.gaps(r) for r in self.survey if len(self.gaps(r)) == 23]
        value, error = mean_and_error([Fraction(sum(g), 23) for g in complete])
        row = find(self.rows, "gap", "gap")
        self.near(row["value"], value)
        self.near(row["std_error"], error)
        self.base(row, len(complete), len(self.survey) - len(complete), 0)

    def test_item_gap(self):
        values = [int(r["s3"]) - int(r["e3"]) for r in self.survey if r["s3"]]
        value, error = mean_and_error(values)
        row = find(self.rows, "gap", "gap[s3]")
        self.near(row["value"], value)
        self.near(row["std_error"], error)
        self.base(row, len(values), len(self.survey) - len(values), 0)

    def test_nps_coded_from_1_to_11(self):
        answers, missing, invalid = numbers(self.survey, "nps", 1, 11, set())
        promoters = sum(v >= 10 for v, _ in answers)
        detractors = sum(v <= 7 for v, _ in answers)
        row = find(self.rows, "nps", "nps")
        self.interval(row, testing.adjusted_nps(
            promoters, len(answers) - promoters - detractors, detractors))
        self.base(row, len(answers), missing, invalid)


class Tickets(Case):
    @classmethod
    def setUpClass(cls):
        cls.rows = results("tickets")
        cls.tickets = read_csv(DATA / "tickets_a/incidents_a.csv")

    def check(self, section, good):
        n = len(self.tickets)
        self.interval(find(self.rows, section), wilson(sum(map(good, self.tickets)), n))

    def test_shares(self):
        self.check("share reopened", lambda r: int(r["reopen_count"]) > 0)
        self.check("share no reassignment", lambda r: r["reassignment_count"] == "0")
        self.check("share sla", lambda r: r["made_sla"] == "true")
        self.check("fcr", lambda r: r["reassignment_count"] == r["reopen_count"] == "0")

    def test_month(self):
        part = [r for r in self.tickets if r["opened_at"].startswith("2016-03")]
        self.interval(find(self.rows, "share sla", opened_at="2016-03-01"),
                      wilson(sum(r["made_sla"] == "true" for r in part), len(part)))

    def test_moved(self):
        value, error = mean_and_error([int(r["reassignment_count"]) for r in self.tickets])
        row = find(self.rows, "mean")
        self.near(row["value"], value)
        self.near(row["std_error"], error)
        self.assertTrue(math.isfinite(row["lower"]))


class Telecom(Case):
    def test_churn(self):
        rows = results("telecom")
        customers = read_csv(DATA / "iran_churn/iran_churn.csv")
        lost = sum(r["churn"] == "1" for r in customers)
        self.assertEqual((lost, len(customers)), (495, 3150))
        row = find(rows, "churn", "churn")
        self.interval(row, wilson(lost, len(customers)))
        self.near(find(rows, "retention")["value"], 1 - lost / len(customers))
        part = [r for r in customers if r["complains"] == "1"]
        self.interval(find(rows, "churn", "churn", complains="complained"),
                      wilson(sum(r["churn"] == "1" for r in part), len(part)))
        active = [r for r in customers if r["status"] == "1"]
        self.interval(find(rows, "share churn"),
                      wilson(sum(r["churn"] == "1" for r in active), len(active)))


if __name__ == "__main__":
    testing.PROGRAM, ROOT = str(pathlib.Path(sys.argv[1]).resolve()), pathlib.Path(sys.argv[2])
    DATA = pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else ROOT.parent / "shared/data"
    if not DATA.is_dir():
        print(f"NOTE: {DATA} is not there: the scorecard was not tested on real data")
        sys.exit(77)
    sys.exit(testing.main(Airport, Airline, Tickets, Telecom))
