/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Judging calls; see rules.h.  For each connection it is worked out once
 * which rules are about it: that is its view.  Views lie in a table of fixed
 * size, by the connection's number; a newcomer takes the place of whoever had
 * it, and a view that was made of another table of rules is made anew.  A
 * view remembers its last answers.
 */
#include "config.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "rules.h"

#define VIEWS 1024
#define ANSWERS 32
#define ANSWER_NAME_MAX 48

#define NO_RULE UINT32_MAX

/* What was asked before, and the rule that decided. */
struct answer {
  uint32_t rule;
  int16_t perm;
  bool is_set, is_write, has_object, has_name, has_uuid;
  uint8_t uuid[16];
  char name[ANSWER_NAME_MAX], parent[ANSWER_NAME_MAX];
};

/* Rules about one connection, in their order. */
struct view {
  uint64_t caller, generation;
  uint32_t *rules;
  uint32_t count;
  uint32_t by_name;             /* bits: kinds with a pattern of names */
  uint32_t read_only;           /* the rule that says so; NO_RULE */
  struct answer *answers;       /* ANSWERS, when first needed; or NULL */
};

struct place {
  pthread_mutex_t lock;         /* of view */
  struct view view;
};

struct rules_views {
  struct place places[VIEWS];
};

struct rules_views *
rules_views_new (void)
{
  struct rules_views *views = calloc (1, sizeof *views);

  for (int i = 0; views && i < VIEWS; i++)
    pthread_mutex_init (&views->places[i].lock, NULL);
  return views;
}

static void
clear (struct view *view)
{
  free (view->rules);
  free (view->answers);
  *view = (struct view) { .read_only = NO_RULE };
}

void
rules_views_free (struct rules_views *views)
{
  for (int i = 0; views && i < VIEWS; i++) {
    clear (&views->places[i].view);
    pthread_mutex_destroy (&views->places[i].lock);
  }
  free (views);
}

/* Making a view ---------------------------------------------------------- */

static bool
is_about (const struct rules_rule *rule, const struct ip_question *question)
{
  for (unsigned i = 0; i < rule->cond_count; i++)
    if (ip_cond_matches (&rule->conds[i], question) != IP_YES)
      return false;
  return true;
}

static uint32_t
kinds_by_name (const struct rules_rule *rule)
{
  uint32_t kinds = 0;

  for (unsigned i = 0; i < rule->pattern_count; i++)
    if (rule->patterns[i].how != RULES_UUID)
      kinds |= UINT32_C (1) << rule->patterns[i].object;
  return kinds;
}

static int
make (struct view *view, const struct rules *rules,
      const struct rules_table *table, const struct virgate_peer *peer,
      const struct virgate_identity *identity)
{
  struct ip_question question;
  uint32_t *more;

  clear (view);
  ip_question_begin (&question, rules->host, peer, identity,
                     rules->trust_claims);
  view->rules = calloc (table->count ? table->count : 1,
                        sizeof *view->rules);
  if (view->rules == NULL)
    return -1;
  for (uint32_t i = 0; i < table->count; i++) {
    const struct rules_rule *rule = &table->rules[i];

    if (!is_about (rule, &question))
      continue;
    if (rule->verdict == RULES_READ_ONLY) {
      view->read_only = MIN_OF (view->read_only, i);
      continue;
    }
    view->rules[view->count++] = i;
    view->by_name |= kinds_by_name (rule);
  }
  more = realloc (view->rules, (view->count + 1) * sizeof *more);
  view->rules = more ? more : view->rules;
  view->generation = table->generation;
  return 0;
}

/* Take the view of a peer; it is locked, and so is the table. */
struct hold {
  unsigned side;
  const struct rules_table *table;
  struct place *place;
  struct view own;              /* of a caller without a number */
  struct view *view;
};

static int
take (struct hold *hold, struct rules *rules, const struct virgate_peer *peer,
      const struct virgate_identity *identity)
{
  uint64_t caller = VIRGATE_HOST_HAS (rules->host, peer_serial)
                    ? rules->host->peer_serial (peer) : 0;

  hold->side = guard_enter (&rules->guard);
  hold->table = atomic_load (&rules->table);
  hold->place = caller ? &rules->views->places[caller % VIEWS] : NULL;
  hold->own = (struct view) { .read_only = NO_RULE };
  hold->view = hold->place ? &hold->place->view : &hold->own;
  if (hold->place)
    pthread_mutex_lock (&hold->place->lock);
  if (caller && hold->view->caller == caller
      && hold->view->generation == hold->table->generation)
    return 0;
  if (make (hold->view, rules, hold->table, peer, identity) == -1)
    return -1;
  hold->view->caller = caller;
  return 0;
}

static void
leave (struct hold *hold, struct rules *rules)
{
  if (hold->place)
    pthread_mutex_unlock (&hold->place->lock);
  clear (&hold->own);
  guard_leave (&rules->guard, hold->side);
}

