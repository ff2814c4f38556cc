/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Network interfaces: <interface> in all its kinds.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include <arpa/inet.h>

#include "common/cleanup.h"
#include "plugins/driver-test/domain-devices.h"
#include "plugins/driver-test/net-addr.h"

#define PROFILE_MAX 39
#define VLAN_MAX 4095

enum net {
  NET_USER, NET_ETHERNET, NET_VHOSTUSER, NET_SERVER, NET_CLIENT, NET_MCAST,
  NET_NETWORK, NET_BRIDGE, NET_INTERNAL, NET_DIRECT, NET_HOSTDEV, NET_UDP,
  NET_VDPA, NET_NULL, NET_VDS
};

#define IS(kind) XT_WHEN (NET_##kind)
#define WHEN(kinds) .when = (kinds)
#define SOCKETS (IS (CLIENT) | IS (SERVER) | IS (MCAST) | IS (UDP))
#define WITH_SOURCE                                                     \
  (IS (NETWORK) | IS (VDS) | IS (INTERNAL) | IS (BRIDGE) | IS (DIRECT)  \
   | IS (VHOSTUSER) | IS (VDPA) | SOCKETS)
#define NEEDED(tag, kinds) { tag, .flags = XT_REQUIRED, .when = kinds }

static const struct xml_spec source_attrs[] = {
  NEEDED ("network", IS (NETWORK)),
  { "portgroup", WHEN (IS (NETWORK)) },
  { "type", XT_ENUM, XT_REQUIRED, UNSUPPORTED, WHEN (IS (VHOSTUSER)),
    .names = NAMES ("unix"),
    .bad = "Type='%s' unsupported for <interface type='vhostuser'>" },
  NEEDED ("path", IS (VHOSTUSER)),
  { "mode", XT_ENUM, XT_REQUIRED | XT_NONZERO, WHEN (IS (VHOSTUSER)),
    .names = NAMES ("", "client", "server") },
  NEEDED ("bridge", IS (BRIDGE)),
  { "address", .flags = XT_REQUIRED,
    WHEN (IS (CLIENT) | IS (MCAST) | IS (UDP)) },
  { "address", WHEN (IS (SERVER)) },
  { "port", XT_INT, XT_REQUIRED, WHEN (SOCKETS) },
  NEEDED ("name", IS (INTERNAL)),
  NEEDED ("dev", IS (DIRECT) | IS (VDPA)),
  { "dev", WHEN (IS (USER)) },
  { "mode", XT_ENUM, WHEN (IS (DIRECT)), .dflt = "vepa",
    .names = NAMES ("vepa", "private", "bridge", "passthrough") },
  { "switchid", XT_UUID, XT_REQUIRED, WHEN (IS (VDS)) },
  { "portid", XT_LL, XT_REQUIRED | XT_BASE0, WHEN (IS (VDS)) },
  NEEDED ("portgroupid", IS (VDS)),
  { "connectionid", XT_LL, XT_REQUIRED | XT_BASE0, WHEN (IS (VDS)) },
  { 0 }
};

/* Rewrite an address in its usual form: 0, -1 = not one. */
static int
usual_address (struct xml_node *node, const char *attr,
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

  return usual_address (node, attr, &out) == -1 || out.family != family
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

static int
ip_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
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
    if (usual_address (node, "netmask", &mask) == -1)
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

static int
route_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
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
    if (usual_address (node, parts[i], &at[i]) == -1)
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

#define IPS                                                             \
  { "ip", .flags = XT_MANY, .after = ip_after, .attrs = ATTRS (         \
      { "address" }, { "family" }, { "prefix" }, { "peer" }) },         \
  { "route", .flags = XT_MANY, .after = route_after,                    \
    .domain = VIRGATE_FROM_NETWORK, .attrs = ATTRS (                    \
      { "family" }, { "address" }, { "netmask" },                       \
      { "prefix", XT_UINT }, { "gateway" },                             \
      { "metric", XT_UINT, XT_NONZERO }) }

static int
source_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  if (node->kind == NET_UDP && xml_child (node, "local") == NULL)
    return xml_wrong (load, "'<local>' element missing for 'udp' socket "
                      "interface");
  if (node->kind == NET_HOSTDEV && xml_child (node, "address") == NULL)
    return xml_wrong (load, "missing source address type");
  return 0;
}

