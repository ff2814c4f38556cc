/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which domains there are, and finding one.
 */
#include "config.h"

#include "plugins/driver-test/dom.h"

/* virConnectListAllDomainsFlags, in groups of opposites. */
enum list_flags {
  LIST_ACTIVE = 1 << 0,
  LIST_INACTIVE = 1 << 1,
  LIST_PERSISTENT = 1 << 2,
  LIST_TRANSIENT = 1 << 3,
  LIST_RUNNING = 1 << 4,
  LIST_PAUSED = 1 << 5,
  LIST_SHUTOFF = 1 << 6,
  LIST_OTHER = 1 << 7,
  LIST_MANAGEDSAVE = 1 << 8,
  LIST_NO_MANAGEDSAVE = 1 << 9,
  LIST_AUTOSTART = 1 << 10,
  LIST_NO_AUTOSTART = 1 << 11,
  LIST_HAS_SNAPSHOT = 1 << 12,
  LIST_NO_SNAPSHOT = 1 << 13,
  LIST_HAS_CHECKPOINT = 1 << 14,
  LIST_NO_CHECKPOINT = 1 << 15,
  LIST_ALL = (1 << 16) - 1,
};

static const uint32_t list_groups[] = {
  LIST_ACTIVE | LIST_INACTIVE,
  LIST_PERSISTENT | LIST_TRANSIENT,
  LIST_RUNNING | LIST_PAUSED | LIST_SHUTOFF | LIST_OTHER,
  LIST_MANAGEDSAVE | LIST_NO_MANAGEDSAVE,
  LIST_AUTOSTART | LIST_NO_AUTOSTART,
  LIST_HAS_SNAPSHOT | LIST_NO_SNAPSHOT,
  LIST_HAS_CHECKPOINT | LIST_NO_CHECKPOINT,
};

static uint32_t
state_flag (const struct dom *dom)
{
  switch (dom->state) {
  case DOM_RUNNING: return LIST_RUNNING;
  case DOM_PAUSED: return LIST_PAUSED;
  case DOM_SHUTOFF: return LIST_SHUTOFF;
  default: return LIST_OTHER;
  }
}

/* What the domain is, one flag out of each group. */
static uint32_t
dom_flags (const struct dom *dom)
{
  return (dom_active (dom) ? LIST_ACTIVE : LIST_INACTIVE)
         | (dom->persistent ? LIST_PERSISTENT : LIST_TRANSIENT)
         | state_flag (dom)
         | (dom->managed_save ? LIST_MANAGEDSAVE : LIST_NO_MANAGEDSAVE)
         | (dom->autostart ? LIST_AUTOSTART : LIST_NO_AUTOSTART)
         | LIST_NO_SNAPSHOT | LIST_NO_CHECKPOINT;
}

bool
dom_matches (const struct dom *dom, uint32_t wanted)
{
  uint32_t is = dom_flags (dom);

  for (size_t i = 0; i < COUNT_OF (list_groups); i++)
    if (wanted & list_groups[i] && !(wanted & list_groups[i] & is))
      return false;
  return true;
}

static uint32_t
count_doms (const struct world *world, uint32_t wanted)
{
  uint32_t count = 0;

  list_for_each (link, &world->doms)
    count += dom_matches (list_item (link, struct dom, link), wanted);
  return count;
}

HANDLER (connect_list_all_domains)
{
  uint32_t count;

  if (check_flags (c, args->flags, LIST_ALL, "testConnectListAllDomains")
      == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  count = count_doms (c->world, args->flags);
  if (count > VIRGATE_REMOTE_DOMAIN_LIST_MAX)
    return fail_in (c, VIRGATE_FROM_RPC, VIRGATE_ERR_INTERNAL_ERROR,
                    "Too many domains '%d' for limit '%d'", (int) count,
                    VIRGATE_REMOTE_DOMAIN_LIST_MAX);
  ret->ret = count;
  if (!args->need_results || !count)
    return 0;
  ret->domains.val = call_array (c, count, sizeof *ret->domains.val);
  if (!ret->domains.val)
    return -1;
  list_for_each (link, &c->world->doms) {
    const struct dom *dom = list_item (link, struct dom, link);

    if (dom_matches (dom, args->flags)
        && fill_dom (c, &ret->domains.val[ret->domains.len++], dom) == -1)
      return -1;
  }
  return 0;
}

HANDLER_OUT (connect_num_of_domains)
{
  LOCK_FOR_SCOPE (&c->world->lock);
  ret->num = (int32_t) count_doms (c->world, LIST_ACTIVE);
  return 0;
}

HANDLER_OUT (connect_num_of_defined_domains)
{
  LOCK_FOR_SCOPE (&c->world->lock);
  ret->num = (int32_t) count_doms (c->world, LIST_INACTIVE);
  return 0;
}

/* The limits that the old lists have. */
static int
check_list (const struct ctx *c, const char *argument, int32_t max)
{
  if (max < 0)
    return fail_in (c, VIRGATE_FROM_RPC, VIRGATE_ERR_RPC,
                    "%s must be non-negative", argument);
  if (max > VIRGATE_REMOTE_DOMAIN_LIST_MAX)
    return fail_in (c, VIRGATE_FROM_RPC, VIRGATE_ERR_RPC,
                    "%s > REMOTE_DOMAIN_LIST_MAX", argument);
  return 0;
}

HANDLER (connect_list_domains)
{
  if (check_list (c, "maxids", args->maxids) == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  ret->ids.val = call_array (c, (size_t) args->maxids, sizeof *ret->ids.val);
  if (!ret->ids.val)
    return -1;
  list_for_each (link, &c->world->doms) {
    const struct dom *dom = list_item (link, struct dom, link);

    if (dom_active (dom) && ret->ids.len < (uint32_t) args->maxids)
      ret->ids.val[ret->ids.len++] = dom->id;
  }
  return 0;
}

HANDLER (connect_list_defined_domains)
{
  if (check_list (c, "maxnames", args->maxnames) == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  ret->names.val = call_array (c, (size_t) args->maxnames,
                               sizeof *ret->names.val);
  if (!ret->names.val)
    return -1;
  list_for_each (link, &c->world->doms) {
    const struct dom *dom = list_item (link, struct dom, link);

    if (dom_active (dom) || ret->names.len >= (uint32_t) args->maxnames)
      continue;
    ret->names.val[ret->names.len] = call_strdup (c, dom->def->name);
    if (!ret->names.val[ret->names.len++])
      return -1;
  }
  return 0;
}

static int
found (const struct ctx *c, const struct dom *dom,
       struct virgate_domain *out)
{
  if (!dom)
    return fail_none (c, VIRGATE_FROM_TEST, VIRGATE_ERR_NO_DOMAIN);
  return fill_dom (c, out, dom);
}

HANDLER (domain_lookup_by_id)
{
  if (check_nonnegative (c, VIRGATE_FROM_DOMAIN, "virDomainLookupByID", "id",
                         args->id) == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  return found (c, dom_by_id (c->world, args->id), &ret->dom);
}

HANDLER (domain_lookup_by_name)
{
  LOCK_FOR_SCOPE (&c->world->lock);
  return found (c, dom_by_name (c->world, args->name), &ret->dom);
}

HANDLER (domain_lookup_by_uuid)
{
  LOCK_FOR_SCOPE (&c->world->lock);
  return found (c, dom_by_uuid (c->world, args->uuid), &ret->dom);
}
