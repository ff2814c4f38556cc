/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The manual of acl-rules, word by word; see rules-oracle.h.  Nothing here is
 * quick, nor shared with the module.
 */
#include "config.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "fuzz/rules-oracle.h"
#include "protocol/table.h"

/* Words ------------------------------------------------------------------ */

#define KERNEL VIRGATE_VOUCH_KERNEL
#define CERTIFICATE VIRGATE_VOUCH_CERTIFICATE
#define EXCHANGE VIRGATE_VOUCH_EXCHANGE
#define CLAIM VIRGATE_VOUCH_CLAIM
#define TEN(text) text text text text text text text text text text
#define NAMED(vouch, name) { NULL, vouch, name, 0, VIRGATE_IDENTITY_NAME }
#define GROUPED(vouch, name) { NULL, vouch, name, 0, VIRGATE_IDENTITY_GROUP }

const struct oracle_fact oracle_facts[FACTS] = {
  [LISTENER_LOCAL] = { VIRGATE_FACT_LISTENER, KERNEL, "local" },
  [LISTENER_PUBLIC] = { VIRGATE_FACT_LISTENER, KERNEL, "public" },
  [TRANSPORT_UNIX] = { VIRGATE_FACT_TRANSPORT, KERNEL, "unix" },
  [UID_0] = { VIRGATE_FACT_UID, KERNEL, NULL, 0 },
  [UID_1000] = { VIRGATE_FACT_UID, KERNEL, NULL, 1000 },
  [GID_7] = { VIRGATE_FACT_GID, KERNEL, NULL, 7 },
  [CLAIMED_UID] = { VIRGATE_FACT_UID, CLAIM, NULL, 1000 },
  [DN] = { VIRGATE_FACT_X509_DN, CERTIFICATE, "CN=joe,O=Example" },
  [SAN] = { VIRGATE_FACT_X509_SAN, CERTIFICATE, "DNS:host.example.org" },
  [CLAIMED_SAN] = { VIRGATE_FACT_X509_SAN, CLAIM, "DNS:host.example.org" },
  [FINGERPRINT] = { VIRGATE_FACT_X509_FINGERPRINT, CERTIFICATE,
                    "abcd" TEN ("00ff00") },
  [VERDICT] = { VIRGATE_FACT_X509_VERDICT, CERTIFICATE, "it has expired" },
  [SSH_USER] = { VIRGATE_FACT_SSH_USER, EXCHANGE, "joe" },
  [CLAIMED_SSH_USER] = { VIRGATE_FACT_SSH_USER, CLAIM, "joe" },
  [CLAIMED_10] = { VIRGATE_FACT_REMOTE, CLAIM, "10.0.0.5" },
  [ADDRESS_192] = { VIRGATE_FACT_REMOTE, KERNEL, "192.0.2.7" },
  [CLAIMED_192] = { VIRGATE_FACT_REMOTE, CLAIM, "192.0.2.7" },
  [ADDRESS_V6] = { VIRGATE_FACT_REMOTE, KERNEL, "2001:db8::1" },
  [NAME_JOE] = NAMED (EXCHANGE, "joe"),
  [CLAIMED_NAME_AMY] = NAMED (CLAIM, "amy"),
  [NAME_AMY] = NAMED (CERTIFICATE, "amy"),
  [GROUP_WEB] = GROUPED (EXCHANGE, "web"),
  [CLAIMED_GROUP_DB] = GROUPED (CLAIM, "db"),
  [GROUP_DB] = GROUPED (KERNEL, "db"),
  [METHOD_X509] = { NULL, 0, "x509", 0, VIRGATE_IDENTITY_METHOD },
  [METHOD_PASSWORD] = { NULL, 0, "password", 0, VIRGATE_IDENTITY_METHOD },
};

#define IS_192 (BIT (ADDRESS_192) | BIT (CLAIMED_192))
#define ADDRESSES (IS_192 | BIT (CLAIMED_10) | BIT (ADDRESS_V6))
#define NAMES (BIT (NAME_JOE) | BIT (CLAIMED_NAME_AMY) | BIT (NAME_AMY))

const char *const oracle_sets[] = {
  "office 192.0.2.0/24 2001:db8::/32", "lab @office 10.0.0.0-10.0.0.9", NULL,
};

