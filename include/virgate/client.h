/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libvirgate: a client of libvirt's remote protocol, synchronous and
 * asynchronous.  One typed function for each procedure is in calls.h, the
 * structures in remote.h, qemu.h, lxc.h and admin.h.
 *
 * The library never exits, prints, installs signal handlers or keeps state
 * outside its handles, but for each thread's last error.  A handle that is
 * NULL, freed or corrupt aborts the program at once with the function's name.
 *
 * Threads: any number of threads may make calls on one connection; each call
 * blocks its own thread only.  virgate_conn_free must be the last use.
 */
#ifndef VIRGATE_CLIENT_H
#define VIRGATE_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include <virgate/error.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define VIRGATE_PUBLIC __attribute__ ((visibility ("default")))
#else
#define VIRGATE_PUBLIC
#endif

struct virgate_conn;
struct virgate_client_stream;

/* Errors -------------------------------------------------------------------*/

/* The calling thread's last error, valid until its next call into the
 * library.  Never NULL; code 0 when there was none.  Errors of the server
 * arrive unchanged; the library's own have domain VIRGATE_FROM_RPC or
 * VIRGATE_FROM_REMOTE.
 */
VIRGATE_PUBLIC const struct virgate_error *virgate_last_error (void);

/* A copy that outlives the next call; free with virgate_error_free. */
VIRGATE_PUBLIC struct virgate_error *
virgate_error_copy (const struct virgate_error *error);
VIRGATE_PUBLIC void virgate_error_free (struct virgate_error *error);

/* Connecting ---------------------------------------------------------------*/

enum virgate_connect_flags {
  VIRGATE_CONNECT_READ_ONLY = 1,
  VIRGATE_CONNECT_NO_OPEN = 2   /* authenticate only; the caller opens */
};

/* Supply a credential: kind is enum virgate_credential (host.h), prompt what
 * to ask, challenge what the server sent, NULL if nothing.  Returns 0 and
 * *result (malloc'ed; the library wipes and frees it), or 1 for none.  The
 * connecting thread.
 */
typedef int virgate_credential_fn (void *opaque, int kind, const char *prompt,
                                   const char *challenge, char **result);

struct virgate_connect_options {
  size_t size;                  /* sizeof this structure */
  uint32_t flags;               /* enum virgate_connect_flags */
  int32_t connect_timeout_ms;   /* connect, handshake, auth and open together;
                                   -1: no limit; 0: connect-timeout of the
                                   client config, 15 s */
  int32_t call_timeout_ms;      /* each call; 0 and -1: no limit */
  int32_t keepalive_interval_ms; /* -1: none; 0: 5 s from the first step on:
                                   a program that never steps could not answer
                                   the server's own pings while it is idle;
                                   others: at once */
  int32_t keepalive_count;      /* unanswered pings before the end; 0: 6 */
  virgate_credential_fn *credential; /* NULL: from files only */
  void *credential_opaque;
  const char *config_file;      /* NULL: the default places */
  const char *module_dir;       /* NULL: the installed one */
};

/* Connect, authenticate and open.
 *
 * uri      libvirt's form, or an alias of the client config; NULL: the
 *          default (VIRGATE_DEFAULT_URI, LIBVIRT_DEFAULT_URI, the config)
 * options  NULL: all defaults
 *
 * Returns the connection, which the caller frees with virgate_conn_free; NULL
 * on error (see virgate_last_error), never later than connect_timeout_ms.
 */
VIRGATE_PUBLIC struct virgate_conn *
virgate_connect (const char *uri,
                 const struct virgate_connect_options *options);

/* Connect and say nothing: pass the bytes of another program's conversation
 * between two descriptors and the far side, by whatever transport the URI
 * names.  Each end is passed on when what came before it has been; both
 * descriptors may be the same socket.
 *
 * uri, options  as in virgate_connect; read-only chooses the far side's socket
 *               where the transport can, and says nothing to the server
 * in_fd         read from; stays open
 * out_fd        written to; closed, after its socket was shut down for writing
 * far_ended     called when the far side has ended and out_fd is closed, while
 *               in_fd may still bring something; NULL: nothing
 *
 * Returns 0 once both directions have ended, or, when nobody reads out_fd any
 * more, all of in_fd has been sent; -1 with the error set.  Blocks.  Writing
 * to a pipe that nobody reads raises SIGPIPE, which the program should ignore.
 */
VIRGATE_PUBLIC int
virgate_relay (const char *uri,
               const struct virgate_connect_options *options,
               int in_fd, int out_fd, void (*far_ended) (void *opaque),
               void *opaque);

