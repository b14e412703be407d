#include "config_certify.h"

#include <string.h>

static const char *const keys[] = {"name", "activity", "subject", "score"};
enum { KEYS = sizeof keys / sizeof *keys };

/* "0.8", "1", "0.75": in thousandths. */
static bool score(const char *text, int *out)
{
	size_t whole = strspn(text, "0123456789");
	const char *dot = text + whole;
	int v = 0, unit = GT_AWARD_SCORE / 10;
	if (whole != 1 || (*dot && *dot != '.') || *text > '1')
		return false;
	for (const char *c = *dot ? dot + 1 : dot; *c; c++, unit /= 10) {
		if (*c < '0' || *c > '9' || unit == 0)
			return false;
		v += (*c - '0') * unit;
	}
	*out = (*text - '0') * GT_AWARD_SCORE + v;
	return dot[0] != '.' || dot[1] ? *out <= GT_AWARD_SCORE : false;
}

/* One text of a rule; it may be left out. */
static bool text_of(struct gt_yaml *y, const struct gt_yaml_node *rule,
                    const char *key, char *dst, size_t cap)
{
	char most[16];
	const struct gt_yaml_node *n = gt_yaml_get(rule, key);
	if (!n)
		return true;
	gt_format(most, sizeof most, "%zu", cap - 1);
	if (n->kind != GT_YAML_SCALAR)
		gt_yaml_complain(y, n, NULL, GT_T_YAML_NOT_SCALAR, NULL, NULL);
	else if (!gt_copy(dst, cap, gt_yaml_is_null(n) ? "" : n->text))
		gt_yaml_complain(y, n, NULL, GT_T_CONF_LONG, most, NULL);
	else
		return true;
	return false;
}

static void rule(struct gt_yaml *y, const struct gt_yaml_node *n,
                 struct gt_config *c)
{
	struct gt_certify r = {.score = -1};
	char text[16] = "";
	if (n->kind != GT_YAML_MAP) {
		gt_yaml_complain(y, n, NULL, GT_T_CONF_BAD_CERTIFY, NULL, NULL);
		return;
	}
	for (const struct gt_yaml_node *k = n->first; k; k = k->next) {
		bool known = false;
		for (size_t i = 0; i < KEYS; i++)
			known = known || strcmp(k->key, keys[i]) == 0;
		if (!known)
			gt_yaml_unknown_key(y, k, keys, KEYS);
	}
	if (!text_of(y, n, "name", r.name, sizeof r.name) ||
	    !text_of(y, n, "activity", r.activity, sizeof r.activity) ||
	    !text_of(y, n, "subject", r.subject, sizeof r.subject) ||
	    !text_of(y, n, "score", text, sizeof text))
		return;
	if (*text && !score(text, &r.score))
		gt_yaml_complain(y, gt_yaml_get(n, "score"), NULL,
		                 GT_T_CONF_BAD_SCORE, text, NULL);
	else if (!*r.activity && !*r.subject)
		gt_yaml_complain(y, n, NULL, GT_T_CONF_BAD_CERTIFY, NULL, NULL);
	else
		c->certify[c->ncertify++] = r;
}

void gt_config_certify(struct gt_yaml *y, const struct gt_yaml_node *n,
                       struct gt_config *c)
{
	if (n->kind != GT_YAML_LIST) {
		gt_yaml_complain(y, n, NULL, GT_T_YAML_NOT_LIST, NULL, NULL);
		return;
	}
	if (n->count > GT_AWARD_RULES) {
		gt_yaml_complain(y, n, NULL, GT_T_CONF_MANY, "32", NULL);
		return;
	}
	for (const struct gt_yaml_node *u = n->first; u; u = u->next)
		rule(y, u, c);
}
