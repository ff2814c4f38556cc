/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Records that go.  Each buffer of a caller's gets records of its own (see
 * VIRGATE_CAP_RECORDS), and those of one call go down by one write.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "common/mem.h"
#include "conn.h"

/* A record's text, and what TLS adds, to it or before it, at most. */
#define RECORD_MAX 16384
#define RECORD_EXTRA 512

/* Room for two long records, or for hundreds of short ones. */
struct batch {
  size_t len;
  char bytes[2 * (RECORD_MAX + RECORD_EXTRA)];
};

/* Downwards -----------------------------------------------------------------*/

static ssize_t
lower_write (struct tls_conn *conn, const struct iovec *iov, int iovcnt)
{
  return conn->tls->lower->ops->writev (conn->lower, iov, iovcnt, NULL);
}

/* Send what did not fit the last time: 0 when all is gone. */
static ssize_t
send_unsent (struct tls_conn *conn)
{
  while (buf_len (&conn->unsent) > 0) {
    const struct iovec iov = { buf_data (&conn->unsent),
                               buf_len (&conn->unsent) };
    ssize_t n = lower_write (conn, &iov, 1);

    if (n <= 0)
      return n < 0 ? n : VIRGATE_IO_WANT_WRITE;
    buf_consume (&conn->unsent, n);
  }
  buf_free (&conn->unsent);
  return 0;
}

static ssize_t
batch_add (struct tls_conn *conn, const giovec_t *iov, int iovcnt)
{
  struct batch *batch = conn->batch;
  size_t len = 0;

  for (int i = 0; i < iovcnt; i++)
    len += iov[i].iov_len;
  if (len > sizeof batch->bytes - batch->len)
    return tls_lower_result (conn, VIRGATE_IO_WANT_WRITE);
  for (int i = 0; i < iovcnt; i++) {
    memcpy (batch->bytes + batch->len, iov[i].iov_base, iov[i].iov_len);
    batch->len += iov[i].iov_len;
  }
  return len;
}

/* Also what GnuTLS has to say by itself comes here: behind what waits. */
ssize_t
tls_push (gnutls_transport_ptr_t ptr, const giovec_t *iov, int iovcnt)
{
  struct tls_conn *conn = ptr;
  ssize_t n;

  if (conn->batch)
    return batch_add (conn, iov, iovcnt);
  n = send_unsent (conn);
  return tls_lower_result (conn, n < 0 ? n : lower_write (conn, iov, iovcnt));
}

/* From the caller -----------------------------------------------------------*/

/* The end of what is read, which may be why, is none of what is written. */
static ssize_t
write_failed (struct tls_conn *conn, int r)
{
  ssize_t n = tls_record_failed (conn, r);

  if (n < 0)
    return n;
  errno = EPIPE;
  return VIRGATE_IO_ERROR;
}

/* Make records of as much as there is room for: how many bytes that was, or
 * GnuTLS's error.
 */
static ssize_t
fill_batch (struct tls_conn *conn, const struct iovec *iov, int iovcnt)
{
  const struct batch *batch = conn->batch;
  size_t total = 0;

  for (int i = 0; i < iovcnt; i++)
    for (size_t at = 0; at < iov[i].iov_len; ) {
      size_t len = MIN_OF (iov[i].iov_len - at, RECORD_MAX);
      ssize_t n;

      if (len + RECORD_EXTRA > sizeof batch->bytes - batch->len)
        return total;
      n = gnutls_record_send (conn->session,
                              (const char *) iov[i].iov_base + at, len);
      if (n < 0)
        return n;
      total += n;
      at += n;
    }
  return total;
}

/* What does not fit below is kept, and then the caller is told nothing of it
 * until it is gone: he must come back, with the same bytes.
 */
static ssize_t
write_batch (struct tls_conn *conn, const struct iovec *iov, int iovcnt)
{
  struct batch batch;
  struct iovec records = { batch.bytes, 0 };
  ssize_t total, n;

  batch.len = 0;
  conn->batch = &batch;
  total = fill_batch (conn, iov, iovcnt);
  conn->batch = NULL;
  if (total < 0)
    return write_failed (conn, total);
  records.iov_len = batch.len;
  n = lower_write (conn, &records, 1);
  if (n == VIRGATE_IO_ERROR || n == (ssize_t) batch.len)
    return n == VIRGATE_IO_ERROR ? n : total;
  if (buf_append (&conn->unsent, batch.bytes + MAX_OF (n, 0),
                  batch.len - MAX_OF (n, 0)) == -1)
    return VIRGATE_IO_ERROR;
  conn->owed = total;
  return n < 0 ? n : VIRGATE_IO_WANT_WRITE;
}

ssize_t
tls_writev (void *opaque, const struct iovec *iov, int iovcnt,
            const struct virgate_fds *fds)
{
  struct tls_conn *conn = opaque;
  ssize_t n = send_unsent (conn);

  if (n < 0)
    return n;
  if (conn->owed > 0) {
    n = conn->owed;
    conn->owed = 0;
    return n;
  }
  return write_batch (conn, iov, iovcnt);
}