/* The hosts behind a name: an alias of the client config with several words
 * ("[alias]" "all = host1 host2") stands for each of them, in order, and they
 * may be such aliases again; any other name, an alias of one host included,
 * stands for itself.
 *
 * name         a URI or an alias; NULL: the default
 * config_file  as in struct virgate_connect_options
 * names        out; NULL-terminated, one allocation, virgate_free; every one
 *              is good for virgate_connect
 *
 * Returns how many, at least 1, or -1 with the error set.
 */
VIRGATE_PUBLIC int virgate_expand_alias (const char *name,
                                         const char *config_file,
                                         char ***names);

/* Close in an orderly way (connect_close is sent, its reply not waited for
 * longer than a second) and free.  Pending calls fail.  NULL is fine here.
 */
VIRGATE_PUBLIC void virgate_conn_free (struct virgate_conn *conn);

/* The URI as it was understood (borrowed). */
VIRGATE_PUBLIC const char *virgate_conn_uri (struct virgate_conn *conn);

/* 1 while the connection works, 0 once it ended. */
VIRGATE_PUBLIC int virgate_conn_is_alive (struct virgate_conn *conn);

/* 1 when nobody between could read or change what passes. */
VIRGATE_PUBLIC int virgate_conn_is_secure (struct virgate_conn *conn);

/* Ping and wait for the pong.  timeout_ms -1: call_timeout_ms.
 * Returns microseconds, or -1.
 */
VIRGATE_PUBLIC int64_t virgate_ping (struct virgate_conn *conn,
                                     int32_t timeout_ms);

/* The calling thread's deadline for each of its calls from now on, in
 * milliseconds; 0: call_timeout_ms of the connection; -1: none.
 */
VIRGATE_PUBLIC void virgate_set_call_timeout (struct virgate_conn *conn,
                                              int32_t timeout_ms);

/* Calls --------------------------------------------------------------------*/

/* Call any procedure; what the typed functions of calls.h do.
 *
 * args  the procedure's struct ..._args, NULL when it has none
 * ret   out; one allocation holding struct ..._ret and all that it points to,
 *       owned by the caller, virgate_free; untouched on error; NULL: ignored
 *
 * Returns 0, or -1 with the error set.
 */
VIRGATE_PUBLIC int virgate_call (struct virgate_conn *conn, uint32_t program,
                                 int32_t procedure, const void *args,
                                 void **ret);

/* As virgate_call, with descriptors: fds are sent (borrowed); those that came
 * back are put into *ret_fds (malloc'ed array, caller closes and frees).
 */
VIRGATE_PUBLIC int
virgate_call_fds (struct virgate_conn *conn, uint32_t program,
                  int32_t procedure, const void *args, void **ret,
                  const int *fds, uint32_t count,
                  int **ret_fds, uint32_t *ret_count);

/* Free what a call or an event handed out.  NULL is fine. */
VIRGATE_PUBLIC void virgate_free (void *ret);

/* Asynchronous calls -------------------------------------------------------*/

/* The outcome of a call: error NULL and ret (owned by the callback,
 * virgate_free), or error (borrowed) and ret NULL.  Runs in the thread that
 * steps the connection, or that waits on it for something else, or in
 * virgate_cancel.  May make asynchronous calls, which are sent together when
 * it has returned; not synchronous ones, and may not free the connection.
 */
typedef void virgate_reply_fn (void *opaque, void *ret,
                               const struct virgate_error *error);

/* Start a call and return at once.
 *
 * timeout_ms  0: call_timeout_ms of the connection; -1: none
 * done        NULL: the outcome does not matter
 *
 * Returns a positive id for virgate_cancel, or -1; the callback then never
 * runs.  Otherwise it runs exactly once.
 */
VIRGATE_PUBLIC int64_t
virgate_call_async (struct virgate_conn *conn, uint32_t program,
                    int32_t procedure, const void *args, int32_t timeout_ms,
                    virgate_reply_fn *done, void *opaque);

/* Give up waiting for a call: its callback runs now, with an error; the
 * server may still carry it out.  Returns 1 if it was pending, else 0.
 */
VIRGATE_PUBLIC int virgate_cancel (struct virgate_conn *conn, int64_t id);

/* To be driven by any event loop: wait until the descriptor has one of the
 * wanted events (POLLIN, POLLOUT) or the timeout passed, then step.
 * timeout_ms -1: none.  While one thread steps, others may make calls.
 */
VIRGATE_PUBLIC int virgate_conn_fd (struct virgate_conn *conn);
VIRGATE_PUBLIC short virgate_conn_events (struct virgate_conn *conn);
VIRGATE_PUBLIC int virgate_conn_timeout_ms (struct virgate_conn *conn);

/* Do what can be done without waiting: read, write, run callbacks, keep
 * alive, end calls whose time is up.  Returns 0, or -1 when the connection
 * has ended; every callback has run by then.
 */
VIRGATE_PUBLIC int virgate_conn_step (struct virgate_conn *conn);

