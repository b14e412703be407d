/* publish.c: what people at this node publish, withdraw and order.
 *
 * Content is staged by the caller; it is checked, made durable and given its
 * name (ADOPT) before the entry that names it is committed.
 * Tests: u_publish.c, u_node_object.c, u_adopt.c, u_node_restore.c. */
#include "catalogue_inside.h"
#include "draw.h"
#include "object.h"
#include "start.h"

#include <stdlib.h>
#include <string.h>

/* What nobody counts to: a version shown by others is not followed there. */
#define VERSION_SANE ((int64_t)1 << 53)

static const struct gt_decision own_decision = {GT_MIRROR, 100, "", ""};

static int audit(struct gt_node *n, const char *actor, const char *event,
                 const char *kind, const char *subject, int64_t version,
                 uint64_t bytes, const char *detail)
{
	struct gt_audit row = {.actor = actor,
	                       .event = event,
	                       .kind = kind,
	                       .subject = subject,
	                       .version = version,
	                       .bytes = bytes,
	                       .detail = detail};
	return gt_audit_row(n, &row);
}

static char *hex_of(struct gt_node *n, ProtobufCBinaryData b)
{
	char *hex = gt_arena_get(n->arena, 2 * b.len + 1);
	if (hex)
		gt_hex(hex, b.data, b.len);
	return hex;
}

/* ----------------------------------------------------------- drafts */

static uint64_t next_version(const struct gt_node *n, uint64_t old)
{
	uint64_t floor = (uint64_t)n->catalogue->version_floor;
	return old + 1 > floor ? old + 1 : floor;
}

/* The draft as an entry of this node: id, publisher, version, dates. Refusals
 * come back in *refused with why. */
static int complete_draft(struct gt_node *n, struct gt_bytes draft,
                          Gt__Entry **out, int *refused, char why[GT_WHY])
{
	struct gt_item old;
	bool had;
	char publisher[GT_CODE_MAX + 1];
	Gt__Entry *m = gt__entry__unpack(gt_arena_allocator(n->arena), draft.n,
	                                 draft.p);
	*refused = -GT_EINVALID;
	if (!m || !gt_rid_valid(m->id) || !gt_rid_publisher(publisher, m->id)) {
		gt_format(why, GT_WHY,
		          "%.60s is not a resource id: it must be "
		          "%s/name with name of a-z 0-9 . _ -",
		          m ? m->id : "this", n->code);
		return 0;
	}
	if (strcmp(publisher, n->code) != 0) {
		gt_format(why, GT_WHY, "this node publishes under %s/, not %s/",
		          n->code, publisher);
		return 0;
	}
	int status = gt_item_get(n, GT__KIND__RESOURCE, m->id, &old, &had);
	if (status != 0)
		return status;
	const Gt__Entry *before = had ? gt_item_entry(n, old.sealed) : NULL;
	m->publisher = n->code;
	m->version = next_version(n, had ? (uint64_t)old.version : 0);
	m->state = GT__STATE__LIVE;
	m->modified_ms = n->now.wall_ms;
	m->created_ms = before ? before->created_ms : n->now.wall_ms;
	m->origin_level = gt_arena_str(n->arena, n->level);
	m->object = (ProtobufCBinaryData){0, NULL};
	m->plain_size = m->stored_size = m->members = 0;
	*refused = 0;
	*out = m;
	return m->origin_level ? 0 : -GT_ENOMEM;
}

/* A file that an entry names is in its package, of which m is the manifest, NULL
 * if it has none. */
static bool name_fits(const struct gt_manifest *m, const char *name,
                      char why[GT_WHY])
{
	if (!*name || (m && gt_manifest_find(m, name) != UINT32_MAX))
		return true;
	if (m)
		gt_format(why, GT_WHY, "its package has no file %.150s", name);
	else
		gt_copy(why, GT_WHY,
		        "without files it has no start and no thumbnail");
	return false;
}

