/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * floor: the cheapest server that answers the same bytes.  One thread, epoll,
 * read-ahead, one write for all that one read brought; the replies are canned,
 * with libvirtd's sizes, and no argument is looked at.  It shows what the
 * kernel and the message sizes alone cost, and is safe for nothing else.
 *
 *   floor --unix=PATH --tcp=PORT [--xml-bytes=N]
 *
 * It prints "ready" when it listens, and ends by a signal.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "bench/stats.h"
#include "bench/wire.h"

#define READ_SIZE (64 * 1024)
#define OUT_SIZE (256 * 1024)   /* canned replies are copied up to this */
#define LARGE 8192              /* a payload from here on is not copied */
#define PIECES 4096
#define PIECES_MAX 1024         /* of one sendmsg: IOV_MAX */
#define XML_BYTES 1064          /* the test domain's, as libvirtd gives it */
#define BACKLOG 4096
#define EPOLL_BATCH 256

/* A reply without its serial, or nothing if the procedure has no reply. */
static struct msg canned[PROC_LAST + 1];

/* What could not be sent at once: the pieces, in memory of their own as far
 * as they are not canned.
 */
struct backlog {
  unsigned next, count;
  char *copied;
  struct iovec pieces[];
};

struct conn {
  int fd;
  bool listens;
  bool closing;                 /* once all is sent */
  struct backlog *backlog;      /* while there is one, nothing is read */
  char *partial;                /* the beginning of a call */
  uint32_t partial_len;
};

/* One turn's work: what was read and what will be written. */
struct turn {
  char in[READ_SIZE];
  char out[OUT_SIZE];
  size_t out_len;
  struct iovec pieces[PIECES];
  unsigned piece_count;
};

struct server {
  int epoll;
  struct turn turn;
};

/* The canned replies */

static void
canned_set (uint32_t proc, const uint32_t *words, size_t count)
{
  struct msg *msg = &canned[proc];

  msg->data = malloc (WIRE_HEAD + 4 * count);
  if (msg->data == NULL)
    die ("malloc");
  msg_start (msg, proc, 1);
  for (size_t i = 0; i < count; i++)
    msg_word (msg, words[i]);
  msg_finish (msg);
}

static void
canned_xml (size_t len)
{
  struct msg *msg = &canned[PROC_GET_XML_DESC];
  char *xml = calloc (1, len + 4);

  msg->data = malloc (WIRE_HEAD + 4 + len + 4);
  if (msg->data == NULL || xml == NULL)
    die ("malloc");
  memset (xml, 'x', len);
  msg_start (msg, PROC_GET_XML_DESC, 1);
  msg_string (msg, xml);
  msg_finish (msg);
  free (xml);
}

/* The test driver's domain: "test", a UUID, id 1. */
#define DOMAIN_WORDS 4, 0x74657374, 0x6695eb01, 0xf6a48304, 0x79aa97f2, \
                     0x502e193f, 1

static void
canned_make (size_t xml_bytes)
{
  static const uint32_t none[] = { 1, 0 }, yes[] = { 1 };
  static const uint32_t domain[] = { DOMAIN_WORDS };
  static const uint32_t domains[] = { 1, DOMAIN_WORDS, 1 };
  static const uint32_t info[] = { 1, 0, 8388608, 0, 2097152, 2, 0x17e, 0x5a };

  canned_set (PROC_AUTH_LIST, none, COUNT_OF (none));
  canned_set (PROC_OPEN, NULL, 0);
  canned_set (PROC_CLOSE, NULL, 0);
  canned_set (PROC_SUPPORTS_FEATURE, yes, COUNT_OF (yes));
  canned_set (PROC_LOOKUP_BY_NAME, domain, COUNT_OF (domain));
  canned_set (PROC_DEFINE_XML, domain, COUNT_OF (domain));
  canned_set (PROC_GET_INFO, info, COUNT_OF (info));
  canned_set (PROC_LIST_ALL_DOMAINS, domains, COUNT_OF (domains));
  canned_xml (xml_bytes);
}

/* Writing */

static void
piece_add (struct turn *turn, const char *data, size_t len)
{
  if (turn->piece_count > 0) {
    struct iovec *last = &turn->pieces[turn->piece_count - 1];

    if ((const char *) last->iov_base + last->iov_len == data) {
      last->iov_len += len;
      return;
    }
  }
  turn->pieces[turn->piece_count++] = (struct iovec) { (char *) data, len };
}

static void
reply_add (struct turn *turn, const struct msg *reply, uint32_t serial)
{
  size_t copied = reply->len < LARGE ? reply->len : WIRE_HEAD;
  char *at = turn->out + turn->out_len;

  memcpy (at, reply->data, copied);
  wire_put (at, WIRE_SERIAL, serial);
  turn->out_len += copied;
  piece_add (turn, at, copied);
  if (reply->len > copied)
    piece_add (turn, reply->data + copied, reply->len - copied);
}

