/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From the handshake to an identity: what is done on which thread, and what
 * follows.  Methods are asked in auth-chains.c; the procedures are in
 * auth-calls.c; what follows a failure is in auth-attempts.c.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemon/access.h"
#include "daemon/auth-state.h"
#include "daemon/call.h"
#include "daemon/listeners.h"
#include "daemon/record.h"
#include "daemon/server.h"
#include "daemon/sources.h"

bool
auth_is_busy (const struct session *session)
{
  const struct auth *auth = session->auth;

  return auth && (auth->is_busy || !list_is_empty (&auth->delayed));
}

bool
auth_is_refused (const struct auth *auth)
{
  const struct auth_policy *policy = &auth->policy->auth;

  for (unsigned i = 0; i < policy->count; i++)
    if (auth->chains[i] != CHAIN_FAILED)
      return false;
  return true;
}

/* What was said before concerns this task no more. */
static void
forget_why (struct auth *auth)
{
  free (steal_pointer (&auth->why));
  error_clear (&auth->told);
}

static void
work (struct auth *auth)
{
  forget_why (auth);
  switch (auth->task) {
  case AUTH_FACTS:
    auth->outcome = auth_try_chains (auth);
    break;
  case AUTH_POLKIT_DECIDES:
    auth->outcome = auth_ask_polkit (auth);
    break;
  case AUTH_START:
  case AUTH_STEP:
    auth->outcome = auth_talk (auth);
    break;
  }
}

static void
work_on_worker (struct job *job)
{
  work (container_of (job, struct auth, job));
}

void
auth_drop_conversation (struct auth *auth)
{
  if (auth->conv)
    auth->talks->talk->conv_free (steal_pointer (&auth->conv));
  identity_rewind (&auth->session->identity, 0);
}

static void
free_auth (struct auth *auth)
{
  if (auth->conv)
    auth->talks->talk->conv_free (auth->conv);
  policy_unref (auth->policy);
  error_clear (&auth->told);
  free (auth->why);
  free (auth);
}

/* Back on the loop.  The session may have ended meanwhile. */
static void
deliver_outcome (struct mail *mail)
{
  struct auth *auth = container_of (mail, struct auth, mail);
  struct session *session = auth->session;
  struct virgate_call *call = steal_pointer (&auth->call);
  int result = -1;

  auth->is_busy = false;
  if (session_is_closing (session)) {
    session->auth = NULL;
    free_auth (auth);
  }
  else {
    auth->call = call;
    result = auth->settle (auth);
    auth_tidy (session);
    session_again (session);
    session_poll (session);
  }
  if (call && result != VIRGATE_LATER)
    call_service_done (call, result);
  session_unpin (session);
}

static void
outcome_on_worker (struct job *job)
{
  struct auth *auth = container_of (job, struct auth, job);

  auth->mail.deliver = deliver_outcome;
  loop_post (auth->session->loop, &auth->mail);
}

static bool
may_block (const struct auth_chain *chain)
{
  for (unsigned i = 0; i < chain->count; i++)
    if (chain->methods[i].ops->flags & VIRGATE_AUTH_BLOCKS)
      return true;
  return false;
}

static bool
task_may_block (const struct auth *auth)
{
  const struct auth_policy *policy = &auth->policy->auth;

  if (auth->task == AUTH_STEP)
    return may_block (auth->chain);
  for (unsigned i = 0; i < policy->count; i++)
    if (may_block (&policy->chains[i]))
      return true;
  return false;
}

int
auth_run (struct auth *auth, enum auth_task task)
{
  struct session *session = auth->session;
  struct workers *checkers =
    &session->loop->server->checkers[session->is_local];

  auth->task = task;
  if (!task_may_block (auth)) {
    work (auth);
    return auth->settle (auth);
  }
  auth->job.run = work_on_worker;
  auth->job.done = outcome_on_worker;
  auth->is_busy = true;
  session_pin (session);
  if (workers_add (checkers, &session->source->checks,
                   &auth->job) == 0)
    return VIRGATE_LATER;
  auth->is_busy = false;
  session_unpin (session);
  auth->outcome = VIRGATE_AUTH_ERROR;
  return auth->settle (auth);
}

