/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A module in use: opened, given its section of the config, and given a host
 * table through which it reaches whoever embeds it.  Both the daemon and the
 * library fill in a struct host_env and open instances with it.
 */
#ifndef VIRGATE_CORE_INSTANCE_H
#define VIRGATE_CORE_INSTANCE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <virgate/transport.h>

#include "core/conffile.h"
#include "core/error.h"
#include "core/log.h"
#include "core/modules.h"

struct instance;

/* What the embedding program offers modules.  A NULL hook is a service that
 * it does not offer.  Borrowed by every instance opened with it.
 */
struct host_env {
  uint32_t role;                /* enum virgate_host_role */
  const char *program;          /* "virgated", "libvirgate" */
  const struct log *log;        /* NULL: nowhere */
  struct modules *modules;      /* for lower transports */
  const struct virgate_driver_services *driver;
  void *opaque;                 /* for the hooks below */

  /* As in host.h; on -1 host_error_set says why. */
  int (*credential) (void *opaque, const struct instance *instance,
                     uint32_t kind, const char *prompt,
                     const char *challenge, char **secret);
  int (*watch_file) (void *opaque, struct instance *instance,
                     const char *path);
  uint64_t (*timer) (void *opaque, uint64_t delay_ms,
                     void (*fn) (void *opaque), void *fn_opaque);
  void (*timer_cancel) (void *opaque, uint64_t id);
  void (*gauge) (void *opaque, const struct instance *instance,
                 const char *name, const char *help, double value);
  int (*stop_fd) (void *opaque);
  int (*configured) (void *opaque, uint32_t what, uint32_t n, char *name,
                     size_t size);
};

struct instance {
  const struct module *module;
  void *inst;                   /* what the module's open gave */
  const struct host_env *env;
  struct instance *parent;      /* the wrapping transport, or NULL */
  struct instance *lowers;      /* transports below, by next */
  struct instance *next;
  const struct config_section *section; /* while opening */
  const struct virgate_option *own;     /* the program's keys in section */
  const struct config_key *key;         /* while config is called with it */
  struct virgate_transport transport;   /* filled in for that kind */
  _Atomic uint64_t reloads;     /* how often its files were read again */
  char title[120];              /* "listen public" */
  bool is_retired;              /* the program has another one of this title */
  struct virgate_host host;
};

/* Open a module for a section: open, config for each key in file order,
 * ready.
 *
 * module   borrowed
 * env      borrowed, until instance_close
 * section  borrowed until this returns; NULL: defaults only
 * own      keys of the section that are the program's: not the module's
 * title    for messages, copied; NULL: the section's
 *
 * Keys that neither the program, the module nor a transport below it knows
 * are errors.  Returns NULL with err set, FILE:LINE: [SECTION] KEY in front.
 * Main thread, or a client's connecting thread.
 */
struct instance *instance_open (const struct module *module,
                                const struct host_env *env,
                                const struct config_section *section,
                                const struct virgate_option *own,
                                const char *title,
                                struct virgate_error *err);

/* Close, then the transports below it, and free.  NULL is fine. */
void instance_close (struct instance *instance);

/* Have the module and those below it read their files again.  0, or -1 with
 * err set and everything as before.
 */
int instance_reload (struct instance *instance, struct virgate_error *err);

/* The hook that just returned an error said why through host->error: move
 * that to err, or make up a message that names the module when it kept
 * silent.  Each thread has its own; a new hook call starts with
 * host_error_forget.  Always returns -1.
 */
int host_error_take (const struct instance *instance,
                     struct virgate_error *err);
void host_error_forget (void);

/* Say so on behalf of a module, whose own hook was not asked. */
void host_error_set (const char *fmt, ...) VIRGATE_PRINTF (1, 2);

/* The words of such a hook, or NULL when it kept silent; valid until the next
 * hook on this thread.  Forgets them.
 */
const char *host_error_said (void);

/* Before those: did the hook name a code and domain for the peer?  Then they
 * are filled in.
 */
bool host_error_code_of (int32_t *code, int32_t *domain);

/* Find the module whose `schemes` has this name: the module of that name, as
 * every scheme is its own module's name or listed by one.  NULL with err set.
 */
const struct module *transport_for_scheme (struct modules *modules,
                                           const char *scheme,
                                           struct virgate_error *err);

#endif /* VIRGATE_CORE_INSTANCE_H */
