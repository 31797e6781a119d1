#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the example data: examples/data/survey.csv, tickets.csv, customers.csv, orders.csv.

Everything is invented, nothing is random twice: the same program writes the same bytes.
Each person has one latent mood, which moves all answers together, so that items correlate as
in real surveys; regions, channels and months shift the mood, so that segments truly differ.
Answers are missing more often where people are unhappy, and some cells are dirty the way
exports are: 99, N/A, blanks, out of range, notes with commas, quotes and line breaks.

    python3 examples/make_data.py [folder]
"""
import csv
import datetime
import pathlib
import random
import sys

REGIONS = {"North": 0.45, "South": 0.10, "East": -0.10, "West": -0.55}
CHANNELS = {"phone": 0.15, "chat": 0.30, "mail": -0.25, "social": -0.10, "SMS": 0.0}
# What people perceive and expect of SERVQUAL's five dimensions, on 1-7.
DIMENSIONS = {"reliability": (4.9, 6.4), "assurance": (5.6, 6.1), "tangibles": (5.7, 5.3),
              "empathy": (5.0, 5.8), "responsiveness": (4.5, 6.2)}
ITEMS_PER_DIMENSION = 2
ITEMS = ITEMS_PER_DIMENSION * len(DIMENSIONS)
CSI_ITEMS = {"price": (3.2, 4.3), "quality": (4.0, 4.6), "delivery": (3.7, 3.9),
             "support": (3.5, 4.1)}
REASONS = {"competitive": 0.42, "fault": 0.23, "natural": 0.25, "malicious": 0.10}
NOTES = ["", "", "", "", "quick, friendly", 'said "come back tomorrow"', "回复很快，谢谢",
         "waited 40 minutes\nand then the line dropped", "prix élevé", "ok"]
AGENTS = ["Ada", "Bo", "Chen", "Dora", "Emil", "Fay", "Gus", "Hana"]


class Source(random.Random):
    """Only random() is used: its sequence never changes between versions of Python."""

    def normal(self):
        return sum(self.random() for _ in range(12)) - 6

    def pick(self, values):
        values = list(values)
        return values[int(self.random() * len(values))]

    def weighted(self, shares):
        point = self.random() * sum(shares.values())
        for value, share in shares.items():
            point -= share
            if point < 0:
                return value
        return value

    def chance(self, share):
        return self.random() < share

    def rating(self, mean, spread, low, high):
        return max(low, min(high, round(mean + spread * self.normal())))

    def instant(self, first, days):
        minutes = int(self.random() * days * 24 * 60)
        return first + datetime.timedelta(minutes=minutes)


def dirty_score(source, score, mood):
    """Unhappy people skip the question; a few cells are not answers at all."""
    if source.chance(0.05 if mood > 0 else 0.08):
        return source.weighted({"": 0.6, "99": 0.25, "N/A": 0.15})
    if source.chance(0.006):
        return source.pick(["11", "12", "-1", "7.5", "nine"])
    return str(score)


def survey_row(source, number):
    business = source.chance(0.5)               # oversampled: 20 % of the customers
    region = source.weighted({"North": 3, "South": 3, "East": 2, "West": 2})
    channel = source.weighted({"phone": 4, "chat": 3, "mail": 2, "social": 1, "SMS": 1})
    answered = source.instant(datetime.datetime(2025, 1, 1), 181)
    mood = (REGIONS[region] + CHANNELS[channel] + 0.06 * (answered.month - 3)
            + (0.2 if business else 0.0) + source.normal())
    row = {
        "response_id": f"R{number:05d}",
        "answered_at": answered.strftime("%Y-%m-%dT%H:%M:00+08:00"),
        "region": "" if source.chance(0.01) else region,
        "channel": channel,
        "segment": "business" if business else "consumer",
        "weight": "0.4" if business else "1.6",
        "recommend": dirty_score(source, source.rating(7.7 + 1.8 * mood, 0.9, 0, 10), mood),
        "satisfaction": "" if source.chance(0.03)
        else "0" if source.chance(0.01)         # a code for "no opinion"
        else str(source.rating(3.7 + 0.8 * mood, 0.5, 1, 5)),
        "effort": "" if source.chance(0.1)
        else str(source.rating(5.0 + 0.9 * mood, 1.0, 1, 7)),
    }
    for item, (satisfied, important) in CSI_ITEMS.items():
        skip = source.chance(0.06)
        row["sat_" + item] = "" if skip else str(
            source.rating(satisfied + 0.7 * mood, 0.7, 1, 5))
        row["imp_" + item] = "" if source.chance(0.04) else str(
            source.rating(important, 0.7, 1, 5))
    for index, (perceived, expected) in enumerate(DIMENSIONS.values()):
        for k in range(ITEMS_PER_DIMENSION):
            item = index * ITEMS_PER_DIMENSION + k + 1
            skip = source.chance(0.04)          # an item is skipped on both pages
            row[f"p{item}"] = "" if skip else str(
                source.rating(perceived + 0.2 * k + 0.8 * mood, 0.8, 1, 7))
            row[f"e{item}"] = "" if skip else str(
                source.rating(expected - 0.1 * k, 0.7, 1, 7))
    row["would_buy_again"] = "" if source.chance(0.05) else (
        "yes" if source.chance(min(0.97, max(0.03, 0.62 + 0.2 * mood))) else "no")
    row["note"] = source.pick(NOTES)
    return row


def ticket_row(source, number):
    agent = source.pick(AGENTS)
    skill = (AGENTS.index(agent) - 3.5) / 7
    channel = source.weighted({"phone": 4, "chat": 3, "mail": 2, "social": 1, "SMS": 1})
    priority = source.weighted({"1": 1, "2": 3, "3": 6})
    opened = source.instant(datetime.datetime(2025, 1, 1), 181)
    solved = source.chance(0.94)
    hard = source.normal() - skill - (0.3 if channel == "chat" else 0)
    replies = max(0, round(1.3 + 0.9 * hard))
    reopens = sum(source.chance(0.05 + 0.04 * max(0.0, hard)) for _ in range(2))
    moves = sum(source.chance(0.12) for _ in range(3))
    hours = 2 + 6 * abs(source.normal()) * (4 - int(priority)) / 2
    first = solved and replies <= 1 and reopens == 0 and moves == 0
    return {
        "ticket_id": f"T{number:06d}",
        "customer_id": f"C{int(source.random() * 2000):05d}",
        "opened_at": opened.strftime("%Y-%m-%d %H:%M"),
        "solved_at": (opened + datetime.timedelta(hours=hours)).strftime("%Y-%m-%d %H:%M")
        if solved else "",
        "channel": channel,
        "agent": agent,
        "priority": priority,
        "solved": "yes" if solved else "no",
        "replies": "" if source.chance(0.02) else str(replies),
        "reopens": str(reopens),
        "reassignments": str(moves),
        "first_contact": "" if source.chance(0.08) else "unknown" if source.chance(0.02)
        else "yes" if first or source.chance(0.05) else "no",
        "can_be_solved_at_once": "no" if source.chance(0.12) else "yes",
        "made_sla": "true" if source.chance(0.91 + 0.05 * skill) else "false",
        "handling_minutes": str(max(1, round(9 + 4 * hard + 3 * source.normal()))),
        "cost": f"{max(0.5, 4.0 + 1.5 * hard + source.normal()):.2f}",
    }


def customer_row(source, number):
    region = source.weighted({"North": 3, "South": 3, "East": 2, "West": 2})
    plan = source.weighted({"basic": 5, "plus": 3, "pro": 2})
    joined = datetime.date(2021, 1, 1) + datetime.timedelta(days=int(source.random() * 1550))
    new = source.chance(0.08)
    leaving = 0.13 - 0.05 * REGIONS[region] + (0.04 if plan == "basic" else -0.03)
    lost = not new and source.chance(leaving)
    reason = source.weighted(REASONS) if lost else ""
    if lost and source.chance(0.07):
        reason = ""                             # nobody knows why
    own = Source(1000003 * number + 7)              # leaves all other columns as they are
    days = (datetime.date(2025, 6, 30) - joined).days
    if lost:
        days -= int(own.random() * min(days, 181))  # in the half-year that is looked at
    return {
        "customer_id": f"C{number:05d}",
        "region": region,
        "plan": plan,
        "joined_on": joined.isoformat(),
        "active_before": "no" if new else "yes",
        "active_after": "no" if lost else "" if source.chance(0.01) else "yes",
        "churn_reason": reason,
        "complaints": str(sum(source.chance(0.1 + (0.15 if lost else 0)) for _ in range(3))),
        "revenue": f"{max(5.0, 40 + 25 * (plan != 'basic') + 9 * source.normal()):.2f}",
        "days": str(max(days, 1)),
    }


def order_rows():
    """A first order in half a year, further ones less and less often."""
    source, rows = Source(20250701), []
    for number in range(600):
        customer = f"O{number:05d}"
        ordered = source.instant(datetime.datetime(2025, 1, 1), 181)
        while ordered < datetime.datetime(2025, 7, 1):
            rows.append({"customer_id": customer, "ordered_at": ordered.isoformat()})
            if not source.chance(0.72):
                break
            ordered += datetime.timedelta(minutes=int(source.random() * 60 * 24 * 60))
    return rows


def write(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1
                          else pathlib.Path(__file__).parent / "data")
    folder.mkdir(parents=True, exist_ok=True)
    source = Source(20250701)
    write(folder / "survey.csv", [survey_row(source, i + 1) for i in range(3000)])
    write(folder / "tickets.csv", [ticket_row(source, i + 1) for i in range(4000)])
    write(folder / "customers.csv", [customer_row(source, i) for i in range(2000)])
    write(folder / "orders.csv", order_rows())


if __name__ == "__main__":
    main()
