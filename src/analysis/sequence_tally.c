/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The groups of a tally as points in time order. They are in the order of their keys, and only have
 * to be gathered by the keys that are not time; their estimates are turned into counts or rates where
 * a chart of those is drawn. */
#include "analysis/sequence.h"

#include "metric/metric.h"

#include <math.h>
#include <stdlib.h>

/* The last date or instant among the keys, else the last key. */
static enum cxm_status find_time(struct cxm_sequence *s, struct cxm_error *error)
{
    const size_t n_keys = cxm_tally_n_keys(s->tally);
    struct cxm_key_info info;
    if (n_keys == 0)
        return cxm_priv_fail(error, CXM_EINVAL, "tally",
                             "the tally has no groups: one key must be the time");
    s->time_key = n_keys - 1;
    for (size_t k = 0; k < n_keys; k++) {
        if (cxm_tally_key_info(s->tally, k, &info) == CXM_OK
            && (info.type == CXM_KEY_DATE || info.type == CXM_KEY_TIME))
            s->time_key = k;
    }
    return cxm_tally_key_info(s->tally, s->time_key, &s->period_info);
}

/* Number of the series of every group, in the order in which series first occur. */
static enum cxm_status number_series(struct cxm_sequence *s, uint32_t *series,
                                     struct cxm_error *error)
{
    struct cxm_dict dict;
    enum cxm_status status = CXM_OK;
    cxm_priv_dict_init(&dict, cxm_priv_allocator(NULL));
    for (size_t i = 0; i < s->n && status == CXM_OK; i++) {
        char bytes[2048];
        size_t used = 0;
        for (size_t k = 0; k < cxm_tally_n_keys(s->tally) && status == CXM_OK; k++) {
            struct cxm_key key;
            if (k == s->time_key)
                continue;
            status = cxm_tally_key(s->tally, (int64_t)i, k, &key);
            if (status == CXM_OK && used + 24 + (key.missing ? 0 : key.text_bytes) > sizeof bytes)
                status = cxm_priv_fail(error, CXM_EUNSUPPORTED, "tally", "keys above 2000 bytes");
            if (status != CXM_OK)
                continue;
            const size_t text = key.missing || key.text == NULL ? 0 : key.text_bytes;
            uint64_t word = (uint64_t)key.integer;
            if (key.type == CXM_KEY_REAL)
                memcpy(&word, &key.real, sizeof word);
            cxm_priv_put_u64((uint8_t *)bytes + used, key.missing ? UINT64_MAX : text);
            cxm_priv_put_u64((uint8_t *)bytes + used + 8, key.missing || text > 0 ? 0 : word);
            if (text > 0)
                memcpy(bytes + used + 16, key.text, text);
            used += 16 + text;
        }
        series[i] = status == CXM_OK ? cxm_priv_dict_add(&dict, (uint8_t *)bytes, used) : 0;
        if (series[i] == UINT32_MAX)
            status = CXM_ENOMEM;
    }
    cxm_priv_dict_release(&dict);
    return status == CXM_ENOMEM ? cxm_priv_no_memory(error) : status;
}

struct member {
    uint32_t series;
    int64_t group;
};

static int by_series(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    if (x->series != y->series)
        return x->series < y->series ? -1 : 1;
    return (x->group > y->group) - (x->group < y->group);
}

static enum cxm_status gather(struct cxm_sequence *s, const struct member *members,
                              struct cxm_error *error)
{
    struct cxm_key key, previous = { .missing = 1 };
    for (size_t i = 0; i < s->n; i++) {
        struct cxm_place *place = &s->places[i];
        const struct cxm_estimate *e = &s->estimates[members[i].group];
        *place = (struct cxm_place){ .value = e->value, .size = 1.0, .row = members[i].group,
                                     .first = i == 0
                                              || members[i].series != members[i - 1].series };
        if (!cxm_priv_sequence_period(s, i, &key))
            return cxm_priv_no_memory(error);
        place->no_period = key.missing != 0;
        place->period_gap = !place->first && !key.missing && !previous.missing
                         && cxm_priv_periods_leap(s->period_info.calendar, previous.integer, key.integer);
        previous = key;
    }
    return CXM_OK;
}

static enum cxm_status read_names(struct cxm_sequence *s, struct cxm_error *error)
{
    struct cxm_tally_info info;
    size_t n = 0;
    cxm_tally_describe(s->tally, &info);
    cxm_priv_copy_text(s->names[0], sizeof s->names[0], info.metric, strlen(info.metric));
    enum cxm_status status = cxm_tally_measures(s->tally, NULL, sizeof(struct cxm_measure), 0, &n,
                                                error);
    struct cxm_measure *measures = NULL;
    if (status == CXM_OK && s->measure_index >= n)
        status = cxm_priv_fail(error, CXM_EINVAL, "measure", "there is no such measure");
    if (status == CXM_OK) {
        measures = cxm_priv_alloc(NULL, n, sizeof *measures);
        status = measures == NULL ? cxm_priv_no_memory(error)
                                  : cxm_tally_measures(s->tally, measures, sizeof *measures, n,
                                                       &n, error);
    }
    if (status == CXM_OK) {
        const char *name = measures[s->measure_index].name;
        const enum cxm_interval_class class =
            cxm_priv_metric_of(&s->tally->config)->estimators[measures[s->measure_index].family].intervals;
        s->of_rows = class == CXM_CLASS_SHARE || class == CXM_CLASS_CLUSTERED;
        cxm_priv_copy_text(s->names[1], sizeof s->names[1], name, strlen(name));
    }
    cxm_priv_release(NULL, measures);
    s->metric = s->names[0];
    s->measure = s->names[1];
    return status;
}

