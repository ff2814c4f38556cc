/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Changing one entry of a network definition.  An entry is read by the same
 * schema as in a whole definition, appended where it belongs, compared with
 * its neighbours, and kept, moved or taken out again.
 */
#include "config.h"

#include <string.h>

#include "plugins/driver-test/net-schema.h"
#include "plugins/driver-test/net-update.h"

bool
update_is_add (const struct update *up)
{
  return up->command == COMMAND_ADD_FIRST || up->command == COMMAND_ADD_LAST;
}

int
update_check_element (const struct update *up, const char *name)
{
  if (strcmp ((const char *) up->src->name, name) == 0)
    return 0;
  return xml_fail (up->err, VIRGATE_FROM_NETWORK, VIRGATE_ERR_XML_ERROR,
                   "unexpected element <%s>, expecting <%s>, "
                   "while updating network '%s'", up->src->name, name,
                   up->def->name);
}

static int
unknown_command (const struct update *up)
{
  return update_refused (up, "unrecognized network update command code %d",
                         (int) up->command);
}

/* Read the entry below PARENT, behind its likes. */
struct xml_node *
update_read (const struct update *up, struct xml_node *parent,
             const char *name, bool partial)
{
  struct net_load net = { .name = up->def->name, .partial = partial };
  struct xml_load load = {
    .err = up->err, .domain = VIRGATE_FROM_NETWORK, .opaque = &net
  };
  struct xml_node *node = NULL;

  if (!parent) {
    net_no_memory (&load);
    return NULL;
  }
  if (xml_load_child (&load, parent, name, up->src, &node) == -1)
    return NULL;
  if (!node)
    xml_wrong (&load, "empty element <%s> while updating network '%s'", name,
               up->def->name);
  return node;
}

/* Put an entry before all of its likes, or where OLD is, which goes. */
static void
move_first (struct xml_node *node)
{
  struct xml_node *parent = node->parent;
  const char *name = xml_name (node);

  for (struct xml_node *like = xml_child (parent, name); like != node;
       like = xml_child (parent, name)) {
    xml_node_unlink (like);
    xml_node_link (parent, like);
  }
}

static void
replace (struct xml_node *old, struct xml_node *node)
{
  struct xml_node *parent = node->parent;
  struct xml_node *after = xml_next (old);

  /* Everything behind the old one, but the new one, goes behind the new. */
  xml_node_free (old);
  while (after && after != node) {
    struct xml_node *next = xml_next (after);

    xml_node_unlink (after);
    xml_node_link (parent, after);
    after = next;
  }
}

/* Nodes left without anything inside are not written. */
static void
prune (struct xml_node *node)
{
  if (!node->first && !node->attrs && !node->text)
    xml_node_free (node);
}

/* DHCP. -------------------------------------------------------------------- */

static bool
has_dhcp (const struct xml_node *ip)
{
  return xml_path (ip, "dhcp/range") || xml_path (ip, "dhcp/host");
}

static int
family_of (const struct xml_node *ip)
{
  struct net_address addr;

  return net_ip_address (ip, &addr) ? addr.family : AF_UNSPEC;
}

/* The <ip> that is meant: by number, or the one with <dhcp>, or the first of
 * the better family.
 */
static struct xml_node *
find_ip (const struct update *up)
{
  struct xml_node *first = xml_child (up->def->root, "ip");
  struct xml_node *ip = first;

  if (up->parent >= 0) {
    for (int32_t i = up->parent; ip && i > 0; i--)
      ip = xml_next (ip);
    if (!ip)
      update_wrong (up, "couldn't update dhcp host entry - no <ip> "
                    "element found at index %d in network '%s'", up->parent,
                    up->def->name);
    return ip;
  }
  while (ip && !has_dhcp (ip))
    ip = xml_next (ip);
  for (ip = ip ? ip : first; ip && !has_dhcp (ip) && family_of (ip) != AF_INET;)
    ip = xml_next (ip);
  if (!ip)
    ip = first;
  if (!ip)
    update_wrong (up, "couldn't update dhcp host entry - no <ip> "
                  "element found in network '%s'", up->def->name);
  return ip;
}

