/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Logging in with keys: the agent's and those in files.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "agent.h"
#include "auth.h"
#include "common/cleanup.h"

/* Flags of the agent's protocol. */
#define SIGN_SHA256 2
#define SIGN_SHA512 4

bool
auth_is_usable (struct auth *a, const char *type, const char *name)
{
  if (strncmp (type, "sk-", 3) == 0)
    auth_note (a, "%s: a hardware key, which only backend=openssh can use",
               name);
  else if (strstr (type, "-cert-v01@"))
    auth_note (a, "%s: a certificate, which only backend=openssh can use",
               name);
  else if (strcmp (type, "ssh-rsa") == 0
           && libssh2_version (RSA_SHA2_VERSION) == NULL)
    auth_note (a, "%s: an RSA key, passed over: libssh2 %s would sign with "
               "SHA-1, which servers refuse; write backend=openssh", name,
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
    if (!auth_wait (a))
      break;
  if (result == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED && !auth_is_gone (a))
    auth_note (a, "the agent's key %s: accepted, but the agent did not sign, "
               "or the server wants more", key->comment);
  return auth_outcome (a, result);
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
          || !auth_is_usable (a, key->type, key->comment))
        continue;
      outcome = try_agent_key (a, key);
      if (outcome != GO_ON)
        return outcome;
      refused++;
    }
  if (a->agent->count == 0)
    auth_note (a, "the agent has no keys (ssh-add adds one)");
  else if (refused > 0 || only)
    auth_note (a, "the agent: the server takes none of %d key%s%s", refused,
               refused == 1 ? "" : "s", only ? ", IdentitiesOnly" : "");
  return GO_ON;
}

enum outcome
auth_try_agent (struct auth *a)
{
  const struct hop *hop = a->login->hop;
  struct agent agent;
  enum outcome outcome;
  char why[100];

  if (hop->agent == NULL) {
    auth_note (a, "no agent: %s", hop->agent_why);
    return GO_ON;
  }
  if (agent_open (&agent, hop->agent, a->login->deadline, why, sizeof why)
      == -1) {
    auth_note (a, "no agent at %s: %s", hop->agent, why);
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
    if (!auth_wait (a))
      return GIVE_UP;
  return auth_is_gone (a) ? GIVE_UP : GO_ON;
}

static int
try_file (struct auth *a, const struct keyfile *key, const char *passphrase)
{
  const char *user = a->login->hop->user;
  int result;

  while ((result = libssh2_userauth_publickey_fromfile_ex (
            a->session, user, strlen (user), NULL, key->path, passphrase))
         == LIBSSH2_ERROR_EAGAIN)
    if (!auth_wait (a))
      break;
  return result;
}

static enum outcome
try_encrypted (struct auth *a, const struct keyfile *key)
{
  struct asking asking = { VIRGATE_CRED_PASSPHRASE };
  CLEANUP_FREE char *prompt = NULL;
  enum outcome outcome = GO_ON;
  int result = LIBSSH2_ERROR_FILE;

  if (asprintf (&prompt, "Passphrase for the key %s: ", key->path) == -1) {
    prompt = NULL;
    return GO_ON;
  }
  asking.prompt = prompt;
  while (result == LIBSSH2_ERROR_FILE && auth_ask_again (a, &asking)) {
    result = try_file (a, key, asking.answer);
    outcome = auth_outcome (a, result);
  }
  asking_end (a, &asking);
  if (asking.tries == 0)
    auth_note (a, "%s: it has a passphrase, and there is nobody to ask "
               "(ssh-add puts it into the agent)", key->path);
  else if (result == LIBSSH2_ERROR_FILE)
    auth_note (a, "%s: wrong passphrase", key->path);
  else if (outcome == GO_ON)
    auth_note (a, "%s: the server does not take it", key->path);
  return outcome;
}

enum outcome
auth_try_file (struct auth *a, const struct keyfile *key)
{
  int result = try_file (a, key, NULL);

  if (result == LIBSSH2_ERROR_FILE)
    auth_note (a, "%s: libssh2 %s cannot read this format; write "
               "backend=openssh", key->path, libssh2_version (0));
  else if (result == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED)
    auth_note (a, "%s: the server wants more than this key", key->path);
  else if (result != 0)
    auth_note (a, "%s: the server does not take it (is it in authorized_keys?)",
               key->path);
  return auth_outcome (a, result);
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
      auth_note (a, "%s: there is no such file", path);
    return GO_ON;
  }
  if (result == -1) {
    auth_note (a, "%s: %s", path, why);
    return GO_ON;
  }
  if (!auth_is_usable (a, key.type, path))
    return GO_ON;
  if (!key.is_encrypted)
    return auth_try_file (a, &key);
  if (key.blob_len > 0 && ask_server (a, &key, &is_wanted) == GIVE_UP)
    return GIVE_UP;
  if (is_wanted)
    return try_encrypted (a, &key);
  auth_note (a, "%s: the server does not take it", path);
  return GO_ON;
}

enum outcome
auth_try_files (struct auth *a)
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
    auth_note (a, "there is no key in ~/.ssh");
  return GO_ON;
}