void
auth_fail (struct auth *auth)
{
  memset (auth->chains, CHAIN_FAILED, sizeof auth->chains);
}

static void
log_entry (const struct session *session)
{
  char who[IDENTITY_TEXT_MAX];

  if (!log_wants (&session->loop->server->log, VIRGATE_LOG_DEBUG))
    return;
  identity_describe (&session->identity, who, sizeof who);
  session_log (session, VIRGATE_LOG_DEBUG, "let in as %s%s", who,
               session->is_read_only ? ", to read only" : "");
}

/* Has its listener become one for others while it came? */
static bool
still_serves (const struct session *session, const struct policy *policy)
{
  if (policy->is_admin == session->is_admin)
    return true;
  session_log (session, VIRGATE_LOG_NOTICE, "the listener's service was "
               "changed meanwhile");
  return false;
}

int
auth_succeed (struct session *session)
{
  const struct policy *now = session->listener->policy;

  if (!still_serves (session, now)
      || !access_enters (session, session->auth ? session->auth->policy
                                                : now)) {
    if (session->auth)
      auth_fail (session->auth);
    return -1;
  }
  identity_trim (&session->identity);
  peer_trim (&session->peer);
  log_entry (session);
  record_entry (session);
  session_enter (session, SESSION_OPEN);
  return 0;
}

/* What an access list refused was told already, with its rule. */
void
auth_log_refusal (struct session *session, const char *why)
{
  if (!session->is_barred) {
    source_log_refusal (session, why);
    record_refusal (session, TALLY_AUTH, why);
  }
  session->is_barred = false;
}

void
auth_tidy (struct session *session)
{
  if (session->auth && !session->auth->is_busy
      && buf_len (&session->in.part) == 0)
    stranger_keeps_none (session);
}

/* After the facts: in, out, or a conversation. */
static int
settle_facts (struct auth *auth)
{
  struct session *session = auth->session;

  if (auth->outcome == VIRGATE_AUTH_YES && auth_succeed (session) == 0) {
    auth_end (session);
    return 0;
  }
  if (auth_is_refused (auth))
    auth_log_refusal (session, auth->outcome == VIRGATE_AUTH_YES
                      ? NOT_ENTERED : auth->why
                      ? auth->why : "no authentication method accepts it");
  return 0;
}

static bool
takes_long_messages (const struct auth_policy *policy)
{
  for (unsigned i = 0; i < policy->count; i++)
    for (unsigned j = 0; j < policy->chains[i].count; j++)
      if (policy->chains[i].methods[j].ops->flags & VIRGATE_AUTH_LONG)
        return true;
  return false;
}

/* No chain has succeeded yet.  NULL: the session is closed. */
static struct auth *
make_auth (struct session *session)
{
  struct auth *auth = calloc (1, sizeof *auth);

  if (auth == NULL) {
    session_close (session, VIRGATE_LOG_ERROR, "out of memory");
    return NULL;
  }
  auth->session = session;
  auth->policy = session->listener->policy;
  policy_ref (auth->policy);
  auth->settle = settle_facts;
  list_init (&auth->delayed);
  if (takes_long_messages (&auth->policy->auth))
    session->in.may_keep = stranger_may_keep;
  session->auth = auth;
  return auth;
}

void
auth_begin (struct session *session)
{
  unsigned count = session->listener->policy->auth.count;
  struct auth *auth;

  session_enter (session, SESSION_AUTH);
  if (count == 0 && auth_succeed (session) == 0) {
    session_poll (session);
    return;
  }
  auth = make_auth (session);
  if (auth == NULL)
    return;
  if (count > 0)
    auth_run (auth, AUTH_FACTS);
  else
    auth_log_refusal (session, NOT_ENTERED);
  session_poll (session);
}

void
auth_refuse (struct session *session, const char *why)
{
  session_enter (session, SESSION_AUTH);
  if (make_auth (session) == NULL)
    return;
  auth_log_refusal (session, why);
  session_poll (session);
}

void
auth_end (struct session *session)
{
  struct auth *auth = session->auth;

  if (auth == NULL || auth->is_busy)
    return;
  session->auth = NULL;
  auth_drop_answer (auth);
  free_auth (auth);
}
