/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checks of a module's file, descriptor, hooks and options.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <virgate/acl.h>
#include <virgate/auth.h>
#include <virgate/driver.h>
#include <virgate/transport.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "core/conffile.h"
#include "core/error.h"
#include "core/modcheck.h"

/* No structure of this ABI will ever be larger: bytes. */
#define STRUCT_MAX 65536

/* The first descriptor of this ABI ended with ops. */
#define DESC_MIN (offsetof (struct virgate_module, ops) + sizeof (void *))

static const size_t ops_sizes[] = {
  [VIRGATE_KIND_TRANSPORT] = sizeof (struct virgate_transport_ops),
  [VIRGATE_KIND_AUTH] = sizeof (struct virgate_auth_ops),
  [VIRGATE_KIND_ACL] = sizeof (struct virgate_acl_ops),
  [VIRGATE_KIND_DRIVER] = sizeof (struct virgate_driver_ops),
};

static int
refuse (struct virgate_error *err, const char *file, const char *fmt, ...)
  VIRGATE_PRINTF (3, 4);

static int
refuse (struct virgate_error *err, const char *file, const char *fmt, ...)
{
  char text[512];
  va_list args;

  va_start (args, fmt);
  vsnprintf (text, sizeof text, fmt, args);
  va_end (args);
  return error_text (err, VIRGATE_ERR_INTERNAL_ERROR, VIRGATE_FROM_CONF,
                     "module %s: %s", file, text);
}

/* Owners ----------------------------------------------------------------- */

static int
check_owner (const char *file, const char *path, bool sticky_is_fine,
             struct virgate_error *err)
{
  struct stat st;

  if (stat (path, &st) == -1)
    return refuse (err, file, "%s: %s", path, strerror (errno));
  if (st.st_uid != 0)
    return refuse (err, file, "a daemon run by root loads nothing from %s, "
                   "which belongs to uid %u", path, st.st_uid);
  if ((st.st_mode & (S_IWGRP | S_IWOTH))
      && !(sticky_is_fine && (st.st_mode & S_ISVTX)))
    return refuse (err, file, "a daemon run by root loads nothing from %s, "
                   "which others than its owner can write", path);
  return 0;
}

/* The path, then every folder above it; the first STRICT of them must not be
 * sticky folders like /tmp.
 */
static int
check_chain (const char *file, const char *path, int strict,
             struct virgate_error *err)
{
  CLEANUP_FREE char *copy = realpath (path, NULL);
  char *at = copy;

  if (copy == NULL)
    return refuse (err, file, "%s", strerror (errno));
  for (;;) {
    if (check_owner (file, at, strict-- <= 0, err) == -1)
      return -1;
    if (strcmp (at, "/") == 0)
      return 0;
    at = dirname (at);
  }
}

int
modcheck_owners (const char *file, struct virgate_error *err)
{
  CLEANUP_FREE char *copy = strdup (file);

  if (copy == NULL)
    return error_set (err, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_CONF, NULL);
  /* Where the file is, and where its name is: one may be a link. */
  if (check_chain (file, file, 2, err) == -1)
    return -1;
  return check_chain (file, dirname (copy), 1, err);
}

/* The descriptor --------------------------------------------------------- */

int
modcheck_head (const struct virgate_module *desc, const char *file,
               uint32_t kind, const char *name, struct virgate_error *err)
{
  const char *kind_name = module_kind_name (kind);

  if (desc->magic != VIRGATE_MODULE_MAGIC)
    return refuse (err, file, "virgate_module in it is no module descriptor");
  if (desc->abi != VIRGATE_MODULE_ABI)
    return refuse (err, file, "built for module ABI %u, this program has %u",
                   desc->abi, VIRGATE_MODULE_ABI);
  if (desc->size < DESC_MIN || desc->size > STRUCT_MAX)
    return refuse (err, file, "a descriptor cannot have %u bytes", desc->size);
  if (desc->ops == NULL || desc->ops_size < sizeof (void *)
      || desc->ops_size > STRUCT_MAX)
    return refuse (err, file, "it has no ops, or ops of an impossible size "
                   "(%u bytes)", desc->ops_size);
  if (desc->kind != kind)
    return refuse (err, file, "its kind is %u (%s), its file's name says %s",
                   desc->kind, module_kind_name (desc->kind)
                               ? module_kind_name (desc->kind) : "unknown",
                   kind_name);
  if (desc->name == NULL || strcmp (desc->name, name) != 0)
    return refuse (err, file, "it calls itself '%s', its file's name says "
                   "'%s'", desc->name ? desc->name : "", name);
  if (desc->version == NULL || desc->summary == NULL)
    return refuse (err, file, "it has no %s",
                   desc->version ? "summary" : "version");
  return 0;
}

void *
modcheck_copy (const struct virgate_module *desc, struct virgate_module *copy)
{
  size_t size = ops_sizes[desc->kind];
  void *ops = calloc (1, size);

  if (ops == NULL)
    return NULL;
  memcpy (ops, desc->ops, MIN_OF (size, (size_t) desc->ops_size));
  memset (copy, 0, sizeof *copy);
  memcpy (copy, desc, MIN_OF (sizeof *copy, (size_t) desc->size));
  return ops;
}

/* Hooks ------------------------------------------------------------------ */