static bool
turn_has_room (const struct turn *turn)
{
  return turn->out_len + LARGE <= OUT_SIZE && turn->piece_count + 2 <= PIECES;
}

/* Send pieces until the socket is full.
 * Returns how many are done, -1 when the peer is gone.
 */
static int
pieces_send (int fd, struct iovec *pieces, unsigned count)
{
  unsigned done = 0;

  while (done < count) {
    struct msghdr hdr = { .msg_iov = pieces + done,
                          .msg_iovlen = MIN_OF (count - done, PIECES_MAX) };
    ssize_t n = sendmsg (fd, &hdr, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (n == -1)
      return errno == EAGAIN ? (int) done : -1;
    while (n > 0 && (size_t) n >= pieces[done].iov_len)
      n -= pieces[done++].iov_len;
    if (n > 0) {
      pieces[done].iov_base = (char *) pieces[done].iov_base + n;
      pieces[done].iov_len -= n;
    }
  }
  return done;
}

static void
conn_wants (struct server *server, struct conn *conn, uint32_t events)
{
  struct epoll_event event = { .events = events, .data.ptr = conn };

  if (epoll_ctl (server->epoll, EPOLL_CTL_MOD, conn->fd, &event) == -1)
    die ("epoll_ctl");
}

/* Keep what is left of a turn.  All of the output goes along, since pieces
 * point into it.
 */
static void
backlog_keep (struct server *server, struct conn *conn, unsigned done)
{
  struct turn *turn = &server->turn;
  unsigned count = turn->piece_count - done;
  struct backlog *backlog = malloc (sizeof *backlog
                                    + count * sizeof backlog->pieces[0]);

  if (backlog == NULL)
    die ("malloc");
  backlog->copied = malloc (turn->out_len);
  if (backlog->copied == NULL)
    die ("malloc");
  memcpy (backlog->copied, turn->out, turn->out_len);
  backlog->next = 0;
  backlog->count = count;
  for (unsigned i = 0; i < count; i++) {
    struct iovec piece = turn->pieces[done + i];
    char *base = piece.iov_base;

    if (base >= turn->out && base < turn->out + OUT_SIZE)
      piece.iov_base = backlog->copied + (base - turn->out);
    backlog->pieces[i] = piece;
  }
  conn->backlog = backlog;
  conn_wants (server, conn, EPOLLOUT);
}

static void
backlog_free (struct backlog *backlog)
{
  if (backlog)
    free (backlog->copied);
  free (backlog);
}

/* Returns -1 when the connection must end. */
static int
turn_send (struct server *server, struct conn *conn)
{
  struct turn *turn = &server->turn;
  int done = pieces_send (conn->fd, turn->pieces, turn->piece_count);

  if (done >= 0 && (unsigned) done < turn->piece_count)
    backlog_keep (server, conn, done);
  turn->piece_count = 0;
  turn->out_len = 0;
  return done == -1 || (conn->closing && conn->backlog == NULL) ? -1 : 0;
}

static int
backlog_send (struct server *server, struct conn *conn)
{
  struct backlog *backlog = conn->backlog;
  int done = pieces_send (conn->fd, backlog->pieces + backlog->next,
                          backlog->count - backlog->next);

  if (done == -1)
    return -1;
  backlog->next += done;
  if (backlog->next < backlog->count)
    return 0;
  backlog_free (backlog);
  conn->backlog = NULL;
  if (conn->closing)
    return -1;
  conn_wants (server, conn, EPOLLIN);
  return 0;
}

/* Reading */

/* Answer one call.  Returns -1 if there is no answer to it. */
static int
call_take (struct turn *turn, struct conn *conn, const char *call)
{
  uint32_t proc = wire_get (call, WIRE_PROC);

  if (proc > PROC_LAST || canned[proc].len == 0)
    return -1;
  reply_add (turn, &canned[proc], wire_get (call, WIRE_SERIAL));
  if (proc == PROC_CLOSE)
    conn->closing = true;
  return 0;
}

/* Answer all whole calls.  Returns the bytes used, -1 to end. */
static ssize_t
calls_take (struct turn *turn, struct conn *conn, const char *data, size_t len)
{
  size_t used = 0;

  while (len - used >= WIRE_HEAD) {
    uint32_t call_len = wire_get (data + used, WIRE_LEN);

    if (call_len < WIRE_HEAD || call_len > WIRE_MAX || !turn_has_room (turn))
      return -1;
    if (call_len > len - used)
      break;
    if (call_take (turn, conn, data + used) == -1)
      return -1;
    used += call_len;
  }
  return used;
}

/* The rare case: a call came in parts, or is larger than the read buffer. */
static int
partial_take (struct server *server, struct conn *conn, size_t n)
{
  char *joined = realloc (conn->partial, conn->partial_len + n);
  ssize_t used;

  if (joined == NULL)
    die ("realloc");
  memcpy (joined + conn->partial_len, server->turn.in, n);
  conn->partial = joined;
  conn->partial_len += n;
  used = calls_take (&server->turn, conn, joined, conn->partial_len);
  if (used == -1)
    return -1;
  conn->partial_len -= used;
  memmove (joined, joined + used, conn->partial_len);
  if (conn->partial_len == 0) {
    free (conn->partial);
    conn->partial = NULL;
  }
  return turn_send (server, conn);
}

static int
conn_read (struct server *server, struct conn *conn)
{
  struct turn *turn = &server->turn;
  ssize_t n = recv (conn->fd, turn->in, READ_SIZE, MSG_DONTWAIT), used;

  if (n == -1 && errno == EAGAIN)
    return 0;
  if (n <= 0)
    return -1;
  if (conn->partial)
    return partial_take (server, conn, n);
  used = calls_take (turn, conn, turn->in, n);
  if (used == -1)
    return -1;
  if (used < n) {
    memmove (turn->in, turn->in + used, n - used);
    return partial_take (server, conn, n - used);
  }
  return turn_send (server, conn);
}

/* Connections */

static struct conn *
conn_new (struct server *server, int fd, bool listens)
{
  struct conn *conn = calloc (1, sizeof *conn);
  struct epoll_event event = { .events = EPOLLIN, .data.ptr = conn };

  if (conn == NULL)
    die ("calloc");
  conn->fd = fd;
  conn->listens = listens;
  if (epoll_ctl (server->epoll, EPOLL_CTL_ADD, fd, &event) == -1)
    die ("epoll_ctl");
  return conn;
}

static void
conn_free (struct server *server, struct conn *conn)
{
  server->turn.piece_count = 0;
  server->turn.out_len = 0;
  close (conn->fd);
  backlog_free (conn->backlog);
  free (conn->partial);
  free (conn);
}

static void
conn_accept (struct server *server, struct conn *listener)
{
  const int on = 1;
  int fd = accept4 (listener->fd, NULL, NULL, SOCK_CLOEXEC);

  if (fd == -1)
    return;
  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  conn_new (server, fd, false);
}

static void
conn_event (struct server *server, struct conn *conn)
{
  int ret;

  if (conn->listens) {
    conn_accept (server, conn);
    return;
  }
  ret = conn->backlog ? backlog_send (server, conn) : conn_read (server, conn);
  if (ret == -1)
    conn_free (server, conn);
}

static void
listen_at (struct server *server, const struct sockaddr *addr, socklen_t len)
{
  const int on = 1;
  int fd = socket (addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (fd == -1)
    die ("socket");
  setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind (fd, addr, len) == -1 || listen (fd, BACKLOG) == -1)
    die ("bind");
  conn_new (server, fd, true);
}

static void
listen_unix (struct server *server, const char *path)
{
  struct sockaddr_un addr = { .sun_family = AF_UNIX };

  errno = 0;
  if (strlen (path) >= sizeof addr.sun_path)
    die ("%s: the path is too long for a socket", path);
  strcpy (addr.sun_path, path);
  listen_at (server, (struct sockaddr *) &addr, sizeof addr);
}

static void
listen_tcp (struct server *server, uint16_t port)
{
  struct sockaddr_in addr = {
    .sin_family = AF_INET,
    .sin_port = htons (port),
    .sin_addr.s_addr = htonl (INADDR_LOOPBACK),
  };

  listen_at (server, (struct sockaddr *) &addr, sizeof addr);
}

static void
serve (struct server *server)
{
  struct epoll_event events[EPOLL_BATCH];

  for (;;) {
    int n = epoll_wait (server->epoll, events, EPOLL_BATCH, -1);

    if (n == -1 && errno != EINTR)
      die ("epoll_wait");
    for (int i = 0; i < n; i++)
      conn_event (server, events[i].data.ptr);
  }
}

static const struct option long_options[] = {
  { "unix", required_argument, NULL, 'u' },
  { "tcp", required_argument, NULL, 't' },
  { "xml-bytes", required_argument, NULL, 'x' },
  { NULL }
};

int
main (int argc, char *argv[])
{
  struct server *server = calloc (1, sizeof *server);
  struct rlimit limit;
  size_t xml_bytes = XML_BYTES;
  int opt;

  if (server == NULL || getrlimit (RLIMIT_NOFILE, &limit) == -1)
    die ("cannot start");
  limit.rlim_cur = limit.rlim_max;
  setrlimit (RLIMIT_NOFILE, &limit);
  server->epoll = epoll_create1 (EPOLL_CLOEXEC);
  while ((opt = getopt_long (argc, argv, "", long_options, NULL)) != -1) {
    switch (opt) {
    case 'u': listen_unix (server, optarg); break;
    case 't': listen_tcp (server, atoi (optarg)); break;
    case 'x': xml_bytes = strtoul (optarg, NULL, 10); break;
    default: exit (2);
    }
  }
  canned_make (xml_bytes);
  puts ("ready");
  fflush (stdout);
  serve (server);
}