const struct oracle_cond oracle_conds[] = {
  { "listener:local", BIT (LISTENER_LOCAL) },
  { "listener:*", BIT (LISTENER_LOCAL) | BIT (LISTENER_PUBLIC) },
  { "transport:unix", BIT (TRANSPORT_UNIX) },
  { "uid:0", BIT (UID_0) },
  { "uid:1000", BIT (UID_1000) },
  { "gid:7", BIT (GID_7) },
  { "dn:CN=joe,O=Example", BIT (DN), true },
  { "dn:o=Exam*,cn=j*", BIT (DN), true },
  { "san:DNS:*.EXAMPLE.org", BIT (SAN), true },
  { "fingerprint:AB:cd:" TEN ("00FF00"), BIT (FINGERPRINT), true },
  { "issuer:*", 0, true },
  { "ssh-user:j?e", BIT (SSH_USER) },
  { "address:192.0.2.0/25", IS_192 },
  { "address:2001:db8::/64", BIT (ADDRESS_V6) },
  { "address:10.0.0.5", BIT (CLAIMED_10) },
  { "@office", IS_192 | BIT (ADDRESS_V6) },
  { "address:@lab", ADDRESSES },
  { "user:joe", BIT (NAME_JOE) },
  { "user:*", BIT (NAME_JOE) | BIT (NAME_AMY) },
  { "group:web", BIT (GROUP_WEB) },
  { "group:[wd]*", BIT (GROUP_WEB) | BIT (GROUP_DB) },
  { "method:x509", BIT (METHOD_X509) },
  { "method:*s*", BIT (METHOD_PASSWORD) },
};
const unsigned oracle_cond_count = COUNT_OF (oracle_conds);

const struct oracle_kind oracle_kinds[] = {
  { "domain", "domain", true }, { "pool", "storage_pool", true },
  { "vol", "storage_vol" }, { "storage_vol", "storage_vol" },
  { "network", "network", true }, { "secret", "secret", true },
  { "nwfilter_binding", "nwfilter_binding" },
};
const unsigned oracle_kind_count = COUNT_OF (oracle_kinds);

const char *const oracle_texts[] = {
  "web-1", "web-*", "web-?", "web-[0-9]", "*", "*-1", "w*1", "[wd]*",
  "images/web-1", "images/*", "*/web-*", "im*s/web-1*", "images", "a/b", "w\\*b",
  "d b", "b-[!1]",
};
const unsigned oracle_text_count = COUNT_OF (oracle_texts);

const struct oracle_uuid oracle_uuids[] = {
  { "6695eb01-f6a4-8304-79aa-97f2502e193f",
    { 0x66, 0x95, 0xeb, 0x01, 0xf6, 0xa4, 0x83, 0x04,
      0x79, 0xaa, 0x97, 0xf2, 0x50, 0x2e, 0x19, 0x3f } },
  { "00000000000000000000000000000A0b", { [14] = 0x0a, [15] = 0x0b } },
  { "00000000-0000-0000-0000-000000000000", { 0 } },
};
const unsigned oracle_uuid_count = COUNT_OF (oracle_uuids);

const char *const oracle_perms[] = {
  "domain:start", "domain:*", "*:getattr", "*:*", "connect:search_domains",
  "connect:write", "storage_vol:*", "*:write", "secret:read_secure", "*:stop",
  "connect:*", "storage_pool:read",
};
const unsigned oracle_perm_count = COUNT_OF (oracle_perms);

const char *const oracle_ready[] = { "viewer", "operator", "admin" };

/* Each as the manual lists it. */
static const char *const ready_perms[READY_ROLES][32] = {
  { "*:getattr", "*:read", "connect:search_*", "network:search_ports",
    "storage_pool:search_storage_vols" },
  { "*:getattr", "*:read", "connect:search_*", "network:search_ports",
    "storage_pool:search_storage_vols",
    "domain:start", "domain:stop", "domain:reset", "domain:suspend",
    "domain:pm_control", "domain:init_control", "domain:inject_nmi",
    "domain:send_input", "domain:send_signal", "domain:fs_trim",
    "domain:fs_freeze", "domain:set_time", "domain:open_graphics",
    "domain:open_device", "domain:screenshot", "network:start",
    "network:stop", "storage_pool:start", "storage_pool:stop",
    "storage_pool:refresh" },
  { "*:*" },
};

/* Callers ---------------------------------------------------------------- */

static uint64_t
lowest (uint64_t bits)
{
  return bits & -bits;
}

/* Of the facts, those that count: one address, of which claims count only
 * where there is no other; the last name.
 */
