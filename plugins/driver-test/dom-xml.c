/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A domain's description: the whole, its metadata, and what happens at the
 * end of its life.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "plugins/driver-test/dom.h"
#include "plugins/driver-test/event.h"

#define FORMAT_COMMON (DOMAIN_FORMAT_SECURE | DOMAIN_FORMAT_INACTIVE    \
                       | DOMAIN_FORMAT_MIGRATABLE)
#define METADATA_LAST 3         /* description, title, element */

/* The definition that flags ask for, with a reference of the caller's; if
 * its text is known, *text is a copy and there is no reference.
 */
static struct def *
take_def (const struct ctx *c, const struct virgate_domain *name,
          uint32_t flags, const char **text)
{
  const struct dom *dom;
  struct def *def;

  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_dom (c, name);
  if (!dom)
    return NULL;
  def = flags & DOMAIN_FORMAT_INACTIVE && dom->next ? dom->next : dom->def;
  if (flags >= DEF_TEXTS || !def->text[flags])
    return def_ref (def);
  *text = call_strdup (c, def->text[flags]);
  return NULL;
}

/* Keep a text that was made without the lock, and drop the reference. */
static void
give_back (const struct ctx *c, struct def *def, uint32_t flags, char *text)
{
  LOCK_FOR_SCOPE (&c->world->lock);
  if (def->refs > 1 && flags < DEF_TEXTS && !def->text[flags])
    def->text[flags] = text;
  else
    free (text);
  def_unref (def);
}

HANDLER (domain_get_xml_desc)
{
  struct def *def;
  char *text;

  if (check_flags (c, args->flags, FORMAT_COMMON, "testDomainGetXMLDesc")
      == -1)
    return -1;
  def = take_def (c, &args->dom, args->flags, &ret->xml);
  if (!def)
    return ret->xml ? 0 : -1;
  text = domain_def_format (def->body, args->flags);
  if (text)
    ret->xml = call_strdup (c, text);
  else
    fail_memory (c);
  give_back (c, def, args->flags, text);
  return ret->xml ? 0 : -1;
}

/* Metadata. ---------------------------------------------------------------- */

enum metadata_type {
  METADATA_DESCRIPTION = 0,
  METADATA_TITLE = 1,
  METADATA_ELEMENT = 2,
};

static const char *const metadata_paths[] = { "description", "title" };

static int
check_null (const struct ctx *c, const char *function, const char *argument,
            const void *value)
{
  if (!value)
    return 0;
  return fail_arg (c, VIRGATE_FROM_DOMAIN, function, argument,
                   "%s in %s must be NULL", argument, function);
}

