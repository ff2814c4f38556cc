/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Bytes through a transport, both ways at once: what is sent and received is
 * a row of numbers, so that nothing can be lost, doubled or out of order
 * unseen.  Pieces have random lengths, and now and then either side stalls.
 *
 *   ssh-bytes URI MIB SEED
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/mem.h"
#include "core/dial.h"

#define PIECE_MAX 200000
#define STALLS 3000             /* one in so many turns */

static struct virgate_peer peer;
static unsigned seed;

static unsigned
chance (unsigned of)
{
  return rand_r (&seed) % of;
}

static void
stall (void)
{
  struct timespec wait = { 0, chance (20) * NS_PER_MS };

  if (chance (STALLS) == 0)
    nanosleep (&wait, NULL);
}

/* The byte at some place of the row: a number of eight bytes after another. */
static void
fill (unsigned char *out, uint64_t at, size_t len)
{
  for (size_t i = 0; i < len; i++, at++)
    out[i] = at / 8 >> 8 * (at % 8);
}

static int
check (const unsigned char *in, uint64_t at, size_t len)
{
  static unsigned char want[PIECE_MAX];

  fill (want, at, len);
  if (memcmp (in, want, len) == 0)
    return 0;
  printf ("wrong bytes after %llu\n", (unsigned long long) at);
  return -1;
}

static int
move (const struct dialed *d, uint64_t total)
{
  static unsigned char data[PIECE_MAX];
  uint64_t sent = 0, got = 0;

  while (sent < total || got < total) {
    struct pollfd p = { d->ops->pollfd (d->conn), POLLIN, 0 };
    struct iovec iov = { data, 1 + chance (PIECE_MAX) };
    ssize_t n = d->ops->readv (d->conn, &iov, 1, NULL);

    if (n > 0 && check (data, got, n) == -1)
      return -1;
    if (n == 0 || n == VIRGATE_IO_ERROR)
      return printf ("ended after %llu: %s\n", (unsigned long long) got,
                     strerror (errno)), -1;
    got += MAX_OF (n, (ssize_t) 0);
    stall ();
    if (sent < total) {
      iov.iov_len = MIN_OF ((uint64_t) 1 + chance (PIECE_MAX), total - sent);
      fill (data, sent, iov.iov_len);
      n = d->ops->writev (d->conn, &iov, 1, NULL);
      if (n == VIRGATE_IO_ERROR)
        return printf ("cannot send: %s\n", strerror (errno)), -1;
      sent += MAX_OF (n, (ssize_t) 0);
      p.events |= POLLOUT;
    }
    if (n < 0)
      poll (&p, 1, 1000);
  }
  return 0;
}

int
main (int argc, char *argv[])
{
  struct host_env env = { .role = VIRGATE_ROLE_CLIENT, .program = "test" };
  struct virgate_error err = { 0 };
  const struct module *module;
  struct instance *instance = NULL;
  struct dialed d;
  struct uri uri;
  int result = -1;

  if (argc != 4 || uri_parse (&uri, argv[1], &err) == -1)
    return 2;
  seed = atoi (argv[3]);
  env.modules = modules_new (NULL, 0, NULL);
  module = transport_for_scheme (env.modules, uri.v.transport, &err);
  if (module)
    instance = dial_open (module, &env, NULL, &uri, &err);
  if (instance && dial (instance, &uri, argv[1], now_ns () + 60 * NS_PER_S,
                        &peer, &d, &err) == 0) {
    result = move (&d, (uint64_t) atoi (argv[2]) << 20);
    d.ops->close (d.conn);
  }
  if (err.message)
    printf ("%s\n", err.message);
  error_clear (&err);
  peer_free (&peer);
  instance_close (instance);
  modules_free (env.modules);
  uri_free (&uri);
  return result == -1;
}