/* All that an entry names. */
static bool names_fit(const struct gt_manifest *m, const Gt__Entry *e,
                      char why[GT_WHY])
{
	return name_fits(m, e->start, why) && name_fits(m, e->thumbnail, why);
}

static int take_own(struct gt_node *n, struct gt_bytes sealed, int *result,
                    char why[GT_WHY])
{
	struct gt_claim c;
	int status = gt_item_check(n, sealed, &c, result, why);
	if (status == 0 && *result == 0)
		status = gt_item_take(n, &c, &own_decision, true, result);
	return status;
}

/* Seals entries of this node and takes them into the feed. */
static int take_entries(struct gt_node *n, Gt__Entry *const *entries,
                        size_t count, const char *actor, const char *event,
                        const char *detail, int *refused, char why[GT_WHY])
{
	struct gt_bytes *bodies =
	        gt_arena_get(n->arena, count * sizeof *bodies);
	struct gt_bytes *sealed =
	        gt_arena_get(n->arena, count * sizeof *sealed);
	if (!bodies || !sealed)
		return -GT_ENOMEM;
	for (size_t i = 0; i < count; i++) {
		bodies[i] = gt_arena_pack(n->arena, &entries[i]->base);
		if (!bodies[i].p)
			return -GT_ENOMEM;
	}
	int status = gt_seal(&n->key, GT__KIND__RESOURCE, bodies, count,
	                     n->arena, sealed);
	*refused = 0;
	for (size_t i = 0; status == 0 && *refused == 0 && i < count; i++) {
		status = take_own(n, sealed[i], refused, why);
		if (status == 0 && *refused == 0)
			status = audit(n, actor, event, "resource",
			               entries[i]->id,
			               (int64_t)entries[i]->version,
			               entries[i]->stored_size, detail);
	}
	return status;
}

/* The entry is here already, but for its number and date; it gets those back. */
static int find_same(struct gt_node *n, Gt__Entry *e, bool *same)
{
	struct gt_item old;
	int status = gt_item_get(n, GT__KIND__RESOURCE, e->id, &old, same);
	*same = *same && old.own && old.version >= n->catalogue->version_floor;
	if (status != 0 || !*same)
		return status;
	const Gt__Entry *before = gt_item_entry(n, old.sealed);
	if (!before)
		return -GT_ENOMEM;
	uint64_t version = e->version;
	int64_t modified_ms = e->modified_ms;
	e->version = before->version;
	e->modified_ms = before->modified_ms;
	struct gt_bytes a = gt_arena_pack(n->arena, &before->base);
	struct gt_bytes b = gt_arena_pack(n->arena, &e->base);
	*same = gt_bytes_eq(a, b);
	if (!*same) {
		e->version = version;
		e->modified_ms = modified_ms;
	}
	return a.p && b.p ? 0 : -GT_ENOMEM;
}

/* Takes the entries that say something new: the same published again, by a
 * batch that was broken off, is no new version. *kept tells of each. */
static int publish_entries(struct gt_node *n, Gt__Entry *const *entries,
                           size_t count, const char *actor, bool **kept,
                           int *refused, char why[GT_WHY])
{
	Gt__Entry **fresh = gt_arena_get(n->arena, count * sizeof *fresh);
	size_t nfresh = 0;
	int status = 0;
	*kept = gt_arena_get(n->arena, count * sizeof **kept);
	*refused = 0;
	if (!fresh || !*kept)
		return -GT_ENOMEM;
	for (size_t i = 0; status == 0 && i < count; i++) {
		status = find_same(n, entries[i], &(*kept)[i]);
		if (!(*kept)[i])
			fresh[nfresh++] = entries[i];
	}
	return status || nfresh == 0
	               ? status
	               : take_entries(n, fresh, nfresh, actor, "publish", "",
	                              refused, why);
}

/* {"id","version","object"}, and "kept":true where kept (NULL: nowhere), with
 * "mended":true where its content was not whole any more; ids need no
 * escaping. */