/* Only PCI devices can be passed through as interfaces. */
static int
host_address_before (struct xml_load *load, struct xml_node *node,
                     xmlNode *src)
{
  CLEANUP_FREE char *type = xml_src_attr (src, "type");

  if (type == NULL)
    return xml_wrong (load, "missing source address type");
  if (strcmp (type, "pci") != 0)
    return xml_unsupported (load, "unknown host device source address type "
                            "'%s'", type);
  if (domain_pci_after (load, node, src) == -1)
    return -1;
  return xml_attr_set (node, "type", "pci") == -1 ? domain_no_memory (load)
                                                  : 0;
}

/* One host device passed through; the address is where it is plugged in on
 * the host. */
static const struct xml_elem source_kids[] = {
  { "reconnect", WHEN (IS (VHOSTUSER)), .attrs = domain_reconnect_attrs,
    .after = domain_reconnect_after },
  { "local", WHEN (IS (UDP)), .attrs = ATTRS (
      { "address", .flags = XT_REQUIRED },
      { "port", XT_INT, XT_REQUIRED }) },
  { "address", WHEN (IS (HOSTDEV)), .attrs = ATTRS (
      { "type", .flags = XT_MADE },
      { "domain", XT_UINT, XT_BASE0 | XT_HEX, .format = "0x%04x",
        .dflt = "0x0000" },
      { "bus", XT_UINT, XT_BASE0 | XT_HEX, .format = "0x%02x",
        .dflt = "0x00" },
      { "slot", XT_UINT, XT_BASE0 | XT_HEX, .format = "0x%02x",
        .dflt = "0x00" },
      { "function", XT_UINT, XT_BASE0 | XT_HEX, .format = "0x%d",
        .dflt = "0x0" }), .before = host_address_before },
  IPS,
  { 0 }
};

static int
tag_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  const struct xml_node *other = xml_child (node->parent, "tag");

  if (domain_attr_number (node, "id") > VLAN_MAX)
    return xml_wrong (load, "vlan tag id %s too large (maximum 4095)",
                      xml_attr (node, "id"));
  for (; xml_attr (node, "nativeMode") && other != node;
       other = xml_next (other))
    if (xml_attr (other, "nativeMode"))
      return xml_wrong (load, "duplicate native vlan setting");
  return 0;
}

static int
vlan_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  CLEANUP_FREE char *trunk = xml_src_attr (src, "trunk");
  struct xml_node *tag = xml_child (node, "tag");
  bool has_many = tag && tag->next, is_trunk = has_many;

  if (tag == NULL)
    return xml_wrong (load, "missing tag id - each <vlan> must have at least "
                      "one <tag id='n'/> subelement");
  if (trunk && *trunk) {
    is_trunk = strcasecmp (trunk, "yes") == 0;
    if (!is_trunk && has_many)
      return xml_wrong (load, "invalid \"trunk='%s'\" in <vlan> - "
                        "trunk='yes' is required for more than one vlan tag",
                        trunk);
    if (!is_trunk && xml_attr (tag, "nativeMode"))
      return xml_wrong (load, "invalid configuration in <vlan> - "
                        "\"trunk='no'\" is not allowed with a native vlan "
                        "id");
    if (!is_trunk && strcasecmp (trunk, "no") != 0)
      return xml_wrong (load, "invalid \"trunk='%s'\" in <vlan> - must be "
                        "yes or no", trunk);
  }
  return is_trunk ? xml_attr_set (node, "trunk", "yes") : 0;
}

enum vport { VPORT_NONE, VPORT_QBG, VPORT_QBH, VPORT_OVS, VPORT_MIDONET };

#define QBG (XT_WHEN (VPORT_NONE) | XT_WHEN (VPORT_QBG))
#define VPORT_ID(tag)                                                   \
  { tag, XT_UINT, XT_BASE0 | XT_WRAP, .when = QBG,                      \
    .bad = "cannot parse value of " tag " parameter" }

static const struct xml_spec vport_params[] = {
  VPORT_ID ("managerid"),
  VPORT_ID ("typeid"),
  VPORT_ID ("typeidversion"),
  { "instanceid", XT_UUID, .when = QBG,
    .bad = "cannot parse instanceid parameter as a uuid" },
  { "interfaceid", XT_UUID,
    .when = XT_WHEN (VPORT_MIDONET) | XT_WHEN (VPORT_OVS)
            | XT_WHEN (VPORT_NONE),
    .bad = "cannot parse interfaceid parameter as a uuid" },
  { "profileid", .flags = XT_NOT_EMPTY,
    .when = XT_WHEN (VPORT_OVS) | XT_WHEN (VPORT_QBH)
            | XT_WHEN (VPORT_NONE) },
  { 0 }
};

