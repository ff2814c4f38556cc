/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * auth-ssh: who somebody is that sshd let in, by the name that sshd's
 * configuration gives the key, or by the key.  The ssh transport says whose
 * word both are; what a user with a shell claims is not believed.
 */
#include "config.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <virgate/auth.h>

#include "common/cleanup.h"
#include "common/mem.h"

/* Of one section. */
#define ENTRIES_MAX 65536

#define FINGERPRINT_PREFIX "SHA256:"
#define FINGERPRINT_LEN 50      /* with the prefix */

struct key {
  char print[FINGERPRINT_LEN + 1];
  char *name;
};

struct ssh_auth {
  const struct virgate_host *host;
  struct key *keys;             /* sorted by print once ready */
  size_t key_count;
  char **names;                 /* sorted once ready */
  size_t name_count;
  bool everybody;
};

static const struct virgate_option options[] = {
  { "identities", VIRGATE_OPTION_LIST,
    .help = "names that may enter; *, and the default: all that sshd's "
            "configuration or a key here gives" },
  { "key", VIRGATE_OPTION_LIST,
    .help = "fingerprint of a key (SHA256:...), and the name of its owner; "
            "again for each key" },
  { NULL }
};

static int
ssh_open (const struct virgate_host *host, void **inst)
{
  struct ssh_auth *a = calloc (1, sizeof *a);

  if (a == NULL)
    return host->error (host, "out of memory");
  a->host = host;
  *inst = a;
  return 0;
}

static void
ssh_close (void *inst)
{
  struct ssh_auth *a = inst;

  for (size_t i = 0; i < a->key_count; i++)
    free (a->keys[i].name);
  for (size_t i = 0; i < a->name_count; i++)
    free (a->names[i]);
  free (a->keys);
  free (a->names);
  free (a);
}

/* Keys of the config ------------------------------------------------------- */

/* Room for one more; arrays grow to the next power of two. */
static void *
grow (struct ssh_auth *a, void *array, size_t count, size_t size)
{
  if (count == ENTRIES_MAX) {
    a->host->error (a->host, "more than %d entries", ENTRIES_MAX);
    return NULL;
  }
  if (count & (count - 1))
    return array;
  array = reallocarray (array, count ? 2 * count : 1, size);
  if (array == NULL)
    a->host->error (a->host, "out of memory");
  return array;
}

static int
add_name (struct ssh_auth *a, const char *name)
{
  char **names;

  if (strcmp (name, "*") == 0) {
    a->everybody = true;
    return 0;
  }
  names = grow (a, a->names, a->name_count, sizeof *names);
  if (names == NULL)
    return -1;
  a->names = names;
  a->names[a->name_count] = strdup (name);
  if (a->names[a->name_count] == NULL)
    return a->host->error (a->host, "out of memory");
  a->name_count++;
  return 0;
}

static int
add_names (struct ssh_auth *a, char *words)
{
  char *save = NULL;

  for (char *word = strtok_r (words, " \t", &save); word;
       word = strtok_r (NULL, " \t", &save))
    if (add_name (a, word) == -1)
      return -1;
  return 0;
}

static bool
is_fingerprint (const char *text)
{
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t prefix = strlen (FINGERPRINT_PREFIX);

  return strlen (text) == FINGERPRINT_LEN
         && memcmp (text, FINGERPRINT_PREFIX, prefix) == 0
         && strspn (text + prefix, letters) == FINGERPRINT_LEN - prefix;
}

static int
add_key (struct ssh_auth *a, char *words)
{
  char *save = NULL;
  const char *print = strtok_r (words, " \t", &save);
  const char *name = strtok_r (NULL, " \t", &save);
  struct key *keys;

  if (name == NULL || strtok_r (NULL, " \t", &save) || !is_fingerprint (print))
    return a->host->error (a->host, "not a fingerprint, as ssh-keygen -l "
                           "prints it (SHA256: and 43 characters), and a "
                           "name");
  keys = grow (a, a->keys, a->key_count, sizeof *keys);
  if (keys == NULL)
    return -1;
  a->keys = keys;
  memcpy (keys[a->key_count].print, print, FINGERPRINT_LEN + 1);
  keys[a->key_count].name = strdup (name);
  if (keys[a->key_count].name == NULL)
    return a->host->error (a->host, "out of memory");
  a->key_count++;
  return 0;
}

