/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The hooks of a TLS connection, both halves.
 */
#ifndef VIRGATE_TRANSPORT_TLS_CONN_H
#define VIRGATE_TRANSPORT_TLS_CONN_H

#include "tls.h"

int tls_accept (void *inst, int listen_fd, void **conn);
int tls_connect (void *inst, const struct virgate_uri *uri, int64_t deadline,
                 void **conn);
int tls_handshake (void *conn);
ssize_t tls_readv (void *conn, const struct iovec *iov, int iovcnt,
                   struct virgate_fds *fds);
ssize_t tls_writev (void *conn, const struct iovec *iov, int iovcnt,
                    const struct virgate_fds *fds);
size_t tls_pending (void *conn);
int tls_pollfd (void *conn);
int tls_peer (void *conn, struct virgate_peer *peer, int after_handshake);
uint32_t tls_conn_caps (void *conn);
void tls_shutdown (void *conn);
void tls_conn_close (void *conn);
int tls_recheck (void *conn);

#endif /* VIRGATE_TRANSPORT_TLS_CONN_H */
