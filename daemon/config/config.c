#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "address.h"
#include "code.h"
#include "config_certify.h"
#include "config_table.h"
#include "files.h"
#include "measure.h"
#include "protocol.h"
#include "translate.h"
#include "yaml.h"

/* A configuration being read. places[i]: where row i was given, NULL: it was
 * not. */
struct reading {
	struct gt_config *out;
	struct gt_yaml yaml;
	const struct gt_yaml_node *places[GT_CONFIG_ROWS];
};

/* Why a value was refused: a text and what goes into it. */
struct refusal {
	enum gt_text what;
	char a[64], b[64];
};

static void *field(struct gt_config *c, const struct gt_config_row *row)
{
	return (char *)c + row->offset;
}

static bool refuse(struct refusal *why, enum gt_text what)
{
	why->what = what;
	return false;
}

/* ---------------------------------------------------- single values */

static bool set_number(void *dst, const struct gt_config_row *row,
                       const char *text, struct refusal *why)
{
	uint64_t v = 0;
	bool ok = false;
	char *end;
	if (row->type == GT_CONFIG_SIZE) {
		ok = gt_measure_read_size(&v, text);
		why->what = GT_T_CONF_BAD_SIZE;
		gt_measure_size_exact(why->a, row->min);
		gt_measure_size_exact(why->b, row->max);
	} else if (row->type == GT_CONFIG_DURATION) {
		ok = gt_measure_read_duration(&v, text);
		why->what = GT_T_CONF_BAD_DURATION;
		gt_measure_duration_exact(why->a, row->min);
		gt_measure_duration_exact(why->b, row->max);
	} else {
		size_t n = strspn(text, "0123456789");
		ok = n > 0 && n < 19 && text[n] == '\0';
		v = ok ? strtoull(text, &end, 10) : 0;
		why->what = GT_T_CONF_BAD_COUNT;
		gt_format(why->a, sizeof why->a, "%" PRIu64, row->min);
		gt_format(why->b, sizeof why->b, "%" PRIu64, row->max);
	}
	if (!ok)
		return false;
	if (v < row->min || v > row->max)
		return refuse(why, GT_T_CONF_RANGE);
	memcpy(dst, &v, sizeof v);
	return true;
}

/* "https://host", "http://host:port", as browsers write an origin. */
static bool is_origin(const char *text)
{
	char address[256 + 8];
	size_t n = strncmp(text, "https://", 8) == 0  ? 8
	           : strncmp(text, "http://", 7) == 0 ? 7
	                                              : 0;
	const char *host = text + n, *port = strrchr(host, ':');
	if (n == 0 || strlen(host) > 255)
		return false;
	bool bare = !port || strchr(port, ']');
	gt_format(address, sizeof address, "%s%s", host, bare ? ":1" : "");
	return gt_address_valid(address, false);
}

static bool set_text(void *dst, const struct gt_config_row *row,
                     const char *text, struct refusal *why)
{
	if (!text[0] && row->min > 0)
		return refuse(why, GT_T_CONF_EMPTY);
	if (text[0] && row->type == GT_CONFIG_CODE && !gt_code_valid(text))
		return refuse(why, GT_T_CONF_BAD_CODE);
	bool word = strcmp(text, "auto") == 0 || strcmp(text, "off") == 0;
	if (row->type == GT_CONFIG_DOOR && !word &&
	    !gt_address_valid(text, true))
		return refuse(why, GT_T_CONF_BAD_DOOR);
	if (text[0] && row->type == GT_CONFIG_LISTEN &&
	    !gt_address_valid(text, true))
		return refuse(why, GT_T_CONF_BAD_ADDRESS);
	if (text[0] && row->type == GT_CONFIG_ORIGIN && !is_origin(text))
		return refuse(why, GT_T_CONF_BAD_ORIGIN);
	gt_format(why->a, sizeof why->a, "%zu", row->cap - 1);
	return gt_copy(dst, row->cap, text) || refuse(why, GT_T_CONF_LONG);
}

