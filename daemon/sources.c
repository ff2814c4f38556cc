/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The table of sources; see sources.h.  A source is in it while it has
 * connections; afterwards only if it has failed, and then the longest
 * forgotten give way, banned ones last.
 */
#include "config.h"

#include <arpa/inet.h>
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "daemon/listeners.h"
#include "daemon/server.h"
#include "daemon/session.h"
#include "daemon/sources.h"

/* Banned sources that are looked at to find one without connections. */
#define LOOK_AT 16

int
sources_init (struct sources *sources)
{
  memset (sources, 0, sizeof *sources);
  pthread_mutex_init (&sources->lock, NULL);
  list_init (&sources->remembered);
  list_init (&sources->banned);
  crowd_init (&sources->strangers[0]);
  crowd_init (&sources->strangers[1]);
  if (getrandom (sources->seed, sizeof sources->seed, 0) == -1)
    sources->seed[0] = now_ns ();
  sources->buckets = calloc (SOURCES_BUCKETS, sizeof sources->buckets[0]);
  return sources->buckets ? 0 : -1;
}

void
sources_free (struct sources *sources)
{
  for (size_t i = 0; sources->buckets && i < SOURCES_BUCKETS; i++)
    while (sources->buckets[i]) {
      struct source *next = sources->buckets[i]->next;

      free (sources->buckets[i]);
      sources->buckets[i] = next;
    }
  free (sources->buckets);
  sources->buckets = NULL;
}

/* Nobody outside knows the seed, so nobody can aim at one bucket. */
static uint64_t
mix (uint64_t a, uint64_t b)
{
  __extension__ unsigned __int128 product = a;

  product *= b | 1;
  return (uint64_t) product ^ (uint64_t) (product >> 64);
}

static struct source **
bucket_of (const struct sources *sources, const struct source_key *key)
{
  uint64_t hash = mix (key->high ^ sources->seed[0],
                       key->kind ^ sources->seed[1]);

  hash = mix (key->low ^ hash, sources->seed[0] ^ sources->seed[1]);
  return &sources->buckets[(hash ^ hash >> 32) % SOURCES_BUCKETS];
}

static bool
is_same (const struct source_key *a, const struct source_key *b)
{
  return a->kind == b->kind && a->high == b->high && a->low == b->low
         && a->prefix == b->prefix;
}

static uint64_t
bits (const uint8_t *bytes, unsigned count)
{
  uint64_t value = 0;

  for (unsigned i = 0; i < count; i++)
    value = value << 8 | bytes[i];
  return value;
}

static uint64_t
mask (unsigned prefix)
{
  return prefix == 0 ? 0 : prefix >= 64 ? UINT64_MAX
                                        : ~(UINT64_MAX >> prefix);
}

/* Nobody chooses a source by a claim. */
static void
key_of (const struct session *session, const struct limits *limits,
        struct source_key *key)
{
  struct virgate_fact fact;

  *key = (struct source_key) { .kind = SOURCE_UNKNOWN };
  if (peer_get (&session->peer, VIRGATE_FACT_REMOTE, 0, &fact)
      && fact.vouch != VIRGATE_VOUCH_CLAIM) {
    bool is_ipv4 = fact.addr_len == 4;

    key->kind = is_ipv4 ? SOURCE_IPV4 : SOURCE_IPV6;
    key->prefix = is_ipv4 ? 32 : limits->ipv6_prefix;
    if (is_ipv4) {
      key->low = bits (fact.addr, 4);
      return;
    }
    key->high = bits (fact.addr, 8) & mask (key->prefix);
    key->low = bits (fact.addr + 8, 8)
               & mask (key->prefix > 64 ? key->prefix - 64 : 0);
  }
  else if (peer_get (&session->peer, VIRGATE_FACT_UID, 0, &fact)) {
    key->kind = SOURCE_USER;
    key->low = fact.num;
  }
}

void
source_name (const struct source_key *key, char *name, size_t size)
{
  uint64_t halves[2] = { htobe64 (key->high), htobe64 (key->low) };
  uint32_t ipv4 = htonl (key->low);
  char text[INET6_ADDRSTRLEN];

  switch (key->kind) {
  case SOURCE_IPV4:
    inet_ntop (AF_INET, &ipv4, name, size);
    break;
  case SOURCE_IPV6:
    inet_ntop (AF_INET6, halves, text, sizeof text);
    snprintf (name, size, key->prefix < 128 ? "%s/%u" : "%s", text,
              key->prefix);
    break;
  case SOURCE_USER:
    snprintf (name, size, "uid %" PRIu64, key->low);
    break;
  default:
    snprintf (name, size, "an unknown peer");
  }
}

