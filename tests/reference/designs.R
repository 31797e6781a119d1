# SPDX-License-Identifier: GPL-3.0-or-later
#
# Sampling designs with R's survey package.
#
#   Rscript designs.R check data/design_cases.txt     the standard errors of the random designs
#   Rscript designs.R real DIRECTORY                  data/designs_from_r.txt, from the directory
#                                                     with api_weighted/ and sfo2017_survey/
suppressPackageStartupMessages(library(survey))
options(digits = 17, warn = -1)
arguments <- commandArgs(trailingOnly = TRUE)

# ---- the random designs ----

read_case <- function(lines) {
    words <- strsplit(lines, " ", fixed = TRUE)
    case <- list(columns = list(), wants = list(), lonely = "fail")
    for (w in words) {
        if (w[1] == "case") { case$name <- w[2]; case$metric <- w[3] }
        else if (w[1] == "lonely") case$lonely <- w[2]
        else if (w[1] == "want") case$wants[[length(case$wants) + 1]] <- w
        else if (w[1] == "column") {
            values <- w[-(1:3)]
            values[values == "-"] <- NA
            if (w[3] != "strings") values <- as.numeric(values)
            role <- w[2]
            if (!is.null(case$columns[[role]])) role <- paste0(role, "2")
            case$columns[[role]] <- values
        }
    }
    case
}

make_design <- function(case) {
    d <- as.data.frame(case$columns)
    if (!is.null(d$freq)) d <- d[rep(seq_len(nrow(d)), d$freq), , drop = FALSE]
    d$row <- seq_len(nrow(d))
    if (is.null(d$weight)) d$weight <- 1
    has <- function(name) !is.null(d[[name]])
    id <- if (has("cluster2")) ~cluster + cluster2
          else if (has("fpc2")) ~cluster + row
          else if (has("cluster")) ~cluster else ~1
    fpc <- if (has("fpc2")) ~fpc + fpc2 else if (has("fpc")) ~fpc else NULL
    # A second stage without a population of its own is drawn with replacement.
    if (has("cluster2") && has("fpc") && !has("fpc2")) { d$fpc2 <- Inf; fpc <- ~fpc + fpc2 }
    strata <- if (has("strata")) ~strata else NULL
    svydesign(id = id, strata = strata, fpc = fpc, weights = ~weight, data = d, nest = TRUE)
}

standard_error <- function(measure, metric, design) {
    value <- function(f) f(design$variables)
    if (metric == "ratio")
        return(SE(svyratio(~numerator, ~denominator, design, na.rm = TRUE))[1])
    if (metric == "total") return(SE(svytotal(~value, design, na.rm = TRUE))[1])
    if (metric == "nps") {
        design <- update(design, value = switch(measure,
            nps = 100 * ((score >= 9) - (score <= 6)), promoters = as.numeric(score >= 9),
            mean = score))
    }
    SE(svymean(~value, design, na.rm = TRUE))[1]
}

check <- function(path) {
    lines <- readLines(path)
    starts <- grep("^case ", lines)
    ends <- grep("^end", lines)
    worst <- 0; n <- 0; skipped <- 0
    for (i in seq_along(starts)) {
        case <- read_case(lines[starts[i]:(ends[i] - 1)])
        design <- make_design(case)
        options(survey.lonely.psu = case$lonely)
        for (w in case$wants) {
            domain <- design
            if (w[3] != "total") {
                key_wanted <- sort(unique(design$variables$by))[as.integer(w[3]) + 1]
                domain <- subset(design, by == key_wanted)
            }
            # "adjust" in R centres the totals of totals at 0, ours at the mean of all units.
            if (case$lonely == "adjust" && case$metric == "total") { skipped <- skipped + 1; next }
            want <- as.numeric(w[9])
            got <- tryCatch(standard_error(w[2], case$metric, domain), error = function(e) NA)
            if (is.na(want) || is.na(got)) { skipped <- skipped + 1; next }
            off <- abs(got - want) / max(abs(want), 1e-12)
            n <- n + 1
            if (abs(got - want) > 1e-10 && off > 1e-9)
                cat(case$name, w[2], w[3], "want", want, "R", got, "\n")
            else worst <- max(worst, min(off, abs(got - want)))
        }
    }
    cat(n, "standard errors compared,", skipped, "skipped, worst", worst, "\n")
}

