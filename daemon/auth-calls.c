/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The procedures that carry authentication: a list of ways, the conversation
 * of SASL's messages, and polkit.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <virgate/remote.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "daemon/auth-state.h"
#include "daemon/call.h"
#include "daemon/listeners.h"
#include "daemon/seal.h"
#include "daemon/sources.h"

/* Longest list of mechanisms. */
#define MECHANISMS_MAX 1024

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

/* The type of a chain that waits for something. */
static int32_t
type_of (enum chain_state state)
{
  return state == CHAIN_TALKS ? VIRGATE_REMOTE_AUTH_SASL
         : state == CHAIN_POLKIT ? VIRGATE_REMOTE_AUTH_POLKIT : -1;
}

/* Stock clients take the first, or the one that their URI names: the order is
 * the config's.
 */
static void
list_types (const struct auth *auth, int32_t *types, uint32_t *count)
{
  for (unsigned i = 0; i < policy_of (auth)->count; i++) {
    int32_t type = type_of (auth->chains[i]);

    if (type != -1 && (*count == 0 || (*count == 1 && types[0] != type)))
      types[(*count)++] = type;
  }
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
    return auth_refuse_call (call);
  list_types (auth, list->types.val, &list->types.len);
  return 0;
}

/* The session's authentication when there is something to talk about, or
 * NULL: then it has been refused, or has succeeded.
 */
static struct auth *
talking (const struct virgate_call *call)
{
  struct auth *auth = call->session->auth;

  return call->session->state == SESSION_AUTH && auth
         && !auth_is_refused (auth) ? auth : NULL;
}

/* A message that does not belong here ends what was begun. */
static int
misplaced (struct auth *auth, struct virgate_call *call, const char *what)
{
  auth->call = call;
  auth->task = AUTH_START;
  auth->begun = call->session->loop->now;
  return auth_attempt_failed (auth, what, NULL);
}

/* The method of a chain that talks. */
static const struct auth_method *
talker (const struct auth *auth, unsigned chain)
{
  return &policy_of (auth)->chains[chain].methods[auth->talkers[chain]];
}

