/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Chains of methods, what the facts decide, and where the work is done; the
 * procedures are in auth-calls.c, what follows a failure in auth-attempts.c.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemon/access.h"
#include "daemon/auth-state.h"
#include "daemon/call.h"
#include "daemon/listeners.h"
#include "daemon/plain.h"
#include "daemon/record.h"
#include "daemon/server.h"
#include "daemon/sources.h"

void
auth_method_init (struct auth_method *method, const char *name, void *inst,
                  const struct virgate_auth_ops *ops)
{
  bool is_plain = ops->start == NULL && ops->password
                  && (ops->wants_password == NULL
                      || ops->wants_password (inst));

  *method = (struct auth_method) {
    .name = name, .inst = inst, .ops = ops,
    .talk_inst = is_plain ? method : inst,
    .talk = is_plain ? &plain_ops : ops,
  };
}

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

void
auth_context_init (const struct session *session,
                   struct virgate_auth_context *context)
{
  struct virgate_fact bits;

  *context = (struct virgate_auth_context) {
    .size = sizeof *context,
    .caps = session_caps (session),
    .peer = &session->peer,
    .service = "libvirt",
    .hostname = session->loop->server->hostname,
  };
  if (peer_get (&session->peer, VIRGATE_FACT_TLS_KEY_BITS, 0, &bits))
    context->key_bits = bits.num;
}

const char *
auth_mechanisms (const struct session *session,
                 const struct auth_method *method)
{
  struct virgate_auth_context context;
  const char *mechanisms;

  if (method->talk->mechanisms == NULL)
    return "";
  auth_context_init (session, &context);
  mechanisms = method->talk->mechanisms (method->talk_inst, &context);
  return mechanisms ? mechanisms : "";
}

static bool
has_conversation (const struct session *session,
                  const struct auth_method *method)
{
  return *auth_mechanisms (session, method) != '\0';
}

static bool
is_polkit (const struct auth_method *method)
{
  return method->ops->flags & VIRGATE_AUTH_POLKIT;
}

static void
add_why (struct auth *auth, const char *who, const char *said)
{
  char *before = auth->why;

  if (asprintf (&auth->why, "%s%s%s: %s", before ? before : "",
                before ? "; " : "", who, said) == -1)
    auth->why = NULL;
  free (before);
}

/* Keep the words of a method that refuses, for the log; what it says of
 * polkit with a code, for the client as well.
 */
void
auth_note_why (struct auth *auth, const struct auth_method *method)
{
  int32_t code, domain;
  bool is_coded = is_polkit (method) && host_error_code_of (&code, &domain);
  const char *said = host_error_said ();

  if (is_coded)
    error_set (&auth->told, code, domain, "%s", said);
  add_why (auth, method->name, said ? said : "no");
}

/* Offline: is this a method that must not be asked? */
static bool
is_outside (const struct auth *auth, const struct auth_method *method)
{
  return auth->assume && (method->ops->flags & (VIRGATE_AUTH_OUTSIDE
                                                | VIRGATE_AUTH_POLKIT));
}

/* Then its answer is assumed, unless a conversation will give it. */
static bool
is_assumed (const struct session *session, const struct auth_method *method)
{
  return is_outside (session->auth, method)
         && (is_polkit (method) || !has_conversation (session, method));
}

static int
assume (struct session *session, const struct auth_method *method)
{
  return is_assumed (session, method)
         ? session->auth->assume (session->auth, method) : VIRGATE_AUTH_PASS;
}

/* Ask one method; of polkit, only whether it is needed.  Its name is added to
 * the identity when it says yes.
 */
