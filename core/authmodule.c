/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which module answers a server: see authmodule.h.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "core/authmodule.h"
#include "core/peer.h"

#define SERVICE "libvirt"

/* Modules that one server is tried with. */
#define CANDIDATES_MAX 32

/* Keys of [auth NAME] that are not the module's. */
static const struct virgate_option own_options[] = {
  { "module", VIRGATE_OPTION_STRING, .help = "the module; NAME by default" },
  { NULL }
};

struct search {
  const struct authentication *how;
  const char *mechs, *wanted;
  struct conversation *found;
  const char *tried[CANDIDATES_MAX];
  size_t count;
  char notes[1024];             /* why each of them was passed over */
  struct virgate_error *err;
};

enum verdict {
  FAILED = -1,                  /* with err set */
  PASSED_OVER = 0,
  BEGUN = 1
};

static enum verdict __attribute__ ((format (printf, 3, 4)))
pass_over (struct search *s, const char *name, const char *fmt, ...)
{
  size_t len = strlen (s->notes);
  va_list args;

  len += snprintf (s->notes + len, sizeof s->notes - len, "%s%s: ",
                   len ? "; " : "", name);
  if (len < sizeof s->notes) {
    va_start (args, fmt);
    vsnprintf (s->notes + len, sizeof s->notes - len, fmt, args);
    va_end (args);
  }
  return PASSED_OVER;
}

int
conversation_failed (const struct authentication *how,
                     const struct instance *instance,
                     struct virgate_error *err)
{
  CLEANUP_ERROR struct virgate_error why = { 0 };

  host_error_take (instance, &why);
  if (why.code == VIRGATE_ERR_INTERNAL_ERROR)
    return error_set (err, VIRGATE_ERR_AUTH_FAILED, VIRGATE_FROM_RPC,
                      "%s: %s", how->where, error_message (&why));
  if (err)
    error_move (err, &why);
  return -1;
}

static uint32_t
key_bits (const struct virgate_peer *peer)
{
  struct virgate_fact fact;

  if (peer_get (peer, VIRGATE_FACT_TLS_KEY_BITS, 0, &fact))
    return (uint32_t) fact.num;
  return 0;
}

/* Have an open module choose a mechanism and say its first word. */
static enum verdict
begin (struct search *s, const char *name, struct instance *instance)
{
  const struct authentication *how = s->how;
  const struct virgate_auth_context context = {
    .size = sizeof context, .caps = how->caps,
    .key_bits = key_bits (how->peer), .peer = how->peer, .service = SERVICE,
    .hostname = how->hostname ? how->hostname : "localhost",
  };
  struct conversation *c = s->found;
  const char *said;
  int result;

  c->instance = instance;
  c->ops = instance->module->ops;
  if (c->ops->client_start == NULL || c->ops->client_step == NULL)
    return pass_over (s, name, "it has no half for clients");
  host_error_forget ();
  result = c->ops->client_start (instance->inst, &context, s->mechs,
                                 s->wanted, &c->mech, &c->first, &c->conv);
  if (result == VIRGATE_AUTH_PASS) {
    said = host_error_said ();
    return pass_over (s, name, "%s", said ? said : "no mechanism fits");
  }
  if (result != VIRGATE_AUTH_MORE && result != VIRGATE_AUTH_YES)
    return conversation_failed (how, instance, s->err);
  c->is_done = result == VIRGATE_AUTH_YES;
  return BEGUN;
}

static enum verdict
try_module (struct search *s, const char *name,
            const struct config_section *section)
{
  CLEANUP_ERROR struct virgate_error why = { 0 };
  const struct authentication *how = s->how;
  const struct module *module;
  struct instance *instance;
  enum verdict verdict;
  char title[64];

  if (!modules_have (how->modules, VIRGATE_KIND_AUTH, name))
    return pass_over (s, name, "not installed");
  module = modules_load (how->modules, VIRGATE_KIND_AUTH, name, &why);
  if (module == NULL)
    return pass_over (s, name, "%s", error_message (&why));
  snprintf (title, sizeof title, "auth %s", name);
  instance = instance_open (module, how->env, section, own_options, title,
                            s->err);
  if (instance == NULL)
    return FAILED;
  verdict = begin (s, name, instance);
  if (verdict != BEGUN)
    conversation_end (s->found);
  return verdict;
}

static bool
was_tried (const struct search *s, const char *name)
{
  for (size_t i = 0; i < s->count; i++)
    if (strcmp (s->tried[i], name) == 0)
      return true;
  return false;
}

/* The first section of a name counts, as everywhere in the config. */
static enum verdict
try_sections (struct search *s)
{
  enum verdict verdict = PASSED_OVER;

  for (size_t i = 0; i < s->how->file_count; i++)
    for (const struct config_section *section
           = config_each (&s->how->files[i], "auth", NULL);
         section && verdict == PASSED_OVER;
         section = config_each (&s->how->files[i], "auth", section)) {
      const char *name = config_value (section, own_options, "module");

      if (s->count == CANDIDATES_MAX || was_tried (s, section->name))
        continue;
      s->tried[s->count++] = section->name;
      verdict = try_module (s, name ? name : section->name, section);
    }
  return verdict;
}

int
conversation_begin (const struct authentication *how, const char *mechs,
                    const char *wanted, struct conversation *c,
                    struct virgate_error *err)
{
  struct search s = { .how = how, .mechs = mechs, .wanted = wanted,
                      .found = c, .err = err };
  enum verdict verdict;

  *c = (struct conversation) { NULL };
  verdict = try_sections (&s);
  for (const char *const *name = how->defaults;
       name && *name && verdict == PASSED_OVER; name++)
    if (!was_tried (&s, *name))
      verdict = try_module (&s, *name, NULL);
  if (verdict != PASSED_OVER)
    return verdict == BEGUN ? 0 : -1;
  return error_set (err, VIRGATE_ERR_AUTH_FAILED, VIRGATE_FROM_RPC,
                    "%s: the server offers %s%s%s, and no module here can "
                    "answer (%s): install one that can, or name it in an "
                    "[auth NAME] section", how->where,
                    *mechs ? mechs : "no mechanism",
                    wanted ? ", the URI wants " : "", wanted ? wanted : "",
                    s.notes);
}

void
conversation_end (struct conversation *c)
{
  if (c->conv && c->ops->conv_free)
    c->ops->conv_free (c->conv);
  instance_close (c->instance);
  *c = (struct conversation) { NULL };
}
