/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Answering --explain; see explain.h.  A session is made of the words and
 * goes the way of every session: admission, the chains of authentication,
 * entry.  Only what polkit, a program or a conversation would say is taken
 * from the words instead.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "daemon/access.h"
#include "daemon/auth-state.h"
#include "daemon/explain-call.h"
#include "daemon/explain-words.h"
#include "daemon/explain.h"
#include "daemon/listeners.h"
#include "daemon/server.h"
#include "daemon/settings.h"

/* The session that never was. */
struct inquiry {
  struct auth auth;
  struct session session;
  struct loop loop;
  struct virgate_transport_ops ops;
  const struct policy *policy;
  struct explain_question *question;
};

static void
say (const char *about, const char *fmt, ...) VIRGATE_PRINTF (2, 3);

static void
say (const char *about, const char *fmt, ...)
{
  va_list args;

  printf ("%s: ", about);
  va_start (args, fmt);
  vprintf (fmt, args);
  va_end (args);
  fputs ("\n", stdout);
}

/* The listener ----------------------------------------------------------- */

/* NULL after saying which there are. */
static struct listener *
find_listener (const struct server *server, const char *name)
{
  struct listener *all = server->listeners;

  for (struct listener *l = all; l && name; l = l->next)
    if (strcmp (l->name, name) == 0)
      return l;
  if (name == NULL && all && all->next == NULL)
    return all;
  fprintf (stderr, "virgated: --explain: %s; say listener=NAME, one of",
           name ? "there is no such listener" : "there are several listeners");
  for (struct listener *l = all; l; l = l->next)
    fprintf (stderr, " %s", l->name);
  fputs ("\n", stderr);
  return NULL;
}

/* What the host itself knows of a connection as soon as there is one. */
static int
begin (struct inquiry *inquiry, struct server *server,
       struct listener *listener)
{
  struct session *session = &inquiry->session;

  inquiry->loop.server = server;
  inquiry->ops.caps = listener->transport->ops->caps;
  inquiry->policy = inquiry->auth.policy = listener->policy;
  inquiry->auth.session = session;
  session->auth = &inquiry->auth;
  session->loop = &inquiry->loop;
  session->listener = listener;
  session->ops = &inquiry->ops;
  if (explain_add_facts (&session->peer, &inquiry->question->early) == -1
      || peer_string (&session->peer, VIRGATE_FACT_TRANSPORT,
                      VIRGATE_VOUCH_KERNEL,
                      listener->instance->module->desc.name) == -1
      || peer_string (&session->peer, VIRGATE_FACT_LISTENER,
                      VIRGATE_VOUCH_KERNEL, listener->name) == -1
      || (inquiry->policy->is_read_only
          && peer_number (&session->peer, VIRGATE_FACT_READ_ONLY,
                          VIRGATE_VOUCH_KERNEL, 1) == -1))
    return -1;
  return 0;
}

static void
end (struct inquiry *inquiry)
{
  peer_free (&inquiry->session.peer);
  identity_free (&inquiry->session.identity);
  error_clear (&inquiry->auth.told);
  free (inquiry->auth.why);
  explain_free (inquiry->question);
  free (inquiry);
}

static void
say_peer (const struct listener *listener, const struct virgate_peer *early,
          const struct virgate_peer *late)
{
  struct virgate_fact fact;

  printf ("peer: listener %s (%s)", listener->name,
          listener->instance->module->desc.name);
  for (int i = 0; i < 2; i++)
    for (uint32_t n = 0; peer_get (i ? late : early, NULL, n, &fact); n++) {
      printf (", %s%s ", fact.vouch == VIRGATE_VOUCH_CLAIM ? "claimed " : "",
              fact.key);
      if (fact.type == VIRGATE_FACT_NUMBER)
        printf ("%llu", (unsigned long long) fact.num);
      else
        fputs (fact.str, stdout);
    }
  fputs ("\n", stdout);
}

/* Access ----------------------------------------------------------------- */

static bool
is_admitted (struct inquiry *inquiry)
{
  struct access_answer answer;

  access_ask_admit (inquiry->policy, &inquiry->session.peer, &answer);
  return explain_say_access ("connection", "admitted", &answer);
}

static enum explain_status
ask_entry (struct inquiry *inquiry)
{
  struct session *session = &inquiry->session;
  struct access_answer answer;
  char who[IDENTITY_TEXT_MAX];

  identity_describe (&session->identity, who, sizeof who);
  say ("identity", "%s", who);
  access_ask_enter (inquiry->policy, &session->peer, &session->identity,
                    &answer);
  if (!explain_say_access ("entry", answer.read_only
                           ? "let in, to read only" : "let in", &answer)) {
    say ("answer", "refused");
    return EXPLAIN_REFUSED;
  }
  if (inquiry->policy->is_read_only)
    say ("answer", "let in, to read only (read-only = yes, [%s])",
         session->listener->title);
  else
    say ("answer", "let in%s", answer.read_only ? ", to read only" : "");
  if (inquiry->question->call)
    return explain_call (inquiry->question, session,
                         inquiry->policy->is_read_only || answer.read_only);
  return EXPLAIN_IN;
}

/* Authentication --------------------------------------------------------- */

static bool
has_word (const struct words *words, const char *name)
{
  for (unsigned i = 0; i < words->count; i++)
    if (strcmp (words->word[i], name) == 0)
      return true;
  return false;
}

