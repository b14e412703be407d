/* guantong init: a node's directory, ready to run.
 * Tests: e2e/test_house.py. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access.h"
#include "address.h"
#include "advice.h"
#include "cert.h"
#include "cli.h"
#include "code.h"
#include "config.h"
#include "dir.h"
#include "files.h"
#include "node_dir.h"
#include "pki.h"
#include "say.h"
#include "signed.h"
#include "word.h"

enum { WHY = 4608, PATH = 4096, PART_MAX = 1 << 30 };

const struct gt_option gt_cmd_init_options[] = {
        {"code", "CODE", GT_T_CLI_O_CODE, 'c'},
        {"name", "NAME", GT_T_CLI_O_NAME, 0},
        {"parent", "CODE", GT_T_CLI_O_PARENT, 0},
        {"parent-address", "HOST:PORT", GT_T_CLI_O_PARENT_ADDRESS, 0},
        {"above", "HOST:PORT", GT_T_CLI_O_ABOVE, 0},
        {"listen", "HOST:PORT", GT_T_CLI_O_LISTEN, 0},
        {"http", "HOST:PORT", GT_T_CLI_O_HTTP, 0},
        {"content", "HOST:PORT", GT_T_CLI_O_CONTENT, 0},
        {"staff", "HOST:PORT", GT_T_CLI_O_STAFF, 0},
        {"pki", "PKIDIR", GT_T_CLI_O_PKI, 0},
        {NULL, NULL, 0, 0},
};

struct init {
	struct gt_cli *cli;
	const struct gt_args *args;
	const char *dir, *code, *parent, *pki;
	char parent_of_cert[GT_CODE_MAX + 1];
	char name[sizeof((struct gt_config *)NULL)->name]; /* of the roster */
	char secret[GT_CREDENTIAL_SECRET]; /* of the first credential */
	char why[WHY];
};

static enum gt_exit usage(struct init *in, const char *sentence)
{
	(void)fprintf(in->cli->err, "guantong: %s\n", sentence);
	return GT_EXIT_USAGE;
}

/* There is no certificate of the node: nor, perhaps, anything else. */
static void say_no_node(struct init *in)
{
	char nodes[PATH];
	gt_format(nodes, sizeof nodes, "%s/nodes", in->pki);
	if (access(in->pki, F_OK) != 0)
		gt_say_into(in->why, WHY, GT_T_CLI_INIT_NO_PKI, in->pki,
		            in->pki);
	else if (access(nodes, F_OK) != 0)
		gt_say_into(in->why, WHY, GT_T_CLI_PKI_NONE, in->pki, "nodes",
		            in->pki);
	else
		gt_say_into(in->why, WHY, GT_T_CLI_INIT_NO_NODE, in->pki,
		            in->code, in->pki);
}

static int read_parent(struct init *in)
{
	char path[PATH], uri[GT_CERT_URI_MAX];
	struct gt_buffer pem;
	gt_format(path, sizeof path, "%s/nodes/%s/cert.pem", in->pki, in->code);
	int status = gt_files_read(path, 64 << 10, &pem, in->why, WHY);
	if (status == -GT_EUNKNOWN)
		say_no_node(in);
	if (status)
		return status;
	X509 *cert = gt_cert_of_pem(gt_buffer_bytes(&pem));
	gt_buffer_free(&pem);
	bool ok = cert && gt_cert_uri(cert, uri, sizeof uri);
	X509_free(cert);
	char *last = ok ? strrchr(uri, '/') : NULL;
	if (!last || strcmp(last + 1, in->code) != 0) {
		gt_say_into(in->why, WHY, GT_T_CLI_PKI_DAMAGED, in->pki, path);
		return -GT_EINVALID;
	}
	*last = '\0';
	last = strrchr(uri, '/');
	if (last && gt_code_valid(last + 1))
		(void)gt_copy(in->parent_of_cert, sizeof in->parent_of_cert,
		              last + 1);
	return 0;
}

/* The member's name, if this signed row is about the node. */
static bool named_by(struct init *in, struct gt_arena *arena,
                     struct gt_bytes row)
{
	const Gt__Member *m =
	        gt_signed_member(arena, gt_signed_open(arena, row));
	bool ours = m && strcmp(m->code, in->code) == 0;
	if (ours && !gt_copy(in->name, sizeof in->name, m->name))
		in->name[0] = '\0'; /* too long: the code will do */
	gt_arena_reset(arena);
	return ours;
}

/* What the tree calls the node. Nothing found is no mistake: names are for
 * people, and --name gives one. */
