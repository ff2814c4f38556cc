/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Asking a listener's access control lists; see access.h.  A list that fails
 * to decide means no.
 */
#include "config.h"

#include "common/mem.h"
#include "daemon/access.h"
#include "daemon/call.h"
#include "daemon/listeners.h"
#include "daemon/objects.h"
#include "daemon/server.h"
#include "daemon/session.h"

/* The verdict so far: PASS while nothing decided. */
static bool
is_yes (const struct policy *policy, int verdict)
{
  return verdict == VIRGATE_ACL_ALLOW
         || (verdict == VIRGATE_ACL_PASS && policy->acl_count == 0);
}

static void
log_no (const struct log *log, const struct listener *listener,
        const struct virgate_peer *peer, const char *what,
        const struct virgate_acl_reason *reason)
{
  char who[128];

  peer_describe (peer, who, sizeof who);
  log_write (log, VIRGATE_LOG_NOTICE, listener->title,
             "%s: %s refused%s%s", who, what, reason->text[0] ? ": " : "",
             reason->text);
}

/* Lists without the hook have no opinion; when all that are named have none,
 * the question was not theirs to decide.
 */
bool
access_admits (const struct listener *listener,
               const struct virgate_peer *peer)
{
  const struct policy *policy = listener->policy;
  struct virgate_acl_reason reason = { 0 };
  int verdict = VIRGATE_ACL_PASS;
  bool asked = false;

  for (unsigned i = 0; i < policy->acl_count && verdict == VIRGATE_ACL_PASS;
       i++) {
    const struct access_list *list = &policy->acls[i];

    if (list->ops->admit == NULL)
      continue;
    asked = true;
    verdict = list->ops->admit (list->inst, peer, &reason);
  }
  if (!asked || is_yes (policy, verdict))
    return true;
  log_no (listener->log, listener, peer, "connection", &reason);
  return false;
}

bool
access_enters (struct session *session)
{
  const struct listener *listener = session->listener;
  const struct policy *policy = listener->policy;
  struct virgate_acl_reason reason = { 0 };
  int verdict = VIRGATE_ACL_PASS, read_only = 0;
  bool asked = false;

  for (unsigned i = 0; i < policy->acl_count && verdict == VIRGATE_ACL_PASS;
       i++) {
    const struct access_list *list = &policy->acls[i];

    if (list->ops->enter == NULL)
      continue;
    asked = true;
    verdict = list->ops->enter (list->inst, &session->peer,
                                &session->identity, &read_only, &reason);
  }
  if (asked && !is_yes (policy, verdict)) {
    log_no (listener->log, listener, &session->peer, "entry", &reason);
    return false;
  }
  if (read_only)
    session->is_read_only = true;
  return true;
}

static int
ask_permit (const struct policy *policy, const struct session *session,
            struct virgate_call *call, struct virgate_acl_reason *reason,
            bool *asked)
{
  struct virgate_permission needs[PROC_PERMISSIONS_MAX];
  struct virgate_object objects[OBJECTS_MAX];
  const struct virgate_acl_call question = {
    .size = sizeof question,
    .program = call->head.program,
    .number = call->head.procedure,
    .procedure = call->row->name,
    .peer = &session->peer,
    .identity = &session->identity,
    .permissions = needs,
    .permission_count = proc_needs (call->row, call->args, needs),
    .objects = objects,
    .object_count = objects_of_call (call->row, call->args, objects),
    .is_write = proc_is_denied_read_only (call->row, call->args),
  };
  int verdict = VIRGATE_ACL_PASS;

  for (unsigned i = 0; i < policy->acl_count && verdict == VIRGATE_ACL_PASS;
       i++) {
    const struct access_list *list = &policy->acls[i];

    if (list->ops->permit == NULL)
      continue;
    *asked = true;
    verdict = list->ops->permit (list->inst, &question, reason);
  }
  return verdict;
}

bool
access_permits (struct session *session, struct virgate_call *call)
{
  const struct policy *policy = session->listener->policy;
  struct virgate_acl_reason reason = { 0 };
  bool asked = false;
  int verdict;

  if (policy->acl_count == 0
      || (call->row->flags & PROC_NO_AUTH))
    return true;
  verdict = ask_permit (policy, session, call, &reason, &asked);
  if (!asked || is_yes (policy, verdict))
    return true;
  log_no (session->listener->log, session->listener, &session->peer,
          call->row->name, &reason);
  return false;
}