static int reply_published(struct gt_node *n, uint64_t token,
                           Gt__Entry *const *entries, const bool *kept,
                           bool mended, size_t count)
{
	size_t cap = 64 + count * (GT_RID_MAX + 144), at = 0;
	char *text = gt_arena_get(n->arena, cap);
	if (!text)
		return -GT_ENOMEM;
	if (count != 1)
		text[at++] = '[';
	for (size_t i = 0; i < count; i++) {
		char *hex = hex_of(n, entries[i]->object);
		if (!hex)
			return -GT_ENOMEM;
		gt_format(
		        text + at, cap - at,
		        "%s{\"id\":\"%s\",\"version\":%llu,\"object\":\"%s\"%s"
		        "%s}",
		        i ? "," : "", entries[i]->id,
		        (unsigned long long)entries[i]->version, hex,
		        kept && kept[i] ? ",\"kept\":true" : "",
		        kept && kept[i] && mended ? ",\"mended\":true" : "");
		at += strlen(text + at);
	}
	if (count != 1)
		text[at++] = ']';
	text[at] = '\0';
	return gt_reply(n, token, 0, "%s", text);
}

/* ----------------------------------------------------- with content */

static struct gt_pending *pending_free(struct gt_node *n)
{
	for (size_t i = 0; i < GT_PENDING_MAX; i++)
		if (!n->catalogue->pending[i].used)
			return &n->catalogue->pending[i];
	return NULL;
}

static size_t pending_at(const struct gt_node *n, const struct gt_id *object)
{
	size_t i = 0;
	while (i < GT_PENDING_MAX &&
	       !(n->catalogue->pending[i].used &&
	         gt_id_eq(&n->catalogue->pending[i].object, object)))
		i++;
	return i;
}

static int adopt(struct gt_node *n, const struct gt_event *e)
{
	const struct gt_draft *d = &e->drafts[0];
	struct gt_pending *p = pending_free(n);
	struct gt_action *a = gt_act(n, GT_ACT_ADOPT);
	struct gt_id id;
	if (!a)
		return -GT_ENOMEM;
	if (!p) {
		n->nactions--;
		return gt_reply(n, e->token, -GT_EBUSY,
		                "too many publishes under way: try again");
	}
	uint8_t *copy = malloc(d->entry.n + d->manifest.n);
	if (!copy)
		return -GT_ENOMEM;
	memcpy(copy, d->entry.p, d->entry.n);
	memcpy(copy + d->entry.n, d->manifest.p, d->manifest.n);
	gt_manifest_id(&id, d->manifest);
	*p = (struct gt_pending){
	        .used = true, .token = e->token, .object = id, .copy = copy};
	p->entry = gt_bytes_of(copy, d->entry.n);
	p->manifest = gt_bytes_of(copy + d->entry.n, d->manifest.n);
	gt_object_adopting(n, &id);
	gt_copy(p->actor, sizeof p->actor, e->actor ? e->actor : "");
	a->object = id;
	a->payload = p->manifest;
	a->text = gt_arena_str(n->arena, d->staged);
	/* Written down before the file gets its name: should we die between the
	 * two, this row says whose it is, and that it may go. */
	char hex[GT_HEX_ID];
	gt_id_hex(hex, &id);
	int status = audit(n, e->actor, "adopt", "object", hex, 0, 0, "");
	return a->text ? status : -GT_ENOMEM;
}

/* What the package says of itself, into its entry. */
static int describe(struct gt_node *n, const struct gt_pending *p,
                    const struct gt_manifest *m, Gt__Entry *entry)
{
	uint32_t first = gt_start_of(m, entry->start);
	entry->object = (ProtobufCBinaryData){
	        GT_ID_BYTES, gt_arena_copy(n->arena, p->object.b, GT_ID_BYTES)};
	entry->plain_size = m->plain_at[m->nframes];
	entry->stored_size = m->file_size;
	entry->members = m->nfiles;
	if (first != UINT32_MAX)
		entry->start = gt_arena_str(n->arena, m->files[first].path);
	return entry->object.data && entry->start ? 0 : -GT_ENOMEM;
}

