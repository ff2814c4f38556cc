/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A way in of one's own: users with tokens, in a file with a line
 * "USER TOKEN" for each.  The conversation is SASL's PLAIN, so that any
 * libvirt client can take part; it is offered only where nobody can listen.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <virgate/auth.h>
#include <virgate/transport.h>

struct token_auth {
  const struct virgate_host *host;
  char *file;
};

static int
token_open (const struct virgate_host *host, void **inst)
{
  struct token_auth *t = calloc (1, sizeof *t);

  if (t == NULL)
    return host->error (host, "out of memory");
  t->host = host;
  *inst = t;
  return 0;
}

static int
token_config (void *inst, const char *key, const char *value)
{
  struct token_auth *t = inst;

  t->file = strdup (value);
  return t->file ? 0 : t->host->error (t->host, "out of memory");
}

/* A mistake in the config shows at start, not at the first login. */
static int
token_ready (void *inst)
{
  struct token_auth *t = inst;
  FILE *f = t->file ? fopen (t->file, "re") : NULL;

  if (f == NULL)
    return t->host->error (t->host, "cannot read file '%s'",
                           t->file ? t->file : "(none given)");
  fclose (f);
  return 0;
}

static void
token_close (void *inst)
{
  free (((struct token_auth *) inst)->file);
  free (inst);
}

static const char *
token_mechanisms (void *inst, const struct virgate_auth_context *context)
{
  return context->caps & (VIRGATE_CAP_LOCAL | VIRGATE_CAP_ENCRYPTED) ? "PLAIN"
                                                                     : "";
}

/* Takes as long for a wrong token as for a right one. */
static int
is_same (const char *a, const char *b)
{
  size_t len = strlen (b), i;
  unsigned char wrong = strlen (a) != len;

  for (i = 0; i < len; i++)
    wrong |= a[i % (strlen (a) + 1)] ^ b[i];
  return !wrong;
}

static int
is_listed (const struct token_auth *t, const char *user, const char *token)
{
  FILE *f = fopen (t->file, "re");
  char line[512], listed[256], secret[256];
  int found = 0;

  while (f && fgets (line, sizeof line, f))
    if (sscanf (line, "%255s %255s", listed, secret) == 2
        && strcmp (listed, user) == 0)
      found |= is_same (secret, token);
  if (f)
    fclose (f);
  explicit_bzero (line, sizeof line);
  explicit_bzero (secret, sizeof secret);
  return found;
}

/* PLAIN (RFC 4616) is one message: [authzid] NUL user NUL token. */
static int
token_start (void *inst, const struct virgate_auth_context *context,
             const char *mech, const struct virgate_auth_data *in,
             struct virgate_auth_data *out, void **conv,
             struct virgate_identity *identity)
{
  const struct token_auth *t = inst;
  char text[512] = "", *user, *token;
  int result = VIRGATE_AUTH_NO;

  if (strcmp (mech, "PLAIN") != 0 || in->data == NULL
      || in->len >= sizeof text)
    return VIRGATE_AUTH_NO;
  memcpy (text, in->data, in->len);
  user = memchr (text, '\0', in->len);
  token = user ? memchr (user + 1, '\0', text + in->len - user - 1) : NULL;
  if (token && is_listed (t, user + 1, token + 1)) {
    result = VIRGATE_AUTH_YES;
    if (t->host->identity_name (identity, user + 1,
                                VIRGATE_VOUCH_EXCHANGE) == -1)
      result = VIRGATE_AUTH_ERROR;
  }
  else
    t->host->log (t->host, VIRGATE_LOG_NOTICE, "wrong user or token");
  explicit_bzero (text, sizeof text);
  return result;
}

/* Never reached: start has decided. */
static int
token_step (void *conv, const struct virgate_auth_data *in,
            struct virgate_auth_data *out, struct virgate_identity *identity)
{
  return VIRGATE_AUTH_NO;
}

static void
token_conv_free (void *conv)
{
}

static const struct virgate_option options[] = {
  { .key = "file", .type = VIRGATE_OPTION_PATH,
    .help = "users and tokens, one pair in each line" },
  { .key = NULL },
};

static const struct virgate_auth_ops ops = {
  .flags = VIRGATE_AUTH_BLOCKS,
  .mechanisms = token_mechanisms,
  .start = token_start,
  .step = token_step,
  .conv_free = token_conv_free,
};

VIRGATE_MODULE_EXPORT const struct virgate_module virgate_module = {
  VIRGATE_MODULE_HEAD,
  .kind = VIRGATE_KIND_AUTH,
  .ops_size = sizeof ops,
  .name = "token",
  .version = "1.0",
  .summary = "users with tokens, from a file",
  .options = options,
  .open = token_open,
  .config = token_config,
  .ready = token_ready,
  .close = token_close,
  .ops = &ops,
};
