/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One question to polkit; see authority.h.  Each has a connection to the bus
 * of its own: no state is shared by threads, and a bus that was restarted is
 * found again.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "authority.h"
#include "common/cleanup.h"
#include "common/mem.h"

#define SERVICE "org.freedesktop.PolicyKit1"
#define OBJECT "/org/freedesktop/PolicyKit1/Authority"
#define INTERFACE "org.freedesktop.PolicyKit1.Authority"

/* Flag of CheckAuthorization. */
#define ALLOW_USER_INTERACTION 1

/* The entry of the answer's details when somebody pressed 'cancel'. */
#define DISMISSED "polkit.dismissed"

/* By which a question can be taken back; unique on our connection. */
#define QUESTION_ID "virgate"

struct question {
  const struct virgate_host *host;
  sd_bus *bus;
  int64_t deadline;
  bool is_answered;
  enum verdict verdict;
};

static void
close_bus (sd_bus **bus)
{
  sd_bus_close_unref (*bus);
}

static void
unref_message (sd_bus_message **message)
{
  sd_bus_message_unref (*message);
}

/* One entry of details, {ss}. */
static int
read_detail (sd_bus_message *reply, bool *is_dismissed)
{
  const char *key, *value;
  int r = sd_bus_message_read (reply, "{ss}", &key, &value);

  if (r > 0 && strcmp (key, DISMISSED) == 0 && *value)
    *is_dismissed = true;
  return r;
}

/* The answer, (bba{ss}): authorized, would be after a challenge, details. */
static int
read_answer (sd_bus_message *reply, enum verdict *verdict)
{
  int is_authorized, is_challenge, r;
  bool is_dismissed = false;

  r = sd_bus_message_enter_container (reply, 'r', "bba{ss}");
  if (r >= 0)
    r = sd_bus_message_read (reply, "bb", &is_authorized, &is_challenge);
  if (r >= 0)
    r = sd_bus_message_enter_container (reply, 'a', "{ss}");
  while (r > 0)
    r = read_detail (reply, &is_dismissed);
  if (r < 0)
    return r;
  *verdict = is_authorized ? VERDICT_YES
             : is_dismissed ? VERDICT_DISMISSED
             : is_challenge ? VERDICT_CHALLENGE : VERDICT_NO;
  return 0;
}

static int
on_answer (sd_bus_message *reply, void *opaque, sd_bus_error *error)
{
  struct question *q = opaque;
  const sd_bus_error *failed = sd_bus_message_get_error (reply);
  int r = failed ? 0 : read_answer (reply, &q->verdict);

  q->is_answered = true;
  if (failed)
    q->host->error (q->host, "polkit: %s", failed->message ? failed->message
                                                           : failed->name);
  else if (r < 0)
    q->host->error (q->host, "polkit's answer: %s", strerror (-r));
  return 1;
}

static int
append_subject (sd_bus_message *call, const struct subject *subject)
{
  return sd_bus_message_append (call, "(sa{sv})", "unix-process", 3,
                                "pid", "u", subject->pid,
                                "start-time", "t", subject->start,
                                "uid", "i", (int32_t) subject->uid);
}

/* Send the question.  0 or more, or a negative errno. */
static int
send_question (struct question *q, const struct subject *subject,
               const char *action, bool interactive)
{
  CLEANUP (unref_message) sd_bus_message *call = NULL;
  int r = sd_bus_message_new_method_call (q->bus, &call, SERVICE, OBJECT,
                                          INTERFACE, "CheckAuthorization");

  if (r >= 0)
    r = append_subject (call, subject);
  if (r >= 0)
    r = sd_bus_message_append (call, "sa{ss}us", action, 0,
                               interactive ? ALLOW_USER_INTERACTION : 0,
                               QUESTION_ID);
  if (r >= 0)
    r = sd_bus_call_async (q->bus, NULL, call, on_answer, q, UINT64_MAX);
  return r;
}

/* Nobody waits for the answer any more: the agent's window should close. */
static void
take_back (struct question *q)
{
  CLEANUP (unref_message) sd_bus_message *call = NULL;

  if (sd_bus_message_new_method_call (q->bus, &call, SERVICE, OBJECT,
                                      INTERFACE, "CancelCheckAuthorization")
      >= 0
      && sd_bus_message_append (call, "s", QUESTION_ID) >= 0
      && sd_bus_message_set_expect_reply (call, false) >= 0
      && sd_bus_send (q->bus, call, NULL) >= 0)
    sd_bus_flush (q->bus);
}

/* Wait for something to happen on the bus.  0, or -1 after host->error. */
static int
wait_for_bus (struct question *q, int stop_fd)
{
  struct pollfd fds[] = {
    { .fd = sd_bus_get_fd (q->bus), .events = sd_bus_get_events (q->bus) },
    { .fd = stop_fd, .events = POLLIN },
  };
  int64_t left = q->deadline - now_ns ();
  uint64_t bus_us = UINT64_MAX;
  int64_t ms;

  if (left <= 0)
    return q->host->error (q->host, "polkit did not answer in time");
  ms = MIN_OF ((left + NS_PER_MS - 1) / NS_PER_MS, INT64_C (60000));
  /* While it connects the bus has times of its own; look again soon. */
  if (sd_bus_get_timeout (q->bus, &bus_us) >= 0 && bus_us != UINT64_MAX)
    ms = MIN_OF (ms, INT64_C (100));
  if (poll (fds, COUNT_OF (fds), (int) ms) == -1 && errno != EINTR)
    return q->host->error (q->host, "poll: %s", strerror (errno));
  if (fds[1].revents)
    return q->host->error (q->host, "the daemon ends");
  return 0;
}

static int
wait_for_answer (struct question *q)
{
  int stop_fd = VIRGATE_HOST_HAS (q->host, stop_fd)
                ? q->host->stop_fd (q->host) : -1;

  while (!q->is_answered) {
    int r = sd_bus_process (q->bus, NULL);

    if (r < 0 && !q->is_answered)
      return q->host->error (q->host, "the system bus: %s", strerror (-r));
    if (r == 0 && !q->is_answered && wait_for_bus (q, stop_fd) == -1) {
      take_back (q);
      return -1;
    }
  }
  return 0;
}

enum verdict
authority_ask (const struct virgate_host *host, const struct subject *subject,
               const char *action, bool interactive, int64_t deadline)
{
  CLEANUP (close_bus) sd_bus *bus = NULL;
  struct question q = {
    .host = host, .deadline = deadline, .verdict = VERDICT_ERROR,
  };
  int r = sd_bus_open_system (&bus);

  q.bus = bus;
  if (r >= 0)
    r = send_question (&q, subject, action, interactive);
  if (r < 0) {
    host->error (host, "cannot reach polkit on the system bus: %s",
                 strerror (-r));
    return VERDICT_ERROR;
  }
  return wait_for_answer (&q) == 0 ? q.verdict : VERDICT_ERROR;
}
