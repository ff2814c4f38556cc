/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Logging in: the agent's keys, files of keys, a password, and whatever else
 * the server asks.  What was tried, and what was passed over and why, is kept
 * for the one message that is needed when nothing helps.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "common/cleanup.h"
#include "common/mem.h"
#include "keyfile.h"
#include "link.h"

#define QUESTIONS_MAX 20        /* in one conversation */
#define TRIES 3                 /* of a passphrase or a password */

/* Flags of the agent's protocol. */
#define SIGN_SHA256 2
#define SIGN_SHA512 4

struct auth {
  struct login *login;
  LIBSSH2_SESSION *session;
  const char *offered;          /* the server's list */
  bool was_half;                /* a key was good, but not enough */
  bool has_tried_named;         /* the one key that is named */
  bool is_late;
  char tried[640];              /* "the agent: ...; /a/key: ..." */

  /* While the agent signs. */
  struct agent *agent;
  const struct agent_key *key;

  /* While the server asks. */
  int questions;
  bool was_asked, got_none;
};

enum outcome { LOGGED_IN, GO_ON, GIVE_UP };

static void note (struct auth *a, const char *fmt, ...) VIRGATE_PRINTF (2, 3);

static void
note (struct auth *a, const char *fmt, ...)
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

/* Wait, after libssh2 said EAGAIN.  False when time is up. */
static bool
wait_on (struct auth *a)
{
  if (link_wait (a->login->link, a->login->deadline) == 0)
    return true;
  a->is_late = true;
  return false;
}

/* libssh2 says so in many ways; how the socket ended is certain. */
static bool
is_gone (const struct auth *a)
{
  return a->login->link->end || a->login->link->is_broken;
}

static enum outcome
outcome_of (struct auth *a, int result)
{
  if (result == 0)
    return LOGGED_IN;
  if (a->is_late || is_gone (a))
    return GIVE_UP;
  a->was_half |= result == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED;
  return GO_ON;
}

/* Ask whoever runs the program.  NULL when there is nobody, or no answer. */
static char *
ask (struct auth *a, uint32_t kind, const char *prompt)
{
  const struct virgate_host *host = a->login->request->ssh->host;
  char *answer = NULL;

  if (a->login->hop->never_asks || !VIRGATE_HOST_HAS (host, credential)
      || host->credential (host, kind, prompt, NULL, &answer) != 0)
    return NULL;
  return answer;
}

static void
forget (struct auth *a, char *secret)
{
  a->login->request->ssh->host->secret_free (secret);
}

/* Can libssh2 sign with this kind of key?  Says why not. */
static bool
is_usable (struct auth *a, const char *type, const char *name)
{
  if (strncmp (type, "sk-", 3) == 0)
    note (a, "%s: a hardware key, which only backend=openssh can use", name);
  else if (strstr (type, "-cert-v01@"))
    note (a, "%s: a certificate, which only backend=openssh can use", name);
  else if (strcmp (type, "ssh-rsa") == 0
           && libssh2_version (RSA_SHA2_VERSION) == NULL)
    note (a, "%s: an RSA key, passed over: libssh2 %s would sign with SHA-1, "
          "which servers refuse; write backend=openssh", name,
          libssh2_version (0));
  else
    return true;
  return false;
}

/* The agent ---------------------------------------------------------------- */

/* What is to be signed names the algorithm, after the session, the user, the
 * service, the method and two bytes.
 */
static uint32_t
flags_for (const unsigned char *data, size_t len)
{
  static const char sha256[] = "rsa-sha2-256", sha512[] = "rsa-sha2-512";

  if (memmem (data, len, sha512, sizeof sha512 - 1))
    return SIGN_SHA512;
  return memmem (data, len, sha256, sizeof sha256 - 1) ? SIGN_SHA256 : 0;
}

static int
sign (LIBSSH2_SESSION *session, unsigned char **sig, size_t *sig_len,
      const unsigned char *data, size_t data_len, void **abstract)
{
  struct auth *a = *abstract;

  return agent_sign (a->agent, a->key, data, data_len,
                     strcmp (a->key->type, "ssh-rsa") == 0
                     ? flags_for (data, data_len) : 0, sig, sig_len);
}

static enum outcome
try_agent_key (struct auth *a, const struct agent_key *key)
{
  void *self = a;
  int result;

  a->key = key;
  while ((result = libssh2_userauth_publickey (
            a->session, a->login->hop->user, key->blob, key->len, sign,
            &self)) == LIBSSH2_ERROR_EAGAIN)
    if (!wait_on (a))
      break;
  if (result == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED && !is_gone (a))
    note (a, "the agent's key %s: accepted, but the agent did not sign, or "
          "the server wants more", key->comment);
  return outcome_of (a, result);
}

/* Is it one of the files that are named? */
static bool
is_named (const struct auth *a, const struct agent_key *key)
{
  const struct hop *hop = a->login->hop;
  char why[100];

  for (int i = 0; i < hop->identities; i++) {
    struct keyfile file;

    if (keyfile_read (&file, hop->identity[i], why, sizeof why) != 1
        && file.blob_len == key->len
        && memcmp (file.blob, key->blob, key->len) == 0)
      return true;
  }
  return false;
}

