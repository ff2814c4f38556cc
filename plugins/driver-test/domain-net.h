/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of <interface> share.
 */
#ifndef VIRGATE_DRIVER_TEST_DOMAIN_NET_H
#define VIRGATE_DRIVER_TEST_DOMAIN_NET_H

#include "plugins/driver-test/domain-schema.h"
#include "plugins/driver-test/net-addr.h"

enum net {
  NET_USER, NET_ETHERNET, NET_VHOSTUSER, NET_SERVER, NET_CLIENT, NET_MCAST,
  NET_NETWORK, NET_BRIDGE, NET_INTERNAL, NET_DIRECT, NET_HOSTDEV, NET_UDP,
  NET_VDPA, NET_NULL, NET_VDS
};

#define IS(kind) XT_WHEN (NET_##kind)

/* domain-net-ip.c: rewrite an address in its usual form; 0, -1 = not one. */
int iface_usual_address (struct xml_node *node, const char *attr,
                         struct net_address *out);
int iface_ip_after (struct xml_load *, struct xml_node *, xmlNode *);
int iface_route_after (struct xml_load *, struct xml_node *, xmlNode *);

#define IPS                                                             \
  { "ip", .flags = XT_MANY, .after = iface_ip_after, .attrs = ATTRS (   \
      { "address" }, { "family" }, { "prefix" }, { "peer" }) },         \
  { "route", .flags = XT_MANY, .after = iface_route_after,              \
    .domain = VIRGATE_FROM_NETWORK, .attrs = ATTRS (                    \
      { "family" }, { "address" }, { "netmask" },                       \
      { "prefix", XT_UINT }, { "gateway" },                             \
      { "metric", XT_UINT, XT_NONZERO }) }

/* domain-net-port.c */
int iface_tag_after (struct xml_load *, struct xml_node *, xmlNode *);
int iface_vlan_after (struct xml_load *, struct xml_node *, xmlNode *);
extern const struct xml_spec iface_vport_params[];
int iface_vport_params_after (struct xml_load *, struct xml_node *, xmlNode *);
int iface_vport_after (struct xml_load *, struct xml_node *, xmlNode *);

#endif /* VIRGATE_DRIVER_TEST_DOMAIN_NET_H */