/* What was damaged here is published again: it is whole with that. */
static int repair(struct gt_node *n, const struct gt_pending *p,
                  const struct gt_manifest *m)
{
	char hex[GT_HEX_ID];
	bool damaged;
	int status = gt_object_damaged(n, &p->object, &damaged);
	gt_id_hex(hex, &p->object);
	return status || !damaged ? status
	                          : audit(n, p->actor, "repair", "object", hex,
	                                  0, m->file_size, "published again");
}

static int finish(struct gt_node *n, struct gt_pending *p, bool *published)
{
	struct gt_manifest *m = NULL;
	Gt__Entry *entry = NULL;
	bool *kept = NULL;
	char why[GT_WHY] = "";
	int refused;
	bool whole = false;
	int status = complete_draft(n, p->entry, &entry, &refused, why);
	if (status == 0)
		status = gt_object_complete(n, &p->object, &whole);
	if (status == 0 && refused == 0) {
		refused = gt_manifest_new(&m, p->manifest, why, sizeof why);
		if (refused == -GT_ENOMEM)
			return refused;
	}
	if (status == 0 && refused == 0) {
		status = describe(n, p, m, entry);
		if (status == 0)
			status = repair(n, p, m);
		if (status == 0)
			status = gt_object_published(n, &p->object, p->manifest,
			                             m->file_size, m->nframes);
		if (status == 0)
			status = publish_entries(n, &entry, 1, p->actor, &kept,
			                         &refused, why);
	}
	gt_manifest_free(m);
	*published = status == 0 && refused == 0;
	if (status != 0)
		return status;
	return refused ? gt_reply(n, p->token, refused, "%s", why)
	               : reply_published(n, p->token, &entry, kept, !whole, 1);
}

int gt_publish_adopted(struct gt_node *n, const struct gt_event *e)
{
	size_t at = pending_at(n, &e->object);
	bool published = false;
	int status;
	if (e->status == -GT_ESTORE) {
		gt_copy(n->why, sizeof n->why,
		        "the disk failed to sync an object file");
		return -GT_EIO;
	}
	if (at == GT_PENDING_MAX)
		return 0;
	struct gt_pending *p = &n->catalogue->pending[at];
	if (e->status != 0) {
		struct gt_audit row = {.actor = p->actor,
		                       .event = "publish",
		                       .kind = "object",
		                       .result = e->status};
		status = gt_audit_row(n, &row);
		if (status == 0)
			status = gt_reply(n, p->token, e->status, "%.*s",
			                  (int)e->body.n,
			                  (const char *)e->body.p);
	} else {
		status = finish(n, p, &published);
	}
	gt_object_adopted(n, &p->object);
	free(p->copy);
	*p = (struct gt_pending){0};
	return status || published ? status
	                           : gt_object_unpublished(n, &e->object);
}

/* --------------------------------------------------------- commands */

/* What is published here is held to more than what comes from elsewhere. */
static bool paths_fit(const struct gt_manifest *m, char why[GT_WHY])
{
	for (uint32_t i = 0; i < m->nfiles; i++) {
		const char *path = m->files[i].path;
		if (gt_path_offer(path, strlen(path)) == GT_PATH_FINE)
			continue;
		gt_format(why, GT_WHY,
		          "the name of %.120s is not in Unicode form NFC",
		          path);
		return false;
	}
	return true;
}

/* Nothing is adopted, or taken, whose entry cannot be: refused before, *refused
 * says why. */
