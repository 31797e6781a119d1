# SPDX-License-Identifier: GPL-3.0-or-later
#
# The workloads in R's best forms: tabulate over dense keys, collapse's grouped sums and
# quantiles; besides them data.table's groups (_table) and survival's survfit. Reads lines such as "load w2 score by", "run w2", "answer w2".
suppressPackageStartupMessages({
  library(data.table)
  library(collapse)
  library(survival)
})
arguments <- commandArgs(TRUE)
folder <- arguments[1]
setDTthreads(as.integer(arguments[2]))
set_collapse_threads <- as.integer(arguments[2])
first <- 1640995200
day <- 86400
window <- 7 * day
months <- as.integer(format(as.Date("2022-01-01") + 0:729, "%Y")) * 12L +
  as.integer(format(as.Date("2022-01-01") + 0:729, "%m")) - (2022L * 12L + 1L)

load_column <- function(name) {
  whole <- file.path(folder, paste0(name, ".i"))
  path <- if (file.exists(whole)) whole else file.path(folder, paste0(name, ".d"))
  bytes <- if (path == whole) 4 else 8
  x <- readBin(path, if (bytes == 4) "integer" else "double", file.size(path) / bytes)
  unlink(path)
  x
}

sums <- function(x, g, n) collapse::fsum(x, g, nthreads = set_collapse_threads)

probs <- c(0.5, 0.9, 0.99)

workloads <- list(
  # tabulate leaves out what is above its number of bins
  w1 = function(d) c(tabulate(d$score + 1L, 11L), integer(5)),
  w2 = function(d) {
    n <- max(d$g) + 1L
    matrix(tabulate(d$g * 256L + d$score + 1L, 256L * n), 256L)[1:16, ]
  },
  w2m = function(d) tabulate(d$g * 16L + pmin(d$score, 11L) + 1L, 16L * (max(d$g) + 1L)),
  w3 = function(d) {
    cell <- collapse::qG(d$g * 8L + d$rating, sort = TRUE, return.groups = TRUE)
    at <- attr(cell, "groups") + 1L
    n <- 8L * (max(d$g) + 1L)
    w <- numeric(n)
    w2 <- numeric(n)
    w[at] <- sums(d$weight, cell)
    w2[at] <- sums(d$weight * d$weight, cell)
    c(w, w2)
  },
  w4 = function(d) {
    g <- collapse::qG(d$g, sort = TRUE)
    gaps <- lapply(0:4, function(k) d[[paste0("p", k)]] - d[[paste0("e", k)]])
    c(unlist(lapply(gaps, collapse::fmean, g, use.g.names = FALSE)),
      unlist(lapply(gaps, collapse::fvar, g, use.g.names = FALSE)))
  },
  w5 = function(d) {
    key <- (d$customer * 8 + d$category) * 2^27 + (d$opened - first)
    key <- sort(key, method = "radix")
    n <- length(key)
    group <- floor(key * 2^-27)
    1 - sum(group[-1] == group[-n] & key[-1] - key[-n] <= window) / n
  },
  w6 = function(d) {
    n <- max(d$customer) + 1L
    seen <- logical(n * 24L)
    seen[d$customer * 24L + months[(d$time - first) %/% day + 1] + 1L] <- TRUE
    dim(seen) <- c(24L, n)
    as.vector((2^(0:23)) %*% seen)
  },
  w7 = function(d) {
    n <- tabulate(d$g * 4096L + d$lost * 2048L + d$days + 1L)
    at <- which(n > 0L)
    cell <- at - 1L
    c(cell %/% 4096L, cell %% 2048L, cell %/% 2048L %% 2L, n[at])
  },
  w7_table = function(d) {
    n <- as.data.table(d)[, .N, by = .(g, days, lost)]
    c(n$g, n$days, n$lost, n$N)
  },
  w7_survfit = function(d) {
    fit <- survfit(Surv(d$days, d$lost) ~ d$g)
    c(fit$surv[fit$n.event > 0], (fit$surv * fit$std.err)[fit$n.event > 0])
  },
  w8 = function(d) {
    n <- tabulate(pmin(d$score, 11L) + 1L, 16L)
    counts <- c(sum(n[1:7]), sum(n[8:9]), sum(n[10:11]))
    total <- sum(counts)
    draws <- rmultinom(10000, total, counts)
    100 * quantile((draws[3, ] - draws[1, ]) / total, c(0.025, 0.975), names = FALSE)
  },
  w9 = function(d) {
    parts <- collapse::gsplit(d$value, collapse::qG(d$g, sort = TRUE))
    unlist(lapply(parts, collapse::fquantile, probs, names = FALSE))
  },
  w9_table = function(d) {
    as.data.table(d)[, quantile(value, probs, names = FALSE), keyby = g]$V1
  }
)
workloads$w4u <- workloads$w4

cat(sprintf("R %s data.table %s collapse %s survival %s\n", getRversion(),
            packageVersion("data.table"), packageVersion("collapse"), packageVersion("survival")))
input <- file("stdin", "r")
data <- list()
result <- NULL
while (length(line <- readLines(input, 1)) == 1) {
  words <- strsplit(line, " ")[[1]]
  seconds <- 0
  if (words[1] == "load") {
    data <- NULL
    result <- NULL
    gc()
    data <- sapply(words[-(1:2)], load_column, simplify = FALSE)
  } else if (words[1] == "run") {
    result <- NULL
    before <- Sys.time()
    result <- workloads[[words[2]]](data)
    seconds <- as.numeric(difftime(Sys.time(), before, units = "secs"))
  } else {
    writeBin(as.double(result), file.path(folder, "answer"))
  }
  cat("ok", format(seconds, digits = 9), "\n")
  flush(stdout())
}
