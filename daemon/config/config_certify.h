/* config_certify.h: records.certify, rules that give certificates.
 * Tests: u_config.c. */
#ifndef GT_CONFIG_CERTIFY_H
#define GT_CONFIG_CERTIFY_H

#include "config.h"
#include "yaml.h"

/* Reads the list into c; what is wrong is complained of where it stands. */
void gt_config_certify(struct gt_yaml *y, const struct gt_yaml_node *n,
                       struct gt_config *c);

#endif
