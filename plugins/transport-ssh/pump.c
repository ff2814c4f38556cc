/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A link's thread: it waits for the socket, for the owners of channels and
 * for requests, and lets everybody go as far as they can.  It runs in other
 * people's programs, so it takes no signals, and nothing that it does waits
 * but its one poll.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "common/cleanup.h"
#include "common/mem.h"
#include "common/thread.h"
#include "link.h"

/* Channels of one link; sshd allows ten by default. */
#define POLLED_MAX 64
#define OWN 2                   /* the socket, and wake */

/* Told to stop, it may take so long to send what owners wrote. */
#define DRAIN_NS (CHANNEL_DRAIN_NS + NS_PER_S / 10)

/* After the far side's bytes ended, look again for its exit status. */
#define END_LOOK_NS (50 * NS_PER_MS)

struct pump {
  struct link *link;
  struct pollfd fds[OWN + POLLED_MAX];
  struct channel *polled[POLLED_MAX];
  int count;
  int64_t idle_since;           /* 0: it has users */
  int64_t stop_at;              /* 0: it was not told to stop */
  int64_t next;                 /* when to look without an event */
};

/* Requests ----------------------------------------------------------------- */

/* libssh2 opens one channel at a time. */
static bool
is_opening (const struct link *link)
{
  list_for_each (pos, &link->channels) {
    const struct channel *channel = list_item (pos, struct channel, item);

    if (channel->state <= CHANNEL_STARTING)
      return true;
  }
  return false;
}

static void
take_request (struct link *link)
{
  LOCK_FOR_SCOPE (&link->lock);
  struct list *first = link->requests.next;

  if (first == &link->requests || is_opening (link))
    return;
  list_remove (first);
  list_append (&link->channels, first);
  link->quick = QUICK_RECEIPTS;
}

/* One round ---------------------------------------------------------------- */

static bool
step_all (struct link *link)
{
  bool some_ended = false;

  list_for_each (pos, &link->channels) {
    struct channel *channel = list_item (pos, struct channel, item);

    if (channel_step (channel))
      continue;
    list_remove (&channel->item);
    channel_drop (channel);
    some_ended = true;
  }
  return some_ended;
}

/* What one channel reads may be another's: go round until nothing came. */
static void
run (struct link *link)
{
  int64_t heard;
  bool again;

  do {
    heard = link->heard;
    take_request (link);
    again = step_all (link);
  } while ((link->heard != heard || again) && !link->is_broken);
  link_flush (link);
}

/* Signs of life ------------------------------------------------------------ */

static void
break_link (struct link *link, const char *why)
{
  LOCK_FOR_SCOPE (&link->lock);

  link->is_broken = true;
  if (link->why[0] == '\0')
    snprintf (link->why, sizeof link->why, "%s", why);
}

static void
keep_alive (struct pump *pump, int64_t now)
{
  struct link *link = pump->link;
  char why[100];
  int wait_s;

  if (link->alive_ns == 0 || link->is_broken)
    return;
  if (now < link->heard + link->alive_ns)
    link->alive_asked = 0;
  else if (now >= link->heard + (link->alive_asked + 1) * link->alive_ns) {
    if (link->alive_asked++ == link->alive_count) {
      snprintf (why, sizeof why, "the host gave no sign of life for %lld s",
                (long long) ((now - link->heard) / NS_PER_S));
      break_link (link, why);
      return;
    }
    libssh2_keepalive_send (link->session, &wait_s);
    link_flush (link);
  }
  pump->next = MIN_OF (pump->next, link->heard
                                   + (link->alive_asked + 1)
                                     * link->alive_ns);
}

/* Waiting ------------------------------------------------------------------ */

/* Does anybody wait for what the server sends?  Whoever has no room does not,
 * and then TCP holds the server back.
 */
static bool
wants_socket (const struct link *link)
{
  bool wants = false;

  list_for_each (pos, &link->channels) {
    const struct channel *channel = list_item (pos, struct channel, item);

    wants |= channel->state != CHANNEL_UP || !channel->near_full
             || channel->out_at < channel->out_len;
  }
  return wants;
}

static void
add_channels (struct pump *pump)
{
  pump->count = 0;
  list_for_each (pos, &pump->link->channels) {
    struct channel *channel = list_item (pos, struct channel, item);

    if (channel->far_eof && !channel->far_ended)
      pump->next = MIN_OF (pump->next, now_ns () + END_LOOK_NS);
    if (channel->near_hup && channel->state == CHANNEL_UP)
      pump->next = MIN_OF (pump->next, channel->hup_at + CHANNEL_DRAIN_NS);
    if (channel->state != CHANNEL_UP || pump->count == POLLED_MAX)
      continue;
    pump->polled[pump->count] = channel;
    pump->fds[OWN + pump->count] = (struct pollfd) {
      .fd = channel->near_hup ? -1 : channel->fd,
      .events = channel_events (channel),
    };
    pump->count++;
  }
}

