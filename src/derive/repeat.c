/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One scan of each customer's contacts, sorted by category and opening: backwards for the next
 * opening of each, forwards for the chains that make issues. Typical: 20 million contacts of 5
 * million customers; extreme: one customer with all of them, which costs a search in a sorted
 * array a row and no more. Counting is in integers, so no order of rows shows. */
#include "derive/repeat_words.h"

#include <stdlib.h>

struct scan {
    const struct cxm_repeat_input *input;
    const struct cxm_repeat_rules *rules;
    const struct cxm_allocator *allocator;
    struct cxm_repeat_out *out;
    struct cxm_codes groups;
    struct cxm_repeat_part *parts;
    uint8_t yes[CXM_N_CONTACT_CODES], all[CXM_N_CONTACT_CODES]; /* what a code adds to a share */
};

int cxm_priv_contact_outcome(unsigned code, enum cxm_fcr_denominator denominator)
{
    const bool early = denominator == CXM_FCR_KEEP_EARLY_REPEATS
                    || denominator == CXM_FCR_PENDING_AS_SUCCESS;
    switch (code) {
    case CXM_CONTACT_FCR: return 1;
    case CXM_CONTACT_REPEAT: return 0;
    case CXM_CONTACT_PENDING: return denominator == CXM_FCR_PENDING_AS_SUCCESS ? 1 : -1;
    case CXM_CONTACT_EARLY_REPEAT: return early ? 0 : -1;
    case CXM_CONTACT_OPEN_DUE: return denominator == CXM_FCR_ALL ? 0 : -1;
    default: return -1;
    }
}

/* ---- which rows take part ------------------------------------------------------------- */

static bool is_outside(const struct cxm_repeat_rules *rules, int64_t opened)
{
    return rules->has_period && (opened < rules->start || opened >= rules->end);
}

static unsigned public_state(unsigned code)
{
    return code == CXM_CONTACT_OPEN_DUE ? CXM_CONTACT_OPEN : code;
}

/* Writes down what row is: its state, and what contacts [0] and issues [1] count it as. */
static void settle(const struct scan *s, unsigned worker, uint32_t row, unsigned state,
                   unsigned contact, unsigned issue)
{
    if (s->input->states != NULL)
        s->input->states[row] = (uint8_t)public_state(state);
    if (s->input->per_row) {
        s->out->codes[0][row] = (uint8_t)contact;
        s->out->codes[1][row] = (uint8_t)issue;
    } else {
        s->parts[worker].codes[0][contact]++;
        s->parts[worker].codes[1][issue]++;
    }
}

/* Nearly every block: nothing is missing, and nothing came later. */
static bool all_enter(const struct scan *s, const struct cxm_event_block *b)
{
    bool late = false;
    for (size_t i = 0; i < b->n; i++)
        late |= b->time[i] > s->rules->as_of;
    return !late && cxm_priv_all_used(b->time_state, b->n)
        && cxm_priv_all_used(b->customer_state, b->n) && cxm_priv_all_used(b->code_state, b->n)
        && memchr(b->extra_state, CXM_ROW_INVALID, b->n) == NULL;
}

