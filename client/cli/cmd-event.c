/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * event and net-event: ask for events, show them as they come.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "events.h"
#include "rows.h"

/* One wait for events on one connection. */
struct watch {
  struct cmd *cmd;
  const struct event_kind *kinds;
  const char *what;             /* "domain" */
  int32_t ids[32];              /* of callbacks, by kind; -1: none */
  int count;                    /* events shown */
  bool loops;
};

/* "2026-01-31 12:00:00.123+0000", as virsh writes it. */
static void
time_text (char *text, size_t size)
{
  struct timespec now;
  struct tm tm;
  size_t len;

  clock_gettime (CLOCK_REALTIME, &now);
  gmtime_r (&now.tv_sec, &tm);
  len = strftime (text, size, "%Y-%m-%d %H:%M:%S", &tm);
  snprintf (text + len, size - len, ".%03d+0000",
            (int) (now.tv_nsec / 1000000));
}

static void
watch_event (void *opaque, uint32_t program, int32_t procedure,
             const void *msg)
{
  struct watch *watch = opaque;
  struct cmd *cmd = watch->cmd;
  CLEANUP_FREE char *text = NULL, *json = NULL;
  char when[64];

  if (program != VIRGATE_REMOTE_PROGRAM || (!watch->loops && watch->count))
    return;
  for (size_t i = 0; watch->kinds[i].name; i++) {
    if (watch->kinds[i].proc != procedure)
      continue;
    time_text (when, sizeof when);
    event_format (&watch->kinds[i], watch->what, msg,
                  opt_bool (cmd, "timestamp") ? when : NULL, &text, &json);
    output_event (cmd->app, cmd->host, text, json);
    watch->count++;
    return;
  }
}

enum outcome { WATCH_DONE, WATCH_INTERRUPTED, WATCH_TIMED_OUT, WATCH_LOST };

static enum outcome
watch_wait (struct watch *watch, int64_t deadline_ns)
{
  struct virgate_conn *conn = watch->cmd->host->conn;

  for (;;) {
    struct pollfd fds[] = {
      { virgate_conn_fd (conn), 0, 0 }, { watch->cmd->app->stop_fd, POLLIN, 0 }
    };
    int64_t wait_ms;

    if (virgate_conn_step (conn) < 0)
      return WATCH_LOST;
    if (watch->count > 0 && !watch->loops)
      return WATCH_DONE;
    wait_ms = virgate_conn_timeout_ms (conn);
    if (deadline_ns != 0) {
      int64_t left_ms = (deadline_ns - now_ns () + NS_PER_MS - 1) / NS_PER_MS;

      if (left_ms <= 0)
        return WATCH_TIMED_OUT;
      wait_ms = wait_ms < 0 ? left_ms : MIN_OF (wait_ms, left_ms);
    }
    fds[0].events = virgate_conn_events (conn);
    if (poll (fds, 2, (int) MIN_OF (wait_ms, INT32_MAX)) < 0 && errno != EINTR)
      return WATCH_INTERRUPTED;
    if (fds[1].revents)
      return WATCH_INTERRUPTED;
  }
}

static int
watch_end (struct watch *watch, enum outcome outcome)
{
  static const char *const words[] = {
    [WATCH_INTERRUPTED] = "event loop interrupted\n",
    [WATCH_TIMED_OUT] = "event loop timed out\n",
    [WATCH_DONE] = "", [WATCH_LOST] = ""
  };
  struct cmd *cmd = watch->cmd;
  CLEANUP_FREE char *text = must_format ("%sevents received: %d",
                                         words[outcome], watch->count);
  CLEANUP_FREE char *json = must_format ("%d", watch->count);

  if (outcome == WATCH_LOST)
    return cmd_lost (cmd);
  if (outcome == WATCH_TIMED_OUT && watch->count == 0)
    return cmd_fail (cmd, STATUS_TIMEOUT, "event loop timed out, no events "
                     "received");
  result_raw (cmd->out, "events_received", text, json);
  cmd->host->is_silent = cmd->app->json;
  return 0;
}

static int
watch_run (struct watch *watch)
{
  struct cmd *cmd = watch->cmd;
  int64_t limit_s = opt_int (cmd, "timeout", 0);
  int64_t deadline_ns = limit_s ? now_ns () + limit_s * NS_PER_S : 0;
  enum outcome outcome;

  watch->loops = opt_bool (cmd, "loop");
  outcome = watch_wait (watch, deadline_ns);
  cmd_begin (cmd);
  return watch_end (watch, outcome);
}

