/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * auth-password: names and passwords, for sites without Cyrus SASL.  A server
 * has a file of verifiers (users.c); a client is given a name and a password.
 * This file holds the instance, its keys and the module.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <virgate/transport.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "password.h"

#define FILE_DEFAULT SYSCONFDIR "/virgate/passwd"

static const struct {
  enum mechanism mechanism;
  const char *name;
  struct talk *(*server) (const struct password *p, bool is_local);
  struct talk *(*client) (const struct password *p, const char *name,
                          const char *secret,
                          struct virgate_auth_data *first);
} mechanisms[] = {              /* the best first */
  { SCRAM, MECH_SCRAM, scram_server_new, scram_client_new },
  { PLAIN, MECH_PLAIN, plain_server_new, plain_client_new },
};

static const struct virgate_option options[] = {
  { "file", VIRGATE_OPTION_PATH, .def = FILE_DEFAULT,
    .help = "server: users and what is kept of their passwords" },
  { "mechanisms", VIRGATE_OPTION_LIST, .def = MECH_SCRAM " " MECH_PLAIN,
    .help = "those that may be used" },
  { NULL }
};

/* What others call --------------------------------------------------------- */

static void
say (const struct password *p, const char *fmt, va_list args)
{
  char text[512];

  vsnprintf (text, sizeof text, fmt, args);
  p->host->error (p->host, "%s", text);
}

int
password_refuse (const struct password *p, const char *fmt, ...)
{
  va_list args;

  va_start (args, fmt);
  say (p, fmt, args);
  va_end (args);
  return VIRGATE_AUTH_NO;
}

int
password_error (const struct password *p, const char *fmt, ...)
{
  va_list args;

  va_start (args, fmt);
  say (p, fmt, args);
  va_end (args);
  return VIRGATE_AUTH_ERROR;
}

int
password_refuse_user (const struct password *p, const char *name,
                      bool is_there)
{
  return password_refuse (p, "%s '%s'", is_there ? "wrong password for user"
                                                 : "there is no user", name);
}

struct users *
password_users (const struct password *p)
{
  struct password *mine = (struct password *) p;

  LOCK_FOR_SCOPE (&mine->lock);
  return users_ref (mine->users);
}

int
password_identify (const struct password *p, const struct user *user,
                   struct virgate_identity *identity)
{
  const struct virgate_host *host = p->host;
  CLEANUP_FREE char *groups = strdup (user->groups);
  char *save = NULL;

  if (groups == NULL
      || host->identity_name (identity, user->name, VIRGATE_VOUCH_EXCHANGE)
         == -1)
    return password_error (p, "out of memory");
  for (char *group = strtok_r (groups, ",", &save); group;
       group = strtok_r (NULL, ",", &save))
    if (host->identity_group (identity, group, VIRGATE_VOUCH_EXCHANGE) == -1)
      return password_error (p, "out of memory");
  return VIRGATE_AUTH_YES;
}

/* The instance ------------------------------------------------------------- */

/* Strangers' passwords must not have all processors at a time when others
 * want to be served.
 */
static unsigned
hashes_at_once (void)
{
  long processors = sysconf (_SC_NPROCESSORS_ONLN);

  return processors < 4 ? 1 : (unsigned) processors / 2;
}

static int
password_open (const struct virgate_host *host, void **inst)
{
  struct password *p = calloc (1, sizeof *p);

  if (p == NULL)
    return host->error (host, "out of memory");
  p->host = host;
  pthread_mutex_init (&p->lock, NULL);
  sem_init (&p->gate, 0, hashes_at_once ());
  *inst = p;
  return 0;
}

static void
password_close (void *inst)
{
  struct password *p = inst;

  users_unref (p->users);
  pthread_mutex_destroy (&p->lock);
  sem_destroy (&p->gate);
  free (p->file);
  free (p);
}

