/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading a section of module ip, and its files again; see ip.h.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "ip-file.h"
#include "ip.h"

static const char *const list_names[] = { "deny", "allow" };

/* In the order of enum ip_policy. */
static const char *const policy_names[] = { "", "deny", "allow", "pass" };

static int
no_memory (const struct ip *ip)
{
  return ip->host->error (ip->host, "out of memory");
}

/* Make room for one more; NULL without memory. */
static void *
grow (void *array, unsigned count, size_t size)
{
  return reallocarray (array, count + 1, size);
}

/* Where the key that is being read stands.  The name lives as long as the
 * section.  NULL: no file has it.
 */
static int
place_of (struct ip *ip, const char **name, uint32_t *line)
{
  const char *file;
  char **more;

  *name = NULL;
  *line = 0;
  if (!VIRGATE_HOST_HAS (ip->host, config_place)
      || ip->host->config_place (ip->host, &file, line) == -1)
    return 0;
  for (unsigned i = 0; i < ip->name_count && *name == NULL; i++)
    if (strcmp (ip->names[i], file) == 0)
      *name = ip->names[i];
  if (*name)
    return 0;
  more = grow (ip->names, ip->name_count, sizeof *more);
  if (more == NULL)
    return no_memory (ip);
  ip->names = more;
  *name = more[ip->name_count] = strdup (file);
  ip->name_count++;
  return *name ? 0 : no_memory (ip);
}

/* What entries are quoted with; -1: after host->error. */
static int
source_of (struct ip *ip, const char *file, const char *text)
{
  struct ip_source *more;

  for (unsigned i = 0; i < ip->source_count; i++)
    if (ip->sources[i].file == file
        && strcmp (ip->sources[i].text, text) == 0)
      return i;
  if (ip->source_count == IP_SOURCES_MAX)
    return ip->host->error (ip->host, "more than %d sets and files in use",
                            IP_SOURCES_MAX);
  more = grow (ip->sources, ip->source_count, sizeof *more);
  if (more == NULL)
    return no_memory (ip);
  ip->sources = more;
  more[ip->source_count] = (struct ip_source) { file, strdup (text) };
  return more[ip->source_count++].text ? (int) ip->source_count - 1
                                       : no_memory (ip);
}

/* Rules ------------------------------------------------------------------ */

static struct ip_rule *
add_rule (struct ip *ip, struct ip_rules *rules, enum ip_list verdict,
          const char *key, const char *value)
{
  struct ip_rule *more, *rule;

  if (rules->count == IP_RULES_MAX) {
    ip->host->error (ip->host, "more than %d rules", IP_RULES_MAX);
    return NULL;
  }
  more = grow (rules->rule, rules->count, sizeof *more);
  if (more == NULL) {
    no_memory (ip);
    return NULL;
  }
  rules->rule = more;
  rule = &more[rules->count++];
  *rule = (struct ip_rule) { .verdict = verdict };
  if (place_of (ip, &rule->file, &rule->line) == -1)
    return NULL;
  if (asprintf (&rule->text, "%s = %s", key, value) == -1) {
    rule->text = NULL;
    no_memory (ip);
    return NULL;
  }
  return rule;
}

static int
add_cond (struct ip *ip, struct ip_rule *rule, const char *word)
{
  struct ip_cond *more;
  char why[400];

  if (rule->count == IP_CONDS_MAX)
    return ip->host->error (ip->host, "more than %d conditions in a rule",
                            IP_CONDS_MAX);
  more = grow (rule->conds, rule->count, sizeof *more);
  if (more == NULL)
    return no_memory (ip);
  rule->conds = more;
  if (ip_cond_read (&more[rule->count++], &ip->sets, word, why,
                    sizeof why) == 0)
    return 0;
  return ip->host->error (ip->host, "%s", why);
}

/* The rest of a rule, behind its verdict. */
static int
read_rule (struct ip *ip, struct ip_rule *rule, const char *at)
{
  char word[WORD_MAX];
  const char *why = NULL;
  int more;

  while ((more = ip_next_word (&at, word, &why)) == 1) {
    if (strcmp (word, "read-only") != 0) {
      if (add_cond (ip, rule, word) == -1)
        return -1;
    }
    else if (rule->verdict == IP_DENY)
      return ip->host->error (ip->host, "read-only belongs to allow");
    else
      rule->is_read_only = true;
  }
  if (more == -1)
    return ip->host->error (ip->host, "%s", why);
  return rule->count > 0 ? 0 : ip->host->error (ip->host, "a rule without "
                                                "conditions: write any for "
                                                "every address");
}

static int
config_rule (struct ip *ip, enum ip_list list, const char *value)
{
  char word[WORD_MAX];
  const char *at = value, *why = NULL;
  struct ip_rule *rule;

  if (ip_next_word (&at, word, &why) != 1
      || (strcmp (word, "allow") != 0 && strcmp (word, "deny") != 0))
    return ip->host->error (ip->host, "write allow or deny, and then the "
                            "conditions");
  list = strcmp (word, "allow") == 0 ? IP_ALLOW : IP_DENY;
  ip->has_allow |= list == IP_ALLOW;
  rule = add_rule (ip, &ip->rules, list, "rule", value);
  return rule ? read_rule (ip, rule, at) : -1;
}

