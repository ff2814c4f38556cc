/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * acl-ip: who may connect, by address; and who may come in, by what else is
 * known of a peer once it has authenticated.
 */
#include "config.h"

#include <stdlib.h>

#include "common/mem.h"
#include "ip.h"

static int
ip_open (const struct virgate_host *host, void **inst)
{
  struct ip *ip = calloc (1, sizeof *ip);

  if (ip == NULL)
    return host->error (host, "out of memory");
  if (!VIRGATE_HOST_HAS (host, identity_get)) {
    free (ip);
    return host->error (host, "this program is too old for acl-ip");
  }
  ip->host = host;
  *inst = ip;
  return 0;
}

static void
ip_close (void *inst)
{
  ip_free (inst);
}

/* Whoever might be let in later may speak; enter judges everybody again. */
static int
ip_admit (void *inst, const struct virgate_peer *peer,
          struct virgate_acl_reason *reason)
{
  int read_only = 0;
  unsigned can = ip_judge (inst, peer, NULL, &read_only, reason);

  if (can & IP_CAN_ALLOW)
    return VIRGATE_ACL_ALLOW;
  return can & IP_CAN_PASS ? VIRGATE_ACL_PASS : VIRGATE_ACL_DENY;
}

static int
ip_enter (void *inst, const struct virgate_peer *peer,
          const struct virgate_identity *identity, int *read_only,
          struct virgate_acl_reason *reason)
{
  switch (ip_judge (inst, peer, identity, read_only, reason)) {
  case IP_CAN_ALLOW: return VIRGATE_ACL_ALLOW;
  case IP_CAN_PASS: return VIRGATE_ACL_PASS;
  default: return VIRGATE_ACL_DENY;
  }
}

static const struct virgate_acl_ops ops = {
  .admit = ip_admit,
  .enter = ip_enter,
};

VIRGATE_MODULE_EXPORT const struct virgate_module virgate_module = {
  VIRGATE_MODULE_HEAD,
  .kind = VIRGATE_KIND_ACL,
  .ops_size = sizeof ops,
  .name = "ip",
  .version = PACKAGE_VERSION,
  .summary = "lists of addresses, and rules of who may come in",
  .options = ip_options,
  .open = ip_open,
  .config = ip_config,
  .ready = ip_ready,
  .reload = ip_reload,
  .close = ip_close,
  .ops = &ops,
};
