/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * <ip> and <route> of network definitions.
 */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "plugins/driver-test/net-schema.h"

int
net_no_memory (struct xml_load *load)
{
  return xml_fail (load->err, load->domain, VIRGATE_ERR_NO_MEMORY, " ");
}

int
net_attr_address (struct xml_node *node, const char *attr,
                  struct net_address *out)
{
  char text[INET6_ADDRSTRLEN];
  const char *value = xml_attr (node, attr);

  if (!value)
    return 0;
  if (net_address_parse (value, out) == -1
      || xml_attr_set (node, attr, net_address_text (out, text)) == -1)
    return -1;
  return 1;
}

/* Prefix of a network that gives none: by the classes of old. */
static int
default_prefix (const struct net_address *addr)
{
  if (addr->family == AF_INET6)
    return 64;
  if (addr->bytes[0] < 128)
    return 8;
  if (addr->bytes[0] < 192)
    return 16;
  return addr->bytes[0] < 224 ? 24 : -1;
}

bool
net_ip_address (const struct xml_node *ip, struct net_address *out)
{
  const char *text = xml_attr (ip, "address");
  const char *mask = xml_attr (ip, "netmask");
  const char *prefix = xml_attr (ip, "prefix");
  struct net_address bits;

  if (!text || net_address_parse (text, out) == -1)
    return false;
  if (prefix)
    out->prefix = (int) xml_number (prefix, 0);
  else if (mask && net_address_parse (mask, &bits) == 0)
    out->prefix = net_mask_prefix (&bits);
  else
    out->prefix = default_prefix (out);
  return true;
}

static int
bad_address (struct xml_load *load, const char *text)
{
  return xml_fail (load->err, VIRGATE_FROM_NONE, VIRGATE_ERR_SYSTEM_ERROR,
                   "Cannot parse socket address '%s': %s", text,
                   "Name or service not known");
}

/* DHCP. -------------------------------------------------------------------- */

static int
lease_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  unsigned long long expiry = xml_number (xml_attr (node, "expiry"), 0);
  const char *unit = xml_attr (node, "unit");

  if (!xml_attr (node, "expiry"))
    return 1;
  if (!expiry)
    return xml_attr_set (node, "unit", NULL);
  if (!unit && xml_attr_set (node, "unit", "minutes") == -1)
    return net_no_memory (load);
  unit = xml_attr (node, "unit");
  if ((strcmp (unit, "seconds") == 0 && expiry < 120)
      || (strcmp (unit, "minutes") == 0 && expiry < 2))
    return xml_unsupported (load, "The minimum lease time should be greater "
                            "than 2 minutes");
  return 0;
}

#define LEASE                                                           \
  { "lease", .after = lease_after, .attrs = ATTRS (                     \
      { "expiry", XT_ULL },                                             \
      { "unit", XT_ENUM,                                                \
        .names = NAMES ("seconds", "minutes", "hours") }) }

static int
range_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  static const char *const names[] = { "start", "end" };
  struct net_address ends[2], network;

  for (int i = 0; i < 2; i++) {
    int found = net_attr_address (node, names[i], &ends[i]);

    if (found == 0)
      return xml_wrong (load, "Missing '%s' attribute in dhcp range for "
                        "network '%s'", names[i], net_name_of (load));
    if (found == -1)
      return bad_address (load, xml_attr (node, names[i]));
  }
  return net_range_check (load->err, &ends[0], &ends[1],
                          net_ip_address (node->parent->parent, &network)
                          ? &network : NULL);
}

static int
host_mac (struct xml_load *load, const char *mac,
          const struct net_address *network)
{
  unsigned char bytes[6];

  if (network->family == AF_INET6)
    return xml_wrong (load, "Invalid to specify MAC address '%s' "
                      "in network '%s' IPv6 static host definition", mac,
                      net_name_of (load));
  if (xml_mac_parse (mac, bytes) == -1)
    return xml_wrong (load, "Cannot parse MAC address '%s' in network '%s'",
                      mac, net_name_of (load));
  if (bytes[0] & 1)
    return xml_wrong (load, "expected unicast mac address, found "
                      "multicast '%s' in network '%s'", mac,
                      net_name_of (load));
  return 0;
}

