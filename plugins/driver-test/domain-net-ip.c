/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Addresses and routes of <interface> and of its <source>.
 */
#include "config.h"

#include <string.h>

#include <arpa/inet.h>

#include "plugins/driver-test/domain-devices.h"
#include "plugins/driver-test/domain-net.h"
#include "plugins/driver-test/net-addr.h"

int
iface_usual_address (struct xml_node *node, const char *attr,
                     struct net_address *out)
{
  char usual[INET6_ADDRSTRLEN];

  if (net_address_parse (xml_attr (node, attr), out) == -1)
    return -1;
  return xml_attr_set (node, attr, net_address_text (out, usual));
}

static int
usual_of_family (struct xml_node *node, const char *attr, int family)
{
  struct net_address out;

  return iface_usual_address (node, attr, &out) == -1 || out.family != family
         ? -1 : 0;
}

static int
family_of (struct xml_node *node)
{
  const char *family = xml_attr (node, "family");
  const char *address = xml_attr (node, "address");

  if (family && strcmp (family, "ipv4") == 0)
    return AF_INET;
  if (family && strcmp (family, "ipv6") == 0)
    return AF_INET6;
  return strchr (address, ':') ? AF_INET6 : AF_INET;
}

int
iface_ip_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  const char *address = xml_attr (node, "address");
  const char *prefix = xml_attr (node, "prefix");
  unsigned long long bits = 0;
  int family;

  if (address == NULL)
    return xml_wrong (load, "Missing required address in <ip>");
  family = family_of (node);
  if (usual_of_family (node, "address", family) == -1)
    return xml_wrong (load, "Invalid address '%s' in <ip>", address);
  if (prefix && (xml_ull (prefix, 10, &bits) == -1
                 || bits > (family == AF_INET6 ? 128 : 32)))
    return xml_wrong (load, "Invalid prefix value '%s' in <ip>", prefix);
  if (xml_attr (node, "peer")
      && usual_of_family (node, "peer", family) == -1)
    return xml_fail (load->err, load->domain, VIRGATE_ERR_INVALID_ARG,
                     "Invalid peer '%s' in <ip>", xml_attr (node, "peer"));
  if (xml_attr_set (node, "family",
                    family == AF_INET6 ? "ipv6" : "ipv4") == -1)
    return domain_no_memory (load);
  return bits ? xml_attr_setf (node, "prefix", "%llu", bits)
              : xml_attr_set (node, "prefix", NULL);
}

/* Families of a route's parts must be what FAMILY says. */
static int
check_route_family (struct xml_load *load, const struct xml_node *node,
                    const char *where, const struct net_address *address,
                    const struct net_address *gateway)
{
  const char *family = xml_attr (node, "family");
  const char *text = xml_attr (node, "address");
  int wanted = family && strcmp (family, "ipv6") == 0 ? AF_INET6 : AF_INET;

  if (family && wanted == AF_INET && strcmp (family, "ipv4") != 0)
    return xml_wrong (load, "%s: Unrecognized family '%s' in route "
                      "definition", where, family);
  if (address->family == wanted && gateway->family == wanted)
    return 0;
  if (wanted == AF_INET)
    return xml_wrong (load, "%s: %s for non-IPv4 %s '%s' in route definition",
                      where, family ? "IPv4 family specified"
                                    : "No family specified",
                      address->family == wanted ? "gateway" : "address", text);
  if (address->family != wanted)
    return xml_wrong (load, "%s: ipv6 family specified for non-IPv6 address "
                      "'%s' in route definition", where, text);
  return xml_wrong (load, "%s: ipv6 specified for non-IPv6 gateway address "
                    "'%s' in route definition", where,
                    xml_attr (node, "gateway"));
}

/* How many bits of a route's address are the network's; -1 = recorded. */
static int
route_bits (struct xml_load *load, struct xml_node *node, const char *where,
            const struct net_address *address)
{
  long long bits = domain_attr_number (node, "prefix");
  int most = net_address_bits (address);
  struct net_address mask;

  if (xml_attr (node, "netmask")) {
    if (iface_usual_address (node, "netmask", &mask) == -1)
      return xml_wrong (load, "%s: Bad netmask address '%s' in route "
                        "definition", where, xml_attr (node, "netmask"));
    bits = net_mask_prefix (&mask);
    return bits == -1 ? most : bits;
  }
  if (bits > most)
    return xml_wrong (load, "%s: Invalid prefix %lld specified in route "
                      "definition, must be 0 - %d", where, bits, most);
  return bits;
}

int
iface_route_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  static const char *const parts[] = { "address", "gateway" };
  const char *where = strcmp (xml_name (node->parent), "source") == 0
                      ? "interface host IP" : "guest interface";
  struct net_address at[2], network = { 0 };
  int bits;

  for (int i = 0; i < 2; i++)
    if (xml_attr (node, parts[i]) == NULL)
      return xml_wrong (load, "%s: Missing required %s attribute in route "
                        "definition", where, parts[i]);
  for (int i = 0; i < 2; i++)
    if (iface_usual_address (node, parts[i], &at[i]) == -1)
      return xml_wrong (load, "%s: Bad %s address '%s' in route definition",
                        where, i ? "gateway" : "network",
                        xml_attr (node, parts[i]));
  if (check_route_family (load, node, where, &at[0], &at[1]) == -1)
    return -1;
  bits = route_bits (load, node, where, &at[0]);
  if (bits == -1)
    return -1;
  network.family = at[0].family;
  memcpy (network.bytes, at[0].bytes, (bits + 7) / 8);
  if (bits % 8)
    network.bytes[bits / 8] &= 0xff << (8 - bits % 8);
  if (!net_address_same (&at[0], &network, net_address_bits (&at[0])))
    return xml_wrong (load, "%s: Address '%s' in route definition is not a "
                      "network address", where, xml_attr (node, "address"));
  return 0;
}