static int check_drafts(struct gt_node *n, const struct gt_event *e,
                        Gt__Entry **entries, int *refused, char why[GT_WHY])
{
	struct gt_manifest *m = NULL;
	int status = 0;
	for (size_t i = 0; status == 0 && *refused == 0 && i < e->count; i++)
		status = complete_draft(n, e->drafts[i].entry, &entries[i],
		                        refused, why);
	if (status != 0 || *refused != 0)
		return status;
	if (e->drafts[0].manifest.n > 0)
		*refused =
		        gt_manifest_new(&m, e->drafts[0].manifest, why, GT_WHY);
	if (*refused == 0 && m && !paths_fit(m, why))
		*refused = -GT_EINVALID;
	for (size_t i = 0; *refused == 0 && !e->dry && i < e->count; i++)
		if (!names_fit(m, entries[i], why))
			*refused = -GT_EINVALID;
	gt_manifest_free(m);
	return 0;
}

/* Would the entries be taken, once they have an object? */
static int try_entries(struct gt_node *n, Gt__Entry *const *entries,
                       size_t count, int *refused, char why[GT_WHY])
{
	static uint8_t some[GT_ID_BYTES];
	int status = 0;
	for (size_t i = 0; status == 0 && *refused == 0 && i < count; i++) {
		struct gt_claim c;
		struct gt_bytes sealed;
		Gt__Entry *e = entries[i];
		e->object = (ProtobufCBinaryData){GT_ID_BYTES, some};
		e->plain_size = e->stored_size = e->members = UINT64_MAX;
		struct gt_bytes body = gt_arena_pack(n->arena, &e->base);
		if (!body.p)
			return -GT_ENOMEM;
		status = gt_seal(&n->key, GT__KIND__RESOURCE, &body, 1,
		                 n->arena, &sealed);
		if (status == 0)
			status = gt_item_check(n, sealed, &c, refused, why);
	}
	return status;
}

int gt_publish(struct gt_node *n, const struct gt_event *e)
{
	char why[GT_WHY] = "";
	int refused = 0;
	if (e->count == 0 || e->count > GT_SEAL_MAX)
		return gt_reply(n, e->token, -GT_ELIMIT,
		                "publish 1 to %d resources at a time",
		                GT_SEAL_MAX);
	Gt__Entry **entries =
	        gt_arena_get(n->arena, e->count * sizeof *entries);
	bool *kept = NULL;
	if (!entries)
		return -GT_ENOMEM;
	int status = check_drafts(n, e, entries, &refused, why);
	if (status == 0 && refused == 0 && e->dry)
		status = try_entries(n, entries, e->count, &refused, why);
	else if (status == 0 && refused == 0 && e->drafts[0].manifest.n > 0)
		return adopt(n, e);
	else if (status == 0 && refused == 0)
		status = publish_entries(n, entries, e->count, e->actor, &kept,
		                         &refused, why);
	if (status != 0)
		return status;
	if (refused)
		return gt_reply(n, e->token, refused, "%s", why);
	return e->dry ? gt_reply(n, e->token, 0, "{\"fits\":%zu}", e->count)
	              : reply_published(n, e->token, entries, kept, false,
	                                e->count);
}

int gt_withdraw(struct gt_node *n, const struct gt_event *e)
{
	struct gt_item item;
	bool found;
	char why[GT_WHY] = "";
	int refused;
	int status = gt_item_get(n, GT__KIND__RESOURCE, e->text, &item, &found);
	if (status != 0)
		return status;
	if (!found || !item.own)
		return gt_reply(n, e->token, found ? -GT_EDENIED : -GT_EUNKNOWN,
		                found ? "%s was published elsewhere: withdraw "
		                        "it there"
		                      : "%s is not known here",
		                e->text);
	Gt__Entry *entry = gt_item_entry(n, item.sealed);
	if (!entry)
		return -GT_ENOMEM;
	if (entry->state == GT__STATE__WITHDRAWN &&
	    item.version >= n->catalogue->version_floor)
		return reply_published(n, e->token, &entry, NULL, false, 1);
	entry->state = GT__STATE__WITHDRAWN;
	entry->version = next_version(n, entry->version);
	entry->modified_ms = n->now.wall_ms;
	status = take_entries(n, &entry, 1, e->actor, "withdraw", e->detail,
	                      &refused, why);
	if (status != 0)
		return status;
	return refused ? gt_reply(n, e->token, refused, "%s", why)
	               : reply_published(n, e->token, &entry, NULL, false, 1);
}

