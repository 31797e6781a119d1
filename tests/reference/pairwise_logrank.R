# SPDX-License-Identifier: GPL-3.0-or-later
# Pairwise log-rank tests for test_survival.c: every two groups on their own (survival::survdiff),
# p adjusted after Holm. Rscript tests/reference/pairwise_logrank.R
library(survival)
time <- c(5, 8, 8, 12, 3, 9, 14, 2, 7, 7, 11, 15, 4, 6, 10, 13, 1, 16)
event <- c(1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 0)
group <- rep(c("a", "b", "c"), 6)
p <- c()
for (pair in list(c("a", "b"), c("a", "c"), c("b", "c"))) {
    keep <- group %in% pair
    for (rho in 0:1) {
        d <- survdiff(Surv(time[keep], event[keep]) ~ group[keep], rho = rho)
        cat(pair, "rho", rho, sprintf("%.15g", c(d$chisq, pchisq(d$chisq, 1, lower = FALSE))), "\n")
        if (rho == 0) p <- c(p, pchisq(d$chisq, 1, lower = FALSE))
    }
}
cat("Holm", sprintf("%.15g", p.adjust(p, "holm")), "\n")
lung <- read.csv("../shared/data/survival_a/lung.csv")
d <- lung[lung$ph.ecog %in% 0:2, ]
p <- c()
for (pair in list(0:1, c(0, 2), 1:2)) {
    s <- survdiff(Surv(time, status) ~ ph.ecog, d[d$ph.ecog %in% pair, ])
    p <- c(p, pchisq(s$chisq, 1, lower = FALSE))
    cat("lung ecog", pair, sprintf("%.15g", s$chisq), "\n")
}
cat("Holm", sprintf("%.15g", p.adjust(p, "holm")), "\n")
