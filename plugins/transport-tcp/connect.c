/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The tcp transport's client half.  A name with several addresses is tried as
 * RFC 8305 says: families in turn, the next address after a quarter of a
 * second without an answer, and the first that answers wins.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "tcp.h"

/* RFC 8305, section 5: Connection Attempt Delay. */
#define STAGGER_NS (250 * NS_PER_MS)

struct race {
  const struct addrinfo *entries[TCP_ADDRESSES_MAX];
  struct pollfd fds[TCP_ADDRESSES_MAX];
  uint32_t count;               /* addresses */
  uint32_t started;             /* attempts begun: fds in use */
  uint32_t running;
  int64_t deadline;
  int64_t next_start;           /* when the next attempt is due */
  int error;                    /* of the last attempt that failed */
};

/* The next entry of a family after AI, or of the other ones. */
static const struct addrinfo *
next_of (const struct addrinfo *ai, int family, bool same)
{
  while (ai && (ai->ai_family == family) != same)
    ai = ai->ai_next;
  return ai;
}

/* Families in turn, beginning with the one that the resolver prefers. */
static void
interleave (struct race *race, const struct addrinfo *list)
{
  int family = list->ai_family;
  const struct addrinfo *ours = list;
  const struct addrinfo *others = next_of (list, family, false);

  while ((ours || others) && race->count < TCP_ADDRESSES_MAX) {
    if (ours) {
      race->entries[race->count++] = ours;
      ours = next_of (ours->ai_next, family, true);
    }
    if (others && race->count < TCP_ADDRESSES_MAX) {
      race->entries[race->count++] = others;
      others = next_of (others->ai_next, family, false);
    }
  }
}

static void
lose (struct race *race, uint32_t i, int error)
{
  close (race->fds[i].fd);
  race->fds[i].fd = -1;
  race->running--;
  race->error = error;
}

/* Begin the next attempt. */
static void
start (struct race *race)
{
  uint32_t i = race->started++;
  const struct addrinfo *ai = race->entries[i];
  struct pollfd *attempt = &race->fds[i];

  race->next_start = now_ns () + STAGGER_NS;
  attempt->events = POLLOUT;
  attempt->fd = socket (ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK
                                       | SOCK_CLOEXEC, 0);
  if (attempt->fd == -1) {
    race->error = errno;
    return;
  }
  race->running++;
  if (connect (attempt->fd, ai->ai_addr, ai->ai_addrlen) == -1
      && errno != EINPROGRESS)
    lose (race, i, errno);
}

/* How long to poll: until the next start or the deadline. */
static int
wait_ms (const struct race *race)
{
  int64_t until = race->deadline, left;

  if (race->started < race->count)
    until = MIN_OF (until, race->next_start);
  if (until == INT64_MAX)
    return -1;
  left = MAX_OF (until - now_ns (), (int64_t) 0);
  return MIN_OF ((left + NS_PER_MS - 1) / NS_PER_MS, (int64_t) INT_MAX);
}

/* Look at the attempts; the descriptor of the winner, or -1. */
static int
collect (struct race *race)
{
  for (uint32_t i = 0; i < race->started; i++) {
    struct pollfd *attempt = &race->fds[i];
    socklen_t len = sizeof (int);
    int error = 0;

    if (attempt->fd == -1 || attempt->revents == 0)
      continue;
    if (getsockopt (attempt->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
      error = errno;
    if (error == 0)
      return steal_fd (&attempt->fd);
    lose (race, i, error);
    race->next_start = 0;       /* no use in waiting for the next one */
  }
  return -1;
}

/* Returns the winner's descriptor, or -1 with errno. */
static int
run (struct race *race)
{
  int fd = -1;

  while (fd == -1) {
    if (now_ns () >= race->deadline) {
      errno = ETIMEDOUT;
      return -1;
    }
    if (race->started < race->count
        && (race->running == 0 || now_ns () >= race->next_start)) {
      start (race);
      continue;
    }
    if (race->running == 0) {
      errno = race->error;
      return -1;
    }
    if (poll (race->fds, race->started, wait_ms (race)) > 0)
      fd = collect (race);
  }
  return fd;
}

static int
connect_any (const struct addrinfo *list, int64_t deadline)
{
  struct race race = { .deadline = deadline, .error = EHOSTUNREACH };
  int fd;

  interleave (&race, list);
  fd = run (&race);
  for (uint32_t i = 0; i < race.started; i++)
    cleanup_close (&race.fds[i].fd);
  return fd;
}

int
tcp_connect (void *inst, const struct virgate_uri *uri, int64_t deadline,
             void **conn)
{
  const struct addrinfo hints = { .ai_family = AF_UNSPEC,
                                  .ai_socktype = SOCK_STREAM };
  const struct tcp_inst *tcp = inst;
  const struct virgate_host *host = tcp->host;
  const char *name = uri->host ? uri->host : "localhost";
  CLEANUP_CLOSE int fd = -1;
  struct addrinfo *list = NULL;
  char port[16];
  int error;

  snprintf (port, sizeof port, "%u", uri->port ? uri->port : tcp->port);
  error = getaddrinfo (name, port, &hints, &list);
  if (error != 0)
    return host->error_code (host, VIRGATE_ERR_SYSTEM_ERROR, VIRGATE_FROM_RPC,
                             "unable to resolve address '%s' service '%s': "
                             "%s", name, port, gai_strerror (error));
  fd = connect_any (list, deadline);
  freeaddrinfo (list);
  if (fd == -1 || tcp_set_options (fd) == -1)
    return host->error_code (host, VIRGATE_ERR_SYSTEM_ERROR, VIRGATE_FROM_RPC,
                             "unable to connect to server at '%s:%s': %s",
                             name, port, strerror (errno));
  *conn = tcp_conn_new (inst, steal_fd (&fd));
  if (*conn == NULL)
    return host->error (host, "out of memory");
  return 0;
}