/* Seals this node's layer, takes it into the feed and offers it to the
 * parent. */
static int take_layer(struct gt_node *n, const Gt__Layer *m, const char *actor,
                      const char *detail, char why[GT_WHY], int *refused)
{
	struct gt_bytes body = gt_arena_pack(n->arena, &m->base), sealed;
	if (!body.p)
		return -GT_ENOMEM;
	*refused = 0;
	int status =
	        gt_seal(&n->key, GT__KIND__LAYER, &body, 1, n->arena, &sealed);
	if (status == 0)
		status = take_own(n, sealed, refused, why);
	if (status == 0 && *refused == 0)
		status = audit(n, actor, "policy", "layer", n->code,
		               (int64_t)m->version, body.n, detail);
	if (*refused == 0)
		n->catalogue->layer_news = true;
	return status;
}

/* Newer than `above` by a number drawn: another past of this node, which it has
 * forgotten, did not go on from the same one. */
static int64_t version_beyond(struct gt_node *n, int64_t above)
{
	uint8_t leap[3];
	gt_draw(n, leap, sizeof leap);
	return above + 1 + (leap[0] | leap[1] << 8 | leap[2] << 16);
}

static int raise_floor(struct gt_node *n, int64_t above)
{
	if (above < n->catalogue->version_floor)
		return 0;
	n->catalogue->version_floor = version_beyond(n, above);
	return gt_meta_put(n->store, "version_floor",
	                   n->catalogue->version_floor);
}

/* Milliseconds are ahead of any count of versions, unless a clock was ahead
 * when the database was restored before. */
int gt_publish_renew(struct gt_node *n)
{
	int64_t floor = n->catalogue->version_floor;
	n->catalogue->version_floor = n->now.wall_ms > floor
	                                      ? n->now.wall_ms
	                                      : version_beyond(n, floor);
	return gt_meta_put(n->store, "version_floor",
	                   n->catalogue->version_floor);
}

static int resource_again(struct gt_node *n, const struct gt_item *item,
                          const char *detail, char why[GT_WHY], int *refused)
{
	Gt__Entry *entry = gt_item_entry(n, item->sealed);
	if (!entry)
		return -GT_ENOMEM;
	entry->version = next_version(n, entry->version);
	return take_entries(n, &entry, 1, NULL, "publish", detail, refused,
	                    why);
}

static Gt__Layer *layer_of(struct gt_node *n, const struct gt_item *item)
{
	return gt_signed_layer(n->arena,
	                       gt_signed_open(n->arena, item->sealed));
}

static int layer_again(struct gt_node *n, const struct gt_item *item,
                       const char *detail, char why[GT_WHY], int *refused)
{
	Gt__Layer *m = layer_of(n, item);
	if (!m)
		return -GT_ENOMEM;
	m->version = next_version(n, m->version);
	return take_layer(n, m, NULL, detail, why, refused);
}

int gt_publish_again(struct gt_node *n, Gt__Kind kind, const char *id,
                     int64_t above)
{
	struct gt_item item;
	bool found;
	char why[GT_WHY] = "";
	int refused = 0;
	const char *detail = "issued again: other nodes hold another body";
	int status = gt_item_get(n, kind, id, &item, &found);
	if (status != 0 || above >= VERSION_SANE)
		return status;
	status = raise_floor(n, above);
	if (status == 0 && found && item.own && kind == GT__KIND__RESOURCE)
		status = resource_again(n, &item, detail, why, &refused);
	if (status == 0 && found && item.own && kind == GT__KIND__LAYER)
		status = layer_again(n, &item, detail, why, &refused);
	return status || !refused ? status
	                          : gt_log(n, GT_LOG_ERROR,
	                                   "%s: not issued again: %s", id, why);
}

