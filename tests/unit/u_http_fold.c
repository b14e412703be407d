/* u_http_fold.c: requests folded into forms, and compressed bodies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "http_fold.h"
#include "nomem.h"

static struct gt_fold *fold;

static int reads(const char *form)
{
	gt_fold_free(fold);
	return gt_fold_read(&fold, form, strlen(form));
}

static void forms(void **state)
{
	struct gt_bytes content;
	(void)state;
	assert_int_equal(
	        reads("statementId=a%2Db+c&x-experience-api-version=1.0.3&"
	              "content=%7B%00%7D&&empty=&bare&Accept-Language=zh"),
	        0);
	assert_string_equal(gt_fold_arg(fold, "statementId"), "a-b c");
	assert_string_equal(gt_fold_arg(fold, "empty"), "");
	assert_string_equal(gt_fold_arg(fold, "bare"), "");
	assert_null(gt_fold_arg(fold, "StatementId"));
	assert_null(gt_fold_arg(fold, "content"));
	assert_null(gt_fold_arg(fold, "Accept-Language"));
	assert_string_equal(gt_fold_header(fold, "X-Experience-API-Version"),
	                    "1.0.3");
	assert_string_equal(gt_fold_header(fold, "accept-language"), "zh");
	assert_null(gt_fold_header(fold, "If-Match"));
	assert_null(gt_fold_header(fold, "bare"));
	assert_true(gt_fold_content(fold, &content));
	assert_int_equal(content.n, 3);
	assert_memory_equal(content.p, "{\0}", 3);
	size_t args = 0;
	for (size_t i = 0; i < fold->n; i++)
		args += gt_fold_is_arg(fold, i);
	assert_int_equal(args, 3);
	assert_int_equal(reads(""), 0);
	assert_false(gt_fold_content(fold, &content));
	/* the first of two */
	assert_int_equal(reads("If-Match=a&if-match=b"), 0);
	assert_string_equal(gt_fold_header(fold, "If-Match"), "a");
}

static void no_forms(void **state)
{
	static const char *const bad[] = {"a=%", "a=%2",  "a=%2g",  "a=%g2",
	                                  "%=1", "a=%00", "a%00b=1"};
	char many[GT_FOLD_FIELDS * 2 + 8] = "";
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(reads(bad[i]), -GT_EINVALID);
	for (size_t i = 0; i < GT_FOLD_FIELDS; i++)
		memcpy(many + 2 * i, "a&", 3);
	assert_int_equal(reads(many), 0);
	memcpy(many + 2 * GT_FOLD_FIELDS, "a", 2);
	assert_int_equal(reads(many), -GT_ELIMIT);
	for (size_t n = 0; nomem_each(&n);) {
		int status = reads("a=1");
		assert_int_equal(status, nomem_hit() ? -GT_ENOMEM : 0);
	}
}

/* gzip, or what `bits` says. */
static size_t pack(uint8_t *out, size_t cap, const void *p, size_t n, int bits)
{
	z_stream z = {0};
	assert_int_equal(
	        deflateInit2(&z, 9, Z_DEFLATED, bits, 9, Z_DEFAULT_STRATEGY),
	        Z_OK);
	z.next_in = gt_lend(p);
	z.avail_in = (unsigned)n;
	z.next_out = out;
	z.avail_out = (unsigned)cap;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}

static void unpacked(void **state)
{
	static uint8_t plain[300000], packed[310000];
	uint32_t random = 1;
	uint8_t *out;
	size_t n;
	(void)state;
	for (size_t i = 0; i < sizeof plain; i++) {
		random = random * 1664525 + 1013904223;
		plain[i] = (uint8_t)(random >> 30);
	}
	size_t k = pack(packed, sizeof packed, plain, sizeof plain, 31);
	assert_int_equal(
	        gt_inflate(&out, &n, gt_bytes_of(packed, k), sizeof plain), 0);
	assert_int_equal(n, sizeof plain);
	assert_memory_equal(out, plain, n);
	free(out);
	/* one byte more than there may be */
	assert_int_equal(
	        gt_inflate(&out, &n, gt_bytes_of(packed, k), sizeof plain - 1),
	        -GT_ELIMIT);
	assert_null(out);
	/* cut short, gone on with, changed, another format, none */
	for (size_t cut = 0; cut < k; cut += 997)
		assert_int_equal(gt_inflate(&out, &n, gt_bytes_of(packed, cut),
		                            sizeof plain),
		                 -GT_EINVALID);
	assert_int_equal(
	        gt_inflate(&out, &n, gt_bytes_of(packed, k + 1), sizeof plain),
	        -GT_EINVALID);
	packed[k - 6] ^= 1;
	assert_int_equal(
	        gt_inflate(&out, &n, gt_bytes_of(packed, k), sizeof plain),
	        -GT_EINVALID);
	k = pack(packed, sizeof packed, plain, 1000, 15);
	assert_int_equal(gt_inflate(&out, &n, gt_bytes_of(packed, k), 1000),
	                 -GT_EINVALID);
	k = pack(packed, sizeof packed, "", 0, 31);
	assert_int_equal(gt_inflate(&out, &n, gt_bytes_of(packed, k), 10), 0);
	assert_int_equal(n, 0);
	free(out);
}

/* A little that becomes very much. */
static void a_bomb(void **state)
{
	static uint8_t zeros[1 << 20], packed[4000];
	uint8_t *out;
	size_t n;
	(void)state;
	size_t k = pack(packed, sizeof packed, zeros, sizeof zeros, 31);
	assert_true(k * GT_INFLATE_RATIO < sizeof zeros);
	assert_int_equal(gt_inflate(&out, &n, gt_bytes_of(packed, k), 8 << 20),
	                 -GT_ELIMIT);
	k = pack(packed, sizeof packed, zeros, 100000, 31);
	for (size_t i = 0; nomem_each(&i);) {
		int status =
		        gt_inflate(&out, &n, gt_bytes_of(packed, k), 8 << 20);
		bool hit = nomem_hit();
		assert_int_equal(status, hit ? -GT_ENOMEM
		                         : k * GT_INFLATE_RATIO < 100000
		                                 ? -GT_ELIMIT
		                                 : 0);
		free(out);
	}
}

static int done(void **state)
{
	(void)state;
	gt_fold_free(fold);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(forms),
	        cmocka_unit_test(no_forms),
	        cmocka_unit_test(unpacked),
	        cmocka_unit_test(a_bomb),
	};
	return cmocka_run_group_tests_name("http_fold", tests, NULL, done);
}