/* Is NAME one of the words between commas? */
static bool
list_has (const char *list, const char *name, size_t len)
{
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

/* Append the words of a list to another of this size, each once. */
static void
merge_list (char *list, size_t size, const char *more)
{
  while (*more) {
    size_t len = strcspn (more, ","), used = strlen (list);

    if (!list_has (list, more, len) && used + len + 2 <= size)
      snprintf (list + used, size - used, "%s%.*s", used > 0 ? "," : "",
                (int) len, more);
    more += len + (more[len] == ',');
  }
}

int
auth_sasl_init (void *conn, struct virgate_call *call, const void *args,
                void *ret)
{
  struct virgate_remote_auth_sasl_init_ret *init = ret;
  struct auth *auth = talking (call);
  char list[MECHANISMS_MAX] = "";

  if (auth == NULL)
    return auth_refuse_call (call);
  if (auth->conv)
    return misplaced (auth, call, "it asked for SASL's mechanisms in the "
                      "middle of a conversation");
  for (unsigned i = 0; i < policy_of (auth)->count; i++)
    if (auth->chains[i] == CHAIN_TALKS)
      merge_list (list, sizeof list,
                  auth_mechanisms (auth->session, talker (auth, i)));
  if (*list == '\0')
    return misplaced (auth, call, "it asked for SASL, which is not offered");
  init->mechlist = arena_strndup (&call->arena, list, strlen (list));
  return init->mechlist ? 0 : auth_refuse_call (call);
}

/* Choose the next chain, from this one on, with a method that the mechanism
 * belongs to.
 */
static bool
choose (struct auth *auth, unsigned from)
{
  for (unsigned i = from; i < policy_of (auth)->count; i++)
    if (auth->chains[i] == CHAIN_TALKS
        && list_has (auth_mechanisms (auth->session, talker (auth, i)),
                     auth->mech, strlen (auth->mech))) {
      auth->chain = &policy_of (auth)->chains[i];
      auth->talks = talker (auth, i);
      return true;
    }
  return false;
}

/* After the conversation's yes, the rest of the chain. */
static int
finish_chain (struct auth *auth, int result)
{
  struct session *session = auth->session;
  unsigned index = auth->talks - auth->chain->methods;

  if (result == VIRGATE_AUTH_NO || result == VIRGATE_AUTH_ERROR)
    auth_note_why (auth, auth->talks);
  if (result != VIRGATE_AUTH_YES)
    return result;
  if (identity_method (&session->identity, auth->talks->name) == -1)
    return VIRGATE_AUTH_ERROR;
  return auth_decide (session, auth->chain, index + 1, auth->chain->count,
                      true);
}

/* The first message, to one chain. */
int
auth_start_chain (struct auth *auth)
{
  const struct auth_method *talks = auth->talks;
  struct session *session = auth->session;
  unsigned index = talks - auth->chain->methods;
  struct virgate_auth_context context;
  int result;

  auth->out = (struct virgate_auth_data) { NULL, 0 };
  result = auth_decide (session, auth->chain, 0, index, true);
  if (result != VIRGATE_AUTH_YES)
    return result;
  auth_context_init (session, &context);
  host_error_forget ();
  result = auth->assume
           ? auth->assume (auth, talks)
           : talks->talk->start (talks->talk_inst, &context, auth->mech,
                                 &auth->in, &auth->out, &auth->conv,
                                 &session->identity);
  return finish_chain (auth, result);
}

/* The first message.  A chain that says no at once has not told the client
 * anything yet: the same message can be meant for another, as a password is
 * that only one of two user databases knows.
 */
static int
start_chains (struct auth *auth)
{
  int result;

  do {
    result = auth_start_chain (auth);
    if (result == VIRGATE_AUTH_YES || result == VIRGATE_AUTH_MORE)
      return result;
    /* By the method that began it, not by the next one. */
    auth_drop_conversation (auth);
  } while (choose (auth, auth->chain - policy_of (auth)->chains + 1));
  return result;
}

int
auth_talk (struct auth *auth)
{
  if (auth->task == AUTH_START)
    return start_chains (auth);
  auth->out = (struct virgate_auth_data) { NULL, 0 };
  host_error_forget ();
  return finish_chain (auth,
                       auth->talks->talk->step (auth->conv, &auth->in,
                                                &auth->out,
                                                &auth->session->identity));
}

static int
talk_failed (struct auth *auth)
{
  CLEANUP_FREE char *why = steal_pointer (&auth->why);

  return auth_attempt_failed (auth, why ? why : "the conversation came to "
                              "nothing", NULL);
}

/* Authenticated, but not let in. */
static int
not_let_in (struct auth *auth, struct virgate_call *call, const char *why)
{
  auth_fail (auth);             /* calls that wait get no second guess */
  auth_log_refusal (auth->session, why);
  return auth_refuse_call (call);
}

/* What START and STEP answer; their results have the same layout. */
static int
settle_talk (struct auth *auth)
{
  struct virgate_call *call = auth->call;
  struct virgate_remote_auth_sasl_step_ret *ret = call->ret;
  struct session *session = auth->session;

  if (auth->outcome != VIRGATE_AUTH_MORE && auth->outcome != VIRGATE_AUTH_YES)
    return talk_failed (auth);
  if (source_turn_away (session)) /* banned since it began */
    return auth_turned_away (call);
  if (auth->outcome == VIRGATE_AUTH_YES && seal_prepare (auth) == -1)
    return not_let_in (auth, call, "no security layer");
  if (auth->outcome == VIRGATE_AUTH_YES && auth_succeed (session) == -1)
    return not_let_in (auth, call, NOT_ENTERED);
  ret->complete = auth->outcome == VIRGATE_AUTH_YES;
  ret->nil = auth->out.data == NULL;
  if (auth->out.data && auth->out.len <= VIRGATE_AUTH_DATA_MAX) {
    ret->data.val = (uint8_t *) arena_strndup (&call->arena, auth->out.data,
                                               auth->out.len);
    if (ret->data.val == NULL)
      return auth_refuse_call (call);
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
  if (source_turn_away (call->session))
    return auth_turned_away (call);
  stranger_spoke (call->session);
  auth->call = call;
  auth->begun = call->session->loop->now;
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
  struct auth *auth = talking (call);

  if (auth == NULL)
    return auth_refuse_call (call);
  if (auth->conv)
    return misplaced (auth, call, "it began a conversation in the middle of "
                      "another");
  auth->mech = start->mech;
  if (!choose (auth, 0))
    return misplaced (auth, call, "it chose a mechanism that is not offered");
  return talk (auth, call, AUTH_START, start->nil, start->data.val,
               start->data.len);
}

int
auth_sasl_step (void *conn, struct virgate_call *call, const void *args,
                void *ret)
{
  const struct virgate_remote_auth_sasl_step_args *step = args;
  struct auth *auth = talking (call);

  if (auth == NULL)
    return auth_refuse_call (call);
  if (auth->conv == NULL)
    return misplaced (auth, call, "it went on with a conversation that it "
                      "had not begun");
  return talk (auth, call, AUTH_STEP, step->nil, step->data.val,
               step->data.len);
}

static int
settle_polkit (struct auth *auth)
{
  struct virgate_call *call = auth->call;
  struct virgate_remote_auth_polkit_ret *ret = call->ret;
  CLEANUP_FREE char *why = NULL;

  if (auth->outcome == VIRGATE_AUTH_YES
      && auth_succeed (auth->session) == 0) {
    ret->complete = 1;
    auth_end (auth->session);
    return 0;
  }
  if (auth->outcome == VIRGATE_AUTH_YES)
    return not_let_in (auth, call, NOT_ENTERED);
  why = steal_pointer (&auth->why);
  return auth_attempt_failed (auth, why ? why
                              : "polkit did not authorize it", &auth->told);
}

/* A person may be asked for longer than the deadline: the module has one. */
int
auth_polkit (void *conn, struct virgate_call *call, const void *args,
             void *ret)
{
  struct auth *auth = talking (call);

  if (auth == NULL)
    return auth_refuse_call (call);
  if (auth->conv)
    return misplaced (auth, call, "it asked for polkit in the middle of a "
                      "conversation");
  if (!any_chain (auth, CHAIN_POLKIT))
    return misplaced (auth, call, "it asked for polkit, which is not "
                      "offered");
  auth->call = call;
  auth->begun = call->session->loop->now;
  auth->settle = settle_polkit;
  loop_unwait (&call->session->wait);
  return auth_run (auth, AUTH_POLKIT_DECIDES);
}
