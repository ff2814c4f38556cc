/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The client half: a pipe to a program or socket on the far side, made by one
 * of the backends, and the connection that reads and writes it.
 */
#ifndef VIRGATE_TRANSPORT_SSH_CLIENT_H
#define VIRGATE_TRANSPORT_SSH_CLIENT_H

#include <stddef.h>

#include "far.h"

/* What is said of one failure. */
#define SSH_WHY_MAX 900

/* Bytes to and from the far side, through a stream socket.  Whoever makes one
 * embeds it in a structure of its own.
 */
struct ssh_pipe {
  int fd;                       /* non-blocking; closed by ops->close */
  const struct ssh_pipe_ops *ops;
};

struct ssh_pipe_ops {
  /* After fd has ended: how and why, as far as it is known. */
  void (*why) (struct ssh_pipe *pipe, char *text, size_t size);
  /* Write, as transport.h has it; NULL: to fd. */
  ssize_t (*writev) (struct ssh_pipe *pipe, const struct iovec *iov,
                     int iovcnt);
  /* State facts about the far side; NULL: nothing is known. */
  int (*peer) (struct ssh_pipe *pipe, const struct virgate_host *host,
               struct virgate_peer *peer);
  void (*close) (struct ssh_pipe *pipe);
};

/* client.c ----------------------------------------------------------------*/

/* Host names may not be longer, RFC 1035. */
#define SSH_HOST_MAX 255

/* The host as the user wrote it. */
const char *ssh_host_of (const struct ssh_request *request);

/* Wait for the far side's first words.
 *
 * Returns 0 when the pipe carries the daemon's bytes, or is taken to do so
 * because it stays silent (*is_silent: it is not waited for, because it was
 * silent before; set when it was now); 1 when this way does not exist there,
 * with why filled in; -1, with why filled in, for every other failure.
 */
int ssh_await_answer (struct ssh_pipe *pipe, struct answer_state *state,
                      int64_t deadline, bool *is_silent, char *why,
                      size_t size);

/* A connection over a pipe, which it takes over, as it does the bytes in
 * state.  NULL when memory is exhausted.
 */
struct ssh_conn *ssh_client_new (const struct ssh *ssh, struct ssh_pipe *pipe,
                                 struct answer_state *state,
                                 const char *where);

/* Write to the pipe's descriptor. */
ssize_t ssh_pipe_writev (struct ssh_pipe *pipe, const struct iovec *iov,
                         int iovcnt);

/* exec.c ------------------------------------------------------------------*/

/* Run the system's ssh, or the program that is named instead.  -1 after
 * host->error.
 */
int ssh_exec_connect (const struct ssh_request *request, void **conn);

/* ssh2.c ------------------------------------------------------------------*/

/* Connect by libssh2.  -1 after host->error. */
int ssh2_connect (const struct ssh_request *request, void **conn);

#endif /* VIRGATE_TRANSPORT_SSH_CLIENT_H */
