# SPDX-License-Identifier: GPL-3.0-or-later
#
# Figures of survival curves, competing risks and log-rank tests by R (survival, prodlim, etm,
# cmprsk) on public data, for bindings/python/tests/test_survival_real.py:
#
#   Rscript tests/reference/survival.R ../shared/data/survival_a > bindings/python/tests/survival_r.txt
#
# A line: data set, group, what, argument, numbers. Made with R 4.2.2, survival 3.5.3.
suppressMessages({ library(survival); library(etm); library(cmprsk); library(prodlim) })

folder <- commandArgs(TRUE)[1]
number <- function(x) ifelse(is.na(x), "nan", formatC(x, digits = 15, format = "g"))
line <- function(...) cat(paste(c(...), collapse = "\t"), "\n", sep = "")

lung <- read.csv(file.path(folder, "lung.csv"))
rossi <- read.csv(file.path(folder, "rossi.csv"))
waltons <- read.csv(file.path(folder, "waltons_dataset.csv"))
sets <- list(
  lung = data.frame(time = lung$time, event = lung$status - 1, by = lung$sex, stratum = lung$ph.ecog),
  rossi = data.frame(time = rossi$week, event = rossi$arrest, by = rossi$fin, stratum = rossi$race),
  waltons = data.frame(time = waltons$T, event = waltons$E, by = waltons$group, stratum = 1))
types <- c("log-log", "log", "plain", "logit", "arcsin")

curves <- function(name, group, d, entry = NULL) {
  s <- if (is.null(entry)) Surv(d$time, d$event) else Surv(entry, d$time, d$event)
  for (type in types) {
    f <- survfit(s ~ 1, conf.type = type)
    for (i in seq(1, length(f$time), length.out = 6)) {
      i <- floor(i)
      line(name, group, paste0("curve:", type), number(f$time[i]),
           number(c(f$n.risk[i], f$n.event[i], f$n.censor[i], f$surv[i], f$std.err[i] * f$surv[i],
                    f$lower[i], f$upper[i])))
    }
    q <- quantile(f, c(0.1, 0.25, 0.5, 0.75))
    for (i in 1:4)
      line(name, group, paste0("quantile:", type), c(0.1, 0.25, 0.5, 0.75)[i],
           number(c(q$quantile[i], q$lower[i], q$upper[i])))
  }
  f <- survfit(s ~ 1)
  for (tau in c(0.25, 0.5, 0.9) * max(d$time)) {
    m <- summary(f, rmean = tau)$table
    line(name, group, "rmst", number(tau), number(c(m["rmean"], m["se(rmean)"])))
  }
  for (kind in c("nelson-aalen", "ties-broken")) {
    h <- survfit(s ~ 1, ctype = if (kind == "nelson-aalen") 1 else 2)
    i <- floor(length(h$time) * 0.8)
    line(name, group, paste0("hazard:", kind), number(h$time[i]),
         number(c(h$cumhaz[i], h$std.chaz[i])))
  }
}

for (name in names(sets)) {
  d <- sets[[name]]
  curves(name, "", d)
  for (g in sort(unique(d$by)))
    curves(name, g, d[d$by == g, ])
  for (rho in c(0, 1, 0.5)) {
    t <- survdiff(Surv(time, event) ~ by, data = d, rho = rho)
    line(name, "", "logrank", rho, number(c(t$chisq, t$obs, t$exp)))
  }
  if (name != "waltons") {
    t <- survdiff(Surv(time, event) ~ by + strata(stratum), data = d)
    line(name, "", "logrank:strata", 0, number(c(t$chisq, rowSums(t$obs), rowSums(t$exp))))
    t <- survdiff(Surv(time, event) ~ stratum, data = d)
    line(name, "", "logrank:by stratum", 0, number(c(t$chisq, length(t$n) - 1)))
  }
}

# Delayed entry: a quarter of the time, in whole days, for every third; ages below 60.
entry <- ifelse(seq_along(lung$time) %% 3 == 0, floor(lung$time / 4), 0)
curves("lung", "entry", sets$lung, entry)

# Competing risks: deaths in lung by age, below 60, 60 to 69, 70 and above.
age <- lung$age
cause <- ifelse(lung$status == 1, 0, ifelse(age < 60, 1, ifelse(age < 70, 2, 3)))
pr <- prodlim(Hist(time, cause) ~ 1, data = data.frame(time = lung$time, cause = cause))
ci <- cuminc(lung$time, cause)
sf <- survfit(Surv(lung$time, factor(cause)) ~ 1)
tra <- matrix(FALSE, 4, 4)
tra[1, 2:4] <- TRUE
em <- etm(data.frame(id = seq_along(cause), from = 0,
                     to = ifelse(cause == 0, "cens", cause), time = lung$time),
          as.character(0:3), tra, "cens", s = 0)
for (t in c(5, 100, 300, 500, 700, 883)) {
  i <- max(which(pr$time <= t))
  j <- max(which(sf$time <= t))
  for (k in 1:3) {
    e <- summary(em)[[paste("0", k)]]
    m <- if (any(e$time <= t)) max(which(e$time <= t)) else NA
    line("lung", k, "incidence", t,
         number(c(pr$cuminc[[k]][i], pr$se.cuminc[[k]][i], sf$pstate[j, k + 1],
                  sf$std.err[j, k + 1], ifelse(is.na(m), 0, e$P[m]),
                  ifelse(is.na(m), 0, sqrt(e$var[m])), timepoints(ci, t)$est[k, 1])))
  }
}
