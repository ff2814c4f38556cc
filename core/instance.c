/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Modules in use: see instance.h.  host.c has the table that they are given.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "common/similar.h"
#include "core/host.h"
#include "core/instance.h"

/* Does a program's table, the module, or one that wraps it know the key? */
static bool
is_claimed_above (const struct instance *instance, const char *key)
{
  if (config_option (instance->own, key))
    return true;
  for (const struct instance *i = instance->parent; i; i = i->parent)
    if (config_option (i->module->desc.options, key))
      return true;
  return false;
}

static bool
is_claimed_below (const struct instance *instance, const char *key)
{
  if (config_option (instance->module->desc.options, key))
    return true;
  for (const struct instance *i = instance->lowers; i; i = i->next)
    if (is_claimed_below (i, key))
      return true;
  return false;
}

/* The key whose name and colon an error about the whole begins with. */
static const struct config_key *
find_named (const struct config_section *section, const char **text)
{
  for (const struct config_key *key = section->keys; key; key = key->next) {
    size_t len = strlen (key->key);

    if (strncmp (*text, key->key, len) == 0
        && strncmp (*text + len, ": ", 2) == 0) {
      *text += len + 2;
      return key;
    }
  }
  return NULL;
}

/* The length of "FILE:LINE" where an error begins with a place in the
 * section's own file; or 0.
 */
static size_t
placed_len (const struct config_section *section, const char *text)
{
  size_t file = strlen (section->file), digits;

  if (strncmp (text, section->file, file) != 0 || text[file] != ':')
    return 0;
  digits = strspn (text + file + 1, "0123456789");
  return digits > 0 && strncmp (text + file + 1 + digits, ": ", 2) == 0
         ? file + 1 + digits : 0;
}

static void
place (const struct config_section *section, const struct config_key *key,
       const char *text, struct virgate_error *err)
{
  size_t len = key ? 0 : placed_len (section, text);

  if (len > 0)
    error_text (err, VIRGATE_ERR_CONF_SYNTAX, VIRGATE_FROM_CONF,
                "%.*s: [%s] %s", (int) len, text, section->title,
                text + len + 2);
  else {
    if (key == NULL)
      key = find_named (section, &text);
    config_error (err, section, key, "%s", text);
  }
}

/* Put where it happened in front of an error of the module. */
static int
blame (const struct instance *instance, const struct config_key *key,
       struct virgate_error *err)
{
  CLEANUP_ERROR struct virgate_error why = { 0 };
  bool is_placed = host_error_is_placed ();

  host_error_take (instance, &why);
  if (is_placed)
    error_text (err, why.code, why.domain, "%s", error_message (&why));
  else if (instance->section)
    place (instance->section, key, error_message (&why), err);
  else
    error_text (err, why.code, why.domain, "%s: %s", instance->title,
                error_message (&why));
  if (err && why.code != VIRGATE_ERR_INTERNAL_ERROR) {
    err->code = why.code;
    err->domain = why.domain;
  }
  return -1;
}

static int
give_key (struct instance *instance, const struct config_key *key,
          const struct virgate_option *option, struct virgate_error *err)
{
  const struct virgate_module *desc = &instance->module->desc;
  int result;

  if (config_check_key (instance->section, key, option, err) == -1)
    return -1;
  if (desc->config == NULL)
    return config_error (err, instance->section, key,
                         "module %s-%s takes no keys",
                         module_kind_name (desc->kind), desc->name);
  host_error_forget ();
  instance->key = key;
  result = desc->config (instance->inst, key->key, key->value);
  instance->key = NULL;
  return result == -1 ? blame (instance, key, err) : 0;
}

/* A transport below another has the outer one's port by default. */
static int
give_port (struct instance *instance, struct virgate_error *err)
{
  const struct virgate_module *desc = &instance->module->desc;
  const struct instance *outer = instance->parent;
  const struct virgate_transport_ops *ops = outer ? outer->transport.ops
                                                  : NULL;
  char port[16];

  if (ops == NULL || ops->default_port == 0 || desc->config == NULL
      || config_option (desc->options, "port") == NULL
      || config_key (instance->section, "port"))
    return 0;
  snprintf (port, sizeof port, "%u", ops->default_port);
  host_error_forget ();
  if (desc->config (instance->inst, "port", port) == -1)
    return blame (instance, NULL, err);
  return 0;
}

