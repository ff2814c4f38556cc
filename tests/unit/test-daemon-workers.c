/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The worker pool: how many jobs of whom run at a time.
 */
#include "config.h"

#include <stdatomic.h>
#include <semaphore.h>

#include "common/mem.h"
#include "daemon/workers.h"
#include "unit.h"

#define JOBS 24

/* A job that runs until its gate is opened. */
struct gated {
  struct job job;
  sem_t *gate;
  atomic_int *running, *most, *done;
};

static sem_t finished;

static void
run (struct job *job)
{
  struct gated *gated = container_of (job, struct gated, job);
  int now = atomic_fetch_add (gated->running, 1) + 1;
  int most = atomic_load (gated->most);

  while (now > most
         && !atomic_compare_exchange_weak (gated->most, &most, now))
    ;
  sem_wait (gated->gate);
  atomic_fetch_sub (gated->running, 1);
}

static void
done (struct job *job)
{
  struct gated *gated = container_of (job, struct gated, job);

  atomic_fetch_add (gated->done, 1);
  sem_post (&finished);
}

struct client {
  struct job_line line;
  struct gated jobs[JOBS];
  sem_t gate;
  atomic_int running, most, done;
};

static void
client_init (struct client *client)
{
  memset (client, 0, sizeof *client);
  job_line_init (&client->line);
  sem_init (&client->gate, 0, 0);
}

static void
client_add (struct client *client, struct workers *workers, int count)
{
  for (int i = 0; i < count; i++) {
    client->jobs[i] = (struct gated) {
      .job = { .run = run, .done = done }, .gate = &client->gate,
      .running = &client->running, .most = &client->most,
      .done = &client->done,
    };
    assert_int_equal (workers_add (workers, &client->line,
                                   &client->jobs[i].job), 0);
  }
}

static void
client_open (struct client *client, int count)
{
  for (int i = 0; i < count; i++)
    sem_post (&client->gate);
}

static void
wait_finished (int count)
{
  for (int i = 0; i < count; i++)
    sem_wait (&finished);
}

static void
every_job_runs_once (void **state)
{
  struct workers workers;
  struct client client;

  workers_init (&workers, 4, 4);
  client_init (&client);
  client_open (&client, JOBS);
  client_add (&client, &workers, JOBS);
  wait_finished (JOBS);
  workers_stop (&workers);
  assert_int_equal (atomic_load (&client.done), JOBS);
}

static void
one_client_runs_no_more_than_its_share (void **state)
{
  struct workers workers;
  struct client client;

  workers_init (&workers, 8, 3);
  client_init (&client);
  client_add (&client, &workers, JOBS);
  client_open (&client, JOBS);
  wait_finished (JOBS);
  workers_stop (&workers);
  assert_in_range (atomic_load (&client.most), 1, 3);
}

static void
slow_jobs_of_one_client_do_not_stop_another (void **state)
{
  struct workers workers;
  struct client slow, quick;

  workers_init (&workers, 4, 3);
  client_init (&slow);
  client_init (&quick);
  client_add (&slow, &workers, JOBS);   /* all wait at the gate */
  client_open (&quick, 5);
  client_add (&quick, &workers, 5);
  wait_finished (5);
  assert_int_equal (atomic_load (&quick.done), 5);
  assert_int_equal (atomic_load (&slow.done), 0);
  client_open (&slow, JOBS);
  wait_finished (JOBS);
  workers_stop (&workers);
}

static void
as_many_threads_as_jobs_but_no_more_than_allowed (void **state)
{
  struct workers workers;
  struct client client;

  workers_init (&workers, 5, 100);
  client_init (&client);
  client_add (&client, &workers, JOBS);
  while (atomic_load (&client.running) < 5)
    sched_yield ();
  client_open (&client, JOBS);
  wait_finished (JOBS);
  assert_int_equal (atomic_load (&client.most), 5);
  workers_stop (&workers);
  assert_int_equal (workers.threads, 0);
}

static void
wait_running (struct client *client, int count)
{
  while (atomic_load (&client->running) < count)
    sched_yield ();
}

/* Clients whose jobs may hang, and one whose jobs do not. */
static void
lines_that_hang (unsigned max, const int *most, size_t count)
{
  struct workers workers;
  struct client hangs[4], quick;

  workers_init (&workers, max, 0);
  for (size_t i = 0; i < count; i++) {
    client_init (&hangs[i]);
    client_add (&hangs[i], &workers, JOBS);
    wait_running (&hangs[i], most[i]);
  }
  client_init (&quick);
  client_open (&quick, JOBS);
  client_add (&quick, &workers, JOBS);
  wait_finished (JOBS);
  for (size_t i = 0; i < count; i++) {
    assert_int_equal (atomic_load (&hangs[i].most), most[i]);
    assert_int_equal (atomic_load (&hangs[i].done), 0);
  }
  for (size_t i = 0; i < count; i++)
    client_open (&hangs[i], JOBS);
  wait_finished (JOBS * count);
  workers_stop (&workers);
}

static void
lines_that_hang_leave_room (void **state)
{
  static const int two[] = { 2, 2, 2, 2 }, fewer[] = { 2, 1 },
                   one[] = { 1, 1 };

  lines_that_hang (20, two, COUNT_OF (two));
  lines_that_hang (4, fewer, COUNT_OF (fewer));
  lines_that_hang (3, one, COUNT_OF (one));
}

static void
a_line_that_moves_has_half_of_what_there_is (void **state)
{
  struct workers workers;
  struct client busy, quick;

  workers_init (&workers, 9, 0);
  client_init (&busy);
  client_add (&busy, &workers, JOBS);
  client_open (&busy, 1);
  wait_finished (1);
  wait_running (&busy, 4);
  client_init (&quick);
  client_open (&quick, JOBS);
  client_add (&quick, &workers, JOBS);
  wait_finished (JOBS);
  assert_int_equal (atomic_load (&busy.most), 4);
  client_open (&busy, JOBS - 1);
  workers_stop (&workers);      /* drops nothing */
  assert_int_equal (atomic_load (&busy.done), JOBS);
  wait_finished (JOBS - 1);
}

static void
one_thread_serves_all_lines (void **state)
{
  struct workers workers;
  struct client clients[3];

  workers_init (&workers, 1, 0);
  for (size_t i = 0; i < COUNT_OF (clients); i++) {
    client_init (&clients[i]);
    client_add (&clients[i], &workers, JOBS);
  }
  for (size_t i = COUNT_OF (clients); i-- > 0;)
    client_open (&clients[i], JOBS);
  wait_finished (JOBS * COUNT_OF (clients));
  workers_stop (&workers);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (every_job_runs_once),
    cmocka_unit_test (one_client_runs_no_more_than_its_share),
    cmocka_unit_test (slow_jobs_of_one_client_do_not_stop_another),
    cmocka_unit_test (as_many_threads_as_jobs_but_no_more_than_allowed),
    cmocka_unit_test (lines_that_hang_leave_room),
    cmocka_unit_test (a_line_that_moves_has_half_of_what_there_is),
    cmocka_unit_test (one_thread_serves_all_lines),
  };

  sem_init (&finished, 0, 0);
  return cmocka_run_group_tests (tests, NULL, NULL);
}
