/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading the words of --explain; see explain-words.h.  Facts are stated as
 * the project's transports would, with the same vouching.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "common/uuid.h"
#include "common/words.h"
#include "daemon/explain-words.h"

/* Groups of one user that are looked up. */
#define GROUPS_MAX 256

#define CLAIM_PREFIX "claim:"

/* One word while it is read. */
struct word {
  struct explain_question *question;
  const struct key *key;
  const char *value;
  struct virgate_peer *peer;    /* that the fact is for */
  uint32_t vouch;
};

struct key {
  const char *name;
  int (*read) (const struct word *word);
  uint32_t vouch;               /* of facts; 0: it is none */
  bool is_early;
  size_t at;                    /* of a member of the question */
};

int
explain_complain (const char *fmt, ...)
{
  va_list args;

  fputs ("virgated: --explain: ", stderr);
  va_start (args, fmt);
  vfprintf (stderr, fmt, args);
  va_end (args);
  fputs ("\n", stderr);
  return -1;
}

static int
stated (int result)
{
  return result == 0 ? 0
         : explain_complain ("there are more facts than a peer may have");
}

/* Facts ------------------------------------------------------------------ */

static int
read_string (const struct word *word)
{
  return stated (peer_string (word->peer, word->key->name, word->vouch,
                              word->value));
}

static bool
to_number (const char *text, uint64_t *number)
{
  char *end;

  errno = 0;
  *number = strtoull (text, &end, 10);
  return errno == 0 && *end == '\0' && *text >= '0' && *text <= '9';
}

static int
read_number (const struct word *word)
{
  uint64_t number;

  if (!to_number (word->value, &number))
    return explain_complain ("%s: '%s' is not a number", word->key->name,
                     word->value);
  return stated (peer_number (word->peer, word->key->name, word->vouch,
                              number));
}

/* The address of a peer; a port or an interface plays no part. */
static int
read_address (const struct word *word)
{
  struct sockaddr_in in = { .sin_family = AF_INET };
  struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
  CLEANUP_FREE char *text = strdup (word->value);

  if (text == NULL)
    return explain_complain ("out of memory");
  text[strcspn (text, "%")] = '\0';
  if (inet_pton (AF_INET, text, &in.sin_addr) == 1)
    return stated (peer_address (word->peer, word->key->name, word->vouch,
                                 &in, sizeof in));
  if (inet_pton (AF_INET6, text, &in6.sin6_addr) == 1)
    return stated (peer_address (word->peer, word->key->name, word->vouch,
                                 &in6, sizeof in6));
  return explain_complain ("%s: '%s' is not an address", word->key->name,
                   word->value);
}

static int
read_uid (const struct word *word)
{
  const struct passwd *pw = NULL;
  uint64_t uid;

  if (!to_number (word->value, &uid)) {
    pw = getpwnam (word->value);
    if (pw == NULL)
      return explain_complain ("uid: there is no user '%s' on this host",
                       word->value);
    uid = pw->pw_uid;
  }
  return stated (peer_number (word->peer, VIRGATE_FACT_UID, word->vouch,
                              uid));
}

static int
read_gid (const struct word *word)
{
  const struct group *gr;
  uint64_t gid;

  if (!to_number (word->value, &gid)) {
    gr = getgrnam (word->value);
    if (gr == NULL)
      return explain_complain ("gid: there is no group '%s' on this host",
                       word->value);
    gid = gr->gr_gid;
  }
  return stated (peer_number (word->peer, VIRGATE_FACT_GID, word->vouch,
                              gid));
}

/* Other words ------------------------------------------------------------ */

/* The member of the question that the key is for. */
static void *
member_of (const struct word *word)
{
  return (char *) word->question + word->key->at;
}

static int
read_once (const struct word *word)
{
  char **to = member_of (word);

  if (*to)
    return explain_complain ("%s is given twice", word->key->name);
  *to = strdup (word->value);
  return *to ? 0 : explain_complain ("out of memory");
}

static int
read_more (const struct word *word)
{
  struct words *words = member_of (word);

  if (words->count == EXPLAIN_WORDS_MAX)
    return explain_complain ("too many words %s", word->key->name);
  words->word[words->count] = strdup (word->value);
  return words->word[words->count++] ? 0 : explain_complain ("out of memory");
}

/* Objects ---------------------------------------------------------------- */

/* The last one of the kind, if it has no name, or no uuid, yet; or another
 * one.  NULL after saying that there are too many.
 */
static struct explain_object *
find_object (struct explain_question *question, const char *kind, bool by_uuid)
{
  struct explain_object *object;

  for (unsigned i = question->object_count; i-- > 0; ) {
    object = &question->objects[i];
    if (strcmp (object->kind, kind) == 0
        && !(by_uuid ? object->has_uuid : object->name != NULL))
      return object;
  }
  if (question->object_count == OBJECTS_MAX) {
    explain_complain ("there are more objects than a call has");
    return NULL;
  }
  object = &question->objects[question->object_count++];
  object->kind = kind;
  return object;
}

