/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * <network> but for addresses and names: the root, forwarding, the bridge,
 * port groups.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"
#include "plugins/driver-test/net-schema.h"

#define PORT_LAST 65535
#define VLAN_LAST 4095

/* virNetworkForwardType; networks up to OPEN have a bridge of their own. */
enum forward {
  FORWARD_NONE, FORWARD_NAT, FORWARD_ROUTE, FORWARD_OPEN, FORWARD_BRIDGE,
  FORWARD_PRIVATE, FORWARD_VEPA, FORWARD_PASSTHROUGH, FORWARD_HOSTDEV
};

static const char *const forward_modes[] = {
  "none", "nat", "route", "open", "bridge", "private", "vepa", "passthrough",
  "hostdev", NULL
};

static enum forward
forward_mode (const struct xml_node *root)
{
  const struct xml_node *node = xml_child (root, "forward");
  int mode = node ? xml_enum (forward_modes, xml_attr (node, "mode")) : 0;

  return mode < 0 ? FORWARD_NONE : (enum forward) mode;
}

/* Forwarding. -------------------------------------------------------------- */

static int
nat_address (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  static const char *const names[] = { "start", "end" };
  struct net_address ends[2];

  for (int i = 0; i < 2; i++)
    if (!xml_attr (node, names[i]))
      return xml_wrong (load, "missing '%s' attribute in <address> element "
                        "in <nat> in <forward> in network %s", names[i],
                        net_name_of (load));
  for (int i = 0; i < 2; i++)
    if (net_attr_address (node, names[i], &ends[i]) == -1
        || ends[i].family != AF_INET)
      return xml_wrong (load, "Bad ipv4 %s address '%s' in <nat> in "
                        "<forward> in network '%s'", names[i],
                        xml_attr (node, names[i]), net_name_of (load));
  return net_range_check (load->err, &ends[0], &ends[1], NULL);
}

static int
nat_port (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  static const char *const names[] = { "start", "end" };
  unsigned long long least = 0, value;

  for (int i = 0; i < 2; i++) {
    const char *text = xml_attr (node, names[i]);

    if (!text || xml_ull (text, 10, &value) == -1 || value > PORT_LAST
        || value < least)
      return xml_fail (load->err, load->domain, VIRGATE_ERR_XML_DETAIL,
                       "Missing or invalid '%s' attribute in <port> "
                       "in <nat> in <forward> in network %s", names[i],
                       net_name_of (load));
    if (xml_attr_setf (node, names[i], "%llu", value) == -1)
      return net_no_memory (load);
    least = value;
  }
  if (least == 0)
    return 1;
  return 0;
}

static int
nat_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  if (!xml_attr_is (node->parent, "mode", "nat"))
    return xml_wrong (load, "The <nat> element can only be used when "
                      "<forward> 'mode' is 'nat' in network %s",
                      net_name_of (load));
  for (xmlNode *kid = xml_src_child (src, "address"); kid;) {
    kid = xml_src_next (kid, "address");
    if (kid)
      return xml_wrong (load, "Only one <address> element is allowed in "
                        "<nat> in <forward> in network %s",
                        net_name_of (load));
  }
  for (xmlNode *kid = xml_src_child (src, "port"); kid;) {
    kid = xml_src_next (kid, "port");
    if (kid)
      return xml_wrong (load, "Only one <port> element is allowed in "
                        "<nat> in <forward> in network %s",
                        net_name_of (load));
  }
  return 0;
}

static int
interface_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  const char *dev = xml_attr (node, "dev");

  if (!dev)
    return xml_wrong (load, "Missing required dev attribute in "
                      "<forward> <interface> element of network %s",
                      net_name_of (load));
  for (struct xml_node *other = xml_child (node->parent, "interface");
       other != node; other = xml_next (other))
    if (xml_attr_is (other, "dev", dev))
      return xml_wrong (load, "interface '%s' can only be "
                        "listed once in network %s", dev, net_name_of (load));
  return 0;
}

static int
pf_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  if (!xml_attr (node, "dev"))
    return xml_wrong (load, "Missing required dev attribute "
                      "in <pf> element of network '%s'", net_name_of (load));
  if (xml_src_next (src, "pf"))
    return xml_wrong (load, "Only one <pf> element is allowed in <forward> "
                      "of network %s", net_name_of (load));
  return 0;
}

