/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Keys of groups: what kind of key a column makes, and its values as 64-bit words whose
 * unsigned order is the order of the keys, so that grouping and sorting never look at types.
 *
 *   INT, DATE, TIME   the integer with its sign bit flipped
 *   UINT, BOOL        the integer
 *   REAL              the bits of the double, all flipped when negative, else the sign bit
 *   CATEGORY          the rank in the dictionary
 *
 * Text has no word; it is handed out in place. */
#include "column/calendar.h"
#include "column/decode.h"

/* ---- plan ----------------------------------------------------------------------------- */

struct planning {
    const struct cxm_column *column;
    const char *name;
    struct cxm_error *error;
};

static enum cxm_status refuse(const struct planning *planning, enum cxm_status status,
                              const char *what)
{
    return cxm_priv_fail(planning->error, status, planning->name, "%s: %s", planning->name,
                         what);
}

static bool texts_equal(struct cxm_text a, struct cxm_text b)
{
    if (a.bytes == NULL || b.bytes == NULL)
        return a.bytes == b.bytes;
    return a.n == b.n && memcmp(a.bytes, b.bytes, a.n) == 0;
}

/* Text of a dictionary, no text where it is null; false for a hostile one. */
static bool category_at(const struct cxm_column *dictionary, int64_t row, struct cxm_text *out)
{
    if (!cxm_priv_is_absent(dictionary, row))
        return cxm_priv_text_at(dictionary, row, out);
    *out = (struct cxm_text){ NULL, 0 };
    return true;
}

static bool same_categories(const struct cxm_column *a, const struct cxm_column *b)
{
    if (a == b)
        return true;
    if (a->n != b->n)
        return false;
    for (int64_t i = 0; i < a->n; i++) {
        struct cxm_text of_a, of_b;
        if (!category_at(a, i, &of_a) || !category_at(b, i, &of_b) || !texts_equal(of_a, of_b))
            return false;
    }
    return true;
}

static bool ordered(const struct cxm_column *column, const struct cxm_column *part)
{
    return ((column->flags | part->flags | part->dictionary->flags) & CXM_COLUMN_ORDERED) != 0;
}

static enum cxm_status instant_type(const struct planning *planning, struct cxm_clock clock,
                                    int32_t *type)
{
    const struct cxm_column *const column = planning->column;
    *type = clock.dates || column->calendar != CXM_NO_CALENDAR ? CXM_KEY_DATE : CXM_KEY_TIME;
    if (column->calendar == CXM_NO_CALENDAR || clock.dates)
        return CXM_OK; /* dates are local days already */
    if (clock.zoned && column->n_zone == 0 && (column->flags & CXM_COLUMN_HAS_OFFSET) == 0)
        return refuse(planning, CXM_EINVAL,
                      "the instants belong to a time zone; pass utc_offset= or a zone table, "
                      "otherwise periods would begin at midnight UTC");
    return CXM_OK;
}

/* The key type of one part. */
static enum cxm_status part_type(const struct planning *planning, const struct cxm_column *part,
                                 int32_t *type)
{
    const struct cxm_column *const column = planning->column;
    const struct cxm_column *const values = part->dictionary != NULL ? part->dictionary : part;
    const bool number =
        cxm_priv_is_integer(values->type) || values->type == CXM_F32 || values->type == CXM_F64;
    const struct cxm_clock clock = cxm_priv_clock(column, part);
    const bool timed = number && clock.unit != CXM_NO_TIME;
    if (values->type == CXM_DECIMAL)
        return refuse(planning, CXM_EUNSUPPORTED,
                      "decimals cannot be keys; pass integers or text");
    if (column->calendar != CXM_NO_CALENDAR && (!timed || clock.duration))
        return refuse(planning, CXM_EINVAL,
                      cxm_priv_is_text(values->type)
                          ? "a calendar rule needs instants, and this is text: make dates of it first"
                          : "a calendar rule needs instants: integers with a time unit, or dates");
    if (timed && !clock.duration)
        return instant_type(planning, clock, type);
    if (timed || values->type == CXM_F32 || values->type == CXM_F64)
        *type = CXM_KEY_REAL; /* durations in seconds */
    else if (values->type == CXM_BOOL || values->type == CXM_BITS)
        *type = CXM_KEY_BOOL;
    else if (number)
        *type = values->type == CXM_U64 ? CXM_KEY_UINT : CXM_KEY_INT;
    else
        *type =
            part->dictionary != NULL && ordered(column, part) ? CXM_KEY_CATEGORY : CXM_KEY_TEXT;
    return CXM_OK;
}

