/* o_statement.c: COUNT statements, drawn and spoilt, one a line, each behind what
 * we say of it under xAPI 1.0.3: "+" it is taken, "-" it is not, and why. Read by
 * oracle.js. */
#include <stdio.h>
#include <stdlib.h>

#include "statement.h"
#include "statement_draw.h"

int main(int argc, char **argv)
{
	static const uint8_t ids[1][GT_UUID_BYTES] = {
	        {0x12, [6] = 0x40, [8] = 0x80}};
	int n = argc > 1 ? atoi(argv[1]) : 1000;
	struct draw d = {.random = 521288629u};
	for (int i = 0; i < n; i++) {
		struct gt_statement s;
		char why[300];
		d.wild = i % 4 == 0 ? 0 : i % 4 == 1 ? 200 : 40;
		draw_statement(&d);
		if (i % 20 == 19)
			draw_damage(&d);
		for (size_t k = 0; k < d.o.n; k++)
			if (d.o.p[k] < ' ')
				d.o.p[k] = ' ';
		int rc = gt_statements_parse(gt_buffer_bytes(&d.o), GT_XAPI_1,
		                             ids, 1, &s, 1, why, sizeof why);
		for (char *p = why; *p; p++)
			if ((unsigned char)*p < ' ')
				*p = ' ';
		printf("%s\t%s\t%.*s\n", rc == 1 ? "+" : "-",
		       rc == 1 ? "" : why, (int)d.o.n, (const char *)d.o.p);
	}
	gt_buffer_free(&d.o);
	return 0;
}
