/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Shared instances of auth and acl sections; see parts.h.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "common/similar.h"
#include "core/error.h"
#include "daemon/parts.h"
#include "daemon/server.h"
#include "daemon/settings.h"

static int
append_key (struct buf *text, const struct config_key *key)
{
  return buf_append (text, key->key, strlen (key->key)) == -1
         || buf_append (text, "=", 1) == -1
         || buf_append (text, key->value, strlen (key->value)) == -1
         || buf_append (text, "\n", 1) == -1 ? -1 : 0;
}

char *
section_text (const struct config_section *section,
              const struct virgate_option *own, const char *keep)
{
  struct buf text = BUF_INIT;

  for (const struct config_key *key = section ? section->keys : NULL; key;
       key = key->next) {
    if (own && config_option (own, key->key) && strcmp (key->key, keep) != 0)
      continue;
    if (append_key (&text, key) == -1)
      goto error;
  }
  if (buf_append (&text, "", 1) == 0)
    return text.base;

error:
  buf_free (&text);
  return NULL;
}

void
parts_sweep (struct server *server)
{
  struct part **at = &server->parts;

  while (*at) {
    struct part *part = *at;
    CLEANUP_FREE char *text =
      section_text (config_find (&server->config, part->kind, part->name),
                    NULL, NULL);

    if (text && strcmp (text, part->text) == 0
        && atomic_load (&part->refs) > 1)
      at = &part->next;
    else {
      *at = part->next;
      part_unref (part);
    }
  }
}

/* Main thread. */
void
part_unref (struct part *part)
{
  if (part == NULL || atomic_fetch_sub (&part->refs, 1) > 1)
    return;
  host_env_close (part->server, part->instance);
  free (part->name);
  free (part->text);
  free (part);
}

static struct part *
find (struct server *server, const char *kind, const char *name,
      const char *text)
{
  for (struct part *part = server->parts; part; part = part->next)
    if (strcmp (part->kind, kind) == 0 && strcmp (part->name, name) == 0
        && strcmp (part->text, text) == 0)
      return part;
  return NULL;
}

/* A listener names what is neither a section nor a module. */
static void
complain_missing (struct server *server, const char *kind, const char *name,
                  const struct config_section *from, struct virgate_error *err)
{
  const struct config_section *section = NULL;
  char hint[SIMILAR_HINT_MAX];
  struct similar similar;

  similar_begin (&similar, name, strlen (name));
  while ((section = config_each (&server->config, kind, section)))
    similar_offer (&similar, section->name);
  config_error (err, from, config_key (from, kind), "there is no section "
                "[%s %s]%s%s %s", kind, name,
                similar_hint (&similar, hint, sizeof hint),
                similar.best ? " And the" : ", and the",
                error_message (err));
}

static struct instance *
open_instance (struct server *server, const char *kind, const char *name,
               const struct config_section *section,
               const struct config_section *from, struct virgate_error *err)
{
  bool is_auth = strcmp (kind, "auth") == 0;
  const struct virgate_option *own = is_auth ? auth_options : acl_options;
  const char *module_name = config_value (section, own, "module");
  const struct module *module;
  char title[120];

  module = modules_load (server->modules,
                         is_auth ? VIRGATE_KIND_AUTH : VIRGATE_KIND_ACL,
                         module_name ? module_name : name, err);
  if (module == NULL) {
    if (section)
      config_error (err, section, config_key (section, "module"), "%s",
                    error_message (err));
    else
      complain_missing (server, kind, name, from, err);
    return NULL;
  }
  snprintf (title, sizeof title, "%s %s", kind, name);
  return instance_open (module, &server->env, section, own, title, err);
}

struct part *
part_get (struct server *server, const char *kind, const char *name,
          const struct config_section *from, struct virgate_error *err)
{
  const struct config_section *section =
    config_find (&server->config, kind, name);
  CLEANUP_FREE char *text = section_text (section, NULL, NULL);
  struct part *part = text ? find (server, kind, name, text) : NULL;

  if (part) {
    atomic_fetch_add (&part->refs, 1);
    return part;
  }
  part = calloc (1, sizeof *part);
  if (part)
    part->name = strdup (name);
  if (part == NULL || part->name == NULL || text == NULL) {
    free (part);
    error_set (err, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_NONE, NULL);
    return NULL;
  }
  part->server = server;
  part->kind = strcmp (kind, "auth") == 0 ? "auth" : "acl";
  part->text = steal_pointer (&text);
  part->instance = open_instance (server, kind, name, section, from, err);
  atomic_store (&part->refs, 2);
  if (part->instance == NULL) {
    atomic_store (&part->refs, 1);
    part_unref (part);
    return NULL;
  }
  part->next = server->parts;
  server->parts = part;
  return part;
}

/* A listener of today's configuration uses it. */
static bool
is_used (struct server *server, const struct config_section *section)
{
  CLEANUP_FREE char *text = section_text (section, NULL, NULL);
  const struct part *part = text ? find (server, section->kind, section->name,
                                         text) : NULL;

  return part && atomic_load (&part->refs) > 1;
}

/* Make it and forget it. */
static int
try_unused (struct server *server, const struct config_section *section,
            struct virgate_error *err)
{
  CLEANUP_ERROR struct virgate_error note = { 0 };
  struct part *part = part_get (server, section->kind, section->name, section,
                                err);

  if (part == NULL)
    return -1;
  part_unref (part);
  config_error (&note, section, NULL, "no listener has %s = %s",
                section->kind, section->name);
  log_write (&server->log, VIRGATE_LOG_WARNING, "config", "%s",
             error_message (&note));
  return 0;
}

int
parts_check_unused (struct server *server, struct virgate_error *err)
{
  static const char *const kinds[] = { "auth", "acl" };

  for (size_t i = 0; i < COUNT_OF (kinds); i++) {
    const struct config_section *section = NULL;

    while ((section = config_each (&server->config, kinds[i], section)))
      if (!is_used (server, section)
          && try_unused (server, section, err) == -1)
        return -1;
  }
  return 0;
}
