/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Points in time order, and those of columns, which are sorted by their period where it has an
 * order (numbers, dates, instants, categories), and keep their order where it is text.
 *
 * 40 bytes a point; 100 000 groups at most in practice. */
#include "analysis/sequence.h"

#include "analysis/numbers.h"
#include "column/calendar.h"
#include "metric/metric.h"

#include <math.h>
#include <stdlib.h>

void cxm_priv_sequence_release(struct cxm_sequence *s)
{
    cxm_priv_release(NULL, s->places);
    cxm_priv_release(NULL, s->estimates);
    s->places = NULL;
    s->estimates = NULL;
}

size_t cxm_priv_sequence_series(const struct cxm_sequence *s, size_t first)
{
    size_t end = first + 1;
    while (end < s->n && !s->places[end].first)
        end++;
    return end - first;
}

/* ---- periods -------------------------------------------------------------------------- */

bool cxm_priv_periods_leap(int32_t calendar, int64_t before, int64_t after)
{
    static const int64_t beyond[] = { /* days that lead into the next period */
        [CXM_NO_CALENDAR] = 0, [CXM_DAY] = 1, [CXM_WEEK] = 7, [CXM_MONTH] = 31,
        [CXM_QUARTER] = 92, [CXM_YEAR] = 366
    };
    if (calendar <= CXM_NO_CALENDAR || calendar > CXM_YEAR)
        return false;
    int64_t next = before + beyond[calendar];
    cxm_priv_periods((enum cxm_calendar)calendar, 1, &next);
    return after > next;
}

/* The period of a row of the column. */
static void column_period(const struct cxm_sequence *s, int64_t row, struct cxm_key *out)
{
    const struct cxm_key_plan *const plan = &s->period_plan;
    struct cxm_reader reader;
    uint8_t state;
    *out = (struct cxm_key){ .type = s->period_info.type, .missing = 1 };
    cxm_priv_reader_init(&reader, s->period);
    if (plan->words) {
        uint64_t word;
        cxm_priv_read_key_words(&reader, plan, row, 1, &word, &state);
        if (state == CXM_ROW_USED)
            cxm_priv_key_from_word(plan->info.type, word, out);
        if (state == CXM_ROW_USED && plan->info.type == CXM_KEY_CATEGORY) {
            struct cxm_text text;
            cxm_priv_reader_init(&reader, plan->categories);
            cxm_priv_read_key_text(&reader, out->integer, 1, &text, &state);
            out->text = text.bytes;
            out->text_bytes = text.n;
        }
    } else {
        struct cxm_text text;
        cxm_priv_read_key_text(&reader, row, 1, &text, &state);
        out->text = text.bytes;
        out->text_bytes = text.n;
    }
    out->missing = state != CXM_ROW_USED;
}

bool cxm_priv_sequence_period(const struct cxm_sequence *s, size_t at, struct cxm_key *out)
{
    const int64_t row = s->places[at].row;
    if (s->tally != NULL)
        return cxm_tally_key(s->tally, row, s->time_key, out) == CXM_OK;
    if (s->period != NULL)
        column_period(s, row, out);
    else
        *out = (struct cxm_key){ .type = CXM_KEY_INT, .integer = row + 1 };
    return true;
}

const char *cxm_priv_sequence_where(const struct cxm_sequence *s, size_t at, char *out,
                                    size_t capacity)
{
    struct cxm_key key;
    size_t used = 0;
    if (s->tally == NULL && s->period == NULL)
        cxm_priv_append(out, capacity, &used, "row %lld", (long long)s->places[at].row);
    else if (cxm_priv_sequence_period(s, at, &key))
        cxm_priv_append_key(&key, out, capacity, &used);
    return out;
}

static enum cxm_axis_type axis_type(int32_t key_type)
{
    switch (key_type) {
    case CXM_KEY_INT: return CXM_AXIS_INT;
    case CXM_KEY_REAL: return CXM_AXIS_REAL;
    case CXM_KEY_DATE: return CXM_AXIS_DATE;
    case CXM_KEY_TIME: return CXM_AXIS_TIME;
    default: return CXM_AXIS_TEXT;
    }
}

int cxm_priv_sequence_axes(const struct cxm_sequence *s, struct cxm_report *report)
{
    struct cxm_key_info info;
    for (size_t k = 0; s->tally != NULL && k < cxm_tally_n_keys(s->tally); k++) {
        if (k != s->time_key && cxm_tally_key_info(s->tally, k, &info) == CXM_OK)
            cxm_priv_report_key_column(report, info.name, (enum cxm_key_type)info.type,
                                       info.calendar);
    }
    return cxm_priv_report_axis(report, "period", axis_type(s->period_info.type));
}

