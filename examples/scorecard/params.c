/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Parameters of a metric: the registry says what each of them looks like, so that a new metric
 * needs no new line here. */
#include "card.h"

#include <stdlib.h>
#include <string.h>

struct origin {
    const struct config *config;
    struct section *section;
    const struct cxm_param_info *info;
    const struct entry *entry;
};

bool metric_has_input(const struct cxm_metric_info *metric, const char *name)
{
    for (int32_t i = 0; i < metric->n_inputs; i++)
        if (strcmp(metric->inputs[i].name, name) == 0)
            return true;
    return false;
}

/* One more parameter, with room for `n_numbers` numbers. */
static struct cxm_param *add_param(struct params *params, const char *name, size_t n_numbers)
{
    const size_t n = ++params->n;
    params->list = resize(params->list, n, sizeof *params->list);
    params->texts = resize(params->texts, n, sizeof *params->texts);
    params->numbers = resize(params->numbers, n, sizeof *params->numbers);
    params->texts[n - 1] = (struct words){ 0 };
    params->numbers[n - 1] = zeroed(n_numbers, sizeof(double));
    params->list[n - 1] = (struct cxm_param){ .name = name,
                                              .numbers = params->numbers[n - 1],
                                              .n_numbers = n_numbers };
    return &params->list[n - 1];
}

static void set_texts(struct params *params, const struct words *words)
{
    struct words *texts = &params->texts[params->n - 1];
    for (size_t i = 0; i < words->n; i++)
        words_add(texts, words->item[i]);
    params->list[params->n - 1].texts = (const char *const *)texts->item;
    params->list[params->n - 1].n_texts = texts->n;
}

static double one_number(const struct origin *origin, const char *word)
{
    static const char *const yes_no[] = { "no", "yes", "false", "true" };
    double number = 0;
    if (parse_number(word, strlen(word), &number))
        return number;
    for (size_t i = 0; i < 4 && origin->info->kind == CXM_PARAM_YES_NO; i++)
        if (strcmp(word, yes_no[i]) == 0)
            return (double)(i % 2);
    fail_at(origin->config->path, origin->entry->line, "%s: \"%s\" is not %s",
            origin->info->name, word,
            origin->info->kind == CXM_PARAM_YES_NO ? "yes or no" : "a number");
}

static void read_numbers(struct params *params, const struct origin *origin)
{
    struct words words = split(origin->entry->value, ',');
    const size_t wanted = origin->info->kind == CXM_PARAM_PAIR      ? 2
                          : origin->info->kind == CXM_PARAM_NUMBERS ? words.n
                                                                    : 1;
    if (words.n != wanted)
        fail_at(origin->config->path, origin->entry->line,
                wanted == 2 ? "%s takes two numbers, such as 0, 10" : "%s takes one value",
                origin->info->name);
    add_param(params, origin->info->name, words.n);
    for (size_t i = 0; i < words.n; i++)
        params->numbers[params->n - 1][i] = one_number(origin, words.item[i]);
    words_free(&words);
}

static void read_choice(struct params *params, const struct origin *origin)
{
    struct words words = { 0 };
    words_add(&words, origin->entry->value);
    add_param(params, origin->info->name, 0);
    set_texts(params, &words);
    words_free(&words);
}

static size_t find_item(const struct origin *origin, const struct words *items,
                        const char *item)
{
    for (size_t i = 0; i < items->n; i++)
        if (strcmp(items->item[i], item) == 0)
            return i;
    fail_at(origin->config->path, origin->entry->line, "\"%s\" is none of the items", item);
}

/* "dimension reliability = p1, p2" and its sisters: names, and the group of every item. */
static void read_grouping(struct params *params, const struct config *config,
                          struct section *section, const struct cxm_param_info *info,
                          const struct words *items)
{
    const size_t prefix = strlen(info->name);
    struct words names = { 0 };
    double *groups = NULL;
    for (size_t i = 0; i < section->n_entries; i++) {
        struct entry *entry = &section->entries[i];
        const struct origin origin = { config, section, info, entry };
        if (strncmp(entry->key, info->name, prefix) != 0 || entry->key[prefix] != ' ')
            continue;
        entry->used = true;
        if (groups == NULL) {
            add_param(params, info->name, items->n);
            groups = params->numbers[params->n - 1];
            for (size_t k = 0; k < items->n; k++)
                groups[k] = -1;
        }
        struct words members = split(entry->value, ',');
        for (size_t k = 0; k < members.n; k++) {
            double *group = &groups[find_item(&origin, items, members.item[k])];
            if (*group >= 0)
                fail_at(config->path, entry->line, "\"%s\" is in a %s already", members.item[k],
                        info->name);
            *group = (double)names.n;
        }
        words_add(&names, entry->key + prefix + 1);
        words_free(&members);
    }
    if (groups != NULL)
        set_texts(params, &names);
    words_free(&names);
}

static void read_texts(struct params *params, const struct cxm_param_info *info,
                       const struct words *words)
{
    add_param(params, info->name, 0);
    set_texts(params, words);
}

/* Items are called like their columns unless the section names them. */
static struct words item_names(const struct config *config, struct section *section,
                               const struct cxm_metric_info *metric, const struct words *items)
{
    const char *key = metric_has_input(metric, "items") ? "items names" : "items";
    struct entry *entry = section_find(section, key);
    struct words names = { 0 };
    if (entry != NULL) {
        entry->used = true;
        names = split(entry->value, ',');
        if (names.n != items->n)
            fail_at(config->path, entry->line, "%zu names for %zu items", names.n, items->n);
        return names;
    }
    for (size_t i = 0; i < items->n; i++)
        words_add(&names, items->item[i]);
    return names;
}

struct params params_read(const struct config *config, struct section *section,
                          const struct cxm_metric_info *metric, const struct words *items)
{
    struct params params = { 0 };
    struct words names = item_names(config, section, metric, items);
    for (int32_t i = 0; i < metric->n_params; i++) {
        const struct cxm_param_info *info = &metric->params[i];
        if (info->kind == CXM_PARAM_GROUPING) {
            read_grouping(&params, config, section, info, &names);
            continue;
        }
        if (info->kind == CXM_PARAM_TEXTS && strcmp(info->name, "items") == 0) {
            if (names.n > 0)
                read_texts(&params, info, &names);
            continue;
        }
        struct entry *entry = section_find(section, info->name);
        if (entry == NULL || metric_has_input(metric, info->name))
            continue;
        entry->used = true;
        const struct origin origin = { config, section, info, entry };
        if (info->kind == CXM_PARAM_CHOICE) {
            read_choice(&params, &origin);
        } else if (info->kind == CXM_PARAM_TEXTS) {
            struct words words = split(entry->value, ',');
            read_texts(&params, info, &words);
            words_free(&words);
        } else {
            read_numbers(&params, &origin);
        }
    }
    words_free(&names);
    return params;
}

void params_free(struct params *params)
{
    for (size_t i = 0; i < params->n; i++) {
        words_free(&params->texts[i]);
        free(params->numbers[i]);
    }
    free(params->list);
    free(params->texts);
    free(params->numbers);
    *params = (struct params){ 0 };
}