static int
check_single_dhcp (const struct update *up, const struct xml_node *ip)
{
  int family = family_of (ip);

  for (struct xml_node *other = xml_child (up->def->root, "ip"); other;
       other = xml_next (other))
    if (other != ip && family_of (other) == family && has_dhcp (other))
      return update_wrong (up, "dhcp is supported only for a "
                           "single %s address on each network",
                           family == AF_INET ? "IPv4" : "IPv6");
  return 0;
}

static bool
same_mac (const char *a, const char *b)
{
  unsigned char one[6], other[6];

  return a && b && xml_mac_parse (a, one) == 0
         && xml_mac_parse (b, other) == 0
         && memcmp (one, other, sizeof one) == 0;
}

bool
xml_same (const char *a, const char *b)
{
  return a && b && strcmp (a, b) == 0;
}

/* Any of the three is the same. */
static bool
host_clashes (const struct xml_node *a, const struct xml_node *b)
{
  return same_mac (xml_attr (a, "mac"), xml_attr (b, "mac"))
         || xml_same (xml_attr (a, "name"), xml_attr (b, "name"))
         || xml_same (xml_attr (a, "ip"), xml_attr (b, "ip"));
}

/* All that are given are the same. */
static bool
host_matches (const struct xml_node *host, const struct xml_node *wanted)
{
  const char *mac = xml_attr (wanted, "mac");
  const char *name = xml_attr (wanted, "name");
  const char *ip = xml_attr (wanted, "ip");

  return (!mac || !xml_attr (host, "mac")
          || same_mac (mac, xml_attr (host, "mac")))
         && (!name || xml_same (name, xml_attr (host, "name")))
         && (!ip || xml_same (ip, xml_attr (host, "ip")));
}

struct xml_node *
update_find_like (const struct xml_node *node,
                  bool (*same) (const struct xml_node *,
                                const struct xml_node *),
                  unsigned *count)
{
  struct xml_node *found = NULL;

  *count = 0;
  for (struct xml_node *like = xml_child (node->parent, xml_name (node));
       like; like = xml_next (like))
    if (like != node && same (like, node) && !(*count)++)
      found = like;
  return found;
}

static const char *
or_text (const char *text, const char *other)
{
  return text ? text : other;
}

/* Is there an entry like HOST where there must be one, and none where it would
 * clash?
 */
static int
check_host (const struct update *up, const struct xml_node *host,
            const struct xml_node *old)
{
  const char *mac = or_text (xml_attr (host, "mac"), "unknown");
  const char *name = or_text (xml_attr (host, "name"), "(null)");
  const char *ip = or_text (xml_attr (host, "ip"), "unknown");

  if (update_is_add (up) && old)
    return update_wrong (up, "there is an existing dhcp host entry in "
                         "network '%s' that matches "
                         "\"<host mac='%s' name='%s' ip='%s'/>\"",
                         up->def->name, mac, name, ip);
  if (up->command == COMMAND_MODIFY && !old)
    return update_wrong (up, "couldn't locate an existing dhcp host entry "
                         "with \"mac='%s'\" \"name='%s'\" \"ip='%s'\" in"
                         " network '%s'", mac, name, ip, up->def->name);
  if (up->command == COMMAND_DELETE && !old)
    return update_wrong (up, "couldn't locate a matching dhcp host entry "
                         "in network '%s'", up->def->name);
  return 0;
}