static int
make_id (struct xml_load *load, struct xml_node *node, const char *attr)
{
  unsigned char uuid[16];
  char text[37];

  if (xml_attr (node, attr))
    return 0;
  xml_uuid_make (uuid);
  xml_uuid_format (uuid, text);
  return xml_attr_set (node, attr, text) == -1 ? domain_no_memory (load) : 0;
}

static int
params_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  const char *profile = xml_attr (node, "profileid");
  unsigned kind = node->kind;

  if (domain_attr_number (node, "managerid") > 0xff)
    return xml_wrong (load, "value of managerid out of range");
  if (domain_attr_number (node, "typeid") > 0xffffff)
    return xml_wrong (load, "value for typeid out of range");
  if (domain_attr_number (node, "typeidversion") > 0xff)
    return xml_wrong (load, "value of typeidversion out of range");
  if (profile && strlen (profile) > PROFILE_MAX)
    return xml_wrong (load, "profileid parameter too long");
  if ((kind == VPORT_QBG || kind == VPORT_NONE)
      && make_id (load, node, "instanceid") == -1)
    return -1;
  if ((kind == VPORT_OVS || kind == VPORT_NONE)
      && make_id (load, node, "interfaceid") == -1)
    return -1;
  return 0;
}

static int
vport_missing (struct xml_load *load, const struct xml_node *params)
{
  static const struct {
    unsigned kind;
    const char *attr;
  } needed[] = {
    { VPORT_QBG, "managerid" }, { VPORT_QBG, "typeid" },
    { VPORT_QBG, "typeidversion" }, { VPORT_QBG, "instanceid" },
    { VPORT_OVS, "interfaceid" }, { VPORT_QBH, "profileid" },
    { VPORT_MIDONET, "interfaceid" }
  };

  for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
    if (needed[i].kind == params->kind
        && xml_attr (params, needed[i].attr) == NULL)
      return xml_fail (load->err, VIRGATE_FROM_NET, VIRGATE_ERR_XML_ERROR,
                       "missing %s in <virtualport type='%s'>",
                       needed[i].attr, xml_attr (params->parent, "type"));
  return 0;
}

static int
vport_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  const struct xml_node *params = xml_child (node, "parameters");
  unsigned net = node->parent->kind;
  bool is_strict = net != NET_NETWORK;

  if (!(XT_WHEN (net) & (IS (NETWORK) | IS (BRIDGE) | IS (DIRECT)
                         | IS (HOSTDEV))))
    return xml_fail (load->err, VIRGATE_FROM_DOMAIN,
                     VIRGATE_ERR_CONFIG_UNSUPPORTED,
                     "<virtualport> element unsupported for "
                     "<interface type='%s'>", xml_attr (node->parent, "type"));
  if (is_strict && xml_attr (node, "type") == NULL)
    return xml_wrong (load, "missing required virtualport type");
  return is_strict && params ? vport_missing (load, params) : 0;
}

#define RATE(tag)                                                       \
  { tag, XT_ULL, XT_HIDE_ZERO, UNSUPPORTED,                             \
    .bad = "could not convert bandwidth " tag " value '%s'" }

static int
rate_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  CLEANUP_FREE char *average = xml_src_attr (src, "average");
  CLEANUP_FREE char *floor = xml_src_attr (src, "floor");
  bool is_inbound = strcmp (xml_name (node), "inbound") == 0;

  if (average == NULL && floor == NULL)
    return xml_fail (load->err, load->domain, VIRGATE_ERR_XML_DETAIL,
                     "Missing mandatory average or floor attributes");
  if (average == NULL && (xml_attr (node, "peak") || xml_attr (node, "burst")))
    return xml_unsupported (load, "'peak' and 'burst' require 'average' "
                            "attribute");
  if (xml_attr (node, "floor") && !is_inbound)
    return xml_unsupported (load, "'floor' attribute allowed only in "
                            "<inbound> element");
  if (xml_attr (node, "floor") && node->kind != NET_NETWORK)
    return xml_unsupported (load, "floor attribute is not supported for this "
                            "config");
  return 0;
}

