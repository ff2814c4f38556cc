/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What all files of the test driver share: the instance, a client's
 * connection, the context of one call, and the ways to refuse it.
 *
 * Locks: a world's lock guards everything below that world (world.h) and the
 * event registrations of its connections.  The instance's lock guards the
 * pointer to the shared world and may be held when a world's is taken, never
 * the other way round.
 */
#ifndef DRIVER_TEST_DRIVER_H
#define DRIVER_TEST_DRIVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <virgate/driver.h>
#include <virgate/remote.h>

#include "common/cleanup.h"
#include "common/list.h"
#include "common/mem.h"
#include "plugins/driver-test/xml-schema.h"

struct world;

/* One section [driver test] of the config. */
struct driver {
  const struct virgate_host *host;
  bool files;                   /* clients may name files to read and write */
  char **allow;                 /* patterns of test:///PATH; NULL-terminated */
  size_t allow_count;
  pthread_mutex_t lock;         /* guards shared */
  struct world *shared;         /* test:///default; NULL when nobody has it */
};

/* One client's connection. */
struct conn {
  struct driver *driver;
  struct world *world;
  struct virgate_client *client;
  char *name;                   /* as asked for: the connection's URI */
  struct list link;             /* among the world's connections */
  struct list watches;          /* event registrations, oldest first */
};

/* One call under way; lives on the handler's stack. */
struct ctx {
  struct conn *conn;
  struct world *world;
  struct virgate_call *call;
  const struct virgate_driver_services *host;
};

static inline struct ctx
ctx_of (struct conn *conn, struct virgate_call *call)
{
  return (struct ctx) { conn, conn->world, call, conn->driver->host->driver };
}

/* Define a handler.  HANDLER (domain_get_info) { ... } is the body of
 * do_domain_get_info, with c, args and ret in scope; the _IN form has no ret,
 * the _OUT form no args.
 */
#define HANDLER_SHAPE(name, params, values)                             \
  static int name##_do params;                                          \
  int                                                                   \
  do_##name (void *conn, struct virgate_call *call, const void *args,   \
             void *ret)                                                 \
  {                                                                     \
    const struct ctx c = ctx_of (conn, call);                           \
                                                                        \
    return name##_do values;                                            \
  }                                                                     \
  static int                                                            \
  name##_do params

#define HANDLER(name)                                                   \
  HANDLER_SHAPE (name,                                                  \
                 (const struct ctx *c,                                  \
                  const struct virgate_remote_##name##_args *args,      \
                  struct virgate_remote_##name##_ret *ret),             \
                 (&c, args, ret))
#define HANDLER_IN(name)                                                \
  HANDLER_SHAPE (name,                                                  \
                 (const struct ctx *c,                                  \
                  const struct virgate_remote_##name##_args *args),     \
                 (&c, args))
#define HANDLER_OUT(name)                                               \
  HANDLER_SHAPE (name,                                                  \
                 (const struct ctx *c,                                  \
                  struct virgate_remote_##name##_ret *ret),             \
                 (&c, ret))

/* Every handler, declared; the table of them is handlers.c. */
#define HANDLER_ROW(name, procedure, flags)                             \
  virgate_handler_fn do_##name;
#include "plugins/driver-test/handlers.def"
#undef HANDLER_ROW
virgate_handler_fn do_qemu_monitor_event_deregister;
extern const struct virgate_handler test_handlers[];

/* Memory that lives as long as the call; NULL after the error was set. */
void *call_array (const struct ctx *c, size_t count, size_t size);
char *call_strdup (const struct ctx *c, const char *str);

/* Refuse a call.  All return -1.
 *
 * fail         the driver's own error: domain TEST
 * fail_in      another part's: domain given
 * fail_none    the code's own message, without text
 * fail_arg     an argument that a library function refuses: the record names
 *              the function and the argument, the message has no template
 * fail_system  an errno: the text gets ": strerror" and the number
 * fail_unsaid  without any reason, as some calls always did: domain NONE or
 *              RPC says who noticed
 * fail_xml     what the XML engine recorded; clears it
 */
int fail (const struct ctx *c, int code, const char *format, ...)
  VIRGATE_PRINTF (3, 4);
int fail_in (const struct ctx *c, int domain, int code,
             const char *format, ...) VIRGATE_PRINTF (4, 5);
int fail_none (const struct ctx *c, int domain, int code);
int fail_arg (const struct ctx *c, int domain, const char *function,
              const char *argument, const char *format, ...)
  VIRGATE_PRINTF (5, 6);
int fail_system (const struct ctx *c, int number, const char *format, ...)
  VIRGATE_PRINTF (3, 4);
int fail_unsaid (const struct ctx *c, int domain);
int fail_xml (const struct ctx *c, struct xml_error *err);
int fail_memory (const struct ctx *c);

/* The usual checks of arguments; each returns 0, or -1 after the refusal.
 * function names the library function that the protocol's clients know.
 */
int check_flags (const struct ctx *c, uint32_t flags, uint32_t supported,
                 const char *function);
int check_not_null (const struct ctx *c, int domain, const char *function,
                    const char *argument, const void *value);
int check_positive (const struct ctx *c, int domain, const char *function,
                    const char *argument, int64_t value);
int check_nonzero (const struct ctx *c, int domain, const char *function,
                   const char *argument, uint64_t value);
int check_count (const struct ctx *c, const char *argument, int32_t count);
int check_nonnegative (const struct ctx *c, int domain, const char *function,
                       const char *argument, int64_t value);

/* A flag with its name, as messages spell it. */
struct flag_name {
  uint32_t flag;
  const char *name;
};
int check_exclusive (const struct ctx *c, const char *function,
                     uint32_t flags, struct flag_name one,
                     struct flag_name other);

/* virDomainModificationImpact, and the pair that many calls refuse. */
#define AFFECT_LIVE 1u
#define AFFECT_CONFIG 2u
#define AFFECT_BOTH (AFFECT_LIVE | AFFECT_CONFIG)
int check_affect (const struct ctx *c, const char *function, uint32_t flags);

#endif /* DRIVER_TEST_DRIVER_H */
