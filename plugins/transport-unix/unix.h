/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The unix transport's two halves and what they share.
 */
#ifndef VIRGATE_TRANSPORT_UNIX_H
#define VIRGATE_TRANSPORT_UNIX_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <virgate/transport.h>

/* One listener, or one use by a client. */
struct unix_inst {
  const struct virgate_host *host;
  char *path;                   /* the key, or NULL */
  mode_t mode;
  gid_t group;                  /* (gid_t) -1: not given */
  int backlog;
  int lock_fd;                  /* keeps other daemons off the path; or -1 */
  bool is_adopted;
};

/* Every idle connection has one: keep it small. */
struct unix_conn {
  struct unix_inst *inst;
  int fd;
};

/* Fill in an address; -1 when the path is too long. */
int unix_address (struct sockaddr_un *address, const char *path);

/* Take over a connected, non-blocking descriptor.  NULL: no memory, and the
 * descriptor is closed.
 */
struct unix_conn *unix_conn_new (struct unix_inst *inst, int fd);

/* Where a daemon of this project listens: FILE in the system's folder for
 * root, in the user's for others.  Returns malloc'ed text or NULL.
 */
char *unix_own_path (const char *file);

/* "$XDG_RUNTIME_DIR" or what it usually is; malloc'ed. */
char *unix_user_dir (void);

/* listen.c */
int unix_listen (void *inst, const int *adopted, uint32_t count,
                 struct virgate_listening *out, uint32_t max);
void unix_unlisten (void *inst, const struct virgate_listening *listening);
int unix_accept (void *inst, int listen_fd, void **conn);

/* connect.c */
int unix_connect (void *inst, const struct virgate_uri *uri, int64_t deadline,
                  void **conn);

#endif /* VIRGATE_TRANSPORT_UNIX_H */
