/* How commands end, and what they say of it.
 * Tests: u_cli.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "nearest.h"
#include "say.h"
#include "translate.h"
#include "word.h"

enum gt_exit gt_cli_exit(int status)
{
	switch (status < 0 ? -status : status) {
	case 0:
		return GT_EXIT_OK;
	case GT_ECLOSED:
		return GT_EXIT_NOT_RUNNING;
	case GT_EUNKNOWN:
		return GT_EXIT_NOT_FOUND;
	case GT_EDENIED:
	case GT_ECONFLICT:
	case GT_ESTATE:
	case GT_ESTALE:
	case GT_EREVOKED:
		return GT_EXIT_DENIED;
	default:
		return GT_EXIT_FAILED;
	}
}

const char *gt_cli_told(char out[GT_CLI_SENTENCE], const char *sentence)
{
	char local[GT_LOCAL_TEXT];
	const char *text = gt_local_text(local, sentence);
	const char *told = gt_say_advice(out, text);
	/* out alone outlives this */
	if (told != local)
		return told;
	gt_format(out, GT_CLI_SENTENCE, "%s", local);
	return out;
}

const char *gt_cli_sentence(char out[GT_CLI_SENTENCE], const char *sentence)
{
	char text[GT_TRANSLATE_MAX];
	const char *told = gt_cli_told(out, gt_translate(text, NULL, sentence));
	if (told != text)
		return told;
	gt_format(out, GT_CLI_SENTENCE, "%s", text);
	return out;
}

enum gt_exit gt_cli_fail(struct gt_cli *cli, int status, const char *why)
{
	char text[GT_CLI_SENTENCE];
	(void)fprintf(cli->err, "guantong: %s\n", gt_cli_sentence(text, why));
	return gt_cli_exit(status);
}

enum gt_exit gt_cli_no_memory(struct gt_cli *cli)
{
	return gt_cli_fail(cli, -GT_ENOMEM, gt_text(GT_T_CLI_NOMEM));
}

bool gt_cli_json(struct gt_cli *cli, const json_t *value)
{
	char *text = value ? json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY)
	                   : NULL;
	if (!text)
		return false;
	(void)fprintf(cli->out, "%s\n", text);
	free(text);
	return true;
}

enum gt_exit gt_cli_complaints(struct gt_cli *cli, const char *what, int status,
                               struct gt_complaints *c, json_t *also)
{
	enum gt_exit code = gt_cli_exit(status);
	json_t *list = cli->json ? json_array() : NULL;
	for (size_t i = 0; i < c->n; i++) {
		char text[GT_CLI_SENTENCE];
		if (cli->json)
			(void)json_array_append_new(list, json_string(c->v[i]));
		else
			(void)fprintf(cli->err, "%s\n",
			              gt_cli_told(text, c->v[i]));
	}
	if (cli->json) {
		json_t *v = json_pack("{s:s, s:b, s:O}", "file", what, "ok",
		                      status == 0, "complaints", list);
		if ((also && json_object_update(v, also) != 0) ||
		    !gt_cli_json(cli, v))
			code = gt_cli_no_memory(cli);
		json_decref(v);
	} else if (status == 0) {
		gt_say(cli->out, GT_T_CLI_CHECK_OK, what);
	}
	json_decref(also);
	json_decref(list);
	gt_complaints_free(c);
	return code;
}

bool gt_cli_number(struct gt_cli *cli, const struct gt_args *args,
                   const char *name, uint64_t min, uint64_t max, uint64_t *out)
{
	const char *text = gt_args_get(args, name);
	char *end = NULL;
	if (!text)
		return true;
	errno = 0;
	unsigned long long v = strtoull(text, &end, 10);
	if (*text >= '0' && *text <= '9' && *end == '\0' && errno == 0 &&
	    v >= min && v <= max) {
		*out = v;
		return true;
	}
	gt_say(cli->err, GT_T_CLI_NUMBER, name, (unsigned long long)min,
	       (unsigned long long)max, text);
	return false;
}

bool gt_cli_choice(struct gt_cli *cli, const struct gt_args *args,
                   const char *name, const char *const *words,
                   enum gt_text list)
{
	const char *value = gt_args_get(args, name);
	if (!value)
		return true;
	size_t n = 0;
	for (; words[n]; n++)
		if (strcmp(value, words[n]) == 0)
			return true;
	const char *meant = gt_word_meant(value, words, n);
	if (meant)
		gt_say(cli->err, GT_T_CLI_VALUE_NEAR, name, value, meant);
	else
		gt_say(cli->err, GT_T_CLI_CHOICE, name, value, gt_text(list));
	return false;
}

bool gt_cli_words(struct gt_cli *cli, const struct gt_args *args,
                  const char *name, const char *const *words)
{
	size_t at = 0, n = 0;
	const char *value;
	char list[400];
	while (words[n])
		n++;
	while ((value = gt_args_next(args, name, &at))) {
		const char *meant = gt_word_slip(value, words);
		if (meant) {
			gt_say(cli->err, GT_T_CLI_VALUE_NEAR, name, value,
			       meant);
			return false;
		}
		if (gt_word_usual(value, words) || strpbrk(value, "*?"))
			continue;
		gt_nearest_list(list, sizeof list, words, n);
		gt_say(cli->err, GT_T_CLI_VALUE_UNKNOWN, name, value, list);
	}
	return true;
}
