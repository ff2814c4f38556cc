/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The tcp transport's server half: a socket for every address that the names
 * in the config resolve to.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "tcp.h"

/* How often to look for a free port that all addresses can have. */
#define PORT_TRIES 16

/* The sockets being opened. */
struct opening {
  struct tcp_inst *tcp;
  struct virgate_listening *out;
  uint32_t max, count;
  uint32_t port;                /* 0: the first socket picks it */
};

static int
fail (const struct opening *o, const char *what, const char *where)
{
  return o->tcp->host->error (o->tcp->host, "%s %s: %s", what, where,
                              strerror (errno));
}

static uint32_t
port_of (const union tcp_address *address)
{
  return ntohs (address->any.sa_family == AF_INET6 ? address->in6.sin6_port
                                                   : address->in.sin_port);
}

static void
set_port_of (union tcp_address *address, uint32_t port)
{
  if (address->any.sa_family == AF_INET6)
    address->in6.sin6_port = htons (port);
  else
    address->in.sin_port = htons (port);
}

/* Families stay apart, so that both wildcards can be bound. */
static int
set_listen_options (int fd, int family)
{
  const int on = 1;

  if (setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1
      || tcp_set_options (fd) == -1)
    return -1;
  return family == AF_INET6 ? setsockopt (fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
                                          sizeof on) : 0;
}

/* Returns a socket, or -1 with errno. */
static int
bind_one (const struct opening *o, union tcp_address *address, socklen_t len)
{
  CLEANUP_CLOSE int fd = socket (address->any.sa_family,
                                 SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                                 0);

  if (fd == -1 || set_listen_options (fd, address->any.sa_family) == -1
      || bind (fd, &address->any, len) == -1
      || listen (fd, o->tcp->backlog) == -1
      || getsockname (fd, &address->any, &len) == -1)
    return -1;
  return steal_fd (&fd);
}

static bool
is_there (const struct opening *o, const char *where)
{
  for (uint32_t i = 0; i < o->count; i++)
    if (strcmp (o->out[i].where, where) == 0)
      return true;
  return false;
}

/* 1: open, or open already; 0: this machine has no such address; -1 with
 * errno EADDRINUSE when another port should be tried, after host->error.
 */
static int
open_address (struct opening *o, const struct addrinfo *ai)
{
  struct virgate_listening *out = &o->out[o->count];
  union tcp_address address = { 0 };
  char where[sizeof out->where];

  memcpy (&address, ai->ai_addr, MIN_OF (sizeof address,
                                         (size_t) ai->ai_addrlen));
  set_port_of (&address, o->port);
  tcp_describe (&address.any, ai->ai_addrlen, where, sizeof where);
  if (o->port != 0 && is_there (o, where))
    return 1;
  if (o->count == o->max) {
    o->tcp->host->error (o->tcp->host, "more than %u sockets", o->max);
    errno = EMFILE;
    return -1;
  }
  out->fd = bind_one (o, &address, ai->ai_addrlen);
  if (out->fd == -1) {
    int saved_errno = errno;

    fail (o, "bind", where);
    errno = saved_errno;
    return errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT ? 0 : -1;
  }
  o->port = port_of (&address);
  tcp_describe (&address.any, ai->ai_addrlen, out->where, sizeof out->where);
  o->count++;
  return 1;
}

/* All addresses of a name.  A name may have addresses of a family that this
 * machine does not use; it must have one that it does.
 */
static int
open_name (struct opening *o, const char *name, int family)
{
  const struct addrinfo hints = { .ai_flags = AI_PASSIVE,
                                  .ai_family = family,
                                  .ai_socktype = SOCK_STREAM };
  struct addrinfo *list = NULL;
  int result = 0, opened = 0, error;

  error = getaddrinfo (name, "0", &hints, &list);
  if (error != 0) {
    o->tcp->host->error (o->tcp->host, "address '%s': %s", name ? name : "*",
                         error == EAI_SYSTEM ? strerror (errno)
                                             : gai_strerror (error));
    errno = EINVAL;
    return -1;
  }
  for (struct addrinfo *ai = list; ai && result != -1; ai = ai->ai_next) {
    result = open_address (o, ai);
    opened += result == 1;
  }
  error = errno;
  freeaddrinfo (list);
  errno = error;
  return result == -1 || opened == 0 ? -1 : 0;
}

