/* u_fault.c: what kind of fault a sentence tells of, and when certificates
 * end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <time.h>

#include "certs.h"
#include "fault.h"

/* Every sentence there is, with its conversions. */
static const char *const sentences[] = {
#define SENTENCE(en, zh) en,
#define LIBRARY(en, zh)  en,
#include "texts_core.def"
#undef SENTENCE
#undef LIBRARY
};

static const struct {
	const char *sentence; /* as it stands there */
	enum gt_fault_kind kind;
} rows[] = {
        {"the roster revokes this node", GT_FAULT_REVOKED},
        {"the roster revokes our parent", GT_FAULT_REVOKED},
        {"it is revoked", GT_FAULT_REVOKED},
        {"the roster revokes that node", GT_FAULT_REVOKED},
        {"certificate has expired (at %s): this machine's clock says %s",
         GT_FAULT_EXPIRED},
        {"it is expired by the peer's clock", GT_FAULT_EXPIRED},
        {"certificate is not yet valid (from %s): this machine's clock says "
         "%s",
         GT_FAULT_NOT_YET_VALID},
        {"it is not valid, or not yet by the peer's clock",
         GT_FAULT_NOT_YET_VALID},
        {"certificate comes from an unknown CA (%s)", GT_FAULT_UNKNOWN_CA},
        {"it does not know our CA", GT_FAULT_UNKNOWN_CA},
        {"the peer does not speak TLS", GT_FAULT_NO_TLS},
        {"the peer does not speak TLS 1.3", GT_FAULT_NO_TLS},
        {"the peer closed before the handshake was done", GT_FAULT_NO_TLS},
        {"handshake took too long", GT_FAULT_NO_TLS},
        {"its parent is another place", GT_FAULT_WRONG_CODE},
        {"the certificate names %s, not the parent %s", GT_FAULT_WRONG_CODE},
        {"the certificate is not our parent's", GT_FAULT_WRONG_CODE},
        {"this node is not the parent that was asked for", GT_FAULT_WRONG_CODE},
        {"Hello's code is not the certificate's", GT_FAULT_WRONG_CODE},
        {"the code does not lie under this node's", GT_FAULT_WRONG_CODE},
        {"the roster has no active member of that code", GT_FAULT_NOT_ENROLLED},
        {"the parent is not an active member", GT_FAULT_NOT_ENROLLED},
        {"the proof is not of that code's key", GT_FAULT_NOT_ENROLLED},
        {"the parent's proof is not of its key", GT_FAULT_NOT_ENROLLED},
        {"the peer showed no certificate", GT_FAULT_CERTIFICATE},
        {"certificate refused (%s)", GT_FAULT_CERTIFICATE},
        {"the parent chose a version we do not speak", GT_FAULT_VERSION},
        {"the name %s cannot be looked up (%s)", GT_FAULT_NAME},
        {"Connection refused", GT_FAULT_UNREACHABLE},
        {"Timed out", GT_FAULT_UNREACHABLE},
        {"Destination unreachable", GT_FAULT_UNREACHABLE},
        {"Connection reset", GT_FAULT_LOST},
        {"silent for too long", GT_FAULT_LOST},
        {"this node is stopping", GT_FAULT_LOST},
        {"out of memory", GT_FAULT_OTHER},
};

static void kinds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		bool is = false;
		for (size_t k = 0; k < sizeof sentences / sizeof *sentences;
		     k++)
			is |= strcmp(sentences[k], rows[i].sentence) == 0;
		if (!is && rows[i].kind != GT_FAULT_OTHER)
			fail_msg("no such sentence: %s", rows[i].sentence);
		if (gt_fault_kind_of(rows[i].sentence) != rows[i].kind)
			fail_msg("%s: %s", rows[i].sentence,
			         gt_fault_name(
			                 gt_fault_kind_of(rows[i].sentence)));
	}
	assert_int_equal(gt_fault_kind_of("no protocol version in common: this "
	                                  "node speaks 1 to 2, the other 3 to "
	                                  "4"),
	                 GT_FAULT_VERSION);
	assert_int_equal(gt_fault_kind_of("the parent answered EREVOKED: no"),
	                 GT_FAULT_REVOKED);
}

static void names(void **state)
{
	(void)state;
	for (int k = 0; k < GT_FAULT_KINDS; k++) {
		const char *name = gt_fault_name((enum gt_fault_kind)k);
		assert_int_equal(gt_fault_named(name), k);
		assert_true(*gt_text_in("zh",
		                        gt_fault_text((enum gt_fault_kind)k)));
	}
	assert_int_equal(gt_fault_named("nonsense"), GT_FAULT_OTHER);
}

static void validity(void **state)
{
	struct gt_validity v, other = {0};
	int64_t now_s = (int64_t)time(NULL);
	(void)state;
	struct ca *ca = ca_new("CA");
	struct leaf leaf =
	        leaf_new(ca, "spiffe://guantong/33", -3600, 13 * 86400);
	assert_true(gt_validity_of(leaf.cert_pem, &v));
	assert_in_range(v.from_ms, (now_s - 3600) * 1000,
	                (now_s - 3600 + 60) * 1000);
	assert_in_range(v.until_ms, (now_s + 13 * 86400) * 1000,
	                (now_s + 13 * 86400 + 60) * 1000);
	assert_int_equal(gt_validity_first(&v, &other), v.until_ms);
	assert_int_equal(gt_validity_first(&other, &v), v.until_ms);
	other.until_ms = v.until_ms - 1;
	assert_int_equal(gt_validity_first(&v, &other), v.until_ms - 1);
	assert_int_equal(gt_validity_first(&other, &v), v.until_ms - 1);
	assert_false(gt_validity_of("no certificate", &v));
	assert_int_equal(v.until_ms, 0);
	leaf_free(&leaf);
	ca_free(ca);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(kinds),
	                                   cmocka_unit_test(names),
	                                   cmocka_unit_test(validity)};
	return cmocka_run_group_tests_name("fault", tests, NULL, NULL);
}