/* The words' answer for a method that nobody asks here. */
static int
assume (struct auth *auth, const struct auth_method *method)
{
  struct inquiry *inquiry = container_of (auth, struct inquiry, auth);
  const struct explain_question *question = inquiry->question;
  struct virgate_identity *identity = &auth->session->identity;
  bool is_talker = method == auth->talks;

  if (!has_word (&question->methods, method->name)
      && !(is_talker && question->user && question->methods.count == 0))
    return VIRGATE_AUTH_PASS;
  if (question->user
      && identity_name (identity, question->user,
                        VIRGATE_VOUCH_EXCHANGE) == -1)
    return VIRGATE_AUTH_ERROR;
  for (unsigned i = 0; i < question->groups.count; i++)
    if (identity_group (identity, question->groups.word[i],
                        VIRGATE_VOUCH_EXCHANGE) == -1)
      return VIRGATE_AUTH_ERROR;
  return VIRGATE_AUTH_YES;
}

/* "x509+password" */
static void
chain_name (const struct auth_chain *chain, char *text, size_t size)
{
  size_t used = 0;

  for (unsigned i = 0; i < chain->count && used < size; i++)
    used += snprintf (text + used, size - used, "%s%s", i ? "+" : "",
                      chain->methods[i].name);
}

/* Have all its methods said yes? */
static bool
is_complete (const struct inquiry *inquiry, const struct auth_chain *chain)
{
  return identity_get_method (&inquiry->session.identity,
                              chain->count - 1) != NULL;
}

static void
forget_why (struct auth *auth)
{
  free (steal_pointer (&auth->why));
  error_clear (&auth->told);
}

/* What a chain would need that is not in the facts. */
static void
say_needs (struct inquiry *inquiry, const char *name, enum chain_state state,
           const struct auth_method *talker)
{
  if (state == CHAIN_TALKS)
    say ("authentication", "%s: %s needs a conversation (%s)", name,
         talker->name, auth_mechanisms (&inquiry->session, talker));
  else if (state == CHAIN_POLKIT)
    say ("authentication", "%s: polkit is asked ([auth %s])", name,
         talker->name);
  else
    say ("authentication", "%s: it asks outside, which is not done here",
         name);
}

/* Suppose that the conversation went well, or polkit or the outside said yes,
 * if the words say so.
 */
static bool
is_assumed_well (struct inquiry *inquiry, const char *name, unsigned index)
{
  struct auth *auth = &inquiry->auth;
  int result;

  auth->chain = &inquiry->policy->auth.chains[index];
  auth->talks = &auth->chain->methods[auth->talkers[index]];
  forget_why (auth);
  identity_rewind (&inquiry->session.identity, 0);
  if (auth->chains[index] == CHAIN_TALKS)
    result = auth_start_chain (auth);
  else
    result = auth_decide (&inquiry->session, auth->chain, 0,
                          auth->chain->count, true);
  if (result == VIRGATE_AUTH_YES && is_complete (inquiry, auth->chain)) {
    say ("authentication", "%s: yes, supposing what was said of it", name);
    return true;
  }
  auth->talks = NULL;
  return false;
}

/* The facts, chain by chain, as far as a session would go. */
static bool
is_known_by_facts (struct inquiry *inquiry)
{
  const struct auth_policy *policy = &inquiry->policy->auth;
  struct auth *auth = &inquiry->auth;

  for (unsigned i = 0; i < policy->count; i++) {
    const struct auth_chain *chain = &policy->chains[i];
    char name[512];
    enum chain_state state;

    forget_why (auth);
    chain_name (chain, name, sizeof name);
    state = auth_try_chain (&inquiry->session, chain, &auth->talkers[i]);
    auth->chains[i] = state;
    if (state == CHAIN_DONE && is_complete (inquiry, chain)) {
      say ("authentication", "%s: yes", name);
      return true;
    }
    if (state == CHAIN_FAILED)
      say ("authentication", "%s: no%s%s", name, auth->why ? ": " : "",
           auth->why ? auth->why : "");
    else
      say_needs (inquiry, name, state,
                 &chain->methods[auth->talkers[i]]);
  }
  return false;
}

static enum explain_status
ask_outside (struct inquiry *inquiry)
{
  const struct auth_policy *policy = &inquiry->policy->auth;
  bool is_open = false;

  for (unsigned i = 0; i < policy->count; i++) {
    char name[512];

    if (inquiry->auth.chains[i] == CHAIN_FAILED)
      continue;
    is_open = true;
    chain_name (&policy->chains[i], name, sizeof name);
    if (is_assumed_well (inquiry, name, i))
      return ask_entry (inquiry);
  }
  say ("answer", "%s", is_open
       ? "not by these facts alone; method=NAME and user=NAME suppose a yes"
       : "refused");
  return EXPLAIN_REFUSED;
}

static enum explain_status
answer (struct inquiry *inquiry)
{
  if (!is_admitted (inquiry)) {
    say ("answer", "refused");
    return EXPLAIN_REFUSED;
  }
  if (explain_add_facts (&inquiry->session.peer,
                         &inquiry->question->late) == -1) {
    explain_complain ("there are more facts than a peer may have");
    return EXPLAIN_USAGE;
  }
  inquiry->auth.assume = assume;
  if (inquiry->policy->auth.count == 0)
    say ("authentication", "none is asked for");
  else if (!is_known_by_facts (inquiry))
    return ask_outside (inquiry);
  return ask_entry (inquiry);
}

int
explain (struct server *server, const char *text)
{
  struct explain_question question;
  struct inquiry *inquiry = NULL;
  struct listener *listener;
  int status = EXPLAIN_USAGE;

  if (explain_read (&question, text) == 0
      && (listener = find_listener (server, question.listener))
      && (inquiry = calloc (1, sizeof *inquiry))) {
    inquiry->question = &question;
    say_peer (listener, &question.early, &question.late);
    if (begin (inquiry, server, listener) == 0)
      status = answer (inquiry);
    end (inquiry);
    return status;
  }
  explain_free (&question);
  return status;
}
