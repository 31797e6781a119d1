/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Shares of the groups in the rows: contacts by channel, complaints by cause, within each period or
 * team. The largest come first with their running sum (Pareto): the vital few causes of most of
 * the trouble (Juran 1951). Typical: 3 to 50 codes; 10^5 groups are sorted like any. */
#include "analysis/numbers.h"
#include "analysis/report.h"
#include "estimate/check.h"
#include "estimate/share.h"
#include "metric/metric.h"

#include <cxm/service.h>

#include <math.h>
#include <stdlib.h>

struct place {
    int64_t group, count, rank;
};

static int by_group(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    return (x->group > y->group) - (x->group < y->group);
}

static int by_count(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return by_group(a, b);
}

struct breakdown {
    struct cxm_breakdown_options o;
    struct cxm_tally *tally;
    struct cxm_report *report;
    struct place *places;
    int count, rank, cumulative;
    char definition[320];
};

/* Asked of any share, so that it is refused also where there are no rows. */
static enum cxm_status check_interval(const struct breakdown *b, struct cxm_error *error)
{
    const enum cxm_interval interval = (enum cxm_interval)b->o.interval;
    struct cxm_limits limits;
    if (interval != CXM_INTERVAL_NONE
        && cxm_priv_share_limits(1, 2, b->o.level, interval, &limits) != CXM_OK)
        return cxm_priv_fail(error, CXM_EINVAL, "interval", "interval \"%s\" is none of shares",
                             cxm_interval_name(interval));
    return CXM_OK;
}

static enum cxm_status check(struct breakdown *b, struct cxm_report **out,
                             const struct cxm_breakdown_options *options,
                             struct cxm_error *error)
{
    struct cxm_tally_info info;
    if (b->tally == NULL || out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "tally or out is NULL");
    enum cxm_status status = cxm_priv_read_options(options, &b->o, sizeof b->o,
                                                   "cxm_breakdown_options", error);
    if (status != CXM_OK)
        return status;
    if (b->o.level == 0)
        b->o.level = 0.95;
    if (b->o.interval == CXM_INTERVAL_DEFAULT)
        b->o.interval = CXM_INTERVAL_WILSON;
    cxm_tally_describe(b->tally, &info);
    if (info.weighted)
        return cxm_priv_fail(error, CXM_EUNSUPPORTED, "weight",
                             "a breakdown counts rows; these have weights");
    if (b->o.order < 0 || b->o.order > 1)
        return cxm_priv_fail(error, CXM_EINVAL, "order", "order is none of enum cxm_breakdown_order");
    const size_t keys = cxm_tally_n_keys(b->tally);
    if (b->tally->state.rows > 0 && b->o.n_within >= keys)
        return cxm_priv_fail(error, CXM_EINVAL, "by",
                             "a breakdown needs a key whose shares add up, besides those within");
    status = cxm_priv_check_level(b->o.level, error);
    return status == CXM_OK ? check_interval(b, error) : status;
}

/* The bytes of the leading keys of a group. */
static const uint8_t *leading(const struct breakdown *b, int64_t group, size_t *n)
{
    const struct cxm_tally *tally = b->tally;
    size_t all, at = 0;
    struct cxm_key unused;
    const uint8_t *key = cxm_priv_dict_key(&tally->state.groups.dict, tally->order[group], &all);
    for (size_t k = 0; k < b->o.n_within; k++)
        at += cxm_priv_parse_key(tally->schema.keys[k].type, key + at, all - at, &unused, NULL);
    *n = at;
    return key;
}

static bool within(const struct breakdown *b, int64_t first, int64_t group)
{
    size_t n, m;
    const uint8_t *x = leading(b, first, &n), *y = leading(b, group, &m);
    return n == m && (n == 0 || memcmp(x, y, n) == 0);
}

static void rank_places(struct breakdown *b, size_t n)
{
    qsort(b->places, n, sizeof *b->places, by_count);
    for (size_t i = 0; i < n; i++)
        b->places[i].rank = i > 0 && b->places[i].count == b->places[i - 1].count
                              ? b->places[i - 1].rank
                              : (int64_t)i + 1;
    if (b->o.order == CXM_BREAKDOWN_BY_KEY)
        qsort(b->places, n, sizeof *b->places, by_group);
}

static void set_share(const struct breakdown *b, double count, double all, struct cxm_estimate *e)
{
    struct cxm_limits limits = { NAN, NAN, 0 };
    e->value = count / all;
    e->std_error = sqrt(cxm_priv_share_variance(count, all));
    if (e->interval == CXM_INTERVAL_NONE)
        return;
    (void)cxm_priv_share_limits(count, all, b->o.level, (enum cxm_interval)e->interval, &limits);
    cxm_priv_set_limits(e, limits, 0, 1);
}

