/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The words of the printed scorecard. */
#include "words.h"

static const char *const words[WORD_COUNT][2] = {
    [WORD_TOTAL] = { "Total", "合计" },
    [WORD_BY] = { "by", "按" },
    [WORD_INTERVAL] = { "interval", "置信区间" },
    [WORD_N] = { "n", "样本量" },
    [WORD_MISSING] = { "missing", "缺失" },
    [WORD_INVALID] = { "invalid", "无效" },
    [WORD_EXCLUDED] = { "excluded", "排除" },
    [WORD_ROWS] = { "rows", "行" },
    [WORD_USED] = { "used", "有效" },
    [WORD_NO_KEY] = { "(missing)", "（缺失）" },
    [WORD_MORE] = { "more groups; --rows 0 shows all", "个分组未显示；--rows 0 显示全部" },
    [WORD_MEDIAN] = { "median", "中位数" },
    [WORD_MORE_PERIODS] = { "more periods; a wider COLUMNS or --json shows them",
                            "个周期未显示；加宽 COLUMNS 或用 --json 查看" },
    [WORD_POOLED] = { "pooled", "合并" },
    [WORD_WEIGHTED] = { "weighted, effective n", "加权，有效样本量" },
};

static const char *const chinese_units[] = {
    [CXM_UNIT_SHARE] = "比例", [CXM_UNIT_POINTS] = "分", [CXM_UNIT_SCALE] = "量表值",
    [CXM_UNIT_RATIO] = "比值", [CXM_UNIT_SECONDS] = "秒", [CXM_UNIT_COUNT] = "个",
    [CXM_UNIT_PER_CUSTOMER] = "每客户", [CXM_UNIT_PER_1000] = "每千", [CXM_UNIT_MONEY] = "金额",
};

const char *word_text(enum word word, bool chinese)
{
    return words[word][chinese];
}

const char *unit_text(enum cxm_unit unit, bool chinese)
{
    const bool known = (size_t)unit < sizeof chinese_units / sizeof *chinese_units;
    return chinese && known ? chinese_units[unit] : cxm_unit_name(unit);
}
