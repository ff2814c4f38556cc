/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Security layers: however the sealed bytes are cut, the plain ones come out
 * whole; what is written counts once its packet is gone; no buffer is left on
 * a connection that is idle.
 */
#include "config.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include "common/buf.h"
#include "common/mem.h"
#include "core/layer.h"

#define PLAIN_MAX 2048
#define KEY 0x5a

/* The module: a length word, then the bytes, each changed. */
struct conv {
  struct buf sealed, opened;
  size_t plain_max;
  uint32_t bits;
  unsigned freed, wraps;
};

static size_t
conv_layer (void *opaque)
{
  return ((struct conv *) opaque)->plain_max;
}

static uint32_t
conv_bits (void *opaque)
{
  return ((struct conv *) opaque)->bits;
}

static void
append (struct buf *to, const char *from, size_t len)
{
  for (size_t i = 0; i < len; i++) {
    const char c = from[i] ^ KEY;

    assert_int_equal (buf_append (to, &c, 1), 0);
  }
}

static int
conv_wrap (void *opaque, const void *in, size_t len,
           struct virgate_auth_data *out)
{
  struct conv *conv = opaque;
  uint32_t word = htobe32 (len);

  assert_in_range (len, 1, PLAIN_MAX);
  conv->wraps++;
  buf_free (&conv->sealed);
  assert_int_equal (buf_append (&conv->sealed, &word, 4), 0);
  append (&conv->sealed, in, len);
  *out = (struct virgate_auth_data) { buf_data (&conv->sealed), len + 4 };
  return 0;
}

static int
conv_unwrap (void *opaque, const void *in, size_t len, size_t *consumed,
             struct virgate_auth_data *out)
{
  struct conv *conv = opaque;
  uint32_t word;

  buf_free (&conv->opened);
  for (*consumed = 0; len - *consumed >= 4; *consumed += 4 + word) {
    const char *at = (const char *) in + *consumed;

    memcpy (&word, at, 4);
    word = be32toh (word);
    if (word > 2 * PLAIN_MAX)
      return -1;
    if (word > len - *consumed - 4)
      break;
    append (&conv->opened, at + 4, word);
  }
  *out = (struct virgate_auth_data) { buf_data (&conv->opened),
                                      buf_len (&conv->opened) };
  return 0;
}

static void
conv_free (void *opaque)
{
  struct conv *conv = opaque;

  conv->freed++;
  buf_free (&conv->sealed);
  buf_free (&conv->opened);
}

static const struct virgate_auth_ops auth = {
  .layer = conv_layer, .wrap = conv_wrap, .unwrap = conv_unwrap,
  .conv_free = conv_free, .layer_bits = conv_bits,
};

/* The transport below: what is written can be read. */
struct pipe {
  struct buf bytes;
  size_t chunk, room;
  bool is_closed;
};

static ssize_t
pipe_readv (void *opaque, const struct iovec *iov, int iovcnt,
            struct virgate_fds *fds)
{
  struct pipe *p = opaque;
  size_t n = MIN_OF (MIN_OF (p->chunk, iov[0].iov_len), buf_len (&p->bytes));

  assert_null (fds);
  if (n == 0)
    return VIRGATE_IO_WANT_READ;
  memcpy (iov[0].iov_base, buf_data (&p->bytes), n);
  buf_consume (&p->bytes, n);
  return n;
}

static ssize_t
pipe_writev (void *opaque, const struct iovec *iov, int iovcnt,
             const struct virgate_fds *fds)
{
  struct pipe *p = opaque;
  size_t n = MIN_OF (p->room, iov[0].iov_len);

  assert_null (fds);
  if (n == 0)
    return VIRGATE_IO_WANT_WRITE;
  assert_int_equal (buf_append (&p->bytes, iov[0].iov_base, n), 0);
  p->room -= n;
  return n;
}

static int
pipe_pollfd (void *opaque)
{
  return 7;
}

static void
pipe_close (void *opaque)
{
  ((struct pipe *) opaque)->is_closed = true;
}

static const struct virgate_transport_ops pipe_ops = {
  .caps = VIRGATE_CAP_LOCAL | VIRGATE_CAP_PASSES_FDS | VIRGATE_CAP_DUPLEX,
  .readv = pipe_readv, .writev = pipe_writev, .pollfd = pipe_pollfd,
  .close = pipe_close,
};

struct fixture {
  struct conv conv;
  struct pipe pipe;
  const struct virgate_transport_ops *ops;
  void *conn;
};

static void
begin (struct fixture *f, uint32_t bits)
{
  struct layer *layer;

  *f = (struct fixture) { .conv = { .plain_max = PLAIN_MAX, .bits = bits },
                          .pipe = { .chunk = SIZE_MAX, .room = SIZE_MAX },
                          .ops = &pipe_ops };
  f->conn = &f->pipe;
  layer = layer_new (&auth, &f->conv);
  assert_non_null (layer);
  layer_begin (layer, &f->ops, &f->conn);
}

static void
end (struct fixture *f)
{
  f->ops->close (f->conn);
  assert_true (f->pipe.is_closed);
  assert_int_equal (f->conv.freed, 1);
  buf_free (&f->pipe.bytes);
}

static char text[100 * 1024], got[sizeof text];

