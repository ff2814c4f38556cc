/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A daemon that does not answer must not tie up the workers that would open
 * connections to others: while it fails, one client at a time finds out
 * whether it still does, and the others are told at once.  How long nobody
 * tries depends on what an attempt costs: a socket without a daemon costs
 * nothing, a host that swallows packets costs a worker for seconds.
 */
#include "config.h"

#include <stdio.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "upstream.h"

#define PAUSE_MAX (5 * NS_PER_S)

void
health_init (struct health *health)
{
  pthread_mutex_init (&health->lock, NULL);
}

void
health_free (struct health *health)
{
  pthread_mutex_destroy (&health->lock);
}

/* Locked. */
static void
publish (const struct upstream *upstream)
{
  const struct virgate_host *host = upstream->host;

  if (!VIRGATE_HOST_HAS (host, gauge))
    return;
  host->gauge (host, "upstream_up", "Whether the daemon behind answered "
               "last.", !upstream->health.is_failing);
  host->gauge (host, "upstream_connections", "Connections to the daemon "
               "behind.", upstream->health.connections);
}

static int
say_failing (const struct health *health, int64_t now, char *why, size_t size)
{
  snprintf (why, size, "%s (for %lld seconds)", health->why,
            (long long) ((now - health->since) / NS_PER_S));
  return -1;
}

int
health_begin (struct upstream *upstream, char *why, size_t size)
{
  struct health *health = &upstream->health;
  int64_t now = now_ns ();

  LOCK_FOR_SCOPE (&health->lock);
  if (health->is_failing && (health->is_probing || now < health->retry_at))
    return say_failing (health, now, why, size);
  if (upstream->max_connections > 0
      && health->connections >= upstream->max_connections) {
    snprintf (why, size, "too many connections to the hypervisor's daemon: "
              "max-connections = %u", upstream->max_connections);
    return -1;
  }
  health->is_probing = health->is_failing;
  health->connections++;
  return 0;
}

/* Locked. */
static void
note_failure (struct upstream *upstream, const char *error, int64_t began)
{
  struct health *health = &upstream->health;
  int64_t now = now_ns ();

  health->connections--;
  snprintf (health->why, sizeof health->why, "%s", error);
  health->retry_at = now + MIN_OF (2 * (now - began), PAUSE_MAX);
  if (health->is_failing)
    return;
  health->is_failing = true;
  health->since = now;
  upstream->host->log (upstream->host, VIRGATE_LOG_WARNING, "%s: %s",
                       upstream->uri, error);
}

static void
note_success (struct upstream *upstream)
{
  struct health *health = &upstream->health;

  if (health->is_failing)
    upstream->host->log (upstream->host, VIRGATE_LOG_NOTICE, "%s: answers "
                         "again, after %lld seconds", upstream->uri,
                         (long long) ((now_ns () - health->since)
                                      / NS_PER_S));
  health->is_failing = false;
}

void
health_end (struct upstream *upstream, const char *error, int64_t began)
{
  LOCK_FOR_SCOPE (&upstream->health.lock);
  upstream->health.is_probing = false;
  if (error)
    note_failure (upstream, error, began);
  else
    note_success (upstream);
  publish (upstream);
}

void
health_lost (struct upstream *upstream, const char *why)
{
  struct health *health = &upstream->health;
  int64_t now = now_ns ();

  LOCK_FOR_SCOPE (&health->lock);
  if (health->lost_at > 0 && now - health->lost_at < NS_PER_S)
    return;
  health->lost_at = now;
  upstream->host->log (upstream->host, VIRGATE_LOG_NOTICE, "%s: %s",
                       upstream->uri, why);
}

void
health_leave (struct upstream *upstream)
{
  LOCK_FOR_SCOPE (&upstream->health.lock);
  upstream->health.connections--;
  publish (upstream);
}
