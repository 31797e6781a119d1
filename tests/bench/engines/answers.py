# SPDX-License-Identifier: GPL-3.0-or-later
"""From counts to the numbers that are compared; every engine's counts are few by then."""
import numpy as np

MONTHS = 24
FIRST = 1640995200  # 2022-01-01: two years without a leap day
DAY = 86400
LATEST = FIRST + 730 * DAY
WINDOW = 7 * DAY
PROBS = (0.5, 0.9, 0.99)

# Month 0 … 11 of a day of the year 0 … 364, in integers: February is thought to have 30 days.
MONTH_OF_DAY = "(12 * ({0} + 2 * ({0} >= 59)::INT) + 6) // 367"


def months_of_days():
    """Months since the first, for each of the 730 days."""
    days = np.arange(730)
    dates = np.datetime64("2022-01-01") + days
    return (dates.astype("datetime64[M]") - np.datetime64("2022-01")).astype(np.uint8)


def net_promoters(promoters, detractors, n):
    """NPS and its standard error in points; the groups that have answers."""
    p, d, n = (np.asarray(x, dtype=np.float64) for x in (promoters, detractors, n))
    p, d, n = p[n > 0], d[n > 0], n[n > 0]
    score = 100 * (p - d) / n
    return np.concatenate([score, 100 * np.sqrt(((p + d) / n - ((p - d) / n) ** 2) / n)])


def of_bins(bins):
    """… from counts of the answers 0 … 10 (more columns are not answers)."""
    return net_promoters(bins[..., 9:11].sum(-1).ravel(), bins[..., :7].sum(-1).ravel(),
                         bins[..., :11].sum(-1).ravel())


def weighted(w, w2):
    """Share of 4 and 5, mean, effective n from sums by (group, answer 0 … 5); groups that are there."""
    w, w2 = w[w.any(1)], w2[w.any(1)]
    total = w.sum(1)
    return np.concatenate([w[:, 4:6].sum(1) / total, w @ np.arange(w.shape[1]) / total,
                           total ** 2 / w2.sum(1)])


def gaps(n, sums, squares):
    """Means and variances from sums by (dimension, group)."""
    mean = sums / n
    return np.concatenate([mean.ravel(), ((squares - sums * mean) / (n - 1)).ravel()])


def survival(group, day, event, count):
    """S and Greenwood's error at every time of a loss, from counts by (group, day, event)."""
    group, day, event = (np.asarray(x, dtype=np.int64) for x in (group, day, event))
    table = np.zeros((group.max() + 1, 2, day.max() + 1))
    table[group, event, day] = count
    all_left = table.sum(1)
    at_risk = all_left[:, ::-1].cumsum(1)[:, ::-1]
    lost = table[:, 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        s = np.cumprod(np.where(at_risk > 0, 1 - lost / at_risk, 1), axis=1)
        error = s * np.sqrt(np.cumsum(np.where(lost > 0, lost / (at_risk * (at_risk - lost)), 0), 1))
    seen = lost > 0
    return np.concatenate([s[seen], np.nan_to_num(error[seen])])


def cohorts(bits):
    """Retention by (first month, months later) from one word of months a customer."""
    bits = np.asarray(bits).astype(np.int64)
    first = np.log2((bits & -bits).astype(np.float64)).astype(np.int64)
    seen = bits >> first
    sizes = np.bincount(first, minlength=MONTHS)
    cells = np.stack([np.bincount(first[(seen >> k & 1).astype(bool)], minlength=MONTHS)
                      for k in range(MONTHS)], axis=1)
    known = np.add.outer(np.arange(MONTHS), np.arange(MONTHS)) < MONTHS
    known &= (sizes > 0)[:, None]
    return (cells / np.maximum(sizes, 1)[:, None])[known]
