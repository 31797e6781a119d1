/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From a tally to estimates: one call of the measure's estimator for each group and measure. Scores
 * of bins and means in groups whose rows have no design, of which there may be millions,
 * are read some groups at a time; groups that need no memory are shared out among as many threads as
 * the caller allows. */
#include "metric/bins.h"
#include "metric/jackknife.h"
#include "metric/reading.h"
#include "tally/threads.h"

/* ---- one group ------------------------------------------------------------------------ */

/* A standard error that does not know of the sampling design is none. */
static void drop_error(struct cxm_estimate *out)
{
    out->std_error = out->lower = out->upper = out->lower_raw = out->upper_raw = NAN;
    out->df = NAN;
    out->flags &= ~(uint32_t)(CXM_FLAG_CLIPPED | CXM_FLAG_OFF_CENTRE);
}

static void head_of(const struct cxm_reading *r, const struct cxm_chosen *c, int64_t group,
                    bool missing, struct cxm_estimate *out)
{
    out->group = group;
    out->measure = c->measure;
    out->unit = (uint32_t)r->metric->rules.info->measures[c->family].unit;
    out->base = (uint32_t)r->metric->rules.info->base;
    out->flags = missing ? CXM_FLAG_MISSING_KEY : 0;
    out->reserved = 0;
}

/* `critical`: of the level, kept for many groups. */
static enum cxm_status estimate_group(struct cxm_asked *a, int64_t group,
                                      struct cxm_critical *critical, struct cxm_estimate *out,
                                      struct cxm_capture *capture, struct cxm_error *error)
{
    struct cxm_reading *r = &a->reading;
    struct cxm_view view;
    enum cxm_status status = cxm_priv_group_view(r, group, (enum cxm_lonely)a->options.lonely,
                                                 &view, error);
    view.capture = capture;
    if (capture != NULL && status == CXM_OK && view.domain != NULL) {
        capture->n_strata = view.domain->n_strata;
        capture->n_primary = view.domain->n_primary;
    }
    const bool missing = status == CXM_OK && cxm_priv_is_missing_group(r, group);
    for (size_t i = 0; i < a->n_measures && status == CXM_OK; i++) {
        const struct cxm_chosen *c = &a->measures[i];
        struct cxm_ask ask = c->ask;
        ask.critical = critical;
        memset(&out[i], 0, sizeof out[i]);
        head_of(r, c, group, missing, &out[i]);
        if (c->estimator->members == CXM_PER_VALUE)
            status = cxm_priv_view_find_value(r, &view, group, c->member, error);
        if (view.domain != NULL)
            *view.domain->linear = false;
        if (status == CXM_OK)
            cxm_priv_estimate(c->estimator, &view, c->member, &ask, &out[i]);
        if (status == CXM_OK && capture != NULL && capture->jackknife)
            status = cxm_priv_jackknife(&view, c->estimator, c->member, &out[i],
                                        &capture->jackknife_error, error);
        if (status == CXM_OK && view.domain != NULL && !*view.domain->linear)
            drop_error(&out[i]);
    }
    return status;
}

/* ---- groups --------------------------------------------------------------------------- */

/* Groups first ... end - 1 of those asked for, and what one thread needs for them and for others that
 * it takes when they are done. */
struct stretch {
    struct cxm_asked *asked;
    struct cxm_estimate *out;
    struct cxm_capture *captures;
    struct cxm_error *error;
    size_t first, end;
    size_t *next;         /* the first group that no thread took */
    struct cxm_critical critical;
    enum cxm_status status;
};

static int64_t group_at(const struct cxm_asked *a, size_t g)
{
    return a->options.groups != NULL ? a->options.groups[g] : (int64_t)g;
}

/* Are all measures scores of groups without a design? */
static bool are_scores(const struct cxm_asked *a)
{
    const struct cxm_tally *tally = a->reading.tally;
    bool scores = tally->schema.n_keys > 0 && tally->schema.n_design == 0
               && tally->state.groups.dict.n > 0;
    for (size_t i = 0; i < a->n_measures && scores; i++)
        scores = a->measures[i].estimator->score != NULL;
    return scores;
}

/* Groups that are no total, at most CXM_SCORE_ROWS, and their cells. */
struct some {
    size_t n;
    int64_t groups[CXM_SCORE_ROWS];
    const int64_t *cells[CXM_SCORE_ROWS];
};

