/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The tcp transport: bytes over the network, neither encrypted nor
 * authenticated; also what transport-tls runs over.  This file has what both
 * halves use.
 */
#include "config.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "tcp.h"

struct tcp_conn *
tcp_conn_new (struct tcp_inst *inst, int fd)
{
  struct tcp_conn *conn = malloc (sizeof *conn);

  if (conn == NULL) {
    close (fd);
    errno = ENOMEM;
    return NULL;
  }
  conn->inst = inst;
  conn->fd = fd;
  return conn;
}

int
tcp_set_options (int fd)
{
  const int on = 1;

  return setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == -1
         || setsockopt (fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) == -1
         ? -1 : 0;
}

void
tcp_describe (const struct sockaddr *address, socklen_t len, char *text,
              size_t size)
{
  char host[NI_MAXHOST], port[NI_MAXSERV];

  if (getnameinfo (address, len, host, sizeof host, port, sizeof port,
                   NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    snprintf (text, size, "an unknown address");
  else
    snprintf (text, size,
              address->sa_family == AF_INET6 ? "[%.90s]:%.10s"
                                             : "%.90s:%.10s", host, port);
}

/* Life of an instance ---------------------------------------------------- */

static int
tcp_open (const struct virgate_host *host, void **inst)
{
  struct tcp_inst *tcp = calloc (1, sizeof *tcp);

  if (tcp == NULL)
    return host->error (host, "out of memory");
  tcp->host = host;
  tcp->port = TCP_PORT;
  tcp->backlog = SOMAXCONN;
  *inst = tcp;
  return 0;
}

static void
tcp_close_inst (void *inst)
{
  struct tcp_inst *tcp = inst;

  for (uint32_t i = 0; i < tcp->address_count; i++)
    free (tcp->addresses[i]);
  free (tcp);
}

/* "[::1]" is taken as "::1". */
static int
add_address (struct tcp_inst *tcp, const char *word, size_t len)
{
  if (tcp->address_count == TCP_ADDRESSES_MAX)
    return tcp->host->error (tcp->host, "more than %d addresses",
                             TCP_ADDRESSES_MAX);
  if (len > 2 && word[0] == '[' && word[len - 1] == ']') {
    word++;
    len -= 2;
  }
  tcp->addresses[tcp->address_count] = strndup (word, len);
  if (tcp->addresses[tcp->address_count] == NULL)
    return tcp->host->error (tcp->host, "out of memory");
  tcp->address_count++;
  return 0;
}

static int
set_address (struct tcp_inst *tcp, const char *value)
{
  static const char blanks[] = " \t,";

  while (*(value += strspn (value, blanks))) {
    size_t len = strcspn (value, blanks);

    if (add_address (tcp, value, len) == -1)
      return -1;
    value += len;
  }
  return 0;
}

static int
set_port (struct tcp_inst *tcp, const char *value)
{
  tcp->port = strtoul (value, NULL, 10);
  return 0;
}

static int
set_backlog (struct tcp_inst *tcp, const char *value)
{
  tcp->backlog = atoi (value);
  return 0;
}

static const struct {
  const char *key;
  int (*set) (struct tcp_inst *tcp, const char *value);
} setters[] = {
  { "address", set_address }, { "port", set_port },
  { "backlog", set_backlog },
};

static int
tcp_config (void *inst, const char *key, const char *value)
{
  for (size_t i = 0; i < COUNT_OF (setters); i++)
    if (strcmp (setters[i].key, key) == 0)
      return setters[i].set (inst, value);
  return 0;
}

/* Input and output ------------------------------------------------------- */

static int
io_result (int want)
{
  return errno == EAGAIN || errno == EWOULDBLOCK ? want : VIRGATE_IO_ERROR;
}

static ssize_t
tcp_readv (void *opaque, const struct iovec *iov, int iovcnt,
           struct virgate_fds *fds)
{
  const struct tcp_conn *conn = opaque;
  ssize_t n;

  if (fds)
    fds->count = 0;
  do
    n = readv (conn->fd, iov, iovcnt);
  while (n == -1 && errno == EINTR);
  return n == -1 ? io_result (VIRGATE_IO_WANT_READ) : n;
}

static ssize_t
tcp_writev (void *opaque, const struct iovec *iov, int iovcnt,
            const struct virgate_fds *fds)
{
  const struct tcp_conn *conn = opaque;
  struct msghdr msg = { .msg_iov = (struct iovec *) iov,
                        .msg_iovlen = iovcnt };
  ssize_t n;

  if (fds && fds->count > 0) {
    errno = EOPNOTSUPP;
    return VIRGATE_IO_ERROR;
  }
  do                            /* the kernel has less to do for send */
    n = iovcnt == 1
      ? send (conn->fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL)
      : sendmsg (conn->fd, &msg, MSG_NOSIGNAL);
  while (n == -1 && errno == EINTR);
  return n == -1 ? io_result (VIRGATE_IO_WANT_WRITE) : n;
}

static int
tcp_pollfd (void *conn)
{
  return ((struct tcp_conn *) conn)->fd;
}

typedef int name_fn (int fd, struct sockaddr *address, socklen_t *len);

static int
state_address (const struct tcp_conn *conn, struct virgate_peer *peer,
               const char *key, name_fn *name)
{
  const struct virgate_host *host = conn->inst->host;
  union tcp_address address;
  socklen_t len = sizeof address;

  if (name (conn->fd, &address.any, &len) == -1)
    return host->error (host, "address of a connection: %s",
                        strerror (errno));
  if (host->peer_address (peer, key, VIRGATE_VOUCH_KERNEL, &address, len))
    return host->error (host, "out of memory for facts");
  return 0;
}

static int
peer_name (int fd, struct sockaddr *address, socklen_t *len)
{
  return getpeername (fd, address, len);
}

static int
own_name (int fd, struct sockaddr *address, socklen_t *len)
{
  return getsockname (fd, address, len);
}

static int
tcp_peer (void *conn, struct virgate_peer *peer, int after_handshake)
{
  return state_address (conn, peer, VIRGATE_FACT_REMOTE, peer_name) == -1
         || state_address (conn, peer, VIRGATE_FACT_LOCAL, own_name) == -1
         ? -1 : 0;
}

static void
tcp_shutdown (void *conn)
{
  shutdown (((struct tcp_conn *) conn)->fd, SHUT_WR);
}

static void
tcp_close (void *conn)
{
  close (((struct tcp_conn *) conn)->fd);
  free (conn);
}

/* Tables ----------------------------------------------------------------- */

static const char *const schemes[] = { "tcp", NULL };
static const char *const params[] = { NULL };

static const struct virgate_transport_ops ops = {
  .schemes = schemes,
  .params = params,
  .caps = VIRGATE_CAP_DUPLEX,
  .default_port = TCP_PORT,
  .listen = tcp_listen,
  .accept = tcp_accept,
  .readv = tcp_readv,
  .writev = tcp_writev,
  .pollfd = tcp_pollfd,
  .peer = tcp_peer,
  .shutdown = tcp_shutdown,
  .close = tcp_close,
  .connect = tcp_connect,
};

static const struct virgate_option options[] = {
  { .key = "address", .type = VIRGATE_OPTION_LIST, .def = "localhost",
    .help = "names or addresses to listen on; * for all of both families" },
  { .key = "port", .type = VIRGATE_OPTION_UINT, .min = 0, .max = 65535,
    .def = "16509", .help = "port to listen on; 0 takes a free one" },
  { .key = "backlog", .type = VIRGATE_OPTION_UINT, .min = 1, .max = 65535,
    .unit = "connections", .def = "4096",
    .help = "how many may wait to be accepted" },
  { .key = NULL },
};

VIRGATE_MODULE_EXPORT const struct virgate_module virgate_module = {
  VIRGATE_MODULE_HEAD,
  .kind = VIRGATE_KIND_TRANSPORT,
  .ops_size = sizeof ops,
  .name = "tcp",
  .version = PACKAGE_VERSION,
  .summary = "the network, unencrypted",
  .options = options,
  .open = tcp_open,
  .config = tcp_config,
  .close = tcp_close_inst,
  .ops = &ops,
};
