#include "status_list.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "json.h"

bool gt_list_named(const char *name, char code[GT_CODE_MAX + 1],
                   int64_t *number)
{
	static const char before[] = "urn:guantong:";
	char again[GT_LIST_CHARS];
	if (strncmp(name, before, sizeof before - 1) != 0)
		return false;
	const char *from = name + sizeof before - 1, *colon = strchr(from, ':');
	const char *last = strrchr(from, ':');
	size_t n = colon ? (size_t)(colon - from) : 0;
	if (n == 0 || n > GT_CODE_MAX || strspn(last + 1, "0123456789") > 3)
		return false;
	memcpy(code, from, n);
	code[n] = '\0';
	*number = strtoll(last + 1, NULL, 10);
	gt_list_name(again, code, *number);
	return *number >= 0 && *number < GT_LIST_NUMBERS &&
	       gt_code_valid(code) && strcmp(again, name) == 0;
}

int gt_list_pack(struct gt_buffer *out, const json_t *list)
{
	struct gt_buffer text = {0};
	int status = gt_json_canon(&text, list);
	if (status == 0 && text.n > GT_LIST_TEXT_MAX)
		status = -GT_ELIMIT;
	size_t room = ZSTD_compressBound(text.n);
	if (status == 0 && !gt_buffer_room(out, room))
		status = -GT_ENOMEM;
	size_t n = status == 0 ? ZSTD_compress(out->p + out->n, room, text.p,
	                                       text.n, 3)
	                       : 0;
	gt_buffer_free(&text);
	if (status == 0 && ZSTD_isError(n))
		status = -GT_ENOMEM;
	if (status == 0 && n > GT_LIST_PACKED_MAX)
		status = -GT_ELIMIT;
	out->n += status == 0 ? n : 0;
	return status;
}

int gt_list_unpack(json_t **out, struct gt_bytes packed)
{
	json_error_t error;
	struct gt_buffer text = {0};
	*out = NULL;
	if (packed.n == 0 || packed.n > GT_LIST_PACKED_MAX)
		return -GT_EMALFORMED;
	/* one frame and nothing behind it; errors are beyond every size */
	if (ZSTD_findFrameCompressedSize(packed.p, packed.n) != packed.n)
		return -GT_EMALFORMED;
	unsigned long long size = ZSTD_getFrameContentSize(packed.p, packed.n);
	if (size == 0 || size > GT_LIST_TEXT_MAX)
		return -GT_EMALFORMED;
	if (!gt_buffer_room(&text, (size_t)size))
		return -GT_ENOMEM;
	size_t n = ZSTD_decompress(text.p, (size_t)size, packed.p, packed.n);
	bool whole = n == size;
	bool short_ = ZSTD_getErrorCode(n) == ZSTD_error_memory_allocation;
	if (whole)
		*out = gt_json_load(gt_bytes_of(text.p, n), GT_JSON_STRICT,
		                    &error);
	gt_buffer_free(&text);
	if (*out)
		return 0;
	/* what memory was short for has no words */
	return short_ || (whole && !*error.text) ? -GT_ENOMEM : -GT_EMALFORMED;
}
