/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Binds sections of the configuration to metrics. What a metric takes comes from the registry
 * of the library; only the keys that every section knows are listed here. */
#include "bind.h"
#include "cohort.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char common_keys[] =
    "title, title_zh, file, delimiter, by, period, utc_offset, names <column>, missing, "
    "labels, weight, freq, invalid, missing_key, measures, interval, small_n, axis";

static const char cohort_keys[] =
    "title, title_zh, file, delimiter, utc_offset, invalid, measures, customer, time, "
    "missing customer, missing time, as_of, unit, mode, criterion, denominator";

size_t binding_choice(const struct binding *binding, const struct entry *entry,
                      const char *const *choices)
{
    for (size_t i = 0; choices[i] != NULL; i++)
        if (strcmp(entry->value, choices[i]) == 0)
            return i;
    char *list = format_text("choose from");
    for (size_t i = 0; choices[i] != NULL; i++) {
        char *longer = format_text("%s%s %s", list, i > 0 ? "," : "", choices[i]);
        free(list);
        list = longer;
    }
    binding_fail(binding, entry, list);
}

/* ---- options of a section ---------------------------------------------------------------- */

static int32_t bind_count(const struct binding *binding, const struct entry *entry)
{
    double number = 0;
    if (!parse_number(entry->value, strlen(entry->value), &number) || number < 0
        || number > INT32_MAX || floor(number) < number)
        binding_fail(binding, entry, "not a whole number, 0 or more");
    return (int32_t)number;
}

static void bind_axis(struct card *card, const struct binding *binding)
{
    const struct entry *entry = binding_find(binding, "axis");
    if (entry == NULL)
        return;
    struct words ends = split(entry->value, ',');
    for (size_t i = 0; i < 2; i++)
        if (ends.n != 2 || !parse_number(ends.item[i], strlen(ends.item[i]), &card->axis[i]))
            binding_fail(binding, entry, "write two numbers, such as -100, 100");
    if (card->axis[0] >= card->axis[1])
        binding_fail(binding, entry, "the first number must be the smaller one");
    words_free(&ends);
}

static void bind_options(struct card *card, const struct binding *binding,
                         const struct options *options)
{
    static const char *const missing_keys[] = { "keep", "leave_out", NULL };
    const struct entry *missing_key = binding_find(binding, "missing_key");
    const struct entry *measures = binding_find(binding, "measures");
    const struct entry *interval = binding_find(binding, "interval");
    const struct entry *small_n = binding_find(binding, "small_n");
    card->add = (struct cxm_add_options){
        .size = sizeof card->add,
        .invalid = binding->strict ? CXM_INVALID_ERROR : CXM_INVALID_COUNT,
        .threads = options->threads,
    };
    card->estimate =
        (struct cxm_estimate_options){ .size = sizeof card->estimate, .level = options->level };
    if (missing_key != NULL)
        card->add.missing_key = (int32_t)binding_choice(binding, missing_key, missing_keys);
    if (measures != NULL)
        card->measures = split(measures->value, ',');
    if (interval != NULL)
        card->estimate.interval = cxm_interval_from_name(interval->value);
    if (card->estimate.interval < 0)
        binding_fail(binding, interval, "no such interval; wilson, t and wald are some");
    if (small_n != NULL)
        card->estimate.small_n = bind_count(binding, small_n);
    bind_axis(card, binding);
}

/* ---- sections ---------------------------------------------------------------------------- */

static char *list_metrics(void)
{
    char *list = copy_text("", 0);
    for (size_t i = 0; i < cxm_metric_count(); i++) {
        char *longer = format_text("%s%s%s", list, i > 0 ? ", " : "", cxm_metric_at(i)->name);
        free(list);
        list = longer;
    }
    return list;
}

/* "share reopened" is the metric share, with a name of its own. */
static const struct cxm_metric_info *find_metric(const struct config *config,
                                                 const struct section *section)
{
    char *name = copy_text(section->name, strcspn(section->name, " "));
    const struct cxm_metric_info *metric = cxm_metric_find(name);
    if (metric == NULL)
        fail_at(config->path, section->line, "there is no metric \"%s\"; there are %s", name,
                list_metrics());
    free(name);
    return metric;
}

static char find_delimiter(const struct binding *binding)
{
    static const char *const names[] = { "comma", "semicolon", "tab", NULL };
    const struct entry *entry = binding_find(binding, "delimiter");
    return entry == NULL ? ',' : ",;\t"[binding_choice(binding, entry, names)];
}

