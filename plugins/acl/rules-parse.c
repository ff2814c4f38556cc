/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading roles and rules; see rules.h.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "common/similar.h"
#include "common/uuid.h"
#include "rules.h"

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" \
                   "0123456789-_."

/* Longest line of a file. */
#define LINE_MAX_BYTES 8192

/* The ready roles; they are ordinary ones that stand above all lines. */
static const char *const ready[] = {
  "viewer *:getattr *:read connect:search_domains connect:search_networks "
  "connect:search_storage_pools connect:search_node_devices "
  "connect:search_interfaces connect:search_secrets "
  "connect:search_nwfilters connect:search_nwfilter_bindings "
  "storage_pool:search_storage_vols network:search_ports",
  "operator viewer domain:start domain:stop domain:reset domain:suspend "
  "domain:pm_control domain:init_control domain:inject_nmi "
  "domain:send_input domain:send_signal domain:fs_trim domain:fs_freeze "
  "domain:set_time domain:open_graphics domain:open_device "
  "domain:screenshot network:start network:stop storage_pool:start "
  "storage_pool:stop storage_pool:refresh",
  "admin *:*",
};

static int
next_word (const char **at, char word[WORD_MAX], char *why, size_t size)
{
  const char *problem = NULL;
  int more = word_next (at, " \t\r\n,", word, WORD_MAX, &problem);

  if (more == -1)
    ip_complain (why, size, "%s", problem);
  return more;
}

static void *
grow (void *array, unsigned count, size_t size)
{
  return reallocarray (array, count + 1, size);
}

/* Roles ------------------------------------------------------------------ */

static struct rules_role *
find_role (const struct rules_table *table, const char *name)
{
  for (unsigned i = 0; i < table->role_count; i++)
    if (strcmp (table->roles[i].name, name) == 0)
      return &table->roles[i];
  return NULL;
}

static int
no_role (const struct rules_table *table, const char *word, const char *other,
         char *why, size_t size)
{
  char hint[SIMILAR_HINT_MAX];
  struct similar similar;

  similar_begin (&similar, word, strlen (word));
  for (unsigned i = 0; i < table->role_count; i++)
    similar_offer (&similar, table->roles[i].name);
  return ip_complain (why, size, "'%.60s' is no role above this line%s%s",
                      word, other, similar_hint (&similar, hint, sizeof hint));
}

static int
no_permission (const char *word, char *why, size_t size)
{
  char hint[SIMILAR_HINT_MAX], pair[2][SIMILAR_MAX];
  const char *object, *permission;
  struct similar similar;
  int at = 0;                   /* the best one so far is in the other */

  similar_begin (&similar, word, strlen (word));
  for (unsigned i = 0; i < RULES_PERMS_MAX; i++) {
    if (!rules_perm_name (i, &object, &permission))
      continue;
    snprintf (pair[at], sizeof pair[at], "%s:%s", object, permission);
    similar_offer (&similar, pair[at]);
    if (similar.best == pair[at])
      at = !at;
  }
  return ip_complain (why, size, "there is no permission '%.80s'%s%s", word,
                      similar_hint (&similar, hint, sizeof hint),
                      similar.best ? "" : ": write OBJECT:PERMISSION by "
                      "libvirt's names");
}

/* A word of a role: a permission, or a role above. */
static int
add_to_role (const struct rules_table *table, struct rules_set *perms,
             const char *word, char *why, size_t size)
{
  const struct rules_role *role;

  if (strchr (word, ':'))
    return rules_set_add (perms, word) ? 0 : no_permission (word, why, size);
  role = find_role (table, word);
  if (role == NULL)
    return no_role (table, word, "", why, size);
  rules_set_join (perms, &role->perms);
  return 0;
}