static bool set_bool(void *dst, const char *text, struct refusal *why)
{
	bool v = strcmp(text, "true") == 0;
	if (!v && strcmp(text, "false") != 0)
		return refuse(why, GT_T_CONF_BAD_BOOL);
	memcpy(dst, &v, sizeof v);
	return true;
}

static int choice(const struct gt_config_row *row, const char *text)
{
	for (size_t i = 0; i < row->nchoices; i++)
		if (strcmp(row->choices[i], text) == 0)
			return (int)i;
	return -1;
}

static bool set_choice(void *dst, const struct gt_config_row *row,
                       const char *text)
{
	int i = choice(row, text);
	if (i < 0)
		return false;
	if (row->type == GT_CONFIG_LEVEL)
		memcpy(dst, &i, sizeof i);
	else
		gt_copy(dst, row->cap, text);
	return true;
}

/* Any row that takes one scalar and no list. */
static bool set_scalar(struct gt_config *c, const struct gt_config_row *row,
                       const char *text, struct refusal *why)
{
	void *dst = field(c, row);
	switch (row->type) {
	case GT_CONFIG_CODE:
	case GT_CONFIG_TEXT:
	case GT_CONFIG_LISTEN:
	case GT_CONFIG_DOOR:
	case GT_CONFIG_ORIGIN:
		return set_text(dst, row, text, why);
	case GT_CONFIG_WORD:
	case GT_CONFIG_LEVEL:
		return set_choice(dst, row, text);
	case GT_CONFIG_BOOL:
		return set_bool(dst, text, why);
	case GT_CONFIG_COUNT:
	case GT_CONFIG_SIZE:
	case GT_CONFIG_DURATION:
		return set_number(dst, row, text, why);
	case GT_CONFIG_ADDRESSES:
	case GT_CONFIG_NAMES:
	case GT_CONFIG_USERS:
	case GT_CONFIG_CERTIFY:
		break;
	}
	return text[0] == '\0';
}

/* ------------------------------------------------------------ lists */

/* Short texts, each of a form: what is none is complained of. */
struct texts {
	char (*v)[256];
	size_t *n;
	bool (*valid)(const char *text);
	enum gt_text bad;
};

static bool is_address(const char *text)
{
	return gt_address_valid(text, false);
}

/* "*", "*.example.cn", "example.cn". */
static bool is_name(const char *text)
{
	char address[256 + 8];
	if (strcmp(text, "*") == 0)
		return true;
	text += strncmp(text, "*.", 2) == 0 ? 2 : 0;
	if (text[0] == '[' || strlen(text) > 255)
		return false;
	gt_format(address, sizeof address, "%s:1", text);
	return gt_address_valid(address, false);
}

static void read_texts(struct reading *r, const struct gt_yaml_node *n,
                       const struct texts *t)
{
	/* one may stand alone */
	const struct gt_yaml_node *item =
	        n->kind == GT_YAML_LIST ? n->first : n;
	if (n->kind == GT_YAML_MAP) {
		gt_yaml_complain(&r->yaml, n, NULL, GT_T_YAML_NOT_LIST, NULL,
		                 NULL);
		return;
	}
	if (n->count > GT_ADDRESSES_MAX) {
		gt_yaml_complain(&r->yaml, n, NULL, GT_T_CONF_MANY, "8", NULL);
		return;
	}
	for (; item; item = n->kind == GT_YAML_LIST ? item->next : NULL) {
		if (item->kind != GT_YAML_SCALAR)
			gt_yaml_complain(&r->yaml, item, NULL,
			                 GT_T_YAML_NOT_SCALAR, NULL, NULL);
		else if (!t->valid(item->text) ||
		         !gt_copy(t->v[*t->n], 256, item->text))
			gt_yaml_complain(&r->yaml, item, NULL, t->bad,
			                 item->text, NULL);
		else
			++*t->n;
	}
}

static bool known_user(const struct gt_config *c, const char *name)
{
	for (size_t i = 0; i < c->nusers; i++)
		if (strcmp(c->users[i].name, name) == 0)
			return true;
	return false;
}