/* The rows of all codes together are what the shares are of. */
static void add_block(struct breakdown *b, size_t n)
{
    int64_t all = 0, sum = 0;
    for (size_t i = 0; i < n; i++)
        all += b->places[i].count; /* not above the rows of the tally */
    rank_places(b, n);
    for (size_t i = 0; i < n; i++) {
        const struct place *p = &b->places[i];
        struct cxm_estimate e = cxm_priv_blank_estimate(b->o.level, CXM_UNIT_SHARE,
                                                        CXM_BASE_RESPONSES);
        e.n = all;
        e.sum_weight = e.n_eff = (double)all;
        e.interval = b->o.interval;
        e.flags = (all == 0 ? (uint32_t)CXM_FLAG_NO_DATA : 0)
                | (all < 30 ? (uint32_t)CXM_FLAG_SMALL_N : 0);
        if (all > 0)
            set_share(b, (double)p->count, (double)all, &e);
        sum += p->count;
        const size_t row = cxm_priv_report_add(b->report, b->tally->config.rules->info->name,
                                               "share", b->definition, &e);
        cxm_priv_report_key_from(b->report, row, b->tally, p->group);
        cxm_priv_report_int(b->report, row, b->count, p->count);
        cxm_priv_report_int(b->report, row, b->rank, p->rank);
        if (all > 0)
            cxm_priv_report_real(b->report, row, b->cumulative, (double)sum / (double)all);
    }
}

/* Rows given, by group: used, missing, invalid and excluded ones. */
static enum cxm_status add_blocks(struct breakdown *b, size_t groups, struct cxm_error *error)
{
    const uint32_t headline = 0;
    const struct cxm_estimate_options ask = { .size = sizeof ask, .measures = &headline,
                                              .n_measures = 1 };
    struct cxm_estimate *e = cxm_priv_alloc(NULL, groups, sizeof *e);
    enum cxm_status status = e == NULL ? cxm_priv_no_memory(error) : CXM_OK;
    if (status == CXM_OK && groups > 0)
        status = cxm_tally_estimate(b->tally, &ask, e, sizeof *e, groups, NULL, error);
    for (size_t first = 0, n = 0; first < groups && status == CXM_OK; first += n) {
        for (n = 0; first + n < groups
                    && (n == 0 || within(b, (int64_t)first, (int64_t)(first + n))); n++) {
            const struct cxm_estimate *of = &e[first + n];
            b->places[n] = (struct place){ .group = (int64_t)(first + n),
                                           .count = of->n + of->missing + of->invalid
                                                  + of->excluded };
        }
        add_block(b, n);
    }
    cxm_priv_release(NULL, e);
    return status;
}

enum cxm_status cxm_breakdown(struct cxm_tally *tally,
                              const struct cxm_breakdown_options *options,
                              struct cxm_report **out, struct cxm_error *error)
{
    struct breakdown b = { .tally = tally };
    char of[224];
    size_t used = 0;
    enum cxm_status status = check(&b, out, options, error);
    if (status != CXM_OK)
        return status;
    status = cxm_priv_tally_sort(tally, error);
    if (status != CXM_OK)
        return status;
    const int64_t groups = cxm_tally_groups(tally);
    b.places = cxm_priv_alloc(NULL, (size_t)groups, sizeof *b.places);
    if (b.places == NULL)
        return cxm_priv_no_memory(error);
    cxm_tally_definition(tally, of, sizeof of);
    cxm_priv_append(b.definition, sizeof b.definition, &used, "breakdown/of-rows");
    if (b.o.n_within > 0)
        cxm_priv_append(b.definition, sizeof b.definition, &used, "/within=%zu", b.o.n_within);
    cxm_priv_append(b.definition, sizeof b.definition, &used, "/of=%s", of);
    b.report = cxm_priv_report_new(NULL);
    cxm_priv_report_keys_of(b.report, tally);
    b.count = cxm_priv_report_axis(b.report, "count", CXM_AXIS_INT);
    b.rank = cxm_priv_report_axis(b.report, "rank", CXM_AXIS_INT);
    b.cumulative = cxm_priv_report_axis(b.report, "cumulative", CXM_AXIS_REAL);
    status = add_blocks(&b, (size_t)groups, error);
    cxm_priv_release(NULL, b.places);
    if (status == CXM_OK)
        return cxm_priv_report_finish(b.report, out, error);
    cxm_report_free(b.report);
    return status;
}