/* Lists ------------------------------------------------------------------ */

static int
add_entry (struct ip *ip, enum ip_list list, const char *word)
{
  char why[400], text[IP_SET_NAME_MAX + 20];
  const char *file;
  uint32_t line;
  int source;

  if (place_of (ip, &file, &line) == -1)
    return -1;
  snprintf (text, sizeof text, "%s = %.*s%s", list_names[list],
            *word == '@' ? IP_SET_NAME_MAX : 0, word,
            *word == '@' ? ", " : "");
  source = source_of (ip, file, text);
  if (source == -1)
    return -1;
  if (ip_sets_collect (&ip->sets, word, &ip->building[list], line, source,
                       why, sizeof why) == 0)
    return 0;
  return ip->host->error (ip->host, "%s", why);
}

static int
config_list (struct ip *ip, enum ip_list list, const char *value)
{
  char word[WORD_MAX];
  const char *why = NULL;
  int more;

  ip->has_allow |= list == IP_ALLOW;
  while ((more = ip_next_word (&value, word, &why)) == 1) {
    struct ip_rule *rule;

    if (!ip_is_cond (word)) {
      if (add_entry (ip, list, word) == -1)
        return -1;
      continue;
    }
    rule = add_rule (ip, &ip->words[list], list, list_names[list], word);
    if (rule == NULL || add_cond (ip, rule, word) == -1)
      return -1;
  }
  return more == 0 ? 0 : ip->host->error (ip->host, "%s", why);
}

static int
config_file (struct ip *ip, enum ip_list list, const char *value)
{
  char text[20];
  struct ip_file *more;
  char **names;
  int source;

  ip->has_allow |= list == IP_ALLOW;
  if (*value != '/')
    return ip->host->error (ip->host, "'%s' is not an absolute path", value);
  if (ip->file_count == IP_FILES_MAX)
    return ip->host->error (ip->host, "more than %d files", IP_FILES_MAX);
  names = grow (ip->names, ip->name_count, sizeof *names);
  if (names == NULL)
    return no_memory (ip);
  ip->names = names;
  names[ip->name_count] = strdup (value);
  more = grow (ip->files, ip->file_count, sizeof *more);
  if (names[ip->name_count++] == NULL || more == NULL)
    return no_memory (ip);
  ip->files = more;
  snprintf (text, sizeof text, "%s = ", list_names[list]);
  source = source_of (ip, names[ip->name_count - 1], text);
  more[ip->file_count++] = (struct ip_file) {
    list, source, names[ip->name_count - 1],
  };
  return source == -1 ? -1 : 0;
}

/* Other keys ------------------------------------------------------------- */

static int
config_set (struct ip *ip, enum ip_list list, const char *value)
{
  char why[400];

  return ip_sets_define (&ip->sets, value, why, sizeof why) == 0
         ? 0 : ip->host->error (ip->host, "%s", why);
}

static int
config_policy (struct ip *ip, enum ip_list list, const char *value)
{
  for (size_t i = 1; i < COUNT_OF (policy_names); i++)
    if (strcmp (value, policy_names[i]) == 0) {
      ip->policy = i;
      return 0;
    }
  return ip->host->error (ip->host, "'%s' is none of deny, allow and pass",
                          value);
}

static int
config_trust (struct ip *ip, enum ip_list list, const char *value)
{
  static const char *const yes[] = { "yes", "true", "on", "1" };

  for (size_t i = 0; i < COUNT_OF (yes); i++)
    ip->trust_claims |= strcasecmp (value, yes[i]) == 0;
  return 0;
}

static const struct {
  const char *key;
  int (*read) (struct ip *ip, enum ip_list list, const char *value);
  enum ip_list list;
} keys[] = {
  { "allow", config_list, IP_ALLOW },
  { "deny", config_list, IP_DENY },
  { "allow-file", config_file, IP_ALLOW },
  { "deny-file", config_file, IP_DENY },
  { "set", config_set, IP_DENY },
  { "rule", config_rule, IP_DENY },
  { "policy", config_policy, IP_DENY },
  { "trust-claims", config_trust, IP_DENY },
};

