/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Random calls of repeat contacts: every column in random storage and once more plain, with none to
 * five threads, must give the same bits; and the states, rates, standard errors, counts and curves
 * of the obvious program, which compares every contact with all others of its key. */
#include "random_events.h"

enum { MOST_GROUPS = 20, MOST_MEASURES = 14, MOST_ROWS = MOST_GROUPS * MOST_MEASURES };
enum { CUSTOMER, OPENED, RESOLVED, CATEGORY, N_COLUMNS };

/* ---- the obvious program -------------------------------------------------------------------- */

struct question {
    struct series s[N_COLUMNS], by[2];
    int n_by;
    bool category, resolved, has_period;
    int64_t window, as_of, start, end;
    struct cxm_fcr_window_options o;
};

/* A contact, what it is itself and what the issue that begins with it is; NONE: it begins none. */
enum { NONE = -1, OPEN_DUE = 20, HISTORY = 21 };
struct contact {
    int64_t group, customer, category, opened, resolved;
    int64_t row;
    int state, counts_as, issue;
    double time; /* to the next contact, or as long as it was watched; NaN: none */
    bool event;
};

static int by_key(const void *a, const void *b)
{
    const struct contact *x = a, *y = b;
    if (x->customer != y->customer)
        return x->customer < y->customer ? -1 : 1;
    if (x->category != y->category)
        return x->category < y->category ? -1 : 1;
    if (x->opened != y->opened)
        return x->opened < y->opened ? -1 : 1;
    return (x->group > y->group) - (x->group < y->group);
}

static int by_cluster(const void *a, const void *b)
{
    const struct contact *x = a, *y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    return (x->customer > y->customer) - (x->customer < y->customer);
}

static bool is_history(const struct question *q, int64_t opened)
{
    return q->has_period && (opened < q->start || opened >= q->end);
}

/* What contact i of the n of its key is. */
static void judge(const struct question *q, struct contact *c, size_t i, size_t n)
{
    struct contact *const me = &c[i];
    const bool known = me->resolved != INT64_MIN && me->resolved <= q->as_of;
    const int64_t anchor = q->o.anchor == CXM_FCR_FROM_OPENING ? me->opened : me->resolved;
    me->time = (double)NAN;
    if (known && me->resolved < me->opened) {
        me->state = CXM_CONTACT_BAD;
        return;
    }
    if (q->o.anchor == CXM_FCR_FROM_RESOLUTION && !known) {
        me->state = me->opened + q->window <= q->as_of ? OPEN_DUE : CXM_CONTACT_OPEN;
        return;
    }
    int64_t next = INT64_MAX;
    for (size_t j = 0; j < n; j++) {
        const int64_t other = c[j].opened;
        if (other > me->opened && other < next && !(q->o.after_only && other < anchor))
            next = other;
    }
    const int64_t until = anchor + q->window;
    const bool over = until <= q->as_of, repeat = q->o.right_open ? next < until : next <= until;
    me->state = over ? (repeat ? CXM_CONTACT_REPEAT : CXM_CONTACT_FCR)
                     : (repeat ? CXM_CONTACT_EARLY_REPEAT : CXM_CONTACT_PENDING);
    me->event = next < INT64_MAX;
    me->time = me->event ? fmax(0, (double)(next - anchor)) : (double)(q->as_of - anchor);
}

