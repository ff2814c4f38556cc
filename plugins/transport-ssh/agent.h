/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A client of ssh-agent.  libssh2 has one, which waits without a deadline and
 * signs with RSA keys by SHA-1.
 */
#ifndef VIRGATE_TRANSPORT_SSH_AGENT_H
#define VIRGATE_TRANSPORT_SSH_AGENT_H

#include <stddef.h>
#include <stdint.h>

#define AGENT_KEYS_MAX 64

struct agent_key {
  const uint8_t *blob;          /* in agent->answer */
  size_t len;
  char type[64];
  char comment[80];
};

struct agent {
  int fd;
  int64_t deadline;
  uint8_t *answer;              /* to the request for keys */
  struct agent_key keys[AGENT_KEYS_MAX];
  int count;
};

/* Connect and ask for the keys.  0, or -1 with why filled in. */
int agent_open (struct agent *agent, const char *path, int64_t deadline,
                char *why, size_t size);
void agent_close (struct agent *agent);

/* Sign; *sig is malloc'ed and has no type in front.  flags: of the agent's
 * protocol.  0, or -1.
 */
int agent_sign (struct agent *agent, const struct agent_key *key,
                const void *data, size_t len, uint32_t flags,
                uint8_t **sig, size_t *sig_len);

#endif /* VIRGATE_TRANSPORT_SSH_AGENT_H */
