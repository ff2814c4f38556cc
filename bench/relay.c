/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * relay: the cheapest gateway.  One thread, epoll; what one side sends is
 * sent to the other, unread.  It shows what the kernel alone costs between a
 * client and libvirtd, and is safe for nothing else.
 *
 *   relay --unix=PATH --behind=PATH
 *
 * It ends by a signal.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bench/stats.h"

#define READ_SIZE (128 * 1024)
#define BACKLOG 4096
#define EPOLL_BATCH 256

/* One end; its other is in the same memory. */
struct end {
  int fd;
  bool is_gone;
  struct end *other;            /* NULL: it listens */
};

struct pair {
  struct end ends[2];
  struct pair *next;            /* of those that are over */
};

struct relay {
  int epoll;
  struct sockaddr_un behind;
  struct pair *over;            /* freed after the turn */
  char data[READ_SIZE];
};

static struct sockaddr_un
address_of (const char *path)
{
  struct sockaddr_un addr = { .sun_family = AF_UNIX };

  errno = 0;
  if (strlen (path) >= sizeof addr.sun_path)
    die ("%s: the path is too long for a socket", path);
  strcpy (addr.sun_path, path);
  return addr;
}

static int
socket_new (void)
{
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (fd == -1)
    die ("socket");
  return fd;
}

static void
watch (struct relay *relay, struct end *end)
{
  struct epoll_event event = { .events = EPOLLIN, .data.ptr = end };

  if (epoll_ctl (relay->epoll, EPOLL_CTL_ADD, end->fd, &event) == -1)
    die ("epoll_ctl");
}

static void
pair_new (struct relay *relay, struct end *listener)
{
  struct pair *pair = calloc (1, sizeof *pair);

  if (pair == NULL)
    die ("calloc");
  for (int i = 0; i < 2; i++)
    pair->ends[i].other = &pair->ends[!i];
  pair->ends[0].fd = accept4 (listener->fd, NULL, NULL, SOCK_CLOEXEC);
  pair->ends[1].fd = socket_new ();
  if (pair->ends[0].fd == -1
      || connect (pair->ends[1].fd, (struct sockaddr *) &relay->behind,
                  sizeof relay->behind) == -1)
    die ("connect");
  for (int i = 0; i < 2; i++)
    watch (relay, &pair->ends[i]);
}

static void
pair_end (struct relay *relay, struct end *end)
{
  struct end *first = end < end->other ? end : end->other;
  struct pair *pair = container_of (first, struct pair, ends[0]);

  for (int i = 0; i < 2; i++) {
    close (pair->ends[i].fd);
    pair->ends[i].is_gone = true;
  }
  pair->next = relay->over;
  relay->over = pair;
}

/* All of it, however long the other side takes. */
static bool
send_all (int fd, const char *data, size_t len)
{
  while (len > 0) {
    ssize_t n = send (fd, data, len, MSG_NOSIGNAL);

    if (n == -1)
      return false;
    data += n;
    len -= n;
  }
  return true;
}

static void
pass (struct relay *relay, struct end *end)
{
  ssize_t n = recv (end->fd, relay->data, READ_SIZE, MSG_DONTWAIT);

  if (n == -1 && errno == EAGAIN)
    return;
  if (n <= 0 || !send_all (end->other->fd, relay->data, n))
    pair_end (relay, end);
}

static void
bury (struct relay *relay)
{
  while (relay->over) {
    struct pair *next = relay->over->next;

    free (relay->over);
    relay->over = next;
  }
}

static void
serve (struct relay *relay)
{
  struct epoll_event events[EPOLL_BATCH];

  for (;;) {
    int n = epoll_wait (relay->epoll, events, EPOLL_BATCH, -1);

    if (n == -1 && errno != EINTR)
      die ("epoll_wait");
    for (int i = 0; i < n; i++) {
      struct end *end = events[i].data.ptr;

      if (end->other == NULL)
        pair_new (relay, end);
      else if (!end->is_gone)
        pass (relay, end);
    }
    bury (relay);
  }
}

static void
listen_at (struct relay *relay, const char *path)
{
  const struct sockaddr_un addr = address_of (path);
  struct end *end = calloc (1, sizeof *end);

  if (end == NULL)
    die ("calloc");
  end->fd = socket_new ();
  if (bind (end->fd, (struct sockaddr *) &addr, sizeof addr) == -1
      || listen (end->fd, BACKLOG) == -1)
    die ("bind");
  watch (relay, end);
}

static const struct option long_options[] = {
  { "unix", required_argument, NULL, 'u' },
  { "behind", required_argument, NULL, 'b' },
  { NULL }
};

int
main (int argc, char *argv[])
{
  struct relay *relay = calloc (1, sizeof *relay);
  const char *path = NULL, *behind = NULL;
  int opt;

  if (relay == NULL)
    die ("calloc");
  while ((opt = getopt_long (argc, argv, "", long_options, NULL)) != -1) {
    switch (opt) {
    case 'u': path = optarg; break;
    case 'b': behind = optarg; break;
    default: exit (2);
    }
  }
  errno = 0;
  if (path == NULL || behind == NULL)
    die ("--unix and --behind are needed");
  relay->behind = address_of (behind);
  relay->epoll = epoll_create1 (EPOLL_CLOEXEC);
  listen_at (relay, path);
  serve (relay);
}
