/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Many threads on one connection: every call gets its own reply, whoever
 * reads it, and the end reaches all of them.  Meant to run under TSan, too.
 */
#include "config.h"

#include <stdlib.h>

#include "fake-server.h"

enum { THREADS = 8, CALLS = 1500 };

struct worker {
  pthread_t thread;
  struct virgate_conn *conn;
  int number;
  int right, late, wrong;
  const atomic_bool *stop;
};

static void
start_workers (struct worker *workers, struct virgate_conn *conn,
               void *(*run) (void *), const atomic_bool *stop)
{
  for (int i = 0; i < THREADS; i++) {
    workers[i] = (struct worker) { .conn = conn, .number = i, .stop = stop };
    assert_int_equal (pthread_create (&workers[i].thread, NULL, run,
                                      &workers[i]), 0);
  }
}

static void
join_workers (struct worker *workers)
{
  for (int i = 0; i < THREADS; i++)
    pthread_join (workers[i].thread, NULL);
}

static void *
make_calls (void *opaque)
{
  struct worker *worker = opaque;

  for (int i = 0; i < CALLS; i++) {
    int32_t want = worker->number * CALLS + i;

    if (call_feature (worker->conn, want) == want)
      worker->right++;
    else
      worker->wrong++;
  }
  return NULL;
}

static void
replies_reach_their_threads (void **state)
{
  struct worker workers[THREADS];
  struct fake fake;

  fake_start (&fake, fake_echo, NULL, NULL);
  start_workers (workers, fake.conn, make_calls, NULL);
  join_workers (workers);
  for (int i = 0; i < THREADS; i++)
    assert_int_equal (workers[i].right, CALLS);
  fake_stop (&fake);
}

/* Answers in pairs, the later call first, and with an event in between. */
static void
answer_out_of_order (struct fake *fake)
{
  struct got *held = malloc (sizeof *held), *got = malloc (sizeof *got);
  bool have = false;

  while (fake_read (fake, got)) {
    if (got->head.procedure == VIRGATE_REMOTE_PROC_CONNECT_CLOSE) {
      fake_reply (fake, got, NULL, 0);
      continue;
    }
    if (got->head.procedure != 60)
      continue;
    if (!have) {
      *held = *got;
      have = true;
      /* Let the last one out. */
      if (!(be32toh (*(uint32_t *) (void *) got->payload) & 1))
        continue;
    }
    else
      fake_reply (fake, got, got->payload, 4);
    fake_event (fake, 0, 1);
    fake_reply (fake, held, held->payload, 4);
    have = false;
  }
  free (held);
  free (got);
}

static void
count_event (void *opaque, uint32_t program, int32_t procedure,
             const void *msg)
{
  atomic_fetch_add ((atomic_int *) opaque, 1);
}

/* The last call of every thread is odd, so that nobody is left waiting. */
static void *
make_pairs (void *opaque)
{
  struct worker *worker = opaque;

  for (int i = 0; i < CALLS / 2; i++) {
    int32_t want = (worker->number * CALLS + i) << 1 | 1;

    if (call_feature (worker->conn, want) == want)
      worker->right++;
  }
  return NULL;
}

static void
order_does_not_matter (void **state)
{
  struct worker workers[THREADS];
  struct fake fake;
  atomic_int events = 0;

  fake_start (&fake, answer_out_of_order, NULL, NULL);
  virgate_set_event_fn (fake.conn, count_event, &events);
  start_workers (workers, fake.conn, make_pairs, NULL);
  join_workers (workers);
  for (int i = 0; i < THREADS; i++)
    assert_int_equal (workers[i].right, CALLS / 2);
  assert_int_equal (events, THREADS * (CALLS / 2));
  fake_stop (&fake);
}

/* One thread does nothing but wait for events. */
static void *
wait_for_events (void *opaque)
{
  struct worker *worker = opaque;

  while (!atomic_load (worker->stop))
    if (virgate_conn_wait (worker->conn, 5) == -1)
      break;
  return NULL;
}

static void
calls_and_an_event_thread_share_a_connection (void **state)
{
  struct worker workers[THREADS];
  struct worker waiter = { 0 };
  atomic_bool stop = false;
  struct fake fake;

  fake_start (&fake, fake_echo, NULL, NULL);
  waiter.conn = fake.conn;
  waiter.stop = &stop;
  assert_int_equal (pthread_create (&waiter.thread, NULL, wait_for_events,
                                    &waiter), 0);
  start_workers (workers, fake.conn, make_calls, NULL);
  join_workers (workers);
  atomic_store (&stop, true);
  pthread_join (waiter.thread, NULL);
  for (int i = 0; i < THREADS; i++)
    assert_int_equal (workers[i].right, CALLS);
  fake_stop (&fake);
}

