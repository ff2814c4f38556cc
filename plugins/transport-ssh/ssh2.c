/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The built-in backend: a channel of a shared link, by the first way to the
 * far side's daemon that works.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "channel.h"
#include "common/cleanup.h"
#include "common/mem.h"

/* Links that were full before a new one is tried. */
#define FULL_MAX 64

enum outcome { WORKS, NOT_HERE, GIVE_UP };

/* One connection in the making. */
struct trial {
  const struct ssh_request *request;
  struct hop *hop;
  struct ssh_pipe *pipe;        /* WORKS */
  struct answer_state answer;
  char tried[640];              /* what was, and why it did not work */
};

static void
note (struct trial *t, const char *what, const char *why)
{
  size_t len = strlen (t->tried);

  snprintf (t->tried + len, sizeof t->tried - len, "%s%s: %s",
            len ? "; " : "", what, why);
}

/* A channel on a link that has room for it. */
static enum outcome
open_channel (struct trial *t, struct channel_spec *spec, char *why,
              size_t size)
{
  for (int i = 0; i < FULL_MAX; i++) {
    struct link *link = link_get (t->request, t->hop);
    bool is_shared;

    if (link == NULL)
      return GIVE_UP;
    is_shared = link_is_shared (link);
    t->pipe = channel_open (link, spec, t->request->deadline, why, size);
    if (t->pipe)
      return WORKS;
    if (spec->error == 0) {
      ssh_fail (t->request->ssh, "ssh to %s: a channel was not opened in "
                "time: %s", ssh_host_of (t->request), why);
      return GIVE_UP;
    }
    /* It broke meanwhile: the next one is new. */
    if (spec->error == LIBSSH2_ERROR_SOCKET_DISCONNECT && i == 0)
      continue;
    /* sshd has a limit for sessions on one connection. */
    if (spec->kind != CHANNEL_EXEC || !is_shared
        || spec->error != LIBSSH2_ERROR_CHANNEL_FAILURE)
      return NOT_HERE;
    link_set_full (t->hop);
  }
  return NOT_HERE;
}

/* Ways --------------------------------------------------------------------- */

static enum outcome
try_command (struct trial *t, unsigned ways, const char *name)
{
  CLEANUP_FREE char *command = far_command (t->request, ways);
  struct channel_spec spec = { .kind = CHANNEL_EXEC, .target = command };
  char why[SSH_WHY_MAX];
  enum outcome outcome;
  bool is_silent;
  int result;

  if (command == NULL) {
    t->request->ssh->host->error (t->request->ssh->host, "out of memory");
    return GIVE_UP;
  }
  outcome = open_channel (t, &spec, why, sizeof why);
  if (outcome != WORKS) {
    note (t, name, why);
    return outcome;
  }
  is_silent = *channel_is_silent (t->pipe);
  result = ssh_await_answer (t->pipe, &t->answer, t->request->deadline,
                             &is_silent, why, sizeof why);
  if (result == 0) {
    *channel_is_silent (t->pipe) = is_silent;
    return WORKS;
  }
  t->pipe->ops->close (t->pipe);
  t->pipe = NULL;
  free (t->answer.data);
  t->answer = (struct answer_state) { .data = NULL };
  note (t, name, why);
  if (now_ns () < t->request->deadline)
    return NOT_HERE;
  ssh_fail (t->request->ssh, "ssh to %s: no way to a daemon there was found "
            "in time: %s", ssh_host_of (t->request), t->tried);
  return GIVE_UP;
}

static enum outcome
try_helper (struct trial *t)
{
  return try_command (t, FAR_HELPER, "helper");
}

static enum outcome
try_netcat (struct trial *t)
{
  return try_command (t, FAR_NETCAT, "netcat");
}

/* sshd connects to the socket; no program is needed there. */
static enum outcome
try_forward (struct trial *t)
{
  CLEANUP (far_sockets_free) struct far_sockets sockets;
  char why[SSH_WHY_MAX], all[SSH_WHY_MAX / 2] = "";
  size_t len = 0;

  if (far_sockets (t->request, &sockets) == -1)
    return GIVE_UP;
  for (int i = 0; i < sockets.count; i++) {
    struct channel_spec spec = {
      .kind = CHANNEL_UNIX, .target = sockets.path[i],
    };
    enum outcome outcome = open_channel (t, &spec, why, sizeof why);

    if (outcome == WORKS)
      snprintf (t->answer.word, sizeof t->answer.word, "forwarding to %s",
                sockets.path[i]);
    if (outcome != NOT_HERE)
      return outcome;
    if (len < sizeof all)
      len += snprintf (all + len, sizeof all - len, "%s%s: %s",
                       len ? ", " : "", sockets.path[i], why);
  }
  note (t, "forwarding", all);
  return NOT_HERE;
}

static const struct {
  enum far_way way;
  enum outcome (*run) (struct trial *t);
} ways[] = {
  { FAR_HELPER, try_helper },
  { FAR_STREAMLOCAL, try_forward },
  { FAR_NETCAT, try_netcat },
};

static enum outcome
try_ways (struct trial *t)
{
  unsigned allowed = far_ways (t->request);

  for (size_t i = 0; i < COUNT_OF (ways); i++) {
    enum outcome outcome;

    if (!(allowed & ways[i].way))
      continue;
    outcome = ways[i].run (t);
    if (outcome != NOT_HERE)
      return outcome;
  }
  ssh_fail (t->request->ssh, "ssh to %s: logged in as %s, but there is no way "
            "to a daemon: %s; is libvirt or virgate installed and running "
            "there?", ssh_host_of (t->request), t->hop->user, t->tried);
  return GIVE_UP;
}

int
ssh2_connect (const struct ssh_request *request, void **conn)
{
  struct trial t = { .request = request, .hop = hop_resolve (request) };
  enum outcome outcome;

  if (t.hop == NULL)
    return -1;
  outcome = try_ways (&t);
  hop_free (t.hop);
  if (outcome != WORKS)
    return -1;
  *conn = ssh_client_new (request->ssh, t.pipe, &t.answer,
                          ssh_host_of (request));
  if (*conn)
    return 0;
  free (t.answer.data);
  t.pipe->ops->close (t.pipe);
  return request->ssh->host->error (request->ssh->host, "out of memory");
}
