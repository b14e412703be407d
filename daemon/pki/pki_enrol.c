/* Enrolling, renewing, revoking: everything that changes a PKI.
 * Tests: u_pki.c. */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "code.h"
#include "files.h"
#include "pki_have.h"
#include "say.h"

enum { SMALL_FILE = 64 << 10 };

bool gt_pki_uri(const struct gt_pki *pki, const char *code, char *out,
                size_t cap)
{
	const struct gt_pki_member *chain[GT_LEVELS_MAX];
	size_t n = 0;
	for (const char *c = code; *c;) {
		const struct gt_pki_member *m = gt_pki_find(pki, c);
		if (!m || n == GT_LEVELS_MAX)
			return false;
		chain[n++] = m;
		c = m->parent;
	}
	if (!gt_copy(out, cap, "spiffe://guantong"))
		return false;
	while (n > 0) {
		size_t used = strlen(out);
		const char *part = chain[--n]->code;
		if (cap - used < strlen(part) + 2)
			return false;
		out[used] = '/';
		memcpy(out + used + 1, part, strlen(part) + 1);
	}
	return true;
}

/* ------------------------------------------------------------- rows */

static struct gt_bytes encode_member(struct gt_pki *pki,
                                     struct gt_pki_member *m)
{
	Gt__Member row;
	gt__member__init(&row);
	row.code = m->code;
	row.version = m->version;
	row.level = m->level;
	row.key = (ProtobufCBinaryData){sizeof m->key, m->key};
	row.standing =
	        m->revoked ? GT__STANDING__REVOKED : GT__STANDING__ACTIVE;
	row.publisher = m->publisher;
	row.name = m->name;
	row.parent = m->publisher ? row.parent : m->parent;
	if (m->dated)
		row.date_key =
		        (ProtobufCBinaryData){sizeof m->date_key, m->date_key};
	row.n_former = m->former.n / sizeof m->key;
	row.former = gt_arena_get(pki->arena,
	                          (row.n_former + 1) * sizeof *row.former);
	for (size_t i = 0; row.former && i < row.n_former; i++)
		row.former[i] = gt_lend_bytes(gt_bytes_of(
		        m->former.p + i * sizeof m->key, sizeof m->key));
	return row.former ? gt_arena_pack(pki->arena, &row.base)
	                  : (struct gt_bytes){0};
}

/* Signs up to GT_SEAL_MAX unsigned rows from *from on, which moves on. */
static int sign_batch(struct gt_pki *pki, size_t *from, struct gt_bytes *bodies,
                      struct gt_bytes *sealed, size_t *which)
{
	size_t n = 0;
	for (; *from < pki->n && n < GT_SEAL_MAX; ++*from) {
		if (pki->v[*from].row.p)
			continue;
		bodies[n] = encode_member(pki, &pki->v[*from]);
		if (!bodies[n].p)
			return -GT_ENOMEM;
		which[n++] = *from;
	}
	int status = n ? gt_seal(&pki->roster, GT__KIND__MEMBER, bodies, n,
	                         pki->arena, sealed)
	               : 0;
	for (size_t i = 0; !status && i < n; i++)
		pki->v[which[i]].row = sealed[i];
	return status;
}

int gt_pki_sign(struct gt_pki *pki)
{
	struct gt_bytes *bodies = calloc(GT_SEAL_MAX, sizeof *bodies);
	struct gt_bytes *sealed = calloc(GT_SEAL_MAX, sizeof *sealed);
	size_t *which = calloc(GT_SEAL_MAX, sizeof *which);
	int status = bodies && sealed && which ? 0 : -GT_ENOMEM;
	for (size_t from = 0; !status && from < pki->n;)
		status = sign_batch(pki, &from, bodies, sealed, which);
	free(bodies);
	free(sealed);
	free(which);
	return status;
}

