/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What handlers work with: options by name, calls within the deadline, and
 * domains and networks by whatever the user calls them.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const char *
opt_value (struct cmd *cmd, const char *name)
{
  const struct cli_option *option = option_find (cmd->parsed->def, name);

  return option ? cmd->parsed->values[option - cmd->parsed->def->options]
                : NULL;
}

const char *
opt_str (struct cmd *cmd, const char *name)
{
  return opt_value (cmd, name);
}

bool
opt_bool (struct cmd *cmd, const char *name)
{
  return opt_value (cmd, name) != NULL;
}

int64_t
opt_int (struct cmd *cmd, const char *name, int64_t fallback)
{
  const char *value = opt_value (cmd, name);

  return value ? (int64_t) strtoull (value, NULL, 10) : fallback;
}

uint64_t
opt_kib (struct cmd *cmd, const char *name)
{
  const char *value = opt_value (cmd, name);
  uint64_t bytes = 0;

  if (value == NULL || parse_size (value, 1024, &bytes) < 0)
    return 0;
  return bytes / 1024 + (bytes % 1024 != 0);
}

uint32_t
opt_bits (struct cmd *cmd)
{
  const struct cli_option *options = cmd->parsed->def->options;
  uint32_t bits = 0;

  for (size_t i = 0; options && options[i].name; i++)
    if (cmd->parsed->values[i])
      bits |= options[i].bits;
  return bits;
}

#define WATCH_CALLS_MS 15000    /* without --timeout */

void
cmd_begin (struct cmd *cmd)
{
  int64_t limit_ms = cmd->app->timeout_ms;

  if (limit_ms == 0 && cmd->parsed->def->flags & COMMAND_WATCHES)
    limit_ms = WATCH_CALLS_MS;
  cmd->deadline_ns = limit_ms ? now_ns () + limit_ms * NS_PER_MS : 0;
}

int32_t
cmd_left_ms (const struct cmd *cmd)
{
  int64_t left_ms = (cmd->deadline_ns - now_ns ()) / NS_PER_MS;

  return cmd->deadline_ns == 0 ? -1 : (int32_t) MAX_OF (left_ms, 1);
}

struct virgate_conn *
cmd_conn (struct cmd *cmd)
{
  virgate_set_call_timeout (cmd->host->conn, cmd_left_ms (cmd));
  return cmd->host->conn;
}

void
cmd_keep (struct cmd *cmd, void *ret)
{
  cmd->kept = must_alloc (cmd->kept, cmd->nkept + 1, sizeof (void *));
  cmd->kept[cmd->nkept++] = ret;
}

void
cmd_end (struct cmd *cmd)
{
  for (size_t i = 0; i < cmd->nkept; i++)
    virgate_free (cmd->kept[i]);
  free (cmd->kept);
}

int
cmd_result (struct cmd *cmd, int rc, void *ret)
{
  if (rc == 0) {
    if (ret)
      cmd_keep (cmd, ret);
    return 0;
  }
  host_failed (cmd->host, virgate_last_error (), STATUS_FAILED);
  return -1;
}

int
cmd_call (struct cmd *cmd, int32_t proc, const void *args, void **ret)
{
  int rc = virgate_call (cmd_conn (cmd), VIRGATE_REMOTE_PROGRAM, proc, args,
                         ret);

  return cmd_result (cmd, rc, rc == 0 && ret ? *ret : NULL);
}

int
cmd_lost (struct cmd *cmd)
{
  if (cmd->host->lost == NULL)
    return cmd_fail (cmd, STATUS_FAILED, "the connection was lost");
  host_failed (cmd->host, cmd->host->lost, STATUS_FAILED);
  return -1;
}

int
cmd_fail (struct cmd *cmd, enum status status, const char *fmt, ...)
{
  va_list args;
  char *text;

  va_start (args, fmt);
  if (vasprintf (&text, fmt, args) < 0)
    text = must_strdup (fmt);
  va_end (args);
  host_forget (cmd->host);
  cmd->host->status = status;
  cmd->host->failure = text;
  return -1;
}

int
cmd_context (struct cmd *cmd, const char *fmt, ...)
{
  struct host *host = cmd->host;
  CLEANUP_FREE char *before = NULL;
  CLEANUP_FREE char *reason = steal_pointer (&host->failure);
  va_list args;

  va_start (args, fmt);
  if (vasprintf (&before, fmt, args) < 0)
    before = must_strdup (fmt);
  va_end (args);
  host->failure = must_format ("%s: %s", before, reason);
  return -1;
}

int32_t
cmd_forgive (struct cmd *cmd)
{
  int32_t code = cmd->host->error ? cmd->host->error->code : 0;

  host_forget (cmd->host);
  return code;
}

const char *
name_of (const char *const *names, size_t count, int32_t value)
{
  return value >= 0 && (size_t) value < count && names[value] ? names[value]
                                                              : "unknown";
}

void
sort (void *list, size_t count, size_t size,
      int (*order) (const void *one, const void *other))
{
  if (count > 1)
    qsort (list, count, size, order);
}

int
uuid_read (const char *text, uint8_t *uuid)
{
  return strlen (text) == UUID_TEXT_LEN - 1 && uuid_parse (text, uuid) ? 0
         : -1;
}

