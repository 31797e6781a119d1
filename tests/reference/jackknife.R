# SPDX-License-Identifier: GPL-3.0-or-later
#
# Jackknife standard errors of the mini design of test_design.c with R's survey, and what the
# package's own rake() says of the raked NPS there:
#
#   Rscript jackknife.R
#
# rake() regresses the residuals of its variance on the margins without weights; the library (and
# survey::calibrate(calfun = "raking")) with the base weights, as Deville and Saerndal (1992)
# have it: 4.718851512579 for the same weights.
suppressPackageStartupMessages(library(survey))
d <- data.frame(
    stratum = c(1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2), psu = c(1, 1, 1, 2, 2, 3, 3, 1, 1, 2, 2, 2),
    w = c(10, 10, 12, 8, 8, 15, 15, 20, 20, 25, 25, 30),
    score = c(10, 9, 6, 8, 10, 3, 9, 7, 9, 10, 8, 2),
    domain = c(1, 2, 1, 1, 2, 2, 1, 1, 2, 2, 1, 2),
    age = c(1, 1, 2, 2, 1, 2, 1, 2, 1, 1, 2, 2), sex = c(1, 2, 1, 2, 1, 2, 2, 1, 1, 2, 1, 2)
)
d$population <- ifelse(d$stratum == 1, 12, 8)
d$nps <- 100 * ((d$score >= 9) - (d$score <= 6))
d$promoter <- as.numeric(d$score >= 9)
show <- function(name, x) cat(name, formatC(as.numeric(SE(x)), digits = 15, format = "g"), "\n")
plain <- svydesign(~psu, strata = ~stratum, weights = ~w, data = d, nest = TRUE)
finite <- svydesign(~psu, strata = ~stratum, weights = ~w, data = d, nest = TRUE,
                    fpc = ~population)
j <- as.svrepdesign(plain, type = "JKn")
show("nps", svymean(~nps, j))
show("nps, finite population", svymean(~nps, as.svrepdesign(finite, type = "JKn")))
show("nps, domain 1", svymean(~nps, subset(j, domain == 1)))
show("nps, domain 2", svymean(~nps, subset(j, domain == 2)))
show("mean", svymean(~score, j))
show("ratio", svyratio(~score, ~age, j))
show("total", svytotal(~score, j))
show("promoters", svymean(~promoter, j))
one <- svydesign(~psu, weights = ~w, data = d)
show("nps, no strata", svymean(~nps, as.svrepdesign(one, type = "JK1")))
margins <- list(data.frame(age = 1:2, Freq = c(120, 90)), data.frame(sex = 1:2, Freq = c(100, 110)))
raked <- rake(plain, list(~age, ~sex), margins, control = list(maxit = 10, epsilon = 1e-12))
show("raked nps, rake()", svymean(~nps, raked))
raked <- calibrate(plain, list(~age, ~sex), margins, calfun = "raking", epsilon = 1e-13)
show("raked nps, calibrate()", svymean(~nps, raked))
