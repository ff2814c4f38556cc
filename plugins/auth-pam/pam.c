/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * auth-pam: names and passwords that PAM knows, and so whatever PAM asks:
 * directories, one-time codes.  PAM itself runs in processes of its own; see
 * helper.c.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <security/pam_appl.h>

#include <virgate/auth.h>

#include "ask.h"
#include "common/cleanup.h"
#include "common/mem.h"
#include "common/owners.h"
#include "common/slots.h"
#include "names.h"

#define HELPER "virgate-pam-helper"

struct pam {
  const struct virgate_host *host;
  char *service, *helper;
  struct names users, groups;
  struct slots slots;
  bool with_account;
  uint64_t code_len, timeout_s, wait_s, processes;
};

static const struct virgate_option options[] = {
  { "service", VIRGATE_OPTION_STRING, .def = "virgate",
    .help = "PAM's service: the file in /etc/pam.d" },
  { "users", VIRGATE_OPTION_LIST,
    .help = "users that may enter; default: all whom PAM lets in" },
  { "groups", VIRGATE_OPTION_LIST,
    .help = "groups whose members may enter as well" },
  { "require-account", VIRGATE_OPTION_BOOL, .def = "yes",
    .help = "accounts that have expired, or may not now, are refused" },
  { "otp-length", VIRGATE_OPTION_UINT, .max = 64, .unit = "characters",
    .def = "0",
    .help = "passwords end in a code this long, for a second prompt" },
  { "timeout", VIRGATE_OPTION_UINT, .min = 1, .max = 3600,
    .unit = "seconds", .def = "8", .help = "time that PAM has" },
  { "max-processes", VIRGATE_OPTION_UINT, .min = 1, .max = 1000,
    .unit = "processes", .def = "8",
    .help = "how many conversations with PAM there are at a time" },
  { "max-wait", VIRGATE_OPTION_UINT, .max = 3600, .unit = "seconds",
    .def = "4", .help = "time that a peer waits for its turn" },
  { "helper", VIRGATE_OPTION_PATH,
    .help = "the program in which PAM runs; default: the installed one" },
  { NULL }
};

/* The installed one; a build tree says where its own is. */
static char *
find_helper (void)
{
  const char *folder = secure_getenv ("VIRGATE_HELPER_DIR");
  char *path = NULL;

  return asprintf (&path, "%s/" HELPER, folder ? folder : HELPER_DIR) == -1
         ? NULL : path;
}

static void
pam_close (void *inst)
{
  struct pam *p = inst;

  if (p->slots.max > 0)
    slots_destroy (&p->slots);
  names_free (&p->users);
  names_free (&p->groups);
  free (p->service);
  free (p->helper);
  free (p);
}

static int
pam_open (const struct virgate_host *host, void **inst)
{
  struct pam *p = calloc (1, sizeof *p);

  if (p == NULL)
    return host->error (host, "out of memory");
  p->host = host;
  p->service = strdup ("virgate");
  p->helper = find_helper ();
  p->with_account = true;
  p->timeout_s = 8;
  p->wait_s = 4;
  p->processes = 8;
  if (p->service && p->helper) {
    *inst = p;
    return 0;
  }
  pam_close (p);
  return host->error (host, "out of memory");
}

static bool
is_yes (const char *value)
{
  return strchr ("yYtT1", value[0]) || strcasecmp (value, "on") == 0;
}

static int
set_string (struct pam *p, char **string, const char *value)
{
  free (*string);
  *string = strdup (value);
  return *string ? 0 : p->host->error (p->host, "out of memory");
}

static int
pam_config (void *inst, const char *key, const char *value)
{
  struct pam *p = inst;
  const struct {
    const char *key;
    uint64_t *number;
  } numbers[] = {
    { "otp-length", &p->code_len }, { "timeout", &p->timeout_s },
    { "max-processes", &p->processes }, { "max-wait", &p->wait_s },
  };

  if (strcmp (key, "service") == 0)
    return *value == '\0' || strpbrk (value, "/ \t")
           ? p->host->error (p->host, "'%s' is not the name of a service",
                             value)
           : set_string (p, &p->service, value);
  if (strcmp (key, "helper") == 0)
    return set_string (p, &p->helper, value);
  if (strcmp (key, "users") == 0)
    return names_add (&p->users, p->host, value);
  if (strcmp (key, "groups") == 0)
    return names_add (&p->groups, p->host, value);
  for (size_t i = 0; i < COUNT_OF (numbers); i++)
    if (strcmp (key, numbers[i].key) == 0)
      *numbers[i].number = strtoull (value, NULL, 10);
  if (strcmp (key, "require-account") == 0)
    p->with_account = is_yes (value);
  return 0;
}

static int
check_helper (const struct pam *p)
{
  char why[512];

  if (owners_check_program (p->helper, why, sizeof why) == 0)
    return 0;
  return p->host->error (p->host, "the helper of auth-pam: %s", why);
}

static int
pam_ready (void *inst)
{
  struct pam *p = inst;

  if (check_helper (p) == -1)
    return -1;
  slots_init (&p->slots, p->processes);
  return 0;
}

static int
pam_reload (void *inst)
{
  return check_helper (inst);
}

