/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A channel of a link, seen from both of its sides: a pipe for its owner, and
 * for the link's thread what moves between a socket pair and libssh2.
 */
#ifndef VIRGATE_TRANSPORT_SSH_CHANNEL_H
#define VIRGATE_TRANSPORT_SSH_CHANNEL_H

#include "link.h"

enum channel_kind {
  CHANNEL_EXEC,                 /* target: a command */
  CHANNEL_UNIX,                 /* target: a socket's path */
  CHANNEL_TCP                   /* target and port */
};

struct channel_spec {
  enum channel_kind kind;
  const char *target;
  unsigned port;
  int error;                    /* out: libssh2's, 0 when time was up */
};

enum channel_state {
  CHANNEL_OPENING, CHANNEL_STARTING,    /* the command */
  CHANNEL_UP,
  CHANNEL_CLOSING,              /* until the far side agrees */
  CHANNEL_GONE
};

/* Bytes of an owner who left may take so long to be sent and confirmed. */
#define CHANNEL_DRAIN_NS NS_PER_S

/* One read and one write. */
#define CHANNEL_CHUNK 32768

struct channel {
  struct list item;             /* in link->requests, then link->channels */
  struct ssh_pipe pipe;         /* the owner's end */
  struct link *link;

  /* Guarded by link->session_lock. */
  enum channel_state state;
  enum channel_kind kind;
  char *target;                 /* a command, or the far side's message */
  size_t target_len;
  LIBSSH2_CHANNEL *ssh;
  int fd;                       /* the thread's end; -1: closed */
  char *in, *out;               /* CHANNEL_CHUNK each, once it is up */
  size_t in_at, in_len;         /* from the far side, to the owner */
  size_t out_at, out_len;       /* the other way */
  _Atomic int64_t in_pair;      /* written by the owner, not yet in out */
  bool near_readable;           /* recv may have something */
  bool near_ended;              /* the owner writes no more */
  bool near_hup;                /* the owner closed its end */
  int64_t hup_at;               /* when that was seen */
  bool near_full;               /* the owner's socket has no room */
  bool far_ended;               /* nothing more comes from there */
  int64_t far_eof;              /* when it said so; 0: not yet */

  _Atomic bool is_abandoned;    /* nobody waits for it to be opened */

  /* Guarded by link->lock. */
  unsigned refs;                /* the owner and the thread */
  int result;                   /* 0: opening; 1: open; or libssh2's error */
  char why[200];                /* what libssh2 said of that */
  char said[1024];              /* the end of its standard error */
  size_t said_len;
  bool has_status;
  int status;
  char signal[32];
};

/* channel.c: the owner's side ---------------------------------------------*/

/* Open a channel on a link, whose user it becomes.  NULL, with why and
 * spec->error filled in and the link released.
 */
struct ssh_pipe *channel_open (struct link *link, struct channel_spec *spec,
                               int64_t deadline, char *why, size_t size);

/* Of the link of a channel's pipe. */
_Atomic bool *channel_is_silent (struct ssh_pipe *pipe);

/* Give up one of the two references. */
void channel_unref (struct channel *channel);

/* move.c: the thread's side -----------------------------------------------*/

/* Do what can be done now.  Returns false when the channel is gone. */
bool channel_step (struct channel *channel);

/* For the owner, with link->session_lock: take what fits and send it, if
 * nothing that came before is under way.  Returns how much was taken.
 */
size_t channel_write_now (struct channel *channel, const struct iovec *iov,
                          int iovcnt);

/* What to poll its socket for; 0: nothing. */
short channel_events (const struct channel *channel);

/* The link is over: tell the owner. */
void channel_drop (struct channel *channel);

#endif /* VIRGATE_TRANSPORT_SSH_CHANNEL_H */
