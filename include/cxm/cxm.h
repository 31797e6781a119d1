/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * libcxm: customer-experience metrics. Includes every public header. */
#ifndef CXM_CXM_H
#define CXM_CXM_H

#include <cxm/analysis.h>
#include <cxm/arrow.h>
#include <cxm/base.h>
#include <cxm/chart.h>
#include <cxm/calibrate.h>
#include <cxm/cohorts.h>
#include <cxm/column.h>
#include <cxm/compare.h>
#include <cxm/csat.h>
#include <cxm/csi.h>
#include <cxm/customers.h>
#include <cxm/fcr.h>
#include <cxm/hours.h>
#include <cxm/interval.h>
#include <cxm/lifetime.h>
#include <cxm/mean.h>
#include <cxm/metric.h>
#include <cxm/nps.h>
#include <cxm/options.h>
#include <cxm/paired.h>
#include <cxm/plan.h>
#include <cxm/quantiles.h>
#include <cxm/preset.h>
#include <cxm/repeat.h>
#include <cxm/report.h>
#include <cxm/result.h>
#include <cxm/retention.h>
#include <cxm/revenue.h>
#include <cxm/service.h>
#include <cxm/share.h>
#include <cxm/survival.h>
#include <cxm/tally.h>
#include <cxm/target.h>
#include <cxm/version.h>

#endif
