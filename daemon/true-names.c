/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Finding true names; see true-names.h.
 */
#include "config.h"

#include <string.h>

#include <virgate/remote.h>

#include "common/mem.h"
#include "daemon/call.h"
#include "daemon/gateway-hide.h"
#include "daemon/known-names.h"
#include "daemon/objects.h"
#include "daemon/session.h"
#include "daemon/true-names.h"

/* The procedures that tell; all take a uuid and return the object. */
static const struct {
  const char *kind;
  int32_t procedure;
} tellers[] = {
  { "domain", VIRGATE_REMOTE_PROC_DOMAIN_LOOKUP_BY_UUID },
  { "network", VIRGATE_REMOTE_PROC_NETWORK_LOOKUP_BY_UUID },
  { "storage_pool", VIRGATE_REMOTE_PROC_STORAGE_POOL_LOOKUP_BY_UUID },
  { "nwfilter", VIRGATE_REMOTE_PROC_NWFILTER_LOOKUP_BY_UUID },
  { "secret", VIRGATE_REMOTE_PROC_SECRET_LOOKUP_BY_UUID },
};

static const struct proc_row *
teller_of (const char *kind)
{
  for (size_t i = 0; i < COUNT_OF (tellers); i++)
    if (strcmp (tellers[i].kind, kind) == 0)
      return proc_find (VIRGATE_REMOTE_PROGRAM, tellers[i].procedure);
  return NULL;
}

/* Ask the daemon's own driver. */
static void
ask_driver (struct virgate_call *call, const struct proc_row *row,
            const uint8_t uuid[16], const char **name,
            struct names_when *when)
{
  const struct names_when now = names_now (call->session);
  struct virgate_object object;
  void *args = arena_alloc (&call->arena, row->args->size), *ret;

  if (args == NULL)
    return;
  memcpy (args, uuid, 16);
  if (call_nested (call, row, args, &ret) == 0
      && objects_find (row->ret, ret, &object) && object.uuid
      && memcmp (object.uuid, uuid, 16) == 0 && object.name) {
    *name = object.name;
    *when = now;
    names_remember (call->session, row, uuid, object.name, now);
  }
}

enum access_result
true_name (struct virgate_call *call, const char *kind,
           const uint8_t uuid[16], const char **name, struct names_when *when)
{
  const struct proc_row *row = teller_of (kind);
  struct session *session = call->session;

  const char *known;

  if (row == NULL || session->driver == NULL)
    return ACCESS_YES;
  if (!proc_is_denied_read_only (call->row, call->args)
      && (known = names_known (session, row, uuid, when))) {
    *name = arena_strndup (&call->arena, known, strlen (known));
    return ACCESS_YES;
  }
  if (session->gateway)
    return gateway_name (call, row, uuid, name, when);
  ask_driver (call, row, uuid, name, when);
  return ACCESS_YES;
}
