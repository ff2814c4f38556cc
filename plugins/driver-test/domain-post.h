/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What happens to a domain's tree after the schema has made it: what is
 * implied is filled in, then the whole is checked.
 */
#ifndef DRIVER_TEST_DOMAIN_POST_H
#define DRIVER_TEST_DOMAIN_POST_H

#include "plugins/driver-test/domain-schema.h"

/* Steps on the root, in order; each returns 0, -1 = error recorded. */
int domain_post_parse (struct xml_load *load, struct xml_node *root);
int domain_check (struct xml_load *load, struct xml_node *root);

#endif /* DRIVER_TEST_DOMAIN_POST_H */
