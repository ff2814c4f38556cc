/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A domain's network interfaces: bandwidth, addresses, counters.
 */
#include "config.h"

#include <arpa/inet.h>
#include <string.h>

#include "plugins/driver-test/dom.h"
#include "plugins/driver-test/net.h"
#include "plugins/driver-test/params.h"

/* Bandwidth: the parameters are attributes of <inbound> and <outbound>. */
static const struct {
  const char *element, *attr;
} band_places[] = {
  { "inbound", "average" }, { "inbound", "peak" }, { "inbound", "burst" },
  { "inbound", "floor" }, { "outbound", "average" }, { "outbound", "peak" },
  { "outbound", "burst" },
};

#define BAND(name) { name, VIRGATE_TYPED_PARAM_UINT }

static const struct param_spec band_specs[] = {
  BAND ("inbound.average"), BAND ("inbound.peak"), BAND ("inbound.burst"),
  BAND ("inbound.floor"), BAND ("outbound.average"), BAND ("outbound.peak"),
  BAND ("outbound.burst"),
  { NULL, 0 }
};

#define BAND_PARAMS COUNT_OF (band_places)

HANDLER (domain_get_interface_parameters)
{
  struct params_out out;
  struct def **def;
  struct xml_node *nic, *band;

  if (params_room (c, args->nparams,
                   VIRGATE_REMOTE_DOMAIN_INTERFACE_PARAMETERS_MAX) == -1
      || check_flags (c, args->flags, AFFECT_BOTH | PARAMS_STRINGS,
                      "testDomainGetInterfaceParameters") == -1)
    return -1;
  if (!args->nparams) {
    ret->nparams = BAND_PARAMS;
    return 0;
  }
  LOCK_FOR_SCOPE (&c->world->lock);
  def = find_one_def (c, &args->dom, args->flags);
  nic = def ? def_interface (c, *def, args->device) : NULL;
  if (!nic || params_start (&out, c, (uint32_t) args->nparams, args->flags)
                == -1)
    return -1;
  band = xml_child (nic, "bandwidth");
  for (size_t i = 0; i < BAND_PARAMS; i++) {
    const char *text = band ? xml_path_attr (band, band_places[i].element,
                                             band_places[i].attr)
                            : NULL;

    params_add_uint (&out, band_specs[i].name,
                     (uint32_t) xml_number (text, 0));
  }
  return params_end (&out, &ret->params.val, &ret->params.len);
}

/* What is given for one direction. */
struct band_change {
  const char *element;
  bool wanted;                  /* it has an average or a floor */
  bool cleared;                 /* they were given, as zero */
};

static struct band_change
band_change (const char *element, const struct virgate_typed_param *val,
             uint32_t len)
{
  struct band_change change = { .element = element };

  for (size_t i = 0; i < BAND_PARAMS; i++) {
    const struct virgate_typed_param *param;

    if (strcmp (band_places[i].element, element) != 0
        || (strcmp (band_places[i].attr, "average") != 0
            && strcmp (band_places[i].attr, "floor") != 0))
      continue;
    param = params_find (val, len, band_specs[i].name);
    change.wanted |= param && param->value.u.ui;
    change.cleared |= param != NULL;
  }
  return change;
}

static int
band_put (struct xml_node *band, const struct band_change *change,
          const struct virgate_typed_param *val, uint32_t len)
{
  struct xml_node *node = xml_child (band, change->element);

  if (!change->wanted) {
    if (change->cleared)
      xml_node_free (node);
    return 0;
  }
  xml_node_free (node);
  node = xml_child_make (band, change->element);
  for (size_t i = 0; node && i < BAND_PARAMS; i++) {
    const struct virgate_typed_param *param
      = params_find (val, len, band_specs[i].name);

    if (strcmp (band_places[i].element, change->element) != 0 || !param
        || !param->value.u.ui)
      continue;
    if (xml_attr_setf (node, band_places[i].attr, "%u", param->value.u.ui)
        == -1)
      return -1;
  }
  return node ? 0 : -1;
}

