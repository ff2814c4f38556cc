/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The server half: connections that virgate-ssh-helper hands over on a Unix
 * socket, which the unix transport keeps.
 */
#ifndef VIRGATE_TRANSPORT_SSH_LISTEN_H
#define VIRGATE_TRANSPORT_SSH_LISTEN_H

#include "note.h"
#include "ssh.h"

/* A listener's settings. */
struct ssh_listen {
  const struct virgate_transport *unix_socket;
  uid_t *trusted;               /* accounts whose helpers are believed */
  size_t trusted_count;
};

/* The descriptors that a helper handed over. */
struct handed {
  int in, out;                  /* -1: none; the same for one socket */
  bool in_is_socket, out_is_socket;
};

/* What arrives before the connection can be used. */
struct intake {
  uint8_t data[NOTE_MAX];
  size_t len;
  struct virgate_fds fds;       /* of one read */
  int fd[2];
  uint32_t fd_count;
};

/* A connection that a helper hands, or has handed, over. */
struct served {
  struct ssh_conn base;
  struct ssh *ssh;
  void *helper;                 /* the connection to it */
  struct intake *intake;        /* until it is taken */
  struct note *note;            /* until its facts are stated */
  struct handed handed;
  bool is_begun, is_taken;
};

/* listen.c -----------------------------------------------------------------*/

/* A key of the config.  0, 1 when it is none of the listener's, or -1. */
int ssh_listen_config (struct ssh *ssh, const char *key, const char *value);
/* The config is complete: get the socket's transport.  0 or -1. */
int ssh_listen_ready (struct ssh *ssh);
void ssh_listen_free (struct ssh *ssh);

int ssh_listen (void *inst, const int *adopted, uint32_t count,
                struct virgate_listening *out, uint32_t max);
void ssh_unlisten (void *inst, const struct virgate_listening *listening);
int ssh_accept (void *inst, int listen_fd, void **conn);

/* intake.c -----------------------------------------------------------------*/

/* The handshake: the helper's note and descriptors come. */
int served_handshake (void *conn);
void intake_free (struct intake *intake);

/* handed.c -----------------------------------------------------------------*/

/* Make two descriptors, which stay the caller's, ones of our own that never
 * block.  0, or -1 with *why.
 */
int handed_take (struct handed *handed, const int fd[2], const char **why);
void handed_close (struct handed *handed);

ssize_t handed_readv (const struct handed *handed, const struct iovec *iov,
                      int iovcnt);
ssize_t handed_writev (const struct handed *handed, const struct iovec *iov,
                       int iovcnt);

#endif /* VIRGATE_TRANSPORT_SSH_LISTEN_H */