const struct virgate_option ip_options[] = {
  { "allow", VIRGATE_OPTION_LIST,
    .help = "who may connect: addresses, blocks, ranges, @SET, KEY:VALUE" },
  { "deny", VIRGATE_OPTION_LIST, .help = "who may not, in the same words" },
  { "allow-file", VIRGATE_OPTION_LIST,
    .help = "a file with an address, block or range a line; read again when "
            "it changes" },
  { "deny-file", VIRGATE_OPTION_LIST, .help = "the same, of who may not" },
  { "set", VIRGATE_OPTION_LIST,
    .help = "NAME ENTRY...: addresses that the keys below call @NAME" },
  { "rule", VIRGATE_OPTION_LIST,
    .help = "allow or deny, conditions that must all hold, perhaps read-only; "
            "the first rule that matches decides, before the lists" },
  { "policy", VIRGATE_OPTION_STRING,
    .help = "deny, allow or pass: who is in neither list, or in both; "
            "default: deny with an allow entry, otherwise allow" },
  { "trust-claims", VIRGATE_OPTION_BOOL, .def = "no",
    .help = "take a relay's word for the address where there is no other" },
  { NULL }
};

int
ip_config (void *inst, const char *key, const char *value)
{
  for (size_t i = 0; i < COUNT_OF (keys); i++)
    if (strcmp (key, keys[i].key) == 0)
      return keys[i].read (inst, keys[i].list, value);
  return -1;
}

/* Completing and reading again ------------------------------------------- */

static void
free_filed (struct ip_filed *filed)
{
  if (filed == NULL)
    return;
  ip_table_free (&filed->table[IP_DENY]);
  ip_table_free (&filed->table[IP_ALLOW]);
  free (filed);
}

/* Collect what the files of one list say, and make a table of it. */
static int
read_list (struct ip *ip, enum ip_list list, struct ip_table *table)
{
  CLEANUP (ip_builder_free) struct ip_builder builder = { 0 };
  char why[1024];

  for (unsigned i = 0; i < ip->file_count; i++)
    if (ip->files[i].list == list
        && ip_file_read (&builder, ip->files[i].path, ip->files[i].source,
                         why, sizeof why) == -1)
      return ip->host->error (ip->host, "%s", why);
  return ip_table_make (table, &builder) == 0 ? 0 : no_memory (ip);
}

/* All files are read before the first one takes effect. */
int
ip_reload (void *inst)
{
  struct ip *ip = inst;
  struct ip_filed *filed, *old;

  if (ip->file_count == 0)
    return 0;
  filed = calloc (1, sizeof *filed);
  if (filed == NULL)
    return no_memory (ip);
  if (read_list (ip, IP_DENY, &filed->table[IP_DENY]) == -1
      || read_list (ip, IP_ALLOW, &filed->table[IP_ALLOW]) == -1) {
    free_filed (filed);
    return -1;
  }
  old = atomic_exchange (&ip->filed, filed);
  guard_wait (&ip->guard);
  free_filed (old);
  return 0;
}

static void
watch (const struct ip *ip)
{
  for (unsigned i = 0; i < ip->file_count; i++)
    if (!VIRGATE_HOST_HAS (ip->host, watch_file)
        || ip->host->watch_file (ip->host, ip->files[i].path) == -1)
      ip->host->log (ip->host, VIRGATE_LOG_WARNING, "%s cannot be watched: "
                     "it is read again on SIGHUP only", ip->files[i].path);
}

static void
tell_idle (const struct ip *ip, const struct ip_rules *rules, unsigned *told)
{
  for (unsigned i = 0; i < rules->count; i++)
    ip_tell_idle (ip->host, rules->rule[i].conds, rules->rule[i].count,
                  rules->rule[i].file, rules->rule[i].line, told);
}

int
ip_ready (void *inst)
{
  struct ip *ip = inst;
  unsigned told = 0;

  for (int list = 0; list < 2; list++) {
    if (ip_table_make (&ip->fixed[list], &ip->building[list]) == -1)
      return no_memory (ip);
    ip_builder_free (&ip->building[list]);
    tell_idle (ip, &ip->words[list], &told);
  }
  tell_idle (ip, &ip->rules, &told);
  ip_sets_free (&ip->sets);
  if (ip->policy == IP_POLICY_UNSET)
    ip->policy = ip->has_allow ? IP_POLICY_DENY : IP_POLICY_ALLOW;
  if (ip_reload (ip) == -1)
    return -1;
  watch (ip);
  return 0;
}

static void
free_rules (struct ip_rules *rules)
{
  for (unsigned i = 0; i < rules->count; i++) {
    for (unsigned j = 0; j < rules->rule[i].count; j++)
      ip_cond_free (&rules->rule[i].conds[j]);
    free (rules->rule[i].conds);
    free (rules->rule[i].text);
  }
  free (rules->rule);
}

void
ip_free (struct ip *ip)
{
  for (int list = 0; list < 2; list++) {
    ip_builder_free (&ip->building[list]);
    ip_table_free (&ip->fixed[list]);
    free_rules (&ip->words[list]);
  }
  free_rules (&ip->rules);
  free_filed (atomic_load (&ip->filed));
  ip_sets_free (&ip->sets);
  for (unsigned i = 0; i < ip->name_count; i++)
    free (ip->names[i]);
  for (unsigned i = 0; i < ip->source_count; i++)
    free (ip->sources[i].text);
  free (ip->names);
  free (ip->sources);
  free (ip->files);
  free (ip);
}