#define RATES(tag)                                                      \
  { tag, .after = rate_after, .attrs = ATTRS (                          \
      RATE ("average"), RATE ("peak"), RATE ("floor"), RATE ("burst")) }

/* Parameters that a filter could not use are dropped; the rest is sorted. */
static int
param_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  static const char letters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:,";
  const char *name = xml_attr (node, "name"), *value = xml_attr (node,
                                                                 "value");

  if (name == NULL || value == NULL || *name == '\0'
      || name[strspn (name, letters)])
    return 1;
  return 0;
}

static struct xml_node *
place_param (const struct xml_node *node, struct xml_node *last)
{
  struct xml_node *before = last->next;

  for (; last && strcmp (xml_attr (last, "name"),
                         xml_attr (node, "name")) > 0; last = last->prev)
    before = last;
  return before;
}

static int
filterref_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  domain_replay (node, "parameter", place_param);
  return xml_attr (node, "filter") == NULL;
}

static int
model_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  static const char *const known[] = {
    "netfront", "rtl8139", "virtio", "e1000", "e1000e", "virtio-transitional",
    "virtio-non-transitional", "usb-net", "spapr-vlan", "lan9118",
    "scm91c111", "vlance", "vmxnet", "vmxnet2", "vmxnet3", "Am79C970A",
    "Am79C973", "82540EM", "82545EM", "82543GC", "unknown", NULL
  };
  const char *type = xml_attr (node, "type");

  if (type == NULL)
    return 1;
  for (size_t i = 0; known[i]; i++)
    if (strcasecmp (known[i], type) == 0)
      return strcmp (known[i], "unknown") == 0
             || xml_attr_set (node, "type", known[i]) == -1;
  if (type[strspn (type, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX"
                   "YZ0123456789-_")])
    return xml_fail (load->err, load->domain, VIRGATE_ERR_INVALID_ARG,
                     "Model name contains invalid characters");
  return 0;
}

static bool
is_virtio (const struct xml_node *net)
{
  const char *model = xml_path_attr (net, "model", "type");

  return model && strncmp (model, "virtio", 6) == 0;
}

/* Only virtio has the driver's knobs; one queue is no queues. */
static int
driver_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  if (!is_virtio (node->parent) || node->kind == NET_HOSTDEV)
    return 1;
  return xml_attr_is (node, "queues", "1")
         ? xml_attr_set (node, "queues", NULL) : 0;
}

static int
backend_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  if (xml_attr (node, "type"))
    return xml_wrong (load, "Invalid value for attribute 'type' in element "
                      "'backend': '%s'.", xml_attr (node, "type"));
  if (!is_virtio (node->parent) || node->kind == NET_HOSTDEV)
    xml_attr_set (node, "vhost", NULL);
  return 0;
}

static int
target_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  static const char *const generated[] = { "vnet", "macvtap", "macvlan" };
  const char *dev = xml_attr (node, "dev");

  if (xml_attr_is (node, "managed", "no"))
    return 0;
  for (size_t i = 0; dev && i < 3; i++)
    if (strncmp (dev, generated[i], strlen (generated[i])) == 0)
      return xml_attr_set (node, "dev", NULL);
  return 0;
}

static int
make_mac (struct xml_load *load, struct xml_node *node)
{
  unsigned char mac[6] = { 0x52, 0x54, 0x00 };
  char text[18];

  if (getrandom (mac + 3, 3, 0) != 3)
    return domain_no_memory (load);
  xml_mac_format (mac, text);
  return xml_attr_set (node, "address", text) == -1 ? domain_no_memory (load)
                                                    : 0;
}

static int
mac_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  CLEANUP_FREE char *source = xml_src_attr (src, "address");
  unsigned char mac[6];
  char text[18];

  if (source == NULL)
    return make_mac (load, node);
  if (xml_mac_parse (source, mac) == -1)
    return xml_wrong (load, "unable to parse mac address '%s'", source);
  if (mac[0] & 1)
    return xml_wrong (load, "expected unicast mac address, found multicast "
                      "'%s'", source);
  xml_mac_format (mac, text);
  return xml_attr_set (node, "address", text) == -1 ? domain_no_memory (load)
                                                    : 0;
}

