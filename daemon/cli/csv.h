/* csv.h: rows for spreadsheets (RFC 4180).
 * Tests: e2e/test_house.py, e2e/test_report.py. */
#ifndef GT_CSV_H
#define GT_CSV_H

#include <stdbool.h>
#include <stdio.h>

/* A cell, and what ends it; one that a spreadsheet would take for a formula is
 * disarmed. */
void gt_csv_cell(FILE *out, const char *text, bool last);

#endif
