/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The wire: every way of cutting a byte stream gives the same frames, memory
 * follows the bytes and not the claims, no descriptor is lost or leaked.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"

#include "common/mem.h"
#include "core/wire.h"

struct seen {
  unsigned count;
  uint32_t serials[64];
  size_t lens[64];
  uint32_t fds;
  enum wire_verdict verdict;    /* what to answer */
  unsigned hold_at;             /* answer HOLD before this frame, once */
};

static enum wire_verdict
note (void *opaque, const struct frame *frame)
{
  struct seen *seen = opaque;

  if (seen->hold_at && seen->count + 1 == seen->hold_at) {
    seen->hold_at = 0;
    return WIRE_HOLD;
  }
  assert_true (seen->count < COUNT_OF (seen->serials));
  for (size_t i = 0; i < frame->len; i++)
    assert_int_equal ((unsigned char) frame->payload[i],
                      (unsigned char) (frame->head.serial + i));
  seen->serials[seen->count] = frame->head.serial;
  seen->lens[seen->count++] = frame->len;
  for (uint32_t i = 0; i < frame->fd_count; i++)
    assert_true (fcntl (frame->fds[i], F_GETFD) != -1);
  seen->fds += frame->fd_count;
  return seen->verdict;
}

static void
put (struct buf *out, uint32_t serial, size_t len)
{
  const struct frame_header head = { .type = FRAME_CALL, .serial = serial };
  ptrdiff_t mark = frame_begin (out, &head, 0);
  char *to = buf_reserve (out, len);

  for (size_t i = 0; i < len; i++)
    to[i] = (char) (serial + i);
  out->end += len;
  assert_int_equal (frame_end (out, mark), 0);
}

static void
any_cut_of_the_stream_gives_the_same_frames (void **state)
{
  static const size_t lens[] = { 0, 4, 1000, 0, 0, 12, 300, 8 };
  struct buf bytes = BUF_INIT;

  for (unsigned i = 0; i < COUNT_OF (lens); i++)
    put (&bytes, i, lens[i]);
  for (size_t step = 1; step <= buf_len (&bytes); step++) {
    struct seen seen = { .verdict = WIRE_NEXT };
    struct wire_in in;

    wire_in_init (&in, FRAME_LEN_MAX);
    for (size_t at = 0; at < buf_len (&bytes); at += step) {
      size_t n = MIN_OF (step, buf_len (&bytes) - at);
      char *copy = malloc (n);

      memcpy (copy, buf_data (&bytes) + at, n);
      assert_int_equal (wire_feed (&in, copy, n, NULL, note, &seen),
                        WIRE_NEXT);
      free (copy);
    }
    assert_int_equal (seen.count, COUNT_OF (lens));
    for (unsigned i = 0; i < seen.count; i++) {
      assert_int_equal (seen.serials[i], i);
      assert_int_equal (seen.lens[i], lens[i]);
    }
    assert_int_equal (wire_in_memory (&in), 0);
    wire_in_free (&in);
  }
  buf_free (&bytes);
}

static void
stop_and_hold_keep_the_rest_for_resume (void **state)
{
  struct seen seen = { .verdict = WIRE_STOP, .hold_at = 3 };
  struct buf bytes = BUF_INIT;
  struct wire_in in;
  unsigned rounds = 0;

  for (unsigned i = 0; i < 10; i++)
    put (&bytes, i, i);
  wire_in_init (&in, FRAME_LEN_MAX);
  assert_int_equal (wire_feed (&in, buf_data (&bytes), buf_len (&bytes), NULL,
                               note, &seen), WIRE_STOP);
  assert_int_equal (seen.count, 1);
  while (seen.count < 10 && rounds++ < 20)
    assert_int_equal (wire_resume (&in, note, &seen), WIRE_STOP);
  assert_int_equal (seen.count, 10);
  assert_int_equal (wire_resume (&in, note, &seen), WIRE_NEXT);
  assert_int_equal (wire_in_memory (&in), 0);
  wire_in_free (&in);
  buf_free (&bytes);
}

