/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The instance of transport-ssh, and what its two halves share: connections
 * of either half begin with a struct ssh_conn, through which the module's
 * hooks find the half that made them.
 */
#ifndef VIRGATE_TRANSPORT_SSH_H
#define VIRGATE_TRANSPORT_SSH_H

#include <stdbool.h>
#include <stdint.h>

#include <virgate/transport.h>

#define SSH_PORT 22

/* What may be said of a connection, by a key of the config or a parameter of
 * the URI; see settings.c.
 */
enum ssh_word {
  SSH_BACKEND, SSH_COMMAND, SSH_KEYFILE, SSH_NETCAT, SSH_SOCKET, SSH_PROXY,
  SSH_MODE, SSH_HELPER, SSH_NO_VERIFY, SSH_NO_TTY, SSH_KNOWN_HOSTS,
  SSH_VERIFY, SSH_AUTH, SSH_PROXY_JUMP, SSH_CONFIG, SSH_LINGER, SSH_WORDS
};

struct ssh {
  const struct virgate_host *host;
  const struct virgate_transport *lower; /* makes connections; or NULL */
  char *word[SSH_WORDS];        /* from the config; NULL: not given */
  struct ssh_listen *listen;    /* of a listener; see listen.h */
};

/* What one connection is to be: the words of the URI before those of the
 * config; all borrowed.
 */
struct ssh_request {
  const struct ssh *ssh;
  const struct virgate_uri *uri;
  const char *word[SSH_WORDS];  /* NULL: not given */
  int64_t deadline;
};

/* The hooks of one half's connections; see transport.h. */
struct ssh_half {
  ssize_t (*readv) (void *conn, const struct iovec *iov, int iovcnt,
                    struct virgate_fds *fds);
  ssize_t (*writev) (void *conn, const struct iovec *iov, int iovcnt,
                     const struct virgate_fds *fds);
  size_t (*pending) (void *conn);       /* NULL: always 0 */
  int (*pollfd) (void *conn);
  int (*pollfd_write) (void *conn);     /* NULL: pollfd */
  int (*handshake) (void *conn);        /* NULL: there is none */
  int (*peer) (void *conn, struct virgate_peer *peer, int after_handshake);
  void (*shutdown) (void *conn);
  void (*close) (void *conn);
};

struct ssh_conn {
  const struct ssh_half *half;
};

/* settings.c --------------------------------------------------------------*/

extern const char *const ssh_params[];

/* A key of the config.  Returns 0, 1 when it is none of the client's, or -1
 * after host->error.
 */
int ssh_set_word (struct ssh *ssh, const char *key, const char *value);
void ssh_free_words (struct ssh *ssh);

/* What a URI and the config ask for together; -1 after host->error. */
int ssh_request_init (struct ssh_request *request, const struct ssh *ssh,
                      const struct virgate_uri *uri, int64_t deadline);
bool ssh_is_yes (const struct ssh_request *request, enum ssh_word word);

/* Report with libvirt's code for ssh; returns -1. */
int ssh_fail (const struct ssh *ssh, const char *fmt, ...)
  VIRGATE_PRINTF (2, 3);

/* client.c ----------------------------------------------------------------*/

int ssh_connect (void *inst, const struct virgate_uri *uri, int64_t deadline,
                 void **conn);

#endif /* VIRGATE_TRANSPORT_SSH_H */