static uint64_t
that_count (const struct oracle *oracle, uint64_t facts)
{
  uint64_t real = BIT (ADDRESS_192) | BIT (ADDRESS_V6);
  uint64_t address = lowest (facts & real), name = facts & NAMES;

  if (address == 0 && oracle->trust_claims)
    address = lowest (facts & ADDRESSES);
  while (name != lowest (name))
    name &= name - 1;
  return (facts & ~ADDRESSES & ~NAMES) | address | name;
}

static bool
is_about_caller (const struct oracle *oracle, const struct oracle_rule *rule,
                 uint64_t facts)
{
  uint64_t count = that_count (oracle, facts);

  for (unsigned i = 0; i < rule->cond_count; i++) {
    const struct oracle_cond *cond = &oracle_conds[rule->conds[i]];

    if (!(count & cond->facts)
        || (cond->is_certificate && (facts & BIT (VERDICT))))
      return false;
  }
  return true;
}

/* Permissions ------------------------------------------------------------ */

static bool
is_known (const struct virgate_permission *pair)
{
  for (size_t i = 0; i < proc_permission_count; i++)
    if (strcmp (proc_permissions[i].pair.object, pair->object) == 0
        && strcmp (proc_permissions[i].pair.permission, pair->permission) == 0)
      return true;
  return false;
}

/* What is no permission of libvirt's needs all of them. */
static bool
word_has (const char *word, const struct virgate_permission *pair)
{
  char text[100];

  if (!is_known (pair))
    return strcmp (word, "*:*") == 0;
  snprintf (text, sizeof text, "%s:%s", pair->object, pair->permission);
  return fnmatch (word, text, 0) == 0;
}

static bool
have (const struct oracle *oracle, uint64_t roles,
      const struct virgate_permission *pair)
{
  for (unsigned i = 0; i < READY_ROLES; i++)
    for (const char *const *word = ready_perms[i]; *word; word++)
      if ((roles & BIT (i)) && word_has (*word, pair))
        return true;
  for (unsigned i = 0; i < oracle->role_count; i++) {
    const struct oracle_role *role = &oracle->roles[i];

    if (!(roles & BIT (READY_ROLES + i)))
      continue;
    for (unsigned p = 0; p < oracle_perm_count; p++)
      if ((role->perms & BIT (p)) && word_has (oracle_perms[p], pair))
        return true;
    if (have (oracle, role->roles, pair))
      return true;
  }
  return false;
}

bool
oracle_gives (const struct oracle *oracle, uint64_t roles, const char *kind)
{
  for (size_t i = 0; i < proc_permission_count; i++)
    if (strcmp (proc_permissions[i].pair.object, kind) == 0
        && have (oracle, roles, &proc_permissions[i].pair))
      return true;
  return false;
}

/* Objects ---------------------------------------------------------------- */

enum match { NO, PERHAPS, YES };

static enum match
compare (const char *pattern, const char *text)
{
  return text == NULL ? PERHAPS : fnmatch (pattern, text, 0) == 0 ? YES : NO;
}

/* A volume's pool may stand before it. */
static enum match
compare_name (const char *kind, const char *pattern,
              const struct virgate_object *object)
{
  const char *slash = strchr (pattern, '/');
  enum match pool, name;
  char parent[40];

  if (slash == NULL || strcmp (kind, "storage_vol") != 0)
    return compare (pattern, object->name);
  snprintf (parent, sizeof parent, "%.*s", (int) (slash - pattern), pattern);
  pool = compare (parent, object->parent);
  name = compare (slash + 1, object->name);
  return MIN_OF (pool, name);
}

/* The objects of a rule and one of that kind; NULL: nobody knows which. */
static enum match
compare_all (const struct oracle_rule *rule, const char *kind,
             const struct virgate_object *object, bool *has_kind)
{
  const struct virgate_object unknown = { .kind = kind };
  enum match best = NO, one;

  *has_kind = false;
  if (object == NULL)
    object = &unknown;
  for (unsigned i = 0; i < rule->object_count; i++) {
    unsigned text = rule->objects[i].text;

    if (strcmp (oracle_kinds[rule->objects[i].kind].kind, kind) != 0)
      continue;
    *has_kind = true;
    if (!rule->objects[i].is_uuid)
      one = compare_name (kind, oracle_texts[text], object);
    else if (object->uuid == NULL)
      one = PERHAPS;
    else
      one = memcmp (object->uuid, oracle_uuids[text].uuid, 16) == 0 ? YES : NO;
    best = MAX_OF (best, one);
  }
  return best;
}

/* Rules ------------------------------------------------------------------ */