static int
ssh_config (void *inst, const char *key, const char *value)
{
  struct ssh_auth *a = inst;
  CLEANUP_FREE char *copy = strdup (value);

  if (copy == NULL)
    return a->host->error (a->host, "out of memory");
  return strcmp (key, "key") == 0 ? add_key (a, copy) : add_names (a, copy);
}

static int
by_print (const void *one, const void *other)
{
  return strcmp (((const struct key *) one)->print,
                 ((const struct key *) other)->print);
}

static int
by_name (const void *one, const void *other)
{
  return strcmp (*(char *const *) one, *(char *const *) other);
}

static int
ssh_ready (void *inst)
{
  struct ssh_auth *a = inst;

  if (a->name_count == 0)
    a->everybody = true;
  else
    qsort (a->names, a->name_count, sizeof *a->names, by_name);
  if (a->key_count == 0)
    return 0;
  qsort (a->keys, a->key_count, sizeof *a->keys, by_print);
  for (size_t i = 1; i < a->key_count; i++)
    if (by_print (&a->keys[i - 1], &a->keys[i]) == 0)
      return a->host->error (a->host, "the key %s has two names, '%s' and "
                             "'%s'", a->keys[i].print, a->keys[i - 1].name,
                             a->keys[i].name);
  return 0;
}

/* Deciding ----------------------------------------------------------------- */

static bool
is_vouched (const struct virgate_fact *fact)
{
  return fact->vouch != VIRGATE_VOUCH_CLAIM;
}

static const char *
name_of_key (const struct ssh_auth *a, const char *print)
{
  struct key wanted = { .name = NULL };
  const struct key *found;

  if (a->key_count == 0 || strlen (print) != FINGERPRINT_LEN)
    return NULL;
  strcpy (wanted.print, print);
  found = bsearch (&wanted, a->keys, a->key_count, sizeof *a->keys, by_print);
  return found ? found->name : NULL;
}

static bool
may_enter (const struct ssh_auth *a, const char *name)
{
  return a->everybody
         || bsearch (&name, a->names, a->name_count, sizeof *a->names,
                     by_name);
}

static int
enter (const struct ssh_auth *a, const char *name, uint32_t vouch,
       struct virgate_identity *identity)
{
  if (!may_enter (a, name)) {
    a->host->error (a->host, "'%s' is not in identities of [%s]", name,
                    a->host->section);
    return VIRGATE_AUTH_NO;
  }
  return a->host->identity_name (identity, name, vouch) == -1
         ? VIRGATE_AUTH_ERROR : VIRGATE_AUTH_YES;
}

/* Somebody who says who he is, but whom nobody believes. */
static int
disbelieve (const struct ssh_auth *a, const struct virgate_fact *claim)
{
  a->host->error (a->host, "it says that it is '%s', which only a helper of "
                  "the listener's trusted-users can say", claim->str);
  return VIRGATE_AUTH_NO;
}

static int
ssh_decide (void *inst, const struct virgate_peer *peer,
            struct virgate_identity *identity)
{
  const struct ssh_auth *a = inst;
  const struct virgate_host *host = a->host;
  struct virgate_fact named, key;
  const char *name;

  if (host->peer_get (peer, VIRGATE_FACT_SSH_IDENTITY, 0, &named))
    return is_vouched (&named) ? enter (a, named.str, named.vouch, identity)
                               : disbelieve (a, &named);
  if (!host->peer_get (peer, VIRGATE_FACT_SSH_KEY, 0, &key))
    return VIRGATE_AUTH_PASS;
  if (!is_vouched (&key))
    return disbelieve (a, &key);
  name = name_of_key (a, key.str);
  if (name)
    return enter (a, name, key.vouch, identity);
  host->error (host, "the key %s is not in [%s]", key.str, host->section);
  return VIRGATE_AUTH_NO;
}

static const struct virgate_auth_ops ops = {
  .decide = ssh_decide,
};

VIRGATE_MODULE_EXPORT const struct virgate_module virgate_module = {
  VIRGATE_MODULE_HEAD,
  .kind = VIRGATE_KIND_AUTH,
  .ops_size = sizeof ops,
  .name = "ssh",
  .version = PACKAGE_VERSION,
  .summary = "who sshd let in, by key or the name it gives a key",
  .options = options,
  .open = ssh_open,
  .config = ssh_config,
  .ready = ssh_ready,
  .close = ssh_close,
  .ops = &ops,
};
