/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Asking a listener's access control lists; see access.h.  A list that fails
 * to decide means no.
 */
#include "config.h"

#include <stdio.h>

#include "common/mem.h"
#include "core/instance.h"
#include "daemon/access.h"
#include "daemon/call.h"
#include "daemon/grants.h"
#include "daemon/listeners.h"
#include "daemon/made.h"
#include "daemon/objects.h"
#include "daemon/record.h"
#include "daemon/server.h"
#include "daemon/session.h"
#include "daemon/sources.h"
#include "daemon/standing.h"
#include "daemon/true-names.h"

/* Of connections that were judged; see peer_serial in host.h. */
static _Atomic uint64_t serials;

/* A question on its way through the lists. */
struct question {
  struct access_answer *answer;
  const struct access_list *list; /* that is being asked */
  struct virgate_acl_reason said; /* by that list */
};

/* Lists without the hook have no opinion; when all that are named have none,
 * the question was not theirs to decide.
 */
static void
begin (struct question *question, struct access_answer *answer)
{
  answer->is_yes = true;
  answer->is_asked = false;
  answer->read_only = 0;
  answer->list = NULL;
  answer->reason.line = 0;
  answer->reason.file = NULL;
  answer->reason.text[0] = '\0';
  question->answer = answer;
}

static void
ask (struct question *question, const struct access_list *list)
{
  question->list = list;
  question->said.line = 0;
  question->said.file = NULL;
  question->said.text[0] = '\0';
  host_error_forget ();
  if (!question->answer->is_asked)
    question->answer->is_yes = false;
  question->answer->is_asked = true;
}

/* Take a verdict into account.  Returns false when it is final. */
static bool
goes_on (struct question *question, int verdict)
{
  struct access_answer *answer = question->answer;

  if (verdict == VIRGATE_ACL_PASS
      || (verdict == VIRGATE_ACL_ALLOW && answer->is_yes))
    return true;
  answer->is_yes = verdict == VIRGATE_ACL_ALLOW;
  answer->list = question->list->name;
  answer->reason = question->said;
  if (verdict == VIRGATE_ACL_ERROR && answer->reason.text[0] == '\0')
    snprintf (answer->reason.text, sizeof answer->reason.text, "%s",
              host_error_said () ?: "it failed to decide");
  return answer->is_yes;
}

void
access_ask_admit (const struct policy *policy,
                  const struct virgate_peer *peer,
                  struct access_answer *answer)
{
  struct question question;

  begin (&question, answer);
  for (unsigned i = 0; i < policy->acl_count; i++) {
    const struct access_list *list = &policy->acls[i];

    if (list->ops->admit == NULL)
      continue;
    ask (&question, list);
    if (!goes_on (&question, list->ops->admit (list->inst, peer,
                                               &question.said)))
      return;
  }
}

void
access_ask_enter (const struct policy *policy,
                  const struct virgate_peer *peer,
                  const struct virgate_identity *identity,
                  struct access_answer *answer)
{
  struct question question;
  struct virgate_fact fact;

  begin (&question, answer);
  answer->read_only = peer_get (peer, VIRGATE_FACT_READ_ONLY, 0, &fact);
  for (unsigned i = 0; i < policy->acl_count; i++) {
    const struct access_list *list = &policy->acls[i];
    int read_only = 0, verdict;

    if (list->ops->enter == NULL)
      continue;
    ask (&question, list);
    verdict = list->ops->enter (list->inst, peer, identity, &read_only,
                                &question.said);
    answer->read_only |= read_only != 0;
    if (!goes_on (&question, verdict))
      return;
  }
}

void
access_ask_permit (const struct policy *policy,
                   const struct virgate_acl_call *call,
                   struct access_answer *answer)
{
  struct question question;

  begin (&question, answer);
  for (unsigned i = 0; i < policy->acl_count; i++) {
    const struct access_list *list = &policy->acls[i];

    if (list->ops->permit == NULL)
      continue;
    ask (&question, list);
    if (!goes_on (&question, list->ops->permit (list->inst, call,
                                                &question.said)))
      return;
  }
}

