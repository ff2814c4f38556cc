/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sources that fail to authenticate: each failure delays the next answer, too
 * many bring a ban; see sources.h.  A ban is two lines in the log, however
 * much is tried meanwhile.
 */
#include "config.h"

#include <sys/random.h>

#include <stdlib.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "daemon/listeners.h"
#include "daemon/server.h"
#include "daemon/session.h"
#include "daemon/sources.h"

/* Bans that ended are looked for so often. */
#define SWEEP_MS 250

/* Refusals of one source: so many are logged at once, and then one in each of
 * these times.
 */
#define LINES_AT_ONCE 100
#define LINE_NS (NS_PER_S / 2)

/* Doubling stops here; the maximum is reached long before. */
#define DOUBLINGS_MAX 20

static int64_t
doubled (int64_t base, unsigned times, int64_t max)
{
  int64_t most = max >> MIN_OF (times, (unsigned) DOUBLINGS_MAX);

  return base > most ? MAX_OF (base, max)
                     : base << MIN_OF (times, (unsigned) DOUBLINGS_MAX);
}

static bool
has_more_to_say (const struct line_budget *budget,
                 const struct limits *limits, int64_t now)
{
  return budget->unlogged > 0 && now - budget->at < limits->ban_window_ns;
}

bool
source_is_remembered (const struct server *server,
                      const struct source *source, int64_t now)
{
  const struct limits *limits = &server->limits;

  return (source->failures > 0
          && now - source->failed_at < limits->ban_window_ns)
         || (source->bans > 0
             && now - source->banned_until < limits->ban_max_ns)
         || has_more_to_say (&source->refused, limits, now)
         || has_more_to_say (&source->denied, limits, now);
}

static void sweep (void *opaque);

static void
sweep_later (struct server *server)
{
  const struct host_env *env = &server->env;

  server->sources.is_sweeping =
    env->timer && env->timer (env->opaque, SWEEP_MS, sweep, server) != 0;
}

/* Locked. */
static struct source *
find_ended (struct sources *sources, int64_t now)
{
  list_for_each (item, &sources->banned) {
    struct source *source = list_item (item, struct source, link);

    if (source->banned_until <= now)
      return source;
  }
  return NULL;
}

/* The next ban that is over: what to say of it.  Returns false when there is
 * none.
 */
static bool
end_one (struct server *server, char *name, unsigned *turned_away)
{
  struct sources *sources = &server->sources;
  struct source *source;

  LOCK_FOR_SCOPE (&sources->lock);
  source = find_ended (sources, now_ns ());
  if (source == NULL)
    return false;
  source_name (&source->key, name, SOURCE_NAME_MAX);
  *turned_away = source->turned_away;
  list_remove (&source->link);
  source->is_banned = false;
  sources->banned_count--;
  source_settle (server, source);
  return true;
}

/* Main thread. */
static void
sweep (void *opaque)
{
  struct server *server = opaque;
  char name[SOURCE_NAME_MAX];
  unsigned turned_away;

  while (end_one (server, name, &turned_away))
    log_write (&server->log, VIRGATE_LOG_NOTICE, "daemon", "%s: its ban is "
               "over; it was turned away %u times", name, turned_away);
  LOCK_FOR_SCOPE (&server->sources.lock);
  server->sources.is_sweeping = false;
  if (!list_is_empty (&server->sources.banned))
    sweep_later (server);
}

/* root owns the machine: what keeps it out keeps out whoever mends it. */
static bool
may_be_banned (const struct source *source, const struct limits *limits)
{
  return limits->ban_failures > 0 && source->key.kind != SOURCE_UNKNOWN
         && (source->key.kind != SOURCE_USER || source->key.low != 0);
}