HANDLER (domain_get_metadata)
{
  static const char function[] = "virDomainGetMetadata";
  CLEANUP_FREE char *element = NULL;
  const char *text = NULL;
  struct dom *dom;
  struct def **def;

  if (check_affect (c, function, args->flags) == -1)
    return -1;
  if (args->type == METADATA_ELEMENT
      ? check_not_null (c, VIRGATE_FROM_DOMAIN, function, "uri", args->uri)
      : args->type >= 0 && args->type < METADATA_ELEMENT
      ? check_null (c, function, "uri", args->uri) : 0)
    return -1;
  if (check_flags (c, args->flags, AFFECT_BOTH, "testDomainGetMetadata")
      == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_dom (c, &args->dom);
  if (!dom)
    return -1;
  if (args->type >= METADATA_LAST)
    return fail_in (c, VIRGATE_FROM_DOMAIN, VIRGATE_ERR_INVALID_ARG,
                    "unknown metadata type '%d'", args->type);
  def = dom_one_def (c, dom, args->flags, NULL);
  if (!def)
    return -1;
  if (args->type == METADATA_ELEMENT)
    text = element = domain_def_metadata ((*def)->body, args->uri);
  else if (args->type >= 0)
    text = domain_def_text ((*def)->body, metadata_paths[args->type]);
  if (!text)
    return fail_in (c, VIRGATE_FROM_DOMAIN, VIRGATE_ERR_NO_DOMAIN_METADATA,
                    "Requested metadata element is not present");
  ret->metadata = call_strdup (c, text);
  return ret->metadata ? 0 : -1;
}

/* Change one definition; a NULL slot is none. */
static int
put_metadata (const struct ctx *c, struct def **slot,
              const struct virgate_remote_domain_set_metadata_args *args)
{
  struct xml_error err = { 0 };
  struct def *def;
  int result = 0;

  if (!slot)
    return 0;
  def = def_edit (slot);
  if (!def)
    return fail_memory (c);
  if (args->type == METADATA_ELEMENT)
    result = domain_def_set_metadata (def->body, args->uri, args->key,
                                      args->metadata, &err);
  else if (args->type >= 0
           && domain_def_set_text (def->body, metadata_paths[args->type],
                                   args->metadata && *args->metadata
                                   ? args->metadata : NULL) == -1)
    result = fail_memory (c);
  def_changed (def);
  return result == -1 && args->type == METADATA_ELEMENT ? fail_xml (c, &err)
                                                        : result;
}

static int
check_metadata (const struct ctx *c,
                const struct virgate_remote_domain_set_metadata_args *args)
{
  static const char function[] = "virDomainSetMetadata";

  switch (args->type) {
  case METADATA_TITLE:
    if (args->metadata && strchr (args->metadata, '\n'))
      return fail_arg (c, VIRGATE_FROM_DOMAIN, function, "metadata",
                       "metadata title can't contain newlines");
    /* fall through */
  case METADATA_DESCRIPTION:
    if (check_null (c, function, "uri", args->uri) == -1)
      return -1;
    return check_null (c, function, "key", args->key);
  case METADATA_ELEMENT:
    if (check_not_null (c, VIRGATE_FROM_DOMAIN, function, "uri", args->uri)
        == -1)
      return -1;
    return args->metadata ? check_not_null (c, VIRGATE_FROM_DOMAIN, function,
                                            "key", args->key)
                          : 0;
  default:
    return 0;
  }
}

HANDLER_IN (domain_set_metadata)
{
  struct dom *dom;
  struct def **live, **config;

  if (check_metadata (c, args) == -1
      || check_flags (c, args->flags, AFFECT_BOTH, "testDomainSetMetadata")
           == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_dom (c, &args->dom);
  if (!dom || dom_both_defs (c, dom, args->flags, &live, &config) == -1)
    return -1;
  if (args->type >= METADATA_LAST)
    return fail_in (c, VIRGATE_FROM_DOMAIN, VIRGATE_ERR_INVALID_ARG,
                    "unknown metadata type '%d'", args->type);
  if (put_metadata (c, live, args) == -1
      || put_metadata (c, config, args) == -1)
    return -1;
  event_metadata (c, dom, args->type, args->uri);
  return 0;
}

/* What happens at the end of a life. --------------------------------------- */

static const char *const lifecycle_events[] = {
  "poweroff", "reboot", "crash"
};
static const char *const lifecycle_paths[] = {
  "on_poweroff", "on_reboot", "on_crash"
};
static const char *const lifecycle_actions[] = {
  "destroy", "restart", "rename-restart", "preserve", "coredump-destroy",
  "coredump-restart"
};

#define LIFECYCLE_CRASH 2u
#define ACTION_PLAIN 4u         /* actions before it suit every event */

static const char *
name_of (const char *const *names, size_t count, uint32_t n)
{
  return n < count ? names[n] : "(null)";
}

static int
check_action (const struct ctx *c, uint32_t type, uint32_t action)
{
  uint32_t types = COUNT_OF (lifecycle_events);
  uint32_t actions = COUNT_OF (lifecycle_actions);

  if (type == LIFECYCLE_CRASH || type == types)
    return 0;
  if (type < types && (action < ACTION_PLAIN || action == actions))
    return 0;
  return fail_in (c, VIRGATE_FROM_DOMAIN, VIRGATE_ERR_CONFIG_UNSUPPORTED,
                  "Lifecycle event '%s' doesn't support '%s' action",
                  name_of (lifecycle_events, types, type),
                  name_of (lifecycle_actions, actions, action));
}

static int
put_action (const struct ctx *c, struct def **slot, uint32_t type,
            uint32_t action)
{
  struct def *def;

  if (!slot || type >= COUNT_OF (lifecycle_paths)
      || action >= COUNT_OF (lifecycle_actions))
    return 0;
  def = def_edit (slot);
  if (!def
      || domain_def_set_text (def->body, lifecycle_paths[type],
                              lifecycle_actions[action]) == -1)
    return fail_memory (c);
  return 0;
}

HANDLER_IN (domain_set_lifecycle_action)
{
  struct dom *dom;
  struct def **live, **config;

  if (check_flags (c, args->flags, AFFECT_BOTH,
                   "testDomainSetLifecycleAction") == -1
      || check_action (c, args->type, args->action) == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_dom (c, &args->dom);
  if (!dom || dom_both_defs (c, dom, args->flags, &live, &config) == -1)
    return -1;
  if (put_action (c, live, args->type, args->action) == -1)
    return -1;
  return put_action (c, config, args->type, args->action);
}