/* One half of a terminal's credentials into dst. */
static bool read_credential(struct reading *r, const struct gt_yaml_node *user,
                            const char *key, char *dst, size_t cap)
{
	const struct gt_yaml_node *n = gt_yaml_get(user, key);
	char most[16];
	if (!n) {
		gt_yaml_complain(&r->yaml, user, key, GT_T_CONF_MISSING, NULL,
		                 NULL);
		return false;
	}
	gt_format(most, sizeof most, "%zu", cap - 1);
	if (n->kind != GT_YAML_SCALAR)
		gt_yaml_complain(&r->yaml, n, NULL, GT_T_YAML_NOT_SCALAR, NULL,
		                 NULL);
	else if (!n->text[0])
		gt_yaml_complain(&r->yaml, n, NULL, GT_T_CONF_EMPTY, NULL,
		                 NULL);
	else if (!gt_copy(dst, cap, n->text))
		gt_yaml_complain(&r->yaml, n, NULL, GT_T_CONF_LONG, most, NULL);
	else
		return true;
	return false;
}

static void read_user(struct reading *r, const struct gt_yaml_node *n)
{
	static const char *const keys[] = {"name", "password"};
	struct gt_config *c = r->out;
	struct gt_user u = {0};
	if (n->kind != GT_YAML_MAP) {
		gt_yaml_complain(&r->yaml, n, NULL, GT_T_CONF_BAD_USER, NULL,
		                 NULL);
		return;
	}
	for (const struct gt_yaml_node *k = n->first; k; k = k->next)
		if (strcmp(k->key, keys[0]) != 0 &&
		    strcmp(k->key, keys[1]) != 0)
			gt_yaml_unknown_key(&r->yaml, k, keys, 2);
	bool name = read_credential(r, n, "name", u.name, sizeof u.name);
	bool pass = read_credential(r, n, "password", u.password,
	                            sizeof u.password);
	if (!name || !pass)
		return;
	/* HTTP Basic splits at the first colon */
	if (strchr(u.name, ':'))
		gt_yaml_complain(&r->yaml, n, NULL, GT_T_CONF_USER_COLON, NULL,
		                 NULL);
	else if (known_user(c, u.name))
		gt_yaml_complain(&r->yaml, n, NULL, GT_T_CONF_USER_TWICE, NULL,
		                 NULL);
	else
		c->users[c->nusers++] = u;
}

static void read_users(struct reading *r, const struct gt_yaml_node *n)
{
	if (n->kind != GT_YAML_LIST) {
		gt_yaml_complain(&r->yaml, n, NULL, GT_T_YAML_NOT_LIST, NULL,
		                 NULL);
		return;
	}
	if (n->count > GT_USERS_MAX) {
		gt_yaml_complain(&r->yaml, n, NULL, GT_T_CONF_MANY, "64", NULL);
		return;
	}
	for (const struct gt_yaml_node *u = n->first; u; u = u->next)
		read_user(r, u);
}

/* -------------------------------------------------------- the table */

