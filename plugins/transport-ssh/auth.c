/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Logging in: which methods, in which order, and the one message that is
 * needed when nothing helps.  Keys are in auth-keys.c, passwords and what else
 * the server asks in auth-ask.c.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth.h"
#include "common/cleanup.h"
#include "common/mem.h"

void
auth_note (struct auth *a, const char *fmt, ...)
{
  size_t len = strlen (a->tried);
  va_list args;

  if (len > 0)
    len += snprintf (a->tried + len, sizeof a->tried - len, "; ");
  if (len >= sizeof a->tried)
    return;
  va_start (args, fmt);
  vsnprintf (a->tried + len, sizeof a->tried - len, fmt, args);
  va_end (args);
}

bool
auth_wait (struct auth *a)
{
  if (link_wait (a->login->link, a->login->deadline) == 0)
    return true;
  a->is_late = true;
  return false;
}

/* libssh2 says so in many ways; how the socket ended is certain. */
bool
auth_is_gone (const struct auth *a)
{
  return a->login->link->end || a->login->link->is_broken;
}

enum outcome
auth_outcome (struct auth *a, int result)
{
  if (result == 0)
    return LOGGED_IN;
  if (a->is_late || auth_is_gone (a))
    return GIVE_UP;
  a->was_half |= result == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED;
  return GO_ON;
}

char *
auth_ask (struct auth *a, uint32_t kind, const char *prompt)
{
  const struct virgate_host *host = a->login->request->ssh->host;
  char *answer = NULL;

  if (a->login->hop->never_asks || !VIRGATE_HOST_HAS (host, credential)
      || host->credential (host, kind, prompt, NULL, &answer) != 0)
    return NULL;
  return answer;
}

void
auth_forget (struct auth *a, char *secret)
{
  a->login->request->ssh->host->secret_free (secret);
}

void
asking_end (struct auth *a, struct asking *asking)
{
  if (asking->answer)
    auth_forget (a, steal_pointer (&asking->answer));
}

bool
auth_ask_again (struct auth *a, struct asking *asking)
{
  char *answer;
  bool is_new;

  if (asking->tries == AUTH_TRIES)
    return false;
  answer = auth_ask (a, asking->kind, asking->prompt);
  is_new = answer && (asking->answer == NULL
                      || strcmp (answer, asking->answer) != 0);
  asking_end (a, asking);
  asking->answer = answer;
  asking->tries += is_new;
  return is_new;
}

static const struct method {
  const char *word;             /* libvirt's */
  const char *offered;          /* the server's */
  enum outcome (*run) (struct auth *a);
} methods[] = {
  { "agent", "publickey", auth_try_agent },
  { "privkey", "publickey", auth_try_files },
  { "password", "password", auth_try_password },
  { "keyboard-interactive", "keyboard-interactive", auth_try_questions },
};

static bool
is_in_list (const char *list, const char *word, size_t len)
{
  while (*list) {
    size_t n = strcspn (list, ",");

    if (n == len && memcmp (list, word, len) == 0)
      return true;
    list += n + (list[n] == ',');
  }
  return false;
}

static enum outcome
run_methods (struct auth *a)
{
  const char *wanted = a->login->hop->auth;

  while (*wanted) {
    size_t len = strcspn (wanted, ",");

    for (size_t i = 0; i < COUNT_OF (methods); i++) {
      const struct method *method = &methods[i];
      enum outcome outcome;

      if (strlen (method->word) != len
          || memcmp (method->word, wanted, len) != 0
          || !(a->was_half || is_in_list (a->offered, method->offered,
                                          strlen (method->offered))))
        continue;
      outcome = method->run (a);
      if (outcome != GO_ON)
        return outcome;
    }
    wanted += len + (wanted[len] == ',');
  }
  return GO_ON;
}

/* Is a key the first thing to try, and is one named that needs no passphrase?
 */
static bool
is_named_first (const struct auth *a, struct keyfile *key)
{
  const struct hop *hop = a->login->hop;
  const char *order = hop->auth;
  char why[100];

  if (strncmp (order, "agent,", 6) == 0)
    order += 6;
  return strncmp (order, "privkey", 7) == 0 && hop->identities == 1
         && !hop->identities_default
         && keyfile_read (key, hop->identity[0], why, sizeof why) == 0
         && !key->is_encrypted;
}

/* It is most likely the right one, so it is offered before it is asked what
 * the server takes: sshd makes those wait who ask.
 */
static enum outcome
try_named (struct auth *a)
{
  struct keyfile key;

  a->has_tried_named = is_named_first (a, &key);
  if (!a->has_tried_named || !auth_is_usable (a, key.type, key.path))
    return GO_ON;
  return auth_try_file (a, &key);
}

/* Which ways the server offers; asking for it may let us in. */
static enum outcome
ask_offered (struct auth *a)
{
  const char *user = a->login->hop->user;
  char *list;

  while ((list = libssh2_userauth_list (a->session, user, strlen (user)))
         == NULL && libssh2_session_last_errno (a->session)
                    == LIBSSH2_ERROR_EAGAIN)
    if (!auth_wait (a))
      return GIVE_UP;
  if (list == NULL)
    return libssh2_userauth_authenticated (a->session) ? LOGGED_IN : GIVE_UP;
  /* It is libssh2's, and goes with its next message. */
  a->offered = strdup (list);
  return a->offered ? GO_ON : GIVE_UP;
}

static int
check_words (struct login *login)
{
  const char *word = login->hop->auth;

  while (*word) {
    size_t len = strcspn (word, ",");
    bool is_known = false;

    for (size_t i = 0; i < COUNT_OF (methods); i++)
      is_known |= strlen (methods[i].word) == len
                  && memcmp (methods[i].word, word, len) == 0;
    if (!is_known)
      return login_fail (login, "sshauth: '%.*s' is none of agent, privkey, "
                         "password, keyboard-interactive",
                         (int) MIN_OF (len, (size_t) 60), word);
    word += len + (word[len] == ',');
  }
  return 0;
}

static int
refused (struct auth *a)
{
  if (a->is_late)
    return login_late (a->login, "logging in");
  if (a->offered == NULL || auth_is_gone (a))
    return login_fail (a->login, "the host ended the log-in: %s (too many "
                       "keys? IdentitiesOnly or keyfile= limits them)%s%s",
                       a->login->link->end ? a->login->link->end
                                           : link_said (a->login->link),
                       a->tried[0] ? "; tried: " : "", a->tried);
  return login_fail (a->login, "the host does not let %s in; it takes %s.  "
                     "Tried: %s", a->login->hop->user, a->offered,
                     a->tried[0] ? a->tried : "nothing, because sshauth has "
                                              "none of these");
}

int
auth_log_in (struct login *login)
{
  struct auth a = { .login = login, .session = login->link->session };
  enum outcome outcome;

  if (check_words (login) == -1)
    return -1;
  login->link->auth = &a;
  outcome = try_named (&a);
  if (outcome == GO_ON)
    outcome = ask_offered (&a);
  if (outcome == GO_ON)
    outcome = run_methods (&a);
  login->link->auth = NULL;
  if (outcome != LOGGED_IN)
    refused (&a);
  free ((char *) a.offered);
  return outcome == LOGGED_IN ? 0 : -1;
}
