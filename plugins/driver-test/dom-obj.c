/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Domain objects: making, listing, finding them, and which of their
 * definitions a call means.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/uuid.h"
#include "plugins/driver-test/dom.h"

#define GUEST_CLOCK 627319920   /* seconds: when every guest wakes up */
#define POLL_MAX_NS 32768       /* of every new I/O thread */

struct dom *
dom_new (struct def *def)
{
  struct dom *dom = def ? calloc (1, sizeof *dom) : NULL;

  if (!dom) {
    def_unref (def);
    return NULL;
  }
  list_init (&dom->link);
  dom->id = -1;
  dom->state = DOM_SHUTOFF;
  dom->def = def;
  dom->seconds = GUEST_CLOCK;
  return dom;
}

void
dom_free (struct dom *dom)
{
  if (!dom)
    return;
  def_unref (dom->def);
  def_unref (dom->next);
  free (dom->iothreads);
  free (dom->deprecation);
  free (dom);
}

static uint64_t
hash_name (const char *name)
{
  return table_hash (name, strlen (name));
}

int
dom_list (struct world *world, struct dom *dom)
{
  if (table_reserve (&world->dom_by_uuid) == -1
      || table_reserve (&world->dom_by_name) == -1
      || table_reserve (&world->dom_by_id) == -1)
    return -1;
  table_add (&world->dom_by_uuid, &dom->by_uuid,
             table_hash (dom->def->uuid, sizeof dom->def->uuid));
  table_add (&world->dom_by_name, &dom->by_name, hash_name (dom->def->name));
  table_add (&world->dom_by_id, &dom->by_id,
             table_hash (&dom->id, sizeof dom->id));
  list_append (&world->doms, &dom->link);
  dom->listed = true;
  return 0;
}

void
dom_unlist (struct world *world, struct dom *dom)
{
  table_remove (&world->dom_by_uuid, &dom->by_uuid);
  table_remove (&world->dom_by_name, &dom->by_name);
  table_remove (&world->dom_by_id, &dom->by_id);
  list_remove (&dom->link);
  dom->listed = false;
}

static void
dom_set_id (struct world *world, struct dom *dom, int id)
{
  dom->id = id;
  if (!dom->listed)
    return;
  table_remove (&world->dom_by_id, &dom->by_id);
  table_add (&world->dom_by_id, &dom->by_id, table_hash (&id, sizeof id));
}

struct dom *
dom_by_uuid (const struct world *world, const uint8_t uuid[16])
{
  for (struct table_link *link
         = table_first (&world->dom_by_uuid, table_hash (uuid, 16));
       link; link = table_next (link)) {
    struct dom *dom = container_of (link, struct dom, by_uuid);

    if (memcmp (dom->def->uuid, uuid, 16) == 0)
      return dom;
  }
  return NULL;
}

struct dom *
dom_by_name (const struct world *world, const char *name)
{
  for (struct table_link *link
         = table_first (&world->dom_by_name, hash_name (name));
       link; link = table_next (link)) {
    struct dom *dom = container_of (link, struct dom, by_name);

    if (strcmp (dom->def->name, name) == 0)
      return dom;
  }
  return NULL;
}

struct dom *
dom_by_id (const struct world *world, int id)
{
  for (struct table_link *link
         = table_first (&world->dom_by_id, table_hash (&id, sizeof id));
       link; link = table_next (link)) {
    struct dom *dom = container_of (link, struct dom, by_id);

    if (dom->id == id && dom_active (dom))
      return dom;
  }
  return NULL;
}

struct dom *
find_dom (const struct ctx *c, const struct virgate_domain *name)
{
  struct dom *dom = dom_by_uuid (c->world, name->uuid);
  char uuid[37];

  if (!dom) {
    uuid_format (name->uuid, uuid);
    fail (c, VIRGATE_ERR_NO_DOMAIN, "no domain with matching uuid '%s' (%s)",
          uuid, name->name);
  }
  return dom;
}

struct dom *
find_active (const struct ctx *c, const struct virgate_domain *name)
{
  struct dom *dom = find_dom (c, name);

  return dom && check_active (c, dom) == 0 ? dom : NULL;
}

int
check_active (const struct ctx *c, const struct dom *dom)
{
  if (dom_active (dom))
    return 0;
  return fail_in (c, VIRGATE_FROM_DOMAIN, VIRGATE_ERR_OPERATION_INVALID,
                  "domain is not running");
}

int
fill_dom (const struct ctx *c, struct virgate_domain *out,
          const struct dom *dom)
{
  out->name = call_strdup (c, dom->def->name);
  memcpy (out->uuid, dom->def->uuid, sizeof out->uuid);
  out->id = dom->id;
  return out->name ? 0 : -1;
}

/* Settle what the flags mean for the domain as it is now. */
static int
settle_affect (const struct ctx *c, const struct dom *dom, uint32_t *flags)
{
  if ((*flags & AFFECT_BOTH) == 0)
    *flags |= dom_active (dom) ? AFFECT_LIVE : AFFECT_CONFIG;
  if (*flags & AFFECT_LIVE && check_active (c, dom) == -1)
    return -1;
  if (*flags & AFFECT_CONFIG && !dom->persistent)
    return fail_in (c, VIRGATE_FROM_DOMAIN, VIRGATE_ERR_OPERATION_INVALID,
                    "transient domains do not have any persistent config");
  return 0;
}