/* What the outer transport chose for keys that the section leaves out. */
static int
give_defaults (struct instance *instance, const char *const *pairs,
               struct virgate_error *err)
{
  const struct virgate_module *desc = &instance->module->desc;

  for (; pairs && pairs[0]; pairs += 2) {
    if (desc->config == NULL || config_option (desc->options, pairs[0]) == NULL
        || (instance->section && config_key (instance->section, pairs[0])))
      continue;
    host_error_forget ();
    if (desc->config (instance->inst, pairs[0], pairs[1]) == -1)
      return blame (instance, NULL, err);
  }
  return 0;
}

static int
give_keys (struct instance *instance, struct virgate_error *err)
{
  const struct config_key *key = instance->section ? instance->section->keys
                                                   : NULL;

  if (give_port (instance, err) == -1)
    return -1;
  for (; key; key = key->next) {
    const struct virgate_option *option
      = config_option (instance->module->desc.options, key->key);

    if (option && !is_claimed_above (instance, key->key)
        && give_key (instance, key, option, err) == -1)
      return -1;
  }
  return 0;
}

/* The keys that were meant, for a message. */
static void
list_keys (const struct instance *instance, char *text, size_t size)
{
  const struct virgate_option *option = instance->own;
  size_t len = strlen (text);

  for (int round = 0; round < 2; round++) {
    for (; option && option->key && len < size; option++)
      len += snprintf (text + len, size - len, "%s%s", len ? ", " : "",
                       option->key);
    option = instance->module->desc.options;
  }
  for (const struct instance *i = instance->lowers; i; i = i->next)
    list_keys (i, text, size);
}

/* The one of them that was meant. */
static void
find_similar (const struct instance *instance, struct similar *similar)
{
  const struct virgate_option *option = instance->own;

  for (int round = 0; round < 2; round++) {
    for (; option && option->key; option++)
      similar_offer (similar, option->key);
    option = instance->module->desc.options;
  }
  for (const struct instance *i = instance->lowers; i; i = i->next)
    find_similar (i, similar);
}

/* The first key that nobody knows. */
static int
refuse_unknown (const struct instance *instance, struct virgate_error *err)
{
  const struct config_key *key = instance->section ? instance->section->keys
                                                   : NULL;
  const struct virgate_module *desc = &instance->module->desc;
  char known[512] = "", hint[SIMILAR_HINT_MAX];
  struct similar similar;

  if (instance->parent)
    return 0;
  for (; key; key = key->next) {
    if (config_option (instance->own, key->key)
        || is_claimed_below (instance, key->key))
      continue;
    list_keys (instance, known, sizeof known);
    similar_begin (&similar, key->key, strlen (key->key));
    find_similar (instance, &similar);
    return config_error (err, instance->section, key,
                         "there is no such key here (module %s-%s)%s there "
                         "are: %s", module_kind_name (desc->kind), desc->name,
                         similar.best ? similar_hint (&similar, hint,
                                                      sizeof hint) : ";",
                         known[0] ? known : "none");
  }
  return 0;
}

/* The first key that must be there and is not. */
static int
miss_required (const struct instance *instance)
{
  const struct virgate_option *option = instance->module->desc.options;

  host_error_forget ();
  for (; option && option->key; option++)
    if ((option->flags & VIRGATE_OPTION_REQUIRED)
        && config_key (instance->section, option->key) == NULL) {
      host_error_set ("the key '%s' must be given: %s", option->key,
                      option->help);
      return -1;
    }
  return 0;
}

static int
get_ready (struct instance *instance, struct virgate_error *err)
{
  const struct virgate_module *desc = &instance->module->desc;
  CLEANUP_ERROR struct virgate_error why = { 0 };

  if (miss_required (instance) == 0
      && (desc->ready == NULL || desc->ready (instance->inst) == 0))
    return refuse_unknown (instance, err);
  /* A misspelt key explains more than what is missing because of it. */
  blame (instance, NULL, &why);
  if (refuse_unknown (instance, err) == 0 && err)
    error_move (err, &why);
  return -1;
}

static int
configure (struct instance *instance, const char *const *defaults,
           struct virgate_error *err)
{
  const struct virgate_module *desc = &instance->module->desc;

