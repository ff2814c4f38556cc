/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading and judging conditions; see ip-cond.h.
 */
#include "config.h"

#include <errno.h>
#include <fnmatch.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/dn.h"
#include "common/mem.h"
#include "common/similar.h"
#include "ip-cond.h"

/* Bytes of one pattern. */
#define PATTERN_MAX 512

/* One kind of condition. */
struct ip_key {
  const char *name;
  int (*read) (struct ip_cond *cond, const char *value, char *why,
               size_t size);
  bool (*compare) (const struct ip_cond *cond, const char *str,
                   uint64_t number);
  const char *fact;             /* NULL: of the identity */
  uint32_t identity;            /* enum virgate_identity_kind */
  uint32_t worst;               /* enum virgate_vouch that is good enough */
  bool is_early;                /* known when a connection was accepted */
  uint32_t about;               /* enum virgate_configured, or 0 */
};

/* Reading ---------------------------------------------------------------- */

static int
read_pattern (struct ip_cond *cond, const char *value, char *why, size_t size)
{
  if (*value == '\0' || strlen (value) >= PATTERN_MAX)
    return ip_complain (why, size, "%s", *value
                        ? "the pattern is too long" : "a pattern is wanted");
  cond->pattern = strdup (value);
  return cond->pattern ? 0 : ip_complain (why, size, "%s", "out of memory");
}

/* Fingerprints may be written with colons and in capitals. */
static int
read_fingerprint (struct ip_cond *cond, const char *value, char *why,
                  size_t size)
{
  char *to;

  if (read_pattern (cond, value, why, size) == -1)
    return -1;
  to = cond->pattern;
  for (const char *from = to; *from; from++)
    if (*from != ':')
      *to++ = *from >= 'A' && *from <= 'F' ? *from + 32 : *from;
  *to = '\0';
  if (strspn (cond->pattern, "0123456789abcdef") == 64
      && cond->pattern[64] == '\0')
    return 0;
  return ip_complain (why, size, "'%.80s' is not the SHA-256 of a certificate: "
                      "64 hexadecimal digits", value);
}

static bool
read_number (const char *value, uint64_t *number)
{
  char *end;

  errno = 0;
  *number = strtoul (value, &end, 10);
  return errno == 0 && *end == '\0' && *value >= '0' && *value <= '9'
         && *number < UINT32_MAX;
}

static int
read_uid (struct ip_cond *cond, const char *value, char *why, size_t size)
{
  const struct passwd *pw;

  if (read_number (value, &cond->number))
    return 0;
  pw = getpwnam (value);
  cond->number = pw ? pw->pw_uid : 0;
  return pw ? 0 : ip_complain (why, size, "there is no user '%.60s' on this "
                               "host", value);
}

static int
read_gid (struct ip_cond *cond, const char *value, char *why, size_t size)
{
  const struct group *gr;

  if (read_number (value, &cond->number))
    return 0;
  gr = getgrnam (value);
  cond->number = gr ? gr->gr_gid : 0;
  return gr ? 0 : ip_complain (why, size, "there is no group '%.60s' on this "
                               "host", value);
}

/* Comparing -------------------------------------------------------------- */

static bool
is_number (const struct ip_cond *cond, const char *str, uint64_t number)
{
  return cond->number == number;
}

static bool
is_same (const struct ip_cond *cond, const char *str, uint64_t number)
{
  return str && strcmp (cond->pattern, str) == 0;
}

static bool
is_like (const struct ip_cond *cond, const char *str, uint64_t number)
{
  return str && fnmatch (cond->pattern, str, 0) == 0;
}

static bool
is_like_name (const struct ip_cond *cond, const char *str, uint64_t number)
{
  return str && fnmatch (cond->pattern, str, FNM_CASEFOLD) == 0;
}

static bool
is_dn (const struct ip_cond *cond, const char *str, uint64_t number)
{
  return str && dn_matches (cond->pattern, str);
}

