/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Network definitions: XML in, a canonical tree, XML out.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/uuid.h"
#include "plugins/driver-test/net-schema.h"
#include "plugins/driver-test/net.h"

static int
no_memory (struct xml_error *err)
{
  return xml_fail (err, VIRGATE_FROM_NETWORK, VIRGATE_ERR_NO_MEMORY, " ");
}

/* Keep what is asked for often. */
static void
refresh (struct net_def *def)
{
  def->name = xml_path_text (def->root, "name");
  if (!def->name)
    def->name = "";
  if (!uuid_parse (xml_path_text (def->root, "uuid"), def->uuid))
    memset (def->uuid, 0, sizeof def->uuid);
}

static int
check_name (const char *name, struct xml_error *err)
{
  if (!name || !*name)
    return xml_fail (err, VIRGATE_FROM_NETWORK, VIRGATE_ERR_NO_NAME, NULL);
  if (strchr (name, '/'))
    return xml_fail (err, VIRGATE_FROM_XML, VIRGATE_ERR_XML_DETAIL,
                     "invalid char in %s: %c", "name", '/');
  return 0;
}

/* Give the tree its UUID in the usual form, made up if need be. */
static int
settle_uuid (struct xml_node *root, struct xml_error *err)
{
  struct xml_node *node = xml_child_make (root, "uuid");
  unsigned char uuid[16];
  char text[37];

  if (!node)
    return no_memory (err);
  if (!node->text)
    xml_uuid_make (uuid);
  else if (!uuid_parse (node->text, uuid))
    return xml_fail (err, VIRGATE_FROM_NETWORK, VIRGATE_ERR_INTERNAL_ERROR,
                     "malformed uuid element");
  uuid_format (uuid, text);
  return xml_text_set (node, text) == -1 ? no_memory (err) : 0;
}

struct net_def *
net_def_parse_node (xmlNode *src, struct xml_error *err)
{
  xmlNode *child = xml_src_child (src, "name");
  CLEANUP_FREE char *name = child ? xml_src_text (child) : NULL;
  struct net_load net = { .name = name };
  struct xml_load load = {
    .err = err, .domain = VIRGATE_FROM_NETWORK, .opaque = &net
  };
  struct xml_node *root;
  struct net_def *def = NULL;

  if (check_name (name, err) == -1)
    return NULL;
  root = xml_load_tree (&load, &net_schema, src);
  if (!root)
    return NULL;
  if (settle_uuid (root, err) == -1 || !(def = calloc (1, sizeof *def))) {
    no_memory (err);
    xml_node_free (root);
    return NULL;
  }
  def->root = root;
  refresh (def);
  return def;
}

struct net_def *
net_def_parse (const char *xml, bool validate, struct xml_error *err)
{
  struct net_def *def;
  xmlDoc *doc;

  if (xml_parse (xml, VIRGATE_FROM_NETWORK, "(network_definition)",
                 "network", validate ? SCHEMA_DIR "network.rng" : NULL, &doc,
                 err) == -1)
    return NULL;
  def = net_def_parse_node (xmlDocGetRootElement (doc), err);
  xmlFreeDoc (doc);
  return def;
}

struct net_def *
net_def_copy (const struct net_def *def)
{
  struct net_def *copy = calloc (1, sizeof *copy);

  if (!copy)
    return NULL;
  copy->root = xml_node_copy (def->root);
  if (!copy->root) {
    free (copy);
    return NULL;
  }
  refresh (copy);
  return copy;
}

void
net_def_free (struct net_def *def)
{
  if (!def)
    return;
  xml_node_free (def->root);
  free (def);
}

char *
net_def_format (const struct net_def *def)
{
  return xml_format_string (def->root, XT_SHOW_SECRETS | XT_SHOW_LIVE);
}

bool
net_first_address (const struct net_def *def, struct net_address *out)
{
  const struct xml_node *ip = xml_child (def->root, "ip");
  const char *start = ip ? xml_path_attr (ip, "dhcp/range", "start") : NULL;
  int prefix;

  if (!ip || !net_ip_address (ip, out))
    return false;
  prefix = out->prefix;
  if (start && net_address_parse (start, out) == -1)
    return false;
  out->prefix = prefix;
  return true;
}
