/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * auth-polkit: a user of this machine, if polkit says so.  Clients are told
 * what libvirtd tells them, so that stock ones start an agent when it takes
 * one.  How polkit is asked is in authority.c, about whom in subject.c.
 */
#include "config.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <virgate/auth.h>

#include "authority.h"
#include "common/cleanup.h"
#include "common/mem.h"

/* What is decided without asking anybody takes no longer. */
#define QUIET_NS (10 * NS_PER_S)

struct polkit {
  const struct virgate_host *host;
  char *action, *action_read_only;
  bool is_interactive;
  uint64_t timeout_s, prompts_max;
  pthread_mutex_t lock;         /* guards the next two */
  uint32_t *asked;              /* users being asked; room for prompts_max */
  uint64_t prompts;
};

static const struct virgate_option options[] = {
  { "action", VIRGATE_OPTION_STRING, .def = "org.libvirt.unix.manage",
    .help = "polkit's action that users must be allowed" },
  { "action-read-only", VIRGATE_OPTION_STRING,
    .def = "org.libvirt.unix.monitor",
    .help = "the same for listeners that are read-only" },
  { "interactive", VIRGATE_OPTION_BOOL, .def = "yes",
    .help = "let the user's agent ask for a password" },
  { "timeout", VIRGATE_OPTION_UINT, .min = 1, .max = 3600,
    .unit = "seconds", .def = "300", .help = "time that a person has" },
  { "max-prompts", VIRGATE_OPTION_UINT, .min = 1, .max = 1000,
    .unit = "prompts", .def = "8",
    .help = "how many people are being asked at a time" },
  { NULL }
};

static int
polkit_open (const struct virgate_host *host, void **inst)
{
  struct polkit *p = calloc (1, sizeof *p);

  if (p == NULL)
    return host->error (host, "out of memory");
  p->host = host;
  p->is_interactive = true;
  p->timeout_s = 300;
  p->prompts_max = 8;
  pthread_mutex_init (&p->lock, NULL);
  *inst = p;
  return 0;
}

static void
polkit_close (void *inst)
{
  struct polkit *p = inst;

  pthread_mutex_destroy (&p->lock);
  free (p->asked);
  free (p->action);
  free (p->action_read_only);
  free (p);
}

/* An action that polkit could know: letters, digits, dots, dashes. */
static int
set_action (struct polkit *p, char **action, const char *value)
{
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";

  if (*value == '\0' || value[strspn (value, allowed)] != '\0')
    return p->host->error (p->host, "'%s' is no action of polkit's", value);
  free (*action);
  *action = strdup (value);
  return *action ? 0 : p->host->error (p->host, "out of memory");
}

static bool
is_yes (const char *value)
{
  return strchr ("yYtT1", value[0]) || strcasecmp (value, "on") == 0;
}

static int
polkit_config (void *inst, const char *key, const char *value)
{
  struct polkit *p = inst;

  if (strcmp (key, "action") == 0)
    return set_action (p, &p->action, value);
  if (strcmp (key, "action-read-only") == 0)
    return set_action (p, &p->action_read_only, value);
  if (strcmp (key, "interactive") == 0)
    p->is_interactive = is_yes (value);
  else if (strcmp (key, "timeout") == 0)
    p->timeout_s = strtoull (value, NULL, 10);
  else
    p->prompts_max = strtoull (value, NULL, 10);
  return 0;
}

static int
polkit_ready (void *inst)
{
  struct polkit *p = inst;

  p->asked = calloc (p->prompts_max, sizeof *p->asked);
  return p->asked ? 0 : p->host->error (p->host, "out of memory");
}

/* Who it is ---------------------------------------------------------------- */

static int
add_groups (const struct virgate_host *host, const struct virgate_peer *peer,
            struct virgate_identity *identity)
{
  struct virgate_fact gid;
  struct group gr, *group;
  char space[32768];            /* some groups have many members */

  for (uint32_t n = 0; host->peer_get (peer, VIRGATE_FACT_GID, n, &gid); n++)
    if (getgrgid_r (gid.num, &gr, space, sizeof space, &group) == 0 && group
        && host->identity_group (identity, gr.gr_name, VIRGATE_VOUCH_KERNEL)
           == -1)
      return VIRGATE_AUTH_ERROR;
  return VIRGATE_AUTH_YES;
}

static int
identify (const struct virgate_host *host, const struct virgate_peer *peer,
          uint32_t uid, struct virgate_identity *identity)
{
  struct passwd pw, *user = NULL;
  char space[4096], number[32];

  snprintf (number, sizeof number, "%u", uid);
  if (getpwuid_r (uid, &pw, space, sizeof space, &user) != 0)
    user = NULL;
  if (host->identity_name (identity, user ? user->pw_name : number,
                           VIRGATE_VOUCH_KERNEL) == -1)
    return VIRGATE_AUTH_ERROR;
  return add_groups (host, peer, identity);
}

/* Asking ------------------------------------------------------------------- */

/* No user may take up more than half, and so keep all others from being
 * asked.
 */
