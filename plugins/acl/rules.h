/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One [acl] section of module rules: roles, and rules of who may do what with
 * which objects.
 *
 * A section is kept as its lines; a table is made of them, and of the files
 * that they name, at start and at each reload.  The first rule that is about
 * the caller, the permission and the object decides.
 */
#ifndef VIRGATE_ACL_RULES_H
#define VIRGATE_ACL_RULES_H

#include <pthread.h>

#include "guard.h"
#include "ip-cond.h"
#include "rules-perms.h"

/* Of one section with its files. */
#define RULES_MAX 65535
#define RULES_ROLES_MAX 1000
#define RULES_CONDS_MAX 16      /* of one rule */
#define RULES_PATTERNS_MAX 64   /* of one rule */
#define RULES_NAME_MAX 64       /* bytes of a role's name */
#define RULES_FILE_MAX (16 * 1024 * 1024)

enum rules_verdict { RULES_DENY, RULES_ALLOW, RULES_READ_ONLY };
enum rules_policy { RULES_POLICY_DENY, RULES_POLICY_ALLOW,
                    RULES_POLICY_PASS };

struct rules_role {
  char name[RULES_NAME_MAX];
  struct rules_set perms;
};

enum rules_how { RULES_NAME, RULES_PREFIX, RULES_GLOB, RULES_UUID };

/* "domain:web-*", "domain-uuid:...", "storage_vol:default/disk". */
struct rules_pattern {
  int object;
  enum rules_how how;
  size_t len;                   /* of a prefix */
  char *parent;                 /* pool of a volume; NULL: any */
  char *text;
  uint8_t uuid[16];
};

struct rules_rule {
  enum rules_verdict verdict;
  bool is_read_only;            /* covers only what changes nothing */
  struct rules_set perms;
  struct ip_cond *conds;
  struct rules_pattern *patterns; /* none: all objects */
  unsigned cond_count, pattern_count;
  uint32_t kinds;               /* bits: objects that patterns are about */
  const char *file;
  uint32_t line;
  char *text;                   /* as written */
};

struct rules_table {
  uint64_t generation;
  struct ip_sets sets;
  struct rules_role *roles;
  unsigned role_count;
  struct rules_rule *rules;
  unsigned count;
};

/* A line of the section. */
struct rules_item {
  const char *key;              /* "role", "rule", "set", "file" */
  const char *file;             /* where it stands; NULL: in no file */
  uint32_t line;
  char *value;
};

struct rules_views;

struct rules {
  const struct virgate_host *host;
  enum rules_policy policy;
  bool trust_claims;
  char **names;                 /* of files; live as long as the section */
  unsigned name_count;
  struct rules_item *items;
  unsigned item_count;
  uint64_t generations;
  struct rules_table *_Atomic table;
  struct guard guard;           /* of table */
  struct rules_views *views;
};

/* rules-parse.c: one line, its key cut off ("rule" for rules of the section,
 * which begin with their verdict).  0, or -1 with why filled in.
 */
int rules_line (struct rules_table *table, const char *key, const char *value,
                const char *file, uint32_t line, char *why, size_t size);
/* The lines of a text.  *line: of the first error. */
int rules_text (struct rules_table *table, const char *text, size_t len,
                const char *file, uint32_t *line, char *why, size_t size);
struct rules_table *rules_table_new (void);
void rules_table_free (struct rules_table *table);

/* rules-judge.c */
struct rules_views *rules_views_new (void);
void rules_views_free (struct rules_views *views);

/* What there is to know about an object. */
struct rules_asked {
  int perm;                     /* -1: none that is known */
  int kind;                     /* of the permission's object; -1 */
  const char *permission;       /* its name */
  const struct virgate_object *object; /* NULL: nobody knows which */
  bool is_write;
};

/* All that a call comes to, which may be nothing. */
int rules_judge (struct rules *rules, const struct virgate_peer *peer,
                 const struct virgate_identity *identity, bool is_write,
                 const struct rules_asked *asked, unsigned count,
                 struct virgate_acl_reason *reason);
int rules_entry (struct rules *rules, const struct virgate_peer *peer,
                 const struct virgate_identity *identity, int *read_only,
                 struct virgate_acl_reason *reason);
bool rules_go_by_name (struct rules *rules, const struct virgate_peer *peer,
                       const struct virgate_identity *identity, int kind);

/* rules-config.c */
int rules_config (void *inst, const char *key, const char *value);
int rules_ready (void *inst);
int rules_reload (void *inst);
void rules_free (struct rules *rules);
extern const struct virgate_option rules_options[];

#endif /* VIRGATE_ACL_RULES_H */
