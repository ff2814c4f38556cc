/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A transport: how bytes pass.  It knows nothing of messages, keeps no
 * buffers for the engine, and never waits: the engine owns all polling.  Both
 * halves, server and client, are in one module; a module may leave one out.
 */
#ifndef VIRGATE_TRANSPORT_H
#define VIRGATE_TRANSPORT_H

#include <sys/types.h>
#include <sys/uio.h>

#include <virgate/module.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Results of I/O hooks other than a byte count (readv: 0 is end of file). */
#define VIRGATE_IO_ERROR (-1)           /* errno says why; readv may say more
                                           by host->error */
#define VIRGATE_IO_WANT_READ (-2)       /* again when the fd is readable */
#define VIRGATE_IO_WANT_WRITE (-3)      /* again when the fd is writable */

enum virgate_transport_caps {
  VIRGATE_CAP_LOCAL = 1,        /* the peer is on this machine */
  VIRGATE_CAP_ENCRYPTED = 2,
  VIRGATE_CAP_PASSES_FDS = 4,
  VIRGATE_CAP_DUPLEX = 8,       /* readv on one thread and writev on another
                                   may overlap; otherwise no two hooks of a
                                   connection ever do */
  VIRGATE_CAP_RECORDS = 16      /* writev keeps its buffers apart on the wire.
                                   Peers take one message from a record and
                                   wait for the next record before they look
                                   for another, so the last message gets
                                   buffers of its own. */
};

/* Descriptors that go with bytes.  On reading, count says how many were
 * received (all close-on-exec, owned by the engine from then on); on writing
 * they are borrowed and travel with the first byte.
 */
#define VIRGATE_FDS_MAX 253     /* the kernel's SCM_MAX_FD */
struct virgate_fds {
  uint32_t count;
  int fd[VIRGATE_FDS_MAX];
};

/* One socket that listens. */
struct virgate_listening {
  int fd;
  char where[120];              /* "127.0.0.1:16509", "/run/x": for people */
};

/* A URI, split; strings are decoded and borrowed, NULL where absent. */
struct virgate_uri {
  const char *text;             /* as the user wrote it */
  const char *driver;           /* "qemu" */
  const char *transport;        /* "tls" */
  const char *user;
  const char *host;             /* without brackets */
  uint32_t port;                /* 0: not given */
  const char *path;
  const struct virgate_param {
    const char *name, *value;
  } *params;                    /* ends with a NULL name */
  uint32_t read_only;           /* the user wants no more than reading: unix
                                   takes the socket that is read-only */
};

struct virgate_transport_ops {
  const char *const *schemes;   /* "unix", NULL: what +NAME in a URI says */
  const char *const *params;    /* URI parameters it consumes; ends with NULL */
  uint32_t caps;                /* enum virgate_transport_caps */
  uint32_t default_port;        /* 0: none */

  /* Server half; NULL listen: client only. -------------------------------- */

  /* Open the sockets that the section's keys describe, or adopt those that
   * were handed over (systemd): ready, non-blocking, close-on-exec.
   *
   * adopted, count  descriptors from the service manager; 0 usually
   * out, max        filled with the sockets to accept on
   *
   * Returns how many, or -1 after host->error.  Main thread, may look up
   * names.  The host closes the descriptors, after unlisten.
   */
  int (*listen) (void *inst, const int *adopted, uint32_t count,
                 struct virgate_listening *out, uint32_t max);

  /* Before a listening socket is closed: remove its traces (a path).  NULL:
   * none.  Main thread.
   */
  void (*unlisten) (void *inst, const struct virgate_listening *listening);

  /* Take one connection off a listening socket.  Never blocks.
   *
   * Returns 0 and *conn; VIRGATE_IO_WANT_READ when there is none;
   * VIRGATE_IO_ERROR with errno (EMFILE and ENFILE are the host's to handle).
   * Loop thread.
   */
  int (*accept) (void *inst, int listen_fd, void **conn);

  /* Both halves. ----------------------------------------------------------- */

  /* Go on with the handshake; called again when the wanted event is there,
   * until the deadline, which the engine keeps.  Costly steps may be run by
   * the engine on a worker; never on two threads at once.
   *
   * Returns 0 when done, VIRGATE_IO_WANT_READ, VIRGATE_IO_WANT_WRITE, or -1
   * after host->error.  NULL: there is none.
   */
  int (*handshake) (void *conn);

  /* Read into iov; take every descriptor that comes along.  fds may be NULL:
   * then close them.  Returns bytes, 0 at the end, or VIRGATE_IO_*.
   */
  ssize_t (*readv) (void *conn, const struct iovec *iov, int iovcnt,
                    struct virgate_fds *fds);

  /* Write from iov; fds NULL or empty: none.  A short count is no error.
   * Returns bytes or VIRGATE_IO_*.
   */
  ssize_t (*writev) (void *conn, const struct iovec *iov, int iovcnt,
                     const struct virgate_fds *fds);

  /* Bytes that were read from the descriptor but not yet by readv, and that
   * polling cannot see.  NULL: always 0.
   */
  size_t (*pending) (void *conn);

  /* The descriptor to poll.  Asked again after each handshake step. */
  int (*pollfd) (void *conn);

  /* State the facts.  Called once after accept (addresses, credentials) and,
   * where there is a handshake, once more after it, with after_handshake 1.
   * Returns 0, or -1 after host->error: the connection is refused.
   */
  int (*peer) (void *conn, struct virgate_peer *peer, int after_handshake);

  /* Capabilities of this connection; NULL: those in caps. */
  uint32_t (*conn_caps) (void *conn);

  /* Say goodbye (close-notify, half-close) without waiting.  NULL: nothing. */
  void (*shutdown) (void *conn);

  /* Free everything.  Loop thread, or the connecting thread of a client. */
  void (*close) (void *conn);

  /* After the instance was reloaded, for each open connection: is it still
   * acceptable?  -1: the host closes it.  Loop thread.  NULL: always.
   */
  int (*recheck) (void *conn);

  /* Client half; NULL connect: server only. ------------------------------- */

  /* Connect and, where there is one, start no handshake: the engine drives
   * handshake afterwards.  May block until the deadline (monotonic
   * nanoseconds); never called on an event loop's thread.  The descriptor is
   * non-blocking afterwards.  Returns 0 and *conn, or -1 after host->error.
   */
  int (*connect) (void *inst, const struct virgate_uri *uri,
                  int64_t deadline, void **conn);

  /* Server half: the descriptor to poll when writev wants to write, where it
   * is another than the one that is read from.  NULL: pollfd's.
   */
  int (*pollfd_write) (void *conn);
};

/* A transport instance, as host->lower gives it to a wrapping transport. */
struct virgate_transport {
  const struct virgate_transport_ops *ops;
  uint32_t ops_size;            /* the module's: slots beyond it are absent */
  void *inst;
};

#ifdef __cplusplus
}
#endif

#endif /* VIRGATE_TRANSPORT_H */