/* Contacts of one key become issues: while they are opened no later than the latest end so far. */
static void chain(const struct question *q, struct contact *c, size_t n)
{
    for (size_t first = 0, last; first < n; first = last) {
        last = first + 1;
        if (c[first].state == CXM_CONTACT_BAD) {
            c[first].issue = CXM_CONTACT_BAD;
            continue;
        }
        bool open = false, young = false, repeat = false;
        int64_t end = INT64_MIN, before = c[first].opened;
        for (size_t i = first; i < n; i++) {
            const bool joins = c[i].opened == before || open
                            || (q->o.right_open ? c[i].opened < end : c[i].opened <= end);
            if (!joins)
                break;
            last = i + 1;
            if (c[i].state == CXM_CONTACT_BAD) {
                c[i].issue = CXM_CONTACT_BAD;
                continue;
            }
            const int64_t from = q->o.anchor == CXM_FCR_FROM_OPENING ? c[i].opened : c[i].resolved;
            open = open || c[i].state == CXM_CONTACT_OPEN || c[i].state == OPEN_DUE;
            young = young || c[i].state == CXM_CONTACT_PENDING || c[i].state == CXM_CONTACT_EARLY_REPEAT;
            repeat = repeat || c[i].state == CXM_CONTACT_REPEAT || c[i].state == CXM_CONTACT_EARLY_REPEAT;
            end = !open && from + q->window > end ? from + q->window : end;
            before = c[i].opened;
        }
        c[first].issue = open    ? (c[first].opened + q->window <= q->as_of ? OPEN_DUE : CXM_CONTACT_OPEN)
                       : young   ? (repeat ? CXM_CONTACT_EARLY_REPEAT : CXM_CONTACT_PENDING)
                       : repeat  ? CXM_CONTACT_REPEAT
                                 : CXM_CONTACT_FCR;
    }
}

/* All rows, sorted by key; those of nobody, without a time or not seen stand for themselves. */
static struct contact *contacts_of(const struct maker *m, const struct question *q)
{
    struct contact *all = arena_take(m->arena, (size_t)m->n, sizeof *all);
    size_t n = 0, others = (size_t)m->n;
    for (int64_t i = 0; i < m->n; i++) {
        const bool known = !q->category || q->s[CATEGORY].present[i];
        const bool linked = q->s[CUSTOMER].present[i] && (known || q->o.missing_category);
        struct contact c = { .group = group_of(q->by, q->n_by, i), .customer = q->s[CUSTOMER].v[i],
                             .category = !q->category ? 0 : known ? q->s[CATEGORY].v[i] : -7,
                             .opened = q->s[OPENED].v[i], .row = i, .issue = NONE, .time = (double)NAN,
                             .resolved = q->resolved && q->s[RESOLVED].present[i]
                                           ? q->s[RESOLVED].v[i] : INT64_MIN };
        c.state = !q->s[OPENED].present[i] ? CXM_CONTACT_MISSING
                : c.opened > q->as_of      ? CXM_CONTACT_UNSEEN
                : !linked                  ? CXM_CONTACT_UNLINKED
                                           : NONE;
        c.counts_as = c.issue = c.state;
        if (c.state != CXM_CONTACT_MISSING && c.state != NONE && is_history(q, c.opened))
            c.counts_as = c.issue = HISTORY;
        all[c.state == NONE ? n++ : --others] = c;
    }
    qsort(all, n, sizeof *all, by_key);
    for (size_t first = 0, last; first < n; first = last) {
        for (last = first; last < n && all[last].customer == all[first].customer
                           && all[last].category == all[first].category; last++)
            ;
        for (size_t i = first; i < last; i++)
            judge(q, all + first, i - first, last - first);
        chain(q, all + first, last - first);
        for (size_t i = first; i < last; i++) {
            bool follows = false;
            for (size_t j = first; q->o.lookback > 0 && j < i; j++)
                follows = follows || (all[j].opened < all[i].opened
                                      && all[i].opened - all[j].opened <= q->o.lookback);
            const bool out = is_history(q, all[i].opened);
            all[i].counts_as = out || follows ? HISTORY : all[i].state;
            all[i].issue = out || all[i].issue == NONE ? HISTORY : all[i].issue;
            all[i].time = out || follows ? (double)NAN : all[i].time;
        }
    }
    qsort(all, (size_t)m->n, sizeof *all, by_cluster);
    return all;
}

/* 1 success, 0 failure, -1 not counted. */
static int outcome(int32_t denominator, int state)
{
    const bool early = denominator == CXM_FCR_KEEP_EARLY_REPEATS || denominator == CXM_FCR_PENDING_AS_SUCCESS;
    if (state == CXM_CONTACT_PENDING)
        return denominator == CXM_FCR_PENDING_AS_SUCCESS ? 1 : -1;
    return state == CXM_CONTACT_FCR                        ? 1
         : state == CXM_CONTACT_REPEAT                     ? 0
         : state == CXM_CONTACT_EARLY_REPEAT && early      ? 0
         : state == OPEN_DUE && denominator == CXM_FCR_ALL ? 0
                                                           : -1;
}