static void read_name(struct init *in)
{
	char path[PATH];
	struct gt_dir_members members = {0};
	struct gt_arena *arena = gt_arena_new();
	gt_format(path, sizeof path, "%s/nodes/%s/members.bin", in->pki,
	          in->code);
	if (arena && gt_dir_read_members(path, &members, in->why, WHY) == 0)
		for (size_t i = 0; i < members.n; i++)
			if (named_by(in, arena, members.v[i]))
				break;
	gt_dir_members_free(&members);
	gt_arena_free(arena);
}

static enum gt_exit needs_address(struct init *in)
{
	gt_say_into(in->why, WHY, GT_T_CLI_INIT_NEEDS_ADDRESS, in->code,
	            in->parent);
	return usage(in, in->why);
}

static enum gt_exit check(struct init *in)
{
	if (!in->code)
		return usage(in, gt_text(GT_T_CLI_INIT_NEEDS_CODE));
	if (!gt_code_valid(in->code)) {
		gt_say_into(in->why, WHY, GT_T_CLI_CODE_BAD, in->code);
		(void)fputs("guantong: ", in->cli->err);
		gt_say(in->cli->err, GT_T_CLI_INIT_OPTION, "code", in->why,
		       "code", "330106");
		return GT_EXIT_USAGE;
	}
	int status = in->pki ? read_parent(in) : 0;
	if (status)
		return gt_cli_fail(in->cli, status, in->why);
	if (in->pki)
		read_name(in);
	if (in->pki && !in->parent)
		in->parent = in->parent_of_cert;
	if (!in->parent)
		in->parent = "";
	/* any node of that place will do */
	if (in->pki && !gt_code_same_place(in->parent, in->parent_of_cert)) {
		gt_say_into(in->why, WHY, GT_T_CLI_INIT_OTHER_PARENT, in->code,
		            in->parent_of_cert, in->parent);
		return gt_cli_fail(in->cli, -GT_ECONFLICT, in->why);
	}
	if (*in->parent && !gt_code_child_of(in->code, in->parent)) {
		gt_say_into(in->why, WHY, GT_T_CLI_INIT_BAD_PARENT, in->code,
		            in->parent);
		return usage(in, in->why);
	}
	if (*in->parent && !gt_args_get(in->args, "parent-address"))
		return needs_address(in);
	if (!gt_files_empty(in->dir)) {
		gt_say_into(in->why, WHY, GT_T_CLI_INIT_NOT_EMPTY, in->dir);
		return gt_cli_fail(in->cli, -GT_ECONFLICT, in->why);
	}
	return GT_EXIT_OK;
}

static int make_dirs(struct init *in)
{
	static const char *const parts[] = {
	        "", "/pki", "/data", "/" GT_DIR_OBJECTS, "/" GT_DIR_STAGED};
	int status = 0;
	for (size_t i = 0; !status && i < sizeof parts / sizeof *parts; i++) {
		char path[PATH];
		gt_format(path, sizeof path, "%s%s", in->dir, parts[i]);
		status = gt_files_mkdir(path, 0700, in->why, WHY);
	}
	return status;
}

static int copy_keys(struct init *in)
{
	static const struct {
		const char *from, *to;
		unsigned mode;
		bool optional;
	} parts[] = {
	        {"ca.pem", GT_DIR_CA, 0600, false},
	        {"cert.pem", GT_DIR_CERT, 0600, false},
	        {"key.pem", GT_DIR_KEY, 0600, false},
	        {"node.key", GT_DIR_NODE_KEY, 0600, false},
	        {"roster.key", GT_DIR_ROSTER_KEY, 0600, false},
	        {"date.key", GT_DIR_DATE_KEY, 0600, true},
	        {"members.bin", GT_DIR_MEMBERS, 0600, false},
	};
	int status = 0;
	for (size_t i = 0; !status && i < sizeof parts / sizeof *parts; i++) {
		char from[PATH], to[PATH];
		struct gt_buffer b;
		gt_format(from, sizeof from, "%s/nodes/%s/%s", in->pki,
		          in->code, parts[i].from);
		gt_format(to, sizeof to, "%s/%s", in->dir, parts[i].to);
		status = gt_files_read(from, PART_MAX, &b, in->why, WHY);
		if (status == -GT_EUNKNOWN && parts[i].optional) {
			status = 0;
			continue;
		}
		if (!status)
			status = gt_files_write(to, parts[i].mode, GT_FILES_NEW,
			                        gt_buffer_bytes(&b), in->why,
			                        WHY);
		gt_buffer_wipe(&b);
	}
	return status;
}

/* The value of an option into out, if it was given. False: said that it is too
 * long. */
static bool set(struct init *in, char *out, size_t cap, const char *option,
                const char *value)
{
	if (!value || gt_copy(out, cap, value))
		return true;
	(void)fputs("guantong: ", in->cli->err);
	gt_say(in->cli->err, GT_T_CLI_INIT_LONG, option, cap - 1);
	return false;
}