static void
memory_follows_the_bytes_and_not_the_claim (void **state)
{
  struct seen seen = { .verdict = WIRE_NEXT };
  char claim[] = { 2, 0, 0, 4, 0, 0 };
  struct wire_in in;

  wire_in_init (&in, FRAME_LEN_MAX);
  assert_int_equal (wire_feed (&in, claim, sizeof claim, NULL, note, &seen),
                    WIRE_NEXT);
  assert_true (wire_in_memory (&in) <= 4096);
  wire_in_free (&in);
}

static void
message_above_the_limit_breaks_at_its_first_word (void **state)
{
  struct seen seen = { .verdict = WIRE_NEXT };
  char word[] = { 0, 0, 16, 1 };
  struct wire_in in;

  wire_in_init (&in, 4096);
  assert_int_equal (wire_feed (&in, word, 4, NULL, note, &seen), WIRE_BROKEN);
  assert_int_equal (errno, EMSGSIZE);
  wire_in_free (&in);
}

static void
large_frame_is_read_in_place (void **state)
{
  struct seen seen = { .verdict = WIRE_NEXT };
  struct buf bytes = BUF_INIT;
  struct wire_in in;
  size_t at = 40000;

  put (&bytes, 7, 1000000);
  put (&bytes, 8, 4);
  wire_in_init (&in, FRAME_LEN_MAX);
  assert_int_equal (wire_feed (&in, buf_data (&bytes), at, NULL, note, &seen),
                    WIRE_NEXT);
  while (seen.count == 0) {
    size_t room;
    char *to = wire_inside (&in, &room);

    assert_non_null (to);
    assert_true (room <= at);
    room = MIN_OF (room, (size_t) 65536);
    memcpy (to, buf_data (&bytes) + at, room);
    at += room;
    assert_int_equal (wire_feed_inside (&in, room, note, &seen), WIRE_NEXT);
  }
  assert_int_equal (buf_len (&bytes) - at, 32);
  assert_int_equal (wire_feed (&in, buf_data (&bytes) + at, 32, NULL, note,
                               &seen), WIRE_NEXT);
  assert_int_equal (seen.count, 2);
  wire_in_free (&in);
  buf_free (&bytes);
}

static enum wire_verdict
note_cut (void *opaque, const struct frame *frame)
{
  struct seen *seen = opaque;

  if (seen->hold_at && seen->count + 1 == seen->hold_at) {
    seen->hold_at = 0;
    return WIRE_HOLD;
  }
  seen->serials[seen->count] = frame->head.serial;
  seen->lens[seen->count++] = frame->is_cut ? 1 : 0;
  return seen->verdict;
}

static void
frame_that_is_not_kept_is_given_without_payload (void **state)
{
  struct buf bytes = BUF_INIT;

  put (&bytes, 1, 4);
  put (&bytes, 2, 900000);
  put (&bytes, 3, 4);
  for (size_t step = 1000; step < 300000; step += 77777) {
    struct seen seen = { .verdict = WIRE_NEXT, .hold_at = 2 };
    struct wire_in in;

    wire_in_init (&in, FRAME_LEN_MAX);
    in.keep_max = 100000;
    for (size_t at = 0; at < buf_len (&bytes); at += step) {
      size_t n = MIN_OF (step, buf_len (&bytes) - at);

      if (wire_feed (&in, buf_data (&bytes) + at, n, NULL, note_cut, &seen)
          == WIRE_STOP)
        assert_int_equal (wire_resume (&in, note_cut, &seen), WIRE_NEXT);
      assert_true (wire_in_memory (&in) <= 600000);
    }
    while (seen.count < 3)
      assert_int_equal (wire_resume (&in, note_cut, &seen), WIRE_NEXT);
    assert_int_equal (seen.serials[1], 2);
    assert_int_equal (seen.lens[0] + seen.lens[2], 0);
    assert_int_equal (seen.lens[1], 1);
    assert_int_equal (wire_in_memory (&in), 0);
    wire_in_free (&in);
  }
  buf_free (&bytes);
}

static int
open_descriptors (void)
{
  int count = 0;

  for (int fd = 0; fd < 200; fd++)
    count += fcntl (fd, F_GETFD) != -1;
  return count;
}