static void set_keys(const struct cxm_sequence *s, struct cxm_report *report, size_t row,
                     int64_t group)
{
    struct cxm_key key;
    int column = 0;
    for (size_t k = 0; k < cxm_tally_n_keys(s->tally); k++) {
        if (k == s->time_key)
            continue;
        if (cxm_tally_key(s->tally, group, k, &key) == CXM_OK)
            cxm_priv_report_key(report, row, column, &key);
        else
            cxm_priv_report_fail(report);
        column++;
    }
}

void cxm_priv_sequence_place(const struct cxm_sequence *s, struct cxm_report *report,
                             size_t row, int period_axis, size_t at)
{
    struct cxm_key key;
    char text[512];
    size_t used = 0;
    if (s->tally != NULL)
        set_keys(s, report, row, s->places[at].row);
    if (period_axis < 0)
        return;
    if (!cxm_priv_sequence_period(s, at, &key)) {
        cxm_priv_report_fail(report);
    } else if (!key.missing) {
        switch (axis_type(s->period_info.type)) {
        case CXM_AXIS_REAL: cxm_priv_report_real(report, row, period_axis, key.real); break;
        case CXM_AXIS_TEXT:
            cxm_priv_append_key(&key, text, sizeof text, &used);
            cxm_priv_report_text(report, row, period_axis, text);
            break;
        default: cxm_priv_report_int(report, row, period_axis, key.integer); break;
        }
    }
}

struct cxm_estimate cxm_priv_sequence_estimate(const struct cxm_sequence *s, size_t at)
{
    const struct cxm_place *place = &s->places[at];
    struct cxm_estimate e = s->blank;
    if (s->tally != NULL) {
        const struct cxm_estimate *of = &s->estimates[place->row];
        e = cxm_priv_blank_estimate(NAN, (enum cxm_unit)of->unit, (enum cxm_base_kind)of->base);
        e.n = of->n;
        e.missing = of->missing;
        e.invalid = of->invalid;
        e.excluded = of->excluded;
        e.sum_weight = of->sum_weight;
        e.n_eff = of->n_eff;
        e.flags = of->flags;
        return e;
    }
    const bool missing = isnan(place->value);
    e.missing = missing;
    e.n = missing ? 0 : e.n > 0 ? e.n : (int64_t)place->size;
    e.sum_weight = missing ? 0.0 : place->size;
    e.n_eff = (double)e.n;
    return e;
}

/* ---- columns -------------------------------------------------------------------------- */

static enum cxm_status check_rate(const struct cxm_sequence_input *in,
                                  const struct cxm_numbers *numbers, struct cxm_error *error)
{
    for (size_t i = 0; in->rate && i < numbers->n; i++) {
        const double k = numbers->columns[0][i], n = numbers->columns[1][i];
        char text[64];
        if (!(k > n && (in->share || n == 0.0)))
            continue;
        const char *name = in->values->name != NULL ? in->values->name : in->values_name;
        cxm_priv_value_text(in->values, (int64_t)i, text, sizeof text);
        return cxm_priv_fail_at(error, CXM_EDATA, name, (int64_t)i, text,
                                "%s: row %lld is %s, more than its size", name, (long long)i,
                                text);
    }
    return CXM_OK;
}

struct slot {
    uint64_t word;
    int64_t row;
};