static void gather(const struct stretch *s, size_t first, struct some *out)
{
    const struct cxm_tally *tally = s->asked->reading.tally;
    const struct cxm_table *table = &tally->state.groups;
    size_t n = 0;
    for (; n < CXM_SCORE_ROWS && first + n < s->end; n++) {
        const int64_t group = group_at(s->asked, first + n);
        if (group == CXM_TOTAL)
            break;
        out->groups[n] = group;
        out->cells[n] = cxm_priv_table_cell(table, tally->order[group]);
        __builtin_prefetch(out->cells[n]);
        __builtin_prefetch(out->cells[n] + table->layout.n_counts - 1);
    }
    out->n = n;
}

/* One measure of some groups. */
static void estimate_some(struct stretch *s, struct cxm_view *view, size_t measure,
                          const struct some *now, const struct some *next, struct cxm_estimate *out)
{
    const struct cxm_asked *a = s->asked;
    const struct cxm_chosen *c = &a->measures[measure];
    const size_t step = a->n_measures;
    struct cxm_ask ask = c->ask;
    double y[CXM_MAX_BINS];
    ask.critical = &s->critical;
    const struct cxm_score score = c->estimator->score(view->config, c->member, y);
    for (size_t i = 0; i < now->n; i++)
        head_of(&a->reading, c, now->groups[i], cxm_priv_is_missing_group(&a->reading, now->groups[i]),
                &out[i * step]);
    if (view->weighted || score.kind == CXM_SCORE_VARIABLE)
        cxm_priv_weighed_rows(view, &score, &ask, (struct cxm_cells_of_rows){ now->cells, now->n },
                              (struct cxm_cells_of_rows){ next->cells, next->n }, out, step);
    else
        cxm_priv_score_rows(view, &score, &ask, now->n, now->cells, out, step);
}

static void estimate_scores(struct stretch *s, struct cxm_view *view)
{
    const size_t step = s->asked->n_measures;
    struct some some[2];
    gather(s, s->first, &some[0]);
    for (size_t g = s->first, turn = 0; g < s->end && s->status == CXM_OK; turn = 1 - turn) {
        const struct some *now = &some[turn];
        struct cxm_estimate *out = s->out + g * step;
        if (now->n == 0)
            s->status = estimate_group(s->asked, CXM_TOTAL, &s->critical, out, NULL, s->error);
        g += now->n > 0 ? now->n : 1;
        gather(s, g, &some[1 - turn]);
        for (size_t m = 0; m < step && now->n > 0; m++)
            estimate_some(s, view, m, now, &some[1 - turn], out + m);
    }
}

/* Groups came in any order, so their cells lie anywhere: that of one that is due soon is fetched. */
CXM_PREFETCHER void fetch_ahead(const struct stretch *s, size_t g)
{
    enum { AHEAD = 8, LINE = 8, MOST = 512 };
    const struct cxm_tally *tally = s->asked->reading.tally;
    const struct cxm_table *table = &tally->state.groups;
    if (g + AHEAD >= s->end || tally->schema.n_keys == 0 || tally->schema.n_design > 0
        || table->dict.n == 0)
        return;
    const int64_t group = group_at(s->asked, g + AHEAD);
    if (group == CXM_TOTAL)
        return;
    const int64_t *cell = cxm_priv_table_cell(table, tally->order[group]);
    const size_t n = table->layout.stride < MOST ? table->layout.stride : MOST;
    for (size_t k = 0; k < n; k += LINE)
        __builtin_prefetch(cell + k);
}

static void estimate_each(struct stretch *s)
{
    struct cxm_asked *a = s->asked;
    for (size_t g = s->first; s->status == CXM_OK && g < s->end; g++) {
        fetch_ahead(s, g);
        s->status = estimate_group(a, group_at(a, g), &s->critical, s->out + g * a->n_measures,
                                   s->captures != NULL ? &s->captures[g] : NULL, s->error);
    }
}

/* The next groups that no thread has taken yet; false: there are none. */
static bool take_groups(struct stretch *s)
{
    enum { AT_A_TIME = 32 * CXM_SCORE_ROWS };
    const size_t n = s->asked->n_groups;
    s->first = __atomic_fetch_add(s->next, AT_A_TIME, __ATOMIC_RELAXED);
    s->end = n < AT_A_TIME || n - AT_A_TIME < s->first ? n : s->first + AT_A_TIME;
    return s->first < n;
}

static void estimate_stretch(void *context, int i)
{
    struct stretch *s = (struct stretch *)context + i;
    struct cxm_asked *a = s->asked;
    const bool scores = s->captures == NULL && are_scores(a);
    struct cxm_view view;
    if (scores)
        s->status = cxm_priv_group_view(&a->reading, 0, CXM_LONELY_ERROR, &view, s->error);
    while (s->status == CXM_OK && take_groups(s)) {
        if (scores)
            estimate_scores(s, &view);
        else
            estimate_each(s);
    }
}

