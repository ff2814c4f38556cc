/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Room for connections that have not opened yet; see sources.h.  Each belongs
 * to several crowds with a limit of their own: of its source, of its
 * listener, of all.  A full crowd does not turn newcomers away, or a few who
 * stay silent would lock everybody out: who has waited longest goes.
 */
#include "config.h"

#include <stdlib.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "daemon/listeners.h"
#include "daemon/record.h"
#include "daemon/server.h"
#include "daemon/session.h"
#include "daemon/sources.h"

/* Who has waited so long makes room for anybody; before that, only for those
 * whose source has fewer strangers, or the same.
 */
#define MAKES_ROOM_NS NS_PER_S

/* Strangers that are looked at to find one that makes room. */
#define LOOK_AT 16

/* Of the memory for long messages, one source has one part of so many. */
#define KEPT_SHARE 8

enum {
  OF_SOURCE,
  OF_LISTENER,
  OF_ALL,                       /* remote, or all local */
  OF_SHAKING,                   /* of the source, too */
  CROWDS
};

struct stranger {
  struct mail mail;             /* to the session's loop: make room */
  struct session *session;      /* NULL: it has left */
  struct list links[CROWDS];
  int64_t since;
  uint64_t kept;                /* bytes, of a long message */
  bool is_shaking;
  bool is_local;
  bool has_spoken;
  bool makes_room;              /* the mail is under way, and frees this */
};

void
crowd_init (struct crowd *crowd)
{
  list_init (&crowd->members);
  crowd->count = 0;
}

static struct crowd *
crowd_of (const struct stranger *stranger, int which)
{
  struct session *session = stranger->session;
  struct sources *sources = &session->listener->server->sources;
  struct crowd *crowds[CROWDS] = {
    [OF_SOURCE] = &session->source->strangers,
    [OF_LISTENER] = &session->listener->strangers,
    [OF_ALL] = &sources->strangers[stranger->is_local],
    [OF_SHAKING] = stranger->is_shaking ? &session->source->shaking : NULL,
  };

  return crowds[which];
}

static void
join (struct stranger *stranger, int which)
{
  struct crowd *crowd = crowd_of (stranger, which);

  if (crowd == NULL)
    return;
  list_append (&crowd->members, &stranger->links[which]);
  crowd->count++;
}

static void
part (struct stranger *stranger, int which)
{
  struct crowd *crowd = crowd_of (stranger, which);

  if (crowd == NULL)
    return;
  list_remove (&stranger->links[which]);
  crowd->count--;
}

static void
part_from_all (struct stranger *stranger)
{
  for (int which = 0; which < CROWDS; which++)
    part (stranger, which);
}

/* On the session's loop. */
static void
deliver_room (struct mail *mail)
{
  struct stranger *stranger = container_of (mail, struct stranger, mail);
  const char *why = "made room for somebody else";

  if (stranger->session) {
    record_refusal (stranger->session, TALLY_NO_ROOM, why);
    session_close (stranger->session, VIRGATE_LOG_INFO, why);
  }
  free (stranger);
}

/* May this one be closed for the newcomer? */
static bool
yields (const struct stranger *stranger, const struct session *newcomer,
        int64_t now)
{
  const struct source *source = stranger->session->source;

  return source == newcomer->source
         || source->strangers.count > newcomer->source->strangers.count + 1
         || now - stranger->since >= MAKES_ROOM_NS;
}

/* Close one of a crowd.  Locked. */
static bool
make_room (struct crowd *crowd, int which, const struct session *newcomer)
{
  int64_t now = now_ns ();
  int looks = LOOK_AT;

  list_for_each (item, &crowd->members) {
    struct stranger *stranger =
      container_of (item - which, struct stranger, links[0]);

    if (looks-- == 0)
      break;
    if (!yields (stranger, newcomer, now))
      continue;
    part_from_all (stranger);
    stranger->makes_room = true;
    stranger->mail.deliver = deliver_room;
    loop_post (stranger->session->loop, &stranger->mail);
    return true;
  }
  return false;
}

/* Is there room for one more below a limit, or can it be made?  max 0 is no
 * limit.  *reached is the limit's name when it was reached.
 */
static bool
fits (const struct session *session, uint64_t used, uint64_t max,
      struct crowd *crowd, int which, const char *name, const char **reached)
{
  if (max == 0 || used < max)
    return true;
  *reached = name;
  return make_room (crowd, which, session);
}

static bool
fits_source (const struct session *session, const char **reached)
{
  const struct limits *limits = &session->listener->server->limits;
  struct source *source = session->source;

  return source->key.kind == SOURCE_UNKNOWN
         || (fits (session, source->clients - 1, limits->source_clients,
                   &source->strangers, OF_SOURCE, "source-clients", reached)
             && fits (session, source->strangers.count,
                      limits->source_strangers, &source->strangers,
                      OF_SOURCE, "source-unopened", reached)
             && (session->ops->handshake == NULL || session->stranger
                 || fits (session, source->shaking.count,
                          limits->source_shaking, &source->shaking,
                          OF_SHAKING, "source-handshakes", reached)));
}

