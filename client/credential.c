/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where credentials come from; see credential.h.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/clientconf.h"
#include "client/credential.h"
#include "client/internal.h"
#include "core/authfile.h"
#include "core/secretfile.h"

/* One question. */
struct question {
  struct credentials *from;
  const char *service, *host;
  uint32_t kind;
  char *answer;
  struct virgate_error *err;
};

/* Each of these returns 1 with the answer, 0 when it has none, or -1. */

static int
give (struct question *q, const char *text)
{
  q->answer = strdup (text);
  if (q->answer == NULL)
    return error_set (q->err, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_CONF, NULL);
  return 1;
}

static int
from_section (struct question *q, const struct config_section *section,
              const char *key)
{
  const struct config_key *value;

  if (strcmp (key, "password") != 0) {
    value = config_key (section, key);
    return value ? give (q, value->value) : 0;
  }
  value = config_key (section, "password-file");
  if (value == NULL)
    return 0;
  q->answer = secret_line (value->value, q->err);
  return q->answer ? 1 : -1;
}

/* [credentials SERVICE HOST], [credentials HOST], [credentials default]: the
 * first that has it.
 */
static int
from_config (struct question *q)
{
  const struct clientconf *conf = q->from->conf;
  const char *const *keys = authfile_keys (q->kind);
  CLEANUP_FREE char *both = NULL;
  const char *names[3];
  int result = 0;

  if (conf == NULL || keys == NULL)
    return 0;
  if (asprintf (&both, "%s %s", q->service, q->host) == -1) {
    both = NULL;
    return error_set (q->err, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_CONF, NULL);
  }
  names[0] = both;
  names[1] = q->host;
  names[2] = "default";
  for (size_t i = 0; i < COUNT_OF (names) && result == 0; i++) {
    const struct config_section *section
      = clientconf_section (conf, "credentials", names[i]);

    for (size_t j = 0; keys[j] && result == 0; j++)
      result = from_section (q, section, keys[j]);
  }
  return result;
}

static int
from_files (struct question *q)
{
  const struct uri *uri = q->from->uri;
  int result = from_config (q);

  if (result != 0)
    return result;
  return authfile_credential (uri ? uri_param (uri, "authfile") : NULL,
                              q->service, q->host, uri ? uri->v.user : NULL,
                              q->kind, &q->answer, q->err);
}

/* The name that auth.conf knows the asking module's method by: that of a
 * transport is its own, all of a conversation are "libvirt".
 */
static const char *
service_of (const struct instance *instance)
{
  const struct virgate_module *desc = &instance->module->desc;

  return desc->kind == VIRGATE_KIND_TRANSPORT ? desc->name : "libvirt";
}

int
credential_get (void *opaque, const struct instance *instance, uint32_t kind,
                const char *prompt, const char *challenge, char **secret)
{
  struct credentials *from = opaque;
  CLEANUP_ERROR struct virgate_error err = { 0 };
  struct question q = {
    .from = from, .kind = kind, .service = service_of (instance),
    .host = from->uri && from->uri->v.host ? from->uri->v.host : "localhost",
    .err = &err,
  };
  int result = from_files (&q);

  if (result == -1) {
    host_error_set ("%s", error_message (&err));
    return -1;
  }
  *secret = q.answer;
  if (result == 1)
    return 0;
  result = from->ask ? from->ask (from->ask_opaque, (int) kind, prompt,
                                  challenge, secret) : 1;
  if (result == 0 && *secret == NULL)
    result = 1;
  from->is_missing |= result == 1 && kind <= VIRGATE_CRED_PASSWORD;
  return result;
}

void
credential_explain (const struct credentials *credentials,
                    struct virgate_error *err)
{
  struct virgate_error old = { 0 };
  const char *host = credentials->uri ? credentials->uri->v.host : NULL;

  if (!credentials->is_missing)
    return;
  error_move (&old, err);
  error_text (err, old.code, old.domain, "%s; a name and a password can be "
              "put into [credentials %s] of client.conf, or into libvirt's "
              "auth.conf", error_message (&old),
              host ? host : "localhost");
  error_clear (&old);
}
