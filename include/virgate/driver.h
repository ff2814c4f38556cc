/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A driver answers calls.  It claims the names that it opens and gives a
 * table of typed handlers, or takes whole frames (a gateway).  What it needs
 * of the daemon comes through host->driver.
 */
#ifndef VIRGATE_DRIVER_H
#define VIRGATE_DRIVER_H

#include <sys/types.h>

#include <virgate/module.h>

#ifdef __cplusplus
extern "C" {
#endif

struct virgate_client;          /* one client's connection */
struct virgate_call;            /* one call under way */
struct virgate_stream;          /* one stream of a client */
struct virgate_link;            /* a connection onward, for gateways */

/* Results of hooks and services besides 0 and -1. */
#define VIRGATE_DECLINED 1      /* open: not mine, ask the next driver */
#define VIRGATE_LATER 2         /* handler: call_done follows */
#define VIRGATE_AGAIN (-2)      /* no room or no data now */

enum virgate_handler_flags {
  VIRGATE_INLINE = 0,           /* never blocks, takes microseconds: runs on
                                   the client's loop thread */
  VIRGATE_WORKER = 1,           /* may block: runs on a worker thread */
  VIRGATE_PRIORITY = 2          /* with WORKER: on the priority workers, which
                                   slow calls never fill */
};

/* Answer one call.
 *
 * conn   from open
 * call   valid until the handler returns, or until call_done after LATER
 * args   decoded arguments: struct virgate_PROGRAM_NAME_args, NULL when the
 *        procedure has none; valid as long as call
 * ret    struct virgate_PROGRAM_NAME_ret, zeroed, to be filled; what it
 *        points to must live as long as call: call_alloc.  NULL when there
 *        is none
 *
 * Returns 0 when ret is filled, VIRGATE_LATER, or -1 after call_error.
 */
typedef int virgate_handler_fn (void *conn, struct virgate_call *call,
                                const void *args, void *ret);

/* One row of a driver's table; the table ends with a NULL fn.  Procedures
 * that no row names are answered 'not supported by the connection driver'.
 */
struct virgate_handler {
  uint32_t program;             /* VIRGATE_REMOTE_PROGRAM, ... */
  int32_t procedure;            /* VIRGATE_REMOTE_PROC_... */
  uint32_t flags;               /* enum virgate_handler_flags */
  virgate_handler_fn *fn;
};

/* A whole message, header fields as on the wire (WIRE: virnetprotocol.x). */
struct virgate_frame {
  uint32_t program, version;
  int32_t procedure, type;
  uint32_t serial;
  int32_t status;
  const void *payload;          /* borrowed for the call */
  size_t len;
  const int *fds;               /* borrowed; dup what is kept */
  uint32_t fd_count;
};

/* The driver's half of a stream.  All hooks run on the client's loop thread
 * and never block.
 */
struct virgate_stream_ops {
  uint32_t size;                /* sizeof this structure, as built */

  /* Fill buf with data for the client.  *hole, when set, announces a hole of
   * that many bytes instead (only where the client asked for holes).
   * Returns bytes, 0 at the end of data, VIRGATE_AGAIN (stream_ready later),
   * or -1 after stream_error.  NULL: nothing to send.
   */
  ssize_t (*read) (void *opaque, void *buf, size_t len, int64_t *hole);

  /* Take data from the client.  Returns bytes taken (at least one),
   * VIRGATE_AGAIN, or -1 after stream_error.  NULL: data are refused.
   */
  ssize_t (*write) (void *opaque, const void *buf, size_t len);

  /* Take a hole of len bytes from the client: 0, or -1 after stream_error.
   * NULL: holes are refused.
   */
  int (*write_hole) (void *opaque, int64_t len);

  /* The client is done and wants confirmation: 0, or -1 after
   * stream_error.  NULL: confirmed.
   */
  int (*finish) (void *opaque);

  /* The stream is over, for whatever reason; free opaque.  Called once. */
  void (*close) (void *opaque);
};

/* A gateway's connection onward: its frames arrive on the loop thread of the
 * client that it belongs to, and all hooks run there.  Keepalive is the
 * engine's and never arrives.
 */
struct virgate_link_ops {
  uint32_t size;                /* sizeof this structure, as built */

  /* Take a frame.  Returns 0, VIRGATE_AGAIN (it was not taken; link_resume
   * later), or -1 (the far side broke the rules: the link is closed).
   */
  int (*frame) (void *opaque, const struct virgate_frame *frame);
  void (*writable) (void *opaque); /* link_send may succeed again */

  /* The link is gone, for whatever reason but link_close and the client's
   * end; why is borrowed.  Nothing can be sent any more.
   */
  void (*closed) (void *opaque, const struct virgate_error *why);
};

enum virgate_link_flags {
  VIRGATE_LINK_IDENTITY = 1,    /* tell the far side who the client is */
  VIRGATE_LINK_IDENTITY_REQUIRED = 2 /* and fail when it does not listen */
};

/* Why link_open failed. */
struct virgate_link_failure {
  uint32_t size;                /* sizeof this structure, as built */
  uint32_t is_refusal;          /* the far side is well, and said no */
  char text[256];
};

/* Where a link leads. */
struct virgate_link_options {
  uint32_t size;                /* sizeof this structure, as built */
  uint32_t flags;               /* enum virgate_link_flags */
  const char *uri;              /* its transport is that of `transport` */
  const char *name;             /* to open there; NULL: what the URI says */
  int64_t deadline;             /* monotonic nanoseconds */
  const struct virgate_transport *transport; /* of host->lower */
  struct virgate_link_failure *failure; /* filled in on failure; or NULL */
  const char *auth_file;        /* private file of credentials, in the form of
                                   libvirt's auth.conf; NULL: those that
                                   libvirt's own clients read */
};

struct virgate_driver_services {
  uint32_t size;

  /* About the client; all borrowed, valid until close returns.  Any thread. */
  const struct virgate_peer *(*client_peer) (struct virgate_client *client);
  const struct virgate_identity *(*client_identity)
    (struct virgate_client *client);
  int (*client_is_read_only) (struct virgate_client *client);

  /* Send an event: msg is the procedure's struct ..._msg, copied before the
   * return.  Events of one thread arrive in order, after the reply of the
   * call that is being handled.  A client that does not read its events is
   * closed in the end; nothing here waits.  Any thread.
   * Returns 0, or -1 when the client is going or memory is exhausted.
   */
  int (*client_event) (struct virgate_client *client, uint32_t program,
                       int32_t procedure, const void *msg);

  /* The hypervisor connection behind the client is gone: tell it through its
   * close callback (reason: libvirt's virConnectCloseReason).  Any thread.
   */
  void (*client_gone) (struct virgate_client *client, int32_t reason);

  /* Zeroed memory that lives as long as the call.  NULL: none left.  The
   * thread that handles the call.
   */
  void *(*call_alloc) (struct virgate_call *call, size_t len);

  /* The reason for the -1 that follows.  The message that the client reads
   * is libvirt's own template for the code with the text in it, as libvirt
   * builds it; NULL fmt: the template for no text.  Always returns -1.
   */
  int (*call_error) (struct virgate_call *call, int32_t code, int32_t domain,
                     const char *fmt, ...) VIRGATE_PRINTF (4, 5);
  /* The same with a complete record, copied as it is. */
  int (*call_error_record) (struct virgate_call *call,
                            const struct virgate_error *error);

  /* Whose call it is.  Borrowed, valid until close returns. */
  struct virgate_client *(*call_client) (struct virgate_call *call);

  /* Descriptors that came with the call: borrowed, dup what is kept. */
  uint32_t (*call_fds) (struct virgate_call *call, const int **fds);
  /* Send a copy of a descriptor with the reply.  0, or -1 after the error
   * was set (transport without descriptors, more than 32).
   */
  int (*call_send_fd) (struct virgate_call *call, int fd);

  /* Finish a call whose handler returned VIRGATE_LATER: result is what the
   * handler would have returned.  Any thread, exactly once.
   */
  void (*call_done) (struct virgate_call *call, int result);

  /* Open the stream of this call (its procedure is one that has a stream).
   * It starts once the call's reply was sent without an error; when the call
   * fails, ops->close is called.  sparse: the client understands holes.
   * Returns it, or NULL after the error was set (then close is not called).
   */
  struct virgate_stream *(*call_stream) (struct virgate_call *call,
                                         const struct virgate_stream_ops *ops,
                                         void *opaque, int sparse);
  /* Data or room after VIRGATE_AGAIN.  Any thread until ops->close. */
  void (*stream_ready) (struct virgate_stream *stream);
  /* The reason for the -1 that follows.  Always returns -1. */
  int (*stream_error) (struct virgate_stream *stream, int32_t code,
                       int32_t domain, const char *fmt, ...)
    VIRGATE_PRINTF (4, 5);

  /* Gateways. -------------------------------------------------------------- */

  /* Send a frame to the client as it is.  Returns 0, AGAIN (it was not sent;
   * ops->writable of the driver follows), or -1 when it is none that a client
   * may get: a reply that nothing asked for, or a payload that the tables do
   * not know (logged).  Loop thread of the client.
   */
  int (*client_send) (struct virgate_client *client,
                      const struct virgate_frame *frame);
  /* Read from the client again after ops->frame returned AGAIN.  Loop thread
   * of the client.
   */
  void (*client_resume) (struct virgate_client *client);

  /* Connect onward, authenticate, open a connection there, read-only if the
   * client's is to be.  Blocks until the deadline: from open only.  Frames
   * come once open has returned 0.  A client has one link.  NULL after
   * call_error.
   */
  struct virgate_link *(*link_open) (struct virgate_call *call,
                                     const struct virgate_link_options *where,
                                     const struct virgate_link_ops *ops,
                                     void *opaque);
  /* Send a frame onward.  Returns 0, AGAIN (it was not sent; ops->writable of
   * the link follows), or -1 when the link is closed.  Loop thread.
   */
  int (*link_send) (struct virgate_link *link,
                    const struct virgate_frame *frame);
  /* Read from the link again after its ops->frame returned AGAIN.  Loop
   * thread.
   */
  void (*link_resume) (struct virgate_link *link);
  /* Free it; from open when that fails, and from close.  NULL is fine. */
  void (*link_close) (struct virgate_link *link);

  /* What answered for this client is gone: its calls under way, its streams
   * and all later calls fail with this error (copied), and its close callback
   * is told (reason: virConnectCloseReason).  Loop thread of the client.
   */
  void (*client_lost) (struct virgate_client *client,
                       const struct virgate_error *why, int32_t reason);

  /* Could link_open go there, as far as uri and transport tell?  For ready.
   * Returns 0, or -1 with the reason in where->failure.
   */
  int (*link_check) (const struct virgate_link_options *where);
};

struct virgate_driver_ops {
  /* Open a connection.
   *
   * name       what the client asked for, already checked: a plain
   *            driver:///path name, or "" when it named none (probe)
   * read_only  calls that change something never arrive
   *
   * Returns 0 and *conn, VIRGATE_DECLINED, or -1 after call_error.  Worker
   * thread: may block.
   */
  int (*open) (void *inst, struct virgate_call *call, const char *name,
               int read_only, void **conn);

  /* The client is gone or closed; no handler of it is running and none
   * follows, and no event may be sent from now on.  Worker thread.  NULL:
   * nothing to free.
   */
  void (*close) (void *conn);

  const struct virgate_handler *handlers; /* NULL when frame is set */

  /* A gateway: takes every call that dispatch let pass (checked, permitted)
   * and what belongs to the streams that they opened; whoever takes a call
   * sends its reply with client_send.  Opening, closing and authentication
   * are the daemon's.  Loop thread; never blocks.  Returns 0, AGAIN (the frame
   * was not taken; client_resume later), or -1 (the client is closed).
   */
  int (*frame) (void *conn, const struct virgate_frame *frame);
  void (*writable) (void *conn); /* client_send may succeed again */
};

#ifdef __cplusplus
}
#endif

#endif /* VIRGATE_DRIVER_H */
