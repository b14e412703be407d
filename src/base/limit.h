/* limit.h: a limit on everything. What arrives beyond one is refused. */
#ifndef GT_LIMIT_H
#define GT_LIMIT_H

enum {
	/* names */
	GT_CODE_MAX = 48,   /* division code with suffix, chars */
	GT_SLUG_MAX = 100,  /* second half of a resource id */
	GT_RID_MAX = 152,   /* "<code>/<slug>" */
	GT_LEVELS_MAX = 12, /* depth of the tree */
	GT_LEVEL_NAME_MAX = 32,
	GT_RULE_NAME_MAX = 64,

	/* wire */
	GT_HEAD_MAX = 2 << 20,               /* protobuf part of a message */
	GT_PAYLOAD_MAX = (256 << 10) + 1024, /* raw bytes behind it */
	GT_MESSAGE_MAX = GT_HEAD_MAX + GT_PAYLOAD_MAX + 8,
	GT_CHANGES_BYTES = 1 << 20, /* aim for one Changes answer */
	GT_CHANGES_ROWS = 2048,
	GT_RECORDS_BYTES = 256 << 10,
	GT_RECORDS_ROWS = 512,
	GT_INVENTORY_ROWS = 4096,
	GT_ROSTER_ROWS = 512,
	GT_STRANGERS_MAX = 100000, /* names only children know, in all */
	GT_REQUESTS_MAX = 1024,    /* outstanding on one link */
	/* Done per hour and child: of transfers that this node knows it served,
	 * and of others, which it may have forgotten. */
	GT_DONES_HOUR = 360000,
	GT_STRAYS_HOUR = 4096,
	/* between two new epochs that a parent's word makes a node begin: at
	 * first, and at most */
	GT_RENEW_FIRST_MS = 10000,
	GT_RENEW_LAST_MS = 10 * 60 * 1000,
	/* audit rows per hour that one neighbour, one terminal or all strangers
	 * together may cause by what can be repeated without end (audit.h) */
	GT_ROWS_HOUR = 7200,
	/* ... of what the parent sends, and of what is judged anew for a child
	 * by its own doing: more than a whole catalogue and its roster */
	GT_FEED_ROWS_HOUR = 1200000,
	GT_ENTRIES_MAX = 2000000, /* of the catalogue, if nothing else is
	                             said: names of what was there too */
	GT_HANDOVERS_MAX = 4096,  /* finished transfers the parent has not
	                              acknowledged */

	/* objects */
	GT_FRAME_PLAIN_MIN = 64 << 10,
	GT_FRAME_PLAIN_MAX = 256 << 10,
	GT_FRAME_STORED_MAX = (256 << 10) + 1024,
	GT_MANIFEST_MAX = 64 << 20,
	GT_MANIFEST_PIECE = 256 << 10,
	GT_MANIFESTS_BYTES = 64 << 20, /* on their way here at once */
	GT_FILES_MAX = 1000000,
	GT_PATH_MAX = 1024, /* bytes of a member's path */
	GT_MEDIA_TYPE_MAX = 100,
	GT_SHELVES_KEPT = 16,        /* indexes open that nobody reads */
	GT_SHELVES_BYTES = 64 << 20, /* of indexes in memory, where the disk
	                                has no room for them */

	/* signed things */
	GT_ENTRY_MAX = 64 << 10,
	GT_LAYER_MAX = 256 << 10,
	GT_SEAL_MAX = 4096, /* bodies under one signature */
	GT_SEAL_DEPTH = 12,
	GT_DATE_MAX = 512,
	GT_VALUES_MAX = 64, /* of one repeated field of an entry */
	GT_TEXT_MAX = 8192,

	/* policy */
	GT_RULES_MAX = 1000,
	GT_PREDICATES_MAX = 32,
	GT_PATTERN_MAX = 256, /* bytes of one value or glob of a rule */

	/* records */
	GT_STATEMENT_MAX = 256 << 10,
	GT_STATEMENTS_BATCH = 500,
	GT_RECORD_WINDOW = 2, /* batches outstanding on a link */
	GT_COPIES_TOLD =
	        1000000,      /* held off below a child, that it is believed */
	GT_SHARES_MAX = 1024, /* terminals and children whose hand-ins are
	                         remembered, share.h */
	GT_WANTED_ROWS = 4,   /* records asked back at once */
	GT_RECALL_EPOCHS = 4, /* of this node's own, forgotten ones of which
	                         are asked for */
	GT_RECALL_ROWS = 1000000,  /* that come of one of them */
	GT_ASIDE_ROWS = 4096,      /* in quarantine, by way of one child */
	GT_ASIDE_BYTES = 16 << 20, /* ... and their bodies */
	GT_JSON_DEPTH = 64,        /* nesting of any JSON taken in */

	/* documents (xapi/document.h) */
	GT_DOCUMENT_MAX = 1 << 20, /* bytes of one: with its key it is a
	                                    message's head */
	GT_DOCUMENT_TYPE_MAX = 256,
	GT_DOCUMENT_NAME_MAX = 2048,   /* bytes of its id, of an activity's, of
	                                    a learner's canonical form */
	GT_DOCUMENTS_OWNER = 4096,     /* of one learner; of one activity,
	                                    whoever's they are not */
	GT_DOCUMENTS_BYTES = 64 << 20, /* ... and their bodies */

	/* Rows one question of a reader looks at, whatever it asks for and
	 * however many there are: then its page ends, short or empty, and says
	 * where to go on. */
	GT_LOOK_ENTRIES = 10000, /* of the catalogue */
	GT_LOOK_ROWS = 50000,    /* of the audit trail */
	GT_LOOK_ERAS = 1000,     /* clock eras, the newest */

	/* a turn */
	GT_TURN_EVENTS = 4096,
	GT_PEERS_MAX = 512,
	GT_ROSTER_PAGES = 256, /* taken of what a node above answers */
	GT_TRANSFERS_MAX = 8,  /* objects being filled at once */
};

/* A date is signed anew after this. */
#define GT_DATE_EVERY_MS (INT64_C(3600) * 1000)
/* Where the newest date is old, a node above the parent is asked after so long at
 * first, and then less and less often, up to this (node/above.h). */
#define GT_ABOVE_FIRST_MS (UINT64_C(300) * 1000)
#define GT_ABOVE_LAST_MS  (UINT64_C(4) * 3600 * 1000)
/* A date so far ahead of the clock here is not believed. */
#define GT_DATE_AHEAD_MS GT_DAY_MS
#define GT_DAY_MS        (INT64_C(24) * 3600 * 1000)
/* The end of a certificate that is nearer than this people must be told of. */
#define GT_VALIDITY_WARN_MS (14 * GT_DAY_MS)

#endif