/* Names of categories are kept as C strings: behind a NUL two of them would be one. */
static bool names_are_strings(const struct cxm_column *dictionary)
{
    for (int64_t i = 0; i < dictionary->n; i++) {
        struct cxm_text text;
        if (category_at(dictionary, i, &text) && text.bytes != NULL
            && memchr(text.bytes, 0, text.n) != NULL)
            return false;
    }
    return true;
}

/* The type that all parts share; parts of nothing but nulls fit every type. */
static enum cxm_status plan_parts(const struct planning *planning, struct cxm_key_plan *plan)
{
    const struct cxm_column *const column = planning->column;
    const struct cxm_column *const parts = column->n_chunks > 0 ? column->chunks : column;
    const int64_t n_parts = column->n_chunks > 0 ? column->n_chunks : 1;
    bool known = false;
    for (int64_t i = 0; i < n_parts; i++) {
        const struct cxm_column *const part = &parts[i];
        const struct cxm_column *const values =
            part->dictionary != NULL ? part->dictionary : part;
        int32_t type = CXM_KEY_INT;
        if (values->type == CXM_NULL)
            continue;
        const enum cxm_status status = part_type(planning, part, &type);
        if (status != CXM_OK)
            return status;
        if (known && type != plan->info.type)
            return refuse(planning, CXM_EINVAL, "the chunks of a key differ in type");
        if (known && type == CXM_KEY_CATEGORY && !same_categories(plan->categories, values))
            return refuse(planning, CXM_EINVAL,
                          "the chunks of an ordered category differ in their categories");
        known = true;
        plan->info.type = type;
        if (type != CXM_KEY_CATEGORY || plan->categories != NULL)
            continue;
        if (!names_are_strings(values))
            return refuse(planning, CXM_EUNSUPPORTED,
                          "the name of an ordered category contains a NUL character; pass the "
                          "texts themselves, or rename it");
        plan->categories = values;
    }
    plan->unknown = !known;
    return CXM_OK;
}

enum cxm_status cxm_priv_key_plan(const struct cxm_column *column, struct cxm_key_plan *out,
                                  struct cxm_error *error)
{
    const enum cxm_status checked = cxm_column_check(column, error);
    if (checked != CXM_OK)
        return checked;
    const char *const name = column->name != NULL ? column->name : "";
    const struct planning planning = { column, name[0] != '\0' ? name : "key", error };
    struct cxm_key_plan plan;
    memset(&plan, 0, sizeof plan);
    plan.info.type = CXM_KEY_INT; /* nothing but nulls */
    const enum cxm_status planned = plan_parts(&planning, &plan);
    if (planned != CXM_OK)
        return planned;
    cxm_priv_copy_text(plan.info.name, sizeof plan.info.name, name, strlen(name));
    plan.info.calendar = (int32_t)column->calendar;
    plan.words = plan.info.type != CXM_KEY_TEXT;
    *out = plan;
    return CXM_OK;
}

/* ---- words ---------------------------------------------------------------------------- */

static void mark_code(double code, const double *numbers, size_t n, uint8_t *states)
{
    for (size_t i = 0; i < n; i++)
        states[i] = numbers[i] == code ? CXM_ROW_MISSING : states[i];
}

static void load_words(const struct cxm_column *part, int64_t row, size_t n, uint64_t flip,
                       uint64_t *CXM_RESTRICT words)
{
    int64_t raw[CXM_SCRATCH];
    switch (part->type) {
    case CXM_U8: CXM_EACH(uint8_t, words[i] = v ^ flip); return;
    case CXM_U16: CXM_EACH(uint16_t, words[i] = v ^ flip); return;
    case CXM_U32: CXM_EACH(uint32_t, words[i] = v ^ flip); return;
    case CXM_I32: CXM_EACH(int32_t, words[i] = (uint64_t)(int64_t)v ^ flip); return;
    case CXM_I64: CXM_EACH(int64_t, words[i] = (uint64_t)v ^ flip); return;
    default: break;
    }
    for (size_t done = 0; done < n; done += CXM_SCRATCH) {
        const size_t count = n - done < CXM_SCRATCH ? n - done : CXM_SCRATCH;
        cxm_priv_load_integers(part, row + (int64_t)done, count, raw);
        for (size_t i = 0; i < count; i++)
            words[done + i] = (uint64_t)raw[i] ^ flip;
    }
}

