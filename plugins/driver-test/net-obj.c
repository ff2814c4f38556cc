/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Networks of a world, and the calls on them.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/uuid.h"
#include "plugins/driver-test/event.h"
#include "plugins/driver-test/net.h"

#define NET_VALIDATE 1u         /* of define and create */

struct net *
net_by_uuid (const struct world *world, const uint8_t uuid[16])
{
  list_for_each (link, &world->nets) {
    struct net *net = list_item (link, struct net, link);

    if (memcmp (net->def->uuid, uuid, 16) == 0)
      return net;
  }
  return NULL;
}

struct net *
net_by_name (const struct world *world, const char *name)
{
  list_for_each (link, &world->nets) {
    struct net *net = list_item (link, struct net, link);

    if (strcmp (net->def->name, name) == 0)
      return net;
  }
  return NULL;
}

struct net *
net_new (struct world *world, struct net_def *def)
{
  struct net *net = calloc (1, sizeof *net);

  if (!net) {
    net_def_free (def);
    return NULL;
  }
  net->def = def;
  list_append (&world->nets, &net->link);
  return net;
}

void
net_free (struct net *net)
{
  list_remove (&net->link);
  net_def_free (net->def);
  net_def_free (net->next);
  free (net);
}

static struct net *
find_by_name (const struct ctx *c, const char *name)
{
  struct net *net = net_by_name (c->world, name);

  if (!net)
    fail (c, VIRGATE_ERR_NO_NETWORK, "no network with matching name '%s'",
          name);
  return net;
}

static struct net *
find_by_uuid (const struct ctx *c, const uint8_t uuid[16])
{
  struct net *net = net_by_uuid (c->world, uuid);
  char text[37];

  if (!net) {
    uuid_format (uuid, text);
    fail (c, VIRGATE_ERR_NO_NETWORK, "no network with matching uuid '%s'",
          text);
  }
  return net;
}

int
net_fill (const struct ctx *c, struct virgate_network *out,
          const struct net *net)
{
  out->name = call_strdup (c, net->def->name);
  memcpy (out->uuid, net->def->uuid, sizeof out->uuid);
  return out->name ? 0 : -1;
}

HANDLER (network_lookup_by_name)
{
  const struct net *net;

  LOCK_FOR_SCOPE (&c->world->lock);
  net = find_by_name (c, args->name);
  return net ? net_fill (c, &ret->net, net) : -1;
}

HANDLER (network_lookup_by_uuid)
{
  const struct net *net;

  LOCK_FOR_SCOPE (&c->world->lock);
  net = find_by_uuid (c, args->uuid);
  return net ? net_fill (c, &ret->net, net) : -1;
}

/* Coming and going. -------------------------------------------------------- */

/* Whether the definition may go into the world; *net is the network that it
 * belongs to.
 */
static int
assign_check (const struct ctx *c, const struct net_def *def, bool live,
              struct net **net)
{
  char uuid[37];

  *net = net_by_uuid (c->world, def->uuid);
  if (*net && strcmp ((*net)->def->name, def->name) != 0) {
    uuid_format ((*net)->def->uuid, uuid);
    return fail_in (c, VIRGATE_FROM_NETWORK, VIRGATE_ERR_OPERATION_FAILED,
                    "network '%s' is already defined with uuid %s",
                    (*net)->def->name, uuid);
  }
  if (*net && live && (*net)->active)
    return fail_in (c, VIRGATE_FROM_NETWORK, VIRGATE_ERR_OPERATION_INVALID,
                    "network is already active as '%s'", (*net)->def->name);
  if (*net || !net_by_name (c->world, def->name))
    return 0;
  uuid_format (net_by_name (c->world, def->name)->def->uuid, uuid);
  return fail_in (c, VIRGATE_FROM_NETWORK, VIRGATE_ERR_OPERATION_FAILED,
                  "network '%s' already exists with uuid %s", def->name,
                  uuid);
}

/* Put the definition where it belongs in a network that exists. */
static void
take_def (struct net *net, struct net_def *def, bool live)
{
  if (live) {
    if (net->persistent && !net->next)
      net->next = net->def;
    else
      net_def_free (net->def);
    net->def = def;
    return;
  }
  net_def_free (net->next);
  if (net->active || !net->persistent) {
    net->next = def;
  } else {
    net->next = NULL;
    net_def_free (net->def);
    net->def = def;
  }
  net->persistent = true;
}

