/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The links of this process: who shares which, and when one ends.  This is
 * the module's one piece of state that no instance owns, because sharing is
 * between instances: each connection of a client has an instance of its own.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "link.h"

#define LINGER_S 2

static struct {
  pthread_mutex_t lock;         /* never held while a link's lock is taken */
  pthread_cond_t changed;       /* a link came up, or failed */
  struct list links;
  struct list ended;            /* their threads are to be joined */
  pthread_once_t once;
} registry = {
  .lock = PTHREAD_MUTEX_INITIALIZER,
  .once = PTHREAD_ONCE_INIT,
};

/* One link ----------------------------------------------------------------- */

static void
link_free (struct link *link)
{
  if (link == NULL)
    return;
  if (link->wake >= 0)
    close (link->wake);
  pthread_mutex_destroy (&link->lock);
  pthread_mutex_destroy (&link->session_lock);
  pthread_cond_destroy (&link->changed);
  buf_free (&link->out);
  free (link->key);
  free (link->where);
  free (link);
}

static int64_t
linger_of (const struct ssh_request *request)
{
  const char *said = request->word[SSH_LINGER];

  return (said ? strtol (said, NULL, 10) : LINGER_S) * NS_PER_S;
}

static struct link *
link_new (const struct ssh_request *request, const struct hop *hop)
{
  struct link *link = calloc (1, sizeof *link);
  pthread_condattr_t attr;

  if (link == NULL)
    return NULL;
  pthread_condattr_init (&attr);
  pthread_condattr_setclock (&attr, CLOCK_MONOTONIC);
  pthread_mutex_init (&link->lock, NULL);
  pthread_mutex_init (&link->session_lock, NULL);
  pthread_cond_init (&link->changed, &attr);
  pthread_condattr_destroy (&attr);
  list_init (&link->item);
  list_init (&link->channels);
  list_init (&link->requests);
  link->fd = -1;
  link->pid = getpid ();
  link->users = 1;
  link->linger_ns = linger_of (request);
  link->alive_ns = hop->alive_s * NS_PER_S;
  link->alive_count = hop->alive_count ? hop->alive_count : 3;
  link->key = strdup (hop->key);
  link->wake = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (asprintf (&link->where, "%s@%s", hop->user, hop->original) == -1)
    link->where = NULL;
  if (link->key && link->where && link->wake >= 0)
    return link;
  link_free (link);
  return NULL;
}

void
link_wake (struct link *link)
{
  uint64_t one = 1;
  ssize_t n = write (link->wake, &one, sizeof one);

  (void) n;                     /* full is awake enough */
}

/* Join a thread that ends, and free its link.  No lock held. */
static void
bury (struct link *link)
{
  pthread_join (link->thread, NULL);
  link_free (link);
}

/* Links whose threads have ended by themselves. */
static void
bury_ended (void)
{
  for (;;) {
    struct link *link = NULL;

    pthread_mutex_lock (&registry.lock);
    if (!list_is_empty (&registry.ended)) {
      link = list_item (registry.ended.next, struct link, item);
      list_remove (&link->item);
    }
    pthread_mutex_unlock (&registry.lock);
    if (link == NULL)
      return;
    bury (link);
  }
}

/* Sharing ------------------------------------------------------------------ */

/* Registry locked.  One that is up, or is about to be. */
static struct link *
find (const struct hop *hop)
{
  list_for_each (pos, &registry.links) {
    struct link *link = list_item (pos, struct link, item);

    if (!link->is_full && strcmp (link->key, hop->key) == 0)
      return link;
  }
  return NULL;
}

/* Registry locked.  Wait for whoever connects it; -1 when time is up. */
static int
await_others (int64_t deadline)
{
  struct timespec until = { deadline / NS_PER_S, deadline % NS_PER_S };

  if (deadline == INT64_MAX)
    return pthread_cond_wait (&registry.changed, &registry.lock) ? -1 : 0;
  return pthread_cond_timedwait (&registry.changed, &registry.lock, &until)
         == ETIMEDOUT ? -1 : 0;
}

/* A link with one more user, or a new one that the caller must connect. */
static struct link *
find_or_add (const struct ssh_request *request, const struct hop *hop,
             bool *is_new)
{
  LOCK_FOR_SCOPE (&registry.lock);
  struct link *link;

  *is_new = false;
  while ((link = find (hop)) && link->state == LINK_CONNECTING)
    if (await_others (request->deadline) == -1) {
      ssh_fail (request->ssh, "ssh to %s: another thread's log-in there did "
                "not end in time", link->where);
      return NULL;
    }
  if (link) {
    link->users++;
    return link;
  }
  link = link_new (request, hop);
  if (link == NULL) {
    request->ssh->host->error (request->ssh->host, "out of memory");
    return NULL;
  }
  *is_new = true;
  list_append (&registry.links, &link->item);
  return link;
}

/* It is up, or gone. */
static void
settle (struct link *link, bool is_up)
{
  LOCK_FOR_SCOPE (&registry.lock);

  link->state = is_up ? LINK_UP : LINK_ENDED;
  if (!is_up)
    list_remove (&link->item);
  pthread_cond_broadcast (&registry.changed);
}