/* Could one of the estimates run out of memory when those before it are written? Of plain groups
 * none asks for any. */
static bool may_fail(const struct cxm_asked *a)
{
    const struct cxm_tally *tally = a->reading.tally;
    bool any = tally->schema.n_design > 0;
    for (size_t i = 0; i < a->n_measures && !any; i++)
        any = a->measures[i].estimator->members == CXM_PER_VALUE;
    for (size_t g = 0; a->options.groups != NULL && g < a->n_groups && !any; g++)
        any = a->options.groups[g] == CXM_TOTAL && tally->schema.n_keys > 0;
    return any;
}

/* Places for the critical values of one thread: few groups, and scores that need none, do without. */
static size_t count_kept(const struct cxm_asked *a)
{
    enum { FEW = 16, MANY = 4096 };
    bool none = are_scores(a) && a->options.interval == CXM_INTERVAL_DEFAULT;
    for (size_t i = 0; i < a->n_measures && none; i++)
        none = a->measures[i].estimator->intervals != CXM_CLASS_MEAN;
    return none || a->n_groups < FEW ? 0 : a->n_groups < MANY ? 256 : 4096;
}

static int count_threads(const struct cxm_asked *a, const struct cxm_capture *captures)
{
    enum { LEAST = 4096 }; /* groups worth a thread */
    const size_t most = a->n_groups / LEAST;
    if (a->options.threads <= 1 || most <= 1 || captures != NULL || may_fail(a))
        return 1;
    const size_t n = most < CXM_MOST_THREADS ? most : CXM_MOST_THREADS;
    return (size_t)a->options.threads < n ? a->options.threads : (int)n;
}

enum cxm_status cxm_priv_asked_estimate(struct cxm_asked *a, struct cxm_estimate *out,
                                        struct cxm_capture *captures, struct cxm_error *error)
{
    const struct cxm_allocator *allocator = &a->reading.tally->allocator;
    const int threads = count_threads(a, captures);
    const size_t n_kept = count_kept(a);
    struct stretch one, *stretches = &one;
    struct cxm_kept_t *kept = NULL;
    if (threads > 1)
        stretches = cxm_priv_alloc(allocator, (size_t)threads, sizeof *stretches);
    if (n_kept > 0)
        kept = cxm_priv_alloc_zero(allocator, n_kept * (size_t)threads, sizeof *kept);
    enum cxm_status status = CXM_OK;
    if (stretches == NULL || (n_kept > 0 && kept == NULL))
        status = cxm_priv_no_memory(error);
    const double z = cxm_priv_z(a->options.level);
    size_t next = 0;
    for (int t = 0; t < threads && status == CXM_OK; t++)
        stretches[t] = (struct stretch){
            .asked = a, .out = out, .captures = captures, .error = error, .next = &next,
            .critical = { a->options.level, z, kept != NULL ? kept + n_kept * (size_t)t : NULL,
                          n_kept },
        };
    if (status == CXM_OK && threads == 1)
        estimate_stretch(stretches, 0);
    else if (status == CXM_OK)
        cxm_priv_side_by_side(threads, estimate_stretch, stretches);
    for (int t = 0; t < threads && status == CXM_OK; t++)
        status = stretches[t].status;
    cxm_priv_release(allocator, kept);
    if (stretches != &one)
        cxm_priv_release(allocator, stretches);
    return status;
}

/* ---- calls ---------------------------------------------------------------------------- */

enum cxm_status cxm_tally_estimate(struct cxm_tally *tally,
                                   const struct cxm_estimate_options *options,
                                   struct cxm_estimate *out, size_t element_bytes,
                                   size_t capacity, size_t *n_out, struct cxm_error *error)
{
    if (tally == NULL || (out == NULL && capacity > 0) || (n_out == NULL && capacity == 0))
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "tally, out or n_out is NULL");
    if (capacity > 0 && element_bytes != sizeof *out)
        return cxm_priv_fail(error, CXM_EINVAL, "element_bytes",
                             "element_bytes must be sizeof(struct cxm_estimate)");
    struct cxm_asked a;
    enum cxm_status status = cxm_priv_asked_init(&a, tally, options, capacity, error);
    if (status != CXM_OK)
        return status;
    const size_t n = a.n_groups * a.n_measures;
    if (capacity > 0 && n > 0 && may_fail(&a)) {
        struct cxm_estimate *copy = cxm_priv_alloc(&tally->allocator, n, sizeof *copy);
        status = copy != NULL ? cxm_priv_asked_estimate(&a, copy, NULL, error) : cxm_priv_no_memory(error);
        if (status == CXM_OK)
            memcpy(out, copy, n * sizeof *copy);
        cxm_priv_release(&tally->allocator, copy);
    } else if (capacity > 0) {
        status = cxm_priv_asked_estimate(&a, out, NULL, error);
    }
    if (status == CXM_OK && n_out != NULL)
        *n_out = n;
    cxm_priv_asked_release(&a);
    return status;
}