/* An address condition has its own ways; the row is for its name. */
static const struct ip_key keys[] = {
  { "address", NULL, NULL, VIRGATE_FACT_REMOTE, 0, 0, true },
  { "listener", read_pattern, is_like, VIRGATE_FACT_LISTENER, 0,
    VIRGATE_VOUCH_KERNEL, true, VIRGATE_CONFIGURED_LISTENER },
  { "transport", read_pattern, is_like, VIRGATE_FACT_TRANSPORT, 0,
    VIRGATE_VOUCH_KERNEL, true, VIRGATE_CONFIGURED_TRANSPORT },
  { "uid", read_uid, is_number, VIRGATE_FACT_UID, 0, VIRGATE_VOUCH_KERNEL,
    true },
  { "gid", read_gid, is_number, VIRGATE_FACT_GID, 0, VIRGATE_VOUCH_KERNEL,
    true },
  { "dn", read_pattern, is_dn, VIRGATE_FACT_X509_DN, 0,
    VIRGATE_VOUCH_CERTIFICATE, false },
  { "issuer", read_pattern, is_dn, VIRGATE_FACT_X509_ISSUER, 0,
    VIRGATE_VOUCH_CERTIFICATE, false },
  { "san", read_pattern, is_like_name, VIRGATE_FACT_X509_SAN, 0,
    VIRGATE_VOUCH_CERTIFICATE, false },
  { "fingerprint", read_fingerprint, is_same, VIRGATE_FACT_X509_FINGERPRINT,
    0, VIRGATE_VOUCH_CERTIFICATE, false },
  { "ssh-user", read_pattern, is_like, VIRGATE_FACT_SSH_USER, 0,
    VIRGATE_VOUCH_EXCHANGE, false },
  { "ssh-key", read_pattern, is_like, VIRGATE_FACT_SSH_KEY, 0,
    VIRGATE_VOUCH_EXCHANGE, false },
  { "ssh-identity", read_pattern, is_like, VIRGATE_FACT_SSH_IDENTITY, 0,
    VIRGATE_VOUCH_EXCHANGE, false },
  { "user", read_pattern, is_like, NULL, VIRGATE_IDENTITY_NAME,
    VIRGATE_VOUCH_EXCHANGE, false },
  { "group", read_pattern, is_like, NULL, VIRGATE_IDENTITY_GROUP,
    VIRGATE_VOUCH_EXCHANGE, false },
  { "method", read_pattern, is_like, NULL, VIRGATE_IDENTITY_METHOD,
    VIRGATE_VOUCH_EXCHANGE, false, VIRGATE_CONFIGURED_METHOD },
};

/* Conditions ------------------------------------------------------------- */

/* A key is a word of letters; an address before its first colon has a digit
 * or at most four letters, which all are hexadecimal.
 */
bool
ip_is_cond (const char *word)
{
  size_t len = strspn (word, "abcdefghijklmnopqrstuvwxyz-");

  if (word[len] != ':' || len == 0)
    return false;
  return len > 4 || strspn (word, "abcdef") < len;
}

static int
read_address (struct ip_cond *cond, struct ip_sets *sets, const char *word,
              char *why, size_t size)
{
  struct ip_builder builder = { 0 };
  int ret = ip_sets_collect (sets, word, &builder, 0, 0, why, size);

  cond->key = &keys[0];
  if (ret == 0 && ip_table_make (&cond->table, &builder) == -1)
    ret = ip_complain (why, size, "%s", "out of memory");
  ip_builder_free (&builder);
  return ret;
}

static int
unknown_key (const char *word, char *why, size_t size)
{
  size_t used = snprintf (why, size, "'%.*s' is no key of a rule; there are",
                          (int) MIN_OF (strcspn (word, ":"), (size_t) 40),
                          word);
  char hint[SIMILAR_HINT_MAX];
  struct similar similar;

  similar_begin (&similar, word, strcspn (word, ":"));
  for (size_t i = 0; i < COUNT_OF (keys); i++)
    similar_offer (&similar, keys[i].name);
  if (similar.best)
    return ip_complain (why, size, "'%.*s' is no key of a rule%s",
                        (int) similar.len, word,
                        similar_hint (&similar, hint, sizeof hint));
  for (size_t i = 0; i < COUNT_OF (keys) && used < size; i++)
    used += snprintf (why + used, size - used, "%s %s", i ? "," : "",
                      keys[i].name);
  return -1;
}

