/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Attempts to authenticate that came to nothing: one line in the log, an
 * answer that waits and tells nothing, and after a few the end.
 */
#include "config.h"

#include <stdio.h>

#include "common/mem.h"
#include "core/log.h"
#include "daemon/auth-state.h"
#include "daemon/call.h"
#include "daemon/sources.h"

static void
refused_landed (struct virgate_call *call)
{
  session_end (call->session);
}

/* The same words for a wrong user, a wrong password and a wrong message. */
static int
answer_no (struct virgate_call *call)
{
  if (call->session->reference)
    return call_service_error (call, VIRGATE_ERR_AUTH_FAILED,
                               VIRGATE_FROM_RPC, "this server refuses you; "
                               "its log says why, under reference %08x",
                               call->session->reference);
  return call_service_error (call, VIRGATE_ERR_AUTH_FAILED, VIRGATE_FROM_RPC,
                             "%s", "authentication failed");
}

int
auth_refuse_call (struct virgate_call *call)
{
  if (call->session->state < SESSION_OPEN)
    call->landed = refused_landed;
  return answer_no (call);
}

int
auth_turned_away (struct virgate_call *call)
{
  auth_fail (call->session->auth);
  call->session->reference = 0;
  return auth_refuse_call (call);
}

static void
log_attempt (struct auth *auth, const char *why)
{
  char text[LOG_LINE_MAX];

  snprintf (text, sizeof text, "%s (attempt %u)", why, auth->attempts);
  auth_log_refusal (auth->session, text);
}

/* In the order of the times; most wait equally long. */
static void
wait_for_answer (struct loop *loop, struct auth *auth)
{
  struct list *at = loop->delays.prev;

  while (at != &loop->delays
         && list_item (at, struct auth, delayed)->answer_at > auth->answer_at)
    at = at->prev;
  list_append (at->next, &auth->delayed);
  loop_wake_at (loop, auth->answer_at);
}

int
auth_attempt_failed (struct auth *auth, const char *why,
                     const struct virgate_error *told)
{
  struct session *session = auth->session;
  struct loop *loop = session->loop;
  struct virgate_call *call = auth->call;

  auth_drop_conversation (auth);
  if (source_turn_away (session))
    return auth_turned_away (call);
  auth->attempts++;
  log_attempt (auth, why);
  if (list_is_empty (&session->wait.link))
    loop_wait (loop, &session->wait, WAIT_AUTH);
  if (auth->attempts >= loop->limits.auth_attempts) {
    auth_fail (auth);
    call->landed = refused_landed;
  }
  if (told && told->code)
    call_service_record (call, told);
  else
    answer_no (call);
  auth->answer_at = auth->begun;
  if (auth->task != AUTH_POLKIT_DECIDES) /* that is no guessing */
    auth->answer_at += source_failed (session);
  if (auth->answer_at <= loop->now)
    return -1;
  wait_for_answer (loop, auth);
  return VIRGATE_LATER;
}

void
auth_drop_answer (struct auth *auth)
{
  struct virgate_call *call;

  if (list_is_empty (&auth->delayed))
    return;
  list_remove (&auth->delayed);
  call = steal_pointer (&auth->call);
  call->result = -1;
  call_answer (call);
}

void
auths_answer (struct loop *loop)
{
  while (!list_is_empty (&loop->delays)) {
    struct auth *auth = list_item (loop->delays.next, struct auth, delayed);
    struct session *session = auth->session;

    if (auth->answer_at > loop->now) {
      loop_wake_at (loop, auth->answer_at);
      return;
    }
    auth_drop_answer (auth);
    session_again (session);
  }
}
