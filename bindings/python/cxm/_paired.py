# SPDX-License-Identifier: GPL-3.0-or-later
"""The same customers in two waves."""

from __future__ import annotations

from ._metrics import _run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Union

    from ._metrics import Codes, Labels, Pair
    from ._result import Result

    Names = Union[str, Iterable[str], None]


def paired(
    before: Any,
    after: Any,
    *,
    data: Any = None,
    by: Any = None,
    scale: Pair = (0, 10),
    promoter: float = 9,
    detractor: float = 6,
    labels: Labels = None,
    missing_codes: Codes = (),
    weight: Any = None,
    freq: Any = None,
    strata: Any = None,
    cluster: Any = None,
    fpc: Any = None,
    lonely: str = "error",
    level: float = 0.95,
    interval: str | None = None,
    invalid: str = "error",
    measures: Names = None,
    missing_key: str = "keep",
    threads: int | None = None,
) -> Result:
    """The change of the Net Promoter Score of customers who answered twice; a row is a customer.

    Two samples of different people are compared by :func:`cxm.compare`; the same people answer
    alike, and counting them in pairs says more.

    change      100 mean(d) points, d the code after (-1, 0, 1) minus the code before; from -200
                to 200
    std_error   100 sqrt(v / n), v the variance of d with divisor n; with weights linearised
    interval    Student's t of d; also "wald"
    measures    change; before, after (the scores of these customers); t; stuart_maxwell, bhapkar
                (same shares in both waves?), score (same net score?), bowker (as many moved one
                way as the other?), mcnemar, mcnemar_corrected (promoter or not); p[t],
                p[stuart_maxwell] …, p[mcnemar_exact], p[mcnemar_mid_p];
                transition[detractor,promoter] …: share of the detractors before that are
                promoters now

    Customers whose answer is missing in either wave are counted as missing and are no part of the
    change. For the other arguments see :func:`cxm.nps`.

    >>> r = cxm.paired([3, 6, 8, 9, 10], [7, 9, 8, 6, 10])
    >>> r.value, r["before"].value, r["after"].value
    (20.0, 0.0, 20.0)
    >>> r["transition[detractor,passive]"].value
    0.5
    """
    return _run(
        "paired", {"before": before, "after": after},
        {"scale": scale, "promoter": promoter, "detractor": detractor},
        data, by, labels, missing_codes, weight, freq, strata, cluster, fpc, lonely, level,
        interval, invalid, measures, missing_key, threads,
    )