static bool set_option(struct init *in, char *out, size_t cap,
                       const char *option)
{
	return set(in, out, cap, option, gt_args_get(in->args, option));
}

/* Where the three listeners are, written out: who reads the file sees what to
 * open in a firewall. Addresses that are none are the parser's to refuse. */
static bool fill_http(struct init *in, struct gt_config *c)
{
	char content[sizeof c->content], staff[sizeof c->staff];
	if (!set_option(in, c->http, sizeof c->http, "http") ||
	    !set_option(in, c->content, sizeof c->content, "content") ||
	    !set_option(in, c->staff, sizeof c->staff, "staff"))
		return false;
	if (!gt_address_valid(c->http, true))
		return true;
	if (gt_config_content(c, content))
		(void)gt_copy(c->content, sizeof c->content, content);
	if (gt_config_staff(c, staff))
		(void)gt_copy(c->staff, sizeof c->staff, staff);
	return true;
}

/* An option that may be repeated. */
static bool fill_list(struct init *in, const char *option, char (*list)[256],
                      size_t *n)
{
	const char *address;
	size_t at = 0;
	bool ok = true;
	while (ok && (address = gt_args_next(in->args, option, &at))) {
		ok = *n < GT_ADDRESSES_MAX;
		if (ok) {
			ok = set(in, list[(*n)++], sizeof *list, option,
			         address);
			continue;
		}
		(void)fputs("guantong: ", in->cli->err);
		gt_say(in->cli->err, GT_T_CLI_INIT_MANY, option,
		       GT_ADDRESSES_MAX);
	}
	return ok;
}

/* The configuration the options ask for. False: said why not. */
static bool fill_config(struct init *in, struct gt_config *c)
{
	const char *name = gt_args_get(in->args, "name");
	const char *listen = gt_args_get(in->args, "listen");
	gt_config_defaults(c);
	if (!name)
		name = *in->name ? in->name : in->code;
	if (!listen) /* a village has nobody below it */
		listen = gt_code_depth(in->code) < 4 ? "0.0.0.0:7700" : "";
	return set(in, c->code, sizeof c->code, "code", in->code) &&
	       set(in, c->name, sizeof c->name, "name", name) &&
	       set(in, c->lang, sizeof c->lang, "lang", in->cli->lang) &&
	       set(in, c->parent, sizeof c->parent, "parent", in->parent) &&
	       set(in, c->listen, sizeof c->listen, "listen", listen) &&
	       fill_http(in, c) &&
	       fill_list(in, "parent-address", c->addresses, &c->naddresses) &&
	       fill_list(in, "above", c->above, &c->nabove);
}

/* Which option a key came from, and how it may look. */
static const struct origin {
	const char *key, *option, *example;
} origins[] = {
        {"node.code", "code", "330106"},
        {"node.name", "name", "西湖区"},
        {"parent.code", "parent", "3301"},
        {"parent.addresses", "parent-address", "city.example:7700"},
        {"parent.above", "above", "province.example:7700"},
        {"link.listen", "listen", "0.0.0.0:7700"},
        {"http.listen", "http", "0.0.0.0:8080"},
        {"http.content", "content", "0.0.0.0:8081"},
        {"http.staff", "staff", "127.0.0.1:8090"},
};

/* A complaint is about a file that nobody has written yet: it is told of the
 * option. "guantong.yaml:57:11: http.listen: what is wrong" */
static void complain(struct init *in, const char *complaint)
{
	const char *key = complaint;
	(void)fputs("guantong: ", in->cli->err);
	for (int colons = 0; colons < 3 && key; colons++) {
		key = strchr(key, ':');
		key = key ? key + 1 : NULL;
	}
	for (size_t i = 0; key && i < sizeof origins / sizeof *origins; i++) {
		const struct origin *o = &origins[i];
		size_t n = strlen(o->key);
		/* " http.listen: ", " parent.addresses[1]: " */
		const char *what = strstr(key, ": ");
		if (!what || strncmp(key + 1, o->key, n) != 0 ||
		    !strchr(":[", key[1 + n]))
			continue;
		gt_say(in->cli->err, GT_T_CLI_INIT_OPTION, o->option, what + 2,
		       o->option, o->example);
		return;
	}
	(void)fprintf(in->cli->err, "%s\n", complaint);
}

