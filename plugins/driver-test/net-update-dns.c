/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Changing one DNS record of a network definition.
 */
#include "config.h"

#include <string.h>

#include "plugins/driver-test/net-update.h"

static bool
dns_host_same (const struct xml_node *host, const struct xml_node *wanted)
{
  if (xml_same (xml_attr (host, "ip"), xml_attr (wanted, "ip")))
    return true;
  for (struct xml_node *a = xml_child (host, "hostname"); a; a = xml_next (a))
    for (struct xml_node *b = xml_child (wanted, "hostname"); b;
         b = xml_next (b))
      if (xml_same (a->text, b->text))
        return true;
  return false;
}

static bool
dns_ip_same (const struct xml_node *a, const struct xml_node *b)
{
  return xml_same (xml_attr (a, "ip"), xml_attr (b, "ip"));
}

static bool
srv_matches (const struct xml_node *srv, const struct xml_node *wanted)
{
  static const char *const names[] = { "domain", "service", "protocol",
                                       "target" };

  for (size_t i = 0; i < COUNT_OF (names); i++)
    if (xml_attr (wanted, names[i])
        && !xml_same (xml_attr (wanted, names[i]),
                      xml_attr (srv, names[i])))
      return false;
  return true;
}

/* The three kinds of records. */
static const struct dns_kind {
  const char *element, *title;
  bool (*add_same) (const struct xml_node *, const struct xml_node *);
  bool (*find_same) (const struct xml_node *, const struct xml_node *);
  const char *exists;           /* "there is already ... in network %s" */
  const char *many;             /* "multiple ... in network %s" */
} dns_kinds[] = {
  { "host", "DNS HOST", dns_ip_same, dns_host_same,
    "at least one DNS HOST record with a matching field",
    "matching DNS HOST records were found" },
  { "txt", "DNS TXT", xml_same_name, xml_same_name, NULL, NULL },
  { "srv", "DNS SRV", srv_matches, srv_matches,
    "at least one DNS SRV record matching all specified fields",
    "DNS SRV records matching all specified fields were found" },
};

static int
update (const struct update *up, const struct dns_kind *kind)
{
  const char *name = up->def->name;
  struct xml_node *node, *old;
  unsigned count;

  if (up->command == COMMAND_MODIFY)
    return update_refused (up, "%s records cannot be modified, "
                           "only added or deleted", kind->title);
  if (update_check_element (up, kind->element) == -1)
    return -1;
  node = update_read (up, xml_child_make (up->def->root, "dns"),
                      kind->element, !update_is_add (up));
  if (!node)
    return -1;
  old = update_find_like (node, update_is_add (up) ? kind->add_same
                                                   : kind->find_same, &count);
  if (update_is_add (up) && old && !kind->exists)
    return update_wrong (up, "there is already a %s record "
                         "with name '%s' in network %s", kind->title,
                         xml_attr (node, "name"), name);
  if (update_is_add (up) && old)
    return update_wrong (up, "there is already %s in network %s",
                         kind->exists, name);
  if (up->command == COMMAND_DELETE && !old)
    return update_wrong (up, "couldn't locate a matching %s "
                         "record in network %s", kind->title, name);
  if (up->command == COMMAND_DELETE && count > 1 && kind->many)
    return update_wrong (up, "multiple %s in network %s", kind->many, name);
  return update_finish (up, node, old);
}

int
update_dns_host (const struct update *up)
{
  return update (up, &dns_kinds[0]);
}

int
update_dns_txt (const struct update *up)
{
  return update (up, &dns_kinds[1]);
}

int
update_dns_srv (const struct update *up)
{
  return update (up, &dns_kinds[2]);
}