static int
forward_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  const char *address = xml_attr (node, "address");
  struct net_address out;

  if (address && usual_address (node, "address", &out) == -1)
    return xml_wrong (load, "Invalid address '%s' in <portForward>", address);
  return 0;
}

static int
frames_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  CLEANUP_FREE char *source = xml_src_attr (src, "max");
  unsigned long long max;

  if (source == NULL || *source == '\0')
    return 1;
  if (xml_ull (source, 10, &max) == -1)
    return xml_fail (load->err, load->domain, VIRGATE_ERR_XML_DETAIL,
                     "cannot parse value '%s' for coalesce parameter",
                     source);
  if (max > UINT32_MAX)
    return xml_fail (load->err, load->domain, VIRGATE_ERR_OVERFLOW,
                     "value '%llu' is too big for coalesce parameter, "
                     "maximum is '%lu'", max, (unsigned long) UINT32_MAX);
  return max == 0 || xml_attr_setf (node, "max", "%llu", max) == -1;
}

#define PATH(tag)                                                       \
  { tag, .attrs = ATTRS ({ "path", .flags = XT_NOT_EMPTY }) }
#define OFFLOADS                                                        \
  { "tso4", XT_SWITCH }, { "tso6", XT_SWITCH }, { "ecn", XT_SWITCH },   \
  { "ufo", XT_SWITCH }

const struct xml_spec domain_net_attrs[] = {
  { "type", XT_ENUM, XT_KIND, .dflt = "user",
    .names = NAMES ("user", "ethernet", "vhostuser", "server", "client",
                    "mcast", "network", "bridge", "internal", "direct",
                    "hostdev", "udp", "vdpa", "null", "vds") },
  { "managed", XT_BOOL, WHEN (IS (HOSTDEV)), .skip = "no" },
  { "trustGuestRxFilters", XT_BOOL },
  { 0 }
};

