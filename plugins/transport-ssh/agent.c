/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The agent's protocol (draft-miller-ssh-agent): a length, a number for what
 * is meant, and strings.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent.h"
#include "common/buf.h"
#include "common/cleanup.h"
#include "common/mem.h"
#include "keyfile.h"

#define ANSWER_MAX (256 * 1024)

enum { REQUEST_IDENTITIES = 11, IDENTITIES_ANSWER = 12, SIGN_REQUEST = 13,
       SIGN_RESPONSE = 14 };

/* A received message, being read. */
struct reader {
  const uint8_t *at, *end;
};

static int
await (const struct agent *agent, short events)
{
  struct pollfd pollfd = { .fd = agent->fd, .events = events };
  int64_t left = agent->deadline - now_ns ();
  struct timespec wait = { left / NS_PER_S, left % NS_PER_S };

  if (left <= 0) {
    errno = ETIMEDOUT;
    return -1;
  }
  ppoll (&pollfd, 1, agent->deadline == INT64_MAX ? NULL : &wait, NULL);
  return 0;
}

static int
send_all (struct agent *agent, const uint8_t *data, size_t len)
{
  while (len > 0) {
    ssize_t n = send (agent->fd, data, len, MSG_NOSIGNAL);

    if (n == -1 && errno != EAGAIN && errno != EINTR)
      return -1;
    if (n == -1 && await (agent, POLLOUT) == -1)
      return -1;
    data += MAX_OF (n, (ssize_t) 0);
    len -= MAX_OF (n, (ssize_t) 0);
  }
  return 0;
}

static int
receive_all (struct agent *agent, uint8_t *data, size_t len)
{
  while (len > 0) {
    ssize_t n = recv (agent->fd, data, len, 0);

    if (n == 0)
      errno = ECONNRESET;
    if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
      return -1;
    if (n == -1 && await (agent, POLLIN) == -1)
      return -1;
    data += MAX_OF (n, (ssize_t) 0);
    len -= MAX_OF (n, (ssize_t) 0);
  }
  return 0;
}

static uint32_t
get_u32 (const uint8_t *at)
{
  return (uint32_t) at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

static int
put_u32 (struct buf *out, uint32_t n)
{
  const uint8_t bytes[] = { n >> 24, n >> 16, n >> 8, n };

  return buf_append (out, bytes, sizeof bytes);
}

static int
put_string (struct buf *out, const void *data, size_t len)
{
  return put_u32 (out, len) | buf_append (out, data, len);
}

static bool
take_string (struct reader *in, const uint8_t **data, size_t *len)
{
  if (in->end - in->at < 4 || get_u32 (in->at) > in->end - in->at - 4)
    return false;
  *len = get_u32 (in->at);
  *data = in->at + 4;
  in->at += 4 + *len;
  return true;
}

/* Send a message and receive the answer, which must be of one kind.  Returns
 * it (malloc'ed), or NULL with errno.
 */
static uint8_t *
ask (struct agent *agent, const struct buf *message, uint8_t wanted,
     struct reader *in)
{
  CLEANUP_FREE uint8_t *answer = NULL;
  uint8_t head[4];
  uint32_t len;

  if (send_all (agent, (const uint8_t *) buf_data (message),
                buf_len (message)) == -1
      || receive_all (agent, head, sizeof head) == -1)
    return NULL;
  len = get_u32 (head);
  errno = EBADMSG;
  if (len < 1 || len > ANSWER_MAX || (answer = malloc (len)) == NULL
      || receive_all (agent, answer, len) == -1)
    return NULL;
  if (answer[0] != wanted) {
    errno = EACCES;             /* it refuses */
    return NULL;
  }
  *in = (struct reader) { answer + 1, answer + len };
  return steal_pointer (&answer);
}

static int
read_keys (struct agent *agent, struct reader *in)
{
  uint32_t count;

  if (in->end - in->at < 4)
    return -1;
  count = get_u32 (in->at);
  in->at += 4;
  for (; count > 0 && agent->count < AGENT_KEYS_MAX; count--) {
    struct agent_key *key = &agent->keys[agent->count];
    const uint8_t *comment;
    size_t len;

    if (!take_string (in, &key->blob, &key->len)
        || !take_string (in, &comment, &len))
      return -1;
    keyfile_blob_type (key->blob, key->len, key->type, sizeof key->type);
    len = MIN_OF (len, sizeof key->comment - 1);
    for (size_t i = 0; i < len; i++)
      key->comment[i] = comment[i] < 0x20 || comment[i] > 0x7e ? '?'
                                                               : comment[i];
    key->comment[len] = '\0';
    agent->count++;
  }
  return 0;
}

static int
dial (struct agent *agent, const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int result;

  if (strlen (path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy (address.sun_path, path);
  agent->fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (agent->fd == -1)
    return -1;
  /* A full queue of an agent that hangs: again, until the deadline. */
  do
    result = connect (agent->fd, (struct sockaddr *) &address,
                      sizeof address);
  while (result == -1 && errno == EAGAIN && await (agent, POLLOUT) == 0);
  return result;
}

int
agent_open (struct agent *agent, const char *path, int64_t deadline,
            char *why, size_t size)
{
  static const uint8_t message[] = { 0, 0, 0, 1, REQUEST_IDENTITIES };
  CLEANUP (buf_free) struct buf out = BUF_INIT;
  struct reader in;

  memset (agent, 0, sizeof *agent);
  agent->deadline = deadline;
  agent->fd = -1;
  if (dial (agent, path) == 0
      && buf_append (&out, message, sizeof message) == 0
      && (agent->answer = ask (agent, &out, IDENTITIES_ANSWER, &in))
      && read_keys (agent, &in) == 0)
    return 0;
  snprintf (why, size, "%s", strerror (errno));
  agent_close (agent);
  return -1;
}

void
agent_close (struct agent *agent)
{
  cleanup_close (&agent->fd);
  free (agent->answer);
  agent->fd = -1;
  agent->answer = NULL;
  agent->count = 0;
}

/* "ssh-ed25519" and the signature itself. */
static int
unpack (struct reader *in, uint8_t **sig, size_t *sig_len)
{
  const uint8_t *all, *type, *raw;
  struct reader inner;
  size_t len;

  if (!take_string (in, &all, &len))
    return -1;
  inner = (struct reader) { all, all + len };
  if (!take_string (&inner, &type, &len)
      || !take_string (&inner, &raw, sig_len))
    return -1;
  *sig = malloc (*sig_len + 1);
  if (*sig == NULL)
    return -1;
  memcpy (*sig, raw, *sig_len);
  return 0;
}

int
agent_sign (struct agent *agent, const struct agent_key *key,
            const void *data, size_t len, uint32_t flags, uint8_t **sig,
            size_t *sig_len)
{
  const uint8_t kind = SIGN_REQUEST;
  CLEANUP (buf_free) struct buf out = BUF_INIT;
  CLEANUP_FREE uint8_t *answer = NULL;
  struct reader in;

  if (put_u32 (&out, 1 + 4 + key->len + 4 + len + 4)
      | buf_append (&out, &kind, 1) | put_string (&out, key->blob, key->len)
      | put_string (&out, data, len) | put_u32 (&out, flags))
    return -1;
  answer = ask (agent, &out, SIGN_RESPONSE, &in);
  return answer ? unpack (&in, sig, sig_len) : -1;
}
