/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The raw client's blocking half: connect, open, look up, close.  It trusts
 * the server to be honest, but notices one that refuses or falls silent.
 */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "bench/raw.h"
#include "common/cleanup.h"

#define BIG_DESCRIPTION (256 * 1024)
#define SCRATCH 4096            /* room for any call without a large string */

static int
socket_of (const struct raw_target *target)
{
  int fd = socket (target->unix_path ? AF_UNIX : AF_INET,
                   SOCK_STREAM | SOCK_CLOEXEC, 0);
  const struct timeval silence = { .tv_sec = RAW_SILENCE_S };
  const int on = 1;

  if (fd == -1)
    die ("socket");
  setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence);
  if (target->unix_path == NULL)
    setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

int
raw_connect (const struct raw_target *target)
{
  struct sockaddr_un path = { .sun_family = AF_UNIX };
  struct sockaddr_in inet = {
    .sin_family = AF_INET,
    .sin_port = htons (target->port),
    .sin_addr.s_addr = htonl (INADDR_LOOPBACK),
  };
  int fd = socket_of (target), ret;

  if (target->unix_path) {
    if (strlen (target->unix_path) >= sizeof path.sun_path)
      die ("%s: the path is too long for a socket", target->unix_path);
    strcpy (path.sun_path, target->unix_path);
    ret = connect (fd, (struct sockaddr *) &path, sizeof path);
  }
  else
    ret = connect (fd, (struct sockaddr *) &inet, sizeof inet);
  if (ret == -1)
    die ("connect");
  return fd;
}

static void
send_all (int fd, const char *data, size_t len)
{
  while (len > 0) {
    ssize_t n = send (fd, data, len, MSG_NOSIGNAL);

    if (n == -1)
      die ("send");
    data += n;
    len -= n;
  }
}

static void
recv_all (int fd, char *data, size_t len)
{
  while (len > 0) {
    ssize_t n = recv (fd, data, len, 0);

    if (n == 0)
      errno = 0;
    if (n <= 0)
      die ("the server %s", n ? "did not answer" : "closed the connection");
    data += n;
    len -= n;
  }
}

/* Send a finished message and return the whole answer, which must be a
 * success; the caller frees it.
 */
static char *
exchange (int fd, const struct msg *msg)
{
  char head[WIRE_HEAD], *reply;
  uint32_t len;

  send_all (fd, msg->data, msg->len);
  recv_all (fd, head, sizeof head);
  len = wire_get (head, WIRE_LEN);
  if (len < WIRE_HEAD || len > WIRE_MAX)
    die ("a reply of %u bytes", len);
  reply = malloc (len);
  if (reply == NULL)
    die ("malloc");
  memcpy (reply, head, sizeof head);
  recv_all (fd, reply + sizeof head, len - sizeof head);
  if (wire_get (reply, WIRE_STATUS) != 0) {
    errno = 0;
    die ("procedure %u was refused", wire_get (reply, WIRE_PROC));
  }
  return reply;
}

void
raw_open (int fd, const struct raw_target *target)
{
  char room[SCRATCH];
  struct msg msg = { room, 0 };

  if (strlen (target->name) > SCRATCH / 2)
    die ("the name to open is too long");
  msg_start (&msg, PROC_AUTH_LIST, 0);
  msg_finish (&msg);
  free (exchange (fd, &msg));
  msg_start (&msg, PROC_OPEN, 0);
  msg_word (&msg, 1);
  msg_string (&msg, target->name);
  msg_word (&msg, 0);
  msg_finish (&msg);
  free (exchange (fd, &msg));
}

void
raw_close (int fd)
{
  char room[WIRE_HEAD];
  struct msg msg = { room, 0 };

  msg_start (&msg, PROC_CLOSE, 0);
  msg_finish (&msg);
  free (exchange (fd, &msg));
  close (fd);
}

static char *
lookup_test (int fd)
{
  char room[SCRATCH];
  struct msg msg = { room, 0 };

  msg_start (&msg, PROC_LOOKUP_BY_NAME, 0);
  msg_string (&msg, "test");
  msg_finish (&msg);
  return exchange (fd, &msg);
}

/* Defining it again changes nothing, so every run may do it. */
static char *
define_big (int fd)
{
  static const char before[] =
    "<domain type='test'><name>big</name>"
    "<uuid>6d1f4ce2-9d8e-4d6f-8c4e-1d2f3a4b5c6d</uuid>"
    "<memory>8192</memory><os><type>hvm</type></os><description>";
  static const char after[] = "</description></domain>";
  CLEANUP_FREE char *xml = malloc (sizeof before + BIG_DESCRIPTION
                                   + sizeof after);
  CLEANUP_FREE char *room = malloc (SCRATCH + BIG_DESCRIPTION);
  struct msg msg = { room, 0 };
  char *end;

  if (xml == NULL || room == NULL)
    die ("malloc");
  end = stpcpy (xml, before);
  memset (end, 'd', BIG_DESCRIPTION);
  strcpy (end + BIG_DESCRIPTION, after);
  msg_start (&msg, PROC_DEFINE_XML, 0);
  msg_string (&msg, xml);
  msg_finish (&msg);
  return exchange (fd, &msg);
}

/* One row a call; the words follow the domain, if there is one. */
static const struct call_row {
  const char *what;
  uint32_t proc;
  char *(*domain) (int fd);     /* a reply that holds nothing but a domain */
  unsigned word_count;
  uint32_t words[2];
} call_rows[] = {
  { "info", PROC_GET_INFO, lookup_test, 0, { 0 } },
  { "xml", PROC_GET_XML_DESC, lookup_test, 1, { 0 } },
  { "big-xml", PROC_GET_XML_DESC, define_big, 1, { 0 } },
  { "list", PROC_LIST_ALL_DOMAINS, NULL, 2, { 1, 3 } },
};

static const struct call_row *
call_row_find (const char *what)
{
  for (size_t i = 0; i < COUNT_OF (call_rows); i++)
    if (strcmp (call_rows[i].what, what) == 0)
      return &call_rows[i];
  errno = 0;
  die ("no call is named '%s'", what);
}

struct raw_call
raw_call_make (int fd, const char *what)
{
  const struct call_row *row = call_row_find (what);
  CLEANUP_FREE char *reply = row->domain ? row->domain (fd) : NULL;
  size_t domain_len = reply ? wire_get (reply, WIRE_LEN) - WIRE_HEAD : 0;
  struct msg msg = { malloc (SCRATCH), 0 };

  if (msg.data == NULL || domain_len > SCRATCH / 2)
    die ("cannot prepare the call");
  msg_start (&msg, row->proc, 0);
  if (reply)
    msg_bytes (&msg, reply + WIRE_HEAD, domain_len);
  for (unsigned i = 0; i < row->word_count; i++)
    msg_word (&msg, row->words[i]);
  msg_finish (&msg);
  return (struct raw_call) { msg.data, msg.len };
}
