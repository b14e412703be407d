/* u_vectors.c: proto/vectors, both ways. `u_vectors --write` makes the files
 * anew, which only a change of the protocol can ask for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vectors.h"

enum { FILE_MAX = 32768, ROW = 24 };

static void path_of(char out[128], const char *name)
{
	gt_format(out, 128, "proto/vectors/%s.txt", name);
}

static char *hex_rows(struct gt_bytes b)
{
	char *out = malloc(4 * b.n + 16), *at = out;
	assert_non_null(out);
	for (size_t i = 0; i < b.n; i++)
		at += sprintf(at, "%02x%s", b.p[i],
		              i + 1 == b.n || i % ROW == ROW - 1 ? "\n" : " ");
	*at = '\0';
	return out;
}

/* # about / the fields as text / a line of dashes / the bytes in hexadecimal */
static char *render(struct gt_arena *arena, const struct vector *v)
{
	size_t n = 0;
	char *out = NULL, *text = vectors_show(v->m);
	char *hex = hex_rows(gt_arena_pack(arena, v->m));
	FILE *f = open_memstream(&out, &n);
	assert_non_null(f);
	fputs("# ", f);
	for (const char *c = v->about; *c; c++) {
		fputc(*c, f);
		if (*c == '\n')
			fputs("# ", f);
	}
	fprintf(f, "\n%s----\n%s", text, hex);
	assert_int_equal(fclose(f), 0);
	free(text);
	free(hex);
	return out;
}

static char *slurp(const char *path)
{
	static char text[FILE_MAX];
	FILE *f = fopen(path, "r");
	if (!f)
		print_error("%s is missing\n", path);
	assert_non_null(f);
	size_t n = fread(text, 1, sizeof text - 1, f);
	assert_int_equal(fclose(f), 0);
	text[n] = '\0';
	return text;
}

static size_t unhex(const char *hex, uint8_t *out)
{
	size_t n = 0;
	unsigned b;
	int used;
	while (sscanf(hex, " %2x%n", &b, &used) == 1) {
		out[n++] = (uint8_t)b;
		hex += used;
	}
	return n;
}

static void encoded(void **state)
{
	struct gt_arena *arena = gt_arena_new();
	struct vector v[VECTORS_MAX];
	size_t n = vectors_make(arena, v);
	(void)state;
	for (size_t i = 0; i < n; i++) {
		char path[128], *want = render(arena, &v[i]);
		path_of(path, v[i].name);
		assert_string_equal(slurp(path), want);
		free(want);
	}
	gt_arena_free(arena);
}

static void decoded(void **state)
{
	struct gt_arena *arena = gt_arena_new();
	struct vector v[VECTORS_MAX];
	size_t n = vectors_make(arena, v);
	static uint8_t bytes[FILE_MAX];
	(void)state;
	for (size_t i = 0; i < n; i++) {
		char path[128];
		path_of(path, v[i].name);
		char *text = slurp(path), *line = strstr(text, "\n----\n");
		assert_non_null(line);
		size_t len = unhex(line + 6, bytes);
		line[1] = '\0';
		while (*text == '#')
			text = strchr(text, '\n') + 1;
		ProtobufCMessage *m = protobuf_c_message_unpack(
		        v[i].m->descriptor, gt_arena_allocator(arena), len,
		        bytes);
		assert_non_null(m);
		char *shown = vectors_show(m);
		assert_string_equal(text, shown);
		free(shown);
		struct gt_bytes again = gt_arena_pack(arena, m);
		assert_int_equal(again.n, len);
		assert_memory_equal(again.p, bytes, len);
		if (strcmp(v[i].m->descriptor->short_name, "Signed") == 0)
			assert_int_equal(gt_unseal((Gt__Signed *)m, NULL), 0);
	}
	gt_arena_free(arena);
}

/* What a later version adds is passed over and kept. */
static void unknown_fields(void **state)
{
	static const uint8_t later[] = {0x82, 0x7d, 2, 'h', 'i'}; /* 2000 */
	struct gt_arena *arena = gt_arena_new();
	struct vector v[VECTORS_MAX];
	size_t n = vectors_make(arena, v);
	(void)state;
	for (size_t i = 0; i < n; i++) {
		struct gt_bytes b = gt_arena_pack(arena, v[i].m);
		uint8_t *p = gt_arena_get(arena, b.n + sizeof later);
		assert_non_null(p);
		memcpy(p, b.p, b.n);
		memcpy(p + b.n, later, sizeof later);
		ProtobufCMessage *m = protobuf_c_message_unpack(
		        v[i].m->descriptor, gt_arena_allocator(arena),
		        b.n + sizeof later, p);
		assert_non_null(m);
		char *a = vectors_show(v[i].m), *c = vectors_show(m);
		assert_string_equal(a, c);
		assert_int_equal(m->n_unknown_fields, 1);
		free(a);
		free(c);
	}
	gt_arena_free(arena);
}

static int write_all(void)
{
	struct gt_arena *arena = gt_arena_new();
	struct vector v[VECTORS_MAX];
	size_t n = vectors_make(arena, v);
	int bad = 0;
	for (size_t i = 0; i < n; i++) {
		char path[128], *text = render(arena, &v[i]);
		path_of(path, v[i].name);
		FILE *f = fopen(path, "w");
		bad |= !f || fputs(text, f) < 0;
		bad |= f && fclose(f) != 0;
		free(text);
	}
	gt_arena_free(arena);
	return bad;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(encoded),
	        cmocka_unit_test(decoded),
	        cmocka_unit_test(unknown_fields),
	};
	if (argc == 2 && strcmp(argv[1], "--write") == 0)
		return write_all();
	return cmocka_run_group_tests_name("vectors", tests, NULL, NULL);
}
