#include "csv.h"

#include <string.h>

void gt_csv_cell(FILE *out, const char *text, bool last)
{
	bool formula = *text && strchr("=+-@\t\r", *text);
	(void)fputc('"', out);
	if (formula)
		(void)fputc('\'', out);
	for (; *text; text++) {
		if (*text == '"')
			(void)fputc('"', out);
		(void)fputc(*text, out);
	}
	(void)fputs(last ? "\"\r\n" : "\",", out);
}
