/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * tls-floor: the cheapest server over TLS that answers the same bytes: a
 * thread for each connection, a blocking socket, and one record for all the
 * replies to what one record brought.
 *
 *   tls-floor --port=PORT --pki=DIR
 */
#include "config.h"

#include <getopt.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/tls.h"
#include "bench/wire.h"

/* Arguments of a reply, and replies to one record. */
#define REPLY_MAX 64
#define BATCH_MAX (16 * 1024)

static gnutls_certificate_credentials_t cred;

static size_t
answer (const char *call, char *reply)
{
  uint32_t proc = wire_get (call, WIRE_PROC);
  struct msg msg = { reply, 0 };

  msg_start (&msg, proc, 1);
  wire_put (reply, WIRE_SERIAL, wire_get (call, WIRE_SERIAL));
  if (proc == PROC_AUTH_LIST) {
    msg_word (&msg, 1);
    msg_word (&msg, 0);
  }
  else if (proc == PROC_GET_INFO)
    for (int i = 0; i < 8; i++)
      msg_word (&msg, i);       /* state, memory, CPUs, time */
  msg_finish (&msg);
  return msg.len;
}

/* Answer the whole calls in a buffer; returns how much of it they were. */
static size_t
answer_all (gnutls_session_t session, const char *calls, size_t have)
{
  static __thread char replies[BATCH_MAX];
  size_t at = 0, len, out = 0;

  while (have - at >= WIRE_HEAD && (len = wire_get (calls, at)) <= have - at) {
    if (out + WIRE_HEAD + REPLY_MAX > sizeof replies) {
      gnutls_record_send (session, replies, out);
      out = 0;
    }
    out += answer (calls + at, replies + out);
    at += len;
  }
  if (out > 0)
    gnutls_record_send (session, replies, out);
  return at;
}

static void *
serve (void *opaque)
{
  int fd = (int) (intptr_t) opaque;
  gnutls_session_t session = tls_session (fd, cred, GNUTLS_SERVER);
  static __thread char buffer[65536];
  size_t have = 0;
  ssize_t n;

  if (session && gnutls_record_send (session, "\1", 1) == 1) {
    while ((n = gnutls_record_recv (session, buffer + have,
                                    sizeof buffer - have)) > 0) {
      size_t used = answer_all (session, buffer, have + n);

      have += n - used;
      memmove (buffer, buffer + used, have);
    }
    gnutls_bye (session, GNUTLS_SHUT_WR);
  }
  if (session)
    gnutls_deinit (session);
  close (fd);
  return NULL;
}

static int
listen_on (unsigned port)
{
  const struct sockaddr_in at = {
    .sin_family = AF_INET, .sin_port = htons (port),
    .sin_addr.s_addr = htonl (INADDR_LOOPBACK),
  };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

  setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (fd == -1 || bind (fd, (const struct sockaddr *) &at, sizeof at) == -1
      || listen (fd, 1024) == -1)
    die ("port %u", port);
  return fd;
}

int
main (int argc, char *argv[])
{
  static const struct option options[] = {
    { "port", required_argument, NULL, 'p' },
    { "pki", required_argument, NULL, 'k' },
    { NULL }
  };
  const char *folder = ".";
  unsigned port = 0;
  int opt, fd, one = 1;

  while ((opt = getopt_long (argc, argv, "", options, NULL)) != -1) {
    if (opt == 'p')
      port = atoi (optarg);
    else if (opt == 'k')
      folder = optarg;
    else
      return 2;
  }
  cred = tls_credentials (folder, "server");
  fd = listen_on (port);
  for (;;) {
    int conn = accept4 (fd, NULL, NULL, SOCK_CLOEXEC);
    pthread_t thread;

    if (conn == -1)
      continue;
    setsockopt (conn, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (pthread_create (&thread, NULL, serve, (void *) (intptr_t) conn) != 0)
      close (conn);
    else
      pthread_detach (thread);
  }
}
