#include "listing.h"

#include "say.h"
#include "term.h"
#include "word.h"

static const char *cell(const json_t *v, char form, char room[GT_LOCAL_TIME])
{
	const char *text = gt_json_string(v);
	if (json_is_integer(v)) {
		gt_format(room, GT_LOCAL_TIME, "%lld",
		          (long long)json_integer_value(v));
		return room;
	}
	if (form == 'i')
		return gt_local_iso(room, text);
	return form == 'w' ? gt_word(text) : text;
}

static enum gt_exit print_listing(struct gt_cli *cli,
                                  const struct gt_listing *l,
                                  const json_t *answer)
{
	const char *heads[GT_LISTING_COLUMNS];
	for (size_t i = 0; i < l->n; i++)
		heads[i] = gt_text(l->heads[i]);
	struct gt_table *t = gt_table_new(l->align, heads);
	bool ok = t != NULL;
	size_t row;
	json_t *r;
	json_array_foreach(json_object_get(answer, l->list), row, r)
	{
		const char *cells[GT_LISTING_COLUMNS] = {NULL};
		char room[GT_LISTING_COLUMNS][GT_LOCAL_TIME];
		for (size_t i = 0; i < l->n; i++)
			cells[i] = cell(json_object_get(r, l->keys[i]),
			                l->forms[i], room[i]);
		ok = ok && gt_table_row(t, cells);
	}
	if (ok)
		gt_table_print(t, cli->out, gt_term_columns(cli->out));
	gt_table_free(t);
	return ok ? GT_EXIT_OK : gt_cli_no_memory(cli);
}

enum gt_exit gt_listing_run(struct gt_cli *cli, const struct gt_listing *l)
{
	enum gt_exit code;
	json_t *answer;
	struct gt_client *client = gt_cli_open(cli, &code);
	if (!client)
		return code;
	int status = gt_client_get(client, l->path, 0, &answer);
	if (gt_cli_answered(cli, client, status, answer, &code))
		code = print_listing(cli, l, answer);
	json_decref(answer);
	gt_client_close(client);
	return code;
}