static int
address_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  static const char *const bits[] = { "domain", "bus", "slot", "function" };
  static const char *const formats[] = { "0x%04llx", "0x%02llx", "0x%02llx",
                                         "0x%llx" };
  const char *type = xml_attr (node, "type");

  if (!type)
    return xml_wrong (load, "missing address type in network %s",
                      net_name_of (load));
  if (strcmp (type, "pci") != 0)
    return strcmp (type, "none") == 0 || strcmp (type, "netdev") == 0
           ? xml_wrong (load, "unsupported address type '%s' in network %s",
                        type, net_name_of (load))
           : xml_unsupported (load, "unknown address type '%s' in network %s",
                              type, net_name_of (load));
  for (int i = 0; i < 4; i++) {
    const char *text = xml_attr (node, bits[i]);
    unsigned long long value = 0;
    char out[24];

    if (text && xml_ull (text, 0, &value) == -1)
      return xml_fail (load->err, VIRGATE_FROM_XML, VIRGATE_ERR_XML_ERROR,
                       "Invalid value for attribute '%s' in element "
                       "'address': '%s'. Expected integer value", bits[i],
                       text);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf (out, sizeof out, formats[i], value);
#pragma GCC diagnostic pop
    if (xml_attr_set (node, bits[i], out) == -1)
      return net_no_memory (load);
  }
  return 0;
}

static int
driver_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  const char *name = xml_attr (node, "name");

  if (!name || strcmp (name, "kvm") == 0 || strcmp (name, "vfio") == 0)
    return 0;
  return xml_unsupported (load, "Unknown forward <driver name='%s'/> "
                          "in network %s", name, net_name_of (load));
}

static int
forward_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  const char *mode = xml_attr (node, "mode");
  CLEANUP_FREE char *managed = xml_src_attr (src, "managed");

  if (!mode && xml_attr_set (node, "mode", "nat") == -1)
    return net_no_memory (load);
  if (xml_enum (forward_modes, xml_attr (node, "mode")) == -1)
    return xml_unsupported (load, "unknown forwarding type '%s'", mode);
  if (xml_attr_is (node, "mode", "hostdev")
      && xml_attr_set (node, "managed", managed
                                        && strcasecmp (managed, "yes") == 0
                                        ? "yes" : "no") == -1)
    return net_no_memory (load);
  if (xml_attr (node, "dev")
      && (xml_src_child (src, "address") || xml_src_child (src, "pf")))
    return xml_wrong (load, "the <forward> 'dev' attribute cannot be used "
                      "when <address> or <pf> sub-elements are present "
                      "in network %s", "%s");    /* clients know no name */
  return 0;
}

/* The first interface stands in the element and below it. */
static int
forward_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  struct xml_node *first = xml_child (node, "interface");
  const char *dev = xml_attr (node, "dev");
  const char *listed = first ? xml_attr (first, "dev") : NULL;

  if (dev && listed && strcmp (dev, listed) != 0)
    return xml_wrong (load, "<forward dev='%s'> must match first "
                      "<interface dev='%s'/> in network %s", dev, listed,
                      net_name_of (load));
  if (dev && !first) {
    first = xml_child_make (node, "interface");
    if (!first || xml_attr_set (first, "dev", dev) == -1)
      return net_no_memory (load);
  } else if (!dev && listed && !xml_child (node, "pf")
             && xml_attr_set (node, "dev", listed) == -1) {
    return net_no_memory (load);
  }
  return 0;
}

static const struct xml_elem forward_kids[] = {
  { "driver", .after = driver_after,
    .attrs = ATTRS ({ "name", .flags = XT_NOT_EMPTY }) },
  { "nat", .before = nat_before, .attrs = ATTRS ({ "ipv6", XT_BOOL }),
    .kids = KIDS (
      { "address", .flags = XT_KEEP, .after = nat_address,
        .attrs = ATTRS ({ "start" }, { "end" }) },
      { "port", .flags = XT_KEEP, .after = nat_port, .attrs = ATTRS (
          { "start", .flags = XT_NOT_EMPTY },
          { "end", .flags = XT_NOT_EMPTY }) }) },
  { "pf", .flags = XT_KEEP, .after = pf_after, .attrs = ATTRS ({ "dev" }) },
  { "interface", .flags = XT_MANY | XT_KEEP, .after = interface_after,
    .attrs = ATTRS ({ "dev" }) },
  { "address", .flags = XT_MANY | XT_KEEP, .after = address_after,
    .attrs = ATTRS ({ "type" }, { "domain" }, { "bus" }, { "slot" },
                    { "function" }) },
  { 0 }
};

/* The bridge. -------------------------------------------------------------- */