/* Integers of any width, bool and bits: the whole range is a key. */
static void integer_words(const struct cxm_rules *rules, const struct cxm_column *part,
                          int64_t row, size_t n, void *out, uint8_t *states)
{
    uint64_t *const words = out;
    double numbers[CXM_SCRATCH];
    const bool is_signed =
        part->type != CXM_U64 && part->type != CXM_BOOL && part->type != CXM_BITS;
    load_words(part, row, n, is_signed ? CXM_SIGN_BIT : 0, words);
    memset(states, CXM_ROW_USED, n);
    for (size_t done = 0; rules->column->n_missing_codes > 0 && done < n; done += CXM_SCRATCH) {
        const size_t count = n - done < CXM_SCRATCH ? n - done : CXM_SCRATCH;
        cxm_priv_load_doubles(part, row + (int64_t)done, count, numbers);
        for (int64_t c = 0; c < rules->column->n_missing_codes; c++)
            mark_code(rules->column->missing_codes[c], numbers, count, states + done);
    }
    cxm_priv_mark_missing(rules, part, row, n, states);
}

/* Floats: ±inf are keys like others, so the reader of numbers does not serve here. */
static void real_words(const struct cxm_rules *rules, const struct cxm_column *part,
                       int64_t row, size_t n, void *out, uint8_t *states)
{
    uint64_t *const words = out;
    double numbers[CXM_SCRATCH];
    const bool floats = part->type == CXM_F32 || part->type == CXM_F64;
    const bool duration = rules->duration && rules->unit != CXM_NO_TIME;
    for (size_t done = 0; done < n; done += CXM_SCRATCH) {
        const size_t count = n - done < CXM_SCRATCH ? n - done : CXM_SCRATCH;
        uint8_t *const of_block = states + done;
        if (duration || !floats) {
            cxm_priv_plain_numbers(rules, part, row + (int64_t)done, count, numbers, of_block);
        } else {
            cxm_priv_load_doubles(part, row + (int64_t)done, count, numbers);
            for (size_t i = 0; i < count; i++)
                of_block[i] = numbers[i] != numbers[i] ? CXM_ROW_MISSING : CXM_ROW_USED;
            for (int64_t c = 0; c < rules->column->n_missing_codes; c++)
                mark_code(rules->column->missing_codes[c], numbers, count, of_block);
            cxm_priv_mark_missing(rules, part, row + (int64_t)done, count, of_block);
        }
        for (size_t i = 0; i < count; i++)
            words[done + i] = cxm_priv_word_of_real(numbers[i]);
    }
}

/* First days of periods, from dates or from instants in seconds. */
static void periods_of(const struct cxm_column *column, bool dates, size_t n, int64_t *values,
                       uint8_t *states)
{
    const int64_t most = INT64_MAX / 86400; /* as far as instants reach */
    if (!dates)
        cxm_priv_local_days(n, values, column->utc_offset, column->zone, column->n_zone);
    for (size_t i = 0; dates && i < n; i++) {
        const bool far = values[i] > most || values[i] < -most;
        values[i] = far ? 0 : values[i];
        states[i] = far && states[i] == CXM_ROW_USED ? CXM_ROW_INVALID : states[i];
    }
    cxm_priv_periods((enum cxm_calendar)column->calendar, n, values);
}

/* Dates and instants. A column of dates is read in days, as if its unit were the second: no
 * detour through seconds, and no time zone. Dates in finer units are the days of their midnights. */
static void time_words(const struct cxm_rules *rules, const struct cxm_column *part,
                       int64_t row, size_t n, void *out, uint8_t *states)
{
    uint64_t *const words = out;
    int64_t values[CXM_SCRATCH];
    const struct cxm_column *const column = rules->column;
    struct cxm_rules in_days = *rules;
    in_days.unit = CXM_S;
    for (size_t done = 0; done < n; done += CXM_SCRATCH) {
        const size_t count = n - done < CXM_SCRATCH ? n - done : CXM_SCRATCH;
        uint8_t *const of_block = states + done;
        const bool days = rules->unit == CXM_DAYS;
        cxm_priv_plain_times(days ? &in_days : rules, part, row + (int64_t)done, count, values,
                             of_block);
        if (rules->dates && !days)
            cxm_priv_local_days(count, values, 0, NULL, 0);
        if (column->calendar != CXM_NO_CALENDAR)
            periods_of(column, rules->dates, count, values, of_block);
        for (size_t i = 0; i < count; i++)
            words[done + i] = (uint64_t)values[i] ^ CXM_SIGN_BIT;
    }
}