/* When one of `when` is set, or `when` is empty, one of `need` must be. */
#define HOOKS_MAX 4

struct rule {
  uint32_t kind;
  struct hook {
    const char *name;
    size_t offset;
  } when, need[HOOKS_MAX];
};

#define T(hook) { #hook, offsetof (struct virgate_transport_ops, hook) }
#define U(hook) { #hook, offsetof (struct virgate_auth_ops, hook) }
#define L(hook) { #hook, offsetof (struct virgate_acl_ops, hook) }
#define D(hook) { #hook, offsetof (struct virgate_driver_ops, hook) }
#define ALWAYS { NULL, 0 }

static const struct rule rules[] = {
  { VIRGATE_KIND_TRANSPORT, ALWAYS, { T (schemes) } },
  { VIRGATE_KIND_TRANSPORT, ALWAYS, { T (listen), T (connect) } },
  { VIRGATE_KIND_TRANSPORT, T (listen), { T (accept) } },
  { VIRGATE_KIND_TRANSPORT, ALWAYS, { T (readv) } },
  { VIRGATE_KIND_TRANSPORT, ALWAYS, { T (writev) } },
  { VIRGATE_KIND_TRANSPORT, ALWAYS, { T (pollfd) } },
  { VIRGATE_KIND_TRANSPORT, ALWAYS, { T (peer) } },
  { VIRGATE_KIND_TRANSPORT, ALWAYS, { T (close) } },
  { VIRGATE_KIND_AUTH, ALWAYS, { U (decide), U (password), U (mechanisms),
                                 U (client_start) } },
  { VIRGATE_KIND_AUTH, U (mechanisms), { U (start) } },
  { VIRGATE_KIND_AUTH, U (mechanisms), { U (step) } },
  { VIRGATE_KIND_AUTH, U (mechanisms), { U (conv_free) } },
  { VIRGATE_KIND_AUTH, U (client_start), { U (client_step) } },
  { VIRGATE_KIND_AUTH, U (client_start), { U (conv_free) } },
  { VIRGATE_KIND_AUTH, U (layer), { U (wrap) } },
  { VIRGATE_KIND_AUTH, U (layer), { U (unwrap) } },
  { VIRGATE_KIND_ACL, ALWAYS, { L (admit), L (enter), L (permit),
                                L (visible) } },
  { VIRGATE_KIND_DRIVER, ALWAYS, { D (open) } },
  { VIRGATE_KIND_DRIVER, ALWAYS, { D (handlers), D (frame) } },
};

static bool
hook_is_set (const struct module *module, const struct hook *hook)
{
  void *slot;

  memcpy (&slot, (const char *) module->ops + hook->offset, sizeof slot);
  return slot != NULL;
}

static int
check_rule (const struct module *module, const struct rule *rule,
            struct virgate_error *err)
{
  char names[128];
  size_t len = 0;

  if (rule->kind != module->desc.kind
      || (rule->when.name && !hook_is_set (module, &rule->when)))
    return 0;
  for (size_t i = 0; i < HOOKS_MAX && rule->need[i].name; i++) {
    if (hook_is_set (module, &rule->need[i]))
      return 0;
    len += snprintf (names + len, sizeof names - len, "%s%s",
                     len ? " or " : "", rule->need[i].name);
  }
  return refuse (err, module->file, "its hook %s is missing%s%s", names,
                 rule->when.name ? ", which goes with " : "",
                 rule->when.name ? rule->when.name : "");
}

/* Options ---------------------------------------------------------------- */

static bool
is_key (const char *key)
{
  for (const char *p = key; *p; p++)
    if (!islower ((unsigned char) *p) && !isdigit ((unsigned char) *p)
        && *p != '-')
      return false;
  return *key != '\0';
}

static int
check_option (const struct module *module, const struct virgate_option *option,
              struct virgate_error *err)
{
  char why[256];

  if (!is_key (option->key))
    return refuse (err, module->file, "'%s' cannot be a key: lower case, "
                   "digits and '-' only", option->key);
  if (config_option (module->desc.options, option->key) != option)
    return refuse (err, module->file, "key %s is there twice", option->key);
  if (option->type < VIRGATE_OPTION_STRING
      || option->type > VIRGATE_OPTION_LIST)
    return refuse (err, module->file, "key %s has the unknown type %u",
                   option->key, option->type);
  if (option->help == NULL)
    return refuse (err, module->file, "key %s has no help", option->key);
  if (option->def && (option->flags & VIRGATE_OPTION_REQUIRED))
    return refuse (err, module->file, "key %s is required and has a default",
                   option->key);
  if (option->min > option->max)
    return refuse (err, module->file, "key %s has an empty range",
                   option->key);
  if (option->def
      && config_check_value (option, option->def, why, sizeof why) == -1)
    return refuse (err, module->file, "default of key %s: %s", option->key,
                   why);
  return 0;
}

int
modcheck_body (const struct module *module, struct virgate_error *err)
{
  const struct virgate_option *option = module->desc.options;

  for (size_t i = 0; i < COUNT_OF (rules); i++)
    if (check_rule (module, &rules[i], err) == -1)
      return -1;
  for (; option && option->key; option++)
    if (check_option (module, option, err) == -1)
      return -1;
  return 0;
}