/* Read a document and put it into the world; locked by the caller after. */
static struct net *
assign (const struct ctx *c, struct net_def *def, bool live)
{
  struct net *net;

  if (assign_check (c, def, live, &net) == -1) {
    net_def_free (def);
    return NULL;
  }
  if (net) {
    take_def (net, def, live);
    return net;
  }
  net = net_new (c->world, def);
  if (!net)
    fail_memory (c);
  else
    net->persistent = !live;
  return net;
}

static int
make (const struct ctx *c, const char *function, const char *xml,
      uint32_t flags, bool live, struct virgate_network *out)
{
  struct xml_error err = { 0 };
  struct net_def *def;
  struct net *net;

  if (check_flags (c, flags, NET_VALIDATE, function) == -1)
    return -1;
  def = net_def_parse (xml, flags & NET_VALIDATE, &err);
  if (!def)
    return fail_xml (c, &err);
  LOCK_FOR_SCOPE (&c->world->lock);
  net = assign (c, def, live);
  if (!net)
    return -1;
  if (live)
    net->active = true;
  event_network (c, net->def->name, net->def->uuid,
                 live ? NET_EVENT_STARTED : NET_EVENT_DEFINED);
  return net_fill (c, out, net);
}

HANDLER (network_define_xml)
{
  return make (c, "testNetworkDefineXMLFlags", args->xml, 0, false,
               &ret->net);
}

HANDLER (network_define_xml_flags)
{
  return make (c, "testNetworkDefineXMLFlags", args->xml, args->flags, false,
               &ret->net);
}

HANDLER (network_create_xml)
{
  return make (c, "testNetworkCreateXMLFlags", args->xml, 0, true,
               &ret->net);
}

HANDLER (network_create_xml_flags)
{
  return make (c, "testNetworkCreateXMLFlags", args->xml, args->flags, true,
               &ret->net);
}

HANDLER_IN (network_create)
{
  struct net *net;

  LOCK_FOR_SCOPE (&c->world->lock);
  net = find_by_name (c, args->net.name);
  if (!net)
    return -1;
  if (net->active)
    return fail (c, VIRGATE_ERR_OPERATION_INVALID,
                 "Network '%s' is already running", args->net.name);
  net->active = true;
  event_network (c, net->def->name, net->def->uuid, NET_EVENT_STARTED);
  return 0;
}

HANDLER_IN (network_destroy)
{
  struct net *net;

  LOCK_FOR_SCOPE (&c->world->lock);
  net = find_by_name (c, args->net.name);
  if (!net)
    return -1;
  net->active = false;
  event_network (c, net->def->name, net->def->uuid, NET_EVENT_STOPPED);
  if (!net->persistent)
    net_free (net);
  return 0;
}

HANDLER_IN (network_undefine)
{
  struct net *net;

  LOCK_FOR_SCOPE (&c->world->lock);
  net = find_by_name (c, args->net.name);
  if (!net)
    return -1;
  if (net->active)
    return fail (c, VIRGATE_ERR_OPERATION_INVALID,
                 "Network '%s' is still running", args->net.name);
  event_network (c, args->net.name, args->net.uuid, NET_EVENT_UNDEFINED);
  net_free (net);
  return 0;
}

/* Asking. ------------------------------------------------------------------ */

