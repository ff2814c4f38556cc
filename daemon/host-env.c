/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The daemon's part of the host table; see host-env.h.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "core/error.h"
#include "core/instance.h"
#include "daemon/configured.h"
#include "daemon/host-env.h"
#include "daemon/link.h"
#include "daemon/metrics.h"
#include "daemon/server.h"
#include "daemon/session.h"

/* Files that are written in several steps, or together, are read once, after
 * the last.
 */
#define SETTLE_MS 300

/* Longest path that is watched. */
#define WATCH_PATH_MAX 4096

struct timer {
  struct list link;             /* host->timers */
  struct mail mail;             /* to loop 0: begin */
  struct server *server;
  uv_timer_t uv;
  uint64_t id, delay_ms;
  void (*fn) (void *opaque);
  void *opaque;
  bool is_begun;                /* loop 0 has it */
};

struct watch {
  struct list link;             /* host->watches */
  struct server *server;
  struct instance *instance;
  uv_fs_event_t uv;             /* on the folder */
  uv_timer_t settle;            /* the first watch's is the instance's */
  struct stat seen;             /* the file when it was last read */
  unsigned handles;             /* of the two, not yet closed */
  bool is_begun;
  const char *name;             /* of the file, in path */
  char path[];                  /* of the folder, '/' cut */
};

static void
on_timer_closed (uv_handle_t *handle)
{
  free (container_of (handle, struct timer, uv));
}

/* Main thread. */
static void
on_timer (uv_timer_t *uv)
{
  struct timer *timer = container_of (uv, struct timer, uv);
  struct host_state *host = &timer->server->host;
  void (*fn) (void *opaque);

  pthread_mutex_lock (&host->lock);
  fn = timer->fn;
  list_remove (&timer->link);
  pthread_mutex_unlock (&host->lock);
  if (fn)
    fn (timer->opaque);
  uv_close ((uv_handle_t *) uv, on_timer_closed);
}

static void
timer_begin (struct timer *timer)
{
  struct loop *loop = &timer->server->loops[0];

  timer->is_begun = true;
  uv_timer_init (&loop->uv, &timer->uv);
  uv_update_time (&loop->uv);
  uv_timer_start (&timer->uv, on_timer, timer->delay_ms, 0);
}

/* Begun too late, it is freed. */
static void
deliver_timer (struct mail *mail)
{
  struct timer *timer = container_of (mail, struct timer, mail);

  if (timer->server->host.is_running)
    timer_begin (timer);
  else
    free (timer);
}

static uint64_t
timer (void *opaque, uint64_t delay_ms, void (*fn) (void *opaque),
       void *fn_opaque)
{
  struct server *server = opaque;
  struct host_state *host = &server->host;
  struct timer *timer = calloc (1, sizeof *timer);
  uint64_t id;

  if (timer == NULL)
    return 0;
  timer->server = server;
  timer->delay_ms = delay_ms;
  timer->fn = fn;
  timer->opaque = fn_opaque;
  timer->mail.deliver = deliver_timer;
  LOCK_FOR_SCOPE (&host->lock);
  id = timer->id = ++host->last_id;
  list_append (&host->timers, &timer->link);
  if (host->is_running)
    loop_post (&server->loops[0], &timer->mail);
  return id;
}

/* It does not run once this has returned, unless it is running already. */
static void
timer_cancel (void *opaque, uint64_t id)
{
  struct server *server = opaque;

  LOCK_FOR_SCOPE (&server->host.lock);
  list_for_each (item, &server->host.timers) {
    struct timer *timer = list_item (item, struct timer, link);

    if (timer->id == id)
      timer->fn = NULL;
  }
}

/* Is the file another than the one that was seen?  Links are followed, so it
 * may be one far from the folder.
 */