/* Named keys first: servers count attempts. */
static enum outcome
try_agent_keys (struct auth *a)
{
  bool only = a->login->hop->identities_only;
  int refused = 0;

  for (int round = 0; round < (only ? 1 : 2); round++)
    for (int i = 0; i < a->agent->count; i++) {
      const struct agent_key *key = &a->agent->keys[i];
      enum outcome outcome;

      if (is_named (a, key) != (round == 0)
          || (round == 0 && a->has_tried_named)
          || !is_usable (a, key->type, key->comment))
        continue;
      outcome = try_agent_key (a, key);
      if (outcome != GO_ON)
        return outcome;
      refused++;
    }
  if (a->agent->count == 0)
    note (a, "the agent has no keys (ssh-add adds one)");
  else if (refused > 0 || only)
    note (a, "the agent: the server takes none of %d key%s%s", refused,
          refused == 1 ? "" : "s", only ? ", IdentitiesOnly" : "");
  return GO_ON;
}

static enum outcome
try_agent (struct auth *a)
{
  const struct hop *hop = a->login->hop;
  struct agent agent;
  enum outcome outcome;
  char why[100];

  if (hop->agent == NULL) {
    note (a, "no agent: %s", hop->agent_why);
    return GO_ON;
  }
  if (agent_open (&agent, hop->agent, a->login->deadline, why, sizeof why)
      == -1) {
    note (a, "no agent at %s: %s", hop->agent, why);
    return GO_ON;
  }
  a->agent = &agent;
  outcome = try_agent_keys (a);
  agent_close (&agent);
  a->agent = NULL;
  return outcome;
}

/* Files -------------------------------------------------------------------- */

static int
refuse_to_sign (LIBSSH2_SESSION *session, unsigned char **sig,
                size_t *sig_len, const unsigned char *data, size_t data_len,
                void **abstract)
{
  **(bool **) abstract = true;
  return -1;
}

/* Would the server take it?  Nobody is asked for a passphrase in vain. */
static enum outcome
ask_server (struct auth *a, const struct keyfile *key, bool *is_wanted)
{
  void *wanted = is_wanted;
  int result;

  *is_wanted = false;
  while ((result = libssh2_userauth_publickey (
            a->session, a->login->hop->user, key->blob, key->blob_len,
            refuse_to_sign, &wanted)) == LIBSSH2_ERROR_EAGAIN)
    if (!wait_on (a))
      return GIVE_UP;
  return is_gone (a) ? GIVE_UP : GO_ON;
}

static int
try_file (struct auth *a, const struct keyfile *key, const char *passphrase)
{
  const char *user = a->login->hop->user;
  int result;

  while ((result = libssh2_userauth_publickey_fromfile_ex (
            a->session, user, strlen (user), NULL, key->path, passphrase))
         == LIBSSH2_ERROR_EAGAIN)
    if (!wait_on (a))
      break;
  return result;
}

/* A passphrase that was given twice is the one that was meant. */
static enum outcome
try_encrypted (struct auth *a, const struct keyfile *key)
{
  CLEANUP_FREE char *prompt = NULL;
  char *last = NULL;
  enum outcome outcome = GO_ON;
  int tries = 0, result = LIBSSH2_ERROR_FILE;

  if (asprintf (&prompt, "Passphrase for the key %s: ", key->path) == -1) {
    prompt = NULL;
    return GO_ON;
  }
  while (tries < TRIES && result == LIBSSH2_ERROR_FILE) {
    char *passphrase = ask (a, VIRGATE_CRED_PASSPHRASE, prompt);
    bool same = passphrase && last && strcmp (passphrase, last) == 0;

    if (last)
      forget (a, last);
    last = passphrase;
    if (passphrase == NULL || same)
      break;
    tries++;
    result = try_file (a, key, passphrase);
    outcome = outcome_of (a, result);
  }
  if (last)
    forget (a, last);
  if (tries == 0)
    note (a, "%s: it has a passphrase, and there is nobody to ask (ssh-add "
          "puts it into the agent)", key->path);
  else if (result == LIBSSH2_ERROR_FILE)
    note (a, "%s: wrong passphrase", key->path);
  else if (outcome == GO_ON)
    note (a, "%s: the server does not take it", key->path);
  return outcome;
}

static enum outcome
try_plain (struct auth *a, const struct keyfile *key)
{
  int result = try_file (a, key, NULL);

  if (result == LIBSSH2_ERROR_FILE)
    note (a, "%s: libssh2 %s cannot read this format; write backend=openssh",
          key->path, libssh2_version (0));
  else if (result == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED)
    note (a, "%s: the server wants more than this key", key->path);
  else if (result != 0)
    note (a, "%s: the server does not take it (is it in authorized_keys?)",
          key->path);
  return outcome_of (a, result);
}