/* Whether enough is there. */
static int
host_complete (struct xml_load *load, const struct xml_node *node,
               const struct net_address *network, bool has_ip)
{
  const char *mac = xml_attr (node, "mac"), *name = xml_attr (node, "name");
  const struct net_load *net = load->opaque;

  if (net->partial) {
    if (mac || name || has_ip)
      return 0;
    return xml_wrong (load, "At least one of name, mac, or ip attribute "
                      "must be specified for static host definition "
                      "in network '%s' ", net->name);
  }
  if (network->family == AF_INET6 && !xml_attr (node, "id") && !name)
    return xml_wrong (load, "Static host definition in IPv6 network '%s' "
                      "must have id or name attribute", net->name);
  if (network->family != AF_INET6 && !mac && !name)
    return xml_wrong (load, "Static host definition in IPv4 network '%s' "
                      "must have mac or name attribute", net->name);
  if (!has_ip)
    return xml_wrong (load, "Missing IP address in static host definition "
                      "for network '%s'", net->name);
  return 0;
}

static int
host_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  const char *mac = xml_attr (node, "mac"), *name = xml_attr (node, "name");
  const char *id = xml_attr (node, "id");
  struct net_address ip, network = { .family = AF_INET };
  size_t good = id ? strspn (id, "0123456789abcdefABCDEF:") : 0;
  int found;

  net_ip_address (node->parent->parent, &network);
  if (mac && host_mac (load, mac, &network) == -1)
    return -1;
  if (id && id[good])
    return xml_wrong (load, "Invalid character '%c' in id '%s' of network "
                      "'%s'", id[good], id, net_name_of (load));
  if (name && !isalnum ((unsigned char) *name))
    return xml_wrong (load, "Cannot use host name '%s' in network '%s'",
                      name, net_name_of (load));
  found = net_attr_address (node, "ip", &ip);
  if (found == -1)
    return xml_wrong (load, "Invalid IP address in static host definition "
                      "for network '%s'", net_name_of (load));
  return host_complete (load, node, &network, found == 1);
}

static int
bootp_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  struct net_address network, server;

  if (!net_ip_address (node->parent->parent, &network)
      || network.family != AF_INET || !xml_attr (node, "file"))
    return 1;
  if (net_attr_address (node, "server", &server) == -1)
    return bad_address (load, xml_attr (node, "server"));
  return 0;
}

/* A boot server alone is not written. */
static int
dhcp_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  return !xml_child (node, "range") && !xml_child (node, "host");
}

static int
tftp_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  struct net_address network;

  if (net_ip_address (node->parent, &network) && network.family != AF_INET)
    return xml_unsupported (load, "Unsupported <tftp> element in an IPv6 "
                            "element in network '%s'", net_name_of (load));
  return 0;
}

const struct xml_elem net_ip_kids[] = {
  { "tftp", .after = tftp_after,
    .attrs = ATTRS ({ "root", .flags = XT_NOT_EMPTY }) },
  { "dhcp", .after = dhcp_after, .kids = KIDS (
      { "range", .flags = XT_MANY, .after = range_after, .kids = KIDS (LEASE),
        .attrs = ATTRS ({ "start" }, { "end" }) },
      { "host", .flags = XT_MANY | XT_KEEP, .after = host_after,
        .kids = KIDS (LEASE),
        .attrs = ATTRS ({ "mac" }, { "id" }, { "name" }, { "ip" }) },
      { "bootp", .flags = XT_KEEP, .after = bootp_after,
        .attrs = ATTRS ({ "file" }, { "server" }) }) },
  { 0 }
};

/* <ip> itself. ------------------------------------------------------------- */

