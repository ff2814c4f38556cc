/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a switch is told of an <interface>: <vlan> and <virtualport>.
 */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "common/cleanup.h"
#include "common/uuid.h"
#include "plugins/driver-test/domain-devices.h"
#include "plugins/driver-test/domain-net.h"

#define PROFILE_MAX 39
#define VLAN_MAX 4095

int
iface_tag_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
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

int
iface_vlan_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
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

const struct xml_spec iface_vport_params[] = {
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
  uuid_format (uuid, text);
  return xml_attr_set (node, attr, text) == -1 ? domain_no_memory (load) : 0;
}

int
iface_vport_params_after (struct xml_load *load, struct xml_node *node,
                          xmlNode *src)
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

int
iface_vport_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
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
