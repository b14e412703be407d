/* u_resource.c: a resource's files, read as they come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "json.h"
#include "resource.h"

static char seen[512];

static bool note(void *arg, const json_t *file)
{
	size_t n = strlen(seen);
	const struct gt_resource_reading *r = arg;
	assert_non_null(r->head);
	gt_format(seen + n, sizeof seen - n, "%s;",
	          gt_json_member(file, "path"));
	return strcmp(gt_json_member(file, "path"), "no memory") != 0;
}

/* Reads it in pieces of so many bytes. */
static int read_by(const char *text, size_t piece, json_t **head)
{
	struct gt_resource_reading r = {.file = note};
	size_t n = strlen(text);
	seen[0] = '\0';
	r.arg = &r;
	for (size_t i = 0; i < n; i += piece)
		if (gt_resource_take(&r, text + i,
		                     i + piece < n ? piece : n - i))
			break;
	int status = gt_resource_end(&r);
	gt_buffer_free(&r.text);
	*head = r.head;
	return status;
}

static void files_in_any_pieces(void **state)
{
	static const char text[] =
	        "{\"id\":\"33/a\",\"title\":{\"en\":\",\\\"files\\\":[\"},"
	        "\"files\":[{\"path\":\"a\\\"}]{.html\",\"size\":1},"
	        "{\"path\":\"\\\\\",\"deep\":{\"x\":[1,{}]}},{\"path\":\"c\"}]"
	        "}";
	(void)state;
	for (size_t piece = 1; piece < sizeof text; piece++) {
		json_t *head;
		assert_int_equal(read_by(text, piece, &head), 0);
		assert_string_equal(seen, "a\"}]{.html;\\;c;");
		assert_int_equal(json_object_size(head), 2);
		assert_string_equal(gt_json_member(head, "id"), "33/a");
		json_decref(head);
	}
}

static void without_files(void **state)
{
	json_t *head;
	(void)state;
	assert_int_equal(read_by("{\"id\": \"33/a\"}", 3, &head), 0);
	assert_string_equal(gt_json_member(head, "id"), "33/a");
	assert_string_equal(seen, "");
	json_decref(head);
	assert_int_equal(read_by("{\"id\":\"33/a\",\"files\":[]}", 5, &head),
	                 0);
	assert_string_equal(seen, "");
	json_decref(head);
}

/* What is broken off, or is none, is said to be; whoever has no room too. */
static void broken(void **state)
{
	static const char whole[] =
	        "{\"id\":\"33/"
	        "a\",\"files\":[{\"path\":\"a\"},{\"path\":\"b\"}]}";
	json_t *head;
	(void)state;
	for (size_t n = 0; n < sizeof whole - 2; n++) {
		char text[sizeof whole];
		gt_copy(text, n + 1, whole);
		memcpy(text, whole, n);
		text[n] = '\0';
		assert_int_equal(read_by(text, 7, &head), -GT_EMALFORMED);
		json_decref(head);
	}
	assert_int_equal(read_by("{\"id\":,\"files\":[{}]}", 4, &head),
	                 -GT_EMALFORMED);
	assert_int_equal(read_by("{\"i\":1,\"files\":[{\"a\"},{}]}", 4, &head),
	                 -GT_EMALFORMED);
	json_decref(head);
	assert_int_equal(
	        read_by("{\"i\":1,\"files\":[{\"path\":\"no memory\"},{}]}", 9,
	                &head),
	        -GT_ENOMEM);
	json_decref(head);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(files_in_any_pieces),
	        cmocka_unit_test(without_files),
	        cmocka_unit_test(broken),
	};
	return cmocka_run_group_tests_name("resource", tests, NULL, NULL);
}
