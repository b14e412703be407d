#include "flaws.h"

#include <stdlib.h>
#include <string.h>

#include "say.h"

FILE *gt_flaws_open(struct gt_flaws *f)
{
	assert(!f->open);
	f->said = NULL;
	f->open = open_memstream(&f->said, &f->nsaid);
	return f->open;
}

/* Takes the text. */
static void keep(struct gt_flaws *f, const struct gt_flaw *flaw)
{
	size_t at = f->kept;
	while (at > 0 && f->v[at - 1].entry > flaw->entry)
		at--;
	f->n++;
	if (at == GT_FLAWS_TOLD) {
		free(flaw->text);
		return;
	}
	if (f->kept == GT_FLAWS_TOLD)
		free(f->v[--f->kept].text);
	memmove(f->v + at + 1, f->v + at, (f->kept - at) * sizeof *f->v);
	f->v[at] = *flaw;
	f->kept++;
}

void gt_flaws_close(struct gt_flaws *f, size_t entry, enum gt_exit code,
                    FILE *err)
{
	if (f->open)
		(void)fclose(f->open);
	f->open = NULL;
	if (code) {
		keep(f, &(struct gt_flaw){entry, code, f->said});
	} else {
		if (f->said)
			(void)fputs(f->said, err);
		free(f->said);
	}
	f->said = NULL;
}

enum gt_exit gt_flaws_tell(struct gt_flaws *f, size_t all, FILE *err)
{
	enum gt_exit code = f->kept > 0 ? f->v[0].code : GT_EXIT_OK;
	for (size_t i = 0; i < f->kept; i++) {
		if (f->v[i].text)
			(void)fputs(f->v[i].text, err);
		free(f->v[i].text);
	}
	if (f->n > f->kept)
		gt_say(err, GT_T_CLI_FLAWS_MORE, f->n, all, f->kept);
	*f = (struct gt_flaws){.kept = 0};
	return code;
}