/* The other name that rules have for a kind. */
static const char *
kind_of (const char *key)
{
  return strcmp (key, "pool") == 0 ? "storage_pool"
         : strcmp (key, "vol") == 0 ? "storage_vol" : key;
}

/* "domain=NAME"; "storage_vol=POOL/NAME". */
static int
read_object (const struct word *word)
{
  const char *kind = kind_of (word->key->name), *name = word->value;
  const char *slash = strcmp (kind, "storage_vol") == 0 ? strchr (name, '/')
                                                        : NULL;
  struct explain_object *object = find_object (word->question, kind, false);

  if (object == NULL)
    return -1;
  if (slash) {
    object->parent = strndup (name, slash - name);
    if (object->parent == NULL)
      return explain_complain ("out of memory");
    name = slash + 1;
  }
  object->name = strdup (name);
  return object->name ? 0 : explain_complain ("out of memory");
}

/* Kinds that have uuids, by their keys. */
static const struct {
  const char *key, *kind;
} uuid_keys[] = {
  { "domain-uuid", "domain" }, { "network-uuid", "network" },
  { "network_port-uuid", "network_port" }, { "nwfilter-uuid", "nwfilter" },
  { "secret-uuid", "secret" }, { "storage_pool-uuid", "storage_pool" },
  { "pool-uuid", "storage_pool" },
};

static int
read_uuid (const struct word *word)
{
  struct explain_object *object = NULL;

  for (size_t i = 0; i < COUNT_OF (uuid_keys); i++)
    if (strcmp (uuid_keys[i].key, word->key->name) == 0)
      object = find_object (word->question, uuid_keys[i].kind, true);
  if (object == NULL)
    return -1;
  object->has_uuid = uuid_parse (word->value, object->uuid);
  return object->has_uuid ? 0 : explain_complain ("%s: '%s' is no uuid",
                                          word->key->name, word->value);
}

#define MEMBER(name) offsetof (struct explain_question, name)

static const struct key keys[] = {
  { "listener", read_once, 0, true, MEMBER (listener) },
  { VIRGATE_FACT_REMOTE, read_address, VIRGATE_VOUCH_KERNEL, true },
  { VIRGATE_FACT_LOCAL, read_address, VIRGATE_VOUCH_KERNEL, true },
  { VIRGATE_FACT_PATH, read_string, VIRGATE_VOUCH_KERNEL, true },
  { VIRGATE_FACT_UID, read_uid, VIRGATE_VOUCH_KERNEL, true },
  { VIRGATE_FACT_GID, read_gid, VIRGATE_VOUCH_KERNEL, true },
  { VIRGATE_FACT_PID, read_number, VIRGATE_VOUCH_KERNEL, true },
  { VIRGATE_FACT_X509_DN, read_string, VIRGATE_VOUCH_CERTIFICATE, false },
  { VIRGATE_FACT_X509_ISSUER, read_string, VIRGATE_VOUCH_CERTIFICATE, false },
  { VIRGATE_FACT_X509_SAN, read_string, VIRGATE_VOUCH_CERTIFICATE, false },
  { VIRGATE_FACT_X509_SERIAL, read_string, VIRGATE_VOUCH_CERTIFICATE, false },
  { VIRGATE_FACT_X509_FINGERPRINT, read_string, VIRGATE_VOUCH_CERTIFICATE,
    false },
  { VIRGATE_FACT_X509_VERDICT, read_string, VIRGATE_VOUCH_CERTIFICATE,
    false },
  { VIRGATE_FACT_TLS_VERSION, read_string, VIRGATE_VOUCH_EXCHANGE, false },
  { VIRGATE_FACT_TLS_KEY_BITS, read_number, VIRGATE_VOUCH_EXCHANGE, false },
  { VIRGATE_FACT_SSH_USER, read_string, VIRGATE_VOUCH_EXCHANGE, false },
  { VIRGATE_FACT_SSH_KEY, read_string, VIRGATE_VOUCH_EXCHANGE, false },
  { VIRGATE_FACT_SSH_IDENTITY, read_string, VIRGATE_VOUCH_EXCHANGE, false },
  { VIRGATE_FACT_READ_ONLY, read_number, VIRGATE_VOUCH_EXCHANGE, false },
  { "call", read_once, 0, false, MEMBER (call) },
  { "xml", read_once, 0, false, MEMBER (xml) },
  { "flags", read_once, 0, false, MEMBER (flags) },
  { "source", read_once, 0, false, MEMBER (source) },
  { "domain", read_object, 0, false },
  { "domain-uuid", read_uuid, 0, false },
  { "interface", read_object, 0, false },
  { "network", read_object, 0, false },
  { "network-uuid", read_uuid, 0, false },
  { "network_port-uuid", read_uuid, 0, false },
  { "node_device", read_object, 0, false },
  { "nwfilter", read_object, 0, false },
  { "nwfilter-uuid", read_uuid, 0, false },
  { "nwfilter_binding", read_object, 0, false },
  { "secret", read_object, 0, false },
  { "secret-uuid", read_uuid, 0, false },
  { "storage_pool", read_object, 0, false },
  { "storage_pool-uuid", read_uuid, 0, false },
  { "pool", read_object, 0, false },
  { "pool-uuid", read_uuid, 0, false },
  { "storage_vol", read_object, 0, false },
  { "vol", read_object, 0, false },
  { "user", read_once, 0, false, MEMBER (user) },
  { "group", read_more, 0, false, MEMBER (groups) },
  { "method", read_more, 0, false, MEMBER (methods) },
};