struct def **
dom_one_def (const struct ctx *c, struct dom *dom, uint32_t flags,
             bool *live_r)
{
  if ((flags & AFFECT_BOTH) == AFFECT_BOTH) {
    fail_arg (c, VIRGATE_FROM_DOMAIN, "virDomainObjGetOneDefState", "flags",
              "Flags 'VIR_DOMAIN_AFFECT_LIVE' and "
              "'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive");
    return NULL;
  }
  if (settle_affect (c, dom, &flags) == -1)
    return NULL;
  if (live_r)
    *live_r = flags & AFFECT_LIVE;
  if (dom_active (dom) && flags & AFFECT_CONFIG && dom->next)
    return &dom->next;
  return &dom->def;
}

struct def **
find_one_def (const struct ctx *c, const struct virgate_domain *name,
              uint32_t flags)
{
  struct dom *dom = find_dom (c, name);

  return dom ? dom_one_def (c, dom, flags, NULL) : NULL;
}

int
dom_both_defs (const struct ctx *c, struct dom *dom, uint32_t flags,
               struct def ***live, struct def ***config)
{
  *live = *config = NULL;
  if (settle_affect (c, dom, &flags) == -1)
    return -1;
  if (!dom_active (dom)) {
    *config = &dom->def;
    return 0;
  }
  if (flags & AFFECT_LIVE)
    *live = &dom->def;
  if (flags & AFFECT_CONFIG && dom->next)
    *config = &dom->next;
  return 0;
}

/* Put the definition where it belongs in a domain that exists. */
static void
dom_take_def (struct dom *dom, struct def *def, bool live, bool *old_r)
{
  *old_r = false;
  if (dom_active (dom)) {
    *old_r = dom->next != NULL;
    def_unref (dom->next);
    dom->next = def;
    return;
  }
  if (live && !dom->next) {
    dom->next = dom->def;
  } else {
    *old_r = !live;
    def_unref (dom->def);
  }
  dom->def = def;
}

/* The domain with this UUID, if the definition may go there. */
static struct dom *
assign_check (const struct ctx *c, const struct def *def, bool live,
              bool *refused)
{
  struct dom *dom = dom_by_uuid (c->world, def->uuid);
  char uuid[37];

  *refused = true;
  if (dom && strcmp (dom->def->name, def->name) != 0) {
    uuid_format (dom->def->uuid, uuid);
    fail_in (c, VIRGATE_FROM_DOMAIN, VIRGATE_ERR_OPERATION_FAILED,
             "domain '%s' is already defined with uuid %s", dom->def->name,
             uuid);
  } else if (dom && live && dom_active (dom)) {
    fail_in (c, VIRGATE_FROM_DOMAIN, VIRGATE_ERR_OPERATION_INVALID,
             "domain '%s' is already active", dom->def->name);
  } else if (dom && live && !dom->persistent) {
    fail_in (c, VIRGATE_FROM_DOMAIN, VIRGATE_ERR_OPERATION_INVALID,
             "domain '%s' is already being started", dom->def->name);
  } else if (!dom && (dom = dom_by_name (c->world, def->name))) {
    uuid_format (dom->def->uuid, uuid);
    fail_in (c, VIRGATE_FROM_DOMAIN, VIRGATE_ERR_OPERATION_FAILED,
             "domain '%s' already exists with uuid %s", def->name, uuid);
  } else {
    *refused = false;
  }
  return dom;
}

struct dom *
dom_assign (const struct ctx *c, struct def *def, bool live, bool *old_r)
{
  bool refused;
  struct dom *dom = assign_check (c, def, live, &refused);

  *old_r = false;
  if (refused) {
    def_unref (def);
    return NULL;
  }
  if (dom) {
    dom_take_def (dom, def, live, old_r);
    return dom;
  }
  dom = dom_new (def);
  if (!dom || dom_list (c->world, dom) == -1) {
    dom_free (dom);
    fail_memory (c);
    return NULL;
  }
  return dom;
}

int
dom_start (struct world *world, struct dom *dom, int reason)
{
  struct def *config = NULL;
  struct def *live;

  if (dom->persistent && !dom->next)
    config = def_ref (dom->def);
  live = def_edit (&dom->def);
  if (!live || domain_def_set_id (live->body, world->next_id) == -1) {
    def_unref (config);
    return -1;
  }
  def_changed (live);
  if (config)
    dom->next = config;
  dom_set_id (world, dom, world->next_id++);
  dom->state = DOM_RUNNING;
  dom->reason = reason;
  dom->managed_save = false;
  return 0;
}

void
dom_stop (struct world *world, struct dom *dom, int reason)
{
  /* A transient domain keeps its number for the event that is its last. */
  if (dom->next) {
    def_unref (dom->def);
    dom->def = steal_pointer (&dom->next);
    dom_set_id (world, dom, -1);
  }
  dom->state = DOM_SHUTOFF;
  dom->reason = reason;
}

int
dom_make_iothreads (struct dom *dom)
{
  const struct xml_node *first = domain_def_iothreads (dom->def->body);
  size_t n = 0;

  for (const struct xml_node *id = first; id; id = xml_next (id))
    n++;
  if (!n)
    return 0;
  dom->iothreads = calloc (n, sizeof *dom->iothreads);
  if (!dom->iothreads)
    return -1;
  for (const struct xml_node *id = first; id; id = xml_next (id))
    dom->iothreads[dom->iothread_count++] = (struct iothread) {
      .id = (uint32_t) xml_number (xml_attr (id, "id"), 0),
      .poll_max_ns = POLL_MAX_NS
    };
  return 0;
}