static enum outcome
try_path (struct auth *a, const char *path)
{
  struct keyfile key;
  char why[100];
  bool is_wanted = true;
  int result = keyfile_read (&key, path, why, sizeof why);

  if (result == 1) {
    if (!a->login->hop->identities_default)
      note (a, "%s: there is no such file", path);
    return GO_ON;
  }
  if (result == -1) {
    note (a, "%s: %s", path, why);
    return GO_ON;
  }
  if (!is_usable (a, key.type, path))
    return GO_ON;
  if (!key.is_encrypted)
    return try_plain (a, &key);
  if (key.blob_len > 0 && ask_server (a, &key, &is_wanted) == GIVE_UP)
    return GIVE_UP;
  if (is_wanted)
    return try_encrypted (a, &key);
  note (a, "%s: the server does not take it", path);
  return GO_ON;
}

static enum outcome
try_files (struct auth *a)
{
  const struct hop *hop = a->login->hop;
  size_t before = strlen (a->tried);

  if (a->has_tried_named)
    return GO_ON;
  for (int i = 0; i < hop->identities; i++) {
    enum outcome outcome = try_path (a, hop->identity[i]);

    if (outcome != GO_ON)
      return outcome;
  }
  if (strlen (a->tried) == before)
    note (a, "there is no key in ~/.ssh");
  return GO_ON;
}

/* Questions ---------------------------------------------------------------- */

static enum outcome
try_password (struct auth *a)
{
  const struct hop *hop = a->login->hop;
  char prompt[400], *last = NULL;
  enum outcome outcome = GO_ON;
  int tries = 0;

  snprintf (prompt, sizeof prompt, "%.100s@%.200s's password: ", hop->user,
            hop->original);
  while (tries < TRIES && outcome == GO_ON) {
    char *password = ask (a, VIRGATE_CRED_PASSWORD, prompt);
    bool same = password && last && strcmp (password, last) == 0;
    int result;

    if (last)
      forget (a, last);
    last = password;
    if (password == NULL || same)
      break;
    tries++;
    while ((result = libssh2_userauth_password_ex (
              a->session, hop->user, strlen (hop->user), password,
              strlen (password), NULL)) == LIBSSH2_ERROR_EAGAIN)
      if (!wait_on (a))
        break;
    outcome = outcome_of (a, result);
  }
  if (last)
    forget (a, last);
  if (outcome == GO_ON)
    note (a, tries ? "password: it is wrong" : "password: there is nobody to "
          "ask");
  return outcome;
}

/* One question of the server's; false ends the conversation. */
static bool
answer_one (struct auth *a, const LIBSSH2_USERAUTH_KBDINT_PROMPT *question,
            LIBSSH2_USERAUTH_KBDINT_RESPONSE *response)
{
  char prompt[512];
  char *answer;

  answer_quote ((const char *) question->text, question->length, prompt,
                sizeof prompt);
  a->was_asked = true;
  if (a->questions++ >= QUESTIONS_MAX)
    return false;
  answer = ask (a, question->echo ? VIRGATE_CRED_ECHO_PROMPT
                                  : VIRGATE_CRED_NOECHO_PROMPT, prompt);
  if (answer == NULL)
    return false;
  response->text = strdup (answer);     /* libssh2 frees it */
  response->length = response->text ? strlen (answer) : 0;
  forget (a, answer);
  return response->text != NULL;
}

static void
answer_all (const char *name, int name_len, const char *instruction,
            int instruction_len, int count,
            const LIBSSH2_USERAUTH_KBDINT_PROMPT *questions,
            LIBSSH2_USERAUTH_KBDINT_RESPONSE *responses, void **abstract)
{
  struct link *link = *abstract;
  struct auth *a = link->auth;

  for (int i = 0; i < count && !a->got_none; i++)
    a->got_none = !answer_one (a, &questions[i], &responses[i]);
}

static enum outcome
try_questions (struct auth *a)
{
  const char *user = a->login->hop->user;
  enum outcome outcome = GO_ON;

  for (int tries = 0; tries < TRIES && outcome == GO_ON && !a->got_none;
       tries++) {
    int result;

    a->was_asked = false;
    while ((result = libssh2_userauth_keyboard_interactive_ex (
              a->session, user, strlen (user), answer_all))
           == LIBSSH2_ERROR_EAGAIN)
      if (!wait_on (a))
        break;
    outcome = outcome_of (a, result);
    if (!a->was_asked)
      break;
  }
  if (outcome == GO_ON)
    note (a, a->got_none ? "keyboard-interactive: there is nobody to ask"
             : "keyboard-interactive: the answers are wrong");
  return outcome;
}

/* All of them -------------------------------------------------------------- */

static const struct method {
  const char *word;             /* libvirt's */
  const char *offered;          /* the server's */
  enum outcome (*run) (struct auth *a);
} methods[] = {
  { "agent", "publickey", try_agent },
  { "privkey", "publickey", try_files },
  { "password", "password", try_password },
  { "keyboard-interactive", "keyboard-interactive", try_questions },
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
  if (!a->has_tried_named || !is_usable (a, key.type, key.path))
    return GO_ON;
  return try_plain (a, &key);
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
    if (!wait_on (a))
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
  if (a->offered == NULL || is_gone (a))
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