/* Locked. */
static void
drop (struct sources *sources, struct source *source)
{
  struct source **at = bucket_of (sources, &source->key);

  while (*at != source)
    at = &(*at)->next;
  *at = source->next;
  list_remove (&source->link);
  free (source);
}

static void
forget (struct sources *sources, struct source *source)
{
  if (source->is_banned)
    sources->banned_count--;
  else
    sources->remembered_count--;
  drop (sources, source);
}

/* One whose failures are too long ago, or, when there are too many, the one
 * that has waited longest; banned ones last.  Locked.
 */
static void
forget_one (struct server *server, int64_t now)
{
  struct sources *sources = &server->sources;
  bool is_full = sources->remembered_count + sources->banned_count
                 > SOURCES_MAX;
  int looks = LOOK_AT;

  if (!list_is_empty (&sources->remembered)) {
    struct source *first =
      list_item (sources->remembered.next, struct source, link);

    if (is_full || !source_is_remembered (server, first, now))
      forget (sources, first);
    return;
  }
  if (!is_full)
    return;
  list_for_each (item, &sources->banned) {
    struct source *source = list_item (item, struct source, link);

    if (looks-- == 0)
      return;
    if (source->clients == 0) {
      forget (sources, source);
      return;
    }
  }
}

void
source_settle (struct server *server, struct source *source)
{
  struct sources *sources = &server->sources;
  int64_t now = now_ns ();

  if (source->clients > 0 || source->is_banned)
    return;
  if (!source_is_remembered (server, source, now)) {
    drop (sources, source);
    return;
  }
  list_append (&sources->remembered, &source->link);
  sources->remembered_count++;
  forget_one (server, now);
}

/* Locked. */
static struct source *
find (struct sources *sources, const struct source_key *key)
{
  struct source **bucket = bucket_of (sources, key), *source = *bucket;

  while (source && !is_same (&source->key, key))
    source = source->next;
  if (source)
    return source;
  source = calloc (1, sizeof *source);
  if (source == NULL)
    return NULL;
  source->key = *key;
  list_init (&source->link);
  crowd_init (&source->strangers);
  crowd_init (&source->shaking);
  job_line_init (&source->shakes);
  job_line_init (&source->checks);
  source->next = *bucket;
  *bucket = source;
  return source;
}

/* It has one more connection.  Returns false when it is banned.  Locked. */
static bool
add_client (struct sources *sources, struct source *source)
{
  if (source->clients++ == 0 && !source->is_banned
      && !list_is_empty (&source->link)) {
    list_remove (&source->link);
    sources->remembered_count--;
  }
  if (atomic_load (&source->banned_until) <= now_ns ())
    return true;
  source->turned_away++;
  return false;
}

bool
source_enter (struct session *session)
{
  struct server *server = session->listener->server;
  struct sources *sources = &server->sources;
  struct source_key key;
  struct source *source;

  key_of (session, &server->limits, &key);
  LOCK_FOR_SCOPE (&sources->lock);
  source = find (sources, &key);
  if (source == NULL)
    return false;
  session->source = source;
  return add_client (sources, source);
}

bool
source_move (struct session *session, const char **reached)
{
  struct server *server = session->listener->server;
  struct source *from = session->source, *to;
  struct source_key key;
  bool is_welcome;

  *reached = NULL;
  key_of (session, &session->loop->limits, &key);
  if (is_same (&key, &from->key))
    return true;
  LOCK_FOR_SCOPE (&server->sources.lock);
  to = find (&server->sources, &key);
  if (to == NULL) {
    *reached = "memory";
    return false;
  }
  is_welcome = add_client (&server->sources, to);
  stranger_move (session, to, reached);
  from->clients--;
  source_settle (server, from);
  return is_welcome && *reached == NULL;
}

void
source_leave (struct session *session)
{
  struct source *source = steal_pointer (&session->source);
  struct server *server = session->listener->server;

  if (source == NULL)
    return;
  LOCK_FOR_SCOPE (&server->sources.lock);
  source->clients--;
  session->listener->clients -= session->is_listed;
  source_settle (server, source);
}