const struct xml_spec net_ip_attrs[] = {
  { "family", .flags = XT_NOT_EMPTY },
  { "address", .flags = XT_NOT_EMPTY },
  { "netmask", .flags = XT_NOT_EMPTY },
  { "prefix", XT_UINT, XT_HIDE_ZERO },
  { "localPtr", XT_BOOL },
  { 0 }
};

static int
check_v4 (struct xml_load *load, const struct xml_node *node,
          const struct net_address *addr, const struct net_address *mask)
{
  const char *family = xml_attr (node, "family");
  const char *name = net_name_of (load);

  if (addr->family != AF_INET)
    return xml_unsupported (load, "%s family specified for non-IPv4 address "
                            "'%s' in network '%s'", family ? "ipv4" : "no",
                            xml_attr (node, "address"), name);
  if (mask && mask->family != AF_INET)
    return xml_unsupported (load, "Invalid netmask '%s' for address '%s' "
                            "in network '%s' (both must be IPv4)",
                            xml_attr (node, "netmask"),
                            xml_attr (node, "address"), name);
  if (mask && xml_attr (node, "prefix"))
    return xml_unsupported (load, "Network '%s' IP address cannot have "
                            "both a prefix and a netmask", name);
  if (xml_number (xml_attr (node, "prefix"), 0) > 32)
    return xml_unsupported (load, "Invalid IPv4 prefix '%s' in network '%s'",
                            xml_attr (node, "prefix"), name);
  return 0;
}

static int
check_v6 (struct xml_load *load, const struct xml_node *node,
          const struct net_address *addr)
{
  const char *name = net_name_of (load);

  if (addr->family != AF_INET6)
    return xml_unsupported (load, "Family 'ipv6' specified for non-IPv6 "
                            "address '%s' in network '%s'",
                            xml_attr (node, "address"), name);
  if (xml_attr (node, "netmask"))
    return xml_unsupported (load, "netmask not allowed for IPv6 address '%s' "
                            "in network '%s'", xml_attr (node, "address"),
                            name);
  if (xml_number (xml_attr (node, "prefix"), 0) > 128)
    return xml_unsupported (load, "Invalid IPv6 prefix '%s' in network '%s'",
                            xml_attr (node, "prefix"), name);
  return 0;
}

int
net_ip_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  const char *family = xml_attr (node, "family");
  struct net_address addr, mask;
  int found;

  if (!xml_attr (node, "address"))
    return xml_wrong (load, "Missing required address attribute in network "
                      "'%s'", net_name_of (load));
  if (net_attr_address (node, "address", &addr) == -1)
    return xml_wrong (load, "Invalid address '%s' in network '%s'",
                      xml_attr (node, "address"), net_name_of (load));
  found = net_attr_address (node, "netmask", &mask);
  if (found == -1)
    return xml_wrong (load, "Invalid netmask '%s' in network '%s'",
                      xml_attr (node, "netmask"), net_name_of (load));
  if (!family || strcmp (family, "ipv4") == 0)
    return check_v4 (load, node, &addr, found == 1 ? &mask : NULL);
  if (strcmp (family, "ipv6") == 0)
    return check_v6 (load, node, &addr);
  return xml_wrong (load, "Unrecognized family '%s' in network '%s'", family,
                    net_name_of (load));
}

/* <route>. ----------------------------------------------------------------- */

