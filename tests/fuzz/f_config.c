/* f_config.c: any bytes as a configuration. What is taken prints, and what is
 * printed is taken again and prints the same. */
#include <stdlib.h>
#include <string.h>

#include "config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct gt_config config, again;

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void round_trip(void)
{
	struct gt_complaints c = {0};
	char *text = gt_config_write(&config, "zh-CN");
	check(text != NULL);
	check(gt_config_parse(&again, "again", gt_bytes_str(text), "en", &c) ==
	      0);
	gt_complaints_free(&c);
	free(text);
	text = gt_config_print(&config);
	char *second = gt_config_print(&again);
	check(text && second && strcmp(text, second) == 0);
	free(text);
	free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gt_complaints c = {0};
	int rc = gt_config_parse(&config, "fuzz", gt_bytes_of(data, size),
	                         size % 2 ? "en" : "zh-CN", &c);
	check(rc == 0 || (rc == -GT_EINVALID && c.n > 0));
	for (size_t i = 0; i < c.n; i++)
		check(strncmp(c.v[i], "fuzz:", 5) == 0 &&
		      !strchr(c.v[i], '\n'));
	gt_complaints_free(&c);
	if (rc == 0)
		round_trip();
	return 0;
}
