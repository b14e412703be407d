/* f_person.c: a name as somebody types it, up to the line's end, and behind it
 * what he may be met in.
 *
 * Whoever is named is met as that name by itself, and as an agent under it; what
 * is met as JSON stays met when it is read and written once more. */
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "person.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(struct gt_person *p, struct gt_bytes text)
{
	json_error_t error;
	struct gt_buffer again = {0};
	json_t *v = gt_json_load(text, 0, &error);
	(void)gt_person_in_bytes(p, text);
	if (!v)
		return;
	enum gt_person_met met = gt_person_in(p, v);
	if (gt_json_canon(&again, v) == 0) {
		json_t *w = gt_json_load(gt_buffer_bytes(&again), 0, &error);
		assert(!w || gt_person_in(p, w) == met);
		json_decref(w);
	}
	gt_buffer_free(&again);
	json_decref(v);
}

/* An account of that name is he, wherever it is. */
static void is_he(struct gt_person *p, const char *name)
{
	json_t *v = json_pack("{s:{s:s,s:s}}", "account", "homePage",
	                      "http://h.cn", "name", name);
	assert(!v || gt_person_in(p, v) == GT_PERSON_AGENT);
	json_decref(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gt_person p = {0};
	const uint8_t *lf = size ? memchr(data, '\n', size) : NULL;
	size_t n = lf ? (size_t)(lf - data) : size;
	char *name = calloc(n + 1, 1);
	assert(name);
	if (n)
		memcpy(name, data, n);
	int status = gt_person_name(&p, name);
	assert(status == 0 || status == -GT_EINVALID || status == -GT_ELIMIT);
	if (status == 0) {
		if (!strpbrk(name, ":|"))
			is_he(&p, name);
		look(&p, lf ? gt_bytes_of(lf + 1, size - n - 1)
		            : gt_bytes_of(NULL, 0));
	}
	gt_person_free(&p);
	free(name);
	return 0;
}