static int
route_family (struct xml_load *load, const struct xml_node *node,
              const struct net_address *addr,
              const struct net_address *gateway)
{
  const char *name = net_name_of (load), *family = xml_attr (node, "family");
  const char *text = xml_attr (node, "address");
  bool v6 = family && strcmp (family, "ipv6") == 0;

  if (family && !v6 && strcmp (family, "ipv4") != 0)
    return xml_wrong (load, "%s: Unrecognized family '%s' "
                      "in route definition", name, family);
  if (v6 && addr->family != AF_INET6)
    return xml_wrong (load, "%s: ipv6 family specified for non-IPv6 address "
                      "'%s' in route definition", name, text);
  if (v6 && gateway->family != AF_INET6)
    return xml_wrong (load, "%s: ipv6 specified for non-IPv6 gateway address "
                      "'%s' in route definition", name,
                      xml_attr (node, "gateway"));
  if (!v6 && addr->family != AF_INET)
    return xml_wrong (load, "%s: %s family specified for non-IPv4 address "
                      "'%s' in route definition", name,
                      family ? "IPv4" : "No", text);
  if (!v6 && gateway->family != AF_INET)
    return xml_wrong (load, "%s: %s family specified for non-IPv4 gateway "
                      "'%s' in route definition", name,
                      family ? "IPv4" : "No", text);
  return 0;
}

/* The prefix that the route gives, one way or the other; -1 = recorded. */
static int
route_prefix (struct xml_load *load, struct xml_node *node,
              const struct net_address *addr)
{
  const char *name = net_name_of (load);
  const char *text = xml_attr (node, "netmask");
  unsigned long long prefix = xml_number (xml_attr (node, "prefix"), 0);
  int most = net_address_bits (addr);
  struct net_address mask;

  if (text && addr->family == AF_INET6)
    return xml_wrong (load, "%s: Specifying netmask invalid for IPv6 address "
                      "'%s' in route definition", name,
                      xml_attr (node, "address"));
  if (prefix > (unsigned) most)
    return xml_wrong (load, "%s: Invalid prefix %llu specified "
                      "in route definition, must be 0 - %d", name, prefix,
                      most);
  if (!text)
    return (int) prefix;
  if (net_attr_address (node, "netmask", &mask) == -1)
    return xml_wrong (load, "%s: Bad netmask address '%s' "
                      "in route definition", name, text);
  if (mask.family != AF_INET)
    return xml_wrong (load, "%s: Invalid netmask '%s' "
                      "for address '%s' (both must be IPv4)", name, text,
                      xml_attr (node, "address"));
  if (xml_attr (node, "prefix"))
    return xml_wrong (load, "%s: Route definition cannot have both "
                      "a prefix and a netmask", name);
  return MAX_OF (net_mask_prefix (&mask), 0);
}

static bool
reachable (const struct xml_node *root, const struct net_address *gateway)
{
  struct net_address network;

  for (struct xml_node *ip = xml_child (root, "ip"); ip; ip = xml_next (ip))
    if (net_ip_address (ip, &network) && network.prefix >= 0
        && net_address_same (&network, gateway, network.prefix))
      return true;
  return false;
}

int
net_route_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  static const char *const names[] = { "address", "gateway" };
  static const char *const called[] = { "network", "gateway" };
  struct net_address at[2], zero = { 0 };
  int prefix;

  for (int i = 0; i < 2; i++)
    if (!xml_attr (node, names[i]))
      return xml_wrong (load, "%s: Missing required %s attribute "
                        "in route definition", net_name_of (load), names[i]);
  for (int i = 0; i < 2; i++)
    if (net_attr_address (node, names[i], &at[i]) == -1)
      return xml_wrong (load, "%s: Bad %s address '%s' in route definition",
                        net_name_of (load), called[i],
                        xml_attr (node, names[i]));
  if (route_family (load, node, &at[0], &at[1]) == -1)
    return -1;
  prefix = route_prefix (load, node, &at[0]);
  if (prefix == -1)
    return -1;
  zero = at[0];
  for (int i = prefix; i < net_address_bits (&zero); i++)
    zero.bytes[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
  if (!net_address_same (&at[0], &zero, net_address_bits (&zero)))
    return xml_wrong (load, "%s: Address '%s' in route definition "
                      "is not a network address", net_name_of (load),
                      xml_attr (node, "address"));
  if (!reachable (node->parent, &at[1]))
    return xml_unsupported (load, "unreachable static route gateway '%s' "
                            "specified for network '%s'",
                            xml_attr (node, "gateway"), net_name_of (load));
  return 0;
}
