/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * <dns> of network definitions.
 */
#include "config.h"

#include <string.h>

#include "plugins/driver-test/net-schema.h"

#define SERVICE_MAX 512         /* bytes of a service's name */
#define SRV_LAST 65535          /* ports, priorities, weights */

#define dns_wrong(load, ...)                                            \
  xml_fail ((load)->err, (load)->domain, VIRGATE_ERR_XML_DETAIL, __VA_ARGS__)

static bool
partial (const struct xml_load *load)
{
  return ((const struct net_load *) load->opaque)->partial;
}

static int
forwarder_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  struct net_address addr;

  if (net_attr_address (node, "addr", &addr) == -1)
    return xml_wrong (load, "Invalid forwarder IP address '%s' "
                      "in network '%s'", xml_attr (node, "addr"),
                      net_name_of (load));
  if (!xml_attr (node, "addr") && !xml_attr (node, "domain"))
    return xml_wrong (load, "Invalid forwarder element, must contain "
                      "at least one of addr or domain");
  return 0;
}

static int
txt_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  const char *name = xml_attr (node, "name");

  if (!name)
    return dns_wrong (load, "missing required name attribute in DNS TXT "
                      "record of network %s", net_name_of (load));
  if (name[strcspn (name, " ,")])
    return dns_wrong (load, "prohibited character in DNS TXT record "
                      "name '%s' of network %s", name, net_name_of (load));
  if (!xml_attr (node, "value") && !partial (load))
    return dns_wrong (load, "missing required value attribute in DNS TXT "
                      "record named '%s' of network %s", name,
                      net_name_of (load));
  return 0;
}

#define LETTERS                                                         \
  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static int
srv_names (struct xml_load *load, const struct xml_node *node)
{
  const char *service = xml_attr (node, "service");
  const char *protocol = xml_attr (node, "protocol");
  const char *name = net_name_of (load);

  if (!service && !partial (load))
    return dns_wrong (load, "missing required service attribute in DNS SRV "
                      "record of network '%s'", name);
  if (service && strlen (service) > SERVICE_MAX)
    return dns_wrong (load, "service attribute '%s' in network '%s' is too "
                      "long, limit is %d bytes", service, name, SERVICE_MAX);
  if (service && service[strspn (service, LETTERS "_-+/*")])
    return dns_wrong (load, "invalid character in service attribute '%s' "
                      "in DNS SRV record of network '%s'", service, name);
  if (!protocol && !partial (load))
    return dns_wrong (load, "missing required protocol attribute "
                      "in DNS SRV record '%s' of network '%s'", service,
                      name);
  if (protocol && protocol[strspn (protocol, LETTERS "-+/")])
    return dns_wrong (load, "invalid character in protocol attribute '%s' "
                      "in DNS SRV record of network '%s'", protocol, name);
  return 0;
}

/* Numbers of a record: which, how messages spell the beginning, least. */
static const struct {
  const char *attr, *invalid;
  unsigned least;
} srv_numbers[] = {
  { "port", "invalid", 1 }, { "priority", "Invalid", 0 },
  { "weight", "invalid", 0 },
};

static int
srv_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  const char *service = xml_attr (node, "service");

  if (srv_names (load, node) == -1)
    return -1;
  for (size_t i = 0; i < sizeof srv_numbers / sizeof srv_numbers[0]; i++) {
    const char *text = xml_attr (node, srv_numbers[i].attr);
    unsigned long long value;

    if (!text)
      continue;
    if (!xml_attr (node, "target"))
      return dns_wrong (load, "DNS SRV %s attribute not permitted without "
                        "target for service '%s' in network '%s'",
                        srv_numbers[i].attr, service ? service : "(null)",
                        net_name_of (load));
    if (xml_ull (text, 10, &value) == -1 || value < srv_numbers[i].least
        || value > SRV_LAST)
      return dns_wrong (load, "%s DNS SRV %s attribute "
                        "for service '%s' in network '%s'",
                        srv_numbers[i].invalid, srv_numbers[i].attr,
                        service ? service : "(null)", net_name_of (load));
    if (xml_attr_setf (node, srv_numbers[i].attr, "%llu", value) == -1)
      return net_no_memory (load);
    if (!value && xml_attr_set (node, srv_numbers[i].attr, NULL) == -1)
      return net_no_memory (load);
  }
  return 0;
}

static int
host_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  struct net_address ip;
  int found = net_attr_address (node, "ip", &ip);
  const char *name = net_name_of (load);

  if (found == 0 && !partial (load))
    return dns_wrong (load, "Missing IP address in network '%s' DNS HOST "
                      "record", name);
  if (found == -1)
    return dns_wrong (load, "Invalid IP address in network '%s' DNS HOST "
                      "record", name);
  if (!xml_child (node, "hostname") && !partial (load))
    return dns_wrong (load, "Missing hostname in network '%s' DNS HOST "
                      "record", name);
  if (found == 0 && !xml_child (node, "hostname"))
    return dns_wrong (load, "Missing ip and hostname in network '%s' DNS "
                      "HOST record", name);
  return 0;
}

int
net_dns_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  if (xml_attr_is (node, "enable", "no") && node->first)
    return xml_wrong (load, "Extra data in disabled network '%s'",
                      net_name_of (load));
  return 0;
}

const struct xml_elem net_dns_kids[] = {
  { "forwarder", .flags = XT_MANY | XT_KEEP, .after = forwarder_after,
    .attrs = ATTRS ({ "domain" }, { "addr" }) },
  { "txt", .flags = XT_MANY | XT_KEEP, .after = txt_after,
    .attrs = ATTRS ({ "name" }, { "value" }) },
  { "srv", .flags = XT_MANY | XT_KEEP, .after = srv_after, .attrs = ATTRS (
      { "service" }, { "protocol" }, { "domain" }, { "target" },
      { "port", .flags = XT_NOT_EMPTY }, { "priority", .flags = XT_NOT_EMPTY },
      { "weight", .flags = XT_NOT_EMPTY }) },
  { "host", .flags = XT_MANY | XT_KEEP | XT_OPEN, .after = host_after,
    .attrs = ATTRS ({ "ip" }),
    .kids = KIDS ({ "hostname", .flags = XT_MANY | XT_TEXT_ONLY,
                    .text = TEXT (.type = XT_STRING) }) },
  { 0 }
};