static bool
begin_prompt (struct polkit *p, uint32_t uid)
{
  uint64_t own = 0;
  LOCK_FOR_SCOPE (&p->lock);

  for (uint64_t i = 0; i < p->prompts; i++)
    own += p->asked[i] == uid;
  if (p->prompts >= p->prompts_max || own >= (p->prompts_max + 1) / 2)
    return false;
  p->asked[p->prompts++] = uid;
  return true;
}

static void
end_prompt (struct polkit *p, uint32_t uid)
{
  uint64_t i = 0;
  LOCK_FOR_SCOPE (&p->lock);

  while (p->asked[i] != uid)
    i++;
  p->asked[i] = p->asked[--p->prompts];
}

/* Without troubling anybody first: most are allowed or not by a rule. */
static enum verdict
ask (struct polkit *p, const struct subject *subject, const char *action)
{
  int64_t limit = (int64_t) p->timeout_s * NS_PER_S;
  enum verdict verdict = authority_ask (p->host, subject, action, false,
                                        now_ns () + MIN_OF (limit, QUIET_NS));

  if (verdict != VERDICT_CHALLENGE || !p->is_interactive)
    return verdict;
  if (!begin_prompt (p, subject->uid)) {
    p->host->error (p->host, "max-prompts = %llu users are being asked "
                    "already, or this one in half of these",
                    (unsigned long long) p->prompts_max);
    return VERDICT_ERROR;
  }
  verdict = authority_ask (p->host, subject, action, true, now_ns () + limit);
  end_prompt (p, subject->uid);
  return verdict;
}

static bool
is_read_only (const struct virgate_host *host,
              const struct virgate_peer *peer)
{
  struct virgate_fact fact;

  return host->peer_get (peer, VIRGATE_FACT_READ_ONLY, 0, &fact) && fact.num;
}

static const char *
action_of (const struct polkit *p, const struct virgate_peer *peer)
{
  if (is_read_only (p->host, peer))
    return p->action_read_only ? p->action_read_only
                               : "org.libvirt.unix.monitor";
  return p->action ? p->action : "org.libvirt.unix.manage";
}

/* In the words and with the codes of libvirtd, by which clients go. */
static int
refuse (const struct polkit *p, enum verdict verdict, const char *action)
{
  const struct virgate_host *host = p->host;

  if (verdict == VERDICT_ERROR)
    return VIRGATE_AUTH_ERROR;
  if (verdict == VERDICT_CHALLENGE)
    host->error_code (host, VIRGATE_ERR_AUTH_UNAVAILABLE, VIRGATE_FROM_POLKIT,
                      "no polkit agent available to authenticate action '%s'",
                      action);
  else if (verdict == VERDICT_DISMISSED)
    host->error_code (host, VIRGATE_ERR_AUTH_CANCELLED, VIRGATE_FROM_POLKIT,
                      "user cancelled authentication process");
  else
    host->error_code (host, VIRGATE_ERR_AUTH_FAILED, VIRGATE_FROM_POLKIT,
                      "access denied by policy");
  return VIRGATE_AUTH_NO;
}

static int
polkit_decide (void *inst, const struct virgate_peer *peer,
               struct virgate_identity *identity)
{
  struct polkit *p = inst;
  const char *action = action_of (p, peer);
  struct subject subject;
  enum verdict verdict;

  if (!subject_find (&subject, p->host, peer))
    return VIRGATE_AUTH_PASS;
  if (subject_look (&subject, p->host) == -1)
    return VIRGATE_AUTH_NO;
  verdict = ask (p, &subject, action);
  if (verdict == VERDICT_YES)
    return identify (p->host, peer, subject.uid, identity);
  return refuse (p, verdict, action);
}

/* root need not be asked for root's password. */
static int
polkit_exempt (void *inst, const struct virgate_peer *peer,
               struct virgate_identity *identity)
{
  const struct polkit *p = inst;
  struct subject subject;

  if (!subject_find (&subject, p->host, peer)) {
    p->host->error (p->host, "the kernel names no user and process on this "
                    "transport, so polkit cannot be asked");
    return VIRGATE_AUTH_NO;
  }
  if (subject.uid == 0)
    return identify (p->host, peer, 0, identity);
  return VIRGATE_AUTH_PASS;
}

static const struct virgate_auth_ops ops = {
  .flags = VIRGATE_AUTH_BLOCKS | VIRGATE_AUTH_POLKIT | VIRGATE_AUTH_OUTSIDE,
  .decide = polkit_decide,
  .exempt = polkit_exempt,
};

VIRGATE_MODULE_EXPORT const struct virgate_module virgate_module = {
  VIRGATE_MODULE_HEAD,
  .kind = VIRGATE_KIND_AUTH,
  .ops_size = sizeof ops,
  .name = "polkit",
  .version = PACKAGE_VERSION,
  .summary = "a local user, if polkit says so",
  .options = options,
  .open = polkit_open,
  .config = polkit_config,
  .ready = polkit_ready,
  .close = polkit_close,
  .ops = &ops,
};