if (arguments[1] == "check") check(arguments[2])

# ---- real data ----

show <- function(what, estimate, domain = "")
    cat(sprintf("%s | %s | %.15g | %.15g\n", what, domain, coef(estimate)[1], SE(estimate)[1]))

show_all <- function(name, design) {
    show(paste(name, "mean api00"), svymean(~api00, design))
    show(paste(name, "total enroll"), svytotal(~enroll, design, na.rm = TRUE))
    show(paste(name, "ratio api00 api99"), svyratio(~api00, ~api99, design))
    show(paste(name, "share sch.wide"), svymean(~I(as.numeric(sch.wide == "Yes")), design))
    for (by in c("stype", "sch.wide"))
        for (level in sort(unique(design$variables[[by]]))) {
            domain <- design[design$variables[[by]] == level, ]
            show(paste(name, "mean api00"), svymean(~api00, domain), paste(by, level))
            show(paste(name, "ratio api00 api99"), svyratio(~api00, ~api99, domain),
                 paste(by, level))
        }
}

real <- function(directory) {
    read <- function(file) read.csv(file.path(directory, "api_weighted", paste0(file, ".csv")))
    strat <- read("apistrat")
    clus <- read("apiclus1")
    show_all("apistrat strata=stype", svydesign(id = ~1, strata = ~stype, weights = ~pw,
                                               data = strat))
    show_all("apistrat strata=stype,fpc=fpc", svydesign(id = ~1, strata = ~stype, weights = ~pw,
                                                       fpc = ~fpc, data = strat))
    show_all("apiclus1 cluster=dnum", svydesign(id = ~dnum, weights = ~pw, data = clus))
    show_all("apiclus1 cluster=dnum,fpc=fpc", svydesign(id = ~dnum, weights = ~pw, fpc = ~fpc,
                                                       data = clus))
    sfo <- read.csv(file.path(directory, "sfo2017_survey", "sfo_2017.csv"), check.names = FALSE)
    names(sfo) <- gsub("*", "", names(sfo), fixed = TRUE)
    sfo$score <- ifelse(sfo$NETPRO <= 10, sfo$NETPRO, NA)
    sfo$code <- 100 * ((sfo$score >= 9) - (sfo$score <= 6))
    sfo <- sfo[!is.na(sfo$WEIGHT), ]
    options(survey.lonely.psu = "certainty")
    airport <- svydesign(id = ~1, strata = ~STRATA, weights = ~WEIGHT, data = sfo)
    show("sfo nps", svymean(~code, airport, na.rm = TRUE))
    show("sfo promoters", svymean(~I(as.numeric(score >= 9)), airport, na.rm = TRUE))
    show("sfo mean", svymean(~score, airport, na.rm = TRUE))
    calibrated(strat, clus)
}

# Calibrated weights: post-stratification, raking (calfun = "raking"), with their variance.
calibrated <- function(strat, clus) {
    types <- data.frame(stype = c("E", "H", "M"), Freq = c(4421, 755, 1018))
    wide <- data.frame(sch.wide = c("No", "Yes"), Freq = c(1072, 5122))
    plain <- svydesign(id = ~dnum, weights = ~pw, fpc = ~fpc, data = clus)
    show_all("apiclus1 cluster=dnum,fpc=fpc,post=stype", postStratify(plain, ~stype, types))
    raked <- calibrate(plain, list(~stype, ~sch.wide), list(types, wide), calfun = "raking",
                       epsilon = 1e-13, maxit = 200)
    show_all("apiclus1 cluster=dnum,fpc=fpc,rake=stype+sch.wide", raked)
    greg <- calibrate(plain, list(~stype, ~sch.wide), list(types, wide), calfun = "linear")
    show_all("apiclus1 cluster=dnum,fpc=fpc,linear=stype+sch.wide", greg)
    rows <- svydesign(id = ~1, strata = ~stype, weights = ~pw, fpc = ~fpc, data = strat)
    show_all("apistrat strata=stype,fpc=fpc,post=sch.wide", postStratify(rows, ~sch.wide, wide))
}

if (arguments[1] == "real") real(arguments[2])