int gt_pki_write_rows(const struct gt_pki *pki, const char *path,
                      const size_t *list, size_t n, char *why, size_t why_cap)
{
	size_t total = 0;
	for (size_t i = 0; i < n; i++)
		total += 4 + pki->v[list[i]].row.n;
	uint8_t *file = malloc(total + 1), *p = file;
	if (!file) {
		gt_say_into(why, why_cap, GT_T_CLI_NOMEM);
		return -GT_ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		struct gt_bytes row = pki->v[list[i]].row;
		gt_put32(p, (uint32_t)row.n);
		memcpy(p + 4, row.p, row.n);
		p += 4 + row.n;
	}
	int status = gt_files_write(path, 0644, GT_FILES_REPLACE,
	                            gt_bytes_of(file, total), why, why_cap);
	free(file);
	return status;
}

/* For each member the indices of its descendants: list[at[i]..at[i+1]). */
struct below {
	size_t *at, *list;
};

static size_t index_of(const struct gt_pki *pki, const char *code)
{
	const struct gt_pki_member *m = *code ? gt_pki_find(pki, code) : NULL;
	return m ? (size_t)(m - pki->v) : SIZE_MAX;
}

static int find_below(const struct gt_pki *pki, struct below *b)
{
	b->at = calloc(pki->n + 2, sizeof *b->at);
	b->list = calloc(pki->n * GT_LEVELS_MAX + 1, sizeof *b->list);
	if (!b->at || !b->list)
		return -GT_ENOMEM;
	/* at[] is shifted by one while filling, so that it ends up in place */
	for (int fill = 0; fill < 2; fill++) {
		for (size_t i = 0; i < pki->n; i++) {
			size_t a = index_of(pki, pki->v[i].parent);
			for (int d = 0; a != SIZE_MAX && d < GT_LEVELS_MAX;
			     d++) {
				if (fill)
					b->list[b->at[a + 1]] = i;
				b->at[a + (fill ? 1 : 2)]++;
				a = index_of(pki, pki->v[a].parent);
			}
		}
		for (size_t i = 0; !fill && i < pki->n; i++)
			b->at[i + 2] += b->at[i + 1];
	}
	return 0;
}

/* A second node of its place has what lies below the first below it too. */
static size_t first_of_place(const struct gt_pki *pki, size_t i)
{
	char place[GT_CODE_MAX + 1];
	gt_code_place(place, pki->v[i].code);
	size_t first = index_of(pki, place);
	return first == SIZE_MAX ? i : first;
}

/* Its parent may be a second node of the place of any above it. */
static bool beside_ancestor(const struct gt_pki *pki, const size_t *ancestors,
                            size_t n, size_t k)
{
	const struct gt_pki_member *m = &pki->v[k];
	bool beside = false;
	if (m->publisher || !strchr(m->code, '-'))
		return false;
	for (size_t d = 0; d < n; d++) {
		if (ancestors[d] == k)
			return false;
		beside = beside ||
		         gt_code_same_place(m->code, pki->v[ancestors[d]].code);
	}
	return beside;
}

static int save_one(struct gt_pki *pki, size_t i, const struct below *b,
                    size_t *list, char *why, size_t why_cap)
{
	char path[GT_PKI_PATH];
	size_t n = 0, first = first_of_place(pki, i);
	list[n++] = i;
	size_t a = index_of(pki, pki->v[i].parent);
	for (int d = 0; a != SIZE_MAX && d < GT_LEVELS_MAX; d++) {
		list[n++] = a;
		a = index_of(pki, pki->v[a].parent);
	}
	size_t above = n - 1;
	for (size_t k = b->at[first]; k < b->at[first + 1]; k++)
		if (b->list[k] != i)
			list[n++] = b->list[k];
	for (size_t k = 0; k < pki->n; k++)
		if (pki->v[k].publisher ||
		    (k != i && first == i &&
		     beside_ancestor(pki, list + 1, above, k)))
			list[n++] = k;
	if (!gt_pki_path(pki, path, "nodes", pki->v[i].code, GT_PKI_MEMBERS,
	                 why, why_cap))
		return -GT_ELIMIT;
	return gt_pki_write_rows(pki, path, list, n, why, why_cap);
}