static void read_value(struct reading *r, const struct gt_config_row *row,
                       const struct gt_yaml_node *n)
{
	struct refusal why = {0};
	const char *text = gt_yaml_is_null(n) ? "" : n->text;
	struct gt_config *c = r->out;
	const struct texts addresses = {c->addresses, &c->naddresses,
	                                is_address, GT_T_CONF_BAD_ADDRESS},
	                   above = {c->above, &c->nabove, is_address,
	                            GT_T_CONF_BAD_ADDRESS},
	                   names = {c->names, &c->nnames, is_name,
	                            GT_T_CONF_BAD_NAME};
	bool list = row->type == GT_CONFIG_ADDRESSES ||
	            row->type == GT_CONFIG_NAMES ||
	            row->type == GT_CONFIG_USERS ||
	            row->type == GT_CONFIG_CERTIFY;
	r->places[row - gt_config_rows] = n;
	if (gt_yaml_is_null(n) && list)
		return;
	if (row->type == GT_CONFIG_ADDRESSES) {
		read_texts(r, n,
		           row->offset == offsetof(struct gt_config, above)
		                   ? &above
		                   : &addresses);
	} else if (row->type == GT_CONFIG_NAMES) {
		read_texts(r, n, &names);
	} else if (row->type == GT_CONFIG_USERS) {
		read_users(r, n);
	} else if (row->type == GT_CONFIG_CERTIFY) {
		gt_config_certify(&r->yaml, n, c);
	} else if (n->kind != GT_YAML_SCALAR) {
		gt_yaml_complain(&r->yaml, n, NULL, GT_T_YAML_NOT_SCALAR, NULL,
		                 NULL);
	} else if (!set_scalar(r->out, row, text, &why)) {
		if (row->nchoices)
			gt_yaml_unknown_word(&r->yaml, n, GT_T_CONF_WORD_NEAR,
			                     GT_T_CONF_WORD, row->choices,
			                     row->nchoices);
		else if (why.a[0])
			gt_yaml_complain(&r->yaml, n, NULL, why.what, why.a,
			                 why.b);
		else
			gt_yaml_complain(&r->yaml, n, NULL, why.what, n->text,
			                 NULL);
	}
}

static void read_key(struct reading *r, const char *section,
                     const struct gt_yaml_node *n)
{
	const char *known[GT_CONFIG_ROWS];
	size_t count = 0;
	for (size_t i = 0; i < GT_CONFIG_ROWS; i++) {
		const struct gt_config_row *row = &gt_config_rows[i];
		if (strcmp(row->section, section) != 0)
			continue;
		if (strcmp(row->key, n->key) == 0) {
			read_value(r, row, n);
			return;
		}
		known[count++] = row->key;
	}
	gt_yaml_unknown_key(&r->yaml, n, known, count);
}

static void read_section(struct reading *r, const struct gt_yaml_node *n)
{
	const char *known[GT_CONFIG_SECTIONS];
	bool found = false;
	for (size_t i = 0; i < GT_CONFIG_SECTIONS; i++) {
		known[i] = gt_config_sections[i].name;
		found |= strcmp(known[i], n->key) == 0;
	}
	if (!found) {
		gt_yaml_unknown_key(&r->yaml, n, known, GT_CONFIG_SECTIONS);
		return;
	}
	if (gt_yaml_is_null(n))
		return;
	if (n->kind != GT_YAML_MAP) {
		gt_yaml_complain(&r->yaml, n, NULL, GT_T_YAML_NOT_MAP, NULL,
		                 NULL);
		return;
	}
	for (const struct gt_yaml_node *k = n->first; k; k = k->next)
		read_key(r, n->key, k);
}

void gt_config_defaults(struct gt_config *out)
{
	struct refusal why;
	memset(out, 0, sizeof *out);
	for (size_t i = 0; i < GT_CONFIG_ROWS; i++) {
		const struct gt_config_row *row = &gt_config_rows[i];
		bool ok = !row->fallback ||
		          set_scalar(out, row, row->fallback, &why);
		assert(ok);
	}
}

/* -------------------------------------------------------- listeners */

/* The host (NULL: that of `listen`) and the port `step` behind that of
 * `listen`; 0 stays what it is, and what would be no port becomes it. */
static void beside(char out[256], const char *listen, const char *host,
                   unsigned step)
{
	const char *colon = strrchr(listen, ':');
	assert(colon);
	unsigned long port = strtoul(colon + 1, NULL, 10);
	port = port > 0 && port + step <= 65535 ? port + step : 0;
	if (host)
		gt_format(out, 256, "%s:%lu", host, port);
	else
		gt_format(out, 256, "%.*s:%lu", (int)(colon - listen), listen,
		          port);
}

static bool door(char out[256], const char *what, const char *listen,
                 const char *host, unsigned step)
{
	bool derived = strcmp(what, "auto") == 0;
	if (derived)
		beside(out, listen, host, step);
	else
		(void)gt_copy(out, 256, strcmp(what, "off") == 0 ? "" : what);
	return derived;
}

