/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * auth-x509: an identity from the certificate that the transport verified.
 * It reads facts and no certificates; what a name pattern means is in dn.c.
 */
#include "config.h"

#include <fnmatch.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <virgate/auth.h>

#include "common/dn.h"
#include "common/mem.h"

/* Rules of one section; each is a line of the config. */
#define RULES_MAX 4096

enum rule_kind { RULE_DN, RULE_SAN, RULE_ISSUER, RULE_FINGERPRINT, RULE_GROUP };

struct rule {
  enum rule_kind kind;
  char *text;                   /* the pattern */
  char *group;                  /* for RULE_GROUP */
};

struct x509 {
  const struct virgate_host *host;
  struct rule *rules;
  size_t count;
  bool name_is_cn;
};

static const struct virgate_option options[] = {
  { "allow", VIRGATE_OPTION_LIST,
    .help = "subject pattern, such as CN=*.example.com,O=Example" },
  { "allow-san", VIRGATE_OPTION_LIST,
    .help = "alternative name pattern, such as DNS:*.example.com" },
  { "allow-issuer", VIRGATE_OPTION_LIST, .help = "issuer pattern" },
  { "allow-fingerprint", VIRGATE_OPTION_LIST,
    .help = "SHA-256 of the certificate, hexadecimal" },
  { "group", VIRGATE_OPTION_LIST,
    .help = "NAME PATTERN: subjects that belong to a group" },
  { "identity", VIRGATE_OPTION_STRING, .def = "dn",
    .help = "the identity's name: dn, the whole subject, or cn" },
  { NULL }
};

static const struct {
  const char *key;
  enum rule_kind kind;
} keys[] = {
  { "allow", RULE_DN }, { "allow-san", RULE_SAN },
  { "allow-issuer", RULE_ISSUER }, { "allow-fingerprint", RULE_FINGERPRINT },
  { "group", RULE_GROUP },
};

static int
x509_open (const struct virgate_host *host, void **inst)
{
  struct x509 *x = calloc (1, sizeof *x);

  if (x == NULL)
    return host->error (host, "out of memory");
  x->host = host;
  *inst = x;
  return 0;
}

static void
x509_close (void *inst)
{
  struct x509 *x = inst;

  for (size_t i = 0; i < x->count; i++) {
    free (x->rules[i].text);
    free (x->rules[i].group);
  }
  free (x->rules);
  free (x);
}

/* Fingerprints may be written with colons and in capitals. */
static void
tidy_fingerprint (char *text)
{
  char *to = text;

  for (const char *from = text; *from; from++)
    if (*from != ':')
      *to++ = *from >= 'A' && *from <= 'F' ? *from + 32 : *from;
  *to = '\0';
}

static int
fill_rule (struct x509 *x, struct rule *rule, const char *value)
{
  size_t word = rule->kind == RULE_GROUP ? strcspn (value, " \t") : 0;
  const char *text = value + word + strspn (value + word, " \t");

  if (*text == '\0')
    return x->host->error (x->host, rule->kind == RULE_GROUP
                           ? "write NAME PATTERN" : "a pattern is wanted");
  rule->text = strdup (text);
  if (rule->kind == RULE_GROUP)
    rule->group = strndup (value, word);
  if (rule->text == NULL || (rule->kind == RULE_GROUP && !rule->group))
    return x->host->error (x->host, "out of memory");
  if (rule->kind != RULE_FINGERPRINT)
    return 0;
  tidy_fingerprint (rule->text);
  if (strspn (rule->text, "0123456789abcdef") != 64
      || strlen (rule->text) != 64)
    return x->host->error (x->host, "'%s' is not the SHA-256 of a "
                           "certificate: 64 hexadecimal digits", value);
  return 0;
}

static int
add_rule (struct x509 *x, enum rule_kind kind, const char *value)
{
  struct rule *more;

  if (x->count == RULES_MAX)
    return x->host->error (x->host, "more than %d rules", RULES_MAX);
  more = reallocarray (x->rules, x->count + 1, sizeof *more);
  if (more == NULL)
    return x->host->error (x->host, "out of memory");
  x->rules = more;
  more[x->count] = (struct rule) { .kind = kind };
  return fill_rule (x, &more[x->count++], value);
}