static struct virgate_fds
some_fds (uint32_t count)
{
  struct virgate_fds fds = { .count = count };

  for (uint32_t i = 0; i < count; i++)
    fds.fd[i] = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  return fds;
}

static void
put_fds (struct buf *out, uint32_t serial, uint32_t count)
{
  const struct frame_header head = { .type = FRAME_CALL_FDS,
                                     .serial = serial };
  ptrdiff_t mark = frame_begin (out, &head, count);

  assert_int_equal (frame_end (out, mark), 0);
  for (uint32_t i = 0; i < count; i++)
    assert_int_equal (buf_append (out, "", 1), 0);
}

static void
descriptors_reach_the_frame_that_announced_them (void **state)
{
  int before = open_descriptors ();
  struct seen seen = { .verdict = WIRE_NEXT };
  struct virgate_fds fds = some_fds (2);
  struct buf bytes = BUF_INIT;
  struct wire_in in;

  put (&bytes, 1, 4);
  put_fds (&bytes, 2, 2);
  put (&bytes, 3, 4);
  wire_in_init (&in, FRAME_LEN_MAX);
  for (size_t at = 0; at < buf_len (&bytes); at++)
    assert_int_equal (wire_feed (&in, buf_data (&bytes) + at, 1,
                                 at == 64 ? &fds : NULL, note, &seen),
                      WIRE_NEXT);
  assert_int_equal (seen.count, 3);
  assert_int_equal (seen.fds, 2);
  assert_int_equal (open_descriptors (), before);
  wire_in_free (&in);
  buf_free (&bytes);
}

static void
descriptors_nobody_announced_are_closed (void **state)
{
  int before = open_descriptors ();
  struct seen seen = { .verdict = WIRE_NEXT };
  struct virgate_fds fds = some_fds (100);
  struct buf bytes = BUF_INIT;
  struct wire_in in;

  put (&bytes, 1, 4);
  wire_in_init (&in, FRAME_LEN_MAX);
  assert_int_equal (wire_feed (&in, buf_data (&bytes), buf_len (&bytes), &fds,
                               note, &seen), WIRE_NEXT);
  assert_int_equal (open_descriptors (), before);
  fds = some_fds (40);
  assert_int_equal (wire_feed (&in, buf_data (&bytes), 10, &fds, note, &seen),
                    WIRE_NEXT);
  wire_in_free (&in);
  assert_int_equal (open_descriptors (), before);
  buf_free (&bytes);
}

static void
announced_descriptors_that_never_came_break_the_wire (void **state)
{
  struct seen seen = { .verdict = WIRE_NEXT };
  struct buf bytes = BUF_INIT;
  struct wire_in in;

  put_fds (&bytes, 1, 1);
  wire_in_init (&in, FRAME_LEN_MAX);
  assert_int_equal (wire_feed (&in, buf_data (&bytes), buf_len (&bytes), NULL,
                               note, &seen), WIRE_BROKEN);
  assert_int_equal (errno, EBADMSG);
  wire_in_free (&in);
  bytes.end = 0;
  put_fds (&bytes, 1, FRAME_FDS_MAX + 1);
  assert_int_equal (wire_feed (&in, buf_data (&bytes), buf_len (&bytes), NULL,
                               note, &seen), WIRE_BROKEN);
  assert_int_equal (errno, EBADMSG);
  wire_in_free (&in);
  buf_free (&bytes);
}

/* A transport over a socket pair that takes at most 7 bytes at a time. */
static ssize_t
narrow_writev (void *conn, const struct iovec *iov, int iovcnt,
               const struct virgate_fds *fds)
{
  struct iovec first = { iov->iov_base, MIN_OF (iov->iov_len, (size_t) 7) };
  union {
    struct cmsghdr align;
    char space[CMSG_SPACE (sizeof (int))];
  } control = { .space = { 0 } };
  struct msghdr msg = { .msg_iov = &first, .msg_iovlen = 1 };

  if (fds && fds->count) {
    struct cmsghdr *cmsg;

    msg.msg_control = control.space;
    msg.msg_controllen = sizeof control.space;
    cmsg = CMSG_FIRSTHDR (&msg);
    cmsg->cmsg_level = SOL_SOCKET;
    cmsg->cmsg_type = SCM_RIGHTS;
    cmsg->cmsg_len = CMSG_LEN (sizeof (int));
    memcpy (CMSG_DATA (cmsg), fds->fd, sizeof (int));
  }
  return sendmsg (*(int *) conn, &msg, MSG_NOSIGNAL);
}