static int
update_host (const struct update *up)
{
  struct xml_node *ip = find_ip (up), *dhcp, *host, *old;
  bool delete = up->command == COMMAND_DELETE;
  struct net_address addr;
  const char *text;
  unsigned count;

  if (update_check_element (up, "host") == -1 || !ip)
    return -1;
  dhcp = xml_child_make (ip, "dhcp");
  host = update_read (up, dhcp, "host", delete);
  if (!host)
    return -1;
  text = xml_attr (host, "ip");
  if (!delete && text && net_address_parse (text, &addr) == 0
      && addr.family != family_of (ip))
    return update_wrong (up, "the address family of a host entry IP must "
                         "match the address family of the dhcp element's "
                         "parent");
  if (update_is_add (up) && check_single_dhcp (up, ip) == -1)
    return -1;
  old = update_find_like (host, delete ? host_matches : host_clashes, &count);
  if (check_host (up, host, old) == -1)
    return -1;
  switch (up->command) {
  case COMMAND_MODIFY:
    replace (old, host);
    return 0;
  case COMMAND_DELETE:
    xml_node_free (old);
    xml_node_free (host);
    prune (dhcp);
    return 0;
  case COMMAND_ADD_FIRST:
    move_first (host);
    return 0;
  case COMMAND_ADD_LAST:
    return 0;
  default:
    return unknown_command (up);
  }
}

/* Entries that are only added or deleted. ---------------------------------- */

static bool
range_same (const struct xml_node *a, const struct xml_node *b)
{
  return xml_same (xml_attr (a, "start"), xml_attr (b, "start"))
         && xml_same (xml_attr (a, "end"), xml_attr (b, "end"));
}

/* Finish an update: what stands already, and what the command does with it. */
int
update_finish (const struct update *up, struct xml_node *node,
               struct xml_node *old)
{
  struct xml_node *parent = node->parent;

  if (up->command == COMMAND_DELETE) {
    xml_node_free (old);
    xml_node_free (node);
    prune (parent);
    return 0;
  }
  if (!update_is_add (up))
    return unknown_command (up);
  if (up->command == COMMAND_ADD_FIRST)
    move_first (node);
  return 0;
}

static int
update_range (const struct update *up)
{
  struct xml_node *ip = find_ip (up), *range, *old;
  unsigned count;

  if (update_check_element (up, "range") == -1 || !ip)
    return -1;
  if (up->command == COMMAND_MODIFY)
    return update_refused (up, "dhcp ranges cannot be modified, "
                           "only added or deleted");
  range = update_read (up, xml_child_make (ip, "dhcp"), "range", false);
  if (!range || (update_is_add (up) && check_single_dhcp (up, ip) == -1))
    return -1;
  old = update_find_like (range, range_same, &count);
  if (update_is_add (up) && old)
    return update_wrong (up, "there is an existing dhcp range entry in "
                         "network '%s' that matches "
                         "\"<range start='%s' end='%s'/>\"", up->def->name,
                         xml_attr (range, "start"), xml_attr (range, "end"));
  if (up->command == COMMAND_DELETE && !old)
    return update_wrong (up, "couldn't locate a matching dhcp range entry "
                         "in network '%s'", up->def->name);
  return update_finish (up, range, old);
}

static bool
dev_same (const struct xml_node *a, const struct xml_node *b)
{
  return xml_same (xml_attr (a, "dev"), xml_attr (b, "dev"));
}

/* The element names the first interface. */
static int
settle_forward (const struct update *up)
{
  struct xml_node *forward = xml_child (up->def->root, "forward");
  struct xml_node *first = forward ? xml_child (forward, "interface") : NULL;

  if (!forward)
    return 0;
  return xml_attr_set (forward, "dev", first ? xml_attr (first, "dev")
                                             : NULL);
}