static int
bridge_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  CLEANUP_FREE char *stp = xml_src_attr (src, "stp");
  CLEANUP_FREE char *delay = xml_src_attr (src, "delay");
  const char *manager = xml_attr (node, "macTableManager");
  unsigned long long value = 0;

  if (delay && *delay && xml_ull (delay, 10, &value) == -1)
    return xml_wrong (load, "Invalid delay value in network '%s'",
                      net_name_of (load));
  if (manager && strcmp (manager, "kernel") != 0
      && strcmp (manager, "libvirt") != 0)
    return xml_wrong (load, "Invalid macTableManager setting '%s' "
                      "in network '%s'", manager, net_name_of (load));
  if (xml_attr_set (node, "stp", stp && strcmp (stp, "off") == 0
                                 ? "off" : "on") == -1
      || xml_attr_setf (node, "delay", "%llu", value) == -1)
    return net_no_memory (load);
  node->kind = (stp && *stp) || value;   /* remembered for the root */
  return 0;
}

static int
mac_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  const char *text = xml_attr (node, "address");
  unsigned char mac[6];
  char out[18];

  if (!text)
    return 1;
  if (xml_mac_parse (text, mac) == -1)
    return xml_wrong (load, "Invalid bridge mac address '%s' in network '%s'",
                      text, net_name_of (load));
  if (mac[0] & 1)
    return xml_wrong (load, "Invalid multicast bridge mac address '%s' in "
                      "network '%s'", text, net_name_of (load));
  xml_mac_format (mac, out);
  return xml_attr_set (node, "address", out);
}

static int
mtu_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  const char *text = xml_attr (node, "size");
  unsigned long long value;

  if (!text)
    return 1;
  if (xml_ull (text, 10, &value) == -1 || value > UINT32_MAX)
    return xml_wrong (load, "Invalid mtu size '%s' in network '%s'", text,
                      net_name_of (load));
  if (!value)
    return 1;
  return xml_attr_setf (node, "size", "%llu", value);
}

/* Parts that port groups have as well. ------------------------------------- */

static int
vlan_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  CLEANUP_FREE char *trunk = xml_src_attr (src, "trunk");
  struct xml_node *tag = xml_child (node, "tag");
  bool many = tag && xml_next (tag);

  if (!tag)
    return xml_wrong (load, "missing tag id - each <vlan> must have "
                      "at least one <tag id='n'/> subelement");
  for (; tag; tag = xml_next (tag))
    if (xml_number (xml_attr (tag, "id"), 0) > VLAN_LAST)
      return xml_wrong (load, "vlan tag id %s too large (maximum 4095)",
                        xml_attr (tag, "id"));
  if (trunk && *trunk && strcasecmp (trunk, "yes") != 0) {
    if (many)
      return xml_wrong (load, "invalid \"trunk='%s'\" in <vlan> - "
                        "trunk='yes' is required for more than one vlan tag",
                        trunk);
    if (strcasecmp (trunk, "no") != 0)
      return xml_wrong (load, "invalid \"trunk='%s'\" in <vlan> "
                        "- must be yes or no", trunk);
    return 0;
  }
  return many || (trunk && *trunk) ? xml_attr_set (node, "trunk", "yes") : 0;
}

static int
rate_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  CLEANUP_FREE char *average = xml_src_attr (src, "average");
  CLEANUP_FREE char *least = xml_src_attr (src, "floor");

  if (!average && !least)
    return xml_fail (load->err, load->domain, VIRGATE_ERR_XML_DETAIL,
                     "Missing mandatory average or floor attributes");
  if (!average && (xml_attr (node, "peak") || xml_attr (node, "burst")))
    return xml_unsupported (load, "'peak' and 'burst' require 'average' "
                            "attribute");
  if (xml_attr (node, "floor"))
    return strcmp (xml_name (node), "inbound") == 0
           ? xml_unsupported (load, "floor attribute is not supported for "
                              "this config")
           : xml_unsupported (load, "'floor' attribute allowed only in "
                              "<inbound> element");
  return 0;
}

static int
bandwidth_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  CLEANUP_FREE char *class = xml_src_attr (src, "classID");

  if (!class)
    return 0;
  return xml_fail (load->err, load->domain, VIRGATE_ERR_XML_DETAIL,
                   "classID attribute not supported on <bandwidth> "
                   "in this usage context");
}

/* Networks must say the type; their groups need not. */
static int
virtualport_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  if (xml_attr (node, "type") || node->parent->parent)
    return 0;
  return xml_wrong (load, "missing required virtualport type");
}

#define RATE(tag)                                                       \
  { tag, XT_ULL, XT_HIDE_ZERO,                                          \
    .bad_code = VIRGATE_ERR_CONFIG_UNSUPPORTED,                         \
    .bad = "could not convert bandwidth " tag " value '%s'" }