static cxm_decode *decoder_of(int32_t type)
{
    switch (type) {
    case CXM_KEY_REAL: return real_words;
    case CXM_KEY_DATE:
    case CXM_KEY_TIME: return time_words;
    default: return integer_words;
    }
}

/* Whether a label says that this text means "no answer". */
static bool means_missing(const struct cxm_column *column, struct cxm_text text)
{
    for (int64_t i = 0; i < column->n_labels; i++) {
        const struct cxm_label *const label = &column->labels[i];
        if (label->missing && strlen(label->text) == text.n
            && memcmp(label->text, text.bytes, text.n) == 0)
            return true;
    }
    return false;
}

static bool has_missing_labels(const struct cxm_column *column)
{
    for (int64_t i = 0; i < column->n_labels; i++)
        if (column->labels[i].missing)
            return true;
    return false;
}

/* Text of one row of a part without dictionary. */
static uint8_t text_state(const struct cxm_column *column, bool labels,
                          const struct cxm_column *part, int64_t row, struct cxm_text *text)
{
    *text = (struct cxm_text){ NULL, 0 };
    if (cxm_priv_is_absent(part, row))
        return CXM_ROW_MISSING;
    if (!cxm_priv_text_at(part, row, text))
        return CXM_ROW_INVALID;
    if (text->bytes != NULL && labels && means_missing(column, *text))
        *text = (struct cxm_text){ NULL, 0 };
    return text->bytes != NULL ? CXM_ROW_USED : CXM_ROW_MISSING;
}

/* The index is the rank; a category without text, or that means "no answer", is missing. */
static void category_words(const struct cxm_rules *rules, const struct cxm_column *part,
                           int64_t row, size_t n, uint64_t *words, uint8_t *states)
{
    enum { FEW = 256 };
    int64_t indexes[CXM_SCRATCH];
    uint8_t few[FEW];
    const struct cxm_column *const dictionary = part->dictionary;
    const bool labels = has_missing_labels(rules->column);
    const bool table = dictionary->n <= FEW && n >= 64;
    struct cxm_text text;
    for (int64_t i = 0; table && i < dictionary->n; i++)
        few[i] = text_state(rules->column, labels, dictionary, i, &text);
    for (size_t done = 0; done < n; done += CXM_SCRATCH) {
        const size_t count = n - done < CXM_SCRATCH ? n - done : CXM_SCRATCH;
        cxm_priv_load_indexes(rules, part, row + (int64_t)done, count, indexes, states + done);
        for (size_t i = 0; i < count; i++) {
            uint8_t *const state = &states[done + i];
            words[done + i] = (uint64_t)indexes[i];
            if (*state == CXM_ROW_USED)
                *state = table
                             ? few[indexes[i]]
                             : text_state(rules->column, labels, dictionary, indexes[i], &text);
        }
    }
}

void cxm_priv_read_key_words(struct cxm_reader *reader, const struct cxm_key_plan *plan,
                             int64_t first, size_t n, uint64_t *words, uint8_t *states)
{
    const struct cxm_rules rules = cxm_priv_rules(reader->column);
    for (size_t done = 0; done < n;) {
        int64_t row = 0;
        const size_t count =
            cxm_priv_reader_span(reader, first + (int64_t)done, n - done, &row);
        if (count == 0)
            return;
        const struct cxm_column *const part = reader->part;
        const bool null = part->type == CXM_NULL
                          || (part->dictionary != NULL && part->dictionary->type == CXM_NULL);
        if (null)
            memset(states + done, CXM_ROW_MISSING, count);
        else if (plan->info.type == CXM_KEY_CATEGORY)
            category_words(&rules, part, row, count, words + done, states + done);
        else
            cxm_priv_decode(&rules, part, row, count, words + done, states + done,
                            decoder_of(plan->info.type));
        done += count;
    }
    const bool all = cxm_priv_all_used(states, n);
    for (size_t i = 0; !all && i < n; i++)
        words[i] = states[i] == CXM_ROW_USED ? words[i] : 0;
}