bool gt_config_content(const struct gt_config *c, char out[256])
{
	return door(out, c->content, c->http, NULL, 1);
}

bool gt_config_staff(const struct gt_config *c, char out[256])
{
	return door(out, c->staff, c->http, "127.0.0.1", 10);
}

static bool row_differs(const struct gt_config *a, const struct gt_config *b,
                        const struct gt_config_row *row)
{
	const char *x = (const char *)a + row->offset;
	const char *y = (const char *)b + row->offset;
	switch (row->type) {
	case GT_CONFIG_CODE:
	case GT_CONFIG_TEXT:
	case GT_CONFIG_WORD:
	case GT_CONFIG_LISTEN:
	case GT_CONFIG_DOOR:
	case GT_CONFIG_ORIGIN:
		return strcmp(x, y) != 0;
	case GT_CONFIG_LEVEL:
	case GT_CONFIG_BOOL:
	case GT_CONFIG_COUNT:
	case GT_CONFIG_SIZE:
	case GT_CONFIG_DURATION:
	/* lists: what is not in use is zero */
	case GT_CONFIG_ADDRESSES:
	case GT_CONFIG_NAMES:
	case GT_CONFIG_USERS:
	case GT_CONFIG_CERTIFY:
		break;
	}
	return memcmp(x, y, row->cap) != 0;
}

/* What is taken up while the daemon runs. */
static bool is_live(const struct gt_config_row *row)
{
	return strcmp(row->section, "policy") == 0 ||
	       strcmp(row->section, "log") == 0;
}

bool gt_config_waits(const struct gt_config *now, const struct gt_config *next,
                     char *out, size_t cap)
{
	bool any = false;
	gt_copy(out, cap, "");
	for (size_t i = 0; i < GT_CONFIG_ROWS; i++) {
		const struct gt_config_row *row = &gt_config_rows[i];
		size_t n = strlen(out);
		if (is_live(row) || !row_differs(now, next, row))
			continue;
		gt_format(out + n, cap - n, "%s%s.%s", any ? ", " : "",
		          row->section, row->key);
		any = true;
	}
	return any;
}

bool gt_config_loopback(const char *address)
{
	return strncmp(address, "127.", 4) == 0 ||
	       strncmp(address, "[::1]:", 6) == 0 ||
	       strncmp(address, "localhost:", 10) == 0;
}

bool gt_config_listen_clear(const struct gt_config *c, bool passwords)
{
	return passwords && !gt_config_loopback(c->http) &&
	       strcmp(c->listen_tls, "off") == 0;
}

bool gt_config_staff_clear(const struct gt_config *c)
{
	char staff[256];
	(void)gt_config_staff(c, staff);
	return *staff && !gt_config_loopback(staff) &&
	       strcmp(c->staff_tls, "off") == 0;
}

/* ----------------------------------------------- between the values */

/* Complains at where a field was given, or where it should have been. */
static void complain_of(struct reading *r, const void *at, enum gt_text what,
                        const char *a, const char *b)
{
	size_t offset = (size_t)((const char *)at - (const char *)r->out);
	const struct gt_config_row *row = gt_config_rows;
	while (row->offset != offset)
		row++;
	assert(row < gt_config_rows + GT_CONFIG_ROWS);
	const struct gt_yaml_node *n = r->places[row - gt_config_rows];
	const struct gt_yaml_node *section =
	        gt_yaml_get(r->yaml.root, row->section);
	char path[64];
	gt_format(path, sizeof path, "%s.%s", row->section, row->key);
	if (n)
		gt_yaml_complain(&r->yaml, n, NULL, what, a, b);
	else if (section)
		gt_yaml_complain(&r->yaml, section, row->key, what, a, b);
	else
		gt_yaml_complain(&r->yaml, r->yaml.root, path, what, a, b);
}

