/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Networks: definitions, objects, finding them.  Objects are used with the
 * world's lock held.
 */
#ifndef DRIVER_TEST_NET_H
#define DRIVER_TEST_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "plugins/driver-test/driver.h"
#include "plugins/driver-test/net-addr.h"
#include "plugins/driver-test/world.h"
#include "plugins/driver-test/xml-tree.h"

struct net_def {
  struct xml_node *root;        /* <network> */
  uint8_t uuid[16];
  const char *name;             /* in the root */
};

/* Read a definition: text, or a parsed <network> whose owner stays the
 * caller.  Any thread, no lock.  NULL with the error recorded.
 */
struct net_def *net_def_parse (const char *xml, bool validate,
                               struct xml_error *err);
struct net_def *net_def_parse_node (xmlNode *src, struct xml_error *err);
struct net_def *net_def_copy (const struct net_def *def);
void net_def_free (struct net_def *def);

/* The definition as text, the caller's; NULL = no memory. */
char *net_def_format (const struct net_def *def);

/* The first address that guests could get; false = there is none. */
bool net_first_address (const struct net_def *def, struct net_address *out);

/* Change one section of a definition (virNetworkUpdate).
 *
 * xml     the entry; parsed without the world's lock if src is given
 * Returns 0, -1 with the error recorded; then the definition may be half
 * changed and is of no use.
 */
int net_def_update (struct net_def *def, uint32_t command, uint32_t section,
                    int32_t parent, xmlNode *src, struct xml_error *err);

struct net {
  struct list link;             /* in the world's nets */
  struct net_def *def;          /* of the running network, if it is running */
  struct net_def *next;         /* what it will be; may be NULL */
  bool active, persistent, autostart;
};

struct net *net_by_uuid (const struct world *world, const uint8_t uuid[16]);
struct net *net_by_name (const struct world *world, const char *name);

/* Put a network into the world; takes the definition.  NULL = no memory. */
struct net *net_new (struct world *world, struct net_def *def);
void net_free (struct net *net);        /* takes it out of the world */

/* Name a network in a reply.  Returns 0, or -1 after the error was set. */
int net_fill (const struct ctx *c, struct virgate_network *out,
              const struct net *net);

#endif /* DRIVER_TEST_NET_H */