static bool
is_other (struct watch *watch)
{
  struct stat now = { 0 };
  CLEANUP_FREE char *path = NULL;
  bool is_same;

  if (asprintf (&path, "%s/%s", watch->path, watch->name) == -1
      || stat (path, &now) == -1)
    memset (&now, 0, sizeof now);
  is_same = now.st_dev == watch->seen.st_dev
            && now.st_ino == watch->seen.st_ino
            && now.st_size == watch->seen.st_size
            && now.st_mode == watch->seen.st_mode
            && now.st_mtim.tv_sec == watch->seen.st_mtim.tv_sec
            && now.st_mtim.tv_nsec == watch->seen.st_mtim.tv_nsec;
  watch->seen = now;
  return !is_same;
}

/* All files of an instance are looked at, and read together. */
static struct watch *
find_other (struct server *server, const struct instance *instance)
{
  struct watch *other = NULL;

  list_for_each (item, &server->host.watches) {
    struct watch *watch = list_item (item, struct watch, link);

    if (watch->instance == instance && is_other (watch))
      other = watch;
  }
  return other;
}

static void
on_settled (uv_timer_t *uv)
{
  struct watch *first = container_of (uv, struct watch, settle);
  struct server *server = first->server;
  struct watch *watch = find_other (server, first->instance);
  CLEANUP_ERROR struct virgate_error err = { 0 };

  if (watch == NULL)
    return;
  if (instance_reload (watch->instance, &err) == -1)
    log_write (&server->log, VIRGATE_LOG_ERROR, watch->instance->title,
               "%s/%s changed: %s; everything goes on as before",
               watch->path, watch->name, error_message (&err));
  else {
    log_write (&server->log, VIRGATE_LOG_NOTICE, watch->instance->title,
               "%s/%s changed and was read again", watch->path, watch->name);
    server_tell_loops (server, sessions_recheck);
  }
}

static struct watch *
first_watch (struct server *server, const struct instance *instance)
{
  list_for_each (item, &server->host.watches) {
    struct watch *watch = list_item (item, struct watch, link);

    if (watch->instance == instance)
      return watch;
  }
  return NULL;
}

/* Something happened in the folder; what, shows when it has settled. */
static void
on_change (uv_fs_event_t *uv, const char *name, int events, int status)
{
  struct watch *watch = container_of (uv, struct watch, uv);
  struct watch *first = first_watch (watch->server, watch->instance);

  if (status == 0 && first && first->is_begun)
    uv_timer_start (&first->settle, on_settled, SETTLE_MS, 0);
}

static int
watch_begin (struct watch *watch)
{
  uv_loop_t *uv = &watch->server->loops[0].uv;

  if (watch->is_begun)
    return 0;
  watch->is_begun = true;
  watch->handles = 2;
  uv_timer_init (uv, &watch->settle);
  uv_fs_event_init (uv, &watch->uv);
  /* It may have changed since the module read it. */
  if (watch == first_watch (watch->server, watch->instance))
    uv_timer_start (&watch->settle, on_settled, SETTLE_MS, 0);
  return uv_fs_event_start (&watch->uv, on_change, watch->path, 0);
}

/* Main thread. */
static int
watch_file (void *opaque, struct instance *instance, const char *path)
{
  struct server *server = opaque;
  const char *slash = strrchr (path, '/');
  size_t len = strlen (path);
  struct watch *watch;

  if (slash == NULL || slash == path || len > WATCH_PATH_MAX)
    return -1;
  watch = calloc (1, sizeof *watch + len + 1);
  if (watch == NULL)
    return -1;
  memcpy (watch->path, path, len + 1);
  watch->path[slash - path] = '\0';
  watch->name = watch->path + (slash - path) + 1;
  watch->server = server;
  watch->instance = instance;
  is_other (watch);
  list_append (&server->host.watches, &watch->link);
  return server->host.is_running ? watch_begin (watch) : 0;
}

static void
on_watch_closed (uv_handle_t *handle)
{
  struct watch *watch = handle->type == UV_TIMER
    ? container_of (handle, struct watch, settle)
    : container_of (handle, struct watch, uv);

  if (--watch->handles == 0)
    free (watch);
}