/* "*" is both wildcards, or the one that there is. */
static int
open_wildcards (struct opening *o)
{
  uint32_t before = o->count;

  if (open_name (o, NULL, AF_INET6) == -1 && errno != EADDRNOTAVAIL
      && errno != EAFNOSUPPORT)
    return -1;
  if (open_name (o, NULL, AF_INET) == 0)
    return 0;
  return (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT)
         && o->count > before ? 0 : -1;
}

static void
close_all (struct opening *o)
{
  int saved_errno = errno;

  while (o->count > 0)
    close (o->out[--o->count].fd);
  errno = saved_errno;
}

static int
open_all (struct opening *o)
{
  static const char *const fallback[] = { "localhost" };
  const struct tcp_inst *tcp = o->tcp;
  const char *const *names = tcp->address_count
                             ? (const char *const *) tcp->addresses
                             : fallback;
  uint32_t count = MAX_OF (tcp->address_count, 1u);

  o->port = tcp->port;
  for (uint32_t i = 0; i < count; i++)
    if ((strcmp (names[i], "*") == 0 ? open_wildcards (o)
         : open_name (o, names[i], AF_UNSPEC)) == -1) {
      close_all (o);
      return -1;
    }
  return 0;
}

/* Sockets of the service manager ------------------------------------------ */

static int
int_option (int fd, int option)
{
  int value = -1;
  socklen_t len = sizeof value;

  return getsockopt (fd, SOL_SOCKET, option, &value, &len) == -1 ? -1 : value;
}

static int
adopt (const struct opening *o, int fd, struct virgate_listening *out)
{
  int domain = int_option (fd, SO_DOMAIN);
  union tcp_address address = { 0 };
  socklen_t len = sizeof address;

  if ((domain != AF_INET && domain != AF_INET6)
      || int_option (fd, SO_TYPE) != SOCK_STREAM
      || int_option (fd, SO_ACCEPTCONN) != 1)
    return o->tcp->host->error (o->tcp->host, "descriptor %d, which the "
                                "service manager gave, is no TCP socket that "
                                "listens", fd);
  if (fcntl (fd, F_SETFD, FD_CLOEXEC) == -1
      || fcntl (fd, F_SETFL, fcntl (fd, F_GETFL) | O_NONBLOCK) == -1
      || tcp_set_options (fd) == -1
      || getsockname (fd, &address.any, &len) == -1)
    return fail (o, "adopt", "a socket");
  out->fd = fd;
  tcp_describe (&address.any, len, out->where, sizeof out->where);
  return 0;
}

int
tcp_listen (void *inst, const int *adopted, uint32_t count,
            struct virgate_listening *out, uint32_t max)
{
  struct opening o = { .tcp = inst, .out = out, .max = max };

  if (count > max)
    return o.tcp->host->error (o.tcp->host, "more than %u sockets", max);
  for (uint32_t i = 0; i < count; i++)
    if (adopt (&o, adopted[i], &out[i]) == -1)
      return -1;
  if (count > 0)
    return count;
  for (int tries = 0; tries < PORT_TRIES; tries++) {
    if (open_all (&o) == 0)
      return o.count;
    if (o.tcp->port != 0 || errno != EADDRINUSE)
      break;
  }
  return -1;
}

int
tcp_accept (void *inst, int listen_fd, void **conn)
{
  int fd;

  do
    fd = accept4 (listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  while (fd == -1 && (errno == EINTR || errno == ECONNABORTED));
  if (fd == -1)
    return errno == EAGAIN || errno == EWOULDBLOCK ? VIRGATE_IO_WANT_READ
                                                   : VIRGATE_IO_ERROR;
  *conn = tcp_conn_new (inst, fd);
  return *conn ? 0 : VIRGATE_IO_ERROR;
}
