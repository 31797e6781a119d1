/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The list of all analyses, in the order of their names. */
#include "base/base.h"

#include <cxm/analysis.h>

static const struct cxm_analysis_info analyses[] = {
    { "adjust", "P-values adjusted for being several", "多重比较校正", "Holm 1979; Benjamini & "
      "Hochberg 1995" },
    { "backlog", "Tickets opened and not resolved, at instants and on average", "积压量",
      "Little 1961" },
    { "bg_nbd", "Orders to come of customers without a contract", "购买预测模型 BG/NBD",
      "Fader, Hardie & Lee 2005" },
    { "breakdown", "Shares of channels or causes, the largest first", "构成与帕累托分析", "Juran 1951" },
    { "business_seconds", "Seconds of business hours between two instants", "营业时间",
      "Zendesk 2024" },
    { "change_point", "Where a series changes its level", "变点检测",
      "Hawkins 1977; Pettitt 1979; Andrews 1993" },
    { "chart", "Control charts: is the process in control?", "控制图",
      "Shewhart 1931; Page 1954; Roberts 1959; Laney 2002" },
    { "cohorts", "Cohort matrix: who came back in which period after the start", "同期群留存",
      "Amplitude 2026; Mixpanel 2026" },
    { "compare", "Difference of two waves or segments, group by group, within and mix",
      "对比分析", "Rocks 2016; Newcombe 1998; Welch 1947; Kitagawa 1955" },
    { "compare_groups", "Do groups differ, and which: tests of all, differences with adjusted p",
      "多组比较", "Cochran 1954; Haberman 1973; Kruskal & Wallis 1952" },
    { "competing_risks", "Cumulative incidence of churn by reason", "按原因的累计流失率",
      "Aalen & Johansen 1978; Betensky & Schoenfeld 2001" },
    { "contribution", "How unevenly value is spread among customers", "客户贡献度", "Gini 1912" },
    { "customer_lifetime_value", "What every customer is worth from now on", "客户生命周期价值",
      "Fader, Hardie & Lee 2005" },
    { "detectable_difference", "Smallest difference that a sample finds with a given power",
      "可检出差异", "Cohen 1988" },
    { "durations", "How long customers stayed, as known at an instant", "客户存续时间",
      "Kaplan & Meier 1958" },
    { "fcr_km", "First-contact resolution with contacts that are pending", "首接解决率（生存分析）",
      "Kaplan & Meier 1958" },
    { "gamma_gamma", "What an order is worth", "消费金额模型 Gamma-Gamma",
      "Fader, Hardie & Lee 2005" },
    { "histories", "First, last, number and amount of every customer's orders", "客户购买历史",
      "Fader, Hardie & Lee 2005" },
    { "kaplan_meier", "Survival curve: the share of customers that stay", "客户留存曲线",
      "Kaplan & Meier 1958; Brookmeyer & Crowley 1982" },
    { "league", "Groups in the order of their values, with limits of their ranks", "排行榜",
      "Mohamad, Goeman & van Zwet 2019; Holm 1979" },
    { "lifetime_value", "Lifetime value of a constant margin", "客户生命周期价值",
      "Berger & Nasr 1998" },
    { "logrank", "Are the survival curves of groups the same?", "留存曲线的对数秩检验",
      "Mantel 1966; Fleming & Harrington 1991" },
    { "margin_of_error", "Half the width of the interval that a sample will give", "误差范围",
      "Cochran 1977" },
    { "power", "Chance that a sample finds a difference", "检验功效", "Cohen 1988" },
    { "preset_report", "One data set under the rules of several products", "厂商口径对比",
      "rules of the products, 2024 to 2026" },
    { "quantiles", "Quantiles, exact or of a stream", "分位数",
      "Hyndman & Fan 1996; Masson, Rim & Lee 2019" },
    { "rfm", "Customers by recency, frequency and monetary value", "客户分层 RFM", "Hughes 1994" },
    { "run_rules", "Patterns that a process in control rarely shows", "判异准则",
      "Western Electric 1956; Nelson 1984" },
    { "sample_size", "Answers needed for a margin of error or a power", "样本量",
      "Cochran 1977; Cohen 1988" },
    { "scorecard", "Several results with their targets", "客户体验记分卡",
      "Clopper & Pearson 1934; Tango 1998" },
    { "shifted_beta_geometric", "Retention projected from who left when", "客户留存预测",
      "Fader & Hardie 2007" },
    { "standardise", "A rate with the groups in reference proportions", "标准化率", "Yule 1934" },
    { "target", "Whether a measure reaches its target", "目标达成",
      "Clopper & Pearson 1934; Tango 1998" },
    { "ticket_times", "How long tickets wait, those still waiting counted as such", "响应时间",
      "Kaplan & Meier 1958" },
    { "trend", "Trend over waves or months", "趋势检验",
      "Cochran 1954; Armitage 1955; Mann 1945" },
};

size_t cxm_analysis_count(void)
{
    return CXM_COUNT(analyses);
}

const struct cxm_analysis_info *cxm_analysis_at(size_t index)
{
    return index < CXM_COUNT(analyses) ? &analyses[index] : NULL;
}

const struct cxm_analysis_info *cxm_analysis_find(const char *name)
{
    for (size_t i = 0; name != NULL && i < CXM_COUNT(analyses); i++) {
        if (strcmp(analyses[i].name, name) == 0)
            return &analyses[i];
    }
    return NULL;
}