static void check_tree(struct reading *r)
{
	const struct gt_config *c = r->out;
	if (c->parent[0] && c->naddresses == 0)
		complain_of(r, c->addresses, GT_T_CONF_NO_ADDRESS, c->parent,
		            NULL);
	if (!c->parent[0] && c->naddresses + c->nabove > 0)
		complain_of(r, c->parent, GT_T_CONF_NO_PARENT, NULL, NULL);
	if (c->parent[0] && !gt_code_child_of(c->code, c->parent))
		complain_of(r, c->parent, GT_T_CONF_NOT_CHILD, c->code,
		            c->parent);
}

static void check_link(struct reading *r)
{
	const struct gt_config *c = r->out;
	char a[32], b[32];
	if (c->window_min > c->window_max) {
		gt_measure_size_exact(a, c->window_min);
		gt_measure_size_exact(b, c->window_max);
		complain_of(r, &c->window_min, GT_T_CONF_WINDOWS, a, b);
	}
	if (c->dead_ms < 2 * c->heartbeat_ms) {
		gt_measure_duration_exact(a, c->dead_ms);
		gt_measure_duration_exact(b, 2 * c->heartbeat_ms);
		complain_of(r, &c->dead_ms, GT_T_CONF_DEAD, a, b);
	}
}

/* Two listeners cannot have one address, unless the system chooses ports; it
 * does where nobody wrote one down and it is the link's. */
static void check_listeners(struct reading *r)
{
	const struct gt_config *c = r->out;
	char content[256], staff[256];
	const struct {
		const char *key, *address;
		const void *field;
		bool chosen;
	} at[] = {{"link.listen", c->listen, c->listen, false},
	          {"http.listen", c->http, c->http, false},
	          {"http.content", content, c->content,
	           gt_config_content(c, content)},
	          {"http.staff", staff, c->staff, gt_config_staff(c, staff)}};
	for (size_t i = 1; i < sizeof at / sizeof *at; i++)
		for (size_t j = at[i].chosen; j < i; j++)
			if (*at[i].address && *at[j].address &&
			    gt_address_collides(at[i].address, at[j].address))
				complain_of(r, at[i].field, GT_T_CONF_SAME_DOOR,
				            at[i].address, at[j].key);
	if (*c->content_url && strcasecmp(c->content_url, c->listen_url) == 0)
		complain_of(r, c->content_url, GT_T_CONF_SAME_DOOR,
		            c->content_url, "http.listen_url");
}

static void warn(struct reading *r)
{
	const struct gt_yaml_node *link = gt_yaml_get(r->yaml.root, "link");
	if (r->out->insecure)
		gt_yaml_warn(&r->yaml, gt_yaml_get(link, "insecure"),
		             GT_T_CONF_INSECURE, NULL, NULL);
	const struct gt_yaml_node *http = gt_yaml_get(r->yaml.root, "http");
	if (gt_config_listen_clear(r->out, r->out->nusers > 0))
		gt_yaml_warn(&r->yaml, gt_yaml_get(http, "listen"),
		             GT_T_CONF_CLEAR, "listen_tls", NULL);
	if (gt_config_staff_clear(r->out))
		gt_yaml_warn(&r->yaml, gt_yaml_get(http, "staff"),
		             GT_T_CONF_CLEAR, "staff_tls", NULL);
	if (r->out->nusers > 0)
		gt_yaml_warn(&r->yaml, gt_yaml_get(http, "terminals"),
		             GT_T_CONF_TERMINALS_OLD, NULL, NULL);
	char held[24], newest[24];
	gt_format(held, sizeof held, "%" PRIu64, r->out->protocol);
	gt_format(newest, sizeof newest, "%d", GT_PROTOCOL_MAX);
	if (r->out->protocol && r->out->protocol < GT_PROTOCOL_MAX)
		gt_yaml_warn(&r->yaml, gt_yaml_get(link, "protocol"),
		             GT_T_CONF_PROTOCOL_OLD, held, newest);
}