/* What we write must be what the daemon takes: it is read back before. */
static enum gt_exit compose_config(struct init *in, char **text)
{
	struct gt_config *c = malloc(sizeof *c);
	struct gt_complaints complaints = {NULL, 0};
	*text = NULL;
	if (c && !fill_config(in, c)) {
		free(c);
		return GT_EXIT_USAGE;
	}
	int status =
	        c && (*text = gt_config_write(c, in->cli->lang))
	                ? gt_config_parse(c, GT_DIR_CONFIG, gt_bytes_str(*text),
	                                  in->cli->lang, &complaints)
	                : -GT_ENOMEM;
	for (size_t i = 0; status == -GT_EINVALID && i < complaints.n; i++)
		complain(in, complaints.v[i]);
	gt_complaints_free(&complaints);
	free(c);
	if (status == -GT_EINVALID)
		return GT_EXIT_USAGE;
	return status ? gt_cli_no_memory(in->cli) : GT_EXIT_OK;
}

static int write_config(struct init *in, const char *text)
{
	char path[PATH];
	gt_format(path, sizeof path, "%s/%s", in->dir, GT_DIR_CONFIG);
	int status = gt_files_write(path, 0600, GT_FILES_NEW,
	                            gt_bytes_str(text), in->why, WHY);
	gt_format(path, sizeof path, "%s/policy.example.yaml", in->dir);
	if (!status)
		status = gt_files_write(
		        path, 0600, GT_FILES_NEW,
		        gt_bytes_str(gt_text(GT_T_CLI_POLICY_EXAMPLE)), in->why,
		        WHY);
	return status;
}

static bool beyond_this_machine(const char *address)
{
	return strncmp(address, "127.", 4) != 0 &&
	       strncmp(address, "[::1]", 5) != 0 &&
	       strncmp(address, "localhost:", 10) != 0;
}

/* The first credential, where HTTP is open to others: one that reads, for
 * terminals on the same networks hand in without. It is shown and not kept. */
static int first_credential(struct init *in)
{
	struct gt_access_wanted w = {.name = "reader",
	                             .scopes = GT_SCOPE_READER};
	const char *http = gt_args_get(in->args, "http");
	char path[PATH];
	struct gt_access *access;
	if (!http || !beyond_this_machine(http))
		return 0;
	gt_format(path, sizeof path, "%s/%s", in->dir, GT_DIR_CREDENTIALS);
	int status = gt_access_open(&access, path, NULL, in->why, WHY);
	if (status == 0)
		status = gt_access_add(access, &w, in->secret, in->why, WHY);
	gt_access_free(access);
	return status;
}

static void tell(struct init *in, const char *key)
{
	char start[GT_ADVICE_MAX];
	if (in->cli->json) {
		json_t *v = json_pack("{s:s,s:s,s:s}", "name", "reader", "role",
		                      "reader", "secret", in->secret);
		if (*in->secret)
			(void)gt_cli_json(in->cli, v);
		json_decref(v);
		return;
	}
	gt_cli_here(in->dir);
	gt_say(in->cli->out, GT_T_CLI_INIT_DONE, in->code, in->dir);
	if (key)
		gt_say(in->cli->out, GT_T_CLI_INIT_KEY, key, in->dir);
	if (*in->secret)
		gt_say(in->cli->out, GT_T_CLI_INIT_CREDENTIAL, "reader",
		       gt_word("reader"), in->secret);
	gt_advice_start(start, in->dir);
	gt_say(in->cli->out, GT_T_CLI_INIT_NEXT, start);
}

/* Without a pki: a key of the node's own, its public half as hex. */
static int make_key(struct init *in, char hex[GT_HEX_ID])
{
	char path[PATH];
	uint8_t public[32];
	gt_format(path, sizeof path, "%s/%s", in->dir, GT_DIR_NODE_KEY);
	int status = gt_pki_seed(path, public, in->why, WHY);
	gt_hex(hex, public, sizeof public);
	return status;
}

enum gt_exit gt_cmd_init(struct gt_cli *cli, const struct gt_args *args)
{
	struct init in = {.cli = cli,
	                  .args = args,
	                  .dir = gt_args_word(args, 0),
	                  .code = gt_args_get(args, "code"),
	                  .parent = gt_args_get(args, "parent"),
	                  .pki = gt_args_get(args, "pki")};
	char hex[GT_HEX_ID] = "", *config = NULL;
	if (strlen(in.dir) > PATH / 2 || (in.pki && strlen(in.pki) > PATH / 2))
		return usage(&in, gt_text(GT_T_CLI_TOO_LONG));
	enum gt_exit code = check(&in);
	if (code)
		return code;
	code = compose_config(&in, &config);
	if (code) {
		free(config);
		return code;
	}
	int status = make_dirs(&in);
	if (!status)
		status = write_config(&in, config);
	free(config);
	if (!status)
		status = in.pki ? copy_keys(&in) : make_key(&in, hex);
	if (!status)
		status = first_credential(&in);
	if (status)
		return gt_cli_fail(cli, status, in.why);
	tell(&in, in.pki ? NULL : hex);
	return GT_EXIT_OK;
}
