#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reference fits of BG/NBD and Gamma-Gamma on the full CDNOW log (23 570 customers, calibration to
1997-09-30): histories by pandas, likelihoods written from the papers with scipy.special, maxima by
Nelder-Mead and then BFGS from two starts. Figures of bindings/python/tests/test_lifetime.py.

    python3 tests/reference/cdnow_lifetime.py ../shared/data/cdnow/cdnow_master.csv
"""

import sys

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, logsumexp


def histories(path):
    log = pd.read_csv(path, parse_dates=["date"])
    log = log[log.date <= "1997-09-30"]
    days = log.groupby(["customer_id", "date"]).dollar_value.sum().reset_index()
    out = []
    for _, d in days.groupby("customer_id"):
        x = len(d) - 1
        out.append((x, (d.date.max() - d.date.min()).days / 7,
                    (pd.Timestamp("1997-09-30") - d.date.min()).days / 7,
                    d.dollar_value.iloc[1:].mean() if x else np.nan))
    return np.array(out).T


def bg_nbd(theta, x, t, age):
    r, alpha, a, b = np.exp(theta)
    first = betaln(a, b + x) - betaln(a, b) - (r + x) * np.log(alpha + age)
    with np.errstate(all="ignore"):
        second = np.where(x > 0, betaln(a + 1, b + x - 1) - betaln(a, b)
                          - (r + x) * np.log(alpha + t), -np.inf)
    both = logsumexp([first, second], axis=0)
    return -(gammaln(r + x) - gammaln(r) + r * np.log(alpha) + both).sum()


def gamma_gamma(theta, x, m):
    p, q, g = np.exp(theta)
    return -(gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(g)
             + (p * x - 1) * np.log(m) + p * x * np.log(x) - (p * x + q) * np.log(x * m + g)).sum()


def best(f, starts, args):
    found = []
    for start in starts:
        rough = minimize(f, start, args, method="Nelder-Mead",
                         options={"maxiter": 20000, "fatol": 1e-10, "xatol": 1e-10})
        found.append(minimize(f, rough.x, args, method="BFGS", options={"gtol": 1e-7}))
    return min(found, key=lambda r: r.fun)


if __name__ == "__main__":
    x, t, age, m = histories(sys.argv[1])
    print("customers", len(x), "repeat", int((x > 0).sum()), "sum x", int(x.sum()))
    fit = best(bg_nbd, ([-1, 1, 0, 1], [0, 0, 0, 0]), (x, t, age))
    print("BG/NBD", *(f"{v:.7f}" for v in np.exp(fit.x)), f"LL {-fit.fun:.6f}")
    some = (x > 0) & (m > 0)
    fit = best(gamma_gamma, ([1, 1, 2], [0, 0, 0]), (x[some], m[some]))
    print("Gamma-Gamma", int(some.sum()), *(f"{v:.6f}" for v in np.exp(fit.x)),
          f"LL {-fit.fun:.6f}", f"correlation {np.corrcoef(x[some], m[some])[0, 1]:.10f}")
