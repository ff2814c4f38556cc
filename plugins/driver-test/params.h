/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Typed parameters: checking those that come, making those that go.
 */
#ifndef DRIVER_TEST_PARAMS_H
#define DRIVER_TEST_PARAMS_H

#include <stdbool.h>

#include "plugins/driver-test/driver.h"

/* virTypedParameterFlags. */
#define PARAMS_STRINGS 4u

/* A parameter that a call takes; a table of them ends with a NULL name. */
struct param_spec {
  const char *name;
  int32_t type;                 /* enum virgate_typed_param_type */
};

/* Check that all are known, of their types, and given once.  Returns 0, -1
 * after the refusal.
 */
int params_check (const struct ctx *c, const struct virgate_typed_param *val,
                  uint32_t len, const struct param_spec *specs);

/* The checks that come first in every call that sets some.
 * function  the library's
 */
int params_present (const struct ctx *c, const char *function,
                    const struct virgate_typed_param *val, uint32_t len);

/* The parameter called NAME; NULL = not given. */
const struct virgate_typed_param *
params_find (const struct virgate_typed_param *val, uint32_t len,
             const char *name);

/* A result under construction: room is made for max parameters, and those
 * beyond it are counted out.
 */
struct params_out {
  const struct ctx *c;
  struct virgate_typed_param *val;
  uint32_t len;                 /* filled */
  uint32_t max;
  uint32_t next;                /* index of the next, as the caller counts */
  bool strings;                 /* the client takes strings */
  bool failed;
};

/* Returns 0, -1 after the refusal. */
int params_start (struct params_out *out, const struct ctx *c, uint32_t max,
                  uint32_t flags);
void params_add_int (struct params_out *out, const char *name, int32_t value);
void params_add_uint (struct params_out *out, const char *name,
                      uint32_t value);
void params_add_ull (struct params_out *out, const char *name,
                     uint64_t value);
void params_add_bool (struct params_out *out, const char *name, bool value);
void params_add_string (struct params_out *out, const char *name,
                        const char *value);
/* The end of a call that answers what was added.  Returns 0, -1 after the
 * refusal.
 */
int params_end (const struct params_out *out,
                struct virgate_typed_param **val, uint32_t *len);

/* The limit that calls have which ask for some: -1 after the refusal. */
int params_room (const struct ctx *c, int32_t wanted, int32_t limit);

#endif /* DRIVER_TEST_PARAMS_H */
