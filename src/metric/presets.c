/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The list of presets, by metric and name. A rule that could not be confirmed where the product
 * states it is marked as not verified; rules whose wording is unknown are not listed. */
#include "base/base.h"

#include <cxm/preset.h>

#define NUMBER(name, ...)                                                                      \
    { name, (const double[]){ __VA_ARGS__ },                                                   \
      sizeof((const double[]){ __VA_ARGS__ }) / sizeof(double), NULL, 0 }
#define TEXT(name, text) { name, NULL, 0, (const char *const[]){ text }, 1 }
#define TEXTS(name, ...)                                                                       \
    { name, NULL, 0, (const char *const[]){ __VA_ARGS__ },                                     \
      sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *) }
#define PARAMS(array) .params = array, .n_params = CXM_COUNT(array)

/* The classifications of churn and the Chinese terms of the metrics come from the same texts. */
#define ARTICLES "the Chinese articles on customer service whose terms summary_zh has (流失客户的分类)"
/* Any number of replies or reopens. */
#define ANY 1e6
#define WEEK 604800
#define DAY 86400

static const struct cxm_param two_replies[] = {
    NUMBER("min_replies", 0), NUMBER("max_replies", 1), NUMBER("max_reopens", ANY),
};
static const struct cxm_param one_reply[] = {
    NUMBER("min_replies", 1), NUMBER("max_replies", 1), NUMBER("max_reopens", ANY),
};
static const struct cxm_param no_message[] = {
    NUMBER("min_replies", 0), NUMBER("max_replies", 0), NUMBER("max_reopens", ANY),
};
static const struct cxm_param good_or_bad[] = { NUMBER("scale", 0, 1), NUMBER("satisfied", 1) };
static const struct cxm_param first_call[] = {
    NUMBER("window", DAY), TEXT("anchor", "opened"), NUMBER("lookback", DAY),
};
static const struct cxm_param a_week[] = { NUMBER("window", WEEK) };
static const struct cxm_param month[] = { NUMBER("window", 30 * DAY) };
static const struct cxm_param joined[] = { TEXT("denominator", "joined") };
static const struct cxm_param opening[] = { TEXT("denominator", "opening") };
static const struct cxm_param survivors[] = { TEXT("denominator", "survivors") };
static const struct cxm_param daily[] = { TEXT("denominator", "daily") };
static const struct cxm_param return_on[] = {
    TEXT("mode", "rolling"), TEXT("criterion", "on"), NUMBER("hour_floor", 1),
};
static const struct cxm_param return_on_or_after[] = {
    TEXT("mode", "rolling"), TEXT("criterion", "on_or_after"), TEXT("denominator", "customer"),
    NUMBER("hour_floor", 1),
};
static const struct cxm_param calendar_on[] = {
    TEXT("mode", "calendar"), TEXT("criterion", "on"),
};
static const struct cxm_param calendar_on_or_after[] = {
    TEXT("mode", "calendar"), TEXT("criterion", "on_or_after"),
};
static const struct cxm_param rolling_on[] = {
    TEXT("mode", "rolling"), TEXT("criterion", "on"),
};
static const struct cxm_param on_or_after[] = {
    TEXT("mode", "rolling"), TEXT("criterion", "on_or_after"),
};
static const struct cxm_param through[] = {
    TEXTS("causes", "value", "system", "people", "unknown"),
};
static const struct cxm_param through_zh[] = {
    TEXTS("causes", "价值流失", "系统流失", "员工流失", "未知"),
};
static const struct cxm_param type[] = {
    TEXTS("causes", "natural", "malicious", "competitive", "fault", "unknown"),
};
static const struct cxm_param type_zh[] = {
    TEXTS("causes", "自然流失", "恶意流失", "竞争流失", "过失流失", "未知"),
};
static const struct cxm_param quarter_hour[] = { NUMBER("target", 900) };

