/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * auth-peercred: the user on the other end of a Unix socket, as the kernel
 * vouches for it.  Names of the config become ids once, at start; only the
 * name of an allowed peer is looked up when it connects.
 */
#include "config.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <virgate/auth.h>

#include "common/cleanup.h"
#include "common/mem.h"

/* Users and groups of one section. */
#define IDS_MAX 4096

struct ids {
  uint32_t *id;
  size_t count;
  bool everybody;
};

struct peercred {
  const struct virgate_host *host;
  struct ids users, groups;
};

static const struct virgate_option options[] = {
  { "users", VIRGATE_OPTION_LIST,
    .help = "user names or ids that may enter; *: every local user" },
  { "groups", VIRGATE_OPTION_LIST,
    .help = "groups whose members may enter, by name or id" },
  { NULL }
};

static int
peercred_open (const struct virgate_host *host, void **inst)
{
  struct peercred *p = calloc (1, sizeof *p);

  if (p == NULL)
    return host->error (host, "out of memory");
  p->host = host;
  *inst = p;
  return 0;
}

static void
peercred_close (void *inst)
{
  struct peercred *p = inst;

  free (p->users.id);
  free (p->groups.id);
  free (p);
}

static bool
parse_number (const char *word, uint32_t *id)
{
  char *end;
  unsigned long value;

  errno = 0;
  value = strtoul (word, &end, 10);
  if (errno || *end || end == word || value >= UINT32_MAX || *word == '-')
    return false;
  *id = value;
  return true;
}

static bool
find_id (const char *word, bool is_group, uint32_t *id)
{
  const struct passwd *pw;
  const struct group *gr;

  if (parse_number (word, id))
    return true;
  if (is_group) {
    gr = getgrnam (word);
    *id = gr ? gr->gr_gid : 0;
    return gr != NULL;
  }
  pw = getpwnam (word);
  *id = pw ? pw->pw_uid : 0;
  return pw != NULL;
}

static int
add_id (struct peercred *p, struct ids *ids, uint32_t id)
{
  uint32_t *more;

  if (ids->count == IDS_MAX)
    return p->host->error (p->host, "more than %d entries", IDS_MAX);
  more = reallocarray (ids->id, ids->count + 1, sizeof *more);
  if (more == NULL)
    return p->host->error (p->host, "out of memory");
  more[ids->count++] = id;
  ids->id = more;
  return 0;
}

static int
peercred_config (void *inst, const char *key, const char *value)
{
  struct peercred *p = inst;
  bool is_group = strcmp (key, "groups") == 0;
  struct ids *ids = is_group ? &p->groups : &p->users;
  CLEANUP_FREE char *copy = strdup (value);
  char *save = NULL;

  if (copy == NULL)
    return p->host->error (p->host, "out of memory");
  for (char *word = strtok_r (copy, " \t", &save); word;
       word = strtok_r (NULL, " \t", &save)) {
    uint32_t id;

    if (!is_group && strcmp (word, "*") == 0)
      ids->everybody = true;
    else if (!find_id (word, is_group, &id))
      return p->host->error (p->host, "there is no %s '%s' on this host",
                             is_group ? "group" : "user", word);
    else if (add_id (p, ids, id) == -1)
      return -1;
  }
  return 0;
}

static bool
has_id (const struct ids *ids, uint64_t id)
{
  for (size_t i = 0; i < ids->count; i++)
    if (ids->id[i] == id)
      return true;
  return ids->everybody;
}

/* Without lists: this daemon's user, and root. */
static bool
is_allowed (const struct peercred *p, const struct virgate_peer *peer,
            uint64_t uid)
{
  struct virgate_fact gid;

  if (p->users.count == 0 && p->groups.count == 0 && !p->users.everybody)
    return uid == 0 || uid == geteuid ();
  if (has_id (&p->users, uid))
    return true;
  for (uint32_t n = 0;
       p->host->peer_get (peer, VIRGATE_FACT_GID, n, &gid); n++)
    if (gid.vouch == VIRGATE_VOUCH_KERNEL && has_id (&p->groups, gid.num))
      return true;
  return false;
}

static int
identify (const struct peercred *p, const struct virgate_peer *peer,
          uint64_t uid, struct virgate_identity *identity)
{
  const struct virgate_host *host = p->host;
  char text[32], space[4096];
  struct passwd pw, *user = NULL;
  struct group gr, *group;
  struct virgate_fact gid;

  snprintf (text, sizeof text, "%llu", (unsigned long long) uid);
  if (getpwuid_r (uid, &pw, space, sizeof space, &user) != 0)
    user = NULL;
  if (host->identity_name (identity, user ? user->pw_name : text,
                           VIRGATE_VOUCH_KERNEL) == -1)
    return VIRGATE_AUTH_ERROR;
  for (uint32_t n = 0; host->peer_get (peer, VIRGATE_FACT_GID, n, &gid); n++) {
    if (getgrgid_r (gid.num, &gr, space, sizeof space, &group) != 0
        || group == NULL)
      continue;
    if (host->identity_group (identity, gr.gr_name, VIRGATE_VOUCH_KERNEL)
        == -1)
      return VIRGATE_AUTH_ERROR;
  }
  return VIRGATE_AUTH_YES;
}

static int
peercred_decide (void *inst, const struct virgate_peer *peer,
                 struct virgate_identity *identity)
{
  const struct peercred *p = inst;
  struct virgate_fact uid;

  if (!p->host->peer_get (peer, VIRGATE_FACT_UID, 0, &uid)
      || uid.vouch != VIRGATE_VOUCH_KERNEL)
    return VIRGATE_AUTH_PASS;
  if (is_allowed (p, peer, uid.num))
    return identify (p, peer, uid.num, identity);
  p->host->error (p->host, "uid %llu is in neither users nor groups of [%s]",
                  (unsigned long long) uid.num, p->host->section);
  return VIRGATE_AUTH_NO;
}

/* Names may come from a directory service, which may take its time. */
static const struct virgate_auth_ops ops = {
  .flags = VIRGATE_AUTH_BLOCKS,
  .decide = peercred_decide,
};

VIRGATE_MODULE_EXPORT const struct virgate_module virgate_module = {
  VIRGATE_MODULE_HEAD,
  .kind = VIRGATE_KIND_AUTH,
  .ops_size = sizeof ops,
  .name = "peercred",
  .version = PACKAGE_VERSION,
  .summary = "the user on the other end of a Unix socket",
  .options = options,
  .open = peercred_open,
  .config = peercred_config,
  .close = peercred_close,
  .ops = &ops,
};
