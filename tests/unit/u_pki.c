/* u_pki.c: a CA, a roster and a tree of keys; certificates are judged by
 * openssl itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cert.h"
#include "files.h"
#include "pki_have.h"
#include "seal.h"

static char dir[256];
static char why[4608];

static const char tree_text[] =
        "nodes:\n"
        "  - {code: \"330106\", name: 西湖区}\n"
        "  - {code: \"33\", level: province, name: 浙江省}\n"
        "  - {code: \"3301\"}\n"
        "  - {code: \"3302\"}\n"
        "  - {code: 330106-b, parent: \"330106\"}\n"
        "publishers:\n"
        "  - {code: 33-nju, name: 南京大学}\n"
        "  - {code: 33-ou, node: \"33\"}\n";

static struct gt_buffer slurp(const char *name)
{
	char path[512];
	struct gt_buffer b;
	gt_format(path, sizeof path, "%s/pki/%s", dir, name);
	assert_int_equal(gt_files_read(path, 1 << 20, &b, why, sizeof why), 0);
	return b;
}

static void drop(struct gt_buffer b)
{
	gt_buffer_free(&b);
}

static int parse(struct gt_tree *tree, const char *text, char **complaints)
{
	size_t n;
	FILE *f = open_memstream(complaints, &n);
	assert_non_null(f);
	int status = gt_tree_parse(tree, "t.yaml", gt_bytes_str(text), f);
	assert_int_equal(fclose(f), 0);
	return status;
}

static struct gt_pki *open_pki(void)
{
	char path[512];
	struct gt_pki *pki;
	gt_format(path, sizeof path, "%s/pki", dir);
	int status = gt_pki_open(&pki, path, why, sizeof why);
	if (status)
		fail_msg("%s", why);
	return pki;
}

/* How many were added; `renamed` tells the rest. */
static size_t renamed;

static size_t enrol(struct gt_pki *pki, const char *text, int want)
{
	struct gt_tree tree;
	char *complaints;
	struct gt_pki_enrolled done;
	assert_int_equal(parse(&tree, text, &complaints), 0);
	free(complaints);
	int status = gt_pki_enrol(pki, &tree, 90, &done, why, sizeof why);
	renamed = done.renamed;
	gt_tree_free(&tree);
	if (status != want)
		fail_msg("%d: %s", status, why);
	return done.added;
}

static int setup(void **state)
{
	(void)state;
	char path[512];
	gt_format(dir, sizeof dir, "/tmp/gt-pki-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	gt_format(path, sizeof path, "%s/pki", dir);
	if (gt_pki_create(path, "guantong CA 33", why, sizeof why))
		return -1;
	struct gt_pki *pki = open_pki();
	assert_int_equal(enrol(pki, tree_text, 0), 7);
	gt_pki_close(pki);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	char line[512];
	gt_format(line, sizeof line, "rm -rf '%s'", dir);
	return system(line);
}

static int openssl(const char *args)
{
	char line[1024];
	gt_format(line, sizeof line,
	          "cd '%s/pki' && openssl %s >/dev/null 2>&1", dir, args);
	return system(line);
}

static void chains_verify(void **state)
{
	(void)state;
	assert_int_equal(openssl("verify -x509_strict -CAfile ca.pem -purpose "
	                         "sslserver nodes/330106/cert.pem"),
	                 0);
	assert_int_equal(openssl("verify -x509_strict -CAfile ca.pem -purpose "
	                         "sslclient nodes/330106/cert.pem"),
	                 0);
	/* a leaf is no authority */
	assert_int_not_equal(openssl("verify -CAfile nodes/33/cert.pem "
	                             "nodes/3301/cert.pem"),
	                     0);
	/* 91 days on it is over */
	char line[256];
	gt_format(line, sizeof line,
	          "verify -attime %lld -CAfile ca.pem nodes/33/cert.pem",
	          (long long)time(NULL) + 91LL * 86400);
	assert_int_not_equal(openssl(line), 0);
}

static void names_are_the_chain_of_codes(void **state)
{
	(void)state;
	static const char *const want[][2] = {
	        {"nodes/33/cert.pem", "spiffe://guantong/33"},
	        {"nodes/330106/cert.pem", "spiffe://guantong/33/3301/330106"},
	        {"nodes/330106-b/cert.pem",
	         "spiffe://guantong/33/3301/330106/330106-b"},
	};
	for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
		char uri[GT_CERT_URI_MAX];
		struct gt_buffer pem = slurp(want[i][0]);
		X509 *x = gt_cert_of_pem(gt_buffer_bytes(&pem));
		assert_non_null(x);
		assert_true(gt_cert_uri(x, uri, sizeof uri));
		assert_string_equal(uri, want[i][1]);
		X509_free(x);
		drop(pem);
	}
}