const struct xml_elem domain_net_kids[] = {
  { "mac", .flags = XT_ALWAYS, .after = mac_after, .attrs = ATTRS (
      { "address", .flags = XT_MADE },
      { "type", XT_ENUM, XT_NONZERO,
        .names = NAMES ("", "generated", "static") },
      { "check", XT_BOOL }) },
  { "driver", WHEN (IS (HOSTDEV)), .attrs = ATTRS (
      { "name", XT_ENUM, XT_NONZERO,
        .names = NAMES ("default", "kvm", "vfio", "xen") }) },
  { "source", .attrs = source_attrs, .kids = source_kids,
    .after = source_after },
  { "vlan", .after = vlan_after, .attrs = ATTRS ({ "trunk",
                                                  .flags = XT_MADE }),
    .domain = XT_FROM_NONE, .kids = KIDS (
      { "tag", .flags = XT_MANY, .after = tag_after, .attrs = ATTRS (
          { "id", XT_UINT, XT_REQUIRED },
          { "nativeMode", XT_ENUM, XT_NONZERO,
            .names = NAMES ("default", "tagged", "untagged") }) }) },
  { "virtualport", .after = vport_after, .flags = XT_OWN_KIND,
    .domain = XT_FROM_NONE,
    .attrs = ATTRS (
      { "type", XT_ENUM, XT_NONZERO | XT_KIND, UNSUPPORTED,
        .names = NAMES ("none", "802.1Qbg", "802.1Qbh", "openvswitch",
                        "midonet"),
        .bad = "unknown virtualport type %s" }),
    .kids = KIDS ({ "parameters", .flags = XT_ALWAYS, .attrs = vport_params,
                    .after = params_after }) },
  { "bandwidth", .domain = XT_FROM_NONE,
    .kids = KIDS (RATES ("inbound"), RATES ("outbound")) },
  { "port", .attrs = ATTRS ({ "isolated", XT_BOOL }) },
  IPS,
  { "portForward", .flags = XT_MANY, .after = forward_after,
    .attrs = ATTRS (
      { "proto", XT_ENUM, XT_REQUIRED | XT_NONZERO,
        .names = NAMES ("none", "tcp", "udp") },
      { "address" }, { "dev" }),
    .kids = KIDS (
      { "range", .flags = XT_MANY, .attrs = ATTRS (
          { "start", XT_UINT, XT_NONZERO }, { "end", XT_UINT, XT_NONZERO },
          { "to", XT_UINT, XT_NONZERO }, { "exclude", XT_BOOL }) }) },
  PATH ("script"),
  PATH ("downscript"),
  { "backenddomain", .attrs = ATTRS ({ "name", .flags = XT_NOT_EMPTY }) },
  { "target", .after = target_after, .attrs = ATTRS (
      { "dev" }, { "managed", XT_BOOL }) },
  { "guest", .attrs = ATTRS (
      { "dev", .flags = XT_NOT_EMPTY }, { "actual", .flags = XT_NOT_EMPTY }) },
  { "model", .after = model_after,
    .attrs = ATTRS ({ "type", .flags = XT_NOT_EMPTY }) },
  { "driver", WHEN (~IS (HOSTDEV)), .before = driver_before, .attrs = ATTRS (
      { "name", XT_ENUM, XT_NONZERO,
        .names = NAMES ("default", "qemu", "vhost") },
      { "txmode", XT_ENUM, XT_NONZERO,
        .names = NAMES ("default", "iothread", "timer") },
      { "ioeventfd", XT_SWITCH },
      { "event_idx", XT_SWITCH },
      { "queues", XT_UINT, XT_HIDE_ZERO },
      { "rx_queue_size", XT_UINT, XT_HIDE_ZERO },
      { "tx_queue_size", XT_UINT, XT_HIDE_ZERO },
      { "rss", XT_SWITCH },
      { "rss_hash_report", XT_SWITCH },
      VIRTIO_ATTRS),
    .kids = KIDS (
      { "host", .attrs = ATTRS (
          { "csum", XT_SWITCH }, { "gso", XT_SWITCH }, OFFLOADS,
          { "mrg_rxbuf", XT_SWITCH }) },
      { "guest", .attrs = ATTRS ({ "csum", XT_SWITCH }, OFFLOADS) }) },
  { "backend", .after = backend_after, .attrs = ATTRS (
      { "type", XT_ENUM, XT_NONZERO, .names = NAMES ("default", "passt") },
      { "tap" }, { "vhost" }, { "logFile" }) },
  { "filterref", WHEN (IS (NETWORK) | IS (BRIDGE) | IS (ETHERNET)),
    .after = filterref_after, .attrs = ATTRS ({ "filter" }), .kids = KIDS (
      { "parameter", .flags = XT_MANY, .after = param_after,
        .attrs = ATTRS ({ "name" }, { "value" }) }) },
  { "tune", .kids = KIDS (
      { "sndbuf", .text = TEXT (.type = XT_ULL, .flags = XT_WRAP,
                                .bad = "sndbuf must be a positive "
                                       "integer") }) },
  { "teaming", .attrs = ATTRS (
      { "type", XT_ENUM, XT_REQUIRED | XT_NONZERO, UNSUPPORTED,
        .names = NAMES ("none", "persistent", "transient"),
        .bad = "unknown teaming type '%s'" },
      { "persistent", .flags = XT_NOT_EMPTY }) },
  { "link", .attrs = ATTRS (
      { "state", XT_ENUM, XT_NONZERO | XT_NOT_EMPTY, UNSUPPORTED,
        .names = NAMES ("default", "up", "down"),
        .bad = "unknown interface link state '%s'" }) },
  { "mtu", .attrs = ATTRS (
      { "size", XT_UINT, XT_HIDE_ZERO | XT_WRAP | XT_NOT_EMPTY,
        .bad = "malformed mtu size" }) },
  { "coalesce", .kids = KIDS (
      { "rx", .kids = KIDS (
          { "frames", .after = frames_after,
            .attrs = ATTRS ({ "max", .flags = XT_MADE }) }) }) },
  INFO_BOOT,
  INFO_ALIAS,
  INFO_ROM,
  INFO_ACPI,
  INFO_ADDRESS,
  { 0 }
};

/* A kind that is plugged in somewhere must say where. */
int
domain_net_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  if ((XT_WHEN (node->kind) & WITH_SOURCE)
      && xml_src_child (src, "source") == NULL)
    return xml_wrong (load, "interface type='%s' requires a 'source' element",
                      xml_attr (node, "type"));
  return 0;
}

/* A user's network has no source. */
int
domain_net_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  struct xml_node *source = xml_child (node, "source");

  if (node->kind == NET_USER && source) {
    xml_attr_set (source, "dev", NULL);
    if (source->first == NULL)
      xml_node_free (source);
  }
  return 0;
}