static int
timeout_ms (const struct pump *pump)
{
  int64_t left;

  if (pump->next == INT64_MAX)
    return -1;
  left = MAX_OF (pump->next - now_ns (), (int64_t) 0);
  return (int) MIN_OF ((left + NS_PER_MS - 1) / NS_PER_MS, (int64_t) INT_MAX);
}

static void
read_events (struct pump *pump)
{
  struct link *link = pump->link;
  uint64_t count;

  link->is_readable |= (pump->fds[0].revents & ~POLLOUT) != 0;
  if (list_is_empty (&link->channels)
      && (pump->fds[0].revents & (POLLRDHUP | POLLHUP | POLLERR)))
    break_link (link, "the host closed the connection");
  if (pump->fds[1].revents && read (link->wake, &count, sizeof count) == -1)
    return;
  for (int i = 0; i < pump->count; i++) {
    struct channel *channel = pump->polled[i];
    short got = pump->fds[OWN + i].revents;

    if ((got & (POLLHUP | POLLERR)) && !channel->near_hup) {
      channel->near_hup = true;
      channel->hup_at = now_ns ();
    }
    channel->near_readable |= (got & POLLIN) || channel->near_hup;
  }
}

static void
wait_events (struct pump *pump)
{
  struct link *link = pump->link;
  short events = buf_len (&link->out) > 0 ? POLLOUT : 0;
  int count;

  if (wants_socket (link))
    events |= POLLIN;
  else if (list_is_empty (&link->channels))
    events |= POLLRDHUP;        /* libssh2 reads for channels only */
  pump->fds[0] = (struct pollfd) { .fd = events ? link->fd : -1,
                                   .events = events };
  pump->fds[1] = (struct pollfd) { .fd = link->wake, .events = POLLIN };
  add_channels (pump);
  pthread_mutex_unlock (&link->session_lock);
  count = poll (pump->fds, OWN + pump->count, timeout_ms (pump));
  pthread_mutex_lock (&link->session_lock);
  if (count >= 0)
    read_events (pump);
}

/* The thread --------------------------------------------------------------- */

static bool
is_told_to_stop (struct link *link)
{
  LOCK_FOR_SCOPE (&link->lock);

  return link->must_stop;
}

/* Did an owner leave bytes behind, the socket not take some, or the far side
 * not confirm them?  To disconnect would make sshd forget what it holds.
 */
static bool
is_draining (const struct link *link)
{
  bool is_owed = buf_len (&link->out) > 0;

  list_for_each (pos, &link->channels) {
    const struct channel *channel = list_item (pos, struct channel, item);

    is_owed |= channel->state == CHANNEL_UP && channel->near_hup;
  }
  return is_owed;
}

/* Not before one more look at what owners have written. */
static bool
may_stop (struct pump *pump, int64_t now)
{
  if (!is_told_to_stop (pump->link))
    return false;
  if (pump->stop_at == 0) {
    pump->stop_at = now + DRAIN_NS;
    pump->next = now;
    return false;
  }
  pump->next = MIN_OF (pump->next, pump->stop_at);
  return now >= pump->stop_at || !is_draining (pump->link);
}

/* Nobody has used it for long enough. */
static bool
lingered (struct pump *pump, int64_t now)
{
  struct link *link = pump->link;

  if (link_is_used (link)) {
    pump->idle_since = 0;
    return false;
  }
  if (pump->idle_since == 0)
    pump->idle_since = now;
  if (now >= pump->idle_since + link->linger_ns && link->linger_ns > 0
      && link_end_idle (link))
    return true;
  pump->next = MIN_OF (pump->next, pump->idle_since + link->linger_ns);
  return false;
}

static void
end_all (struct link *link)
{
  link_disconnect (link);
  pthread_mutex_lock (&link->lock);
  if (link->why[0] == '\0')
    snprintf (link->why, sizeof link->why, "the ssh connection was closed");
  while (!list_is_empty (&link->requests)) {
    struct list *first = link->requests.next;

    list_remove (first);
    list_append (&link->channels, first);
  }
  pthread_cond_broadcast (&link->changed);
  pthread_mutex_unlock (&link->lock);
  list_for_each (pos, &link->channels) {
    list_remove (pos);
    channel_drop (list_item (pos, struct channel, item));
  }
}

static void *
serve (void *opaque)
{
  struct pump pump = { .link = opaque };
  struct link *link = opaque;

  pthread_mutex_lock (&link->session_lock);
  for (;;) {
    int64_t now;

    run (link);
    now = now_ns ();
    pump.next = INT64_MAX;
    keep_alive (&pump, now);
    if (link->is_broken || may_stop (&pump, now) || lingered (&pump, now))
      break;
    wait_events (&pump);
  }
  if (link->is_broken)
    break_link (link, link->end ? link->end : link_said (link));
  link_retire (link);
  end_all (link);
  pthread_mutex_unlock (&link->session_lock);
  return NULL;
}

int
pump_start (struct link *link)
{
  return thread_start (&link->thread, NULL, serve, link);
}
