/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Events as a table: which there are, what each tells, how it reads.
 */
#ifndef VIRGATE_CLI_EVENTS_H
#define VIRGATE_CLI_EVENTS_H

#include "cli.h"

enum event_field_type {
  EVENT_STR = 1,
  EVENT_INT = 2,                /* int32_t */
  EVENT_LONG = 3,               /* int64_t */
  EVENT_ULONG = 4,              /* uint64_t */
  EVENT_ENUM = 5,               /* int32_t with names */
  EVENT_DETAIL = 6,             /* of a lifecycle event, by the one before */
  EVENT_PARAMS = 7,             /* typed parameters */
  EVENT_PEOPLE = 8,             /* a graphics client's identities */
  EVENT_BIT0 = 9,               /* of a uint32_t */
  EVENT_BIT1 = 10
};

struct event_field {
  const char *key;
  uint8_t type;                 /* enum event_field_type */
  uint32_t offset;              /* in the message */
  const char *const *names;     /* of EVENT_ENUM */
  size_t count;
};

struct event_kind {
  const char *name;
  int32_t proc;                 /* the message's procedure */
  uint32_t subject;             /* offset of the domain or network */
  const char *text;             /* what follows its name; {key} is a field */
  const struct event_field *fields; /* ends with a NULL key; may be NULL */
};

/* By event id; ends with a NULL name. */
extern const struct event_kind domain_events[];
extern const struct event_kind network_events[];

/* The message for people and as a JSON object; what is "domain" or "network",
 * when a time to show or NULL.  free both.
 */
void event_format (const struct event_kind *kind, const char *what,
                   const void *msg, const char *when, char **text,
                   char **json);

#endif /* VIRGATE_CLI_EVENTS_H */