/* ---- rates ----------------------------------------------------------------------------------- */

struct want {
    double rate, error;
    int64_t yes, n, missing, excluded, clusters;
};

/* Of contacts or issues: the customers of a group, in all groups for the total, are clusters. */
static struct want rate_of(const struct question *q, const struct contact *all, size_t n, bool issues)
{
    struct want w = { .n = 0 };
    double scatter = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0, end; i < n; i = end) {
            int64_t yes = 0, counted = 0;
            for (end = i; end < n && by_cluster(&all[i], &all[end]) == 0; end++) {
                const int state = issues ? all[end].issue : all[end].counts_as;
                const int o = outcome(q->o.denominator, state);
                yes += o == 1;
                counted += o >= 0;
                w.missing += pass == 0 && state == CXM_CONTACT_MISSING;
                w.excluded += pass == 0 && o < 0 && state != CXM_CONTACT_MISSING;
            }
            w.yes += pass == 0 ? yes : 0;
            w.n += pass == 0 ? counted : 0;
            w.clusters += pass == 0 && counted > 0;
            const double residual = (double)yes - w.rate * (double)counted;
            scatter += pass == 1 ? residual * residual : 0;
        }
        w.rate = (double)w.yes / (double)w.n;
    }
    const double of = (double)w.n, m = (double)w.clusters;
    w.error = w.clusters > 1 ? sqrt(m / (m - 1) * scatter) / of : (double)NAN;
    return w;
}

static int64_t count_of(const struct question *q, const struct contact *all, size_t n, const char *measure)
{
    static const struct {
        const char *name;
        int states[2];
    } of[] = {
        { "pending", { CXM_CONTACT_PENDING, NONE } }, { "early_repeat", { CXM_CONTACT_EARLY_REPEAT, NONE } },
        { "open", { CXM_CONTACT_OPEN, OPEN_DUE } },   { "bad", { CXM_CONTACT_BAD, NONE } },
        { "unseen", { CXM_CONTACT_UNSEEN, NONE } },   { "unlinked", { CXM_CONTACT_UNLINKED, NONE } },
    };
    int64_t count = -1;
    for (size_t k = 0; k < COUNT_OF(of); k++) {
        if (strcmp(of[k].name, measure) != 0)
            continue;
        count = 0;
        for (size_t i = 0; i < n; i++) {
            const int state = all[i].counts_as;
            count += (state == of[k].states[0] || state == of[k].states[1])
                  && outcome(q->o.denominator, state) < 0;
        }
    }
    return count;
}

static void check_row(const struct question *q, const struct contact *all, size_t n,
                      const struct cxm_row *row)
{
    const struct cxm_estimate *e = &row->estimate;
    const bool issues = strncmp(row->measure, "issue_", 6) == 0;
    const struct want w = rate_of(q, all, n, issues);
    const char *const name = issues ? row->measure + 6 : row->measure;
    const int64_t count = count_of(q, all, n, name);
    const bool rate = strcmp(name, "fcr") == 0 || strcmp(name, "repeat") == 0;
    const double want = strcmp(name, "fcr") == 0           ? w.rate
                      : strcmp(name, "repeat") == 0        ? (double)(w.n - w.yes) / (double)w.n
                      : strcmp(name, "successes") == 0     ? (double)w.yes
                      : strcmp(name, "denominator") == 0   ? (double)w.n
                      : strcmp(name, "customers") == 0     ? (double)w.clusters
                                                           : (double)count;
    SAME(e->n == w.n && e->missing == w.missing && e->excluded == w.excluded && e->invalid == 0,
         "other rows of a rate");
    SAME(is_close(e->value, want, 0), row->measure);
    if (rate && w.n > 0)
        SAME(is_close(e->std_error, w.error, 1e-9) || fabs(e->std_error - w.error) < 1e-14,
             "another standard error");
}

static void check_rates(const struct maker *m, const struct question *q, const struct contact *all,
                        const struct cxm_row *rows, size_t n_rows)
{
    for (size_t k = 0; k < n_rows; k++) {
        size_t first = 0, last = (size_t)m->n;
        if (rows[k].estimate.group != CXM_TOTAL) {
            for (int64_t g = 0; g <= rows[k].estimate.group; g++) {
                first = g == 0 ? 0 : last;
                for (last = first; last < (size_t)m->n && all[last].group == all[first].group; last++)
                    ;
            }
        }
        check_row(q, all + first, last - first, &rows[k]);
    }
}

