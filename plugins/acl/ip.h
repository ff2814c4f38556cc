/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One [acl] section of module ip: its lists and rules, and how they judge.
 *
 * Rules are asked first, in their order; the first that matches decides.
 * Then come the two lists, by the policy.  Before the handshake a condition
 * may be undecided: then everything is possible that each outcome of it would
 * lead to, and nobody is refused for whom letting in is possible.
 */
#ifndef VIRGATE_ACL_IP_H
#define VIRGATE_ACL_IP_H

#include "guard.h"
#include "ip-cond.h"

/* Rules of one section, conditions of one rule, files of one list. */
#define IP_RULES_MAX 4096
#define IP_CONDS_MAX 16
#define IP_FILES_MAX 64

/* Files that entries may come from, and words before them. */
#define IP_SOURCES_MAX 4096

enum ip_list { IP_DENY, IP_ALLOW };

/* What happens when the lists do not agree on somebody. */
enum ip_policy {
  IP_POLICY_UNSET,              /* deny with an allow entry, else allow */
  IP_POLICY_DENY,
  IP_POLICY_ALLOW,
  IP_POLICY_PASS
};

/* What an entry of a table is quoted with. */
struct ip_source {
  const char *file;             /* one of names */
  char *text;                   /* "deny = ", "deny = @office, " */
};

/* A `rule`, or a condition in a list: then of one condition. */
struct ip_rule {
  enum ip_list verdict;
  bool is_read_only;
  const char *file;
  uint32_t line;
  char *text;                   /* as written */
  struct ip_cond *conds;
  unsigned count;
};

struct ip_rules {
  struct ip_rule *rule;
  unsigned count;
};

struct ip_file {
  enum ip_list list;
  uint16_t source;
  char *path;
};

/* What the files of the section say; replaced whole. */
struct ip_filed {
  struct ip_table table[2];     /* by enum ip_list */
};

struct ip {
  const struct virgate_host *host;
  enum ip_policy policy;
  bool trust_claims;
  bool has_allow;
  struct ip_sets sets;
  char **names;                 /* of files; live as long as the section */
  unsigned name_count;
  struct ip_source *sources;
  unsigned source_count;
  struct ip_file *files;
  unsigned file_count;
  struct ip_builder building[2]; /* until the section is complete */
  struct ip_table fixed[2];     /* entries of the section itself */
  struct ip_rules words[2];     /* conditions in the lists */
  struct ip_rules rules;
  struct ip_filed *_Atomic filed; /* NULL: no files */
  struct guard guard;           /* of filed */
};

/* Possible outcomes, as bits. */
enum {
  IP_CAN_DENY = 1,
  IP_CAN_ALLOW = 2,
  IP_CAN_PASS = 4
};

/* Judge a peer, and say why in *reason.  Sets *read_only when a rule says so.
 * Returns which outcomes are possible; one, once the identity is known.
 */
unsigned ip_judge (struct ip *ip, const struct virgate_peer *peer,
                   const struct virgate_identity *identity, int *read_only,
                   struct virgate_acl_reason *reason);

/* Reading the section: ip-config.c.  0, or -1 after host->error. */
int ip_config (void *inst, const char *key, const char *value);
int ip_ready (void *inst);
int ip_reload (void *inst);
void ip_free (struct ip *ip);
extern const struct virgate_option ip_options[];

#endif /* VIRGATE_ACL_IP_H */