static void
fill_text (void)
{
  for (size_t i = 0; i < sizeof text; i++)
    text[i] = (char) (i * 7 + i / 251);
}

/* Read all, with ROOM for each read. */
static void
read_all (struct fixture *f, size_t want, size_t room)
{
  size_t have = 0;

  while (have < want) {
    struct iovec iov = { got + have, MIN_OF (room, sizeof got - have) };
    ssize_t n = f->ops->readv (f->conn, &iov, 1, NULL);

    assert_true (n > 0);
    have += n;
  }
  assert_int_equal (have, want);
  assert_memory_equal (got, text, want);
}

static void
bytes_pass_however_they_are_cut (void **state)
{
  static const size_t chunks[] = { 1, 3, 4, 5, 2051, 2052, 2053, 70000 };
  static const size_t rooms[] = { 1, 100, 65535, 65536, sizeof text };

  fill_text ();
  for (size_t c = 0; c < COUNT_OF (chunks); c++)
    for (size_t r = 0; r < COUNT_OF (rooms); r++) {
      struct iovec iov = { text, sizeof text };
      struct fixture f;

      begin (&f, 256);
      assert_int_equal (f.ops->writev (f.conn, &iov, 1, NULL), sizeof text);
      f.pipe.chunk = chunks[c];
      read_all (&f, sizeof text, rooms[r]);
      assert_int_equal (f.ops->pending (f.conn), 0);
      end (&f);
    }
}

static void
pending_says_what_is_opened_and_not_read (void **state)
{
  struct iovec iov = { text, 1000 };
  struct fixture f;

  begin (&f, 256);
  assert_int_equal (f.ops->writev (f.conn, &iov, 1, NULL), 1000);
  iov = (struct iovec) { got, 10 };
  assert_int_equal (f.ops->readv (f.conn, &iov, 1, NULL), 10);
  assert_int_equal (f.ops->pending (f.conn), 990);
  end (&f);
}

/* A packet that is half gone counts when it is gone, and is sealed once. */
static void
writes_count_once_their_packet_is_gone (void **state)
{
  struct iovec iov = { text, 3 * PLAIN_MAX };
  struct fixture f;

  fill_text ();
  begin (&f, 256);
  f.pipe.room = 4 + PLAIN_MAX + 100;
  assert_int_equal (f.ops->writev (f.conn, &iov, 1, NULL), PLAIN_MAX);
  iov = (struct iovec) { text + PLAIN_MAX, PLAIN_MAX };
  assert_int_equal (f.ops->writev (f.conn, &iov, 1, NULL),
                    VIRGATE_IO_WANT_WRITE);
  f.pipe.room = 10;
  assert_int_equal (f.ops->writev (f.conn, &iov, 1, NULL),
                    VIRGATE_IO_WANT_WRITE);
  f.pipe.room = SIZE_MAX;
  iov.iov_len = 2 * PLAIN_MAX;  /* more was appended meanwhile */
  assert_int_equal (f.ops->writev (f.conn, &iov, 1, NULL), 2 * PLAIN_MAX);
  assert_int_equal (f.conv.wraps, 3);
  read_all (&f, 3 * PLAIN_MAX, sizeof text);
  end (&f);
}

static void
hostile_packets_are_an_error (void **state)
{
  static const char huge[] = "\xff\xff\xff\xff" "xxxx";
  struct iovec iov = { got, sizeof got };
  struct fixture f;

  begin (&f, 256);
  assert_int_equal (buf_append (&f.pipe.bytes, huge, 8), 0);
  errno = 0;
  assert_int_equal (f.ops->readv (f.conn, &iov, 1, NULL), VIRGATE_IO_ERROR);
  assert_int_equal (errno, EPROTO);
  end (&f);
}

static void
descriptors_do_not_pass (void **state)
{
  struct virgate_fds fds = { 1, { 0 } };
  struct iovec iov = { text, 1 };
  struct fixture f;

  begin (&f, 256);
  assert_int_equal (f.ops->conn_caps (f.conn),
                    VIRGATE_CAP_LOCAL | VIRGATE_CAP_ENCRYPTED);
  assert_int_equal (f.ops->writev (f.conn, &iov, 1, &fds), VIRGATE_IO_ERROR);
  assert_int_equal (f.ops->pollfd (f.conn), 7);
  end (&f);
  begin (&f, 1);                /* from changes only */
  assert_int_equal (f.ops->conn_caps (f.conn), VIRGATE_CAP_LOCAL);
  end (&f);
}

static void
tiny_packets_are_no_layer (void **state)
{
  struct conv conv = { .plain_max = LAYER_PLAIN_MIN - 1, .bits = 256 };

  assert_true (layer_is_wanted (&auth, &conv));
  assert_null (layer_new (&auth, &conv));
  assert_int_equal (conv.freed, 0);
  conv.plain_max = 0;
  assert_false (layer_is_wanted (&auth, &conv));
  layer_free (NULL);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (bytes_pass_however_they_are_cut),
    cmocka_unit_test (pending_says_what_is_opened_and_not_read),
    cmocka_unit_test (writes_count_once_their_packet_is_gone),
    cmocka_unit_test (hostile_packets_are_an_error),
    cmocka_unit_test (descriptors_do_not_pass),
    cmocka_unit_test (tiny_packets_are_no_layer),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