/* Kaplan & Meier at the window, event by event. */
static double curve_of(const struct question *q, const struct contact *all, size_t n, int64_t *rows)
{
    double survival = 1, before = -1;
    *rows = 0;
    for (size_t i = 0; i < n; i++)
        *rows += !isnan(all[i].time);
    for (;;) {
        double t = INFINITY;
        int64_t at_risk = 0, events = 0;
        for (size_t i = 0; i < n; i++)
            t = all[i].event && all[i].time > before && all[i].time < t ? all[i].time : t;
        if (q->o.right_open ? t >= (double)q->window : t > (double)q->window)
            return survival;
        for (size_t i = 0; i < n; i++) {
            at_risk += all[i].time >= t;
            events += all[i].event && all[i].time == t;
        }
        survival *= (double)(at_risk - events) / (double)at_risk;
        before = t;
    }
}

/* ---- random calls ----------------------------------------------------------------------------- */

static void random_question(const struct maker *m, struct question *q)
{
    const uint64_t customers = 1 + random_below(m->seed, one_in(m, 4) ? 2 : (uint64_t)m->n / 3 + 2);
    const uint64_t span = one_in(m, 4)
                            ? 30 : 1 + random_below(m->seed, one_in(m, 3) ? UINT64_C(1) << 36 : 4000000);
    const int64_t begin = (int64_t)random_below(m->seed, UINT64_C(1) << 32) - (INT64_C(1) << 31);
    const bool far = one_in(m, 3);
    for (int k = 0; k < N_COLUMNS; k++)
        q->s[k] = new_series(m, one_in(m, 3));
    for (int k = 0; k < 2; k++)
        q->by[k] = new_series(m, one_in(m, 3));
    for (int64_t i = 0; i < m->n; i++) {
        const uint64_t who = random_below(m->seed, customers);
        q->s[CUSTOMER].v[i] = (int64_t)(far ? who * UINT64_C(0x9e3779b97f4a7c15) : who);
        q->s[OPENED].v[i] = begin + (int64_t)random_below(m->seed, span);
        q->s[RESOLVED].v[i] = q->s[OPENED].v[i] + (int64_t)random_below(m->seed, span / 4 + 3) - 2;
        q->s[CATEGORY].v[i] = (int64_t)random_below(m->seed, 3);
        q->by[0].v[i] = (int64_t)random_below(m->seed, 4) - 2;
        q->by[1].v[i] = (int64_t)random_below(m->seed, 2);
    }
    store_keys(m, &q->s[CUSTOMER]);
    store_instants(m, &q->s[OPENED]);
    store_instants(m, &q->s[RESOLVED]);
    store_keys(m, &q->s[CATEGORY]);
    for (int k = 0; k < 2; k++)
        store_whole(m, &q->by[k], false);
    q->category = one_in(m, 2);
    q->n_by = m->n > 0 && one_in(m, 3) ? 1 + (int)random_below(m->seed, 2) : 0;
    q->window = (int64_t)random_below(m->seed, span / 3 + 2);
    q->o = (struct cxm_fcr_window_options){
        CXM_INIT(fcr_window), .anchor = (int32_t)random_below(m->seed, 2), .right_open = one_in(m, 2),
        .after_only = one_in(m, 3), .missing_category = one_in(m, 2), .all_measures = 1,
        .total = one_in(m, 2),
        .denominator = (int32_t)random_below(m->seed, 4),
        .lookback = one_in(m, 4) ? (int64_t)random_below(m->seed, span) : 0,
    };
    q->resolved = q->o.anchor == CXM_FCR_FROM_RESOLUTION || one_in(m, 2);
    q->as_of = begin + (int64_t)random_below(m->seed, 2 * span);
    q->has_period = one_in(m, 5);
    q->start = q->has_period ? begin + (int64_t)random_below(m->seed, span) : 0;
    q->end = q->has_period ? q->start + (int64_t)random_below(m->seed, span) : 0;
    q->has_period = q->start != 0 || q->end != 0;
}

