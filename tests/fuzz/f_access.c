/* f_access.c: any bytes as a file of credentials, and as a text of scopes. What is
 * taken is written, and what is written is taken again and is the same; a text of
 * scopes never opens what none of its names does. */
#include <stdlib.h>
#include <string.h>

#include "credentials.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void file(const uint8_t *data, size_t size)
{
	struct gt_credentials one, two;
	int status = gt_credentials_parse(&one, gt_bytes_of(data, size));
	check(status == 0 || status == -GT_EINVALID);
	if (status != 0)
		return;
	char *text = gt_credentials_text(&one);
	check(text != NULL);
	check(gt_credentials_parse(&two, gt_bytes_str(text)) == 0);
	check(one.n == two.n && one.nformer == two.nformer);
	for (size_t i = 0; i < one.n; i++) {
		check(one.v[i].scopes != 0 &&
		      one.v[i].scopes == two.v[i].scopes);
		check(strcmp(one.v[i].name, two.v[i].name) == 0);
		check(i == 0 || strcmp(one.v[i - 1].name, one.v[i].name) < 0);
	}
	char *again = gt_credentials_text(&two);
	check(again && strcmp(text, again) == 0);
	free(text);
	free(again);
	gt_credentials_free(&one);
	gt_credentials_free(&two);
}

static void scopes(const uint8_t *data, size_t size)
{
	char text[512], wrong[80], said[GT_SCOPE_TEXT];
	unsigned set = 0, again = 0;
	size = size < sizeof text - 1 ? size : sizeof text - 1;
	memcpy(text, data, size);
	text[size] = '\0';
	if (!gt_scope_parse(&set, text, wrong, sizeof wrong)) {
		check(strlen(wrong) < sizeof wrong && set == 0);
		return;
	}
	check(set != 0 && (set & ~(unsigned)GT_SCOPE_ALL) == 0);
	check(strstr(text, "write") || strstr(text, "all") ||
	      !(set & GT_SCOPE_WRITE));
	gt_scope_text(said, set);
	check(gt_scope_parse(&again, said, NULL, 0) && again == set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0 && data[0] == '{')
		file(data, size);
	else
		scopes(data, size);
	return 0;
}