int gt_pki_save(struct gt_pki *pki, char *why, size_t why_cap)
{
	char path[GT_PKI_PATH];
	struct below b = {0};
	size_t *list = calloc(2 * pki->n + GT_LEVELS_MAX + 1, sizeof *list);
	int status = list ? find_below(pki, &b) : -GT_ENOMEM;
	if (status)
		gt_say_into(why, why_cap, GT_T_CLI_NOMEM);
	for (size_t i = 0; !status && i < pki->n; i++)
		list[i] = i;
	/* The whole roster first: it is what everything else is made from. */
	if (!status &&
	    !gt_pki_path(pki, path, "", GT_PKI_MEMBERS, "", why, why_cap))
		status = -GT_ELIMIT;
	if (!status)
		status = gt_pki_write_rows(pki, path, list, pki->n, why,
		                           why_cap);
	for (size_t i = 0; !status && i < pki->n; i++)
		if (!pki->v[i].publisher)
			status = save_one(pki, i, &b, list, why, why_cap);
	free(b.at);
	free(b.list);
	free(list);
	return status;
}

/* ------------------------------------------------------ keys, files */

/* The public half of the seed in path, which is made if there is none. */
static int have_seed(const char *path, uint8_t public[32], char *why,
                     size_t why_cap)
{
	struct gt_buffer hex;
	struct gt_key key;
	int status = gt_pki_seed(path, public, why, why_cap);
	if (status != -GT_ECONFLICT)
		return status;
	status = gt_files_read(path, GT_PKI_SEED_FILE_MAX, &hex, why, why_cap);
	if (status)
		return status;
	status = gt_pki_seed_of(&hex, &key);
	if (status)
		gt_say_into(why, why_cap, GT_T_CLI_PKI_NOT_KEY, path);
	else
		memcpy(public, key.public, 32);
	OPENSSL_cleanse(&key, sizeof key);
	gt_buffer_wipe(&hex);
	return status;
}

/* The TLS key in path. NULL: why. */
static EVP_PKEY *read_tls_key(const char *path, char *why, size_t why_cap)
{
	struct gt_buffer pem;
	if (gt_files_read(path, SMALL_FILE, &pem, why, why_cap))
		return NULL;
	EVP_PKEY *key = gt_cert_key_of_pem(gt_buffer_bytes(&pem));
	if (!key)
		gt_say_into(why, why_cap, GT_T_CLI_PKI_NOT_KEY, path);
	gt_buffer_wipe(&pem);
	return key;
}

/* The same, made if there is none. */
static EVP_PKEY *have_tls_key(const char *path, char *why, size_t why_cap)
{
	if (access(path, F_OK) == 0)
		return read_tls_key(path, why, why_cap);
	EVP_PKEY *key = gt_cert_key();
	struct gt_buffer pem =
	        key ? gt_cert_key_pem(key) : (struct gt_buffer){0};
	int status = -GT_EIO;
	gt_say_into(why, why_cap, GT_T_CLI_PKI_OPENSSL);
	if (pem.p)
		status = gt_files_write(path, 0600, GT_FILES_NEW,
		                        gt_buffer_bytes(&pem), why, why_cap);
	gt_buffer_wipe(&pem);
	if (status) {
		EVP_PKEY_free(key);
		return NULL;
	}
	return key;
}

static int copy_part(const struct gt_pki *pki, const char *file,
                     const char *code, char *why, size_t why_cap)
{
	char from[GT_PKI_PATH], to[GT_PKI_PATH];
	struct gt_buffer b;
	if (!gt_pki_path(pki, from, "", file, "", why, why_cap) ||
	    !gt_pki_path(pki, to, "nodes", code, file, why, why_cap))
		return -GT_ELIMIT;
	int status = gt_files_read(from, SMALL_FILE, &b, why, why_cap);
	if (!status)
		status = gt_files_write(to, 0644, GT_FILES_REPLACE,
		                        gt_buffer_bytes(&b), why, why_cap);
	gt_buffer_free(&b);
	return status;
}