static bool
is_absent (const struct virgate_error *error, int32_t code)
{
  return error && error->code == code;
}

static const struct virgate_domain *
domain_by_id (struct cmd *cmd, const char *text)
{
  struct virgate_remote_domain_lookup_by_id_args args = { 0 };
  struct virgate_remote_domain_lookup_by_id_ret *ret = NULL;

  if (*text == '\0' || strlen (text) > 9
      || strspn (text, "0123456789") != strlen (text))
    return NULL;
  args.id = atoi (text);
  return CALL (cmd, domain_lookup_by_id, &args, &ret) < 0 ? NULL : &ret->dom;
}

static const struct virgate_domain *
domain_by_uuid (struct cmd *cmd, const char *text)
{
  struct virgate_remote_domain_lookup_by_uuid_args args;
  struct virgate_remote_domain_lookup_by_uuid_ret *ret = NULL;

  if (uuid_read (text, args.uuid) < 0)
    return NULL;
  return CALL (cmd, domain_lookup_by_uuid, &args, &ret) < 0 ? NULL : &ret->dom;
}

static const struct virgate_domain *
domain_by_name (struct cmd *cmd, const char *text)
{
  struct virgate_remote_domain_lookup_by_name_args args = { (char *) text };
  struct virgate_remote_domain_lookup_by_name_ret *ret = NULL;

  return CALL (cmd, domain_lookup_by_name, &args, &ret) < 0 ? NULL : &ret->dom;
}

const struct virgate_domain *
domain_lookup (struct cmd *cmd, const char *text, enum lookup by)
{
  static const struct {
    enum lookup by;
    const struct virgate_domain *(*find) (struct cmd *, const char *);
  } ways[] = {
    { BY_ID, domain_by_id }, { BY_UUID, domain_by_uuid },
    { BY_NAME, domain_by_name }
  };
  const struct virgate_domain *dom = NULL;

  for (size_t i = 0; i < COUNT_OF (ways) && dom == NULL; i++) {
    if (!(by & ways[i].by))
      continue;
    if (cmd->host->failure
        && !is_absent (cmd->host->error, VIRGATE_ERR_NO_DOMAIN))
      break;
    host_forget (cmd->host);
    dom = ways[i].find (cmd, text);
  }
  if (dom == NULL && cmd->host->failure)
    cmd_context (cmd, "failed to get domain '%s'", text);
  else if (dom == NULL)
    cmd_fail (cmd, STATUS_FAILED, "failed to get domain '%s'", text);
  return dom;
}

const struct virgate_domain *
opt_domain (struct cmd *cmd, enum lookup by)
{
  return domain_lookup (cmd, opt_str (cmd, "domain"), by);
}

static const struct virgate_network *
network_by_uuid (struct cmd *cmd, const char *text)
{
  struct virgate_remote_network_lookup_by_uuid_args args;
  struct virgate_remote_network_lookup_by_uuid_ret *ret = NULL;

  if (uuid_read (text, args.uuid) < 0)
    return NULL;
  return CALL (cmd, network_lookup_by_uuid, &args, &ret) < 0 ? NULL
                                                             : &ret->net;
}

static const struct virgate_network *
network_by_name (struct cmd *cmd, const char *text)
{
  struct virgate_remote_network_lookup_by_name_args args = { (char *) text };
  struct virgate_remote_network_lookup_by_name_ret *ret = NULL;

  return CALL (cmd, network_lookup_by_name, &args, &ret) < 0 ? NULL
                                                             : &ret->net;
}

const struct virgate_network *
opt_network (struct cmd *cmd, enum lookup by)
{
  const char *text = opt_str (cmd, "network");
  const struct virgate_network *net = NULL;

  if (by & BY_UUID)
    net = network_by_uuid (cmd, text);
  if (net == NULL && by & BY_NAME
      && (cmd->host->failure == NULL
          || is_absent (cmd->host->error, VIRGATE_ERR_NO_NETWORK))) {
    host_forget (cmd->host);
    net = network_by_name (cmd, text);
  }
  if (net == NULL && cmd->host->failure)
    cmd_context (cmd, "failed to get network '%s'", text);
  else if (net == NULL)
    cmd_fail (cmd, STATUS_FAILED, "failed to get network '%s'", text);
  return net;
}

char *
read_file (struct cmd *cmd, const char *path)
{
  CLEANUP_CLOSE int fd = open (path, O_RDONLY | O_CLOEXEC);
  CLEANUP_FREE char *text = must_alloc (NULL, FILE_MAX_LEN + 1, 1);
  size_t len = 0;
  ssize_t n = -1;

  while (fd >= 0 && len <= FILE_MAX_LEN) {
    n = read (fd, text + len, FILE_MAX_LEN + 1 - len);
    if (n > 0)
      len += n;
    else if (n == 0 || errno != EINTR)
      break;
  }
  if (fd < 0 || n < 0) {
    cmd_fail (cmd, STATUS_FAILED, "failed to open file '%s': %s", path,
              strerror (errno));
    return NULL;
  }
  if (len > FILE_MAX_LEN) {
    cmd_fail (cmd, STATUS_FAILED, "file '%s' is larger than %d bytes", path,
              FILE_MAX_LEN);
    return NULL;
  }
  text[len] = '\0';
  return steal_pointer (&text);
}