static bool
decides (const struct oracle *oracle, const struct oracle_rule *rule,
         uint64_t facts, const struct virgate_permission *pair,
         const struct virgate_object *object, bool is_write)
{
  enum match match;
  bool has_kind;

  if (rule->verdict == READ_ONLY || !is_about_caller (oracle, rule, facts)
      || !have (oracle, rule->roles, pair)
      || (rule->is_read_only && is_write))
    return false;
  if (rule->object_count == 0)
    return true;
  if (strcmp (pair->object, "connect") == 0)
    return rule->verdict == ALLOW
           && (strcmp (pair->permission, "getattr") == 0
               || strcmp (pair->permission, "read") == 0
               || strncmp (pair->permission, "search_", 7) == 0);
  match = compare_all (rule, pair->object, object, &has_kind);
  return has_kind && (match == YES
                      || (match == PERHAPS && rule->verdict == DENY));
}

static struct oracle_answer
judge (const struct oracle *oracle, uint64_t facts,
       const struct virgate_permission *pair,
       const struct virgate_object *object, bool is_write)
{
  for (unsigned i = 0; i < oracle->rule_count; i++) {
    const struct oracle_rule *rule = &oracle->rules[i];

    if (decides (oracle, rule, facts, pair, object, is_write))
      return (struct oracle_answer) {
        rule->verdict == ALLOW ? VIRGATE_ACL_ALLOW : VIRGATE_ACL_DENY, i,
      };
  }
  return (struct oracle_answer) { oracle->policy, -1 };
}

/* All must be allowed: the first no is the answer, one without an opinion
 * leaves it to the other lists.
 */
static bool
goes_on (struct oracle_answer *sum, struct oracle_answer one)
{
  if (one.verdict == VIRGATE_ACL_DENY
      || sum->verdict == VIRGATE_ACL_ALLOW)
    *sum = one;
  return one.verdict != VIRGATE_ACL_DENY;
}

struct oracle_answer
oracle_permit (const struct oracle *oracle, uint64_t facts,
               const struct virgate_acl_call *call)
{
  struct oracle_answer sum = { VIRGATE_ACL_ALLOW, -1 };

  for (unsigned i = 0; call->is_write && i < oracle->rule_count; i++)
    if (oracle->rules[i].verdict == READ_ONLY
        && is_about_caller (oracle, &oracle->rules[i], facts))
      return (struct oracle_answer) { VIRGATE_ACL_DENY, i };
  for (unsigned p = 0; p < call->permission_count; p++) {
    const struct virgate_permission *pair = &call->permissions[p];
    bool any = false;

    for (unsigned i = 0; i < call->object_count; i++) {
      const struct virgate_object *object = &call->objects[i];

      if (strcmp (object->kind, pair->object) != 0)
        continue;
      any = true;
      if (!goes_on (&sum, judge (oracle, facts, pair, object,
                                 call->is_write)))
        return sum;
    }
    if (!any && !goes_on (&sum, judge (oracle, facts, pair, NULL,
                                       call->is_write)))
      return sum;
  }
  return sum;
}

struct oracle_answer
oracle_visible (const struct oracle *oracle, uint64_t facts,
                const struct virgate_permission *pair,
                const struct virgate_object *object)
{
  return judge (oracle, facts, pair, object, false);
}

struct oracle_answer
oracle_enter (const struct oracle *oracle, uint64_t facts)
{
  for (unsigned i = 0; i < oracle->rule_count; i++)
    if (oracle->rules[i].verdict == ALLOW
        && is_about_caller (oracle, &oracle->rules[i], facts))
      return (struct oracle_answer) { VIRGATE_ACL_ALLOW, i };
  return (struct oracle_answer) { oracle->policy, -1 };
}

bool
oracle_reads_only (const struct oracle *oracle, uint64_t facts)
{
  for (unsigned i = 0; i < oracle->rule_count; i++)
    if (oracle->rules[i].verdict == READ_ONLY
        && is_about_caller (oracle, &oracle->rules[i], facts))
      return true;
  return false;
}

bool
oracle_by_name (const struct oracle *oracle, uint64_t facts, const char *kind)
{
  for (unsigned i = 0; i < oracle->rule_count; i++) {
    const struct oracle_rule *rule = &oracle->rules[i];

    for (unsigned o = 0; o < rule->object_count; o++)
      if (!rule->objects[o].is_uuid
          && strcmp (oracle_kinds[rule->objects[o].kind].kind, kind) == 0
          && is_about_caller (oracle, rule, facts))
        return true;
  }
  return false;
}