/* Returns for how long, in ns.  Locked. */
static int64_t
ban (struct server *server, struct source *source,
     const struct limits *limits, int64_t now)
{
  struct sources *sources = &server->sources;
  int64_t span;

  if (now - source->banned_until >= limits->ban_max_ns)
    source->bans = 0;
  span = doubled (limits->ban_ns, source->bans++, limits->ban_max_ns);
  source->banned_until = now + span;
  source->failures = 0;
  if (source->is_banned)
    return span;
  source->turned_away = 0;
  source->is_banned = true;
  list_append (&sources->banned, &source->link);
  sources->banned_count++;
  if (!sources->is_sweeping)
    sweep_later (server);
  return span;
}

/* Count it.  Returns the length of the ban that it brings, or 0. */
static int64_t
count_failure (struct session *session, int64_t *delay_ns)
{
  const struct limits *limits = &session->loop->limits;
  struct server *server = session->loop->server;
  struct source *source = session->source;
  int64_t now = now_ns ();

  LOCK_FOR_SCOPE (&server->sources.lock);
  if (now - source->failed_at >= limits->ban_window_ns)
    source->failures = 0;
  source->failed_at = now;
  *delay_ns = doubled (limits->auth_delay_ns, source->failures++,
                       limits->auth_delay_max_ns);
  if (source->failures < limits->ban_failures
      || !may_be_banned (source, limits))
    return 0;
  return ban (server, source, limits, now);
}

int64_t
source_failed (struct session *session)
{
  const struct limits *limits = &session->loop->limits;
  char name[SOURCE_NAME_MAX];
  int64_t delay_ns, banned_ns = count_failure (session, &delay_ns);

  if (banned_ns == 0)
    return delay_ns;
  source_name (&session->source->key, name, sizeof name);
  log_write (&session->loop->server->log, VIRGATE_LOG_NOTICE,
             session->listener->title, "%s: banned for %u s: it failed to "
             "authenticate %u times", name,
             (unsigned) (banned_ns / NS_PER_S),
             (unsigned) limits->ban_failures);
  return delay_ns;
}

static bool
source_is_banned (const struct session *session)
{
  int64_t until = atomic_load_explicit (&session->source->banned_until,
                                        memory_order_relaxed);

  return until != 0 && until > session->loop->now;
}

bool
source_turn_away (struct session *session)
{
  if (!source_is_banned (session))
    return false;
  LOCK_FOR_SCOPE (&session->loop->server->sources.lock);
  session->source->turned_away++;
  return true;
}

/* *unlogged: how many were not since the last that was. */
static bool
may_log (struct session *session, struct line_budget *budget,
         unsigned *unlogged)
{
  int64_t now = now_ns (), gone;

  LOCK_FOR_SCOPE (&session->listener->server->sources.lock);
  gone = MIN_OF ((now - budget->at) / LINE_NS, (int64_t) budget->lines);
  budget->lines -= gone;
  budget->at = budget->lines == 0 ? now : budget->at + gone * LINE_NS;
  if (budget->lines >= LINES_AT_ONCE) {
    budget->unlogged++;
    return false;
  }
  budget->lines++;
  *unlogged = budget->unlogged;
  budget->unlogged = 0;
  return true;
}

void
source_log_refusal (struct session *session, const char *why)
{
  unsigned unlogged;

  session->reference = 0;
  if (!may_log (session, &session->source->refused, &unlogged))
    return;
  if (unlogged > 0)
    session_log (session, VIRGATE_LOG_NOTICE, "%u earlier refusals of its "
                 "address are not in the log", unlogged);
  while (session->reference == 0)
    if (getrandom (&session->reference, sizeof session->reference, 0) == -1)
      session->reference = 1;
  session_log (session, VIRGATE_LOG_NOTICE, "refused, reference %08x: %s",
               session->reference, why);
}

bool
source_may_log_denial (struct session *session)
{
  unsigned unlogged;

  if (!may_log (session, &session->source->denied, &unlogged))
    return false;
  if (unlogged > 0)
    session_log (session, VIRGATE_LOG_NOTICE, "%u earlier refusals of calls "
                 "of its address are not in the log", unlogged);
  return true;
}