bool
link_is_shared (struct link *link)
{
  LOCK_FOR_SCOPE (&registry.lock);

  return link->users > 1;
}

void
link_set_full (const struct hop *hop)
{
  LOCK_FOR_SCOPE (&registry.lock);
  struct link *link = find (hop);

  if (link)
    link->is_full = true;
}

/* Ending ------------------------------------------------------------------- */

/* Registry locked. */
static void
retire (struct link *link)
{
  if (link->is_retired)
    return;
  link->is_retired = true;
  list_remove (&link->item);
}

void
link_retire (struct link *link)
{
  LOCK_FOR_SCOPE (&registry.lock);

  link->state = LINK_ENDED;
  if (link->is_retired)
    return;
  retire (link);
  if (link->users == 0)
    list_append (&registry.ended, &link->item);
}

bool
link_is_used (struct link *link)
{
  LOCK_FOR_SCOPE (&registry.lock);

  return link->users > 0;
}

bool
link_end_idle (struct link *link)
{
  LOCK_FOR_SCOPE (&registry.lock);

  if (link->users > 0 || link->is_retired)
    return false;
  retire (link);
  list_append (&registry.ended, &link->item);
  return true;
}

static void
stop (struct link *link)
{
  pthread_mutex_lock (&link->lock);
  link->must_stop = true;
  pthread_mutex_unlock (&link->lock);
  link_wake (link);
}

void
link_release (struct link *link)
{
  bool is_last, must_bury;

  if (link->pid != getpid ())
    return;
  pthread_mutex_lock (&registry.lock);
  is_last = --link->users == 0;
  must_bury = is_last && (link->is_retired || link->linger_ns == 0);
  if (must_bury)
    retire (link);
  pthread_mutex_unlock (&registry.lock);
  if (must_bury) {
    stop (link);
    bury (link);
  }
  else if (is_last)
    link_wake (link);
}

/* Starting and forking ----------------------------------------------------- */

static void
before_fork (void)
{
  pthread_mutex_lock (&registry.lock);
}

static void
after_fork (void)
{
  pthread_mutex_unlock (&registry.lock);
}

/* The child has no thread that could serve a link: forget them all.  Their
 * sockets stay open until it ends or runs another program; to close the
 * sessions would say goodbye in the parent's name.
 */
static void
in_child (void)
{
  list_init (&registry.links);
  list_init (&registry.ended);
  pthread_mutex_unlock (&registry.lock);
}

/* Registry locked.  The next link to end with the program: not one that others
 * pass through before those, which may have something left to send.
 */
static struct link *
next_to_end (void)
{
  struct link *next = NULL;

  list_for_each (pos, &registry.links) {
    struct link *link = list_item (pos, struct link, item);

    if (link->state == LINK_UP && (next == NULL || link->users < next->users))
      next = link;
  }
  return next;
}

/* End one more, and keep it in a list: others may let go of it yet. */
static bool
end_one (struct list *kept)
{
  struct link *link;
  bool is_more;

  bury_ended ();
  pthread_mutex_lock (&registry.lock);
  link = next_to_end ();
  if (link) {
    retire (link);
    link->users++;
  }
  is_more = link || !list_is_empty (&registry.ended);
  pthread_mutex_unlock (&registry.lock);
  if (link == NULL)
    return is_more;
  stop (link);
  pthread_join (link->thread, NULL);
  list_append (kept, &link->item);
  return true;
}

/* The program ends, and libcrypto with it: no thread may be in it then.  Who
 * forgot to close a connection is not waited for, and keeps its link.
 */
static void
end_all (void)
{
  struct list kept;

  list_init (&kept);
  while (end_one (&kept))
    ;
  list_for_each (pos, &kept) {
    struct link *link = list_item (pos, struct link, item);

    list_remove (pos);
    if (link->users == 1)
      link_free (link);
  }
}

static void
start (void)
{
  pthread_condattr_t attr;

  pthread_condattr_init (&attr);
  pthread_condattr_setclock (&attr, CLOCK_MONOTONIC);
  pthread_cond_init (&registry.changed, &attr);
  pthread_condattr_destroy (&attr);
  list_init (&registry.links);
  list_init (&registry.ended);
  pthread_atfork (before_fork, after_fork, in_child);
  libssh2_init (0);
  atexit (end_all);             /* before what libcrypto has put there */
}

/* Getting one ------------------------------------------------------------ */

struct link *
link_get (const struct ssh_request *request, const struct hop *hop)
{
  struct login login = { request, hop, NULL, request->deadline };
  bool is_new;
  int result;

  pthread_once (&registry.once, start);
  bury_ended ();
  login.link = find_or_add (request, hop, &is_new);
  if (login.link == NULL || !is_new)
    return login.link;
  if (hop->connect_s)
    login.deadline = MIN_OF (login.deadline,
                             now_ns () + hop->connect_s * NS_PER_S);
  result = link_connect (&login);
  if (result == 0 && pump_start (login.link) == -1)
    result = login_fail (&login, "no thread for it: %s", strerror (errno));
  if (result == -1)
    link_disconnect (login.link);
  settle (login.link, result == 0);
  if (result == 0)
    return login.link;
  link_free (login.link);
  return NULL;
}