static void filter(void *context, const struct cxm_event_block *b, bool *keep)
{
    const struct scan *s = context;
    if (all_enter(s, b)) {
        memset(keep, true, b->n * sizeof *keep);
        return;
    }
    for (size_t i = 0; i < b->n; i++) {
        const bool no_category = b->code_state[i] == CXM_ROW_MISSING && !s->rules->own_missing;
        const bool invalid = b->customer_state[i] == CXM_ROW_INVALID
                          || b->time_state[i] == CXM_ROW_INVALID
                          || b->extra_state[i] == CXM_ROW_INVALID
                          || b->code_state[i] == CXM_ROW_INVALID;
        unsigned state = CXM_N_CONTACT_CODES;
        if (CXM_UNLIKELY(invalid))
            state = CXM_CONTACT_INVALID;
        else if (CXM_UNLIKELY(b->time_state[i] != CXM_ROW_USED))
            state = CXM_CONTACT_MISSING;
        else if (CXM_UNLIKELY(b->time[i] > s->rules->as_of))
            state = CXM_CONTACT_UNSEEN;
        else if (CXM_UNLIKELY(b->customer_state[i] != CXM_ROW_USED || no_category))
            state = CXM_CONTACT_UNLINKED;
        keep[i] = state == CXM_N_CONTACT_CODES;
        if (CXM_LIKELY(keep[i]))
            continue;
        const bool outside = b->time_state[i] == CXM_ROW_USED && !invalid
                          && is_outside(s->rules, b->time[i]);
        const unsigned code = outside ? CXM_CONTACT_OUTSIDE : state;
        settle(s, b->worker, (uint32_t)(b->first + (int64_t)i), state, code, code);
    }
}

/* ---- the contacts of one key ---------------------------------------------------------- */

/* anchor + window; false when it does not fit, *end is then INT64_MAX. */
static bool window_end(int64_t anchor, int64_t window, int64_t *end)
{
    if (!__builtin_add_overflow(anchor, window, end))
        return true;
    *end = INT64_MAX;
    return false;
}

