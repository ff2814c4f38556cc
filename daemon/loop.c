/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The event loop of one thread: mail, deadlines, turns; see loop.h.
 */
#include "config.h"

#include <malloc.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "common/thread.h"
#include "daemon/auth.h"
#include "daemon/call.h"
#include "daemon/gateway.h"
#include "daemon/link.h"
#include "daemon/loop.h"
#include "daemon/session.h"
#include "daemon/tally.h"

static _Thread_local struct loop *current;

struct loop *
loop_current (void)
{
  return current;
}

void
loop_post (struct loop *loop, struct mail *mail)
{
  bool was_empty;

  mail->next = NULL;
  pthread_mutex_lock (&loop->lock);
  was_empty = loop->mail == NULL;
  *loop->mail_last = mail;
  loop->mail_last = &mail->next;
  pthread_mutex_unlock (&loop->lock);
  if (was_empty)
    uv_async_send (&loop->wake);
}

static void
on_wake (uv_async_t *wake)
{
  struct loop *loop = wake->data;
  struct mail *mail;

  pthread_mutex_lock (&loop->lock);
  mail = loop->mail;
  loop->mail = NULL;
  loop->mail_last = &loop->mail;
  pthread_mutex_unlock (&loop->lock);
  loop->now = now_ns ();
  while (mail) {
    struct mail *next = mail->next;

    mail->deliver (mail);
    mail = next;
  }
}

/* Move all items of a list to another, which is not initialised yet. */
static void
take_all (struct list *from, struct list *to)
{
  list_init (to);
  while (!list_is_empty (from)) {
    struct list *item = from->next;

    list_remove (item);
    list_append (to, item);
  }
}

/* Sessions whose turn ended before their input did. */
static void
on_again (uv_idle_t *again)
{
  struct loop *loop = again->data;
  struct list todo;

  loop->now = now_ns ();
  take_all (&loop->ready, &todo);
  while (!list_is_empty (&todo)) {
    struct list *item = todo.next;

    list_remove (item);
    session_continue (list_item (item, struct session, ready));
  }
  take_all (&loop->links_ready, &todo);
  while (!list_is_empty (&todo)) {
    struct list *item = todo.next;

    list_remove (item);
    link_continue (list_item (item, struct virgate_link, ready));
  }
  uv_idle_stop (again);
}

/* Write what was appended outside of turns. */
static void
flush_touched (struct loop *loop)
{
  struct list todo;

  take_all (&loop->touched, &todo);
  while (!list_is_empty (&todo)) {
    struct list *item = todo.next;

    list_remove (item);
    session_flush (list_item (item, struct session, touched));
  }
  take_all (&loop->links_touched, &todo);
  while (!list_is_empty (&todo)) {
    struct list *item = todo.next;

    list_remove (item);
    link_flush (list_item (item, struct virgate_link, touched));
  }
}

/* What must be done before the loop waits.  A session that has more to write
 * afterwards, or more to do, gets its turn after the others: the loop then
 * looks for events without waiting for any.
 */
static void
on_settle (uv_prepare_t *settle)
{
  struct loop *loop = settle->data;

  if (!list_is_empty (&loop->touched) || !list_is_empty (&loop->links_touched))
    flush_touched (loop);
  if (!list_is_empty (&loop->ready) || !list_is_empty (&loop->touched)
      || !list_is_empty (&loop->links_ready)
      || !list_is_empty (&loop->links_touched))
    uv_idle_start (&loop->again, on_again);
}

static int64_t
wait_ns (const struct loop *loop, enum loop_wait which)
{
  const struct limits *limits = &loop->limits;
  const int64_t given[WAIT_COUNT] = {
    [WAIT_HANDSHAKE] = limits->handshake_ns,
    [WAIT_AUTH] = limits->auth_ns,
    [WAIT_OPEN] = limits->open_ns,
    [WAIT_FRAME] = limits->frame_ns,
    [WAIT_WRITE] = limits->write_ns,
    [WAIT_LEFT] = limits->leave_ns,
  };

  return given[which];
}

/* End the sessions that took too long over something. */
static void
expire (struct loop *loop, enum loop_wait which)
{
  while (!list_is_empty (&loop->waits[which])) {
    struct wait *wait =
      list_item (loop->waits[which].next, struct wait, link);
    int64_t at = wait->since + wait_ns (loop, which);

    if (at > loop->now) {
      loop_wake_at (loop, at);
      return;
    }
    list_remove (&wait->link);
    session_expire (wait, which);
  }
}

/* What the last crowd left behind goes back to the system, no more often than
 * every few seconds.
 */
static void
tidy (struct loop *loop)
{
  if (loop->tidy_at == 0)
    return;
  if (loop->now < loop->tidy_at) {
    loop_wake_at (loop, loop->tidy_at);
    return;
  }
  loop->tidy_at = 0;
  buf_free (&loop->out);
  calls_free_spare (loop);
  malloc_trim (0);
}

void
loop_untidy (struct loop *loop)
{
  if (loop->tidy_at > 0)
    return;
  loop->tidy_at = loop->now + LOOP_TIDY_NS;
  loop_wake_at (loop, loop->tidy_at);
}