static int
receive_fd (int sock, char *byte)
{
  union {
    struct cmsghdr align;
    char space[CMSG_SPACE (sizeof (int))];
  } control;
  struct iovec iov = { byte, 1 };
  struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
                        .msg_control = control.space,
                        .msg_controllen = sizeof control.space };
  struct cmsghdr *cmsg;
  int fd;

  assert_int_equal (recvmsg (sock, &msg, MSG_CMSG_CLOEXEC), 1);
  cmsg = CMSG_FIRSTHDR (&msg);
  if (cmsg == NULL)
    return -1;
  memcpy (&fd, CMSG_DATA (cmsg), sizeof fd);
  return fd;
}

static void
descriptors_leave_one_by_one_after_their_frame (void **state)
{
  const struct virgate_transport_ops ops = { .writev = narrow_writev };
  const struct frame_header head = { .type = FRAME_REPLY_FDS };
  int before = open_descriptors (), pair[2], with_fd = 0;
  struct virgate_fds fds = some_fds (2);
  struct wire_out out;
  char byte;

  assert_int_equal (socketpair (AF_UNIX, SOCK_STREAM, 0, pair), 0);
  wire_out_init (&out);
  assert_int_equal (frame_end (&out.buf, frame_begin (&out.buf, &head, 2)), 0);
  assert_int_equal (wire_out_fds (&out, fds.fd, 2), 0);
  put (&out.buf, 9, 4);
  assert_int_equal (wire_flush (&out, &ops, &pair[0]), 0);
  assert_int_equal (out.flushed, 32 + 2 + 32);
  for (int at = 0; at < 66; at++) {
    int fd = receive_fd (pair[1], &byte);

    assert_int_equal (fd != -1, at == 32 || at == 33);
    if (fd != -1) {
      with_fd++;
      close (fd);
    }
  }
  assert_int_equal (with_fd, 2);
  wire_out_free (&out);
  close (pair[0]);
  close (pair[1]);
  close (fds.fd[0]);
  close (fds.fd[1]);
  assert_int_equal (open_descriptors (), before);
}

static ssize_t
plain_writev (void *conn, const struct iovec *iov, int iovcnt,
              const struct virgate_fds *fds)
{
  ssize_t n = writev (*(int *) conn, iov, iovcnt);

  return n == -1 && errno == EAGAIN ? VIRGATE_IO_WANT_WRITE : n;
}

/* A message from elsewhere leaves in any number of pieces, and none of it is
 * kept that the transport took.
 */
static void
large_frame_from_elsewhere_is_written_at_once (void **state)
{
  const struct virgate_transport_ops ops = { .writev = plain_writev };
  const struct frame_header head = { .type = FRAME_STREAM, .serial = 7 };
  enum { LEN = 1 << 20 };
  struct buf want = BUF_INIT, got = BUF_INIT;
  char *payload = malloc (LEN);
  struct wire_out out;
  int pair[2];

  for (int i = 0; i < LEN; i++)
    payload[i] = (char) (i * 7);
  assert_int_equal (frame_append (&want, &head, payload, LEN), 0);
  assert_int_equal (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
                                pair), 0);
  wire_out_init (&out);
  assert_int_equal (wire_out_frame (&out, &ops, &pair[0], &head, payload, LEN,
                                    NULL, 0), 0);
  assert_true (out.flushed > 0);
  assert_int_equal (out.flushed + buf_len (&out.buf), buf_len (&want));
  while (buf_len (&got) < buf_len (&want)) {
    ssize_t n = read (pair[1], buf_reserve (&got, 65536), 65536);

    if (n > 0)
      got.end += n;
    assert_int_not_equal (wire_flush (&out, &ops, &pair[0]),
                          VIRGATE_IO_ERROR);
  }
  assert_memory_equal (buf_data (&got), buf_data (&want), buf_len (&want));
  assert_int_equal (out.flushed, buf_len (&want));
  wire_out_free (&out);
  buf_free (&want);
  buf_free (&got);
  free (payload);
  close (pair[0]);
  close (pair[1]);
}

