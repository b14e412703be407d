/* cmd_report.h: a command below `records`.
 * Tests: e2e/test_report.py. */
#ifndef GT_CMD_REPORT_H
#define GT_CMD_REPORT_H

#include "cli.h"

extern const struct gt_option gt_cmd_report_options[];
gt_cmd gt_cmd_report;

#endif