static enum cxm_status read_estimates(struct cxm_sequence *s, struct cxm_error *error)
{
    const struct cxm_estimate_options options = { .size = sizeof options,
                                                  .measures = &s->measure_index,
                                                  .n_measures = 1 };
    s->n = (size_t)cxm_tally_groups(s->tally);
    s->estimates = cxm_priv_alloc(NULL, s->n, sizeof *s->estimates);
    s->places = cxm_priv_alloc(NULL, s->n, sizeof *s->places);
    if (s->estimates == NULL || s->places == NULL)
        return cxm_priv_no_memory(error);
    if (s->n == 0)
        return CXM_OK;
    return cxm_tally_estimate(s->tally, &options, s->estimates, sizeof *s->estimates, s->n, NULL,
                              error);
}

/* Shares become counts again: k = value n is whole, and its rounding is undone. Shares of money, and of
 * an average of customers, are of something else than rows. */
static enum cxm_status to_counts(struct cxm_sequence *s, struct cxm_error *error)
{
    struct cxm_tally_info info;
    cxm_tally_describe(s->tally, &info);
    for (size_t i = 0; i < s->n; i++) {
        const struct cxm_estimate *e = &s->estimates[s->places[i].row];
        struct cxm_place *place = &s->places[i];
        const double n = (double)e->n, k = e->n > 0 ? nearbyint(e->value * n) : 0.0;
        if (!s->of_rows || info.weighted || fabs(e->value * n - k) > 1e-9 * n)
            return cxm_priv_fail(error, CXM_EUNSUPPORTED, "measure",
                                 "%s of %s is no share of counted rows; use \"xmr\"", s->measure,
                                 s->metric);
        place->size = n;
        place->value = k;
    }
    return CXM_OK;
}

static enum cxm_status no_count(const struct cxm_sequence *s, size_t at, struct cxm_error *error)
{
    char where[128] = "";
    cxm_priv_sequence_where(s, at, where, sizeof where);
    if (s->places[at].size == 0.0)
        return cxm_priv_fail(error, CXM_EDATA, "measure",
                             "%s of %s has events without anybody who could have them at %s",
                             s->measure, s->metric, where);
    return cxm_priv_fail(error, CXM_EUNSUPPORTED, "measure",
                         "%s of %s is no whole number of events at %s; use \"xmr\"", s->measure,
                         s->metric, where);
}

/* A measure in the unit of counts is its own number of events; others know theirs. */
static enum cxm_status to_events(struct cxm_sequence *s, bool rates, struct cxm_error *error)
{
    const bool counts = !rates && s->n > 0 && s->estimates[0].unit == CXM_UNIT_COUNT;
    struct cxm_events *events = cxm_priv_alloc(NULL, s->n, sizeof *events);
    if (events == NULL)
        return cxm_priv_no_memory(error);
    enum cxm_status status = counts ? CXM_OK
                                    : cxm_priv_tally_events(s->tally, s->measure_index, events,
                                                            error);
    for (size_t i = 0; i < s->n && status == CXM_OK; i++) {
        struct cxm_place *place = &s->places[i];
        const struct cxm_events *e = &events[place->row];
        const bool nobody = s->estimates[place->row].n == 0;
        if (!counts)
            place->value = rates || !nobody ? e->events : NAN;
        place->size = rates ? e->exposure : 1.0;
        const bool whole = isnan(place->value)
                        || (place->value >= 0.0 && place->value <= CXM_MOST_COUNT
                            && place->value == floor(place->value));
        if (!whole || !(place->size >= 0.0) || (place->size == 0.0 && place->value > 0.0))
            status = no_count(s, i, error);
    }
    cxm_priv_release(NULL, events);
    return status;
}

enum cxm_status cxm_priv_sequence_tally(struct cxm_tally *tally, uint32_t measure,
                                        enum cxm_points points, struct cxm_sequence *s,
                                        struct cxm_error *error)
{
    memset(s, 0, sizeof *s);
    s->metric = s->measure = s->of = "";
    s->tally = tally;
    s->measure_index = measure;
    if (tally == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "tally", "there is no tally");
    enum cxm_status status = find_time(s, error);
    if (status == CXM_OK)
        status = read_names(s, error);
    if (status == CXM_OK)
        status = read_estimates(s, error);
    uint32_t *series = cxm_priv_alloc(NULL, s->n, sizeof *series);
    struct member *members = cxm_priv_alloc(NULL, s->n, sizeof *members);
    if (status == CXM_OK && (series == NULL || members == NULL))
        status = cxm_priv_no_memory(error);
    if (status == CXM_OK)
        status = number_series(s, series, error);
    if (status == CXM_OK) {
        for (size_t i = 0; i < s->n; i++)
            members[i] = (struct member){ series[i], (int64_t)i };
        qsort(members, s->n, sizeof *members, by_series);
        status = gather(s, members, error);
    }
    if (status == CXM_OK && points == CXM_POINTS_SHARES)
        status = to_counts(s, error);
    else if (status == CXM_OK && points != CXM_POINTS_VALUES)
        status = to_events(s, points == CXM_POINTS_RATES, error);
    cxm_priv_release(NULL, series);
    cxm_priv_release(NULL, members);
    if (status != CXM_OK)
        cxm_priv_sequence_release(s);
    return status;
}
