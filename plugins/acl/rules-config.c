/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading a section of module rules, and its files again; see rules.h.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "common/mem.h"
#include "list-file.h"
#include "rules.h"

/* Lines of one section. */
#define ITEMS_MAX 65536

static int
no_memory (const struct rules *rules)
{
  return rules->host->error (rules->host, "out of memory");
}

/* A file's name that lives as long as the section. */
static const char *
keep_name (struct rules *rules, const char *name)
{
  char **more;

  for (unsigned i = 0; i < rules->name_count; i++)
    if (strcmp (rules->names[i], name) == 0)
      return rules->names[i];
  more = reallocarray (rules->names, rules->name_count + 1, sizeof *more);
  if (more == NULL)
    return NULL;
  rules->names = more;
  more[rules->name_count] = strdup (name);
  return more[rules->name_count] ? more[rules->name_count++] : NULL;
}

/* Keys ------------------------------------------------------------------- */

static int
config_item (struct rules *rules, const char *key, const char *value)
{
  struct rules_item *more;
  const char *file = NULL;
  uint32_t line = 0;

  if (strcmp (key, "file") == 0 && *value != '/')
    return rules->host->error (rules->host, "'%s' is not an absolute path",
                               value);
  if (rules->item_count == ITEMS_MAX)
    return rules->host->error (rules->host, "more than %d lines", ITEMS_MAX);
  if (VIRGATE_HOST_HAS (rules->host, config_place)
      && rules->host->config_place (rules->host, &file, &line) == -1)
    file = NULL;
  if (file && (file = keep_name (rules, file)) == NULL)
    return no_memory (rules);
  more = reallocarray (rules->items, rules->item_count + 1, sizeof *more);
  if (more == NULL)
    return no_memory (rules);
  rules->items = more;
  more += rules->item_count;
  *more = (struct rules_item) { key, file, line, strdup (value) };
  if (more->value == NULL)
    return no_memory (rules);
  rules->item_count++;
  return 0;
}

static int
config_policy (struct rules *rules, const char *key, const char *value)
{
  static const char *const names[] = { "deny", "allow", "pass" };

  for (size_t i = 0; i < COUNT_OF (names); i++)
    if (strcmp (value, names[i]) == 0) {
      rules->policy = i;
      return 0;
    }
  return rules->host->error (rules->host, "'%s' is none of deny, allow and "
                             "pass", value);
}

static int
config_trust (struct rules *rules, const char *key, const char *value)
{
  static const char *const yes[] = { "yes", "true", "on", "1" };

  for (size_t i = 0; i < COUNT_OF (yes); i++)
    rules->trust_claims |= strcasecmp (value, yes[i]) == 0;
  return 0;
}

static const struct {
  const char *key;
  int (*read) (struct rules *rules, const char *key, const char *value);
} keys[] = {
  { "role", config_item },
  { "set", config_item },
  { "rule", config_item },
  { "file", config_item },
  { "policy", config_policy },
  { "trust-claims", config_trust },
};

const struct virgate_option rules_options[] = {
  { "role", VIRGATE_OPTION_LIST,
    .help = "NAME, and what it may: OBJECT:PERMISSION, patterns of these, "
            "other roles" },
  { "set", VIRGATE_OPTION_LIST,
    .help = "NAME ENTRY...: addresses that rules below call @NAME" },
  { "rule", VIRGATE_OPTION_LIST,
    .help = "allow or deny, roles, conditions, objects; or read-only and "
            "conditions; the first that is about a call decides" },
  { "file", VIRGATE_OPTION_LIST,
    .help = "a file of such lines, here among them; read again when it "
            "changes" },
  { "policy", VIRGATE_OPTION_STRING, .def = "deny",
    .help = "deny, allow or pass: what no rule is about" },
  { "trust-claims", VIRGATE_OPTION_BOOL, .def = "no",
    .help = "take a relay's word for the address where there is no other" },
  { NULL }
};

int
rules_config (void *inst, const char *key, const char *value)
{
  for (size_t i = 0; i < COUNT_OF (keys); i++)
    if (strcmp (key, keys[i].key) == 0)
      return keys[i].read (inst, keys[i].key, value);
  return -1;
}

/* Files ------------------------------------------------------------------ */

static int
read_file (struct rules *rules, struct rules_table *table, const char *path)
{
  CLEANUP (buf_free) struct buf text = BUF_INIT;
  const char *name = keep_name (rules, path);
  char why[400];
  uint32_t line;

  if (list_file_read (path, RULES_FILE_MAX, &text, why, sizeof why) == -1)
    return rules->host->error (rules->host, "%s: %s", path, why);
  if (name == NULL)
    return no_memory (rules);
  if (rules_text (table, buf_data (&text), buf_len (&text), name, &line, why,
                  sizeof why) == 0)
    return 0;
  return rules->host->error (rules->host, "%s:%u: %s", path, line, why);
}

/* Tables ----------------------------------------------------------------- */

static int
read_item (struct rules *rules, struct rules_table *table,
           const struct rules_item *item)
{
  char why[400];

  if (strcmp (item->key, "file") == 0)
    return read_file (rules, table, item->value);
  if (rules_line (table, item->key, item->value, item->file, item->line, why,
                  sizeof why) == 0)
    return 0;
  if (item->file)
    return rules->host->error (rules->host, "%s:%u: %s: %s", item->file,
                               item->line, item->key, why);
  return rules->host->error (rules->host, "%s = %s: %s", item->key,
                             item->value, why);
}

static void
tell_idle (const struct rules *rules, const struct rules_table *table)
{
  unsigned told = 0;

  for (unsigned i = 0; i < table->count; i++)
    ip_tell_idle (rules->host, table->rules[i].conds,
                  table->rules[i].cond_count, table->rules[i].file,
                  table->rules[i].line, &told);
}

/* Everything is read before the first line takes effect. */
int
rules_reload (void *inst)
{
  struct rules *rules = inst;
  struct rules_table *table = rules_table_new (), *old;

  if (table == NULL)
    return no_memory (rules);
  table->generation = ++rules->generations;
  for (unsigned i = 0; i < rules->item_count; i++)
    if (read_item (rules, table, &rules->items[i]) == -1) {
      rules_table_free (table);
      return -1;
    }
  tell_idle (rules, table);
  old = atomic_exchange (&rules->table, table);
  if (old)
    guard_wait (&rules->guard);
  rules_table_free (old);
  return 0;
}

int
rules_ready (void *inst)
{
  struct rules *rules = inst;
  const struct virgate_host *host = rules->host;

  if (rules_reload (rules) == -1)
    return -1;
  for (unsigned i = 0; i < rules->item_count; i++)
    if (strcmp (rules->items[i].key, "file") == 0
        && (!VIRGATE_HOST_HAS (host, watch_file)
            || host->watch_file (host, rules->items[i].value) == -1))
      host->log (host, VIRGATE_LOG_WARNING, "%s cannot be watched: it is "
                 "read again on SIGHUP only", rules->items[i].value);
  return 0;
}

void
rules_free (struct rules *rules)
{
  rules_table_free (atomic_load (&rules->table));
  rules_views_free (rules->views);
  for (unsigned i = 0; i < rules->item_count; i++)
    free (rules->items[i].value);
  for (unsigned i = 0; i < rules->name_count; i++)
    free (rules->names[i]);
  free (rules->items);
  free (rules->names);
  free (rules);
}