static int certify(struct gt_pki *pki, struct gt_pki_member *m, unsigned days,
                   char *why, size_t why_cap)
{
	char path[GT_PKI_PATH], uri[GT_CERT_URI_MAX];
	struct gt_buffer pem = {0};
	if (!gt_pki_path(pki, path, "nodes", m->code, "key.pem", why, why_cap))
		return -GT_ELIMIT;
	if (!gt_pki_uri(pki, m->code, uri, sizeof uri)) {
		gt_say_into(why, why_cap, GT_T_CLI_PKI_RING, m->code);
		return -GT_EINVALID;
	}
	EVP_PKEY *key = have_tls_key(path, why, why_cap);
	if (!key)
		return -GT_EIO;
	X509 *cert = gt_cert_leaf(pki->ca, pki->ca_key, key, m->code, uri, days,
	                          (int64_t)time(NULL));
	int status = -GT_EIO;
	if (cert && (pem = gt_cert_pem(cert)).p &&
	    gt_pki_path(pki, path, "nodes", m->code, "cert.pem", why, why_cap))
		status = gt_files_write(path, 0644, GT_FILES_REPLACE,
		                        gt_buffer_bytes(&pem), why, why_cap);
	else
		gt_say_into(why, why_cap, GT_T_CLI_PKI_OPENSSL);
	if (!status)
		m->expires_s = gt_cert_expires(cert);
	gt_buffer_free(&pem);
	X509_free(cert);
	EVP_PKEY_free(key);
	return status;
}

static int equip_node(struct gt_pki *pki, struct gt_pki_member *m,
                      unsigned days, char *why, size_t why_cap)
{
	char path[GT_PKI_PATH];
	if (!gt_pki_path(pki, path, "nodes", m->code, "", why, why_cap))
		return -GT_ELIMIT;
	int status = gt_files_mkdir(path, 0700, why, why_cap);
	if (!status &&
	    !gt_pki_path(pki, path, "nodes", m->code, "node.key", why, why_cap))
		status = -GT_ELIMIT;
	if (!status)
		status = have_seed(path, m->key, why, why_cap);
	if (!status)
		status = copy_part(pki, GT_PKI_CA, m->code, why, why_cap);
	if (!status)
		status = copy_part(pki, GT_PKI_ROSTER, m->code, why, why_cap);
	return status ? status : certify(pki, m, days, why, why_cap);
}

static int equip_publisher(struct gt_pki *pki, struct gt_pki_member *m,
                           char *why, size_t why_cap)
{
	char path[GT_PKI_PATH];
	if (*m->parent) {
		/* signs through a node: the node's key is the publisher's */
		const struct gt_pki_member *node = gt_pki_find(pki, m->parent);
		assert(node);
		memcpy(m->key, node->key, sizeof m->key);
		m->parent[0] = '\0';
		return 0;
	}
	if (!gt_pki_path(pki, path, "publishers", m->code, "", why, why_cap))
		return -GT_ELIMIT;
	int status = gt_files_mkdir(path, 0700, why, why_cap);
	if (!status && !gt_pki_path(pki, path, "publishers", m->code,
	                            "node.key", why, why_cap))
		status = -GT_ELIMIT;
	return status ? status : have_seed(path, m->key, why, why_cap);
}

/* ------------------------------------------------------------ enrol */

/* The longest code already there that the node's place lies in. */
static void default_parent(const struct gt_pki *pki, struct gt_pki_member *m)
{
	char code[GT_CODE_MAX + 1];
	memcpy(code, m->code, sizeof code);
	while (gt_tree_up(code)) {
		const struct gt_pki_member *p = gt_pki_find(pki, code);
		if (p && !p->publisher && p != m) {
			memcpy(m->parent, p->code, sizeof m->parent);
			return;
		}
	}
}