static int
read_role (struct rules_table *table, const char *value, char *why,
           size_t size)
{
  char name[WORD_MAX], word[WORD_MAX];
  struct rules_role role = { .name = "" }, *more;
  size_t len;
  int got = next_word (&value, name, why, size);

  if (got == -1)
    return -1;
  len = got ? strlen (name) : 0;
  if (len == 0 || len >= RULES_NAME_MAX || strspn (name, NAME_CHARS) != len)
    return ip_complain (why, size, "write NAME and then permissions or roles");
  if (find_role (table, name))
    return ip_complain (why, size, "there is a role '%s' already", name);
  strcpy (role.name, name);
  while ((got = next_word (&value, word, why, size)) == 1)
    if (add_to_role (table, &role.perms, word, why, size) == -1)
      return -1;
  if (got == -1)
    return -1;
  if (table->role_count == RULES_ROLES_MAX)
    return ip_complain (why, size, "more than %d roles", RULES_ROLES_MAX);
  more = grow (table->roles, table->role_count, sizeof *more);
  if (more == NULL)
    return ip_complain (why, size, "out of memory");
  table->roles = more;
  more[table->role_count++] = role;
  return 0;
}

/* Objects ---------------------------------------------------------------- */

static int
read_name (struct rules_pattern *pattern, const char *text, char *why,
           size_t size)
{
  const char *slash = strchr (text, '/'), *special;

  if (slash && strcmp (rules_object_name (pattern->object),
                       "storage_vol") == 0) {
    pattern->parent = strndup (text, slash - text);
    if (pattern->parent == NULL)
      return ip_complain (why, size, "out of memory");
    text = slash + 1;
  }
  pattern->text = strdup (text);
  if (pattern->text == NULL)
    return ip_complain (why, size, "out of memory");
  special = strpbrk (text, "*?[\\");
  pattern->how = special == NULL ? RULES_NAME
                 : *special == '*' && special[1] == '\0' ? RULES_PREFIX
                 : RULES_GLOB;
  pattern->len = special ? (size_t) (special - text) : strlen (text);
  return *text ? 0 : ip_complain (why, size, "a name or a pattern is wanted");
}

/* The object that a word like "domain:NAME" or "domain-uuid:UUID" begins
 * with; -1 when it is no such word.  "pool" and "vol" are short forms.
 */
static int
object_of (const char *word, bool *is_uuid)
{
  const char *colon = strchr (word, ':');
  char name[32];
  size_t len = colon ? (size_t) (colon - word) : 0;

  if (len == 0 || len >= sizeof name)
    return -1;
  memcpy (name, word, len);
  name[len] = '\0';
  *is_uuid = len > 5 && strcmp (name + len - 5, "-uuid") == 0;
  if (*is_uuid)
    name[len - 5] = '\0';
  if (strcmp (name, "pool") == 0)
    strcpy (name, "storage_pool");
  else if (strcmp (name, "vol") == 0)
    strcpy (name, "storage_vol");
  return strcmp (name, "connect") == 0 ? -1 : rules_object_find (name);
}

/* A rule that asks for what such objects do not have would be about none of
 * them, or refuse all.
 */
static int
check_pattern (int object, bool is_uuid, char *why, size_t size)
{
  static const char *const by_name[] = { "interface", "node_device",
                                         "nwfilter_binding", "storage_vol" };
  const char *kind = rules_object_name (object);

  for (size_t i = 0; is_uuid && i < COUNT_OF (by_name); i++)
    if (strcmp (kind, by_name[i]) == 0)
      return ip_complain (why, size, "a %s has no uuid: go by its name", kind);
  return is_uuid || strcmp (kind, "network_port") != 0 ? 0
         : ip_complain (why, size, "a %s has no name: go by its uuid", kind);
}

static int
add_pattern (struct rules_rule *rule, int object, bool is_uuid,
             const char *text, char *why, size_t size)
{
  struct rules_pattern *more;

  if (check_pattern (object, is_uuid, why, size) == -1)
    return -1;
  if (rule->pattern_count == RULES_PATTERNS_MAX)
    return ip_complain (why, size, "more than %d objects in a rule",
                        RULES_PATTERNS_MAX);
  more = grow (rule->patterns, rule->pattern_count, sizeof *more);
  if (more == NULL)
    return ip_complain (why, size, "out of memory");
  rule->patterns = more;
  more += rule->pattern_count++;
  *more = (struct rules_pattern) { .object = object };
  rule->kinds |= UINT32_C (1) << object;
  if (!is_uuid)
    return read_name (more, text, why, size);
  more->how = RULES_UUID;
  return uuid_parse (text, more->uuid) ? 0
         : ip_complain (why, size, "'%.60s' is no uuid", text);
}

