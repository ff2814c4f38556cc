/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The tcp transport's two halves and what they share.
 */
#ifndef VIRGATE_TRANSPORT_TCP_H
#define VIRGATE_TRANSPORT_TCP_H

#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include <virgate/transport.h>

/* WIRE: the port of libvirt's unencrypted listener. */
#define TCP_PORT 16509

/* Words in the address key, and addresses tried for one name. */
#define TCP_ADDRESSES_MAX 32

/* One listener, or one use by a client. */
struct tcp_inst {
  const struct virgate_host *host;
  char *addresses[TCP_ADDRESSES_MAX];
  uint32_t address_count;       /* 0: localhost */
  uint32_t port;
  int backlog;
};

/* Every idle connection has one: keep it small. */
struct tcp_conn {
  struct tcp_inst *inst;
  int fd;
};

union tcp_address {
  struct sockaddr any;
  struct sockaddr_in in;
  struct sockaddr_in6 in6;
  struct sockaddr_storage storage;
};

/* Take over a connected, non-blocking descriptor.  NULL: no memory, and the
 * descriptor is closed.
 */
struct tcp_conn *tcp_conn_new (struct tcp_inst *inst, int fd);

/* Options that connections have, and inherit from a listening socket. */
int tcp_set_options (int fd);

/* "192.0.2.1:16509", "[::1]:16509". */
void tcp_describe (const struct sockaddr *address, socklen_t len, char *text,
                   size_t size);

/* listen.c */
int tcp_listen (void *inst, const int *adopted, uint32_t count,
                struct virgate_listening *out, uint32_t max);
int tcp_accept (void *inst, int listen_fd, void **conn);

/* connect.c */
int tcp_connect (void *inst, const struct virgate_uri *uri, int64_t deadline,
                 void **conn);

#endif /* VIRGATE_TRANSPORT_TCP_H */
