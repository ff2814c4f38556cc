/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An auth module that says what its config tells it to, so that tests can
 * have every combination.  Built three times: as it is, with TRIAL_POLKIT,
 * and with TRIAL_BLOCKS.
 *
 *   facts = yes, no, error, pass or nothing: what is said of the facts
 *   name, group = who it is then
 *   mechanisms = what conversations are offered; PLAIN checks passwords, all
 *     others go on as the client's message says: more, yes, no, error
 *   users = joe:secret ...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <virgate/auth.h>

#ifdef TRIAL_POLKIT
#define FLAGS VIRGATE_AUTH_POLKIT
#define NAME "trialpolkit"
#elif defined TRIAL_BLOCKS
#define FLAGS (VIRGATE_AUTH_BLOCKS | VIRGATE_AUTH_LONG)
#define NAME "trialblocks"
#else
#define FLAGS 0
#define NAME "trial"
#endif

#define KEYS 5

struct trial {
  const struct virgate_host *host;
  char *value[KEYS];            /* as in options */
  char users[256];              /* the last of them, between blanks */
};

struct conv {
  const char *owner;            /* the module's name */
  struct trial *trial;
  char answer[16];
};

static const struct virgate_option options[] = {
  { .key = "facts", .type = VIRGATE_OPTION_STRING,
    .help = "what is said of the facts" },
  { .key = "name", .type = VIRGATE_OPTION_STRING,
    .help = "who it is by the facts" },
  { .key = "group", .type = VIRGATE_OPTION_STRING,
    .help = "of which group" },
  { .key = "mechanisms", .type = VIRGATE_OPTION_STRING,
    .help = "what conversations are offered" },
  { .key = "users", .type = VIRGATE_OPTION_STRING,
    .help = "USER:PASSWORD, separated by blanks" },
  { .key = NULL },
};

static int
trial_open (const struct virgate_host *host, void **inst)
{
  struct trial *t = calloc (1, sizeof *t);

  if (t == NULL)
    return -1;
  t->host = host;
  *inst = t;
  return 0;
}

static int
trial_config (void *inst, const char *key, const char *value)
{
  struct trial *t = inst;

  for (int i = 0; i < KEYS; i++)
    if (strcmp (options[i].key, key) == 0)
      t->value[i] = strdup (value);
  if (strcmp (key, "users") == 0)
    snprintf (t->users, sizeof t->users, " %s ", value);
  return 0;
}

static void
trial_close (void *inst)
{
  struct trial *t = inst;

  for (int i = 0; i < KEYS; i++)
    free (t->value[i]);
  free (t);
}

static int
result_of (const struct trial *t, const char *word, size_t len)
{
  static const char *const words[] = { "error", "no", "yes", "more", "pass" };

  for (int i = 0; i < 5; i++)
    if (strlen (words[i]) == len && memcmp (words[i], word, len) == 0) {
      if (i < 2)
        t->host->error (t->host, "the trial says %s", words[i]);
      return i - 1;
    }
  t->host->error (t->host, "the trial does not know this word");
  return VIRGATE_AUTH_NO;
}

static int
trial_decide (void *inst, const struct virgate_peer *peer,
              struct virgate_identity *identity)
{
  const struct trial *t = inst;
  int result = t->value[0] ? result_of (t, t->value[0], strlen (t->value[0]))
                           : VIRGATE_AUTH_PASS;

  if (result == VIRGATE_AUTH_YES && t->value[1])
    t->host->identity_name (identity, t->value[1], VIRGATE_VOUCH_CERTIFICATE);
  if (result == VIRGATE_AUTH_YES && t->value[2])
    t->host->identity_group (identity, t->value[2], VIRGATE_VOUCH_KERNEL);
  return result;
}

static const char *
trial_mechanisms (void *inst, const struct virgate_auth_context *context)
{
  const struct trial *t = inst;

  return t->value[3] ? t->value[3] : "";
}

static int
plain (const struct trial *t, const struct virgate_auth_data *in,
       struct virgate_identity *identity)
{
  char text[256] = "", pair[600];
  const char *user, *secret;

  if (in->len >= sizeof text || in->len < 3)
    return t->host->error (t->host, "no such message"), VIRGATE_AUTH_NO;
  memcpy (text, in->data, in->len);
  user = text + strlen (text) + 1;
  if (user >= text + in->len)
    return t->host->error (t->host, "half a message"), VIRGATE_AUTH_NO;
  secret = user + strlen (user) + 1;
  snprintf (pair, sizeof pair, " %s:%s ", user, secret);
  if (strstr (t->users, pair) == NULL)
    return t->host->error (t->host, "wrong password for %s", user),
           VIRGATE_AUTH_NO;
  t->host->identity_name (identity, user, VIRGATE_VOUCH_EXCHANGE);
  return VIRGATE_AUTH_YES;
}

static int
answer (struct conv *conv, const struct virgate_auth_data *in,
        struct virgate_auth_data *out, struct virgate_identity *identity)
{
  int result = result_of (conv->trial, in->data ? in->data : "", in->len);

  if (result == VIRGATE_AUTH_YES)
    conv->trial->host->identity_name (identity, "talker",
                                      VIRGATE_VOUCH_EXCHANGE);
  strcpy (conv->answer, "and?");
  *out = (struct virgate_auth_data) { conv->answer, 4 };
  return result;
}

static int
trial_start (void *inst, const struct virgate_auth_context *context,
             const char *mech, const struct virgate_auth_data *in,
             struct virgate_auth_data *out, void **conv_r,
             struct virgate_identity *identity)
{
  struct conv *conv;

  if (strcmp (mech, "PLAIN") == 0)
    return plain (inst, in, identity);
  conv = calloc (1, sizeof *conv);
  if (conv == NULL)
    return VIRGATE_AUTH_ERROR;
  conv->owner = NAME;
  conv->trial = inst;
  *conv_r = conv;               /* the host frees it, whatever is answered */
  return answer (conv, in, out, identity);
}

static int
trial_step (void *conv, const struct virgate_auth_data *in,
            struct virgate_auth_data *out, struct virgate_identity *identity)
{
  return answer (conv, in, out, identity);
}

/* Other modules' conversations are none of ours. */
static void
trial_conv_free (void *opaque)
{
  struct conv *conv = opaque;

  if (strcmp (conv->owner, NAME) != 0)
    abort ();
  free (conv);
}

static const struct virgate_auth_ops ops = {
  .flags = FLAGS,
  .decide = trial_decide,
#ifndef TRIAL_POLKIT
  .mechanisms = trial_mechanisms,
  .start = trial_start,
  .step = trial_step,
  .conv_free = trial_conv_free,
#endif
};

VIRGATE_MODULE_EXPORT const struct virgate_module virgate_module = {
  VIRGATE_MODULE_HEAD,
  .kind = VIRGATE_KIND_AUTH,
  .ops_size = sizeof ops,
  .name = NAME,
  .version = "1",
  .summary = "what a test wants",
  .options = options,
  .open = trial_open,
  .config = trial_config,
  .close = trial_close,
  .ops = &ops,
};
