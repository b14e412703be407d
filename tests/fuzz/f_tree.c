/* f_tree.c: any bytes as a tree of nodes, as `guantong pki` reads one. What is
 * taken is in order: sorted, no code twice, each parent around what it is the
 * parent of. What is not taken is complained of, a line each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_complaints(const char *text, size_t n, bool refused)
{
	assert(n == strlen(text)); /* no line ends early */
	assert(refused == (n > 0));
	while (*text) {
		const char *end = strchr(text, '\n');
		assert(end && strncmp(text, "fuzz:", 5) == 0);
		text = end + 1;
	}
}

static void check_node(const struct gt_tree *tree, size_t i)
{
	const struct gt_tree_node *n = &tree->v[i];
	char code[GT_CODE_MAX + 1];
	int steps = 0;
	assert(gt_code_valid(n->code) && n->line > 0 && n->column > 0);
	assert(i == 0 || strcmp(tree->v[i - 1].code, n->code) < 0);
	assert(gt_tree_find(tree, n->code) == n);
	if (n->parent[0] && !n->publisher)
		assert(gt_code_child_of(n->code, n->parent));
	gt_copy(code, sizeof code, n->code);
	while (gt_tree_up(code))
		assert(code[0] && ++steps <= GT_CODE_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gt_tree tree = {0};
	char *text = NULL;
	size_t n = 0;
	FILE *complaints = open_memstream(&text, &n);
	assert(complaints);
	int status = gt_tree_parse(&tree, "fuzz", gt_bytes_of(data, size),
	                           complaints);
	int closed = fclose(complaints);
	assert(closed == 0 && (status == 0 || status == -GT_EINVALID));
	check_complaints(text, n, status != 0);
	for (size_t i = 0; i < tree.n; i++)
		check_node(&tree, i);
	gt_tree_free(&tree);
	free(text);
	return 0;
}
