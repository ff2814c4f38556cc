/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A way in of one's own: bearer tokens, from a file with a line "NAME TOKEN"
 * for each.  Stock clients send the token as the password of SASL's PLAIN.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <virgate/auth.h>

struct token {
  const struct virgate_host *host;
  char file[4096];
};

static int
token_open (const struct virgate_host *host, void **inst)
{
  struct token *t = calloc (1, sizeof *t);

  if ((*inst = t) == NULL)
    return host->error (host, "out of memory");
  t->host = host;
  return 0;
}

static int
token_config (void *inst, const char *key, const char *value)
{
  struct token *t = inst;

  snprintf (t->file, sizeof t->file, "%s", value);
  return access (value, R_OK) == 0
         ? 0 : t->host->error (t->host, "cannot read %s: %m", value);
}

static int
token_password (void *inst, const struct virgate_auth_context *context,
                const char *user, const char *secret,
                struct virgate_identity *identity)
{
  const struct token *t = inst;
  char line[2048] = "", want[2048];
  size_t len = snprintf (want, sizeof want, "%s %s\n", user, secret);
  FILE *f = fopen (t->file, "re");
  int differ, found = 0;

  while (f && fgets (line, sizeof line, f)) {
    differ = *secret == '\0';
    for (size_t i = 0; i <= len; i++) /* all of it, wherever it differs */
      differ |= line[i] ^ want[i];
    found |= !differ;
  }
  if (f)
    fclose (f);
  explicit_bzero (line, sizeof line);
  explicit_bzero (want, sizeof want);
  if (!found)
    t->host->error (t->host, "no such token for %s", user);
  return found ? VIRGATE_AUTH_YES : VIRGATE_AUTH_NO;
}

static const struct virgate_option options[] = {
  { "file", VIRGATE_OPTION_PATH, VIRGATE_OPTION_REQUIRED,
    .help = "names and tokens, a pair in each line" },
  { NULL }
};

static const struct virgate_auth_ops ops = {
  .flags = VIRGATE_AUTH_BLOCKS, .password = token_password,
};

VIRGATE_MODULE_EXPORT const struct virgate_module virgate_module = {
  VIRGATE_MODULE_HEAD, .kind = VIRGATE_KIND_AUTH, .ops_size = sizeof ops,
  .name = "token", .version = "1.0", .summary = "bearer tokens from a file",
  .options = options, .open = token_open, .config = token_config,
  .close = free, .ops = &ops,
};