/* Objects ---------------------------------------------------------------- */

static bool
is_like (const struct rules_pattern *pattern, const char *name)
{
  switch (pattern->how) {
  case RULES_NAME: return strcmp (pattern->text, name) == 0;
  case RULES_PREFIX: return strncmp (pattern->text, name, pattern->len) == 0;
  default:
    return strncmp (pattern->text, name, pattern->len) == 0
           && fnmatch (pattern->text, name, 0) == 0;
  }
}

/* MAYBE: the object, or what the pattern asks of it, is not known, and what is
 * known fits.
 */
static enum ip_match
match_pattern (const struct rules_pattern *pattern,
               const struct virgate_object *object)
{
  bool has_parent;

  if (object == NULL)
    return IP_MAYBE;
  if (pattern->how == RULES_UUID)
    return object->uuid == NULL ? IP_MAYBE
           : memcmp (object->uuid, pattern->uuid, 16) == 0 ? IP_YES : IP_NO;
  has_parent = pattern->parent == NULL || object->parent;
  if ((object->name && !is_like (pattern, object->name))
      || (pattern->parent && has_parent
          && fnmatch (pattern->parent, object->parent, 0) != 0))
    return IP_NO;
  return object->name && has_parent ? IP_YES : IP_MAYBE;
}

/* A rule with objects lets look around on the connection as well, as far as
 * its roles do, or nobody could find these objects.
 */
static bool
is_looking (const char *permission)
{
  return strcmp (permission, "getattr") == 0
         || strcmp (permission, "read") == 0
         || strncmp (permission, "search_", 7) == 0;
}

/* Does a rule about the caller decide this?  What is not known counts
 * against the caller.
 */
static bool
decides (const struct rules_rule *rule, const struct rules_asked *asked)
{
  enum ip_match match = IP_NO;

  if (!rules_set_has (&rule->perms, asked->perm)
      || (rule->is_read_only && asked->is_write))
    return false;
  if (rule->pattern_count == 0)
    return true;
  if (asked->kind == 0)         /* connect */
    return rule->verdict == RULES_ALLOW && is_looking (asked->permission);
  if (asked->kind < 0 || !(rule->kinds & (UINT32_C (1) << asked->kind)))
    return false;
  for (unsigned i = 0; i < rule->pattern_count && match != IP_YES; i++)
    if (rule->patterns[i].object == asked->kind)
      match = MAX_OF (match, match_pattern (&rule->patterns[i],
                                            asked->object));
  return match == IP_YES || (match == IP_MAYBE
                             && rule->verdict == RULES_DENY);
}

/* Answers ---------------------------------------------------------------- */

static bool
fits (const struct virgate_object *object)
{
  return object == NULL
         || ((object->name == NULL
              || strlen (object->name) < ANSWER_NAME_MAX)
             && (object->parent == NULL
                 || strlen (object->parent) < ANSWER_NAME_MAX));
}

static uint32_t
hash_of (const struct rules_asked *asked)
{
  const struct virgate_object *object = asked->object;
  uint32_t hash = asked->perm * 31 + asked->is_write, words[4];

  if (object && object->uuid) {
    memcpy (words, object->uuid, sizeof words);
    for (int i = 0; i < 4; i++)
      hash = hash * 33 + (words[i] ^ words[i] >> 16);
  }
  for (const char *at = object && object->name ? object->name : ""; *at; at++)
    hash = hash * 33 + (unsigned char) *at;
  return hash ^ hash >> 16;
}

static bool
is_same_text (const char *a, const char *b)
{
  return strcmp (a, b ? b : "") == 0;
}

static bool
is_same (const struct answer *answer, const struct rules_asked *asked)
{
  const struct virgate_object *object = asked->object;

  if (!answer->is_set || answer->perm != asked->perm
      || answer->is_write != asked->is_write
      || answer->has_object != (object != NULL))
    return false;
  return object == NULL
         || (answer->has_name == (object->name != NULL)
             && answer->has_uuid == (object->uuid != NULL)
             && is_same_text (answer->name, object->name)
             && is_same_text (answer->parent, object->parent)
             && (object->uuid == NULL
                 || memcmp (answer->uuid, object->uuid, 16) == 0));
}

static void
remember (struct answer *answer, const struct rules_asked *asked,
          uint32_t rule)
{
  const struct virgate_object *object = asked->object;

  *answer = (struct answer) {
    .rule = rule, .perm = asked->perm, .is_set = true,
    .is_write = asked->is_write, .has_object = object != NULL,
  };
  if (object == NULL)
    return;
  answer->has_name = object->name != NULL;
  answer->has_uuid = object->uuid != NULL;
  strcpy (answer->name, object->name ? object->name : "");
  strcpy (answer->parent, object->parent ? object->parent : "");
  if (object->uuid)
    memcpy (answer->uuid, object->uuid, 16);
}