/* Deciding ----------------------------------------------------------------- */

/* Asked once PAM has let somebody in, so that the time that takes tells
 * nobody who is in a list.
 */
static bool
is_wanted (const struct pam *p, const struct verdict *verdict)
{
  if (p->users.count == 0 && p->groups.count == 0)
    return true;
  if (names_have (&p->users, verdict->name))
    return true;
  for (size_t i = 0; i < verdict->group_count; i++)
    if (names_have (&p->groups, verdict->groups[i]))
      return true;
  return false;
}

static int
identify (const struct pam *p, const struct verdict *verdict,
          struct virgate_identity *identity)
{
  const struct virgate_host *host = p->host;

  if (host->identity_name (identity, verdict->name, VIRGATE_VOUCH_EXCHANGE)
      != 0)
    return VIRGATE_AUTH_ERROR;
  for (size_t i = 0; i < verdict->group_count; i++)
    if (host->identity_group (identity, verdict->groups[i],
                              VIRGATE_VOUCH_EXCHANGE) != 0)
      return VIRGATE_AUTH_ERROR;
  return VIRGATE_AUTH_YES;
}

static int
conclude (const struct pam *p, const char *user,
          const struct verdict *verdict, struct virgate_identity *identity)
{
  if (!verdict->is_yes)
    p->host->error (p->host, "user %s: PAM service %s: %s", user, p->service,
                    verdict->name);
  else if (!is_wanted (p, verdict))
    p->host->error (p->host, "user %s is in neither users nor groups of [%s]",
                    verdict->name, p->host->section);
  else
    return identify (p, verdict, identity);
  return VIRGATE_AUTH_NO;
}

static int
ask_in_turn (struct pam *p, struct ask *ask, struct verdict *verdict)
{
  int result;

  if (slots_take (&p->slots, now_ns () + (int64_t) p->wait_s * NS_PER_S) == -1)
    return p->host->error (p->host, "max-processes = %llu of [%s] are "
                           "running, and none ended within max-wait = %llu "
                           "seconds", (unsigned long long) p->processes,
                           p->host->section, (unsigned long long) p->wait_s);
  ask->deadline = now_ns () + (int64_t) p->timeout_s * NS_PER_S;
  result = ask_pam (ask, verdict);
  slots_give (&p->slots);
  return result;
}

/* A password in two: what is to be remembered, and a code at its end. */
struct secret {
  char password[PAM_MAX_RESP_SIZE];
  char code[65];
};

static void
secret_wipe (struct secret *secret)
{
  wipe (secret, sizeof *secret);
}

/* NULL, or what is wrong with it. */
static const char *
split (const struct pam *p, const char *text, struct secret *secret)
{
  size_t len = strlen (text);

  if (len <= p->code_len)
    return p->code_len ? "the password is no longer than a code"
                       : "the password is empty";
  len -= p->code_len;
  if (len >= sizeof secret->password)
    return "the password is longer than PAM takes";
  memcpy (secret->password, text, len);
  secret->password[len] = '\0';
  memcpy (secret->code, text + len, p->code_len + 1);
  return NULL;
}

static const char *
address_of (const struct pam *p, const struct virgate_peer *peer)
{
  struct virgate_fact fact;

  return p->host->peer_get (peer, VIRGATE_FACT_REMOTE, 0, &fact)
         && fact.type == VIRGATE_FACT_ADDRESS ? fact.str : "";
}

static int
pam_password (void *inst, const struct virgate_auth_context *context,
              const char *user, const char *text,
              struct virgate_identity *identity)
{
  struct pam *p = inst;
  CLEANUP (secret_wipe) struct secret secret;
  CLEANUP_FREE struct verdict *verdict = malloc (sizeof *verdict);
  const char *wrong = split (p, text, &secret);
  struct ask ask = {
    .host = p->host, .helper = p->helper, .service = p->service,
    .user = user, .password = secret.password, .code = secret.code,
    .address = address_of (p, context->peer),
    .with_account = p->with_account,
  };

  if (wrong) {
    p->host->error (p->host, "user %s: %s", user, wrong);
    return VIRGATE_AUTH_NO;
  }
  if (verdict == NULL) {
    p->host->error (p->host, "out of memory");
    return VIRGATE_AUTH_ERROR;
  }
  if (ask_in_turn (p, &ask, verdict) == -1)
    return VIRGATE_AUTH_ERROR;
  return conclude (p, user, verdict, identity);
}

static const struct virgate_auth_ops ops = {
  .flags = VIRGATE_AUTH_BLOCKS | VIRGATE_AUTH_OUTSIDE,
  .password = pam_password,
};

VIRGATE_MODULE_EXPORT const struct virgate_module virgate_module = {
  VIRGATE_MODULE_HEAD,
  .kind = VIRGATE_KIND_AUTH,
  .ops_size = sizeof ops,
  .name = "pam",
  .version = PACKAGE_VERSION,
  .summary = "a name and a password that PAM knows",
  .options = options,
  .open = pam_open,
  .config = pam_config,
  .ready = pam_ready,
  .reload = pam_reload,
  .close = pam_close,
  .ops = &ops,
};
