/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The schema of <network>, inside: the table, and what its hooks share.
 * Users of network definitions include net.h.
 */
#ifndef DRIVER_TEST_NET_SCHEMA_H
#define DRIVER_TEST_NET_SCHEMA_H

#include <stdbool.h>

#include "plugins/driver-test/net-addr.h"
#include "plugins/driver-test/xml-schema.h"

/* Tables inside tables; at file scope these are constants. */
#define TEXT(...) (&(const struct xml_spec) { __VA_ARGS__ })
#define ATTRS(...) ((const struct xml_spec[]) { __VA_ARGS__, { 0 } })
#define KIDS(...) ((const struct xml_elem[]) { __VA_ARGS__, { 0 } })
#define NAMES(...) ((const char *const[]) { __VA_ARGS__, NULL })

/* What one run over a document remembers (load->opaque). */
struct net_load {
  const char *name;             /* of the network: for messages */
  bool partial;                 /* an entry to be searched for: it may lack
                                   what definitions need */
};

static inline const char *
net_name_of (const struct xml_load *load)
{
  return ((const struct net_load *) load->opaque)->name;
}

extern const struct xml_elem net_schema;

/* Parts of the root. */
extern const struct xml_elem net_dns_kids[];
extern const struct xml_elem net_ip_kids[];
extern const struct xml_spec net_ip_attrs[];

int net_dns_after (struct xml_load *, struct xml_node *, xmlNode *);
int net_ip_before (struct xml_load *, struct xml_node *, xmlNode *);
int net_route_after (struct xml_load *, struct xml_node *, xmlNode *);

/* Normalise an address in an attribute.
 * Returns 1 and fills *out, 0 = there is none, -1 = not an address (no error
 * is recorded).
 */
int net_attr_address (struct xml_node *node, const char *attr,
                      struct net_address *out);

/* The address of an <ip>, with the prefix of its network. */
bool net_ip_address (const struct xml_node *ip, struct net_address *out);

/* Out of memory, recorded; -1. */
int net_no_memory (struct xml_load *load);

#endif /* DRIVER_TEST_NET_SCHEMA_H */