/* "mine.colour": a fact of some other module's. */
static const struct key foreign = {
  NULL, read_string, VIRGATE_VOUCH_EXCHANGE, false,
};

static int
unknown_key (const char *name)
{
  fprintf (stderr, "virgated: --explain: '%s' is no key; there are", name);
  for (size_t i = 0; i < COUNT_OF (keys); i++)
    fprintf (stderr, "%s %s", i ? "," : "", keys[i].name);
  fputs (", and MODULE.KEY\n", stderr);
  return -1;
}

static int
read_word (struct explain_question *question, char *text)
{
  bool is_claim = strncmp (text, CLAIM_PREFIX, strlen (CLAIM_PREFIX)) == 0;
  char *name = text + (is_claim ? strlen (CLAIM_PREFIX) : 0);
  char *equals = strchr (name, '=');
  const struct key *key = NULL;
  struct key other = foreign;

  if (equals == NULL || equals[1] == '\0')
    return explain_complain ("'%s' is not KEY=VALUE", text);
  *equals = '\0';
  for (size_t i = 0; i < COUNT_OF (keys); i++)
    if (strcmp (keys[i].name, name) == 0)
      key = &keys[i];
  if (key == NULL && strchr (name, '.')) {
    other.name = name;
    key = &other;
  }
  if (key == NULL)
    return unknown_key (name);
  if (is_claim && key->vouch == 0)
    return explain_complain ("%s is no fact that somebody could claim", name);
  return key->read (&(struct word) {
    question, key, equals + 1,
    key->is_early && !is_claim ? &question->early : &question->late,
    is_claim ? VIRGATE_VOUCH_CLAIM : key->vouch,
  });
}

/* Without a gid, those that the kernel would tell with the uid. */
static int
add_groups (struct virgate_peer *peer)
{
  gid_t groups[GROUPS_MAX];
  int count = GROUPS_MAX;
  struct virgate_fact fact;
  const struct passwd *pw;

  if (!peer_get (peer, VIRGATE_FACT_UID, 0, &fact)
      || peer_get (peer, VIRGATE_FACT_GID, 0, &fact))
    return 0;
  pw = getpwuid (fact.num);
  if (pw == NULL)
    return 0;
  if (getgrouplist (pw->pw_name, pw->pw_gid, groups, &count) == -1)
    count = GROUPS_MAX;
  for (int i = 0; i < count; i++)
    if (stated (peer_number (peer, VIRGATE_FACT_GID, VIRGATE_VOUCH_KERNEL,
                             groups[i])) == -1)
      return -1;
  return 0;
}

int
explain_read (struct explain_question *question, const char *text)
{
  char word[PEER_MAX];
  const char *why = NULL;
  int more;

  memset (question, 0, sizeof *question);
  while ((more = word_next (&text, " \t\n", word, sizeof word, &why)) == 1)
    if (read_word (question, word) == -1)
      return -1;
  return more == 0 ? add_groups (&question->early)
                   : explain_complain ("%s", why);
}

static void
free_words (struct words *words)
{
  for (unsigned i = 0; i < words->count; i++)
    free (words->word[i]);
}

void
explain_free (struct explain_question *question)
{
  free (question->listener);
  free (question->user);
  free (question->call);
  free (question->xml);
  free (question->flags);
  free (question->source);
  for (unsigned i = 0; i < question->object_count; i++) {
    free (question->objects[i].name);
    free (question->objects[i].parent);
  }
  free_words (&question->groups);
  free_words (&question->methods);
  peer_free (&question->early);
  peer_free (&question->late);
}

static int
add_fact (struct virgate_peer *to, const struct virgate_fact *fact)
{
  struct sockaddr_in in = { .sin_family = AF_INET };
  struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

  if (fact->type == VIRGATE_FACT_STRING)
    return peer_string (to, fact->key, fact->vouch, fact->str);
  if (fact->type == VIRGATE_FACT_NUMBER)
    return peer_number (to, fact->key, fact->vouch, fact->num);
  if (fact->addr_len == 4) {
    memcpy (&in.sin_addr, fact->addr, 4);
    return peer_address (to, fact->key, fact->vouch, &in, sizeof in);
  }
  memcpy (&in6.sin6_addr, fact->addr, 16);
  return peer_address (to, fact->key, fact->vouch, &in6, sizeof in6);
}

int
explain_add_facts (struct virgate_peer *to, const struct virgate_peer *from)
{
  struct virgate_fact fact;

  for (uint32_t n = 0; peer_get (from, NULL, n, &fact); n++)
    if (add_fact (to, &fact) == -1)
      return -1;
  return 0;
}
