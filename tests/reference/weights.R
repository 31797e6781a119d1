# SPDX-License-Identifier: GPL-3.0-or-later
#
# Weighted estimates of R's survey package for tests/test_real_data.py (weights only: no strata,
# clusters or finite population; rows without an answer are left out before the design is made).
#
#   Rscript weights.R DIRECTORY      the directory with api_weighted/ and sfo2017_survey/
suppressPackageStartupMessages(library(survey))
options(digits = 17)
directory <- commandArgs(trailingOnly = TRUE)[1]
show <- function(name, estimate)
    cat(sprintf("    (\"%s\", \"%.15g\", \"%.15g\"),\n", name, coef(estimate)[1], SE(estimate)[1]))

cat("# survey", as.character(packageVersion("survey")), "of", R.version.string, "\n")
for (file in c("apistrat", "apiclus1")) {
    rows <- read.csv(file.path(directory, "api_weighted", paste0(file, ".csv")))
    design <- svydesign(id = ~1, weights = ~pw, data = rows)
    show(paste(file, "mean api00"), svymean(~api00, design))
    show(paste(file, "total enroll"), svytotal(~enroll, design))
    show(paste(file, "ratio api00 api99"), svyratio(~api00, ~api99, design))
    show(paste(file, "share awards"), svymean(~I(as.numeric(awards == "Yes")), design))
}
rows <- read.csv(file.path(directory, "sfo2017_survey", "sfo_2017.csv"), check.names = FALSE)
rows <- rows[!is.na(rows$NETPRO) & rows$NETPRO <= 10, ]
rows$code <- 100 * ((rows$NETPRO >= 9) - (rows$NETPRO <= 6))
design <- svydesign(id = ~1, weights = ~WEIGHT, data = rows)
show("sfo nps", svymean(~code, design))
show("sfo promoters", svymean(~I(as.numeric(NETPRO >= 9)), design))
show("sfo detractors", svymean(~I(as.numeric(NETPRO <= 6)), design))
show("sfo mean", svymean(~NETPRO, design))