void
access_describe (const struct access_answer *answer, char *text, size_t size)
{
  const struct virgate_acl_reason *reason = &answer->reason;

  if (answer->list == NULL)
    snprintf (text, size, "%s", answer->is_asked
              ? "no access list has a rule for it" : "no access list");
  else if (reason->file && reason->line)
    snprintf (text, size, "%s (%s:%u, [acl %s])", reason->text, reason->file,
              reason->line, answer->list);
  else if (reason->line)
    snprintf (text, size, "%s (line %u, [acl %s])", reason->text,
              reason->line, answer->list);
  else
    snprintf (text, size, "%s%s[acl %s]%s", reason->text,
              reason->text[0] ? " (" : "", answer->list,
              reason->text[0] ? ")" : "");
}

static void
refuse (struct session *session, const char *what, enum tally_refusal refusal,
        const struct access_answer *answer)
{
  char why[ACCESS_TEXT_MAX], text[ACCESS_TEXT_MAX + 32];

  access_describe (answer, why, sizeof why);
  snprintf (text, sizeof text, "%s refused: %s", what, why);
  source_log_refusal (session, text);
  record_refusal (session, refusal, why);
}

bool
access_admits (struct session *session)
{
  struct access_answer answer;

  access_ask_admit (session->listener->policy, &session->peer, &answer);
  if (!answer.is_yes)
    refuse (session, "connection", TALLY_ACL_ADDRESS, &answer);
  return answer.is_yes;
}

/* The config may have been read again since the session began. */
bool
access_enters (struct session *session, const struct policy *begun)
{
  const struct policy *now = session->listener->policy;
  bool is_read_only = now->is_read_only || begun->is_read_only;
  struct access_answer answer;

  access_ask_enter (now, &session->peer, &session->identity, &answer);
  is_read_only |= answer.read_only;
  if (answer.is_yes && begun != now)
    access_ask_enter (begun, &session->peer, &session->identity, &answer);
  session->is_barred = !answer.is_yes;
  if (!answer.is_yes)
    refuse (session, "entry", TALLY_ACL_IDENTITY, &answer);
  else if (is_read_only || answer.read_only)
    session->is_read_only = true;
  /* From here on who it is stays as it is. */
  session->peer.serial = atomic_fetch_add (&serials, 1) + 1;
  return answer.is_yes;
}

bool
access_judges_calls (const struct session *session)
{
  const struct policy *policy = session->listener->policy;

  for (unsigned i = 0; i < policy->acl_count; i++)
    if (policy->acls[i].ops->permit)
      return true;
  return false;
}

bool
access_judges (struct session *session, const struct proc_row *row,
               const char *payload, size_t len)
{
  const uint8_t *only;

  if (!access_judges_calls (session)
      || standing_permits (session, row, NULL))
    return false;
  only = objects_only_uuid_in (row, payload, len);
  return only == NULL || !standing_knows (session, row, only);
}

bool
access_sees (const struct session *session,
             const struct virgate_permission *permission,
             const struct virgate_object *object)
{
  const struct policy *policy = session->listener->policy;
  bool is_asked = false, is_yes = false;

  for (unsigned i = 0; i < policy->acl_count; i++) {
    const struct access_list *list = &policy->acls[i];
    int verdict;

    if (list->ops->visible == NULL)
      continue;
    is_asked = true;
    verdict = list->ops->visible (list->inst, &session->peer,
                                  &session->identity, permission, object);
    if (verdict != VIRGATE_ACL_PASS && verdict != VIRGATE_ACL_ALLOW)
      return false;
    is_yes |= verdict == VIRGATE_ACL_ALLOW;
  }
  return is_yes || !is_asked;
}

/* What an object is looked up about is judged once it is known which one it
 * is, if all lists can.
 */