static uint32_t
search (const struct hold *hold, const struct rules_asked *asked)
{
  const struct view *view = hold->view;

  for (uint32_t i = 0; i < view->count; i++)
    if (decides (&hold->table->rules[view->rules[i]], asked))
      return view->rules[i];
  return NO_RULE;
}

static uint32_t
rule_for (struct hold *hold, const struct rules_asked *asked)
{
  struct view *view = hold->view;
  struct answer *answer;
  uint32_t rule;

  if (asked->perm < 0 || view->count < 4 || !fits (asked->object))
    return search (hold, asked);
  if (view->answers == NULL)
    view->answers = calloc (ANSWERS, sizeof *view->answers);
  if (view->answers == NULL)
    return search (hold, asked);
  answer = &view->answers[hash_of (asked) % ANSWERS];
  if (is_same (answer, asked))
    return answer->rule;
  rule = search (hold, asked);
  remember (answer, asked, rule);
  return rule;
}

/* Judging ---------------------------------------------------------------- */

static void
quote (const struct rules_rule *rule, struct virgate_acl_reason *reason)
{
  size_t len;

  if (reason == NULL)
    return;
  len = strnlen (rule->text, sizeof reason->text - 1);
  *(char *) mempcpy (reason->text, rule->text, len) = '\0';
  reason->file = rule->file;
  reason->line = rule->line;
}

static int
by_policy (const struct rules *rules, const char *what,
           struct virgate_acl_reason *reason)
{
  static const int verdicts[] = {
    VIRGATE_ACL_DENY, VIRGATE_ACL_ALLOW, VIRGATE_ACL_PASS,
  };

  if (reason) {
    snprintf (reason->text, sizeof reason->text, "no rule %s", what);
    reason->file = NULL;
    reason->line = 0;
  }
  return verdicts[rules->policy];
}

static int
judge_one (struct hold *hold, struct rules *rules,
           const struct rules_asked *asked, struct virgate_acl_reason *reason)
{
  uint32_t found = rule_for (hold, asked);
  const char *kind = rules_object_name (asked->kind);
  const struct rules_rule *rule;
  char what[100];

  if (found == NO_RULE) {
    snprintf (what, sizeof what, "gives %s:%s", kind ? kind : "?",
              asked->permission);
    return by_policy (rules, what, reason);
  }
  rule = &hold->table->rules[found];
  quote (rule, reason);
  return rule->verdict == RULES_ALLOW ? VIRGATE_ACL_ALLOW : VIRGATE_ACL_DENY;
}

int
rules_judge (struct rules *rules, const struct virgate_peer *peer,
             const struct virgate_identity *identity, bool is_write,
             const struct rules_asked *asked, unsigned count,
             struct virgate_acl_reason *reason)
{
  struct hold hold;
  int verdict = take (&hold, rules, peer, identity) == -1
    ? VIRGATE_ACL_ERROR : VIRGATE_ACL_ALLOW;

  if (verdict == VIRGATE_ACL_ALLOW && is_write
      && hold.view->read_only != NO_RULE) {
    quote (&hold.table->rules[hold.view->read_only], reason);
    verdict = VIRGATE_ACL_DENY;
  }
  for (unsigned i = 0; i < count && verdict > VIRGATE_ACL_DENY; i++) {
    int one = judge_one (&hold, rules, &asked[i], reason);

    verdict = one == VIRGATE_ACL_PASS ? one : one == VIRGATE_ACL_ALLOW
              ? verdict : one;
  }
  leave (&hold, rules);
  return verdict;
}

/* May somebody come in?  Whoever has an allow rule of any kind. */
int
rules_entry (struct rules *rules, const struct virgate_peer *peer,
             const struct virgate_identity *identity, int *read_only,
             struct virgate_acl_reason *reason)
{
  struct hold hold;
  int verdict;

  if (take (&hold, rules, peer, identity) == -1)
    verdict = VIRGATE_ACL_ERROR;
  else {
    *read_only = hold.view->read_only != NO_RULE;
    verdict = by_policy (rules, "is about this caller", reason);
    for (uint32_t i = 0; i < hold.view->count; i++) {
      const struct rules_rule *rule = &hold.table->rules[hold.view->rules[i]];

      if (rule->verdict != RULES_ALLOW)
        continue;
      quote (rule, reason);
      verdict = VIRGATE_ACL_ALLOW;
      break;
    }
  }
  leave (&hold, rules);
  return verdict;
}

bool
rules_go_by_name (struct rules *rules, const struct virgate_peer *peer,
                  const struct virgate_identity *identity, int kind)
{
  struct hold hold;
  bool by_name = take (&hold, rules, peer, identity) == 0
                 && kind >= 0 && (hold.view->by_name >> kind) & 1;

  leave (&hold, rules);
  return by_name;
}