static struct cxm_contacts contacts_on(const struct question *q, int road, struct cxm_column by[2])
{
    by[0] = *of_road(&q->by[0], road);
    by[1] = *of_road(&q->by[1], road);
    return (struct cxm_contacts){
        .size = sizeof(struct cxm_contacts), .customer = of_road(&q->s[CUSTOMER], road),
        .opened = of_road(&q->s[OPENED], road),
        .resolved = q->resolved ? of_road(&q->s[RESOLVED], road) : NULL,
        .category = q->category ? of_road(&q->s[CATEGORY], road) : NULL, .by = q->n_by > 0 ? by : NULL,
        .n_by = (size_t)q->n_by, .as_of = q->as_of, .period_start = q->start, .period_end = q->end,
        .threads = threads_of_road(road),
    };
}

static void check_curves(const struct maker *m, const struct question *q, const struct contact *all)
{
    struct cxm_column by[2];
    struct cxm_report *r = NULL;
    const struct cxm_contacts c = contacts_on(q, 1, by);
    SAME(cxm_fcr_km(&c, q->window, &q->o, &r, &error) == CXM_OK, error.message);
    size_t first = 0, last = 0;
    int64_t n;
    for (size_t row = 0; row < cxm_report_rows(r); row++) {
        const struct cxm_estimate *e = &cxm_report_estimates(r)[row];
        if (strcmp(cxm_report_measure(r, row), "fcr_km") != 0)
            continue;
        first = e->group == CXM_TOTAL ? 0 : last;
        for (last = first;
             last < (size_t)m->n && (e->group == CXM_TOTAL || all[last].group == all[first].group); last++)
            ;
        const double want = curve_of(q, all + first, last - first, &n);
        SAME(e->n == n, "other rows of a curve");
        SAME(isnan(e->value) || fabs(e->value - want) < 1e-11, "another curve");
        SAME(n > 0 || isnan(e->value), "a curve of nothing");
    }
    cxm_report_free(r);
}

static void a_contact(const struct maker *m)
{
    struct question q;
    struct cxm_row *rows[2];
    uint8_t *states[2];
    size_t n_rows[2] = { 0, 0 };
    random_question(m, &q);
    for (int k = 0; k < 2; k++) {
        rows[k] = arena_take(m->arena, MOST_ROWS, sizeof **rows);
        states[k] = arena_take(m->arena, (size_t)m->n, 1);
    }
    for (int road = 0; road < 2 * MOST_ROADS; road++) { /* the second half without states */
        const int to = road > 0;
        struct cxm_column by[2];
        struct cxm_contacts c = contacts_on(&q, road % MOST_ROADS, by);
        c.states = road < MOST_ROADS ? states[to] : NULL;
        SAME(cxm_fcr_window(&c, q.window, &q.o, rows[to], sizeof **rows, MOST_ROWS, &n_rows[to], &error)
                 == CXM_OK,
             error.message);
        SAME(road == 0 || n_rows[0] == n_rows[1], "other rows of contacts");
        for (size_t k = 0; road > 0 && k < n_rows[0]; k++) {
            struct cxm_estimate a = rows[0][k].estimate, b = rows[1][k].estimate;
            a.flags &= ~(uint32_t)CXM_FLAG_SUBSECOND;
            b.flags &= ~(uint32_t)CXM_FLAG_SUBSECOND;
            SAME(memcmp(&a, &b, sizeof a) == 0, "other rates of contacts");
        }
        SAME(road == 0 || road >= MOST_ROADS || memcmp(states[0], states[1], (size_t)m->n) == 0,
             "other states");
    }
    if (m->n > 2500)
        return;
    const struct contact *all = contacts_of(m, &q);
    for (int64_t i = 0; i < m->n; i++) {
        const int want = all[i].state == OPEN_DUE ? (int)CXM_CONTACT_OPEN : all[i].state;
        SAME(states[0][all[i].row] == want, "another state");
    }
    check_rates(m, &q, all, rows[0], n_rows[0]);
    if (m->n <= 1000)
        check_curves(m, &q, all);
}

static void contacts_of_any_columns(void **state)
{
    (void)state;
    repeat_calls(a_contact, 1, 90000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contacts_of_any_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