/* Rules ------------------------------------------------------------------ */

static int
add_cond (struct rules_table *table, struct rules_rule *rule,
          const char *word, char *why, size_t size)
{
  struct ip_cond *more;

  if (rule->cond_count == RULES_CONDS_MAX)
    return ip_complain (why, size, "more than %d conditions in a rule",
                        RULES_CONDS_MAX);
  more = grow (rule->conds, rule->cond_count, sizeof *more);
  if (more == NULL)
    return ip_complain (why, size, "out of memory");
  rule->conds = more;
  return ip_cond_read (&more[rule->cond_count++], &table->sets, word, why,
                       size);
}

/* A word that is no condition may be a misspelt kind of object. */
static int
maybe_object (const char *word, char *why, size_t size)
{
  size_t len = strcspn (word, ":");
  char hint[SIMILAR_HINT_MAX];
  struct similar similar;

  if (len > 5 && strncmp (word + len - 5, "-uuid", 5) == 0)
    len -= 5;
  similar_begin (&similar, word, len);
  for (unsigned i = 1; rules_object_name (i); i++)
    similar_offer (&similar, rules_object_name (i));
  if (similar.best)
    ip_complain (why, size, "'%.*s' is neither a key of a rule nor a kind of "
                 "objects%s", (int) len, word,
                 similar_hint (&similar, hint, sizeof hint));
  return -1;
}

/* A word of a rule, behind its verdict. */
static int
add_to_rule (struct rules_table *table, struct rules_rule *rule,
             const char *word, bool *has_role, char *why, size_t size)
{
  bool is_uuid = false;
  int object = object_of (word, &is_uuid);
  const struct rules_role *role;

  if (object != -1)
    return add_pattern (rule, object, is_uuid, strchr (word, ':') + 1, why,
                        size);
  if (*word == '@' || strchr (word, ':'))
    return add_cond (table, rule, word, why, size) == 0 ? 0
           : maybe_object (word, why, size);
  if (strcmp (word, "read-only") == 0 && rule->verdict == RULES_ALLOW) {
    rule->is_read_only = true;
    return 0;
  }
  role = find_role (table, word);
  if (role == NULL)
    return no_role (table, word, ", no KEY:VALUE and no OBJECT:NAME", why,
                    size);
  rules_set_join (&rule->perms, &role->perms);
  *has_role = true;
  return 0;
}

/* A rule about objects on which its roles give nothing is about nothing. */
static int
check_kinds (const struct rules_rule *rule, char *why, size_t size)
{
  uint32_t missing = rule->perms.is_all ? 0 : rule->kinds;
  const char *object, *permission;

  for (unsigned i = 0; missing && i < RULES_PERMS_MAX; i++)
    if (rules_set_has (&rule->perms, i)
        && rules_perm_name (i, &object, &permission))
      missing &= ~(UINT32_C (1) << rules_object_find (object));
  for (unsigned i = 0; missing && rules_object_name (i); i++)
    if (missing & (UINT32_C (1) << i))
      return ip_complain (why, size, "the rule's roles have no permission on "
                          "a %s", rules_object_name (i));
  return 0;
}

static int
read_words (struct rules_table *table, struct rules_rule *rule,
            const char *value, char *why, size_t size)
{
  char word[WORD_MAX];
  bool has_role = false;
  int got;

  while ((got = next_word (&value, word, why, size)) == 1)
    if (add_to_rule (table, rule, word, &has_role, why, size) == -1)
      return -1;
  if (got == -1)
    return -1;
  if (rule->verdict == RULES_READ_ONLY)
    return !has_role && rule->pattern_count == 0 ? 0
           : ip_complain (why, size, "read-only takes conditions only");
  if (!has_role)
    return ip_complain (why, size, "a rule without a role: write admin for "
                        "all permissions");
  return check_kinds (rule, why, size);
}

static const char *const verdicts[] = { "deny", "allow", "read-only" };

