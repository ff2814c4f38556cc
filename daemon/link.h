/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A gateway's connection onward: made on a worker by link_service_open, then
 * part of its client's session and loop, whose thread alone touches it.
 */
#ifndef VIRGATE_DAEMON_LINK_H
#define VIRGATE_DAEMON_LINK_H

#include <stdbool.h>
#include <uv.h>

#include <virgate/driver.h>

#include "common/list.h"
#include "core/dial.h"
#include "core/keepalive.h"
#include "core/wire.h"

struct loop;
struct session;

/* Bytes that wait for the far side before link_send says AGAIN. */
#define LINK_OUT_MAX (512 * 1024)

struct virgate_link {
  uv_poll_t poll;
  uv_poll_t *poll_write;        /* where that is another descriptor */
  struct loop *loop;
  struct session *session;
  struct dialed dialed;
  struct instance *auth;        /* whose security layer lies on it, or NULL */
  struct virgate_peer peer;
  struct wire_in in;
  struct wire_out out;
  struct virgate_link_ops ops;
  void *opaque;
  struct list ready;            /* loop->links_ready */
  struct list touched;          /* loop->links_touched */
  struct list pinged;           /* loop->links_pinged */
  struct keepalive keepalive;
  uint8_t polled;               /* events that uv watches */
  uint8_t want_in, want_out;
  bool is_attached;             /* the loop has it */
  bool is_closed;               /* the transport is */
  bool is_stopped;              /* input is held back */
  bool is_waiting;              /* until link_resume */
  bool is_full;                 /* link_send said AGAIN */
  bool is_serving;              /* its turn is on */
  bool has_keepalive;           /* the far side knows pings */
  bool has_secret;              /* the output does: wipe it once written */
};

/* What a module that answers a far side asks for, from libvirt's auth.conf; as
 * in struct host_env.
 */
struct instance;
int link_credential (void *opaque, const struct instance *instance,
                     uint32_t kind, const char *prompt,
                     const char *challenge, char **secret);

/* The call that opened it has landed on the loop: begin.  0, or -1. */
int link_attach (struct virgate_link *link);

/* The client is gone: close the connection now.  The memory is the driver's,
 * who calls link_close.
 */
void link_detach (struct virgate_link *link);

/* Write what there is. */
void link_flush (struct virgate_link *link);
/* Go on with input that was held back. */
void link_continue (struct virgate_link *link);

/* May descriptors be sent with a frame? */
bool link_passes_fds (const struct virgate_link *link);

/* Can nobody on the way read what passes? */
bool link_is_secure (const struct virgate_link *link);

/* Ping those that are due, end the dead ones. */
void links_keepalive (struct loop *loop);

/* driver.h */
struct virgate_link *link_service_open (struct virgate_call *call,
                                        const struct virgate_link_options *,
                                        const struct virgate_link_ops *ops,
                                        void *opaque);
int link_service_check (const struct virgate_link_options *where);
int link_service_send (struct virgate_link *link,
                       const struct virgate_frame *frame);
void link_service_resume (struct virgate_link *link);
void link_service_close (struct virgate_link *link);

#endif /* VIRGATE_DAEMON_LINK_H */