void cxm_priv_key_from_word(int32_t type, uint64_t word, struct cxm_key *out)
{
    memset(out, 0, sizeof *out);
    out->type = type;
    switch (type) {
    case CXM_KEY_INT:
    case CXM_KEY_DATE:
    case CXM_KEY_TIME:
        out->integer = (int64_t)(word ^ CXM_SIGN_BIT);
        out->real = (double)out->integer;
        break;
    case CXM_KEY_REAL: out->real = cxm_priv_real_of_word(word); break;
    case CXM_KEY_UINT: /* above INT64_MAX the integer holds the bits */
        out->integer = (int64_t)word;
        out->real = (double)word;
        break;
    default:
        out->integer = (int64_t)word;
        out->real = (double)word;
        break;
    }
}

/* ---- text ----------------------------------------------------------------------------- */

static void plain_texts(const struct cxm_rules *rules, const struct cxm_column *part,
                        int64_t row, size_t n, bool labels, struct cxm_text *text,
                        uint8_t *states)
{
    struct cxm_rules no_sentinel = *rules;
    no_sentinel.sentinel = false; /* it is an integer */
    memset(states, CXM_ROW_USED, n);
    cxm_priv_mark_missing(&no_sentinel, part, row, n, states);
    cxm_priv_texts_at(part, row, n, text, states);
    for (size_t i = 0; labels && i < n; i++) {
        if (states[i] == CXM_ROW_USED && means_missing(rules->column, text[i])) {
            text[i] = (struct cxm_text){ NULL, 0 };
            states[i] = CXM_ROW_MISSING;
        }
    }
}

/* Text of a small dictionary is looked up once per block, of a large one row by row. */
static void coded_texts(const struct cxm_rules *rules, const struct cxm_column *part,
                        int64_t row, size_t n, bool labels, struct cxm_text *text,
                        uint8_t *states)
{
    enum { FEW = 64 };
    struct cxm_text few[FEW];
    uint8_t few_states[FEW];
    int64_t indexes[CXM_SCRATCH];
    const struct cxm_column *const dictionary = part->dictionary;
    const bool table = dictionary->n <= FEW && n >= FEW;
    for (int64_t i = 0; table && i < dictionary->n; i++)
        few_states[i] = text_state(rules->column, labels, dictionary, i, &few[i]);
    for (size_t done = 0; done < n; done += CXM_SCRATCH) {
        const size_t count = n - done < CXM_SCRATCH ? n - done : CXM_SCRATCH;
        cxm_priv_load_indexes(rules, part, row + (int64_t)done, count, indexes, states + done);
        for (size_t i = done; i < done + count; i++) {
            const int64_t at = indexes[i - done];
            text[i] = (struct cxm_text){ NULL, 0 };
            if (states[i] != CXM_ROW_USED)
                continue;
            if (table)
                text[i] = few[at];
            states[i] = table ? few_states[at]
                              : text_state(rules->column, labels, dictionary, at, &text[i]);
        }
    }
}

void cxm_priv_read_key_text(struct cxm_reader *reader, int64_t first, size_t n,
                            struct cxm_text *text, uint8_t *states)
{
    const struct cxm_rules rules = cxm_priv_rules(reader->column);
    const bool labels = has_missing_labels(reader->column);
    for (size_t done = 0; done < n;) {
        int64_t row = 0;
        const size_t count =
            cxm_priv_reader_span(reader, first + (int64_t)done, n - done, &row);
        if (count == 0)
            return;
        const struct cxm_column *const part = reader->part;
        (part->dictionary != NULL ? coded_texts : plain_texts)(&rules, part, row, count, labels,
                                                               text + done, states + done);
        done += count;
    }
}

void cxm_priv_read_key_indexes(const struct cxm_column *column, int64_t first, size_t n,
                               int64_t *indexes, uint8_t *states)
{
    const struct cxm_rules rules = cxm_priv_rules(column);
    for (size_t done = 0; done < n; done += CXM_SCRATCH) {
        const size_t count = n - done < CXM_SCRATCH ? n - done : CXM_SCRATCH;
        cxm_priv_load_indexes(&rules, column, first + (int64_t)done, count, indexes + done,
                              states + done);
    }
}