static int
config_mechanisms (struct password *p, const char *value)
{
  CLEANUP_FREE char *copy = strdup (value);
  char *save = NULL;

  if (copy == NULL)
    return p->host->error (p->host, "out of memory");
  for (char *word = strtok_r (copy, " \t", &save); word;
       word = strtok_r (NULL, " \t", &save)) {
    unsigned known = 0;

    for (size_t i = 0; i < COUNT_OF (mechanisms); i++)
      if (strcmp (word, mechanisms[i].name) == 0)
        known = mechanisms[i].mechanism;
    if (known == 0)
      return p->host->error (p->host, "'%s' is neither " MECH_SCRAM " nor "
                             MECH_PLAIN, word);
    p->mechanisms |= known;
  }
  return 0;
}

static int
password_config (void *inst, const char *key, const char *value)
{
  struct password *p = inst;

  if (strcmp (key, "mechanisms") == 0)
    return config_mechanisms (p, value);
  free (p->file);
  p->file = strdup (value);
  return p->file ? 0 : p->host->error (p->host, "out of memory");
}

/* Read the file; whoever is in the middle of a login keeps the old one. */
static int
password_reload (void *inst)
{
  struct password *p = inst;
  char why[512];
  struct users *users, *old;

  if (p->host->role != VIRGATE_ROLE_SERVER)
    return 0;
  users = users_load (p->file ? p->file : FILE_DEFAULT, why, sizeof why);
  if (users == NULL)
    return p->host->error (p->host, "%s", why);
  pthread_mutex_lock (&p->lock);
  old = p->users;
  p->users = users;
  pthread_mutex_unlock (&p->lock);
  users_unref (old);
  return 0;
}

static int
password_ready (void *inst)
{
  struct password *p = inst;
  const struct virgate_host *host = p->host;

  if (p->mechanisms == 0)
    p->mechanisms = SCRAM | PLAIN;
  if (password_reload (p) == -1)
    return -1;
  if (host->role == VIRGATE_ROLE_SERVER && VIRGATE_HOST_HAS (host, watch_file)
      && host->watch_file (host, p->file ? p->file : FILE_DEFAULT) == -1)
    host->log (host, VIRGATE_LOG_WARNING, "%s cannot be watched: changes "
               "count after the next reload",
               p->file ? p->file : FILE_DEFAULT);
  return 0;
}

/* Conversations ------------------------------------------------------------ */

/* PLAIN shows the password to whoever listens. */
static unsigned
usable (const struct password *p, const struct virgate_auth_context *context)
{
  bool is_private = context->caps & (VIRGATE_CAP_LOCAL
                                     | VIRGATE_CAP_ENCRYPTED);

  return is_private ? p->mechanisms : p->mechanisms & ~(unsigned) PLAIN;
}

static const char *
password_mechanisms (void *inst, const struct virgate_auth_context *context)
{
  static const char *const lists[] = {
    "", MECH_SCRAM, MECH_PLAIN, MECH_SCRAM "," MECH_PLAIN
  };

  return lists[usable (inst, context)];
}

static int
password_step (void *conv, const struct virgate_auth_data *in,
               struct virgate_auth_data *out,
               struct virgate_identity *identity)
{
  struct talk *talk = conv;

  return talk->kind->step (talk, in, out, identity);
}

static void
password_conv_free (void *conv)
{
  struct talk *talk = conv;

  talk->kind->free (talk);
}

static int
password_start (void *inst, const struct virgate_auth_context *context,
                const char *mech, const struct virgate_auth_data *in,
                struct virgate_auth_data *out, void **conv,
                struct virgate_identity *identity)
{
  struct password *p = inst;
  unsigned allowed = usable (p, context);
  struct talk *talk = NULL;

  for (size_t i = 0; i < COUNT_OF (mechanisms); i++)
    if ((allowed & mechanisms[i].mechanism)
        && strcmp (mech, mechanisms[i].name) == 0) {
      talk = mechanisms[i].server (p, context->caps & VIRGATE_CAP_LOCAL);
      if (talk == NULL)
        return password_error (p, "out of memory");
    }
  if (talk == NULL)
    return password_refuse (p, "it wants a mechanism that was not offered");
  *conv = talk;
  return password_step (talk, in, out, identity);
}

