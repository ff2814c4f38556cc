/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A client's half of an auth module for tests of who answers a server: what
 * it says is a key of its section.  Built under several names.
 */
#include <stdlib.h>
#include <string.h>

#include <virgate/auth.h>

#ifndef ANSWER_NAME
#define ANSWER_NAME "sasl"
#endif

struct answer {
  const struct virgate_host *host;
  int result;                   /* of client_start */
  int turns;                    /* until the client is content */
  int layer;
};

static int
answer_open (const struct virgate_host *host, void **inst)
{
  struct answer *a = calloc (1, sizeof *a);

  a->host = host;
  a->result = VIRGATE_AUTH_MORE;
  a->turns = 1;
  *inst = a;
  return 0;
}

static int
answer_config (void *inst, const char *key, const char *value)
{
  struct answer *a = inst;

  if (strcmp (key, "turns") == 0)
    a->turns = atoi (value);
  else if (strcmp (key, "layer") == 0)
    a->layer = atoi (value);
  else
    a->result = atoi (value);
  return 0;
}

static int
answer_start (void *inst, const struct virgate_auth_context *context,
              const char *mechanisms, const char *wanted, const char **mech,
              struct virgate_auth_data *out, void **conv)
{
  struct answer *a = inst;

  if (a->result == VIRGATE_AUTH_PASS)
    return a->host->error (a->host, "does not do %s", mechanisms),
           VIRGATE_AUTH_PASS;
  if (a->result == VIRGATE_AUTH_ERROR)
    return a->host->error (a->host, "no ticket");
  *mech = wanted ? wanted : ANSWER_NAME;
  *out = (struct virgate_auth_data) { "hello", 5 };
  *conv = inst;
  return a->result;
}

static int
answer_step (void *conv, const struct virgate_auth_data *in,
             struct virgate_auth_data *out)
{
  struct answer *a = conv;

  *out = (struct virgate_auth_data) { "more", 4 };
  return --a->turns <= 0 ? VIRGATE_AUTH_YES : VIRGATE_AUTH_MORE;
}

static void
answer_conv_free (void *conv)
{
}

static size_t
answer_layer (void *conv)
{
  return ((struct answer *) conv)->layer;
}

static int
answer_wrap (void *conv, const void *in, size_t len,
             struct virgate_auth_data *out)
{
  return -1;
}

static int
answer_unwrap (void *conv, const void *in, size_t len, size_t *consumed,
               struct virgate_auth_data *out)
{
  return -1;
}

static const struct virgate_option options[] = {
  { .key = "result", .type = VIRGATE_OPTION_STRING, .help = "of its start" },
  { .key = "turns", .type = VIRGATE_OPTION_UINT, .help = "until content" },
  { .key = "layer", .type = VIRGATE_OPTION_UINT, .help = "size" },
  { .key = NULL },
};

static const struct virgate_auth_ops ops = {
  .client_start = answer_start,
  .client_step = answer_step,
  .conv_free = answer_conv_free,
  .layer = answer_layer,
  .wrap = answer_wrap,
  .unwrap = answer_unwrap,
};

VIRGATE_MODULE_EXPORT const struct virgate_module virgate_module = {
  VIRGATE_MODULE_HEAD,
  .kind = VIRGATE_KIND_AUTH,
  .ops_size = sizeof ops,
  .name = ANSWER_NAME,
  .version = "1",
  .summary = "answers",
  .options = options,
  .open = answer_open,
  .config = answer_config,
  .close = free,
  .ops = &ops,
};