static int add_new(struct gt_pki *pki, const struct gt_tree *tree,
                   size_t *added)
{
	size_t before = pki->n;
	for (size_t i = 0; i < tree->n; i++) {
		const struct gt_tree_node *n = &tree->v[i];
		bool here = false;
		struct gt_pki old = *pki;
		old.n = before;
		here = gt_pki_find(&old, n->code) != NULL;
		if (here)
			continue;
		struct gt_pki_member *m = gt_pki_add(pki);
		if (!m)
			return -GT_ENOMEM;
		memcpy(m->code, n->code, sizeof m->code);
		memcpy(m->parent, n->parent, sizeof m->parent);
		memcpy(m->level, n->level, sizeof m->level);
		memcpy(m->name, n->name, sizeof m->name);
		m->publisher = n->publisher;
		m->version = 1;
	}
	*added = pki->n - before;
	gt_pki_sort(pki);
	return 0;
}

static int check_new(struct gt_pki *pki, const struct gt_tree *tree, char *why,
                     size_t why_cap)
{
	const struct gt_pki_member *root = NULL;
	for (size_t i = 0; i < pki->n; i++) {
		struct gt_pki_member *m = &pki->v[i];
		const struct gt_tree_node *n = gt_tree_find(tree, m->code);
		unsigned long line = n ? n->line : 0,
		              column = n ? n->column : 0;
		if (!m->row.p && !*m->parent && !m->publisher)
			default_parent(pki, m);
		const struct gt_pki_member *up = gt_pki_find(pki, m->parent);
		if (*m->parent && (!up || up->publisher || up->revoked) &&
		    !m->row.p) {
			gt_say_into(why, why_cap, GT_T_CLI_PKI_NO_PARENT, line,
			            column, m->code, m->parent);
			return -GT_EINVALID;
		}
		if (!*m->parent && !m->publisher && root) {
			gt_say_into(why, why_cap, GT_T_CLI_PKI_TWO_ROOTS, line,
			            column, m->code, root->code);
			return -GT_EINVALID;
		}
		if (!*m->parent && !m->publisher)
			root = m;
	}
	return 0;
}

/* What was enrolled before and is called otherwise now. A tree that leaves a
 * name out takes none away. */
static size_t rename_old(struct gt_pki *pki, const struct gt_tree *tree)
{
	size_t n = 0;
	for (size_t i = 0; i < pki->n; i++) {
		struct gt_pki_member *m = &pki->v[i];
		const struct gt_tree_node *now = gt_tree_find(tree, m->code);
		if (!m->row.p || m->revoked || !now || !*now->name ||
		    strcmp(now->name, m->name) == 0)
			continue;
		memcpy(m->name, now->name, sizeof m->name);
		m->version++;
		m->row = gt_bytes_of(NULL, 0);
		n++;
	}
	return n;
}

int gt_pki_enrol(struct gt_pki *pki, const struct gt_tree *tree, unsigned days,
                 struct gt_pki_enrolled *done, char *why, size_t why_cap)
{
	gt_say_into(why, why_cap, GT_T_CLI_NOMEM);
	*done = (struct gt_pki_enrolled){0};
	int status = add_new(pki, tree, &done->added);
	if (!status)
		status = check_new(pki, tree, why, why_cap);
	for (size_t i = 0; !status && i < pki->n; i++)
		if (!pki->v[i].row.p && !pki->v[i].publisher)
			status =
			        equip_node(pki, &pki->v[i], days, why, why_cap);
	for (size_t i = 0; !status && i < pki->n; i++)
		if (!pki->v[i].row.p && pki->v[i].publisher)
			status = equip_publisher(pki, &pki->v[i], why, why_cap);
	if (!status)
		done->renamed = rename_old(pki, tree);
	if (!status)
		status = gt_pki_sign(pki);
	return status ? status : gt_pki_save(pki, why, why_cap);
}

static struct gt_pki_member *find_or_say(struct gt_pki *pki, const char *code,
                                         char *why, size_t why_cap)
{
	const struct gt_pki_member *m = gt_pki_find(pki, code);
	if (!m) {
		gt_say_into(why, why_cap, GT_T_CLI_PKI_NO_CODE, code, pki->dir);
		return NULL;
	}
	return &pki->v[m - pki->v];
}