/* The client's side -------------------------------------------------------- */

/* Is NAME one of the words between commas or blanks? */
static bool
list_has (const char *list, const char *name)
{
  size_t len = strlen (name);

  while (*list) {
    size_t here = strcspn (list, ", ");

    if (here == len && strncmp (list, name, len) == 0)
      return true;
    list += here;
    list += strspn (list, ", ");
  }
  return false;
}

/* 0, or -1 with the reason reported. */
static int
ask (const struct password *p, uint32_t kind, const char *prompt,
     char **answer)
{
  const struct virgate_host *host = p->host;
  int result = host->credential
    ? host->credential (host, kind, prompt, NULL, answer) : 1;

  if (result == 1)
    host->error (host, "there is nobody to ask for %s, and no file has it",
                 kind == VIRGATE_CRED_PASSWORD ? "the password"
                                               : "a user's name");
  return result == 0 ? 0 : -1;
}

static int
client_begin (struct password *p, const struct virgate_auth_context *context,
              size_t which, struct virgate_auth_data *out, void **conv)
{
  const struct virgate_host *host = p->host;
  char prompt[USER_NAME_MAX + 300];
  char *name = NULL, *secret = NULL;

  snprintf (prompt, sizeof prompt, "User at %.255s:", context->hostname);
  if (ask (p, VIRGATE_CRED_AUTHNAME, prompt, &name) == 0) {
    snprintf (prompt, sizeof prompt, "Password of %.255s at %.255s:", name,
              context->hostname);
    if (ask (p, VIRGATE_CRED_PASSWORD, prompt, &secret) == 0)
      *conv = mechanisms[which].client (p, name, secret, out);
  }
  host->secret_free (name);
  host->secret_free (secret);
  return *conv ? VIRGATE_AUTH_MORE : VIRGATE_AUTH_ERROR;
}

static int
password_client_start (void *inst,
                       const struct virgate_auth_context *context,
                       const char *offered, const char *wanted,
                       const char **mech, struct virgate_auth_data *out,
                       void **conv)
{
  struct password *p = inst;
  unsigned allowed = usable (p, context);

  for (size_t i = 0; i < COUNT_OF (mechanisms); i++) {
    const char *name = mechanisms[i].name;

    if (!list_has (offered, name) || (wanted && strcmp (wanted, name) != 0)
        || !(allowed & mechanisms[i].mechanism))
      continue;
    *mech = name;
    return client_begin (p, context, i, out, conv);
  }
  p->host->error (p->host, allowed & PLAIN || !list_has (offered, MECH_PLAIN)
                  ? "it does " MECH_SCRAM " and " MECH_PLAIN " only"
                  : "it does " MECH_SCRAM " only where others can listen");
  return VIRGATE_AUTH_PASS;
}

static int
password_client_step (void *conv, const struct virgate_auth_data *in,
                      struct virgate_auth_data *out)
{
  return password_step (conv, in, out, NULL);
}

/* PLAIN hashes as long as an attacker who has the file should. */
static const struct virgate_auth_ops ops = {
  .flags = VIRGATE_AUTH_BLOCKS,
  .mechanisms = password_mechanisms,
  .start = password_start,
  .step = password_step,
  .conv_free = password_conv_free,
  .client_start = password_client_start,
  .client_step = password_client_step,
};

VIRGATE_MODULE_EXPORT const struct virgate_module virgate_module = {
  VIRGATE_MODULE_HEAD,
  .kind = VIRGATE_KIND_AUTH,
  .ops_size = sizeof ops,
  .name = "password",
  .version = PACKAGE_VERSION,
  .summary = "names and passwords, from a file of verifiers",
  .options = options,
  .open = password_open,
  .config = password_config,
  .ready = password_ready,
  .reload = password_reload,
  .close = password_close,
  .ops = &ops,
};
