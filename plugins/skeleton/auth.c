/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An auth module to copy: it decides from the facts alone, here from the uid
 * that the kernel states.  A conversation (passwords, tokens) adds the hooks
 * mechanisms, start, step and conv_free: see virgate/auth.h.
 */
#include <stdio.h>
#include <stdlib.h>

#include <virgate/auth.h>

struct skeleton {
  const struct virgate_host *host;
  uint64_t uid;
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

/* The only key there is, and a number: the host checked both. */
static int
skeleton_config (void *inst, const char *key, const char *value)
{
  struct skeleton *s = inst;

  s->uid = strtoull (value, NULL, 10);
  return 0;
}

/* A refusal's reason goes to the log; the peer learns nothing. */
static int
skeleton_decide (void *inst, const struct virgate_peer *peer,
                 struct virgate_identity *identity)
{
  const struct skeleton *s = inst;
  const struct virgate_host *host = s->host;
  struct virgate_fact fact;
  char name[32];

  if (!host->peer_get (peer, VIRGATE_FACT_UID, 0, &fact)
      || fact.vouch != VIRGATE_VOUCH_KERNEL)
    return VIRGATE_AUTH_PASS;
  if (fact.num != s->uid) {
    host->error (host, "uid %llu is not the one allowed",
                 (unsigned long long) fact.num);
    return VIRGATE_AUTH_NO;
  }
  snprintf (name, sizeof name, "uid-%llu", (unsigned long long) fact.num);
  if (host->identity_name (identity, name, fact.vouch) == -1) {
    host->error (host, "out of memory");
    return VIRGATE_AUTH_ERROR;
  }
  return VIRGATE_AUTH_YES;
}

static const struct virgate_option options[] = {
  { .key = "uid", .type = VIRGATE_OPTION_UINT, .max = UINT32_MAX, .def = "0",
    .help = "the one user who may enter" },
  { .key = NULL },
};

static const struct virgate_auth_ops ops = {
  .decide = skeleton_decide,
};

VIRGATE_MODULE_EXPORT const struct virgate_module virgate_module = {
  VIRGATE_MODULE_HEAD,
  .kind = VIRGATE_KIND_AUTH,
  .ops_size = sizeof ops,
  .name = "skeleton",
  .version = "1.0",
  .summary = "an example: one uid",
  .options = options,
  .open = skeleton_open,
  .config = skeleton_config,
  .close = free,
  .ops = &ops,
};
