/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An access control module to copy: it refuses one procedure to everybody.
 * All hooks of an acl are optional; see virgate/acl.h for the others.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <virgate/acl.h>

struct skeleton {
  const struct virgate_host *host;
  char procedure[64];
};

static int
skeleton_open (const struct virgate_host *host, void **inst)
{
  struct skeleton *s = calloc (1, sizeof *s);

  if (s == NULL)
    return host->error (host, "out of memory");
  s->host = host;
  *inst = s;
  return 0;
}

static int
skeleton_config (void *inst, const char *key, const char *value)
{
  struct skeleton *s = inst;

  if (strlen (value) >= sizeof s->procedure)
    return s->host->error (s->host, "no procedure has such a long name");
  strcpy (s->procedure, value);
  return 0;
}

/* After the last key: what must be there is there, or the daemon stops. */
static int
skeleton_ready (void *inst)
{
  struct skeleton *s = inst;

  if (s->procedure[0])
    return 0;
  return s->host->error (s->host, "say which procedure to deny: deny = ...");
}

/* Several threads may be in here at once: read only.  All lists of
 * a listener are asked: one DENY is a no, PASS has no opinion, and at least
 * one list must ALLOW.
 */
static int
skeleton_permit (void *inst, const struct virgate_acl_call *call,
                 struct virgate_acl_reason *reason)
{
  const struct skeleton *s = inst;

  if (strcmp (call->procedure, s->procedure) != 0)
    return VIRGATE_ACL_ALLOW;
  snprintf (reason->text, sizeof reason->text, "deny = %s", s->procedure);
  return VIRGATE_ACL_DENY;
}

static const struct virgate_option options[] = {
  { .key = "deny", .type = VIRGATE_OPTION_STRING,
    .help = "a procedure's name, such as domain_destroy" },
  { .key = NULL },
};

static const struct virgate_acl_ops ops = {
  .permit = skeleton_permit,
};

VIRGATE_MODULE_EXPORT const struct virgate_module virgate_module = {
  VIRGATE_MODULE_HEAD,
  .kind = VIRGATE_KIND_ACL,
  .ops_size = sizeof ops,
  .name = "skeleton",
  .version = "1.0",
  .summary = "an example: denies one procedure",
  .options = options,
  .open = skeleton_open,
  .config = skeleton_config,
  .ready = skeleton_ready,
  .close = free,
  .ops = &ops,
};