static void secrets_are_private(void **state)
{
	(void)state;
	static const char *const secret[] = {
	        "ca.key", "roster.seed", "nodes/33/key.pem",
	        "nodes/33/node.key", "publishers/33-nju/node.key"};
	for (size_t i = 0; i < sizeof secret / sizeof *secret; i++) {
		char path[512];
		struct stat st;
		gt_format(path, sizeof path, "%s/pki/%s", dir, secret[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
}

/* Codes of a node's members.bin, each row unsealed, joined by spaces. */
static void members_of(const char *name, char *out, size_t cap)
{
	struct gt_buffer file = slurp(name), hex = slurp("roster.key");
	struct gt_bytes rest = gt_buffer_bytes(&file);
	uint8_t roster[32];
	char text[GT_HEX_ID];
	memcpy(text, hex.p, 64);
	text[64] = '\0';
	assert_true(gt_unhex(roster, 32, text));
	out[0] = '\0';
	while (rest.n) {
		assert_true(rest.n >= 4);
		size_t n = gt_get32(rest.p);
		assert_true(n <= rest.n - 4);
		Gt__Signed *s = gt__signed__unpack(NULL, n, rest.p + 4);
		assert_non_null(s);
		assert_memory_equal(s->key.data, roster, 32);
		assert_int_equal(s->kind, GT__KIND__MEMBER);
		assert_int_equal(gt_unseal(s, NULL), 0);
		Gt__Member *m =
		        gt__member__unpack(NULL, s->body.len, s->body.data);
		assert_non_null(m);
		size_t used = strlen(out);
		gt_format(out + used, cap - used, "%s%s.%u%s", used ? " " : "",
		          m->code, (unsigned)m->version,
		          m->standing == GT__STANDING__REVOKED ? "!" : "");
		gt__member__free_unpacked(m, NULL);
		gt__signed__free_unpacked(s, NULL);
		rest = gt_bytes_of(rest.p + 4 + n, rest.n - 4 - n);
	}
	drop(file);
	drop(hex);
}

static void members_unseal(void **state)
{
	(void)state;
	char codes[256];
	members_of("nodes/3301/members.bin", codes, sizeof codes);
	assert_string_equal(codes, "3301.1 33.1 330106.1 330106-b.1 33-nju.1 "
	                           "33-ou.1");
	members_of("nodes/3302/members.bin", codes, sizeof codes);
	assert_string_equal(codes, "3302.1 33.1 33-nju.1 33-ou.1");
}

static void publishers_keys(void **state)
{
	(void)state;
	struct gt_pki *pki = open_pki();
	const struct gt_pki_member *root = gt_pki_find(pki, "33");
	assert_memory_equal(gt_pki_find(pki, "33-ou")->key, root->key, 32);
	assert_memory_not_equal(gt_pki_find(pki, "33-nju")->key, root->key, 32);
	gt_pki_close(pki);
}

static void keys_are_never_written_over(void **state)
{
	(void)state;
	char path[512], more[sizeof tree_text + 64];
	struct gt_buffer a = slurp("nodes/33/node.key");
	struct gt_buffer b = slurp("nodes/33/key.pem"), c = slurp("ca.key");
	gt_format(path, sizeof path, "%s/pki", dir);
	assert_int_equal(gt_pki_create(path, "x", why, sizeof why),
	                 -GT_ECONFLICT);
	struct gt_pki *pki = open_pki();
	assert_int_equal(enrol(pki, tree_text, 0), 0);
	gt_format(more, sizeof more, "nodes: [{code: \"330106109\"}]\n");
	assert_int_equal(enrol(pki, more, 0), 1);
	assert_string_equal(gt_pki_find(pki, "330106109")->parent, "330106");
	assert_int_equal(gt_pki_renew(pki, "33", 30, why, sizeof why), 0);
	gt_pki_close(pki);
	struct gt_buffer a2 = slurp("nodes/33/node.key");
	struct gt_buffer b2 = slurp("nodes/33/key.pem"), c2 = slurp("ca.key");
	assert_true(gt_bytes_eq(gt_buffer_bytes(&a), gt_buffer_bytes(&a2)));
	assert_true(gt_bytes_eq(gt_buffer_bytes(&b), gt_buffer_bytes(&b2)));
	assert_true(gt_bytes_eq(gt_buffer_bytes(&c), gt_buffer_bytes(&c2)));
	drop(a), drop(b), drop(c), drop(a2), drop(b2), drop(c2);
	assert_int_equal(openssl("verify -CAfile ca.pem nodes/33/cert.pem"), 0);
}

/* A key for dates is made once; the root's row names it, one version up. */
static void a_key_for_dates(void **state)
{
	(void)state;
	const char *named;
	char path[512], codes[256];
	struct gt_pki *pki = open_pki();
	uint64_t before = gt_pki_find(pki, "33")->version;
	assert_int_equal(gt_pki_date(pki, NULL, &named, why, sizeof why), 0);
	assert_string_equal(named, "33");
	assert_int_equal(gt_pki_date(pki, "33", &named, why, sizeof why), 0);
	gt_format(path, sizeof path, "%s/pki/date.bin", dir);
	assert_int_equal(gt_pki_row(pki, "33", path, why, sizeof why), 0);
	assert_int_equal(gt_pki_date(pki, "44", &named, why, sizeof why),
	                 -GT_EUNKNOWN);
	gt_pki_close(pki);
	pki = open_pki();
	const struct gt_pki_member *root = gt_pki_find(pki, "33");
	assert_int_equal(root->version, before + 1);
	assert_true(root->dated);
	assert_memory_not_equal(root->date_key, root->key, 32);
	assert_false(gt_pki_find(pki, "3301")->dated);
	gt_pki_close(pki);
	members_of("date.bin", codes, sizeof codes);
	assert_non_null(strstr(codes, "33."));
	struct gt_buffer seed = slurp("nodes/33/date.key");
	assert_int_equal(seed.n, 65);
	drop(seed);
}

/* Rows from before they said who the parent is get it, once. */
static void rows_are_placed(void **state)
{
	(void)state;
	size_t n;
	struct gt_pki *pki = open_pki();
	struct gt_pki_member *m = &pki->v[gt_pki_find(pki, "3301") - pki->v];
	char parent[sizeof m->parent];
	memcpy(parent, m->parent, sizeof parent);
	uint64_t before = m->version;
	assert_true(m->placed);
	m->parent[0] = '\0';
	m->row = gt_bytes_of(NULL, 0);
	assert_int_equal(gt_pki_sign(pki), 0);
	assert_int_equal(gt_pki_save(pki, why, sizeof why), 0);
	gt_pki_close(pki);
	for (int round = 0; round < 2; round++) {
		pki = open_pki();
		const struct gt_pki_member *now = gt_pki_find(pki, "3301");
		assert_string_equal(now->parent, parent);
		assert_int_equal(now->placed, round == 1);
		assert_int_equal(gt_pki_place(pki, &n, why, sizeof why), 0);
		assert_int_equal(n, round == 0);
		assert_int_equal(gt_pki_find(pki, "3301")->version, before + 1);
		gt_pki_close(pki);
	}
}

static void revoking_bumps_the_row(void **state)
{
	(void)state;
	char path[512], codes[256];
	struct gt_pki *pki = open_pki();
	gt_format(path, sizeof path, "%s/pki/out.bin", dir);
	assert_int_equal(gt_pki_revoke(pki, "3302", path, why, sizeof why), 0);
	assert_int_equal(gt_pki_revoke(pki, "3302", path, why, sizeof why),
	                 -GT_ESTATE);
	assert_int_equal(gt_pki_revoke(pki, "44", path, why, sizeof why),
	                 -GT_EUNKNOWN);
	gt_pki_close(pki);
	members_of("out.bin", codes, sizeof codes);
	assert_string_equal(codes, "3302.2!");
	members_of("nodes/33/members.bin", codes, sizeof codes);
	assert_non_null(strstr(codes, "3302.2!"));
	pki = open_pki();
	assert_true(gt_pki_find(pki, "3302")->revoked);
	/* nothing can be enrolled under it */
	enrol(pki, "nodes: [{code: \"330201\"}]\n", -GT_EINVALID);
	gt_pki_close(pki);
}

static void rekeyed(const char *code, bool lost, int want)
{
	char path[512];
	gt_format(path, sizeof path, "%s/pki/rekeyed.bin", dir);
	struct gt_pki *pki = open_pki();
	assert_int_equal(gt_pki_rekey(pki, code, lost, path, why, sizeof why),
	                 want);
	gt_pki_close(pki);
}

/* The key is another, and the one before it vouches on, unless it is lost. */
static void another_key_and_the_one_before(void **state)
{
	(void)state;
	char codes[256], old[512], kept[512], command[1200];
	uint8_t first[32], second[32];
	struct gt_pki *pki = open_pki();
	const struct gt_pki_member *m = gt_pki_find(pki, "3301");
	unsigned long long version = m->version;
	memcpy(first, m->key, 32);
	assert_int_equal(m->former.n, 0);
	gt_pki_close(pki);
	rekeyed("3301", false, 0);
	pki = open_pki();
	m = gt_pki_find(pki, "3301");
	assert_int_equal(m->version, version + 1);
	assert_memory_not_equal(m->key, first, 32);
	assert_int_equal(m->former.n, 32);
	assert_memory_equal(m->former.p, first, 32);
	memcpy(second, m->key, 32);
	gt_pki_close(pki);
	members_of("rekeyed.bin", codes, sizeof codes);
	assert_memory_equal(codes, "3301.", 5);
	/* the old file is there; cut short before the names changed, the next
	 * run makes no third key */
	gt_format(old, sizeof old, "%s/pki/nodes/3301/node.key", dir);
	gt_format(kept, sizeof kept, "%s.%llu", old, version);
	gt_format(command, sizeof command, "mv %s %s.new && mv %s %s", old, old,
	          kept, old);
	assert_int_equal(system(command), 0);
	rekeyed("3301", false, 0);
	pki = open_pki();
	m = gt_pki_find(pki, "3301");
	assert_int_equal(m->version, version + 1);
	assert_memory_equal(m->key, second, 32);
	gt_pki_close(pki);
	/* lost: the one before is as it was, this one goes */
	rekeyed("3301", true, 0);
	pki = open_pki();
	m = gt_pki_find(pki, "3301");
	assert_int_equal(m->former.n, 32);
	assert_memory_equal(m->former.p, first, 32);
	gt_pki_close(pki);
	/* no more than so many */
	for (int i = 0; i < 20; i++)
		rekeyed("3301", false, 0);
	pki = open_pki();
	assert_int_equal(gt_pki_find(pki, "3301")->former.n, 16 * 32);
	gt_pki_close(pki);
	rekeyed("44", false, -GT_EUNKNOWN);
}

/* A tree that calls a node otherwise makes a newer row of it, once. */
static void a_node_is_renamed(void **state)
{
	static const char tree[] =
	        "nodes:\n"
	        "  - {code: \"33\", name: 浙江}\n"
	        "  - {code: \"3301\", name: 杭州市}\n"
	        "  - {code: \"330106\"}\n" /* no name takes none away */
	        "publishers:\n"
	        "  - {code: 33-nju, name: 南大}\n";
	char codes[256];
	(void)state;
	struct gt_pki *pki = open_pki();
	assert_int_equal(enrol(pki, tree, 0), 0);
	assert_int_equal(renamed, 3);
	gt_pki_close(pki);
	members_of("nodes/330106/members.bin", codes, sizeof codes);
	assert_non_null(strstr(codes, "33.2"));
	assert_non_null(strstr(codes, "3301.2"));
	assert_non_null(strstr(codes, "330106.1"));
	assert_non_null(strstr(codes, "33-nju.2"));
	pki = open_pki();
	assert_string_equal(gt_pki_find(pki, "3301")->name, "杭州市");
	assert_string_equal(gt_pki_find(pki, "330106")->name, "西湖区");
	assert_int_equal(enrol(pki, tree, 0), 0);
	assert_int_equal(renamed, 0);
	gt_pki_close(pki);
}

static void a_forged_roster_is_not_opened(void **state)
{
	(void)state;
	char path[512];
	struct gt_pki *pki;
	struct gt_buffer file = slurp("members.bin");
	uint8_t *copy = malloc(file.n);
	assert_non_null(copy);
	memcpy(copy, file.p, file.n);
	copy[file.n / 2] ^= 1;
	gt_format(path, sizeof path, "%s/pki/members.bin", dir);
	assert_int_equal(gt_files_write(path, 0644, GT_FILES_REPLACE,
	                                gt_bytes_of(copy, file.n), why,
	                                sizeof why),
	                 0);
	gt_format(path, sizeof path, "%s/pki", dir);
	assert_true(gt_pki_open(&pki, path, why, sizeof why) < 0);
	free(copy);
	gt_format(path, sizeof path, "%s/pki/members.bin", dir);
	assert_int_equal(gt_files_write(path, 0644, GT_FILES_REPLACE,
	                                gt_buffer_bytes(&file), why,
	                                sizeof why),
	                 0);
	drop(file);
}

static void trees_with_mistakes(void **state)
{
	(void)state;
	static const char *const bad[][2] = {
	        {"nodes:\n  - {code: \"333\"}\n", "t.yaml:2:5: "},
	        {"nodes:\n  - {cod: \"33\"}\n", "t.yaml:2:6: "},
	        {"nods: []\n", "t.yaml:1:1: "},
	        {"nodes: [{code: \"33\"}, {code: \"33\"}]\n", "t.yaml:1:"},
	        {"nodes: [{code: \"3301\", parent: \"44\"}]\n", "44"},
	        {"nodes: [\n", "t.yaml:2:1: "},
	        {"nodes: 3\n", "t.yaml:1:8: "},
	        {"", "t.yaml:1:1: "},
	        {"nodes: [{code: {a: b}}]\n", "t.yaml:1:16: "},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct gt_tree tree;
		char *complaints;
		assert_int_equal(parse(&tree, bad[i][0], &complaints),
		                 -GT_EINVALID);
		if (!strstr(complaints, bad[i][1]))
			fail_msg("%zu: %s", i, complaints);
		free(complaints);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(chains_verify),
	        cmocka_unit_test(names_are_the_chain_of_codes),
	        cmocka_unit_test(secrets_are_private),
	        cmocka_unit_test(members_unseal),
	        cmocka_unit_test(publishers_keys),
	        cmocka_unit_test(a_forged_roster_is_not_opened),
	        cmocka_unit_test(keys_are_never_written_over),
	        cmocka_unit_test(revoking_bumps_the_row),
	        cmocka_unit_test(another_key_and_the_one_before),
	        cmocka_unit_test(a_node_is_renamed),
	        cmocka_unit_test(trees_with_mistakes),
	        cmocka_unit_test(a_key_for_dates),
	        cmocka_unit_test(rows_are_placed),
	};
	return cmocka_run_group_tests_name("pki", tests, setup, teardown);
}