static void
on_timer (uv_poll_t *timer, int status, int events)
{
  struct loop *loop = timer->data;
  uint64_t count;

  if (read (loop->timer_fd, &count, sizeof count) == -1)
    return;                     /* it was set anew meanwhile */
  loop->now = now_ns ();
  loop->timer_at = INT64_MAX;
  tidy (loop);
  for (int which = 0; which < WAIT_COUNT; which++)
    expire (loop, which);
  auths_answer (loop);
  sessions_keepalive (loop);
  links_keepalive (loop);
}

void
loop_wake_at (struct loop *loop, int64_t at)
{
  const struct itimerspec when = {
    .it_value = { at / NS_PER_S, MAX_OF (at % NS_PER_S, 1) },
  };

  if (at >= loop->timer_at)
    return;
  loop->timer_at = at;
  timerfd_settime (loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

void
loop_wait (struct loop *loop, struct wait *wait, enum loop_wait which)
{
  wait->since = loop->now;
  list_remove (&wait->link);
  list_append (&loop->waits[which], &wait->link);
  loop_wake_at (loop, wait->since + wait_ns (loop, which));
}

void
loop_unwait (struct wait *wait)
{
  list_remove (&wait->link);
}

static void
init_lists (struct loop *loop)
{
  list_init (&loop->sessions);
  list_init (&loop->ready);
  list_init (&loop->touched);
  list_init (&loop->pinged);
  list_init (&loop->delays);
  list_init (&loop->links_ready);
  list_init (&loop->links_touched);
  list_init (&loop->links_pinged);
  for (int which = 0; which < WAIT_COUNT; which++)
    list_init (&loop->waits[which]);
}

static int
init_timer (struct loop *loop)
{
  loop->timer_fd = timerfd_create (CLOCK_MONOTONIC,
                                   TFD_NONBLOCK | TFD_CLOEXEC);
  if (loop->timer_fd == -1)
    return -1;
  if (uv_poll_init (&loop->uv, &loop->timer, loop->timer_fd) != 0) {
    close (loop->timer_fd);
    loop->timer_fd = -1;
    return -1;
  }
  return uv_poll_start (&loop->timer, UV_READABLE, on_timer);
}

int
loop_init (struct loop *loop, struct server *server, unsigned index)
{
  loop->server = server;
  loop->index = index;
  loop->timer_fd = -1;
  loop->timer_at = INT64_MAX;
  loop->mail_last = &loop->mail;
  loop->now = now_ns ();
  init_lists (loop);
  pthread_mutex_init (&loop->lock, NULL);
  loop->scratch = malloc (LOOP_SCRATCH);
  if (loop->scratch == NULL || uv_loop_init (&loop->uv) != 0) {
    free (loop->scratch);
    return -1;
  }
  if (uv_async_init (&loop->uv, &loop->wake, on_wake) != 0
      || init_timer (loop) != 0)
    return -1;
  uv_idle_init (&loop->uv, &loop->again);
  uv_prepare_init (&loop->uv, &loop->settle);
  loop->wake.data = loop->again.data = loop->settle.data =
    loop->timer.data = loop;
  uv_prepare_start (&loop->settle, on_settle);
  if (index == 0)
    current = loop;
  return 0;
}

static void *
loop_main (void *opaque)
{
  struct loop *loop = opaque;

  current = loop;
  uv_run (&loop->uv, UV_RUN_DEFAULT);
  return NULL;
}

int
loop_start (struct loop *loop)
{
  if (thread_start (&loop->thread, NULL, loop_main, loop) == -1)
    return -1;
  loop->is_running = true;
  return 0;
}

static void
close_handle (uv_handle_t *handle, void *opaque)
{
  if (!uv_is_closing (handle))
    uv_close (handle, NULL);
}

void
loop_session_gone (struct loop *loop)
{
  if (loop->is_stopping && list_is_empty (&loop->sessions)
      && !uv_is_closing ((uv_handle_t *) &loop->settle))
    uv_walk (&loop->uv, close_handle, NULL);
}

void
loop_stop (struct loop *loop)
{
  loop->is_stopping = true;
  loop->now = now_ns ();
  list_for_each (item, &loop->sessions)
    session_stop (list_item (item, struct session, link));
  loop_session_gone (loop);
}

void
loop_abandon (struct loop *loop)
{
  list_for_each (item, &loop->sessions) {
    struct session *session = list_item (item, struct session, link);

    session_pin (session);
    session_close (session, VIRGATE_LOG_WARNING,
                   "its calls did not end in time");
    gateway_left (session);
    session_unpin (session);
  }
}

void
loop_join (struct loop *loop)
{
  if (loop->is_running)
    pthread_join (loop->thread, NULL);
  loop->is_running = false;
}

void
loop_free (struct loop *loop)
{
  on_wake (&loop->wake);        /* what came too late */
  uv_walk (&loop->uv, close_handle, NULL);
  uv_run (&loop->uv, UV_RUN_DEFAULT);
  uv_loop_close (&loop->uv);
  close (loop->timer_fd);
  calls_free_spare (loop);
  buf_free (&loop->out);
  free (loop->scratch);
  tally_free (loop->tally);
  pthread_mutex_destroy (&loop->lock);
}