#define RATES(tag)                                                      \
  { tag, .after = rate_after, .attrs = ATTRS (                          \
      RATE ("average"), RATE ("peak"), RATE ("floor"), RATE ("burst")) }
#define VLAN                                                            \
  { "vlan", .after = vlan_after, .domain = XT_FROM_NONE,                \
    .attrs = ATTRS ({ "trunk", .flags = XT_MADE }), .kids = KIDS (      \
      { "tag", .flags = XT_MANY, .attrs = ATTRS (                       \
          { "id", XT_UINT, XT_REQUIRED },                               \
          { "nativeMode", XT_ENUM, XT_NONZERO,                          \
            .names = NAMES ("default", "tagged", "untagged") }) }) }
#define VIRTUALPORT                                                     \
  { "virtualport", .domain = XT_FROM_NONE, .after = virtualport_after,  \
    .attrs = ATTRS (                                                    \
      { "type", XT_ENUM, XT_NONZERO,                                    \
        .bad_code = VIRGATE_ERR_CONFIG_UNSUPPORTED,                     \
        .names = NAMES ("none", "802.1Qbg", "802.1Qbh", "openvswitch",  \
                        "midonet"),                                     \
        .bad = "unknown virtualport type %s" }),                        \
    .kids = KIDS (                                                      \
      { "parameters", .attrs = ATTRS (                                  \
          { "managerid", XT_UINT, XT_BASE0 },                           \
          { "typeid", XT_UINT, XT_BASE0 },                              \
          { "typeidversion", XT_UINT, XT_BASE0 },                       \
          { "instanceid", XT_UUID }, { "interfaceid", XT_UUID },        \
          { "profileid", .flags = XT_NOT_EMPTY }) }) }
#define BANDWIDTH                                                       \
  { "bandwidth", .domain = XT_FROM_NONE, .before = bandwidth_before,    \
    .kids = KIDS (RATES ("inbound"), RATES ("outbound")) }

static int
portgroup_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  CLEANUP_FREE char *dflt = xml_src_attr (src, "default");

  if (!xml_attr (node, "name"))
    return xml_wrong (load, "Missing required name attribute in portgroup");
  return dflt && strcasecmp (dflt, "yes") == 0
         ? xml_attr_set (node, "default", "yes") : 0;
}

/* The root. ---------------------------------------------------------------- */

static int
root_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  const char *ipv6 = xml_attr (node, "ipv6");

  if (ipv6 && strcmp (ipv6, "yes") != 0 && strcmp (ipv6, "no") != 0)
    return xml_wrong (load, "Invalid ipv6 setting '%s' in network '%s'",
                      ipv6, net_name_of (load));
  return ipv6 && strcmp (ipv6, "no") == 0
         ? xml_attr_set (node, "ipv6", NULL) : 0;
}

static int
check_routed (struct xml_load *load, const struct xml_node *root,
              enum forward mode)
{
  struct xml_node *forward = xml_child (root, "forward");
  struct xml_node *first = xml_child (forward, "interface");

  if (!xml_child (root, "ip"))
    return xml_wrong (load, "%s forwarding requested, "
                      "but no IP address provided for network '%s'",
                      forward_modes[mode], net_name_of (load));
  if (first && xml_next (first))
    return xml_wrong (load, "multiple forwarding interfaces specified "
                      "for network '%s', only one is supported",
                      net_name_of (load));
  if (first && mode == FORWARD_OPEN)
    return xml_wrong (load, "forward dev not allowed for "
                      "network '%s' with forward mode='%s'",
                      net_name_of (load), forward_modes[mode]);
  return 0;
}

static int
check_bridged (struct xml_load *load, const struct xml_node *root,
               enum forward mode)
{
  static const char *const refused[][2] = {
    { "name", "name not" }, { "zone", "zone not" },
    { "macTableManager", "macTableManager setting not" }
  };
  const struct xml_node *bridge = xml_child (root, "bridge");
  const struct xml_node *forward = xml_child (root, "forward");

