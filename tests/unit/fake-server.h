/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The other end of a connection, inside the test: a thread that speaks frames
 * over a socket pair, as the test scripts it.  The client's end is a real
 * connection of the library's, past virgate_connect.
 */
#ifndef VIRGATE_TESTS_FAKE_SERVER_H
#define VIRGATE_TESTS_FAKE_SERVER_H

#include <pthread.h>

#include <virgate/calls.h>

#include "client/internal.h"
#include "unit.h"

struct fake;
typedef void fake_fn (struct fake *fake);

struct fake {
  int fd;                       /* the server's end */
  pthread_t thread;
  fake_fn *script;              /* runs on the thread; fd is closed after it */
  void *opaque;                 /* the test's */
  struct virgate_conn *conn;    /* the client's end */
};

/* What the server got. */
struct got {
  struct frame_header head;
  uint32_t len;                 /* of payload */
  uint32_t fd_count;
  char payload[512 * 1024];
};

/* Make both ends and run the script.  options NULL: none. */
void fake_start (struct fake *fake, fake_fn *script, void *opaque,
                 const struct virgate_connect_options *options);

/* Free the connection and wait for the script to end. */
void fake_stop (struct fake *fake);

/* Read one frame; false at the end of the connection. */
bool fake_read (struct fake *fake, struct got *got);
void fake_write (struct fake *fake, const void *data, size_t len);
void fake_send (struct fake *fake, const struct frame_header *head,
                const void *payload, size_t len);

/* Answer a call with a payload, or with an error. */
void fake_reply (struct fake *fake, const struct got *call,
                 const void *payload, size_t len);
void fake_fail (struct fake *fake, const struct got *call, int32_t code,
                const char *message);

/* As a reply of one 32-bit number. */
void fake_reply_u32 (struct fake *fake, const struct got *call,
                     uint32_t value);

/* The event lifecycle of a domain, number 318. */
void fake_event (struct fake *fake, int32_t callback, int32_t event);

/* Answer connect_close and nothing else, until the end. */
void fake_idle (struct fake *fake);

/* Calls that tests make: feature N comes back as supported N. */
int call_feature (struct virgate_conn *conn, int32_t feature);

/* A script: answers every feature query as call_feature expects. */
void fake_echo (struct fake *fake);

/* Was the last error this code, with this text in its message? */
void assert_error (int32_t code, const char *text);

#endif /* VIRGATE_TESTS_FAKE_SERVER_H */
