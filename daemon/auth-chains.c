/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Asking the methods of a chain: what the facts decide, which conversation is
 * left, and what polkit says.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemon/auth-state.h"
#include "daemon/plain.h"
#include "daemon/policy.h"
#include "daemon/server.h"

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

/* The words are for the log; what polkit says with a code, for the client as
 * well.
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

int
auth_try_chains (struct auth *auth)
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

int
auth_ask_polkit (struct auth *auth)
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