static int by_word(const void *a, const void *b)
{
    const struct slot *x = a, *y = b;
    if (x->word != y->word)
        return x->word < y->word ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static enum cxm_status refuse_period(const struct cxm_sequence *s, int64_t row,
                                     const char *what, struct cxm_error *error)
{
    char text[64] = "";
    const char *name = s->period->name != NULL ? s->period->name : "period";
    cxm_priv_value_text(s->period, row, text, sizeof text);
    return cxm_priv_fail_at(error, CXM_EDATA, name, row, text, "%s: row %lld %s", name,
                            (long long)row, what);
}

/* Sorts the rows by words; equal periods are refused. */
static enum cxm_status sort_rows(struct cxm_sequence *s, const struct cxm_key_plan *plan,
                                 struct slot *slots, struct cxm_error *error)
{
    struct cxm_reader reader;
    cxm_priv_reader_init(&reader, s->period);
    for (size_t i = 0; i < s->n; i++) {
        uint8_t state;
        struct cxm_text text;
        slots[i] = (struct slot){ i, (int64_t)i };
        if (plan->words)
            cxm_priv_read_key_words(&reader, plan, (int64_t)i, 1, &slots[i].word, &state);
        else
            cxm_priv_read_key_text(&reader, (int64_t)i, 1, &text, &state);
        if (state != CXM_ROW_USED)
            return refuse_period(s, (int64_t)i, "has no period, and so no place in time", error);
    }
    qsort(slots, s->n, sizeof *slots, by_word);
    for (size_t i = 1; i < s->n; i++) {
        if (slots[i].word == slots[i - 1].word)
            return refuse_period(s, slots[i].row, "repeats a period; add up its rows first",
                                 error);
    }
    return CXM_OK;
}

static enum cxm_status order_rows(struct cxm_sequence *s, struct slot *slots,
                                  struct cxm_error *error)
{
    enum cxm_status status = cxm_priv_column_fits(s->period, CXM_ROLE_KEY, "period", error);
    if (status == CXM_OK && s->period->n != (int64_t)s->n)
        status = cxm_priv_fail(error, CXM_EINVAL, "period", "period: %lld rows, values has %zu",
                               (long long)s->period->n, s->n);
    if (status == CXM_OK)
        status = cxm_priv_key_plan(s->period, &s->period_plan, error);
    if (status != CXM_OK)
        return status;
    s->period_info = s->period_plan.info;
    return sort_rows(s, &s->period_plan, slots, error);
}

static void fill_places(struct cxm_sequence *s, const struct cxm_numbers *numbers, bool rate,
                        const struct slot *slots)
{
    struct cxm_key key, previous = { .missing = 1 };
    for (size_t i = 0; i < s->n; i++) {
        const int64_t row = slots[i].row;
        const double size = rate ? numbers->columns[1][row] : 1.0;
        s->places[i] = (struct cxm_place){ .value = isnan(size) ? NAN : numbers->columns[0][row],
                                           .size = isnan(size) ? 1.0 : size,
                                           .row = row,
                                           .first = i == 0 };
        (void)cxm_priv_sequence_period(s, i, &key);
        s->places[i].period_gap =
            i > 0 && cxm_priv_periods_leap(s->period_info.calendar, previous.integer, key.integer);
        previous = key;
    }
}

enum cxm_status cxm_priv_sequence_columns(const struct cxm_sequence_input *in,
                                          struct cxm_sequence *s, struct cxm_error *error)
{
    const struct cxm_number_input inputs[] = {
        { in->values_name, in->values, false, in->counts ? 0.0 : -INFINITY,
          in->counts ? CXM_MOST_COUNT : INFINITY, in->counts },
        { "sizes", in->sizes, false, 0.0, CXM_MOST_COUNT, in->share },
    };
    struct cxm_numbers numbers;
    memset(s, 0, sizeof *s);
    s->metric = s->measure = s->of = "";
    s->period = in->period;
    s->period_info.type = CXM_KEY_INT;
    if (!in->rate && in->sizes != NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "sizes", "sizes belong to rates only");
    enum cxm_status status = cxm_priv_numbers_read(inputs, in->rate ? 2 : 1, NULL, &numbers,
                                                   error);
    if (status != CXM_OK)
        return status;
    s->n = numbers.n;
    status = check_rate(in, &numbers, error);
    struct slot *slots = cxm_priv_alloc(NULL, s->n, sizeof *slots);
    s->places = cxm_priv_alloc(NULL, s->n, sizeof *s->places);
    if (status == CXM_OK && (slots == NULL || s->places == NULL))
        status = cxm_priv_no_memory(error);
    for (size_t i = 0; status == CXM_OK && i < s->n; i++)
        slots[i] = (struct slot){ i, (int64_t)i };
    if (status == CXM_OK && s->period != NULL)
        status = order_rows(s, slots, error);
    if (status == CXM_OK)
        fill_places(s, &numbers, in->rate, slots);
    else
        cxm_priv_sequence_release(s);
    const enum cxm_unit unit = in->share ? CXM_UNIT_SHARE : in->rate ? CXM_UNIT_RATIO
                             : in->counts                            ? CXM_UNIT_COUNT
                                                                     : CXM_UNIT_SCALE;
    s->blank = cxm_priv_blank_estimate(NAN, unit, CXM_BASE_RESPONSES);
    s->blank.n = !in->share;
    cxm_priv_release(NULL, slots);
    cxm_priv_numbers_release(&numbers);
    return status;
}
