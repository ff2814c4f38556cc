/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An identity in libvirt's words; see link-identity.h.  Only what the kernel,
 * a certificate or a verified exchange vouches for is passed on: the far side
 * takes our word for all of it.
 */
#include "config.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "daemon/link-identity.h"
#include "daemon/session.h"

static struct virgate_typed_param *
add (struct link_identity *identity, const char *field, int32_t type)
{
  struct virgate_typed_param *param = &identity->params[identity->count++];

  param->field = field;
  param->value.type = type;
  return param;
}

static void
add_string (struct link_identity *identity, const char *field,
            const char *value)
{
  add (identity, field, VIRGATE_TYPED_PARAM_STRING)->value.u.s = value;
}

static void
add_number (struct link_identity *identity, const char *field, uint64_t value)
{
  add (identity, field, VIRGATE_TYPED_PARAM_ULLONG)->value.u.ul = value;
}

/* A fact by the kernel's word. */
static bool
kernel_says (const struct session *session, const char *key, uint64_t *value)
{
  struct virgate_fact fact;

  if (!peer_get (&session->peer, key, 0, &fact)
      || fact.vouch != VIRGATE_VOUCH_KERNEL)
    return false;
  *value = fact.num;
  return true;
}

static void
add_user (struct link_identity *identity, uint64_t uid)
{
  struct passwd user, *found = NULL;
  char memory[4096];

  add_number (identity, "unix-user-id", uid);
  if (getpwuid_r (uid, &user, memory, sizeof memory, &found) != 0 || !found)
    return;
  snprintf (identity->user, sizeof identity->user, "%s", user.pw_name);
  add_string (identity, "user-name", identity->user);
}

static void
add_group (struct link_identity *identity, uint64_t gid)
{
  struct group group, *found = NULL;
  char memory[16384];

  add_number (identity, "unix-group-id", gid);
  if (getgrgid_r (gid, &group, memory, sizeof memory, &found) != 0 || !found)
    return;
  snprintf (identity->group, sizeof identity->group, "%s", group.gr_name);
  add_string (identity, "group-name", identity->group);
}

/* When a process started, which tells it from a later one with its number. */
static bool
start_time (uint64_t pid, uint64_t *time)
{
  char path[40], text[1024];
  CLEANUP_FCLOSE FILE *stat = NULL;
  unsigned long long value;
  const char *at;

  snprintf (path, sizeof path, "/proc/%llu/stat", (unsigned long long) pid);
  stat = fopen (path, "re");
  if (stat == NULL || fgets (text, sizeof text, stat) == NULL)
    return false;
  at = strrchr (text, ')');     /* the name may hold anything */
  if (at == NULL
      || sscanf (at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u "
                 "%*u %*d %*d %*d %*d %*d %*d %llu", &value) != 1)
    return false;
  *time = value;
  return true;
}

static void
add_process (struct link_identity *identity, uint64_t pid)
{
  uint64_t time;

  if (!start_time (pid, &time))
    return;
  add (identity, "process-id", VIRGATE_TYPED_PARAM_LLONG)->value.u.l =
    (int64_t) pid;
  add_number (identity, "process-time", time);
}

/* The last name counts; only an exchange makes it one that SASL's users are
 * compared with.
 */
static const char *
exchanged_name (const struct session *session)
{
  struct virgate_identity_entry entry;
  const char *name = NULL;

  for (uint32_t n = 0; identity_get (&session->identity,
                                     VIRGATE_IDENTITY_NAME, n, &entry); n++)
    name = entry.vouch == VIRGATE_VOUCH_EXCHANGE ? entry.value : NULL;
  return name;
}

void
link_identity_fill (struct link_identity *identity,
                    const struct session *session, uint32_t caps)
{
  const char *name = exchanged_name (session);
  struct virgate_fact fact;
  uint64_t number;

  memset (identity, 0, sizeof *identity);
  if (kernel_says (session, VIRGATE_FACT_UID, &number))
    add_user (identity, number);
  if (kernel_says (session, VIRGATE_FACT_GID, &number))
    add_group (identity, number);
  if ((caps & VIRGATE_CAP_LOCAL)
      && kernel_says (session, VIRGATE_FACT_PID, &number))
    add_process (identity, number);
  if (name)
    add_string (identity, "sasl-user-name", name);
  if (peer_get (&session->peer, VIRGATE_FACT_X509_DN, 0, &fact)
      && fact.vouch == VIRGATE_VOUCH_CERTIFICATE)
    add_string (identity, "x509-distinguished-name", fact.str);
}