static struct source *find_source(struct cards *cards, const struct binding *binding)
{
    const struct entry *entry = binding_find(binding, "file");
    if (entry == NULL)
        fail_at(binding->config->path, binding->section->line, "[%s] needs \"file = ...\"",
                binding->section->name);
    const char *config_path = binding->config->path, *slash = strrchr(config_path, '/');
    const int folder_bytes = slash != NULL ? (int)(slash - config_path) + 1 : 0;
    char *path = *entry->value == '/' ? copy_text(entry->value, strlen(entry->value))
                 : cards->options->data != NULL
                     ? format_text("%s/%s", cards->options->data, entry->value)
                     : format_text("%.*s%s", folder_bytes, config_path, entry->value);
    const char delimiter = find_delimiter(binding);
    for (size_t i = 0; i < cards->n_sources; i++) {
        if (strcmp(cards->sources[i]->path, path) != 0
            || cards->sources[i]->delimiter != delimiter)
            continue;
        free(path);
        return cards->sources[i];
    }
    cards->sources = resize(cards->sources, cards->n_sources + 1, sizeof *cards->sources);
    struct source *source = zeroed(1, sizeof *source);
    source->path = path;
    source->delimiter = delimiter;
    cards->sources[cards->n_sources++] = source;
    return source;
}

/* The library names the parameter that it refuses; here it gets its line. */
static void make_tallies(struct card *card)
{
    struct cxm_error error;
    for (size_t i = 0; i < card->n_tables; i++) {
        if (cxm_tally_new(card->metric->name, card->params.list, card->params.n, NULL,
                          &card->tables[i].tally, &error)
            == CXM_OK)
            continue;
        const struct entry *entry = section_find(card->section, error.column);
        fail_at(card->config->path, entry != NULL ? entry->line : card->section->line,
                "[%s] %s", card->section->name, error.message);
    }
}

static void check_keys(const struct card *card)
{
    const int32_t n = card->events != NULL ? 0 : card->metric->n_inputs + card->metric->n_params;
    char *known = format_text("%s", card->events != NULL ? cohort_keys : common_keys);
    for (int32_t i = 0; i < n; i++) {
        const bool input = i < card->metric->n_inputs;
        char *longer =
            format_text("%s, %s", known,
                        input ? card->metric->inputs[i].name
                              : card->metric->params[i - card->metric->n_inputs].name);
        free(known);
        known = longer;
    }
    section_check_used(card->config, card->section, known);
    free(known);
}

static struct card bind_card(struct cards *cards, const struct config *config,
                             struct section *section)
{
    static const char *const invalid_names[] = { "error", "count", NULL };
    struct binding binding = { .config = config, .section = section, .strict = true };
    binding.metric = find_metric(config, section);
    binding.source = find_source(cards, &binding);
    const struct entry *invalid = binding_find(&binding, "invalid");
    if (invalid != NULL)
        binding.strict = binding_choice(&binding, invalid, invalid_names) == 0;
    struct card card = {
        .config = config, .section = section, .metric = binding.metric, .source = binding.source
    };
    const bool cohorts = strcmp(binding.metric->name, "cohorts") == 0;
    if (cohorts) {
        cohort_bind(&card, &binding);
    } else {
        struct words items = bind_inputs(&card, &binding);
        card.params = params_read(config, section, binding.metric, &items);
        words_free(&items);
        bind_tables(&card, &binding);
    }
    bind_options(&card, &binding, cards->options);
    binding_find(&binding, "title");
    binding_find(&binding, "title_zh");
    if (!cohorts)
        make_tallies(&card);
    check_keys(&card);
    return card;
}

/* A default that no section needed is fine, as long as it is one. */
static void check_common(const struct config *config)
{
    struct words keys = split(common_keys, ',');
    for (size_t i = 0; i < keys.n; i++)
        config_find(config, config->common, keys.item[i]);
    section_check_used(config, config->common, common_keys);
    words_free(&keys);
}

struct cards cards_bind(const struct config *config, const struct options *options)
{
    struct cards cards = { .options = options };
    cards.card = zeroed(config->n_sections, sizeof *cards.card);
    for (size_t i = 0; i < config->n_sections; i++)
        if (&config->sections[i] != config->common)
            cards.card[cards.n++] = bind_card(&cards, config, &config->sections[i]);
    if (config->common != NULL)
        check_common(config);
    return cards;
}

const char *card_title(const struct card *card, const struct options *options)
{
    const struct entry *title = section_find(card->section, "title");
    const struct entry *title_zh = section_find(card->section, "title_zh");
    if (options->chinese)
        return title_zh != NULL ? title_zh->value : card->metric->summary_zh;
    if (title != NULL)
        return title->value;
    const char *space = strchr(card->section->name, ' ');
    return space != NULL ? space + 1 : card->metric->summary;
}

static void card_free(struct card *card)
{
    for (size_t i = 0; i < card->n_fields; i++) {
        free(card->fields[i].cells);
        free(card->fields[i].combined);
    }
    for (size_t i = 0; i < card->n_tables; i++) {
        cxm_tally_free(card->tables[i].tally);
        free(card->tables[i].keys);
        free(card->tables[i].name);
    }
    cohort_free(card->events);
    free(card->fields);
    free(card->tables);
    params_free(&card->params);
    words_free(&card->measures);
}

void cards_free(struct cards *cards)
{
    for (size_t i = 0; i < cards->n; i++)
        card_free(&cards->card[i]);
    for (size_t i = 0; i < cards->n_sources; i++) {
        source_free(cards->sources[i]);
        free(cards->sources[i]);
    }
    free(cards->card);
    free(cards->sources);
    *cards = (struct cards){ 0 };
}