  host_error_forget ();
  if (desc->open && desc->open (&instance->host, &instance->inst) == -1) {
    instance->inst = NULL;
    blame (instance, NULL, err);
    return -1;
  }
  if (give_defaults (instance, defaults, err) == 0
      && give_keys (instance, err) == 0 && get_ready (instance, err) == 0)
    return 0;
  if (desc->close)
    desc->close (instance->inst);
  return -1;
}

static struct instance *
instance_new (const struct module *module, const struct host_env *env,
              const struct config_section *section,
              const struct virgate_option *own, const char *title)
{
  struct instance *instance = calloc (1, sizeof *instance);

  if (instance == NULL)
    return NULL;
  instance->module = module;
  instance->env = env;
  instance->section = section;
  instance->own = own;
  if (title == NULL)
    title = section ? section->title : module->desc.name;
  snprintf (instance->title, sizeof instance->title, "%s", title);
  host_init (instance);
  if (module->desc.kind == VIRGATE_KIND_TRANSPORT)
    instance->transport.ops = module->ops;
  instance->transport.ops_size = module->ops_size;
  return instance;
}

static void
close_lowers (struct instance *instance)
{
  while (instance->lowers) {
    struct instance *lower = instance->lowers;

    instance->lowers = lower->next;
    instance_close (lower);
  }
}

static struct instance *
start (struct instance *instance, const char *const *defaults,
       struct virgate_error *err)
{
  if (instance == NULL) {
    error_set (err, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_CONF, NULL);
    return NULL;
  }
  if (configure (instance, defaults, err) == 0) {
    instance->transport.inst = instance->inst;
    instance->section = NULL;
    return instance;
  }
  close_lowers (instance);
  free (instance);
  return NULL;
}

struct instance *
instance_open (const struct module *module, const struct host_env *env,
               const struct config_section *section,
               const struct virgate_option *own, const char *title,
               struct virgate_error *err)
{
  return start (instance_new (module, env, section, own, title), NULL, err);
}

struct instance *
instance_open_lower (struct instance *parent, const struct module *module,
                     const char *const *defaults, struct virgate_error *err)
{
  struct instance *instance = instance_new (module, parent->env,
                                            parent->section, parent->own,
                                            parent->title);

  if (instance) {
    bool is_onward = parent->module->desc.kind == VIRGATE_KIND_DRIVER;

    instance->parent = parent;
    instance->host.role = is_onward ? VIRGATE_ROLE_CLIENT : parent->host.role;
  }
  instance = start (instance, defaults, err);
  if (instance) {
    instance->next = parent->lowers;
    parent->lowers = instance;
  }
  return instance;
}

void
instance_close (struct instance *instance)
{
  if (instance == NULL)
    return;
  if (instance->module->desc.close)
    instance->module->desc.close (instance->inst);
  close_lowers (instance);
  free (instance);
}

int
instance_reload (struct instance *instance, struct virgate_error *err)
{
  const struct virgate_module *desc = &instance->module->desc;
  int result;

  for (struct instance *i = instance->lowers; i; i = i->next)
    if (instance_reload (i, err) == -1)
      return -1;
  host_error_forget ();
  result = desc->reload ? desc->reload (instance->inst) : 0;
  atomic_fetch_add (&instance->reloads, 1);
  if (result == 0)
    return 0;
  return blame (instance, NULL, err);
}

/* Schemes ---------------------------------------------------------------- */

struct wanted {
  const char *scheme;
  const struct module *found;
};

static void
look_at (void *opaque, const char *file, const struct module *module,
         const struct virgate_error *err)
{
  const struct virgate_transport_ops *ops = module ? module->ops : NULL;
  struct wanted *wanted = opaque;

  for (const char *const *s = ops ? ops->schemes : NULL; s && *s; s++)
    if (strcmp (*s, wanted->scheme) == 0)
      wanted->found = module;
}

const struct module *
transport_for_scheme (struct modules *modules, const char *scheme,
                      struct virgate_error *err)
{
  CLEANUP_ERROR struct virgate_error why = { 0 };
  struct wanted wanted = { .scheme = scheme };

  wanted.found = modules_load (modules, VIRGATE_KIND_TRANSPORT, scheme, &why);
  if (wanted.found == NULL && !modules_have (modules, VIRGATE_KIND_TRANSPORT,
                                             scheme))
    modules_each (modules, VIRGATE_KIND_TRANSPORT, look_at, &wanted);
  if (wanted.found == NULL && err)
    error_move (err, &why);
  return wanted.found;
}