/* value: all that is behind the verdict; text: how the rule is quoted. */
static int
read_rule (struct rules_table *table, enum rules_verdict verdict,
           const char *value, char *text, const char *file, uint32_t line,
           char *why, size_t size)
{
  struct rules_rule *more = NULL;

  if (text && table->count < RULES_MAX)
    more = grow (table->rules, table->count, sizeof *more);
  if (more == NULL) {
    free (text);
    return ip_complain (why, size, "out of memory, or more than %d rules",
                        RULES_MAX);
  }
  table->rules = more;
  more += table->count++;
  *more = (struct rules_rule) {
    .verdict = verdict, .file = file, .line = line, .text = text,
  };
  return read_words (table, more, value, why, size);
}

static char *
quoted (const char *key, const char *value)
{
  char *text;
  int len = strcspn (value, "\r\n");

  return asprintf (&text, "%s %.*s", key, len, value) == -1 ? NULL : text;
}

static int
verdict_of (const char *word)
{
  for (size_t i = 0; i < COUNT_OF (verdicts); i++)
    if (strcmp (word, verdicts[i]) == 0)
      return i;
  return -1;
}

int
rules_line (struct rules_table *table, const char *key, const char *value,
            const char *file, uint32_t line, char *why, size_t size)
{
  char word[WORD_MAX];
  const char *rest = value;
  int verdict = verdict_of (key);

  if (strcmp (key, "role") == 0)
    return read_role (table, value, why, size);
  if (strcmp (key, "set") == 0)
    return ip_sets_define (&table->sets, value, why, size);
  if (verdict != -1)
    return read_rule (table, verdict, value, quoted (key, value), file, line,
                      why, size);
  if (strcmp (key, "rule") != 0)
    return ip_complain (why, size, "'%.40s' is none of role, set, allow, deny "
                        "and read-only", key);
  switch (next_word (&rest, word, why, size)) {
  case -1: return -1;
  case 1: verdict = verdict_of (word);
  }
  if (verdict == -1)
    return ip_complain (why, size, "write allow, deny or read-only first");
  return read_rule (table, verdict, rest, quoted ("rule =", value), file,
                    line, why, size);
}

/* Files ------------------------------------------------------------------ */

static int
read_line (struct rules_table *table, char *text, const char *file,
           uint32_t line, char *why, size_t size)
{
  char *key = text + strspn (text, " \t\r");
  size_t len = strcspn (key, " \t\r=");
  char *rest = key + len;

  if (*key == '\0' || *key == '#' || *key == ';')
    return 0;
  rest += strspn (rest, " \t\r=");
  key[len] = '\0';
  return rules_line (table, key, rest, file, line, why, size);
}

int
rules_text (struct rules_table *table, const char *text, size_t len,
            const char *file, uint32_t *line, char *why, size_t size)
{
  char copy[LINE_MAX_BYTES];

  *line = 0;
  while (len > 0) {
    const char *end = memchr (text, '\n', len);
    size_t this_len = end ? (size_t) (end - text) : len;

    ++*line;
    if (this_len >= sizeof copy || memchr (text, '\0', this_len))
      return ip_complain (why, size, "the line is too long, or is no text");
    memcpy (copy, text, this_len);
    copy[this_len] = '\0';
    if (read_line (table, copy, file, *line, why, size) == -1)
      return -1;
    this_len += end != NULL;
    text += this_len;
    len -= this_len;
  }
  return 0;
}

/* Tables ----------------------------------------------------------------- */

struct rules_table *
rules_table_new (void)
{
  struct rules_table *table = calloc (1, sizeof *table);
  char why[200];

  for (size_t i = 0; table && i < COUNT_OF (ready); i++)
    if (read_role (table, ready[i], why, sizeof why) == -1) {
      rules_table_free (table);
      return NULL;
    }
  return table;
}

static void
free_rule (struct rules_rule *rule)
{
  for (unsigned i = 0; i < rule->cond_count; i++)
    ip_cond_free (&rule->conds[i]);
  for (unsigned i = 0; i < rule->pattern_count; i++) {
    free (rule->patterns[i].parent);
    free (rule->patterns[i].text);
  }
  free (rule->conds);
  free (rule->patterns);
  free (rule->text);
}

void
rules_table_free (struct rules_table *table)
{
  if (table == NULL)
    return;
  for (unsigned i = 0; i < table->count; i++)
    free_rule (&table->rules[i]);
  free (table->rules);
  free (table->roles);
  ip_sets_free (&table->sets);
  free (table);
}
