/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The services behind struct virgate_host, for daemon and library alike.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "core/host.h"
#include "core/log.h"
#include "core/peer.h"

/* Why the hook that runs on this thread is about to fail.  A fixed size,
 * because nobody could free it at a thread's end.
 */
static __thread struct {
  int32_t code, domain;
  bool is_set;
  bool is_placed;               /* says already where in the config */
  char text[1024];
} last;

static const struct instance *
instance_of (const struct virgate_host *host)
{
  return (const struct instance *) (const void *)
         ((const char *) host - offsetof (struct instance, host));
}

/* Log and errors --------------------------------------------------------- */

static void
host_log (const struct virgate_host *host, int level, const char *fmt, ...)
{
  va_list args;

  va_start (args, fmt);
  log_vwrite (instance_of (host)->env->log, level, host->section, fmt, args);
  va_end (args);
}

static int
keep_error (int32_t code, int32_t domain, const char *fmt, va_list args)
{
  vsnprintf (last.text, sizeof last.text, fmt, args);
  last.code = code;
  last.domain = domain;
  last.is_set = true;
  last.is_placed = false;
  return -1;
}

static int
host_error (const struct virgate_host *host, const char *fmt, ...)
{
  va_list args;

  va_start (args, fmt);
  keep_error (VIRGATE_ERR_INTERNAL_ERROR, VIRGATE_FROM_RPC, fmt, args);
  va_end (args);
  return -1;
}

static int
host_error_code (const struct virgate_host *host, int32_t code,
                 int32_t domain, const char *fmt, ...)
{
  va_list args;

  va_start (args, fmt);
  keep_error (code, domain, fmt, args);
  va_end (args);
  return -1;
}

void
host_error_set (const char *fmt, ...)
{
  va_list args;

  va_start (args, fmt);
  keep_error (VIRGATE_ERR_INTERNAL_ERROR, VIRGATE_FROM_RPC, fmt, args);
  va_end (args);
}

bool
host_error_is_placed (void)
{
  return last.is_set && last.is_placed;
}

void
host_error_forget (void)
{
  last.is_set = false;
}

bool
host_error_code_of (int32_t *code, int32_t *domain)
{
  if (!last.is_set || last.code == VIRGATE_ERR_INTERNAL_ERROR)
    return false;
  *code = last.code;
  *domain = last.domain;
  return true;
}

const char *
host_error_said (void)
{
  const char *text = last.is_set ? last.text : NULL;

  last.is_set = false;
  return text;
}

int
host_error_take (const struct instance *instance, struct virgate_error *err)
{
  const struct virgate_module *desc = &instance->module->desc;

  if (!last.is_set)
    return error_text (err, VIRGATE_ERR_INTERNAL_ERROR, VIRGATE_FROM_RPC,
                       "module %s-%s failed without saying why",
                       module_kind_name (desc->kind), desc->name);
  last.is_set = false;
  if (last.code == VIRGATE_ERR_INTERNAL_ERROR)
    return error_text (err, last.code, last.domain, "%s", last.text);
  return error_set (err, last.code, last.domain, "%s", last.text);
}

static int
host_config_place (const struct virgate_host *host, const char **file,
                   uint32_t *line)
{
  const struct config_key *key = instance_of (host)->key;

  if (key == NULL)
    return -1;
  *file = key->file;
  *line = key->line;
  return 0;
}

/* Credentials ------------------------------------------------------------ */

static int
host_credential (const struct virgate_host *host, uint32_t kind,
                 const char *prompt, const char *challenge, char **secret)
{
  const struct instance *instance = instance_of (host);
  const struct host_env *env = instance->env;

  return env->credential (env->opaque, instance, kind, prompt, challenge,
                          secret);
}

static void
host_secret_free (char *secret)
{
  if (secret)
    wipe (secret, strlen (secret));
  free (secret);
}

/* Transports below, files and timers ------------------------------------- */

static const struct virgate_transport *
host_lower_with (const struct virgate_host *host, const char *name,
                 const char *const *defaults)
{
  struct instance *instance = (struct instance *) instance_of (host);
  CLEANUP_ERROR struct virgate_error err = { 0 };
  const struct module *module;
  struct instance *lower = NULL;

  module = transport_for_scheme (instance->env->modules, name, &err);
  if (module)
    lower = instance_open_lower (instance, module, defaults, &err);
  if (lower)
    return &lower->transport;
  host_error (host, "%s", error_message (&err));
  last.is_placed = module != NULL;
  return NULL;
}

static const struct virgate_transport *
host_lower (const struct virgate_host *host, const char *name)
{
  return host_lower_with (host, name, NULL);
}

static int
host_watch_file (const struct virgate_host *host, const char *path)
{
  struct instance *instance = (struct instance *) instance_of (host);

  return instance->env->watch_file (instance->env->opaque, instance, path);
}

static uint64_t
host_timer (const struct virgate_host *host, uint64_t delay_ms,
            void (*fn) (void *opaque), void *opaque)
{
  const struct host_env *env = instance_of (host)->env;

  return env->timer (env->opaque, delay_ms, fn, opaque);
}

static void
host_timer_cancel (const struct virgate_host *host, uint64_t id)
{
  const struct host_env *env = instance_of (host)->env;

  env->timer_cancel (env->opaque, id);
}

static int
host_stop_fd (const struct virgate_host *host)
{
  const struct host_env *env = instance_of (host)->env;

  return env->stop_fd (env->opaque);
}

static void
host_gauge (const struct virgate_host *host, const char *name,
            const char *help, double value)
{
  const struct instance *instance = instance_of (host);

  instance->env->gauge (instance->env->opaque, instance, name, help, value);
}

static int
host_configured (const struct virgate_host *host, uint32_t what, uint32_t n,
                 char *name, size_t size)
{
  const struct host_env *env = instance_of (host)->env;

  return env->configured (env->opaque, what, n, name, size);
}

/* The table -------------------------------------------------------------- */

void
host_init (struct instance *instance)
{
  const struct host_env *env = instance->env;

  instance->host = (struct virgate_host) {
    .size = sizeof instance->host,
    .role = env->role,
    .section = instance->title,
    .program = env->program,
    .log = host_log,
    .error = host_error,
    .error_code = host_error_code,
    .peer_string = peer_string,
    .peer_number = peer_number,
    .peer_address = peer_address,
    .peer_get = peer_get,
    .identity_name = identity_name,
    .identity_group = identity_group,
    .identity_get_name = identity_get_name,
    .identity_get_method = identity_get_method,
    .identity_get_group = identity_get_group,
    .credential = env->credential ? host_credential : NULL,
    .secret_free = host_secret_free,
    .lower = env->modules ? host_lower : NULL,
    .watch_file = env->watch_file ? host_watch_file : NULL,
    .timer = env->timer ? host_timer : NULL,
    .timer_cancel = env->timer_cancel ? host_timer_cancel : NULL,
    .driver = env->driver,
    .config_place = host_config_place,
    .identity_get = identity_get,
    .stop_fd = env->stop_fd ? host_stop_fd : NULL,
    .lower_with = env->modules ? host_lower_with : NULL,
    .gauge = env->gauge ? host_gauge : NULL,
    .peer_serial = peer_serial,
    .configured = env->configured ? host_configured : NULL,
  };
}
