/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Remembering what is permitted without looking; see standing.h.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/listeners.h"
#include "daemon/server.h"
#include "daemon/session.h"
#include "daemon/standing.h"

/* Room for all pairs of the tables; those beyond it never stand. */
#define PAIRS_MAX 256
#define WORDS (PAIRS_MAX / 64)

/* Kinds of objects that are remembered; the rest is asked about each time. */
#define KINDS_MAX 8

/* Calls; a newcomer takes the place of whoever had it. */
#define KNOWN_MAX 16

/* Bits by the pair's id, apart for calls that change something. */
struct standing {
  uint64_t policy, reloads;     /* what the answers came from */
  uint64_t asked[2][WORDS], yes[2][WORDS];
  struct {
    const char *kind;           /* compared as it is; NULL: free */
    int by_name;
  } kinds[KINDS_MAX];
  struct {
    const struct proc_row *row; /* NULL: free */
    uint8_t uuid[16];
    struct names_when when;
  } known[KNOWN_MAX];           /* calls that were permitted */
};

static uint64_t
reloads_of (const struct policy *policy)
{
  uint64_t sum = 0;

  for (unsigned i = 0; i < policy->acl_count; i++)
    sum += atomic_load_explicit (policy->acls[i].reloads,
                                 memory_order_acquire);
  return sum;
}

/* The answers of today's lists; what older ones said is forgotten.  NULL
 * without memory.
 */
static struct standing *
answers_of (struct session *session, const struct policy *policy)
{
  uint64_t reloads = reloads_of (policy);
  struct standing *standing = session->standing;

  if (standing && standing->policy == policy->serial
      && standing->reloads == reloads)
    return standing;
  if (standing == NULL)
    standing = session->standing = malloc (sizeof *standing);
  if (standing)
    *standing = (struct standing) {
      .policy = policy->serial, .reloads = reloads,
    };
  return standing;
}

/* Every list that judges calls or objects must say yes for good. */
static bool
ask (const struct session *session, const struct policy *policy,
     const struct virgate_permission *pair, bool is_write)
{
  bool is_yes = false;

  for (unsigned i = 0; i < policy->acl_count; i++) {
    const struct access_list *list = &policy->acls[i];

    if (list->ops->permit == NULL && list->ops->visible == NULL)
      continue;
    is_yes = list->ops->standing
             && list->ops->standing (list->inst, &session->peer,
                                     &session->identity, pair, is_write)
                == VIRGATE_ACL_ALLOW;
    if (!is_yes)
      return false;
  }
  return is_yes;
}

static bool
stands (struct session *session, const struct policy *policy,
        struct standing *standing, const struct proc_permission *permission,
        bool is_write)
{
  uint32_t id = permission->id, word = id / 64;
  uint64_t bit = UINT64_C (1) << id % 64;

  if (id >= PAIRS_MAX)
    return false;
  if (!(standing->asked[is_write][word] & bit)) {
    standing->asked[is_write][word] |= bit;
    if (ask (session, policy, &permission->pair, is_write))
      standing->yes[is_write][word] |= bit;
  }
  return standing->yes[is_write][word] & bit;
}

bool
standing_permits (struct session *session, const struct proc_row *row,
                  const void *args)
{
  const struct policy *policy = session->listener->policy;
  const struct proc_condition *denied = &row->denied;
  bool depends = denied->test > PROC_ALWAYS && args == NULL;
  bool may_write = denied->test == PROC_ALWAYS || depends
                   || (args && proc_applies (row, denied, args));
  struct standing *standing;

  if (row->number < 1 || row->permission_count == 0
      || (row->flags & PROC_STREAM)
      || (standing = answers_of (session, policy)) == NULL)
    return false;
  for (uint32_t i = 0; i < row->permission_count; i++) {
    const struct proc_permission *permission = &row->permissions[i];

    if (args && !proc_applies (row, &permission->when, args))
      continue;
    if (((depends || !may_write)
         && !stands (session, policy, standing, permission, false))
        || (may_write
            && !stands (session, policy, standing, permission, true)))
      return false;
  }
  return true;
}

static unsigned
place_of (const struct proc_row *row, const uint8_t uuid[16])
{
  return (row->number + uuid[0] + uuid[7] * 3 + uuid[15] * 5) % KNOWN_MAX;
}

bool
standing_knows (struct session *session, const struct proc_row *row,
                const uint8_t uuid[16])
{
  const struct standing *standing = answers_of (session,
                                                session->listener->policy);
  unsigned at = place_of (row, uuid);

  return standing && standing->known[at].row == row
         && memcmp (standing->known[at].uuid, uuid, 16) == 0
         && names_are_fresh (session, standing->known[at].when);
}

/* Lists without the hook may answer as they like, each time. */
static bool
are_steady (const struct policy *policy)
{
  for (unsigned i = 0; i < policy->acl_count; i++)
    if (policy->acls[i].ops->permit && policy->acls[i].ops->standing == NULL)
      return false;
  return true;
}

void
standing_note (struct session *session, const struct proc_row *row,
               const uint8_t uuid[16], struct names_when when)
{
  const struct policy *policy = session->listener->policy;
  struct standing *standing = answers_of (session, policy);
  unsigned at = place_of (row, uuid);

  if (standing == NULL || !are_steady (policy))
    return;
  standing->known[at].row = row;
  standing->known[at].when = when;
  memcpy (standing->known[at].uuid, uuid, 16);
}

bool
standing_sees (struct session *session,
               const struct proc_permission *permission)
{
  const struct policy *policy = session->listener->policy;
  struct standing *standing = answers_of (session, policy);

  return standing && stands (session, policy, standing, permission, false);
}

static int
ask_by_name (const struct session *session, const struct policy *policy,
             const char *kind)
{
  int result = -1;

  for (unsigned i = 0; i < policy->acl_count; i++) {
    const struct access_list *list = &policy->acls[i];

    if (list->ops->by_name == NULL)
      continue;
    if (list->ops->by_name (list->inst, &session->peer, &session->identity,
                            kind))
      return 1;
    result = 0;
  }
  return result;
}

int
standing_by_name (struct session *session, const char *kind)
{
  const struct policy *policy = session->listener->policy;
  struct standing *standing = answers_of (session, policy);
  unsigned i = 0;

  if (standing == NULL)
    return ask_by_name (session, policy, kind);
  while (i < KINDS_MAX && standing->kinds[i].kind
         && standing->kinds[i].kind != kind)
    i++;
  if (i == KINDS_MAX)
    return ask_by_name (session, policy, kind);
  if (standing->kinds[i].kind == NULL) {
    standing->kinds[i].by_name = ask_by_name (session, policy, kind);
    standing->kinds[i].kind = kind;
  }
  return standing->kinds[i].by_name;
}

void
standing_free (struct session *session)
{
  free (session->standing);
  session->standing = NULL;
}
