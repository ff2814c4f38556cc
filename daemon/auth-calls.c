/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The procedures that carry authentication: a list of ways, the conversation
 * of SASL's messages, and polkit.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <virgate/remote.h>

#include "common/mem.h"
#include "daemon/auth-state.h"
#include "daemon/call.h"
#include "daemon/listeners.h"
#include "daemon/seal.h"

static void
refused_landed (struct virgate_call *call)
{
  session_end (call->session);
}

/* All that a refused client learns; then the connection ends. */
static int
refuse (struct virgate_call *call)
{
  if (call->session->state < SESSION_OPEN)
    call->landed = refused_landed;
  if (call->session->reference)
    return call_service_error (call, VIRGATE_ERR_AUTH_FAILED,
                               VIRGATE_FROM_RPC, "this server refuses you; "
                               "its log says why, under reference %08x",
                               call->session->reference);
  return call_service_error (call, VIRGATE_ERR_AUTH_FAILED, VIRGATE_FROM_RPC,
                             "%s", "authentication failed");
}

/* So does this client, but stock ones start an agent when they are told that
 * polkit finds none.
 */
static int
refuse_telling (struct virgate_call *call, const struct virgate_error *told)
{
  if (told->code == 0)
    return refuse (call);
  call->landed = refused_landed;
  return call_service_record (call, told);
}

static const struct auth_policy *
policy_of (const struct auth *auth)
{
  return &auth->policy->auth;
}

static bool
any_chain (const struct auth *auth, enum chain_state state)
{
  for (unsigned i = 0; i < policy_of (auth)->count; i++)
    if (auth->chains[i] == state)
      return true;
  return false;
}

int
auth_list (void *conn, struct virgate_call *call, const void *args, void *ret)
{
  struct virgate_remote_auth_list_ret *list = ret;
  const struct auth *auth = call->session->auth;

  list->types.val = call_service_alloc (call, 2 * sizeof *list->types.val);
  if (list->types.val == NULL)
    return call_service_error (call, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_RPC,
                               NULL);
  if (call->session->state >= SESSION_OPEN || auth == NULL) {
    list->types.val[list->types.len++] = VIRGATE_REMOTE_AUTH_NONE;
    return 0;
  }
  if (auth_is_refused (auth))
    return refuse (call);
  if (any_chain (auth, CHAIN_TALKS))
    list->types.val[list->types.len++] = VIRGATE_REMOTE_AUTH_SASL;
  if (any_chain (auth, CHAIN_POLKIT))
    list->types.val[list->types.len++] = VIRGATE_REMOTE_AUTH_POLKIT;
  return 0;
}

/* Is a conversation possible at all now? */
static struct auth *
talking (struct virgate_call *call, bool is_begun)
{
  struct auth *auth = call->session->auth;

  if (call->session->state != SESSION_AUTH || auth == NULL
      || !any_chain (auth, CHAIN_TALKS) || (auth->conv != NULL) != is_begun)
    return NULL;
  return auth;
}

static const char *
mechanisms_of (const struct auth *auth, const struct auth_method *method)
{
  struct virgate_auth_context context;
  const char *mechanisms;

  if (method->talk->mechanisms == NULL)
    return "";
  auth_context_init (auth->session, &context);
  mechanisms = method->talk->mechanisms (method->talk_inst, &context);
  return mechanisms ? mechanisms : "";
}

/* Append the mechanisms of a chain's methods to a list with commas. */
static int
append_mechanisms (const struct auth *auth, const struct auth_chain *chain,
                   struct buf *list)
{
  for (unsigned i = 0; i < chain->count; i++) {
    const char *more = mechanisms_of (auth, &chain->methods[i]);

    if (*more == '\0')
      continue;
    if ((buf_len (list) > 0 && buf_append (list, ",", 1) == -1)
        || buf_append (list, more, strlen (more)) == -1)
      return -1;
  }
  return 0;
}

int
auth_sasl_init (void *conn, struct virgate_call *call, const void *args,
                void *ret)
{
  struct virgate_remote_auth_sasl_init_ret *init = ret;
  struct auth *auth = talking (call, false);
  CLEANUP (buf_free) struct buf list = BUF_INIT;

  if (auth == NULL)
    return refuse (call);
  for (unsigned i = 0; i < policy_of (auth)->count; i++)
    if (auth->chains[i] == CHAIN_TALKS
        && append_mechanisms (auth, &policy_of (auth)->chains[i],
                              &list) == -1)
      return refuse (call);
  init->mechlist = arena_strndup (&call->arena, buf_data (&list),
                                  buf_len (&list));
  return init->mechlist ? 0 : refuse (call);
}

/* Is NAME one of the words between commas? */
static bool
list_has (const char *list, const char *name)
{
  size_t len = strlen (name);

  while (len > 0) {
    const char *end = strchrnul (list, ',');

    if ((size_t) (end - list) == len && strncmp (list, name, len) == 0)
      return true;
    if (*end == '\0')
      break;
    list = end + 1;
  }
  return false;
}

/* Choose the chain and method that the mechanism belongs to. */
static bool
choose (struct auth *auth, const char *mech)
{
  for (unsigned i = 0; i < policy_of (auth)->count; i++) {
    const struct auth_chain *chain = &policy_of (auth)->chains[i];

    for (unsigned j = 0; auth->chains[i] == CHAIN_TALKS && j < chain->count;
         j++)
      if (list_has (mechanisms_of (auth, &chain->methods[j]), mech)) {
        auth->chain = chain;
        auth->talks = &chain->methods[j];
        return true;
      }
  }
  return false;
}