HANDLER_IN (domain_set_interface_parameters)
{
  const struct virgate_typed_param *val = args->params.val;
  uint32_t len = args->params.len;
  struct band_change in, out;
  struct def **slot, *def;
  struct xml_node *band;

  if (params_present (c, "virDomainSetInterfaceParameters", val, len) == -1
      || check_flags (c, args->flags, AFFECT_BOTH,
                      "testDomainSetInterfaceParameters") == -1
      || params_check (c, val, len, band_specs) == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  slot = find_one_def (c, &args->dom, args->flags);
  if (!slot || !def_interface (c, *slot, args->device))
    return -1;
  in = band_change ("inbound", val, len);
  out = band_change ("outbound", val, len);
  def = def_edit (slot);
  band = def ? xml_child_make (def_interface (c, def, args->device),
                               "bandwidth")
             : NULL;
  if (!band || band_put (band, &in, val, len) == -1
      || band_put (band, &out, val, len) == -1)
    return fail_memory (c);
  return 0;
}

/* Addresses. --------------------------------------------------------------- */

enum { IP_V4 = 0, IP_V6 = 1 };  /* virIPAddrType */

/* An address out of the network's range, another one for each interface. */
static int
address_in_network (const struct ctx *c, const char *network, uint32_t offset,
                    struct virgate_domain_ip_addr *out)
{
  const struct net *net = net_by_name (c->world, network);
  struct net_address range;
  char text[INET6_ADDRSTRLEN];

  if (!net)
    return fail (c, VIRGATE_ERR_NO_NETWORK,
                 "no network with matching name '%s'", network);
  if (!net_first_address (net->def, &range))
    return fail (c, VIRGATE_ERR_INTERNAL_ERROR,
                 "network '%s' has no address", network);
  if (range.family == AF_INET6) {
    range.bytes[15] = (uint8_t) (range.bytes[15] + offset);
  } else {
    uint32_t number;

    memcpy (&number, range.bytes, sizeof number);
    number = htonl (ntohl (number) + offset);
    memcpy (range.bytes, &number, sizeof number);
  }
  out->type = range.family == AF_INET6 ? IP_V6 : IP_V4;
  out->prefix = (uint32_t) range.prefix;
  inet_ntop (range.family, range.bytes, text, sizeof text);
  out->addr = call_strdup (c, text);
  return out->addr ? 0 : -1;
}

static int
fill_interface (const struct ctx *c, const struct dom *dom,
                const struct xml_node *nic, uint32_t index,
                struct virgate_domain_interface *out)
{
  const char *name = xml_path_attr (nic, "target", "dev");
  const char *mac = xml_path_attr (nic, "mac", "address");
  struct virgate_domain_ip_addr *addr;
  char text[32];

  out->name = call_strdup (c, name ? name : "");
  out->hwaddr = call_strdup (c, mac ? mac : "");
  out->addrs.val = addr = call_array (c, 1, sizeof *addr);
  if (!out->name || !out->hwaddr || !addr)
    return -1;
  out->addrs.len = 1;
  if (xml_attr_is (nic, "type", "network")) {
    const char *network = xml_path_attr (nic, "source", "network");

    return address_in_network (c, network ? network : "",
                               20u * (uint32_t) (dom->id - 1) + index + 1,
                               addr);
  }
  snprintf (text, sizeof text, "192.168.0.%u", index + 1);
  addr->type = IP_V4;
  addr->prefix = 24;
  addr->addr = call_strdup (c, text);
  return addr->addr ? 0 : -1;
}

HANDLER (domain_interface_addresses)
{
  enum { SOURCES = 3 };
  const struct dom *dom;
  uint32_t count = 0;

  if (check_flags (c, args->flags, 0, "testDomainInterfaceAddresses") == -1)
    return -1;
  if (args->source >= SOURCES)
    return fail (c, VIRGATE_ERR_ARGUMENT_UNSUPPORTED,
                 "Unknown IP address data source %d", (int) args->source);
  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_active (c, &args->dom);
  if (!dom)
    return -1;
  count = xml_count (def_device (dom->def, "interface"));
  ret->ifaces.val = call_array (c, count, sizeof *ret->ifaces.val);
  if (!ret->ifaces.val)
    return -1;
  for (struct xml_node *nic = def_device (dom->def, "interface"); nic;
       nic = xml_next (nic)) {
    if (fill_interface (c, dom, nic, ret->ifaces.len,
                        &ret->ifaces.val[ret->ifaces.len]) == -1)
      return -1;
    ret->ifaces.len++;
  }
  return 0;
}

HANDLER (domain_interface_stats)
{
  const struct dom *dom;
  int64_t base = (int64_t) real_time_us ();

  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_active (c, &args->dom);
  if (!dom || !def_interface (c, dom->def, args->device))
    return -1;
  ret->rx_bytes = base / 10;
  ret->rx_packets = base / 100;
  ret->rx_errs = base / 1000000;
  ret->rx_drop = base / 2000000;
  ret->tx_bytes = base / 20;
  ret->tx_packets = base / 110;
  ret->tx_errs = base / 3000000;
  ret->tx_drop = base / 4000000;
  return 0;
}