static int
x509_config (void *inst, const char *key, const char *value)
{
  struct x509 *x = inst;

  for (size_t i = 0; i < COUNT_OF (keys); i++)
    if (strcmp (key, keys[i].key) == 0)
      return add_rule (x, keys[i].kind, value);
  if (strcmp (value, "cn") == 0)
    x->name_is_cn = true;
  else if (strcmp (value, "dn") != 0)
    return x->host->error (x->host, "'%s' is neither dn nor cn", value);
  return 0;
}

static bool
any_san (const struct x509 *x, const struct virgate_peer *peer,
         const char *pattern)
{
  struct virgate_fact fact;

  for (uint32_t n = 0;
       x->host->peer_get (peer, VIRGATE_FACT_X509_SAN, n, &fact); n++)
    if (fnmatch (pattern, fact.str, FNM_CASEFOLD) == 0)
      return true;
  return false;
}

static const char *
fact_text (const struct x509 *x, const struct virgate_peer *peer,
           const char *key)
{
  struct virgate_fact fact;

  return x->host->peer_get (peer, key, 0, &fact)
         && fact.vouch == VIRGATE_VOUCH_CERTIFICATE ? fact.str : NULL;
}

static bool
rule_matches (const struct x509 *x, const struct rule *rule,
              const struct virgate_peer *peer)
{
  static const char *const facts[] = {
    [RULE_DN] = VIRGATE_FACT_X509_DN,
    [RULE_ISSUER] = VIRGATE_FACT_X509_ISSUER,
    [RULE_FINGERPRINT] = VIRGATE_FACT_X509_FINGERPRINT,
    [RULE_GROUP] = VIRGATE_FACT_X509_DN,
  };
  const char *text;

  if (rule->kind == RULE_SAN)
    return any_san (x, peer, rule->text);
  text = fact_text (x, peer, facts[rule->kind]);
  if (text == NULL)
    return false;
  return rule->kind == RULE_FINGERPRINT ? strcmp (rule->text, text) == 0
                                        : dn_matches (rule->text, text);
}

/* Without an allow rule every certificate of the trusted CAs is enough. */
static bool
is_allowed (const struct x509 *x, const struct virgate_peer *peer)
{
  bool has_rules = false;

  for (size_t i = 0; i < x->count; i++) {
    if (x->rules[i].kind == RULE_GROUP)
      continue;
    if (rule_matches (x, &x->rules[i], peer))
      return true;
    has_rules = true;
  }
  return !has_rules;
}

static int
identify (const struct x509 *x, const struct virgate_peer *peer,
          const char *dn, struct virgate_identity *identity)
{
  const struct virgate_host *host = x->host;
  char cn[256];
  const char *name = x->name_is_cn && dn_common_name (dn, cn, sizeof cn)
                     ? cn : dn;

  if (host->identity_name (identity, name, VIRGATE_VOUCH_CERTIFICATE) == -1)
    return VIRGATE_AUTH_ERROR;
  for (size_t i = 0; i < x->count; i++)
    if (x->rules[i].kind == RULE_GROUP
        && rule_matches (x, &x->rules[i], peer)
        && host->identity_group (identity, x->rules[i].group,
                                 VIRGATE_VOUCH_CERTIFICATE) == -1)
      return VIRGATE_AUTH_ERROR;
  return VIRGATE_AUTH_YES;
}

static int
x509_decide (void *inst, const struct virgate_peer *peer,
             struct virgate_identity *identity)
{
  const struct x509 *x = inst;
  const struct virgate_host *host = x->host;
  const char *verdict = fact_text (x, peer, VIRGATE_FACT_X509_VERDICT);
  const char *dn = fact_text (x, peer, VIRGATE_FACT_X509_DN);

  if (verdict || dn == NULL) {
    host->error (host, "no good certificate: %s",
                 verdict ? verdict : "none was shown");
    return VIRGATE_AUTH_NO;
  }
  if (!is_allowed (x, peer)) {
    host->error (host, "certificate of %s: no allow rule of [%s] matches it",
                 dn, host->section);
    return VIRGATE_AUTH_NO;
  }
  return identify (x, peer, dn, identity);
}

static const struct virgate_auth_ops ops = {
  .decide = x509_decide,
};

VIRGATE_MODULE_EXPORT const struct virgate_module virgate_module = {
  VIRGATE_MODULE_HEAD,
  .kind = VIRGATE_KIND_AUTH,
  .ops_size = sizeof ops,
  .name = "x509",
  .version = PACKAGE_VERSION,
  .summary = "the client's verified certificate",
  .options = options,
  .open = x509_open,
  .config = x509_config,
  .close = x509_close,
  .ops = &ops,
};