  for (int i = 0; bridge && mode != FORWARD_BRIDGE && i < 3; i++)
    if (xml_attr (bridge, refused[i][0]))
      return xml_wrong (load, "bridge %s allowed in %s mode (network '%s')",
                        refused[i][1], forward_modes[mode],
                        net_name_of (load));
  if (bridge && (bridge->kind || xml_attr (bridge, "zone")))
    return xml_wrong (load, "bridge delay/stp/zone options only allowed in "
                      "route, nat, and isolated mode, not in %s "
                      "(network '%s')", forward_modes[mode],
                      net_name_of (load));
  if (bridge && xml_attr (bridge, "name")
      && (xml_child (forward, "interface") || xml_child (forward, "pf")
          || xml_child (forward, "address")))
    return xml_wrong (load, "A network with forward mode='%s' can specify "
                      "a bridge name or a forward dev, but not "
                      "both (network '%s')", forward_modes[mode],
                      net_name_of (load));
  if (xml_child (root, "mtu"))
    return xml_wrong (load, "mtu size only allowed in open, route, nat, "
                      "and isolated mode, not in %s (network '%s')",
                      forward_modes[mode], net_name_of (load));
  return 0;
}

/* Take off what is not written. */
static int
settle (struct xml_load *load, struct xml_node *root, enum forward mode)
{
  struct xml_node *bridge = xml_child (root, "bridge");

  if (mode == FORWARD_NONE)
    xml_node_free (xml_child (root, "forward"));
  if (mode < FORWARD_BRIDGE || !bridge)
    return 0;
  if (xml_attr_set (bridge, "stp", NULL) == -1
      || xml_attr_set (bridge, "delay", NULL) == -1)
    return net_no_memory (load);
  if (!bridge->attrs)
    xml_node_free (bridge);
  return 0;
}

static int
root_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  enum forward mode = forward_mode (node);

  if (mode >= FORWARD_NAT && mode <= FORWARD_OPEN
      && check_routed (load, node, mode) == -1)
    return -1;
  if (mode >= FORWARD_BRIDGE && check_bridged (load, node, mode) == -1)
    return -1;
  return settle (load, node, mode);
}

static int
domain_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  return !xml_attr (node, "name");
}

static const struct xml_elem root_kids[] = {
  { "name", .text = TEXT (.type = XT_STRING) },
  { "uuid", .text = TEXT (.type = XT_STRING) },
  { "metadata", .flags = XT_RAW },
  { "forward", .flags = XT_KEEP, .before = forward_before,
    .after = forward_after, .kids = forward_kids,
    .attrs = ATTRS ({ "dev", .flags = XT_NOT_EMPTY },
                    { "mode", .flags = XT_NOT_EMPTY },
                    { "managed", .flags = XT_MADE }) },
  { "bridge", .flags = XT_ALWAYS, .before = bridge_before, .attrs = ATTRS (
      { "name", .flags = XT_NOT_EMPTY }, { "zone", .flags = XT_NOT_EMPTY },
      { "stp", .flags = XT_MADE }, { "delay", .flags = XT_MADE },
      { "macTableManager", .flags = XT_NOT_EMPTY }) },
  { "mtu", .after = mtu_after,
    .attrs = ATTRS ({ "size", .flags = XT_NOT_EMPTY }) },
  { "mac", .after = mac_after,
    .attrs = ATTRS ({ "address", .flags = XT_NOT_EMPTY }) },
  { "domain", .after = domain_after,
    .attrs = ATTRS ({ "name" }, { "localOnly", XT_BOOL }) },
  { "dns", .after = net_dns_after, .kids = net_dns_kids,
    .attrs = ATTRS ({ "enable", XT_BOOL },
                    { "forwardPlainNames", XT_BOOL }) },
  VLAN,
  BANDWIDTH,
  { "port", .attrs = ATTRS ({ "isolated", XT_BOOL }) },
  { "ip", .flags = XT_MANY | XT_KEEP | XT_OPEN, .before = net_ip_before,
    .attrs = net_ip_attrs, .kids = net_ip_kids },
  { "route", .flags = XT_MANY | XT_KEEP, .after = net_route_after,
    .attrs = ATTRS ({ "family" }, { "address" }, { "netmask" },
                    { "prefix", XT_UINT }, { "gateway" },
                    { "metric", XT_UINT, XT_NONZERO }) },
  VIRTUALPORT,
  { "portgroup", .flags = XT_MANY | XT_KEEP | XT_OPEN,
    .after = portgroup_after, .attrs = ATTRS (
      { "name", .flags = XT_NOT_EMPTY }, { "default", .flags = XT_MADE },
      { "trustGuestRxFilters", XT_BOOL }),
    .kids = KIDS (VLAN, VIRTUALPORT, BANDWIDTH) },
  { 0 }
};

const struct xml_elem net_schema = {
  "network", .before = root_before, .after = root_after, .kids = root_kids,
  .attrs = ATTRS ({ "ipv6", .flags = XT_NOT_EMPTY },
                  { "trustGuestRxFilters", XT_BOOL })
};