enum cxm_status cxm_priv_estimate_captured(struct cxm_tally *tally, uint32_t measure,
                                           const int64_t *groups, size_t n, int32_t lonely,
                                           struct cxm_estimate *out,
                                           struct cxm_capture *captures,
                                           struct cxm_error *error)
{
    const struct cxm_estimate_options options = {
        .size = sizeof options, .measures = &measure, .n_measures = 1, .groups = groups,
        .n_groups = n, .lonely = lonely,
    };
    struct cxm_asked a;
    enum cxm_status status = cxm_priv_asked_init(&a, tally, &options, n, error);
    if (status != CXM_OK)
        return status;
    status = cxm_priv_asked_estimate(&a, out, captures, error);
    for (size_t i = 0; status == CXM_OK && i < n; i++) {
        if (captures[i].no_memory)
            status = cxm_priv_no_memory(error);
    }
    cxm_priv_asked_release(&a);
    return status;
}

enum cxm_status cxm_tally_base(struct cxm_tally *tally, int64_t group, uint32_t measure,
                               struct cxm_base *out, struct cxm_error *error)
{
    struct cxm_reading r;
    struct cxm_view view;
    uint32_t member = 0;
    if (tally == NULL || out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "tally or out is NULL");
    enum cxm_status status = cxm_priv_tally_sort(tally, error);
    if (status == CXM_OK)
        status = cxm_priv_check_group(tally, "group", group, error);
    if (status != CXM_OK)
        return status;
    status = cxm_priv_reading_init(&r, tally, error);
    const int f = status == CXM_OK ? cxm_priv_find_measure(&r, measure, &member) : 0;
    if (status == CXM_OK && f < 0)
        status = cxm_priv_fail(error, CXM_EINVAL, "measure", "there is no measure %u", measure);
    if (status == CXM_OK)
        status = cxm_priv_group_view(&r, group, CXM_LONELY_CERTAINTY, &view, error);
    if (status == CXM_OK) {
        const struct cxm_estimator *e = &r.metric->estimators[f];
        const bool spread = e->members == CXM_PER_ITEM || e->members == CXM_PER_UNIT
                         || e->members == CXM_PER_NAME;
        const uint32_t usual = e->first_unit + (spread ? member : 0);
        cxm_priv_view_base(&view, r.metric->unit_of != NULL
                                    ? r.metric->unit_of(view.config, f, usual)
                                    : usual, out);
    }
    cxm_priv_reading_release(&r);
    return status;
}

/* ---- events --------------------------------------------------------------------------- */

enum cxm_status cxm_priv_tally_events(struct cxm_tally *tally, uint32_t measure,
                                      struct cxm_events *out, struct cxm_error *error)
{
    struct cxm_reading r;
    struct cxm_view view;
    uint32_t member = 0;
    enum cxm_status status = cxm_priv_tally_sort(tally, error);
    if (status != CXM_OK)
        return status;
    status = cxm_priv_reading_init(&r, tally, error);
    const int f = status == CXM_OK ? cxm_priv_find_measure(&r, measure, &member) : 0;
    const int64_t n = cxm_tally_groups(tally);
    for (int64_t g = 0; status == CXM_OK && g < n; g++) {
        status = cxm_priv_group_view(&r, g, CXM_LONELY_CERTAINTY, &view, error);
        if (status != CXM_OK)
            break;
        if (f < 0 || r.metric->events == NULL || !r.metric->events(&view, f, &out[g]))
            status = cxm_priv_fail(error, CXM_EUNSUPPORTED, "measure",
                                   "%s of %s is no rate of events; use \"p\" for shares, \"xmr\"",
                                   f < 0 ? "it" : r.metric->rules.info->measures[f].name,
                                   r.metric->rules.info->name);
        else if (view.weighted)
            status = cxm_priv_fail(error, CXM_EUNSUPPORTED, "measure",
                                   "weighted rows are no counts of events; use \"xmr\"");
    }
    cxm_priv_reading_release(&r);
    return status;
}
