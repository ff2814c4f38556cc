/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Lists of a world's networks.
 */
#include "config.h"

#include "plugins/driver-test/net.h"

enum list_flags {               /* virConnectListAllNetworksFlags */
  LIST_INACTIVE = 1 << 0,
  LIST_ACTIVE = 1 << 1,
  LIST_PERSISTENT = 1 << 2,
  LIST_TRANSIENT = 1 << 3,
  LIST_AUTOSTART = 1 << 4,
  LIST_NO_AUTOSTART = 1 << 5,
  LIST_ALL = (1 << 6) - 1,
};

static bool
matches (const struct net *net, uint32_t wanted)
{
  static const uint32_t groups[] = {
    LIST_ACTIVE | LIST_INACTIVE, LIST_PERSISTENT | LIST_TRANSIENT,
    LIST_AUTOSTART | LIST_NO_AUTOSTART
  };
  uint32_t is = (net->active ? LIST_ACTIVE : LIST_INACTIVE)
                | (net->persistent ? LIST_PERSISTENT : LIST_TRANSIENT)
                | (net->autostart ? LIST_AUTOSTART : LIST_NO_AUTOSTART);

  for (size_t i = 0; i < COUNT_OF (groups); i++)
    if (wanted & groups[i] && !(wanted & groups[i] & is))
      return false;
  return true;
}

static uint32_t
count_nets (const struct world *world, uint32_t wanted)
{
  uint32_t count = 0;

  list_for_each (link, &world->nets)
    count += matches (list_item (link, struct net, link), wanted);
  return count;
}

HANDLER (connect_list_all_networks)
{
  uint32_t count;

  if (check_flags (c, args->flags, LIST_ALL, "testConnectListAllNetworks")
      == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  count = count_nets (c->world, args->flags);
  if (count > VIRGATE_REMOTE_NETWORK_LIST_MAX)
    return fail_in (c, VIRGATE_FROM_RPC, VIRGATE_ERR_INTERNAL_ERROR,
                    "Too many networks '%d' for limit '%d'", (int) count,
                    VIRGATE_REMOTE_NETWORK_LIST_MAX);
  ret->ret = count;
  if (!args->need_results)
    return 0;
  ret->nets.val = call_array (c, count, sizeof *ret->nets.val);
  if (!ret->nets.val)
    return -1;
  list_for_each (link, &c->world->nets) {
    const struct net *net = list_item (link, struct net, link);

    if (matches (net, args->flags)
        && net_fill (c, &ret->nets.val[ret->nets.len++], net) == -1)
      return -1;
  }
  return 0;
}

HANDLER_OUT (connect_num_of_networks)
{
  LOCK_FOR_SCOPE (&c->world->lock);
  ret->num = (int32_t) count_nets (c->world, LIST_ACTIVE);
  return 0;
}

HANDLER_OUT (connect_num_of_defined_networks)
{
  LOCK_FOR_SCOPE (&c->world->lock);
  ret->num = (int32_t) count_nets (c->world, LIST_INACTIVE);
  return 0;
}

/* The names of those that match, at most max; NULL after the refusal. */
static const char **
list_names (const struct ctx *c, int32_t max, uint32_t wanted, uint32_t *len)
{
  const char **names;

  if (max < 0 || max > VIRGATE_REMOTE_NETWORK_LIST_MAX) {
    fail_in (c, VIRGATE_FROM_RPC, VIRGATE_ERR_RPC, "maxnames %s",
             max < 0 ? "must be non-negative" : "> REMOTE_NETWORK_LIST_MAX");
    return NULL;
  }
  names = call_array (c, (size_t) max, sizeof *names);
  if (!names)
    return NULL;
  LOCK_FOR_SCOPE (&c->world->lock);
  list_for_each (link, &c->world->nets) {
    const struct net *net = list_item (link, struct net, link);

    if (*len >= (uint32_t) max || !matches (net, wanted))
      continue;
    names[*len] = call_strdup (c, net->def->name);
    if (!names[(*len)++])
      return NULL;
  }
  return names;
}

HANDLER (connect_list_networks)
{
  ret->names.val = list_names (c, args->maxnames, LIST_ACTIVE,
                               &ret->names.len);
  return ret->names.val ? 0 : -1;
}

HANDLER (connect_list_defined_networks)
{
  ret->names.val = list_names (c, args->maxnames, LIST_INACTIVE,
                               &ret->names.len);
  return ret->names.val ? 0 : -1;
}