static int
decide_one (struct session *session, const struct auth_method *method,
            bool polkit_too)
{
  struct virgate_identity *identity = &session->identity;
  uint16_t before = identity->len;
  int (*hook) (void *, const struct virgate_peer *,
               struct virgate_identity *) =
    is_polkit (method) && !polkit_too ? method->ops->exempt
                                      : method->ops->decide;
  int result;

  if (hook == NULL)
    return VIRGATE_AUTH_PASS;
  host_error_forget ();
  result = is_outside (session->auth, method) && hook == method->ops->decide
           ? assume (session, method)
           : hook (method->inst, &session->peer, identity);
  if (result == VIRGATE_AUTH_YES
      && identity_method (identity, method->name) == -1)
    result = VIRGATE_AUTH_ERROR;
  if (result != VIRGATE_AUTH_YES)
    identity_rewind (identity, before);
  if (result == VIRGATE_AUTH_NO || result == VIRGATE_AUTH_ERROR)
    auth_note_why (session->auth, method);
  return result;
}

int
auth_decide (struct session *session, const struct auth_chain *chain,
             unsigned from, unsigned to, bool polkit_too)
{
  for (unsigned i = from; i < to; i++) {
    const struct auth_method *method = &chain->methods[i];
    int result;

    result = decide_one (session, method, polkit_too);
    if (result == VIRGATE_AUTH_PASS && !polkit_too
        && (is_polkit (method) || has_conversation (session, method)
            || is_assumed (session, method)))
      continue;
    if (result != VIRGATE_AUTH_YES)
      return VIRGATE_AUTH_NO;
  }
  return VIRGATE_AUTH_YES;
}

static bool
has_said_yes (const struct virgate_identity *identity,
              const struct auth_method *method)
{
  const char *name;

  for (uint32_t n = 0; (name = identity_get_method (identity, n)); n++)
    if (strcmp (name, method->name) == 0)
      return true;
  return false;
}

enum chain_state
auth_try_chain (struct session *session, const struct auth_chain *chain,
                uint8_t *talker)
{
  struct virgate_identity *identity = &session->identity;
  enum chain_state state = CHAIN_DONE;

  identity_rewind (identity, 0);
  if (auth_decide (session, chain, 0, chain->count, false)
      != VIRGATE_AUTH_YES)
    return CHAIN_FAILED;
  for (unsigned i = 0; i < chain->count; i++)
    if (!has_said_yes (identity, &chain->methods[i])
        && (is_polkit (&chain->methods[i])
            || !is_assumed (session, &chain->methods[i]))) {
      if (state != CHAIN_DONE) {
        add_why (session->auth, chain->methods[i].name, "a second "
                 "conversation, and clients hold one only");
        return CHAIN_FAILED;
      }
      state = is_polkit (&chain->methods[i]) ? CHAIN_POLKIT : CHAIN_TALKS;
      *talker = i;
    }
  return state;
}

static int
try_chains (struct auth *auth)
{
  const struct auth_policy *policy = &auth->policy->auth;
  struct session *session = auth->session;

  for (unsigned i = 0; i < policy->count; i++) {
    auth->chains[i] = auth_try_chain (session, &policy->chains[i],
                                      &auth->talkers[i]);
    if (auth->chains[i] == CHAIN_DONE)
      return VIRGATE_AUTH_YES;
  }
  identity_rewind (&session->identity, 0);
  return VIRGATE_AUTH_MORE;
}

/* The alternatives with polkit, in their order. */
static int
ask_polkit (struct auth *auth)
{
  const struct auth_policy *policy = &auth->policy->auth;
  struct session *session = auth->session;
  int result = VIRGATE_AUTH_NO;

  for (unsigned i = 0; i < policy->count && result != VIRGATE_AUTH_YES; i++) {
    const struct auth_chain *chain = &policy->chains[i];

    if (auth->chains[i] != CHAIN_POLKIT)
      continue;
    identity_rewind (&session->identity, 0);
    result = auth_decide (session, chain, 0, chain->count, true);
  }
  return result;
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
    auth->outcome = try_chains (auth);
    break;
  case AUTH_POLKIT_DECIDES:
    auth->outcome = ask_polkit (auth);
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