/* The kind that --event names; -1 with the error noted. */
static int
event_named (struct cmd *cmd, const struct event_kind *kinds)
{
  const char *name = opt_str (cmd, "event");

  if (name == NULL)
    return cmd_fail (cmd, STATUS_USAGE, option_find (cmd->parsed->def, "all")
                     ? "one of --list, --all, or --event <type> is required"
                     : "either --list or --event <type> is required");
  for (int i = 0; kinds[i].name; i++)
    if (strcmp (kinds[i].name, name) == 0)
      return i;
  return cmd_fail (cmd, STATUS_USAGE, "unknown event type %s", name);
}

static int
event_list (struct cmd *cmd, const struct event_kind *kinds)
{
  static const struct column columns[] = { { "event", NULL } };

  result_table (cmd->out, columns, 1);
  for (size_t i = 0; kinds[i].name; i++)
    put_str (cmd->out, NULL, NULL, kinds[i].name);
  return 0;
}

/* Ask for one kind of event; the id is kept for the end. */
static int
domain_event_register (struct watch *watch, int32_t kind,
                       const struct virgate_domain *dom)
{
  struct virgate_remote_connect_domain_event_callback_register_any_args args = {
    kind, (struct virgate_domain *) dom
  };
  struct virgate_remote_connect_domain_event_callback_register_any_ret *ret
    = NULL;

  if (CALL (watch->cmd, connect_domain_event_callback_register_any, &args,
            &ret) < 0)
    return -1;
  watch->ids[kind] = ret->callbackID;
  return 0;
}

static void
domain_event_deregister (struct watch *watch)
{
  struct virgate_remote_connect_domain_event_callback_deregister_any_args args;

  for (size_t i = 0; i < COUNT_OF (watch->ids); i++) {
    args.callbackID = watch->ids[i];
    if (args.callbackID >= 0
        && virgate_conn_is_alive (watch->cmd->host->conn))
      virgate_remote_connect_domain_event_callback_deregister_any
        (cmd_conn (watch->cmd), &args);
  }
}

static void
watch_init (struct watch *watch, struct cmd *cmd,
            const struct event_kind *kinds, const char *what)
{
  memset (watch, 0, sizeof *watch);
  watch->cmd = cmd;
  watch->kinds = kinds;
  watch->what = what;
  for (size_t i = 0; i < COUNT_OF (watch->ids); i++)
    watch->ids[i] = -1;
  virgate_set_event_fn (cmd->host->conn, watch_event, watch);
}

/* Every kind; servers that are older than a kind refuse it, which does not
 * matter as long as they know the first.
 */
static int
register_all (struct watch *watch, const struct virgate_domain *dom)
{
  for (int32_t i = 0; watch->kinds[i].name; i++)
    if (domain_event_register (watch, i, dom) < 0) {
      if (i == 0)
        return -1;
      cmd_forgive (watch->cmd);
    }
  return 0;
}

int
run_event (struct cmd *cmd)
{
  const struct virgate_domain *dom = NULL;
  bool is_all = opt_bool (cmd, "all");
  struct watch watch;
  int kind = 0, rc;

  if (opt_bool (cmd, "list"))
    return event_list (cmd, domain_events);
  if (!is_all && (kind = event_named (cmd, domain_events)) < 0)
    return -1;
  if (opt_bool (cmd, "domain") && (dom = opt_domain (cmd, BY_ANY)) == NULL)
    return -1;
  watch_init (&watch, cmd, domain_events, "domain");
  rc = is_all ? register_all (&watch, dom)
              : domain_event_register (&watch, kind, dom);
  if (rc == 0)
    rc = watch_run (&watch);
  domain_event_deregister (&watch);
  virgate_set_event_fn (cmd->host->conn, NULL, NULL);
  return rc;
}

int
run_net_event (struct cmd *cmd)
{
  struct virgate_remote_connect_network_event_register_any_args args = { 0 };
  struct virgate_remote_connect_network_event_register_any_ret *ret = NULL;
  struct virgate_remote_connect_network_event_deregister_any_args end;
  struct watch watch;
  int rc;

  if (opt_bool (cmd, "list"))
    return event_list (cmd, network_events);
  if ((args.eventID = event_named (cmd, network_events)) < 0)
    return -1;
  if (opt_bool (cmd, "network")) {
    args.net = (struct virgate_network *) opt_network (cmd, BY_NAME | BY_UUID);
    if (args.net == NULL)
      return -1;
  }
  watch_init (&watch, cmd, network_events, "network");
  rc = CALL (cmd, connect_network_event_register_any, &args, &ret);
  if (rc == 0) {
    rc = watch_run (&watch);
    end.callbackID = ret->callbackID;
    if (virgate_conn_is_alive (cmd->host->conn))
      virgate_remote_connect_network_event_deregister_any (cmd_conn (cmd),
                                                           &end);
  }
  virgate_set_event_fn (cmd->host->conn, NULL, NULL);
  return rc;
}
