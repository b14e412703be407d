#include "error.h"

struct row {
	int code;
	const char *name, *en, *zh;
};

static const struct row rows[] = {
#define X(name, number, en, zh) {number, #name, en, zh},
        GT_ERRORS(X)
#undef X
};

static const struct row *find(int code)
{
	static const struct row none = {0, "OK", "ok", "正常"};
	static const struct row odd = {0, "OTHER", "unknown error", "未知错误"};
	int want = code < 0 ? -code : code;
	if (want == 0)
		return &none;
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].code == want)
			return &rows[i];
	return &odd;
}

const char *gt_strerror(int code)
{
	return find(code)->en;
}

const char *gt_strerror_zh(int code)
{
	return find(code)->zh;
}

const char *gt_errname(int code)
{
	return find(code)->name;
}
