/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Network interfaces: <interface> in all its kinds.  Addresses and routes are
 * in domain-net-ip.c, vlans and virtual ports in domain-net-port.c.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "common/cleanup.h"
#include "plugins/driver-test/domain-devices.h"
#include "plugins/driver-test/domain-net.h"


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

  if (address && iface_usual_address (node, "address", &out) == -1)
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
  { "vlan", .after = iface_vlan_after, .attrs = ATTRS ({ "trunk",
                                                  .flags = XT_MADE }),
    .domain = XT_FROM_NONE, .kids = KIDS (
      { "tag", .flags = XT_MANY, .after = iface_tag_after, .attrs = ATTRS (
          { "id", XT_UINT, XT_REQUIRED },
          { "nativeMode", XT_ENUM, XT_NONZERO,
            .names = NAMES ("default", "tagged", "untagged") }) }) },
  { "virtualport", .after = iface_vport_after, .flags = XT_OWN_KIND,
    .domain = XT_FROM_NONE,
    .attrs = ATTRS (
      { "type", XT_ENUM, XT_NONZERO | XT_KIND, UNSUPPORTED,
        .names = NAMES ("none", "802.1Qbg", "802.1Qbh", "openvswitch",
                        "midonet"),
        .bad = "unknown virtualport type %s" }),
    .kids = KIDS ({ "parameters", .flags = XT_ALWAYS,
                    .attrs = iface_vport_params,
                    .after = iface_vport_params_after }) },
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