static void
small_frame_from_elsewhere_waits_for_others (void **state)
{
  const struct virgate_transport_ops ops = { .writev = plain_writev };
  const struct frame_header head = { .type = FRAME_CALL_FDS, .serial = 7 };
  struct virgate_fds fds = some_fds (2);
  struct wire_out out;
  int fd = -1;

  wire_out_init (&out);
  assert_int_equal (wire_out_frame (&out, &ops, &fd, &head, "1234", 4, fds.fd,
                                    2), 0);
  assert_int_equal (buf_len (&out.buf), 28 + 4 + 4 + 2);
  assert_memory_equal (buf_data (&out.buf) + 28, "\0\0\0\2" "1234", 8);
  wire_out_free (&out);
  close (fds.fd[0]);
  close (fds.fd[1]);
}

/* A transport of records that takes a part of what it is given. */
struct records {
  size_t room;                  /* of each call */
  struct buf bytes;
  size_t last;                  /* of them, in the last record */
};

static ssize_t
records_writev (void *conn, const struct iovec *iov, int iovcnt,
                const struct virgate_fds *fds)
{
  struct records *records = conn;
  size_t total = 0;

  for (int i = 0; i < iovcnt && total < records->room; i++) {
    size_t n = MIN_OF (iov[i].iov_len, records->room - total);

    assert_true (n > 0);
    records->last = n;
    total += n;
    assert_int_equal (buf_append (&records->bytes, iov[i].iov_base, n), 0);
  }
  return total;
}

static void
last_record_is_of_the_last_frame_alone (void **state)
{
  const struct virgate_transport_ops ops = {
    .writev = records_writev, .caps = VIRGATE_CAP_RECORDS,
  };
  const struct frame_header head = { .type = FRAME_STREAM, .serial = 200 };
  static char payload[100000];

  for (size_t room = 1; room < 200000; room += room < 200 ? 1 : 9999) {
    struct records records = { .room = room };
    struct buf want = BUF_INIT;
    struct wire_out out;

    wire_out_init (&out);
    assert_int_equal (frame_append (&want, &head, payload, sizeof payload), 0);
    assert_int_equal (wire_out_frame (&out, &ops, &records, &head, payload,
                                      sizeof payload, NULL, 0), 0);
    for (uint32_t i = 0; i < 150; i++) {
      put (&out.buf, i, i % 7 * 4);
      put (&want, i, i % 7 * 4);
    }
    assert_int_equal (wire_flush (&out, &ops, &records), 0);
    assert_in_range (records.last, 1, FRAME_PREFIX_LEN + 149 % 7 * 4);
    assert_int_equal (buf_len (&records.bytes), buf_len (&want));
    assert_memory_equal (buf_data (&records.bytes), buf_data (&want),
                         buf_len (&want));
    wire_out_free (&out);
    buf_free (&records.bytes);
    buf_free (&want);
  }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (large_frame_from_elsewhere_is_written_at_once),
    cmocka_unit_test (small_frame_from_elsewhere_waits_for_others),
    cmocka_unit_test (any_cut_of_the_stream_gives_the_same_frames),
    cmocka_unit_test (stop_and_hold_keep_the_rest_for_resume),
    cmocka_unit_test (memory_follows_the_bytes_and_not_the_claim),
    cmocka_unit_test (message_above_the_limit_breaks_at_its_first_word),
    cmocka_unit_test (large_frame_is_read_in_place),
    cmocka_unit_test (frame_that_is_not_kept_is_given_without_payload),
    cmocka_unit_test (descriptors_reach_the_frame_that_announced_them),
    cmocka_unit_test (descriptors_nobody_announced_are_closed),
    cmocka_unit_test (announced_descriptors_that_never_came_break_the_wire),
    cmocka_unit_test (descriptors_leave_one_by_one_after_their_frame),
    cmocka_unit_test (last_record_is_of_the_last_frame_alone),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
