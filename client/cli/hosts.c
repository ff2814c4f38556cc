/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Hosts and their connections: one command goes to all of them at once, each
 * served by a thread, so that a dead one costs the others nothing.  A
 * connection stays open for the shell's next command.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

void
hosts_take (struct app *app, char **names, int count)
{
  struct hosts *hosts = &app->hosts;

  app->names = must_alloc (app->names, app->nnames + 1, sizeof (char **));
  app->names[app->nnames++] = names;
  hosts->host = must_alloc (hosts->host, hosts->count + count,
                            sizeof *hosts->host);
  for (int i = 0; i < count; i++)
    hosts->host[hosts->count++] = (struct host) { .name = names[i] };
}

int
hosts_add (struct app *app, const char *uri)
{
  char **names;
  int count = virgate_expand_alias (uri, app->config_file, &names);

  if (count < 0) {
    const struct virgate_error *error = virgate_last_error ();

    output_error (app, error->message, error);
    return -1;
  }
  hosts_take (app, names, count);
  return 0;
}

static void
host_clear (struct host *host)
{
  host_forget (host);
  result_free (&host->result);
  host->is_silent = false;
}

void
hosts_wait (struct app *app, int fd)
{
  nfds_t count = (nfds_t) app->hosts.count + 2;
  CLEANUP_FREE struct pollfd *fds = must_alloc (NULL, count, sizeof *fds);

  do {
    int wait_ms = -1;

    fds[0] = (struct pollfd) { fd, POLLIN, 0 };
    fds[1] = (struct pollfd) { app->stop_fd, POLLIN, 0 };
    for (int i = 0; i < app->hosts.count; i++) {
      struct virgate_conn *conn = app->hosts.host[i].conn;
      int left_ms;

      fds[i + 2] = (struct pollfd) { -1, 0, 0 };
      if (conn == NULL || virgate_conn_step (conn) < 0)
        continue;
      left_ms = virgate_conn_timeout_ms (conn);
      fds[i + 2].fd = virgate_conn_fd (conn);
      fds[i + 2].events = virgate_conn_events (conn);
      if (left_ms >= 0 && (wait_ms < 0 || left_ms < wait_ms))
        wait_ms = left_ms;
    }
    if (poll (fds, count, wait_ms) < 0 && errno != EINTR)
      return;
  } while (fds[0].revents == 0 && fds[1].revents == 0);
}

void
hosts_free (struct app *app)
{
  for (int i = 0; i < app->hosts.count; i++) {
    host_clear (&app->hosts.host[i]);
    virgate_conn_free (app->hosts.host[i].conn);
    virgate_error_free (app->hosts.host[i].lost);
  }
  for (int i = 0; i < app->nnames; i++)
    virgate_free (app->names[i]);
  free (app->hosts.host);
  free (app->names);
  app->hosts = (struct hosts) { 0 };
  app->names = NULL;
  app->nnames = 0;
}

void
host_forget (struct host *host)
{
  free (host->failure);
  virgate_error_free (host->error);
  host->failure = NULL;
  host->error = NULL;
  host->status = STATUS_OK;
}

/* The library's own ends of time, not those of something on the host. */
static bool
is_timeout (const struct virgate_error *error)
{
  return error->code == VIRGATE_ERR_OPERATION_TIMEOUT
         && (error->domain == VIRGATE_FROM_RPC
             || error->domain == VIRGATE_FROM_REMOTE);
}

void
host_failed (struct host *host, const struct virgate_error *error,
             enum status status)
{
  const char *message = error->message ? error->message : "unknown error";
  struct virgate_error *copy = virgate_error_copy (error);
  char *failure = must_strdup (message);

  host_forget (host);
  host->error = copy;
  host->failure = failure;
  host->status = is_timeout (error) ? STATUS_TIMEOUT : status;
}

static void
host_lost (void *opaque, const struct virgate_error *why)
{
  struct host *host = opaque;

  host->lost = virgate_error_copy (why);
}

int
host_connect (struct app *app, struct host *host)
{
  struct virgate_connect_options options = {
    .size = sizeof options,
    .flags = app->read_only ? VIRGATE_CONNECT_READ_ONLY : 0,
    .connect_timeout_ms = app->timeout_ms,
    .credential = app->asks_nothing ? NULL : ask_credential,
    .credential_opaque = app,
    .config_file = app->config_file,
    .module_dir = app->module_dir,
  };

  if (host->conn && virgate_conn_is_alive (host->conn))
    return 0;
  virgate_conn_free (host->conn);
  virgate_error_free (host->lost);
  host->lost = NULL;
  host->conn = virgate_connect (host->name, &options);
  if (host->conn == NULL) {
    host_failed (host, virgate_last_error (), STATUS_NO_CONNECTION);
    return -1;
  }
  virgate_set_closed_fn (host->conn, host_lost, host);
  virgate_conn_step (host->conn); /* from now on both sides ask for life */
  if (host->was_connected) {
    LOCK_FOR_SCOPE (&app->output_lock);
    fprintf (stderr, "virgate: the connection was lost; connected again\n");
  }
  host->was_connected = true;
  return 0;
}

static void
host_run (struct app *app, const struct parsed *parsed, struct host *host)
{
  struct cmd cmd = {
    .app = app, .host = host, .parsed = parsed, .out = &host->result,
  };

  host_clear (host);
  cmd_begin (&cmd);
  if (!(parsed->def->flags & COMMAND_LOCAL) && host_connect (app, host) < 0)
    return;
  if (parsed->def->run (&cmd) < 0 && host->failure == NULL)
    cmd_fail (&cmd, STATUS_FAILED, "command '%s' failed", parsed->def->name);
  cmd_end (&cmd);
}

/* One command for all threads. */
struct round {
  struct app *app;
  const struct parsed *parsed;
  atomic_int next;              /* host that nobody has taken yet */
};

static void *
round_thread (void *opaque)
{
  struct round *round = opaque;
  int i;

  while ((i = atomic_fetch_add (&round->next, 1)) < round->app->hosts.count)
    host_run (round->app, round->parsed, &round->app->hosts.host[i]);
  return NULL;
}

static void
round_run (struct round *round)
{
  int wanted = MIN_OF (round->app->hosts.count, HOSTS_AT_ONCE) - 1;
  pthread_t threads[HOSTS_AT_ONCE];
  int started = 0;

  while (started < wanted && pthread_create (&threads[started], NULL,
                                             round_thread, round) == 0)
    started++;
  round_thread (round);         /* this thread takes its part */
  for (int i = 0; i < started; i++)
    pthread_join (threads[i], NULL);
}

enum status
hosts_run (struct app *app, const struct parsed *parsed)
{
  struct round round = { .app = app, .parsed = parsed };
  uint32_t flags = parsed->def->flags;
  sigset_t before;
  enum status status;

  if (flags & COMMAND_LOCAL) {
    struct host here = { 0 };
    struct hosts hosts = { &here, 1 };

    host_run (app, parsed, &here);
    status = output_results (app, &hosts);
    host_clear (&here);
    return status;
  }
  if (flags & COMMAND_ONE_HOST && app->hosts.count > 1) {
    output_error (app, "this command works on one host only", NULL);
    return STATUS_USAGE;
  }
  if (flags & COMMAND_WATCHES)
    signals_watch (app, &before);
  round_run (&round);
  if (flags & COMMAND_WATCHES)
    signals_unwatch (app, &before);
  return output_results (app, &app->hosts);
}
