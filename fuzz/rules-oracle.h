/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Rules by the words of their manual, for fuzz-rules.c: chosen from short
 * lists of words of which it is known, without reading them, what they mean;
 * and judged by a plain loop over all rules.
 */
#ifndef VIRGATE_FUZZ_RULES_ORACLE_H
#define VIRGATE_FUZZ_RULES_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include <virgate/acl.h>

#define ROLES_MAX 4             /* of the rules' own */
#define RULES_MAX_HERE 16
#define WORDS_MAX 3             /* conditions, or objects, of a rule */

#define BIT(n) (UINT64_C (1) << (n))

/* What may be known of a caller, in the order in which it comes to be. */
enum fact {
  LISTENER_LOCAL, LISTENER_PUBLIC, TRANSPORT_UNIX, UID_0, UID_1000, GID_7,
  CLAIMED_UID, DN, SAN, CLAIMED_SAN, FINGERPRINT, VERDICT, SSH_USER,
  CLAIMED_SSH_USER, CLAIMED_10, ADDRESS_192, CLAIMED_192, ADDRESS_V6,
  NAME_JOE, CLAIMED_NAME_AMY, NAME_AMY, GROUP_WEB, CLAIMED_GROUP_DB, GROUP_DB,
  METHOD_X509, METHOD_PASSWORD, FACTS
};

/* key NULL: of the identity, and then it is kind. */
extern const struct oracle_fact {
  const char *key;
  uint32_t vouch;
  const char *text;             /* NULL: number */
  uint64_t number;
  uint32_t kind;
} oracle_facts[FACTS];

extern const char *const oracle_sets[];
extern const struct oracle_cond {
  const char *word;
  uint64_t facts;               /* any of these */
  bool is_certificate;
} oracle_conds[];
extern const unsigned oracle_cond_count;

extern const struct oracle_kind {
  const char *word, *kind;
  bool has_uuid;
} oracle_kinds[];
extern const unsigned oracle_kind_count;

/* As they are written, without quotes. */
extern const char *const oracle_texts[];
extern const unsigned oracle_text_count;
extern const struct oracle_uuid {
  const char *text;
  uint8_t uuid[16];
} oracle_uuids[];
extern const unsigned oracle_uuid_count;

/* What roles are made of; the first roles are the ready ones. */
extern const char *const oracle_perms[];
extern const unsigned oracle_perm_count;
extern const char *const oracle_ready[];
#define READY_ROLES 3

struct oracle_role {
  uint64_t perms;               /* bits: oracle_perms */
  uint64_t roles;               /* bits: ready ones, and those above it */
};

struct oracle_rule {
  enum { DENY, ALLOW, READ_ONLY } verdict;
  bool is_read_only;
  uint64_t roles;
  unsigned cond_count, object_count;
  uint8_t conds[WORDS_MAX];
  struct {
    uint8_t kind, text;
    bool is_uuid;
  } objects[WORDS_MAX];
};

struct oracle {
  int policy;                   /* enum virgate_acl_verdict */
  bool trust_claims;
  unsigned role_count, rule_count;
  struct oracle_role roles[ROLES_MAX];
  struct oracle_rule rules[RULES_MAX_HERE];
};

/* rule: that decided; -1: the policy did. */
struct oracle_answer {
  int verdict, rule;
};

/* Have these roles any permission on objects of this kind? */
bool oracle_gives (const struct oracle *oracle, uint64_t roles,
                   const char *kind);

/* Who calls: bits of enum fact. */
struct oracle_answer oracle_permit (const struct oracle *oracle,
                                    uint64_t facts,
                                    const struct virgate_acl_call *call);
struct oracle_answer oracle_visible (const struct oracle *oracle,
                                     uint64_t facts,
                                     const struct virgate_permission *pair,
                                     const struct virgate_object *object);
struct oracle_answer oracle_enter (const struct oracle *oracle,
                                   uint64_t facts);
bool oracle_reads_only (const struct oracle *oracle, uint64_t facts);
bool oracle_by_name (const struct oracle *oracle, uint64_t facts,
                     const char *kind);

#endif /* VIRGATE_FUZZ_RULES_ORACLE_H */