HANDLER (network_get_xml_desc)
{
  CLEANUP_FREE char *text = NULL;
  const struct net *net;

  if (check_flags (c, args->flags, 0, "testNetworkGetXMLDesc") == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  net = find_by_name (c, args->net.name);
  if (!net)
    return -1;
  text = net_def_format (net->def);
  if (!text)
    return fail_memory (c);
  ret->xml = call_strdup (c, text);
  return ret->xml ? 0 : -1;
}

HANDLER (network_get_bridge_name)
{
  const struct net *net;
  const char *name;

  LOCK_FOR_SCOPE (&c->world->lock);
  net = find_by_name (c, args->net.name);
  if (!net)
    return -1;
  name = xml_path_attr (net->def->root, "bridge", "name");
  if (!name)
    return fail (c, VIRGATE_ERR_INTERNAL_ERROR,
                 "network '%s' does not have a bridge name.",
                 net->def->name);
  ret->name = call_strdup (c, name);
  return ret->name ? 0 : -1;
}

HANDLER (network_get_autostart)
{
  const struct net *net;

  LOCK_FOR_SCOPE (&c->world->lock);
  net = find_by_name (c, args->net.name);
  if (!net)
    return -1;
  ret->autostart = net->autostart;
  return 0;
}

HANDLER_IN (network_set_autostart)
{
  struct net *net;

  LOCK_FOR_SCOPE (&c->world->lock);
  net = find_by_name (c, args->net.name);
  if (!net)
    return -1;
  net->autostart = args->autostart != 0;
  return 0;
}

HANDLER (network_is_active)
{
  const struct net *net;

  LOCK_FOR_SCOPE (&c->world->lock);
  net = find_by_uuid (c, args->net.uuid);
  if (!net)
    return -1;
  ret->active = net->active;
  return 0;
}

HANDLER (network_is_persistent)
{
  const struct net *net;

  LOCK_FOR_SCOPE (&c->world->lock);
  net = find_by_uuid (c, args->net.uuid);
  if (!net)
    return -1;
  ret->persistent = net->persistent;
  return 0;
}

/* Changing. ---------------------------------------------------------------- */

#define UPDATE_LIVE 1u          /* virNetworkUpdateFlags */
#define UPDATE_CONFIG 2u

static int
update_check (const struct ctx *c, const struct net *net, uint32_t flags)
{
  if (flags & UPDATE_LIVE && !net->active)
    return fail_in (c, VIRGATE_FROM_NETWORK, VIRGATE_ERR_OPERATION_INVALID,
                    "network is not running");
  if (flags & UPDATE_CONFIG && !net->persistent)
    return fail_in (c, VIRGATE_FROM_NETWORK, VIRGATE_ERR_OPERATION_INVALID,
                    "cannot change persistent config of a "
                    "transient network");
  return 0;
}

/* A changed copy of a definition, read again to see that it is still good;
 * NULL after the refusal.
 */
static struct net_def *
changed_copy (const struct ctx *c, const struct net_def *def,
              const struct virgate_remote_network_update_args *args,
              xmlNode *src)
{
  struct xml_error err = { 0 };
  struct net_def *copy = net_def_copy (def);
  struct net_def *again = NULL;
  CLEANUP_FREE char *text = NULL;

  if (!copy) {
    fail_memory (c);
    return NULL;
  }
  if (net_def_update (copy, args->command, args->section, args->parentIndex,
                      src, &err) == 0
      && (text = net_def_format (copy)))
    again = net_def_parse (text, false, &err);
  net_def_free (copy);
  if (!again)
    fail_xml (c, &err);
  return again;
}

static int
update (const struct ctx *c,
        const struct virgate_remote_network_update_args *args, xmlNode *src,
        struct xml_error *err)
{
  struct net_def *live = NULL, *config = NULL;
  uint32_t flags = args->flags;
  struct net *net;

  LOCK_FOR_SCOPE (&c->world->lock);
  net = find_by_uuid (c, args->net.uuid);
  if (!net)
    return -1;
  if (!(flags & (UPDATE_LIVE | UPDATE_CONFIG)))
    flags |= net->active ? UPDATE_LIVE : UPDATE_CONFIG;
  if (update_check (c, net, flags) == -1)
    return -1;
  if (!src)
    return fail_xml (c, err);
  if (flags & UPDATE_LIVE
      && !(live = changed_copy (c, net->def, args, src)))
    return -1;
  if (flags & UPDATE_CONFIG
      && !(config = changed_copy (c, net->next ? net->next : net->def, args,
                                  src))) {
    net_def_free (live);
    return -1;
  }
  if (config) {
    net_def_free (net->active ? net->next : net->def);
    *(net->active ? &net->next : &net->def) = config;
  }
  if (live) {
    net_def_free (net->def);
    net->def = live;
  }
  return 0;
}

HANDLER_IN (network_update)
{
  struct xml_error err = { 0 };
  xmlDoc *doc = NULL;
  int result;

  if (check_flags (c, args->flags, UPDATE_LIVE | UPDATE_CONFIG,
                   "testNetworkUpdate") == -1)
    return -1;
  if (xml_parse (args->xml, VIRGATE_FROM_NETWORK, "network_update_xml", NULL,
                 NULL, &doc, &err) == -1)
    doc = NULL;
  result = update (c, args, doc ? xmlDocGetRootElement (doc) : NULL, &err);
  xmlFreeDoc (doc);
  xml_error_clear (&err);
  return result;
}