/* The first opening of events i + 1 … n - 1 that is at `least` or later. */
static size_t first_at(const struct cxm_event *e, size_t i, size_t n, int64_t least)
{
    size_t low = i + 1, high = n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (e[middle].time < least)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void note_duration(const struct scan *s, uint32_t row, int64_t anchor, bool has_next,
                          int64_t next)
{
    int64_t *const to = &s->out->durations[row];
    s->out->events[row] = has_next;
    if (has_next && next <= anchor)
        *to = 0;
    else if (__builtin_sub_overflow(has_next ? next : s->rules->as_of, anchor, to))
        *to = INT64_MAX;
}

/* The state of event i, whose next opening is `next`. Its end goes into *end. */
static inline unsigned state_of(const struct scan *s, const struct cxm_event *e, size_t i, size_t n,
                         bool has_next, int64_t next, int64_t *end)
{
    const struct cxm_repeat_rules *r = s->rules;
    const int64_t opened = e[i].time;
    const bool resolved = e[i].extra != CXM_NO_INSTANT && e[i].extra <= r->as_of;
    *end = INT64_MAX;
    if (CXM_UNLIKELY(resolved && e[i].extra < opened))
        return CXM_CONTACT_BAD;
    if (CXM_UNLIKELY(!resolved && !r->from_opening))
        return window_end(opened, r->window, end) && *end <= r->as_of ? CXM_CONTACT_OPEN_DUE
                                                                      : CXM_CONTACT_OPEN;
    const int64_t anchor = r->from_opening ? opened : e[i].extra;
    const bool fits = window_end(anchor, r->window, end);
    if (r->after_only && has_next && next < anchor) {
        const size_t at = first_at(e, i, n, anchor);
        has_next = at < n;
        next = has_next ? e[at].time : next;
    }
    if (s->input->wants_times && !is_outside(r, opened))
        note_duration(s, e[i].row, anchor, has_next, next);
    const bool repeat = has_next && (r->open_end ? next < *end : next <= *end);
    if (fits && *end <= r->as_of)
        return repeat ? CXM_CONTACT_REPEAT : CXM_CONTACT_FCR;
    return repeat ? CXM_CONTACT_EARLY_REPEAT : CXM_CONTACT_PENDING;
}

/* After its key was scanned an event has other contents: `extra` is the end of its window, `code`
 * what the contact is counted as, its issue (shifted by 8) and the state (shifted by 16). */
static void scan_contacts(const struct scan *s, struct cxm_event *e, size_t n)
{
    bool has_next = false;
    int64_t next = 0;
    for (size_t i = n; i-- > 0;) {
        if (i + 1 < n && e[i].time != e[i + 1].time) {
            has_next = true;
            next = e[i + 1].time;
        }
        int64_t end;
        const unsigned state = state_of(s, e, i, n, has_next, next, &end);
        const unsigned code = is_outside(s->rules, e[i].time) ? CXM_CONTACT_OUTSIDE : state;
        e[i].code = code | CXM_CONTACT_OUTSIDE << 8 | state << 16;
        e[i].extra = end;
    }
}

/* Contacts that follow another within the look-back are no first contacts: history only. */
static void leave_out_followers(const struct scan *s, struct cxm_event *e, size_t n)
{
    bool follows = false;
    for (size_t i = 1; i < n; i++) {
        int64_t gap;
        if (e[i].time != e[i - 1].time) /* contacts of one second are one contact */
            follows = !__builtin_sub_overflow(e[i].time, e[i - 1].time, &gap)
                   && gap <= s->rules->lookback;
        if (!follows)
            continue;
        e[i].code = (e[i].code & ~0xFFu) | CXM_CONTACT_OUTSIDE;
        if (s->input->wants_times)
            s->out->durations[e[i].row] = CXM_NO_INSTANT;
    }
}

static void set_issue(struct cxm_event *event, unsigned code)
{
    event->code = (event->code & ~0xFF00u) | code << 8;
}

static unsigned issue_state(bool open, bool due, bool young, bool repeat)
{
    if (open)
        return due ? CXM_CONTACT_OPEN_DUE : CXM_CONTACT_OPEN;
    if (young)
        return repeat ? CXM_CONTACT_EARLY_REPEAT : CXM_CONTACT_PENDING;
    return repeat ? CXM_CONTACT_REPEAT : CXM_CONTACT_FCR;
}

/* Of contacts opened in the same second, the one whose group comes first has the issue. */
static size_t first_of_issue(const struct scan *s, const struct cxm_event *e, size_t first,
                             size_t last)
{
    size_t best = first;
    for (size_t i = first + 1; s->groups.codes != NULL && i < last
                               && e[i].time == e[first].time; i++) {
        const uint32_t a = s->groups.codes[e[i].row], b = s->groups.codes[e[best].row];
        const bool bad = e[i].code >> 16 == CXM_CONTACT_BAD;
        if (!bad && a != CXM_CODE_MISSING
            && (b == CXM_CODE_MISSING || s->groups.ranks[a] < s->groups.ranks[b]))
            best = i;
    }
    return best;
}

/* Marks the issue that starts at event `first`; returns where the next one may start. */
static size_t scan_issue(const struct scan *s, struct cxm_event *e, size_t first, size_t n)
{
    bool open = false, young = false, repeat = false;
    int64_t end = INT64_MIN;
    size_t i = first;
    for (; i < n; i++) {
        const unsigned state = e[i].code >> 16;
        const bool goes_on = i == first || e[i].time == e[i - 1].time || open
                          || (s->rules->open_end ? e[i].time < end : e[i].time <= end);
        if (!goes_on)
            break;
        if (state == CXM_CONTACT_BAD) {
            set_issue(&e[i], e[i].code & 0xFF);
            continue;
        }
        open = open || state == CXM_CONTACT_OPEN || state == CXM_CONTACT_OPEN_DUE;
        young = young || state == CXM_CONTACT_PENDING || state == CXM_CONTACT_EARLY_REPEAT;
        repeat = repeat || state == CXM_CONTACT_REPEAT || state == CXM_CONTACT_EARLY_REPEAT;
        end = e[i].extra > end ? e[i].extra : end;
    }
    int64_t due = 0;
    const bool is_due = window_end(e[first].time, s->rules->window, &due)
                     && due <= s->rules->as_of;
    const unsigned state = issue_state(open, is_due, young, repeat);
    const size_t at = first_of_issue(s, e, first, i);
    if (!is_outside(s->rules, e[at].time))
        set_issue(&e[at], state);
    return i;
}

/* A key with one contact: its issue is what the contact is. */
static void scan_single(const struct scan *s, struct cxm_event *e)
{
    int64_t end;
    const unsigned state = state_of(s, e, 0, 1, false, 0, &end);
    const unsigned code = is_outside(s->rules, e->time) ? CXM_CONTACT_OUTSIDE : state;
    e->code = code | code << 8 | state << 16;
}

static void scan_key(const struct scan *s, struct cxm_event *e, size_t n)
{
    if (n == 1) {
        scan_single(s, e);
        return;
    }
    scan_contacts(s, e, n);
    for (size_t i = 0; i < n;) {
        if (e[i].code >> 16 != CXM_CONTACT_BAD) {
            i = scan_issue(s, e, i, n);
        } else {
            set_issue(&e[i], e[i].code & 0xFF);
            i++;
        }
    }
    if (s->rules->lookback > 0)
        leave_out_followers(s, e, n);
}

/* ---- the clusters of one customer ----------------------------------------------------- */

static bool note_cluster(const struct scan *s, unsigned worker, int kind, uint32_t row,
                         uint32_t yes, uint32_t all)
{
    if (all == 0)
        return true;
    if (s->input->per_row) {
        s->out->yes[kind][row] = yes;
        s->out->all[kind][row] = all;
        return true;
    }
    return cxm_priv_note_cluster(&s->parts[worker], kind, yes, all);
}

static int by_group(const void *a, const void *b)
{
    const struct cxm_event *x = a, *y = b;
    return (x->time > y->time) - (x->time < y->time);
}

/* Sorts the contacts of a customer by group, whose code is now their time. */
static void sort_by_group(const struct scan *s, struct cxm_event *e, size_t n)
{
    enum { SHORT = 16 };
    for (size_t i = 0; i < n; i++)
        e[i].time = s->groups.codes[e[i].row];
    if (n > SHORT) {
        qsort(e, n, sizeof *e, by_group);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        const struct cxm_event event = e[i];
        size_t at = i;
        for (; at > 0 && e[at - 1].time > event.time; at--)
            e[at] = e[at - 1];
        e[at] = event;
    }
}

static bool count_customer(const struct scan *s, unsigned worker, struct cxm_event *e, size_t n)
{
    if (s->groups.codes != NULL)
        sort_by_group(s, e, n);
    for (size_t first = 0, last; first < n; first = last) {
        uint32_t yes[2] = { 0, 0 }, all[2] = { 0, 0 };
        for (last = first; last < n; last++) {
            if (s->groups.codes != NULL && e[last].time != e[first].time)
                break;
            const unsigned contact = e[last].code & 0xFF, issue = e[last].code >> 8 & 0xFF;
            yes[0] += s->yes[contact];
            all[0] += s->all[contact];
            yes[1] += s->yes[issue];
            all[1] += s->all[issue];
            settle(s, worker, e[last].row, e[last].code >> 16, contact, issue);
        }
        for (int kind = 0; kind < 2; kind++) {
            if (!note_cluster(s, worker, kind, e[first].row, yes[kind], all[kind]))
                return false;
        }
    }
    return true;
}

static enum cxm_status visit(void *context, unsigned worker, struct cxm_event *events, size_t n,
                             struct cxm_error *error)
{
    const struct scan *s = context;
    for (size_t first = 0; first < n;) {
        const uint64_t customer = events[first].customer;
        size_t end = first;
        while (end < n && events[end].customer == customer) {
            const size_t start = end;
            const uint32_t code = events[start].code;
            while (end < n && events[end].customer == customer && events[end].code == code)
                end++;
            scan_key(s, events + start, end - start);
        }
        if (!count_customer(s, worker, events + first, end - first))
            return cxm_priv_no_memory(error);
        first = end;
    }
    return CXM_OK;
}

/* ---- packed words ---------------------------------------------------------------------- */

/* The window starts at the opening, and only counts are wanted: then repeats are neighbours. */
static bool takes_words(const struct scan *s)
{
    const struct cxm_repeat_input *in = s->input;
    int64_t end;
    return !in->per_row && in->states == NULL && !in->wants_times && in->resolved == NULL
        && s->rules->from_opening && !s->rules->has_period && s->rules->lookback == 0
        && window_end(s->rules->as_of, s->rules->window, &end);
}

static enum cxm_status visit_words(void *context, unsigned worker,
                                   const struct cxm_packed *packed, struct cxm_error *error)
{
    const struct scan *s = context;
    return cxm_priv_repeat_words(packed, s->rules, s->yes, s->all, &s->parts[worker])
             ? CXM_OK : cxm_priv_no_memory(error);
}

/* ---- the call ------------------------------------------------------------------------- */

static bool make_parts(struct scan *s, unsigned n)
{
    s->parts = cxm_priv_alloc_zero(s->allocator, n, sizeof *s->parts);
    bool room = s->parts != NULL;
    for (unsigned t = 0; s->parts != NULL && t < n; t++) {
        s->parts[t].allocator = s->allocator;
        for (int kind = 0; kind < 2; kind++) {
            s->parts[t].few[kind] =
                cxm_priv_alloc_zero(s->allocator, CXM_REPEAT_FEW + 1, sizeof *s->parts[t].few[kind]);
            room = room && s->parts[t].few[kind] != NULL;
        }
    }
    return room;
}

static void release_parts(struct scan *s, unsigned n)
{
    for (unsigned t = 0; s->parts != NULL && t < n; t++) {
        for (int kind = 0; kind < 2; kind++) {
            cxm_priv_release(s->allocator, s->parts[t].few[kind]);
            cxm_priv_release(s->allocator, s->parts[t].many[kind]);
        }
    }
    cxm_priv_release(s->allocator, s->parts);
}

/* The counts of all workers in one list; customers with many contacts are an entry each. */
static bool gather(const struct scan *s, unsigned n, int kind, struct cxm_repeat_counts *out)
{
    size_t most = (CXM_REPEAT_FEW + 1) * (CXM_REPEAT_FEW + 1);
    for (unsigned t = 0; t < n; t++)
        most += s->parts[t].n_many[kind];
    out->clusters = cxm_priv_alloc(s->allocator, most, sizeof *out->clusters);
    if (out->clusters == NULL)
        return false;
    for (uint32_t all = 1; all <= CXM_REPEAT_FEW; all++) {
        for (uint32_t yes = 0; yes <= all; yes++) {
            struct cxm_cluster *to = &out->clusters[out->n_clusters];
            *to = (struct cxm_cluster){ yes, all, 0 };
            for (unsigned t = 0; t < n; t++)
                to->customers += s->parts[t].few[kind][all][yes];
            out->n_clusters += to->customers > 0;
        }
    }
    for (unsigned t = 0; t < n; t++) {
        const struct cxm_repeat_part *part = &s->parts[t];
        for (int c = 0; c < CXM_N_CONTACT_CODES; c++)
            out->codes[c] += part->codes[kind][c];
        if (part->n_many[kind] > 0)
            memcpy(out->clusters + out->n_clusters, part->many[kind],
                   part->n_many[kind] * sizeof *part->many[kind]);
        out->n_clusters += part->n_many[kind];
    }
    return true;
}

static bool make_arrays(struct scan *s)
{
    const size_t n = (size_t)s->input->customer->n;
    struct cxm_repeat_out *out = s->out;
    bool room = true;
    for (int kind = 0; s->input->per_row && kind < 2; kind++) {
        out->codes[kind] = cxm_priv_alloc(s->allocator, n, 1);
        out->yes[kind] = cxm_priv_alloc(s->allocator, n, sizeof *out->yes[kind]);
        out->all[kind] = cxm_priv_alloc(s->allocator, n, sizeof *out->all[kind]);
        room = room && out->codes[kind] != NULL && out->yes[kind] != NULL
            && out->all[kind] != NULL;
        if (room)
            memset(out->all[kind], 0xFF, n * sizeof *out->all[kind]);
        if (room)
            memset(out->yes[kind], 0xFF, n * sizeof *out->yes[kind]);
    }
    if (s->input->wants_times) {
        out->durations = cxm_priv_alloc(s->allocator, n, sizeof *out->durations);
        out->events = cxm_priv_alloc_zero(s->allocator, n, 1);
        room = room && out->durations != NULL && out->events != NULL;
        for (size_t i = 0; room && i < n; i++)
            out->durations[i] = CXM_NO_INSTANT;
    }
    return room;
}

static enum cxm_status scan_rows(struct scan *s, struct cxm_error *error)
{
    const struct cxm_repeat_input *in = s->input;
    const unsigned most = in->threads > 1 ? (unsigned)in->threads : 1;
    const unsigned n_parts = most < CXM_MOST_WORKERS ? most : CXM_MOST_WORKERS;
    const struct cxm_event_columns columns = { in->customer, in->opened, in->resolved,
                                               in->category };
    const struct cxm_event_plan plan = {
        .filter = filter, .visit = visit, .visit_packed = takes_words(s) ? visit_words : NULL,
        .context = s, .has_latest = true, .latest = s->rules->as_of,
        .keeps_complete = true, .threads = in->threads,
        .count_invalid = in->count_invalid, .subsecond = &s->out->subsecond,
        .allocator = s->allocator,
    };
    enum cxm_status status = CXM_OK;
    if (in->n_by > 0 && in->per_row)
        status = cxm_priv_code_keys(in->by, in->n_by, "by", false, s->allocator, &s->groups,
                                    error);
    if (status == CXM_OK && (!make_arrays(s) || !make_parts(s, n_parts)))
        status = cxm_priv_no_memory(error);
    if (status == CXM_OK)
        status = cxm_priv_sort_events(&columns, &plan, error);
    for (int kind = 0; status == CXM_OK && !in->per_row && kind < 2; kind++) {
        if (!gather(s, n_parts, kind, &s->out->counts[kind]))
            status = cxm_priv_no_memory(error);
    }
    release_parts(s, n_parts);
    return status;
}

enum cxm_status cxm_priv_repeat_contacts(const struct cxm_repeat_input *input,
                                         const struct cxm_repeat_rules *rules,
                                         struct cxm_repeat_out *out, struct cxm_error *error)
{
    struct scan s = { .input = input, .rules = rules, .out = out,
                      .allocator = cxm_priv_allocator(input->allocator) };
    for (unsigned c = 0; c < CXM_N_CONTACT_CODES; c++) {
        const int outcome = cxm_priv_contact_outcome(c, rules->denominator);
        s.yes[c] = outcome > 0;
        s.all[c] = outcome >= 0;
    }
    memset(out, 0, sizeof *out);
    out->allocator = s.allocator;
    out->n = (size_t)input->customer->n;
    const enum cxm_status status = scan_rows(&s, error);
    cxm_priv_codes_release(&s.groups);
    if (status != CXM_OK)
        cxm_priv_repeat_release(out);
    return status;
}

void cxm_priv_repeat_release(struct cxm_repeat_out *out)
{
    for (int kind = 0; kind < 2; kind++) {
        cxm_priv_release(out->allocator, out->codes[kind]);
        cxm_priv_release(out->allocator, out->yes[kind]);
        cxm_priv_release(out->allocator, out->all[kind]);
        cxm_priv_release(out->allocator, out->counts[kind].clusters);
    }
    cxm_priv_release(out->allocator, out->durations);
    cxm_priv_release(out->allocator, out->events);
    memset(out, 0, sizeof *out);
}