int gt_config_parse(struct gt_config *out, const char *name,
                    struct gt_bytes text, const char *lang,
                    struct gt_complaints *complaints)
{
	struct reading r = {.out = out};
	gt_config_defaults(out);
	if (gt_yaml_parse(&r.yaml, name, text, lang, complaints)) {
		for (const struct gt_yaml_node *n = r.yaml.root->first; n;
		     n = n->next)
			read_section(&r, n);
		if (!r.places[0])
			complain_of(&r, out->code, GT_T_CONF_MISSING, NULL,
			            NULL);
		/* else values that stand in for bad ones would be judged */
		if (r.yaml.errors == 0) {
			check_tree(&r);
			check_link(&r);
			check_listeners(&r);
			warn(&r);
		}
	}
	gt_yaml_free(&r.yaml);
	return gt_yaml_status(&r.yaml);
}

/* ------------------------------------------------------------ files */

/* own: it is a node's, not one that somebody named. */
static int cannot_read(int status, bool own, const char *path, const char *lang,
                       struct gt_complaints *complaints)
{
	char line[GT_FILE_MAX + 200], text[GT_TRANSLATE_MAX];
	if (status == -GT_ENOMEM)
		return status;
	if (status == -GT_ELIMIT)
		gt_format(line, sizeof line, "%s:1:1: %s", path,
		          gt_text_in(lang, GT_T_YAML_LARGE));
	else if (status == -GT_EINVALID || (own && status == -GT_EUNKNOWN))
		gt_format(line, sizeof line, "%s: %s", path,
		          gt_text_in(lang, status == -GT_EUNKNOWN
		                                   ? GT_T_CONF_NO_CONFIG
		                                   : GT_T_DAEMON_NO_FILE));
	else
		gt_format(line, sizeof line, "%s: %s: %s", path,
		          gt_text_in(lang, GT_T_CONF_CANNOT_READ),
		          gt_translate(text, lang, strerror(errno)));
	return gt_complaints_add(complaints, line) ? -GT_EINVALID : -GT_ENOMEM;
}

typedef int (*read_file)(const char *path, size_t max, struct gt_buffer *out,
                         char *why, size_t why_cap);

static int load(read_file read, struct gt_config *out, const char *path,
                const char *lang, struct gt_complaints *complaints)
{
	struct gt_buffer text;
	char why[GT_FILE_MAX + 200]; /* in the process's language, not ours */
	int status = read(path, GT_YAML_BYTES, &text, why, sizeof why);
	if (status != 0)
		return cannot_read(status, read == gt_files_read, path, lang,
		                   complaints);
	status = gt_config_parse(out, path, gt_buffer_bytes(&text), lang,
	                         complaints);
	gt_buffer_free(&text);
	return status;
}

int gt_config_load(struct gt_config *out, const char *path, const char *lang,
                   struct gt_complaints *complaints)
{
	return load(gt_files_read, out, path, lang, complaints);
}

int gt_config_take(struct gt_config *out, const char *path, const char *lang,
                   struct gt_complaints *complaints)
{
	return load(gt_files_take, out, path, lang, complaints);
}

void gt_config_complain(const char *path, const char *section, const char *key,
                        const char *lang, enum gt_text what, const char *a,
                        struct gt_complaints *complaints)
{
	struct gt_buffer text;
	struct gt_yaml y;
	char why[GT_FILE_MAX + 200];
	if (gt_files_read(path, GT_YAML_BYTES, &text, why, sizeof why) != 0) {
		(void)gt_complaints_add(complaints, why);
		return;
	}
	if (gt_yaml_parse(&y, path, gt_buffer_bytes(&text), lang, complaints)) {
		const struct gt_yaml_node *in = gt_yaml_get(y.root, section);
		const struct gt_yaml_node *at =
		        in ? gt_yaml_get(in, key) : NULL;
		if (at)
			gt_yaml_complain(&y, at, NULL, what, a, NULL);
		else
			gt_yaml_complain(&y, in ? in : y.root,
			                 in ? key : section, what, a, NULL);
	}
	gt_yaml_free(&y);
	gt_buffer_free(&text);
}