/* One message of the conversation; afterwards the rest of the chain. */
int
auth_talk (struct auth *auth)
{
  struct session *session = auth->session;
  unsigned index = auth->talks - auth->chain->methods;
  struct virgate_auth_context context;
  int result = VIRGATE_AUTH_YES;

  auth->out = (struct virgate_auth_data) { NULL, 0 };
  if (auth->task == AUTH_START) {
    identity_rewind (&session->identity, 0);
    result = auth_decide (session, auth->chain, 0, index, true);
    auth_context_init (session, &context);
    if (result == VIRGATE_AUTH_YES)
      result = auth->talks->talk->start (auth->talks->talk_inst, &context,
                                         auth->mech, &auth->in, &auth->out,
                                         &auth->conv, &session->identity);
  }
  else
    result = auth->talks->talk->step (auth->conv, &auth->in, &auth->out,
                                      &session->identity);
  if (result != VIRGATE_AUTH_YES)
    return result;
  if (identity_method (&session->identity, auth->talks->name) == -1)
    return VIRGATE_AUTH_ERROR;
  return auth_decide (session, auth->chain, index + 1, auth->chain->count,
                      true);
}

/* What START and STEP answer; their results have the same layout. */
static int
settle_talk (struct auth *auth)
{
  struct virgate_call *call = auth->call;
  struct virgate_remote_auth_sasl_step_ret *ret = call->ret;
  struct session *session = auth->session;

  if (auth->outcome != VIRGATE_AUTH_MORE
      && (auth->outcome != VIRGATE_AUTH_YES || seal_prepare (auth) == -1
          || auth_succeed (session) == -1)) {
    session_log (session, VIRGATE_LOG_NOTICE, "refused: authentication by %s "
                 "failed", auth->talks->name);
    auth_fail (auth);           /* calls that wait get no second guess */
    return refuse (call);
  }
  ret->complete = auth->outcome == VIRGATE_AUTH_YES;
  ret->nil = auth->out.data == NULL;
  if (auth->out.data && auth->out.len <= VIRGATE_AUTH_DATA_MAX) {
    ret->data.val = (uint8_t *) arena_strndup (&call->arena, auth->out.data,
                                               auth->out.len);
    if (ret->data.val == NULL)
      return refuse (call);
    ret->data.len = auth->out.len;
  }
  if (ret->complete)
    auth_end (session);
  return 0;
}

_Static_assert (sizeof (struct virgate_remote_auth_sasl_start_ret)
                == sizeof (struct virgate_remote_auth_sasl_step_ret),
                "START and STEP answer alike");

/* The call's own memory backs the data while a worker reads them. */
static int
talk (struct auth *auth, struct virgate_call *call, enum auth_task task,
      int32_t nil, const uint8_t *data, uint32_t len)
{
  auth->call = call;
  auth->settle = settle_talk;
  auth->in.data = nil ? NULL : data ? (const void *) data : "";
  auth->in.len = nil ? 0 : len;
  return auth_run (auth, task);
}

int
auth_sasl_start (void *conn, struct virgate_call *call, const void *args,
                 void *ret)
{
  const struct virgate_remote_auth_sasl_start_args *start = args;
  struct auth *auth = talking (call, false);

  if (auth == NULL || !choose (auth, start->mech))
    return refuse (call);
  auth->mech = start->mech;
  return talk (auth, call, AUTH_START, start->nil, start->data.val,
               start->data.len);
}

int
auth_sasl_step (void *conn, struct virgate_call *call, const void *args,
                void *ret)
{
  const struct virgate_remote_auth_sasl_step_args *step = args;
  struct auth *auth = talking (call, true);

  if (auth == NULL)
    return refuse (call);
  return talk (auth, call, AUTH_STEP, step->nil, step->data.val,
               step->data.len);
}

static int
settle_polkit (struct auth *auth)
{
  struct virgate_call *call = auth->call;
  struct virgate_remote_auth_polkit_ret *ret = call->ret;

  if (auth->outcome != VIRGATE_AUTH_YES
      || auth_succeed (auth->session) == -1) {
    session_log (auth->session, VIRGATE_LOG_NOTICE, "refused: %s",
                 auth->why ? auth->why : "polkit did not authorize it");
    auth_fail (auth);
    return refuse_telling (call, &auth->told);
  }
  ret->complete = 1;
  auth_end (auth->session);
  return 0;
}

int
auth_polkit (void *conn, struct virgate_call *call, const void *args,
             void *ret)
{
  struct auth *auth = call->session->auth;

  if (call->session->state != SESSION_AUTH || auth == NULL || auth->conv
      || !any_chain (auth, CHAIN_POLKIT))
    return refuse (call);
  for (unsigned i = 0; auth->chain == NULL; i++)
    if (auth->chains[i] == CHAIN_POLKIT)
      auth->chain = &policy_of (auth)->chains[i];
  auth->call = call;
  auth->settle = settle_polkit;
  loop_unwait (&call->session->wait);
  return auth_run (auth, AUTH_POLKIT_DECIDES);
}