static void
watch_end (struct watch *watch)
{
  list_remove (&watch->link);
  if (!watch->is_begun) {
    free (watch);
    return;
  }
  uv_close ((uv_handle_t *) &watch->uv, on_watch_closed);
  uv_close ((uv_handle_t *) &watch->settle, on_watch_closed);
}

/* Is it the instance itself, or a transport below it? */
static bool
belongs (const struct instance *inner, const struct instance *instance)
{
  while (inner && inner != instance)
    inner = inner->parent;
  return inner != NULL;
}

void
host_env_close (struct server *server, struct instance *instance)
{
  if (instance == NULL)
    return;
  list_for_each (item, &server->host.watches) {
    struct watch *watch = list_item (item, struct watch, link);

    if (belongs (watch->instance, instance))
      watch_end (watch);
  }
  metrics_forget (server, instance);
  instance_close (instance);
}

static void
gauge (void *opaque, const struct instance *instance, const char *name,
       const char *help, double value)
{
  metrics_gauge (opaque, instance, name, help, value);
}

static int
configured (void *opaque, uint32_t what, uint32_t n, char *name, size_t size)
{
  const struct server *server = opaque;

  return configured_name (&server->config, what, n, name, size);
}

static int
stop_fd (void *opaque)
{
  const struct server *server = opaque;

  return server->host.stop_fd;
}

void
host_env_hurry (struct server *server)
{
  if (server->host.watches.next && server->host.stop_fd != -1)
    eventfd_write (server->host.stop_fd, 1);
}

void
host_env_init (struct server *server)
{
  server->host.stop_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  pthread_mutex_init (&server->host.lock, NULL);
  pthread_mutex_init (&server->gauges.lock, NULL);
  list_init (&server->gauges.list);
  list_init (&server->host.timers);
  list_init (&server->host.watches);
  server->env = (struct host_env) {
    .role = VIRGATE_ROLE_SERVER,
    .program = "virgated",
    .log = &server->log,
    .modules = server->modules,
    .driver = &driver_services,
    .opaque = server,
    .watch_file = watch_file,
    .timer = timer,
    .timer_cancel = timer_cancel,
    .gauge = gauge,
    .stop_fd = stop_fd,
    .configured = configured,
  };
  server->onward_env = (struct host_env) {
    .role = VIRGATE_ROLE_CLIENT,
    .program = "virgated",
    .log = &server->log,
    .modules = server->modules,
    .credential = link_credential,
  };
}

void
host_env_start (struct server *server)
{
  struct host_state *host = &server->host;

  pthread_mutex_lock (&host->lock);
  host->is_running = true;
  list_for_each (item, &host->timers)
    timer_begin (list_item (item, struct timer, link));
  pthread_mutex_unlock (&host->lock);
  list_for_each (item, &host->watches)
    watch_begin (list_item (item, struct watch, link));
}

/* A timer that loop 0 does not have yet is in its mail, and freed there. */
void
host_env_stop (struct server *server)
{
  struct host_state *host = &server->host;

  if (!host->is_running)
    return;
  list_for_each (item, &host->watches)
    watch_end (list_item (item, struct watch, link));
  LOCK_FOR_SCOPE (&host->lock);
  host->is_running = false;
  list_for_each (item, &host->timers) {
    struct timer *timer = list_item (item, struct timer, link);

    list_remove (&timer->link);
    if (timer->is_begun)
      uv_close ((uv_handle_t *) &timer->uv, on_timer_closed);
  }
}

void
host_env_free (struct server *server)
{
  struct host_state *host = &server->host;

  if (host->watches.next == NULL)
    return;
  list_for_each (item, &host->watches)
    free (list_item (item, struct watch, link));
  list_for_each (item, &host->timers)
    free (list_item (item, struct timer, link));
  if (host->stop_fd != -1)
    close (host->stop_fd);
}
