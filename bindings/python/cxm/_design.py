# SPDX-License-Identifier: GPL-3.0-or-later
"""How a sample was drawn, and what that does to one number."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Design:
    """The sampling design of one estimate. Unknown numbers are NaN.

    strata        strata with rows of the group; 1 without strata
    clusters      units with rows of the group that were drawn first; rows where rows were drawn
    df            clusters - strata, the degrees of freedom of the standard error
    deff          design effect: std_error² over that of a simple random sample of n rows from as
                  many as the weights sum to, (N - n) / N · S² / n (Kish 1965)
    deff_replace  the same without (N - n) / N
    deff_weight   the part of the weights alone: n sum w² / (sum w)²
    n_eff_kish    (sum w)² / sum w²
    n_eff_design  so many independent answers would tell as much: v / std_error², v the variance
                  of one answer
    """

    __slots__ = (
        "strata", "clusters", "df", "deff", "deff_replace", "deff_weight", "n_eff_kish",
        "n_eff_design",
    )

    strata: int
    clusters: int
    df: float
    deff: float
    deff_replace: float
    deff_weight: float
    n_eff_kish: float
    n_eff_design: float

    def __init__(self, design: Any) -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(design, name))

    def to_dict(self) -> dict[str, float]:
        """All of it, by name."""
        return {name: getattr(self, name) for name in self.__slots__}

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value:.6g}" for name, value in self.to_dict().items())
        return f"Design({inside})"