static bool
is_judged_later (const struct policy *policy, const struct proc_row *row)
{
  if (!objects_is_lookup (row))
    return false;
  for (unsigned i = 0; i < policy->acl_count; i++)
    if (policy->acls[i].ops->permit && policy->acls[i].ops->visible == NULL)
      return false;
  return true;
}

/* Whoever identifies objects by uuid does not care what name stands next to
 * it: put the true one there, or none.  Where that is not certain, a name that
 * is not the true one may be about another object, and so about any.
 */
static enum access_result
name_truly (struct virgate_call *call, struct virgate_object *objects,
            uint32_t count, struct names_when *when)
{
  for (uint32_t i = 0; i < count; i++) {
    struct virgate_object *object = &objects[i];
    const char *given = object->name;
    bool is_both = given && objects_go_by_both (object->kind);
    int by_name;

    if (object->uuid == NULL)
      continue;
    by_name = standing_by_name (call->session, object->kind);
    if (by_name == -1)
      continue;
    object->name = NULL;
    if ((by_name || is_both)
        && true_name (call, object->kind, object->uuid, &object->name, when)
           == ACCESS_WAIT)
      return ACCESS_WAIT;
    if (is_both && (object->name == NULL || strcmp (object->name, given) != 0))
      *object = (struct virgate_object) { .kind = object->kind };
  }
  return ACCESS_YES;
}

bool
access_still_permits (struct session *session,
                      const struct virgate_acl_call *question)
{
  struct access_answer answer;
  char why[ACCESS_TEXT_MAX];

  access_ask_permit (session->listener->policy, question, &answer);
  if (!answer.is_yes && source_may_log_denial (session)) {
    access_describe (&answer, why, sizeof why);
    session_log (session, VIRGATE_LOG_NOTICE, "%s refused: %s",
                 question->procedure, why);
  }
  return answer.is_yes;
}

/* A call was permitted: so it will be again, as long as it is known to be about
 * the same object.  Without by_name, the name is the client's.
 */
static void
note (struct session *session, const struct proc_row *row,
      const uint8_t uuid[16], const struct virgate_object *object,
      struct names_when when)
{
  int by_name = standing_by_name (session, object->kind);

  if (by_name == 0 || (by_name == 1 && object->name))
    standing_note (session, row, uuid, when);
}

enum access_result
access_permits (struct session *session, struct virgate_call *call)
{
  const struct policy *policy = session->listener->policy;
  struct virgate_permission needs[PROC_PERMISSIONS_MAX];
  struct virgate_object objects[OBJECTS_MAX];
  struct virgate_acl_call question;
  struct names_when when;
  const uint8_t *only;
  uint32_t count;

  if (policy->acl_count == 0 || (call->row->flags & PROC_NO_AUTH)
      || standing_permits (session, call->row, call->args)
      || is_judged_later (policy, call->row))
    return ACCESS_YES;
  only = objects_only_uuid (call->row, call->args);
  if (only && standing_knows (session, call->row, only))
    return ACCESS_YES;
  when = names_now (session);
  count = objects_of_call (call->row, call->args, objects);
  if (name_truly (call, objects, count, &when) == ACCESS_WAIT
      || made_by_call (call, objects, &count) == ACCESS_WAIT)
    return ACCESS_WAIT;
  question = (struct virgate_acl_call) {
    .size = sizeof question,
    .program = call->head.program,
    .number = call->head.procedure,
    .procedure = call->row->name,
    .peer = &session->peer,
    .identity = &session->identity,
    .permissions = needs,
    .permission_count = proc_needs (call->row, call->args, needs),
    .objects = objects,
    .object_count = count,
    .is_write = proc_is_denied_read_only (call->row, call->args),
  };
  if (!access_still_permits (session, &question))
    return ACCESS_NO;
  if (only && count == 1)
    note (session, call->row, only, &objects[0], when);
  if ((call->row->flags & PROC_STREAM) && grants_keep (call, &question) == -1)
    return ACCESS_NO;
  return ACCESS_YES;
}
