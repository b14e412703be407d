#include "args.h"

#include <stdlib.h>
#include <string.h>

#include "encoding.h"
#include "nearest.h"
#include "say.h"

enum { WORD = 40, KNOWN = 64 };

/* ------------------------------------------------------------ parse */

struct parse {
	struct gt_args *out;
	const struct gt_option *tables[2];
	int argc;
	char *const *argv;
	int i;
	FILE *err;
};

static const struct gt_option *find(const struct parse *p, const char *name,
                                    size_t n, char letter)
{
	for (int t = 0; t < 2; t++) {
		const struct gt_option *o = p->tables[t];
		for (; o && o->name; o++)
			if (letter ? o->letter == letter
			           : strlen(o->name) == n &&
			                     strncmp(o->name, name, n) == 0)
				return o;
	}
	return NULL;
}

static bool unknown(const struct parse *p, const char *word)
{
	const char *known[KNOWN];
	char name[WORD + 1];
	size_t n = 0;
	for (int t = 0; t < 2; t++) {
		const struct gt_option *o = p->tables[t];
		for (; o && o->name && n < KNOWN; o++)
			known[n++] = o->name;
	}
	(void)gt_copy(name, sizeof name, word + strspn(word, "-"));
	name[strcspn(name, "=")] = '\0';
	const char *near = gt_nearest(name, known, n, GT_SLIPS_TYPED);
	if (near)
		gt_say(p->err, GT_T_CLI_OPTION_NEAR, word, near);
	else
		gt_say(p->err, GT_T_CLI_OPTION_UNKNOWN, word);
	return false;
}

static bool add(struct parse *p, const struct gt_option *o, const char *value)
{
	p->out->v[p->out->n++] = (struct gt_arg){o, value};
	return true;
}

/* What stands where a value should is another option: the value was left out.
 * One that is meant to look so is given with `=`. */
static bool is_option(const struct parse *p, const char *word)
{
	return strncmp(word, "--", 2) == 0 && word[2] != '\0' &&
	       find(p, word + 2, strcspn(word + 2, "="), 0) != NULL;
}

static bool take_value(struct parse *p, const struct gt_option *o,
                       const char *inline_value)
{
	if (inline_value && !o->value) {
		gt_say(p->err, GT_T_CLI_OPTION_NO_VALUE, o->name);
		return false;
	}
	if (inline_value || !o->value)
		return add(p, o, inline_value ? inline_value : "");
	if (p->i + 1 >= p->argc || is_option(p, p->argv[p->i + 1])) {
		gt_say(p->err, GT_T_CLI_OPTION_VALUE, o->name, o->value);
		return false;
	}
	return add(p, o, p->argv[++p->i]);
}

static bool take_long(struct parse *p, const char *word)
{
	const char *eq = strchr(word, '=');
	size_t n = eq ? (size_t)(eq - word) - 2 : strlen(word) - 2;
	const struct gt_option *o = find(p, word + 2, n, 0);
	return o ? take_value(p, o, eq ? eq + 1 : NULL) : unknown(p, word);
}

static bool take_letters(struct parse *p, const char *word)
{
	for (const char *c = word + 1; *c; c++) {
		const struct gt_option *o = find(p, NULL, 0, *c);
		if (!o)
			return unknown(p, word);
		if (o->value)
			return take_value(p, o, c[1] ? c + 1 : NULL);
		if (!add(p, o, ""))
			return false;
	}
	return true;
}

bool gt_args_parse(struct gt_args *out, const struct gt_option *a,
                   const struct gt_option *b, int argc, char *const *argv,
                   bool stop_at_word, int *used, FILE *err)
{
	struct parse p = {out, {a, b}, argc, argv, 0, err};
	bool ok = true, only_words = false;
	/* letters may be bundled, so a word can give more than one */
	size_t most = 1;
	for (int i = 0; i < argc; i++)
		most += strlen(argv[i]) + 1;
	*out = (struct gt_args){NULL, 0};
	if (argc > GT_ARGS_MAX || !(out->v = calloc(most, sizeof *out->v))) {
		gt_say(err, GT_T_CLI_NOMEM);
		return false;
	}
	for (; ok && p.i < argc; p.i++) {
		const char *word = argv[p.i];
		if (only_words || word[0] != '-' || word[1] == '\0') {
			if (stop_at_word)
				break;
			ok = add(&p, NULL, word);
		} else if (strcmp(word, "--") == 0) {
			only_words = true;
		} else {
			ok = word[1] == '-' ? take_long(&p, word)
			                    : take_letters(&p, word);
		}
	}
	if (used)
		*used = p.i;
	return ok;
}

void gt_args_free(struct gt_args *args)
{
	free(args->v);
	*args = (struct gt_args){NULL, 0};
}

/* ------------------------------------------------------------- text */

bool gt_args_utf8(const char *what, const char *value, FILE *err)
{
	struct gt_encoding e;
	char text[1024];
	if (!gt_encoding_other(&e, gt_bytes_str(value)))
		return true;
	if (e.name)
		gt_say_into(text, sizeof text, GT_T_CLI_ARG_ENCODING, what,
		            e.name, e.shown);
	else
		gt_say_into(text, sizeof text, GT_T_CLI_ARG_NO_UTF8, what);
	/* the terminal it was typed at cannot show UTF-8 either */
	gt_encoding_print(err, text);
	return false;
}

/* A file's name may be any bytes. */
static bool is_path(const char *what)
{
	static const char *const paths[] = {"FILE", "DIR", "OUT", "PATH",
	                                    "yaml"};
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		if (strstr(what, paths[i]))
			return true;
	return false;
}

bool gt_args_text(const struct gt_args *args, const char *words, FILE *err)
{
	char what[WORD + 1] = "";
	bool ok = true;
	for (size_t i = 0; ok && i < args->n; i++) {
		const struct gt_option *o = args->v[i].option;
		if (o) {
			gt_format(what, sizeof what, "--%s", o->name);
			ok = !o->value || is_path(o->value) ||
			     gt_args_utf8(what, args->v[i].value, err);
			continue;
		}
		/* the last one may be repeated */
		size_t n = strcspn(words, " ");
		if (n > 0)
			gt_format(what, sizeof what, "%.*s", (int)n, words);
		words += n + (words[n] == ' ');
		ok = is_path(what) || gt_args_utf8(what, args->v[i].value, err);
	}
	return ok;
}

/* -------------------------------------------------------------- ask */

const char *gt_args_next(const struct gt_args *args, const char *name,
                         size_t *at)
{
	while (*at < args->n) {
		const struct gt_arg *a = &args->v[(*at)++];
		if (a->option && strcmp(a->option->name, name) == 0)
			return a->value;
	}
	return NULL;
}

const char *gt_args_get(const struct gt_args *args, const char *name)
{
	const char *v = NULL, *last = NULL;
	size_t at = 0;
	while ((v = gt_args_next(args, name, &at)))
		last = v;
	return last;
}

const char *gt_args_word(const struct gt_args *args, size_t i)
{
	for (size_t k = 0; k < args->n; k++)
		if (!args->v[k].option && i-- == 0)
			return args->v[k].value;
	return NULL;
}

size_t gt_args_words(const struct gt_args *args)
{
	size_t n = 0;
	for (size_t k = 0; k < args->n; k++)
		n += !args->v[k].option;
	return n;
}