/* Wait, at most timeout_ms (-1: for ever), and step once: a loop for programs
 * that have none.  Returns as virgate_conn_step.
 */
VIRGATE_PUBLIC int virgate_conn_wait (struct virgate_conn *conn,
                                      int32_t timeout_ms);

/* Events -------------------------------------------------------------------*/

/* An event: msg is struct virgate_PROGRAM_PROCEDURE_msg, borrowed for the
 * call.  Runs in the thread that steps the connection, or that waits for a
 * reply on it; what virgate_reply_fn may not do, it may not do either.
 */
typedef void virgate_event_fn (void *opaque, uint32_t program,
                               int32_t procedure, const void *msg);

/* One function gets all events of a connection; NULL: none.  Which events the
 * server sends is asked for by the protocol's own register procedures.
 */
VIRGATE_PUBLIC void virgate_set_event_fn (struct virgate_conn *conn,
                                          virgate_event_fn *fn, void *opaque);

/* Called once when the connection ends other than by virgate_conn_free. */
typedef void virgate_closed_fn (void *opaque,
                                const struct virgate_error *why);
VIRGATE_PUBLIC void virgate_set_closed_fn (struct virgate_conn *conn,
                                           virgate_closed_fn *fn,
                                           void *opaque);

/* Streams ------------------------------------------------------------------*/

/* Call a procedure that opens a stream; args and ret as in virgate_call.
 * Returns it, which the caller frees with virgate_stream_free, or NULL with
 * the error set.  Threads: one may read it while another writes or finishes
 * it, and nobody does while it is freed.
 */
VIRGATE_PUBLIC struct virgate_client_stream *
virgate_stream_open (struct virgate_conn *conn, uint32_t program,
                     int32_t procedure, const void *args, void **ret);

/* Read data; waits at most timeout_ms (-1: for ever).  *hole is set to the
 * length of a hole, in which case 0 bytes are returned; NULL: holes are
 * filled with zeroes.  Returns bytes, 0 at the end, -1 on error, -2 when
 * nothing came in time.
 */
VIRGATE_PUBLIC int64_t
virgate_stream_read (struct virgate_client_stream *stream, void *buf,
                     size_t len, int64_t *hole, int32_t timeout_ms);

/* Write all of buf, or a hole of len bytes, of which the server is told rather
 * than sent zeroes.  Each piece that needs room waits for it no longer than a
 * call may take.  Returns 0, or -1 with the error set: how much was sent is
 * then not known.
 */
VIRGATE_PUBLIC int
virgate_stream_write (struct virgate_client_stream *stream, const void *buf,
                      size_t len);
VIRGATE_PUBLIC int
virgate_stream_write_hole (struct virgate_client_stream *stream, int64_t len);

/* Finish and wait for the server's word that all arrived, no longer than a
 * call may take.  0, or -1 with the error set.
 */
VIRGATE_PUBLIC int
virgate_stream_finish (struct virgate_client_stream *stream);

/* Free; a stream that was not finished is aborted.  NULL is fine. */
VIRGATE_PUBLIC void
virgate_stream_free (struct virgate_client_stream *stream);

/* About procedures ----------------------------------------------------------*/

/* What the protocol table says of a procedure. */
struct virgate_procedure {
  uint32_t program;
  int32_t number;
  const char *program_name;     /* "remote" */
  const char *name;             /* "domain_get_info" */
  uint32_t is_event;
  uint32_t is_denied_read_only;
  uint32_t has_stream;
  uint32_t passes_fds;
};

/* Walk the table: the n-th procedure, 0 on success, -1 past the end. */
VIRGATE_PUBLIC int virgate_procedure_at (uint32_t n,
                                         struct virgate_procedure *proc);
/* By name: "domain_get_info", or "qemu.domain_monitor_command".  0, or -1 with
 * the error set when there is none.
 */
VIRGATE_PUBLIC int virgate_procedure_find (const char *name,
                                           struct virgate_procedure *proc);

/* Arguments and results as JSON objects, field names as libvirt's: what
 * `virgate call` uses.  UUIDs are written as usual, opaque data in
 * hexadecimal, a typed parameter's value as {"type": "uint", "value": 3}; an
 * optional field may be null or left out, and flags left out are 0.  Not for
 * procedures that open streams.  args_json NULL or "" is {}; *ret_json is
 * malloc'ed (virgate_free).  Returns 0 or -1.
 */
VIRGATE_PUBLIC int
virgate_call_json (struct virgate_conn *conn, const char *name,
                   const char *args_json, char **ret_json);

/* Version of the library, "0.1.0". */
VIRGATE_PUBLIC const char *virgate_version (void);

#ifdef __cplusplus
}
#endif

#endif /* VIRGATE_CLIENT_H */