/* The same rules as now are no new version. */
static bool same_rules(struct gt_node *n, const struct gt_item *old,
                       const Gt__Layer *draft)
{
	Gt__Layer *m = layer_of(n, old);
	if (!m)
		return false;
	m->version = draft->version;
	m->created_ms = draft->created_ms;
	struct gt_bytes a = gt_arena_pack(n->arena, &m->base);
	struct gt_bytes b = gt_arena_pack(n->arena, &draft->base);
	return a.p && b.p && gt_bytes_eq(a, b);
}

static int seal_layer(struct gt_node *n, const Gt__Layer *m,
                      const struct gt_event *e)
{
	char why[GT_WHY] = "";
	int refused = 0;
	int status = take_layer(n, m, e->actor, "", why, &refused);
	if (status != 0)
		return status;
	return refused ? gt_reply(n, e->token, refused, "%s", why)
	               : gt_reply(n, e->token, 0, "{\"version\":%llu}",
	                          (unsigned long long)m->version);
}

int gt_publish_layer(struct gt_node *n, const struct gt_event *e)
{
	struct gt_item old;
	bool had;
	Gt__Layer *m = gt__layer__unpack(gt_arena_allocator(n->arena),
	                                 e->body.n, e->body.p);
	if (!m)
		return gt_reply(n, e->token, -GT_EMALFORMED, "not a layer");
	int status = gt_item_get(n, GT__KIND__LAYER, n->code, &old, &had);
	if (status != 0)
		return status;
	m->origin = n->code;
	m->version = next_version(n, had ? (uint64_t)old.version : 0);
	m->created_ms = n->now.wall_ms;
	if (had && old.version >= n->catalogue->version_floor &&
	    same_rules(n, &old, m))
		return gt_reply(n, e->token, 0, "{\"version\":%llu}",
		                (unsigned long long)old.version);
	return seal_layer(n, m, e);
}

/* A date that was carried here with the roster; one from before is none the
 * worse for it. */
static int import_date(struct gt_node *n, const struct gt_event *e, size_t i,
                       int *refused, char why[GT_WHY], size_t *taken)
{
	int status = gt_date_take(n, e->members[i], refused, why);
	if (status != 0 || *refused == -GT_ESTALE) {
		*refused = 0;
		return status;
	}
	if (*refused != 0)
		return 0;
	++*taken;
	return audit(n, e->actor, "roster", "member", "date", 1, 0, "date");
}

static int import_row(struct gt_node *n, const struct gt_event *e, size_t i,
                      const char **id, int *refused, char why[GT_WHY],
                      size_t *taken)
{
	static const struct gt_decision keep = {GT_MIRROR, 50, "", ""};
	struct gt_claim c;
	int result = 0;
	int64_t before = n->catalogue->seq[GT__KIND__MEMBER];
	*id = "";
	if (gt_date_is(n, e->members[i]))
		return import_date(n, e, i, refused, why, taken);
	int status = gt_item_check(n, e->members[i], &c, refused, why);
	if (status == 0 && *refused == 0 && c.kind != GT__KIND__MEMBER) {
		*refused = -GT_EINVALID;
		gt_copy(why, GT_WHY, "not a roster row");
	}
	*id = c.id;
	if (status != 0 || *refused != 0)
		return status;
	status = gt_item_take(n, &c, &keep, false, &result);
	if (status != 0 || n->catalogue->seq[GT__KIND__MEMBER] == before)
		return status;
	++*taken;
	return audit(n, e->actor, "roster", "member", c.id, c.version, 0,
	             c.state ? "revoked" : "active");
}

int gt_publish_members(struct gt_node *n, const struct gt_event *e)
{
	size_t taken = 0;
	for (size_t i = 0; i < e->count; i++) {
		const char *id;
		char why[GT_WHY];
		int refused = 0;
		int status = import_row(n, e, i, &id, &refused, why, &taken);
		if (status != 0)
			return status;
		if (refused != 0)
			return gt_reply(n, e->token, refused,
			                "row %zu (%s): %s", i + 1, id, why);
	}
	return gt_reply(n, e->token, 0, "{\"taken\":%zu}", taken);
}