int
ip_cond_read (struct ip_cond *cond, struct ip_sets *sets, const char *word,
              char *why, size_t size)
{
  const char *value = strchr (word, ':');

  memset (cond, 0, sizeof *cond);
  if (!ip_is_cond (word))
    return read_address (cond, sets, word, why, size);
  for (size_t i = 0; i < COUNT_OF (keys) && cond->key == NULL; i++)
    if (strncmp (keys[i].name, word, value - word) == 0
        && keys[i].name[value - word] == '\0')
      cond->key = &keys[i];
  if (cond->key == NULL)
    return unknown_key (word, why, size);
  value++;
  return cond->key->read ? cond->key->read (cond, value, why, size)
                         : read_address (cond, sets, value, why, size);
}

void
ip_cond_free (struct ip_cond *cond)
{
  free (cond->pattern);
  ip_table_free (&cond->table);
}

uint32_t
ip_cond_about (const struct ip_cond *cond)
{
  return cond->key->about;
}

/* Judging ---------------------------------------------------------------- */

static bool
is_vouched (uint32_t vouch, uint32_t worst)
{
  return vouch >= VIRGATE_VOUCH_KERNEL && vouch <= worst;
}

void
ip_question_begin (struct ip_question *question,
                   const struct virgate_host *host,
                   const struct virgate_peer *peer,
                   const struct virgate_identity *identity,
                   bool trust_claims)
{
  struct virgate_fact fact;

  *question = (struct ip_question) {
    .host = host, .peer = peer, .identity = identity,
    .has_address = identity == NULL ? IP_MAYBE : IP_NO,
  };
  for (uint32_t n = 0; host->peer_get (peer, VIRGATE_FACT_REMOTE, n, &fact);
       n++) {
    bool is_claim = !is_vouched (fact.vouch, VIRGATE_VOUCH_EXCHANGE);

    if (fact.type != VIRGATE_FACT_ADDRESS
        || (is_claim && (!trust_claims || question->has_address == IP_YES)))
      continue;
    question->has_address = IP_YES;
    question->is_v6 = fact.addr_len == 16;
    question->addr = ip_from_bytes (fact.addr, question->is_v6);
    if (!is_claim)
      return;
  }
}

enum ip_match
ip_question_in (const struct ip_question *question,
                const struct ip_table *table, struct ip_hit *hit)
{
  if (ip_table_is_empty (table))
    return IP_NO;
  if (question->has_address != IP_YES)
    return question->has_address;
  return ip_table_find (table, question->is_v6, question->addr, hit)
         ? IP_YES : IP_NO;
}

/* Nothing that a certificate says counts when it was not accepted. */
static bool
is_rejected (const struct ip_key *key, const struct ip_question *question)
{
  struct virgate_fact verdict;

  return key->worst == VIRGATE_VOUCH_CERTIFICATE
         && question->host->peer_get (question->peer,
                                      VIRGATE_FACT_X509_VERDICT, 0, &verdict);
}

static enum ip_match
match_fact (const struct ip_cond *cond, const struct ip_question *question)
{
  const struct ip_key *key = cond->key;
  struct virgate_fact fact;

  if (is_rejected (key, question))
    return IP_NO;
  for (uint32_t n = 0;
       question->host->peer_get (question->peer, key->fact, n, &fact); n++)
    if (is_vouched (fact.vouch, key->worst)
        && key->compare (cond, fact.str, fact.num))
      return IP_YES;
  return key->is_early || question->identity ? IP_NO : IP_MAYBE;
}

/* Of several names the last one is the identity's. */
static enum ip_match
match_identity (const struct ip_cond *cond,
                const struct ip_question *question)
{
  const struct ip_key *key = cond->key;
  bool is_name = key->identity == VIRGATE_IDENTITY_NAME;
  struct virgate_identity_entry entry;
  bool matches = false;

  if (question->identity == NULL)
    return IP_MAYBE;
  for (uint32_t n = 0; (is_name || !matches)
       && question->host->identity_get (question->identity, key->identity, n,
                                        &entry); n++)
    matches = (key->identity == VIRGATE_IDENTITY_METHOD
               || is_vouched (entry.vouch, key->worst))
              && key->compare (cond, entry.value, 0);
  return matches ? IP_YES : IP_NO;
}

enum ip_match
ip_cond_matches (const struct ip_cond *cond,
                 const struct ip_question *question)
{
  if (cond->key == &keys[0])
    return ip_question_in (question, &cond->table, NULL);
  return cond->key->fact ? match_fact (cond, question)
                         : match_identity (cond, question);
}