static bool
fits_listener (const struct session *session, const char **reached)
{
  struct listener *listener = session->listener;
  const struct policy *policy = listener->policy;
  struct crowd *crowd = &listener->strangers;

  return fits (session, listener->clients, policy->max_clients, crowd,
               OF_LISTENER, "its max-clients", reached)
         && fits (session, crowd->count, policy->max_strangers, crowd,
                  OF_LISTENER, "its max-unopened", reached);
}

/* Local clients have a reserve, and go before remote strangers. */
static bool
fits_all (const struct session *session, const char **reached)
{
  struct server *server = session->listener->server;
  struct crowd *crowds = server->sources.strangers;
  const struct limits *limits = &server->limits;
  bool is_local = session->is_local;
  uint64_t reserve = limits->local_reserve;
  struct crowd *crowd = &crowds[is_local && crowds[0].count == 0];

  return fits (session, atomic_load (&server->clients)
                        + (is_local ? 0 : reserve), limits->max_clients,
               crowd, OF_ALL, "max-clients", reached)
         && fits (session, crowds[0].count + crowds[1].count,
                  limits->max_strangers + (is_local ? reserve : 0), crowd,
                  OF_ALL, "max-unopened", reached);
}

static struct stranger *
make (struct session *session)
{
  struct stranger *stranger = calloc (1, sizeof *stranger);

  if (stranger == NULL)
    return NULL;
  stranger->session = session;
  stranger->since = now_ns ();
  stranger->is_local = session->is_local;
  stranger->is_shaking = session->ops->handshake != NULL;
  for (int which = 0; which < CROWDS; which++)
    list_init (&stranger->links[which]);
  return stranger;
}

bool
stranger_enter (struct session *session, const char **reached)
{
  struct stranger *stranger = make (session);

  *reached = stranger ? NULL : "memory";
  if (stranger == NULL)
    return false;
  LOCK_FOR_SCOPE (&session->listener->server->sources.lock);
  if (!fits_source (session, reached) || !fits_listener (session, reached)
      || !fits_all (session, reached)) {
    free (stranger);
    return false;
  }
  for (int which = 0; which < CROWDS; which++)
    join (stranger, which);
  session->stranger = stranger;
  session->is_listed = true;
  session->listener->clients++;
  return true;
}

void
stranger_move (struct session *session, struct source *to,
               const char **reached)
{
  struct stranger *stranger = session->stranger;
  bool is_listed = stranger && !stranger->makes_room;
  uint64_t kept = stranger ? stranger->kept : 0;

  if (is_listed)
    part (stranger, OF_SOURCE);
  session->source->kept -= kept;
  to->kept += kept;
  session->source = to;
  if (fits_source (session, reached))
    *reached = NULL;
  if (is_listed)
    join (stranger, OF_SOURCE);
}

void
stranger_shook (struct session *session)
{
  struct stranger *stranger = session->stranger;

  if (stranger == NULL)
    return;
  LOCK_FOR_SCOPE (&session->listener->server->sources.lock);
  if (!stranger->makes_room && stranger->is_shaking)
    part (stranger, OF_SHAKING);
  stranger->is_shaking = false;
}

/* Those who have said nothing yet go before it. */
void
stranger_spoke (struct session *session)
{
  struct stranger *stranger = session->stranger;

  if (stranger == NULL || stranger->has_spoken)
    return;
  stranger->has_spoken = true;
  LOCK_FOR_SCOPE (&session->listener->server->sources.lock);
  if (stranger->makes_room)
    return;
  part_from_all (stranger);
  stranger->since = now_ns ();
  for (int which = 0; which < CROWDS; which++)
    join (stranger, which);
}

/* Locked.  None are kept when the new number of bytes is not allowed. */
static bool
keep (struct session *session, uint64_t bytes)
{
  struct stranger *stranger = session->stranger;
  struct sources *sources = &session->listener->server->sources;
  uint64_t max = session->loop->limits.auth_memory;

  sources->kept -= stranger->kept;
  session->source->kept -= stranger->kept;
  if (sources->kept + bytes > max
      || session->source->kept + bytes > max / KEPT_SHARE)
    bytes = 0;
  stranger->kept = bytes;
  sources->kept += bytes;
  session->source->kept += bytes;
  return bytes > 0;
}

bool
stranger_may_keep (void *opaque, size_t need)
{
  struct session *session = opaque;
  struct stranger *stranger = session->stranger;
  bool may;

  if (stranger == NULL || stranger->kept >= need)
    return stranger != NULL;
  pthread_mutex_lock (&session->listener->server->sources.lock);
  may = keep (session, need);
  pthread_mutex_unlock (&session->listener->server->sources.lock);
  if (!may)
    session_log (session, VIRGATE_LOG_INFO, "a message of %zu bytes is not "
                 "kept: auth-memory is used up", need);
  return may;
}

void
stranger_keeps_none (struct session *session)
{
  if (session->stranger == NULL || session->stranger->kept == 0)
    return;
  LOCK_FOR_SCOPE (&session->listener->server->sources.lock);
  keep (session, 0);
}

void
stranger_leave (struct session *session)
{
  struct stranger *stranger;

  stranger_keeps_none (session);
  stranger = steal_pointer (&session->stranger);
  if (stranger == NULL)
    return;
  LOCK_FOR_SCOPE (&session->listener->server->sources.lock);
  if (stranger->makes_room) {
    stranger->session = NULL;
    return;
  }
  part_from_all (stranger);
  free (stranger);
}
