/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * list: the domains of a host, active ones first, in virsh's order.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "rows.h"

/* VIR_CONNECT_LIST_DOMAINS_* */
#define LIST_ACTIVE 1
#define LIST_INACTIVE 2

#define STATE_SHUTOFF 5

static int
domain_order (const void *a, const void *b)
{
  const struct virgate_domain *one = a, *other = b;

  if (one->id < 0 && other->id < 0)
    return strcasecmp (one->name, other->name);
  if (one->id < 0 || other->id < 0)
    return one->id < 0 ? 1 : -1;
  return (one->id > other->id) - (one->id < other->id);
}

static void
put_id (struct cmd *cmd, const struct virgate_domain *dom)
{
  if (dom->id < 0)
    put_str (cmd->out, NULL, NULL, NULL);
  else
    put_num (cmd->out, NULL, NULL, dom->id, NULL);
}

/* Whether "saved" stands for "shut off"; 0 when the server cannot tell. */
static bool
has_managed_save (struct cmd *cmd, const struct virgate_domain *dom)
{
  struct virgate_remote_domain_has_managed_save_image_args args = {
    .dom = *dom
  };
  struct virgate_remote_domain_has_managed_save_image_ret *ret = NULL;

  if (CALL (cmd, domain_has_managed_save_image, &args, &ret) < 0) {
    cmd_forgive (cmd);
    return false;
  }
  return ret->result != 0;
}

/* States that were asked for and are on their way. */
struct list_states {
  struct host *host;
  uint32_t pending;
};

struct list_slot {
  int32_t state;                /* -1: not known */
  struct list_states *all;
};

static void
list_state_came (void *opaque, void *ret, const struct virgate_error *error)
{
  struct list_slot *slot = opaque;
  struct virgate_remote_domain_get_state_ret *state = ret;

  if (state)
    slot->state = state->state;
  else if (error->code != VIRGATE_ERR_NO_DOMAIN) /* not just gone meanwhile */
    host_failed (slot->all->host, error, STATUS_FAILED);
  slot->all->pending--;
  virgate_free (ret);
}

/* Ask for all states at once, so that the way to the server and back is
 * waited for once and not for each domain.
 */
static int
list_states (struct cmd *cmd, const struct virgate_domain *doms,
             uint32_t count, struct list_slot *slots)
{
  struct virgate_conn *conn = cmd_conn (cmd);
  struct list_states all = { cmd->host, 0 };

  for (uint32_t i = 0; i < count; i++) {
    struct virgate_remote_domain_get_state_args args = { .dom = doms[i] };

    slots[i] = (struct list_slot) { -1, &all };
    all.pending++;
    if (virgate_call_async (conn, VIRGATE_REMOTE_PROGRAM,
                            REMOTE (DOMAIN_GET_STATE), &args,
                            cmd_left_ms (cmd), list_state_came,
                            &slots[i]) < 0) {
      all.pending--;
      cmd_result (cmd, -1, NULL);
    }
  }
  while (all.pending > 0 && virgate_conn_wait (conn, -1) == 0)
    ;
  if (all.pending > 0)
    return cmd_lost (cmd);
  return cmd->host->failure ? -1 : 0;
}

static const char *
list_state (struct cmd *cmd, const struct virgate_domain *dom, int32_t state)
{
  if (state == STATE_SHUTOFF && opt_bool (cmd, "managed-save")
      && has_managed_save (cmd, dom))
    return "saved";
  return domain_state_name (state);
}

static const char *
list_title (struct cmd *cmd, const struct virgate_domain *dom)
{
  struct virgate_remote_domain_get_metadata_args args = {
    .dom = *dom, .type = 1 /* VIR_DOMAIN_METADATA_TITLE */
  };
  struct virgate_remote_domain_get_metadata_ret *ret = NULL;

  if (CALL (cmd, domain_get_metadata, &args, &ret) < 0) {
    cmd_forgive (cmd);
    return "";
  }
  return ret->metadata;
}

static int
list_table (struct cmd *cmd, const struct virgate_domain *doms, uint32_t count)
{
  static const struct column columns[] = {
    { "id", "Id" }, { "name", "Name" }, { "state", "State" },
    { "title", "Title" }
  };
  CLEANUP_FREE struct list_slot *slots = must_alloc (NULL, count,
                                                     sizeof *slots);
  bool has_title = opt_bool (cmd, "title");

  if (list_states (cmd, doms, count, slots) < 0)
    return -1;
  result_table (cmd->out, columns, has_title ? 4 : 3);
  for (uint32_t i = 0; i < count; i++) {
    put_id (cmd, &doms[i]);
    put_str (cmd->out, NULL, NULL, doms[i].name);
    put_str (cmd->out, NULL, NULL, list_state (cmd, &doms[i], slots[i].state));
    if (has_title)
      put_str (cmd->out, NULL, NULL, list_title (cmd, &doms[i]));
  }
  return 0;
}

/* --uuid, --name and --id: bare values, one domain to a line. */
static void
list_bare (struct cmd *cmd, const struct virgate_domain *doms, uint32_t count)
{
  static const struct column columns[][3] = {
    { { "uuid" }, { "name" }, { "id" } }, { { "uuid" }, { "id" } },
    { { "name" }, { "id" } }, { { "uuid" }, { "name" } },
    { { "uuid" } }, { { "name" } }, { { "id" } }
  };
  bool uuid = opt_bool (cmd, "uuid"), name = opt_bool (cmd, "name");
  bool id = opt_bool (cmd, "id");
  int which = uuid && name && id ? 0 : uuid && id ? 1 : name && id ? 2
              : uuid && name ? 3 : uuid ? 4 : name ? 5 : 6;

  result_table (cmd->out, columns[which], uuid + name + id);
  for (uint32_t i = 0; i < count; i++) {
    if (uuid)
      put_uuid (cmd->out, NULL, NULL, doms[i].uuid);
    if (name)
      put_str (cmd->out, NULL, NULL, doms[i].name);
    if (id)
      put_id (cmd, &doms[i]);
  }
}

int
run_domain_list (struct cmd *cmd)
{
  struct virgate_remote_connect_list_all_domains_args args = {
    .need_results = 1, .flags = opt_bits (cmd)
  };
  struct virgate_remote_connect_list_all_domains_ret *ret = NULL;

  if (opt_bool (cmd, "all"))
    args.flags |= LIST_ACTIVE | LIST_INACTIVE;
  else
    args.flags |= opt_bool (cmd, "inactive") ? LIST_INACTIVE : LIST_ACTIVE;
  if (CALL (cmd, connect_list_all_domains, &args, &ret) < 0)
    return cmd_context (cmd, "Failed to list domains");
  sort (ret->domains.val, ret->domains.len, sizeof *ret->domains.val,
        domain_order);
  if (opt_bool (cmd, "uuid") || opt_bool (cmd, "name") || opt_bool (cmd, "id"))
    list_bare (cmd, ret->domains.val, ret->domains.len);
  else
    return list_table (cmd, ret->domains.val, ret->domains.len);
  return 0;
}