/* Answers most calls, but lets every fifth time out and answers it late. */
static void
answer_some_late (struct fake *fake)
{
  struct got *held = malloc (sizeof *held), *got = malloc (sizeof *got);
  bool have = false;
  int count = 0;

  while (fake_read (fake, got)) {
    if (got->head.procedure == VIRGATE_REMOTE_PROC_CONNECT_CLOSE)
      fake_reply (fake, got, NULL, 0);
    else if (count++ % 5 == 0 && !have) {
      *held = *got;
      have = true;
    }
    else {
      fake_reply (fake, got, got->payload, 4);
      if (have && count % 5 == 4) {
        fake_reply (fake, held, held->payload, 4);
        have = false;
      }
    }
  }
  free (held);
  free (got);
}

static void *
make_impatient_calls (void *opaque)
{
  struct worker *worker = opaque;

  virgate_set_call_timeout (worker->conn, 3);
  for (int i = 0; i < 200; i++) {
    int result = call_feature (worker->conn, i);

    if (result == i)
      worker->right++;
    else if (virgate_last_error ()->code == VIRGATE_ERR_OPERATION_TIMEOUT)
      worker->late++;
    else
      worker->wrong++;
  }
  return NULL;
}

static void
some_time_out_and_the_others_do_not_mind (void **state)
{
  struct worker workers[THREADS];
  struct fake fake;

  fake_start (&fake, answer_some_late, NULL, NULL);
  start_workers (workers, fake.conn, make_impatient_calls, NULL);
  join_workers (workers);
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal (workers[i].wrong, 0);
    assert_int_equal (workers[i].right + workers[i].late, 200);
  }
  fake_stop (&fake);
}

static void
go_after_a_while (struct fake *fake)
{
  struct got *got = malloc (sizeof *got);

  for (int i = 0; i < 500 && fake_read (fake, got); i++)
    fake_reply (fake, got, got->payload, 4);
  free (got);
}

static void *
call_until_the_end (void *opaque)
{
  struct worker *worker = opaque;

  while (call_feature (worker->conn, 4) == 4)
    worker->right++;
  worker->wrong = virgate_last_error ()->code != VIRGATE_ERR_RPC;
  return NULL;
}

static void
end_reaches_every_thread (void **state)
{
  struct worker workers[THREADS];
  struct fake fake;

  fake_start (&fake, go_after_a_while, NULL, NULL);
  start_workers (workers, fake.conn, call_until_the_end, NULL);
  join_workers (workers);
  for (int i = 0; i < THREADS; i++)
    assert_int_equal (workers[i].wrong, 0);
  fake_stop (&fake);
}

/* Asynchronous calls from all threads while one of them steps. */
static void
count_done (void *opaque, void *ret, const struct virgate_error *error)
{
  atomic_fetch_add ((atomic_int *) opaque, error == NULL);
  virgate_free (ret);
}

static atomic_int async_done;

static void *
start_async (void *opaque)
{
  const struct virgate_remote_connect_supports_feature_args args = { 1 };
  struct worker *worker = opaque;

  for (int i = 0; i < 300; i++)
    if (virgate_call_async (worker->conn, VIRGATE_REMOTE_PROGRAM, 60, &args,
                            60000, count_done, &async_done) > 0)
      worker->right++;
  return NULL;
}

static void
asynchronous_calls_come_from_any_thread (void **state)
{
  struct worker workers[THREADS];
  struct fake fake;

  async_done = 0;
  fake_start (&fake, fake_echo, NULL, NULL);
  start_workers (workers, fake.conn, start_async, NULL);
  while (atomic_load (&async_done) < THREADS * 300)
    assert_int_equal (virgate_conn_wait (fake.conn, 5), 0);
  join_workers (workers);
  fake_stop (&fake);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (replies_reach_their_threads),
    cmocka_unit_test (order_does_not_matter),
    cmocka_unit_test (calls_and_an_event_thread_share_a_connection),
    cmocka_unit_test (some_time_out_and_the_others_do_not_mind),
    cmocka_unit_test (end_reaches_every_thread),
    cmocka_unit_test (asynchronous_calls_come_from_any_thread),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