int gt_pki_renew(struct gt_pki *pki, const char *code, unsigned days, char *why,
                 size_t why_cap)
{
	struct gt_pki_member *m = find_or_say(pki, code, why, why_cap);
	if (!m)
		return -GT_EUNKNOWN;
	if (m->publisher || m->revoked) {
		gt_say_into(why, why_cap, GT_T_CLI_PKI_NO_RENEW, code);
		return -GT_ESTATE;
	}
	return certify(pki, m, days, why, why_cap);
}

int gt_pki_revoke(struct gt_pki *pki, const char *code, const char *file,
                  char *why, size_t why_cap)
{
	struct gt_pki_member *m = find_or_say(pki, code, why, why_cap);
	if (!m)
		return -GT_EUNKNOWN;
	if (m->revoked) {
		gt_say_into(why, why_cap, GT_T_CLI_PKI_REVOKED, code);
		return -GT_ESTATE;
	}
	m->revoked = true;
	m->version++;
	m->row = gt_bytes_of(NULL, 0);
	size_t i = (size_t)(m - pki->v);
	gt_say_into(why, why_cap, GT_T_CLI_NOMEM);
	int status = gt_pki_sign(pki);
	if (!status)
		status = gt_pki_save(pki, why, why_cap);
	return status ? status
	              : gt_pki_write_rows(pki, file, &i, 1, why, why_cap);
}

/* What changed is signed and written. */
static int sign_and_save(struct gt_pki *pki, char *why, size_t why_cap)
{
	gt_say_into(why, why_cap, GT_T_CLI_NOMEM);
	int status = gt_pki_sign(pki);
	return status ? status : gt_pki_save(pki, why, why_cap);
}

static const char *root_of(const struct gt_pki *pki)
{
	for (size_t i = 0; i < pki->n; i++)
		if (!pki->v[i].publisher && !pki->v[i].revoked &&
		    !*pki->v[i].parent)
			return pki->v[i].code;
	return "";
}

int gt_pki_date(struct gt_pki *pki, const char *code, const char **named,
                char *why, size_t why_cap)
{
	char path[GT_PKI_PATH];
	uint8_t public[32];
	struct gt_pki_member *m =
	        find_or_say(pki, code ? code : root_of(pki), why, why_cap);
	if (!m)
		return -GT_EUNKNOWN;
	*named = m->code;
	if (m->publisher || m->revoked) {
		gt_say_into(why, why_cap, GT_T_CLI_PKI_NO_RENEW, m->code);
		return -GT_ESTATE;
	}
	if (!gt_pki_path(pki, path, "nodes", m->code, "date.key", why, why_cap))
		return -GT_ELIMIT;
	int status = have_seed(path, public, why, why_cap);
	if (status)
		return status;
	if (m->dated && memcmp(m->date_key, public, sizeof public) == 0)
		return 0;
	memcpy(m->date_key, public, sizeof public);
	m->dated = true;
	m->version++;
	m->row = gt_bytes_of(NULL, 0);
	return sign_and_save(pki, why, why_cap);
}

int gt_pki_row(const struct gt_pki *pki, const char *code, const char *file,
               char *why, size_t why_cap)
{
	size_t i = index_of(pki, code);
	assert(i != SIZE_MAX);
	return gt_pki_write_rows(pki, file, &i, 1, why, why_cap);
}

int gt_pki_place(struct gt_pki *pki, size_t *n, char *why, size_t why_cap)
{
	*n = 0;
	for (size_t i = 0; i < pki->n; i++) {
		struct gt_pki_member *m = &pki->v[i];
		if (m->placed || m->publisher || m->revoked || !*m->parent)
			continue;
		m->placed = true;
		m->version++;
		m->row = gt_bytes_of(NULL, 0);
		++*n;
	}
	return *n ? sign_and_save(pki, why, why_cap) : 0;
}