static const struct cxm_preset_info presets[] = {
    { .name = "baremetrics_churn", .product = "Baremetrics", .metric = "churn",
      .measure = "churn", PARAMS(opening), .verified = 1, .date = "2026",
      .source = "help.baremetrics.com article 5380347",
      .reason = "all customers lost in 30 days, those who joined in them too, over the customers "
                "30 days ago",
      .inputs = "" },
    { .name = "chartmogul_churn", .product = "ChartMogul (standard)", .metric = "churn",
      .measure = "churn", .verified = 1, .date = "2026",
      .source = "help.chartmogul.com articles 207340419, 203359341",
      .reason = "lost of the customers at the start of the period; the library's default",
      .inputs = "" },
    { .name = "chartmogul_shopify_churn", .product = "ChartMogul (Shopify)", .metric = "churn",
      .measure = "churn", PARAMS(daily), .verified = 0, .date = "2026",
      .source = "help.chartmogul.com articles 207340419, 203359341",
      .reason = "a sum of daily rates; here of 30 days on which customers come and go evenly",
      .inputs = "" },
    { .name = "profitable_churn", .product = "profitable (Ruby, 2024)", .metric = "churn",
      .measure = "churn", PARAMS(survivors), .verified = 1, .date = "2024",
      .source = "the project's source code, 2024",
      .reason = "over those of the start who are still there: losses make the base smaller",
      .inputs = "" },
    { .name = "profitwell_churn", .product = "ProfitWell", .metric = "churn",
      .measure = "churn", .verified = 1, .date = "2026",
      .source = "paddle.com/help, churn and profitwell-vs-chargebee",
      .reason = "whoever joins and leaves in the same month is ignored; the library's default",
      .inputs = "" },
    { .name = "stripe_churn", .product = "Stripe Billing", .metric = "churn",
      .measure = "churn", PARAMS(joined), .verified = 1, .date = "2026",
      .source = "support.stripe.com/questions/calculating-churn-rate-in-billing",
      .reason = "all customers lost, over those 30 days ago and all who joined since",
      .inputs = "" },
    { .name = "amplitude_return_on", .product = "Amplitude (Return On)", .metric = "cohorts",
      .measure = "retention", PARAMS(return_on), .verified = 1, .date = "2026",
      .source = "amplitude.com/docs, retention analysis: FAQ and time",
      .reason = "periods of 24 hours from each start, times floored to the hour; a customer who "
                "starts again opens no second window here, as it does there",
      .inputs = "" },
    { .name = "amplitude_return_on_calendar", .product = "Amplitude (Return On, calendar)",
      .metric = "cohorts", .measure = "retention", PARAMS(calendar_on), .verified = 1,
      .date = "2026", .source = "amplitude.com/docs, retention analysis: FAQ and time",
      .reason = "days, weeks or months of the project's calendar in place of periods of 24 hours: "
                "a return soon after midnight is one of day 1",
      .inputs = "" },
    { .name = "amplitude_return_on_or_after", .product = "Amplitude (Return On or After)",
      .metric = "cohorts", .measure = "retention", PARAMS(return_on_or_after), .verified = 1,
      .date = "2026", .source = "amplitude.com/docs, retention analysis: FAQ and time",
      .reason = "back in the period or later, of the customers who have reached the period; times "
                "floored to the hour",
      .inputs = "" },
    { .name = "amplitude_return_on_or_after_calendar",
      .product = "Amplitude (Return On or After, calendar)", .metric = "cohorts",
      .measure = "retention", PARAMS(calendar_on_or_after), .verified = 1, .date = "2026",
      .source = "amplitude.com/docs, retention analysis: FAQ and time",
      .reason = "back in the period of the calendar or in a later one",
      .inputs = "" },
    { .name = "mixpanel_on", .product = "Mixpanel (On)", .metric = "cohorts",
      .measure = "retention", PARAMS(rolling_on), .verified = 1, .date = "2026",
      .source = "mixpanel/docs, reports/retention.mdx, August 2026",
      .reason = "back in that period, counted from each start; periods that are not over are left "
                "out of its average",
      .inputs = "" },
    { .name = "mixpanel_on_or_after", .product = "Mixpanel (On or After)", .metric = "cohorts",
      .measure = "retention", PARAMS(on_or_after), .verified = 1, .date = "2026",
      .source = "mixpanel/docs, reports/retention.mdx, August 2026",
      .reason = "back in the period or later, periods counted from each start; its documented "
                "average weights cohorts by size twice (measure size_weighted)",
      .inputs = "" },
    { .name = "zendesk_satisfaction", .product = "Zendesk", .metric = "csat",
      .measure = "csat", PARAMS(good_or_bad), .verified = 0, .date = "2026",
      .source = "help.scorebuddy.com article 9610976; the product's own page was not read",
      .reason = "good / (good + bad) on a scale of two; unrated and only offered tickets are "
                "missing",
      .inputs = "score = 1 good, 0 bad, missing when only offered" },
    { .name = "call_centre_helper_fcr", .product = "Call Centre Helper", .metric = "fcr_window",
      .measure = "fcr", PARAMS(a_week), .verified = 1, .date = "2026",
      .source = "callcentrehelper.com, first-call resolution",
      .reason = "no further contact of the customer within 7 days; the library's default",
      .inputs = "" },
    { .name = "easemob_first_call", .product = "Easemob (环信)", .metric = "fcr_window",
      .measure = "fcr", PARAMS(first_call), .verified = 1, .date = "2026",
      .source = "docs.easemob.com/cs/call-center/firstresolution",
      .reason = "first calls, none in 24 h before, with none in 24 h after; both are settings "
                "(lookback, window)",
      .inputs = "" },
    { .name = "thirty_day_fcr", .product = "30-day rule of some centres", .metric = "fcr_window",
      .measure = "fcr", PARAMS(month), .verified = 0, .date = "2026",
      .source = "common in the trade; no single source",
      .reason = "a month without a further contact: lower, and known a month later",
      .inputs = "" },
    { .name = "fivetran_dbt_zendesk_one_touch", .product = "Fivetran dbt_zendesk",
      .metric = "one_touch", .measure = "one_touch", PARAMS(one_reply), .verified = 1,
      .date = "2026", .source = "fivetran/dbt_zendesk, source code",
      .reason = "exactly one public comment of an agent; none is no one-touch; reopening does "
                "not matter",
      .inputs = "" },
    { .name = "freshservice_fcr", .product = "Freshservice", .metric = "one_touch",
      .measure = "one_touch", PARAMS(no_message), .verified = 1, .date = "2026",
      .source = "support.freshservice.com article 50000004904",
      .reason = "the customer wrote nothing more; any number of replies of agents",
      .inputs = "replies = messages of the customer after the first" },
    { .name = "zendesk_one_touch", .product = "Zendesk Explore (older rule)",
      .metric = "one_touch", .measure = "one_touch", PARAMS(two_replies), .verified = 1,
      .date = "2026", .source = "support.zendesk.com article 4408820618266, English copy",
      .reason = "fewer than two replies of agents: a ticket solved without one counts; reopening "
                "does not matter",
      .inputs = "" },
    { .name = "zendesk_one_touch_2", .product = "Zendesk Explore (newer rule)",
      .metric = "one_touch", .measure = "one_touch", PARAMS(one_reply), .verified = 1,
      .date = "2026", .source = "support.zendesk.com article 4408820618266, later German copy",
      .reason = "exactly one reply of an agent, so none is no one-touch; reopening does not matter",
      .inputs = "" },
    { .name = "chartmogul_gross_mrr_churn", .product = "ChartMogul", .metric = "revenue",
      .measure = "gross_churn", .verified = 1, .date = "2026",
      .source = "help.chartmogul.com articles 207340419, 203359341",
      .reason = "(churn + contraction) / revenue at the start",
      .inputs = "" },
    { .name = "chartmogul_net_mrr_churn", .product = "ChartMogul", .metric = "revenue",
      .measure = "net_churn_reactivation", .verified = 1, .date = "2026",
      .source = "help.chartmogul.com articles 207340419, 203359341",
      .reason = "expansion and reactivation offset what was lost; the library's net_churn leaves "
                "reactivation out",
      .inputs = "" },
    { .name = "zammad_first_solution", .product = "Zammad", .metric = "sla",
      .measure = "closed", PARAMS(quarter_hour), .verified = 0, .date = "2026",
      .source = "zammad/zammad-admin-documentation#24; its base is not stated there",
      .reason = "closed within 15 minutes of creation, still counted when reopened; here of the "
                "tickets that were closed",
      .inputs = "answered = when it was closed" },
    { .name = "churn_through", .product = "causes of churn",
      .metric = "survival", .measure = "events[cause]", PARAMS(through), .verified = 1,
      .date = "2026", .source = ARTICLES,
      .reason = "what customers were lost through (价值、系统、员工)",
      .inputs = "cause = one of these, in English or Chinese" },
    { .name = "churn_through_zh", .product = "causes of churn (中文)",
      .metric = "survival", .measure = "events[cause]", PARAMS(through_zh), .verified = 1,
      .date = "2026", .source = ARTICLES,
      .reason = "价值、系统、员工: what customers were lost through",
      .inputs = "cause = one of these, in English or Chinese" },
    { .name = "churn_type", .product = "causes of churn",
      .metric = "survival", .measure = "events[cause]", PARAMS(type), .verified = 1,
      .date = "2026", .source = ARTICLES,
      .reason = "the kind of the loss (自然、恶意、竞争、过失)",
      .inputs = "cause = one of these, in English or Chinese" },
    { .name = "churn_type_zh", .product = "causes of churn (中文)",
      .metric = "survival", .measure = "events[cause]", PARAMS(type_zh), .verified = 1,
      .date = "2026", .source = ARTICLES,
      .reason = "自然、恶意、竞争、过失: the kind of the loss",
      .inputs = "cause = one of these, in English or Chinese" },
};

size_t cxm_preset_count(void)
{
    return CXM_COUNT(presets);
}

const struct cxm_preset_info *cxm_preset_at(size_t index)
{
    return index < CXM_COUNT(presets) ? &presets[index] : NULL;
}

const struct cxm_preset_info *cxm_preset_find(const char *name)
{
    for (size_t i = 0; name != NULL && i < CXM_COUNT(presets); i++) {
        if (strcmp(presets[i].name, name) == 0)
            return &presets[i];
    }
    return NULL;
}