static int
update_interface (const struct update *up)
{
  CLEANUP_FREE char *dev = xml_src_attr (up->src, "dev");
  struct xml_node *forward, *node, *old;
  unsigned count;

  if (update_check_element (up, "interface") == -1)
    return -1;
  if (up->command == COMMAND_MODIFY)
    return update_refused (up, "forward interface entries cannot be "
                           "modified, only added or deleted");
  if (!dev)
    return xml_fail (up->err, VIRGATE_FROM_NETWORK, VIRGATE_ERR_XML_ERROR,
                     "missing dev attribute in <interface> element");
  forward = xml_child_make (up->def->root, "forward");
  node = forward ? xml_child_add (forward, "interface") : NULL;
  if (!node || xml_attr_set (node, "dev", dev) == -1)
    return xml_fail (up->err, VIRGATE_FROM_NETWORK, VIRGATE_ERR_NO_MEMORY,
                     " ");
  old = update_find_like (node, dev_same, &count);
  if (update_is_add (up) && old)
    return update_wrong (up, "there is an existing interface entry "
                         "in network '%s' that matches "
                         "\"<interface dev='%s'>\"", up->def->name, dev);
  if (up->command == COMMAND_DELETE && !old)
    return update_wrong (up, "couldn't find an interface entry "
                         "in network '%s' matching <interface dev='%s'>",
                         up->def->name, dev);
  return update_finish (up, node, old) == -1 ? -1 : settle_forward (up);
}

bool
xml_same_name (const struct xml_node *a, const struct xml_node *b)
{
  return xml_same (xml_attr (a, "name"), xml_attr (b, "name"));
}

static bool
both_default (const struct xml_node *a, const struct xml_node *b)
{
  return xml_attr (a, "default") && xml_attr (b, "default");
}

static int
update_portgroup (const struct update *up)
{
  struct xml_node *group, *old, *dflt;
  unsigned count;

  if (update_check_element (up, "portgroup") == -1)
    return -1;
  group = update_read (up, up->def->root, "portgroup", false);
  if (!group)
    return -1;
  old = update_find_like (group, xml_same_name, &count);
  dflt = update_find_like (group, both_default, &count);
  if (!old
      && (up->command == COMMAND_MODIFY || up->command == COMMAND_DELETE))
    return update_wrong (up, "couldn't find a portgroup entry "
                         "in network '%s' matching <portgroup name='%s'>",
                         up->def->name, xml_attr (group, "name"));
  if (old && update_is_add (up))
    return update_wrong (up, "there is an existing portgroup entry in "
                         "network '%s' that matches "
                         "\"<portgroup name='%s'>\"", up->def->name,
                         xml_attr (group, "name"));
  if (dflt && dflt != old && up->command != COMMAND_DELETE)
    return update_wrong (up, "a different portgroup entry in "
                         "network '%s' is already set as the default. "
                         "Only one default is allowed.", up->def->name);
  if (up->command != COMMAND_MODIFY)
    return update_finish (up, group, old);
  replace (old, group);
  return 0;
}

/* The sections. ------------------------------------------------------------ */

/* virNetworkUpdateSection. */
static const struct {
  const char *name;             /* in the refusal of those without fn */
  int (*fn) (const struct update *up);
} sections[] = {
  { NULL, NULL },
  { "bridge", NULL },
  { "domain", NULL },
  { "ip", NULL },
  { NULL, update_host },
  { NULL, update_range },
  { "forward", NULL },
  { NULL, update_interface },
  { "forward pf", NULL },
  { NULL, update_portgroup },
  { NULL, update_dns_host },
  { NULL, update_dns_txt },
  { NULL, update_dns_srv },
};

int
net_def_update (struct net_def *def, uint32_t command, uint32_t section,
                int32_t parent, xmlNode *src, struct xml_error *err)
{
  const struct update up = { def, command, parent, src, err };

  if (section < COUNT_OF (sections) && sections[section].fn)
    return sections[section].fn (&up);
  if (section < COUNT_OF (sections) && sections[section].name)
    return update_refused (&up, "can't update '%s' section of network '%s'",
                           sections[section].name, def->name);
  return update_refused (&up, "can't update unrecognized section of network");
}
