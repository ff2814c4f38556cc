/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Domains: the object with its state, its definitions, and finding it.
 * Everything here is called with the world's lock held, but for what says
 * otherwise.
 */
#ifndef DRIVER_TEST_DOM_H
#define DRIVER_TEST_DOM_H

#include <stdbool.h>
#include <stdint.h>

#include "plugins/driver-test/domain-xml.h"
#include "plugins/driver-test/driver.h"
#include "plugins/driver-test/table.h"
#include "plugins/driver-test/world.h"

/* virDomainState. */
enum dom_state {
  DOM_NOSTATE = 0,
  DOM_RUNNING = 1,
  DOM_BLOCKED = 2,
  DOM_PAUSED = 3,
  DOM_SHUTDOWN = 4,
  DOM_SHUTOFF = 5,
  DOM_CRASHED = 6,
  DOM_PMSUSPENDED = 7,
  DOM_STATE_LAST = 8,
};

/* The reasons for them that this driver gives. */
enum dom_reason {
  DOM_UNKNOWN = 0,
  DOM_RUNNING_BOOTED = 1,
  DOM_RUNNING_RESTORED = 3,
  DOM_RUNNING_UNPAUSED = 5,
  DOM_PAUSED_USER = 1,
  DOM_SHUTOFF_SHUTDOWN = 1,
  DOM_SHUTOFF_DESTROYED = 2,
  DOM_SHUTOFF_CRASHED = 3,
  DOM_SHUTOFF_SAVED = 5,
};

#define DEF_TEXTS 4             /* kept: one for each set of the first two
                                   domain_format_flag */

/* A definition.  Those with more than one reference are never changed. */
struct def {
  unsigned refs;
  struct domain_def *body;
  char *text[DEF_TEXTS];        /* as printed; made when first asked for */
  const char *name;             /* in the body */
  uint8_t uuid[16];
  uint64_t max_memory, memory;  /* KiB */
  uint32_t max_vcpus, vcpus;
};

struct iothread {
  uint32_t id;
  uint64_t poll_max_ns;
  uint32_t poll_grow, poll_shrink;
};

struct dom {
  struct list link;             /* in the world's doms */
  struct table_link by_uuid, by_name, by_id;
  bool listed;                  /* in the world */
  int id;                       /* -1: not active */
  enum dom_state state;
  int reason;
  struct def *def;              /* of the running domain, if it is running */
  struct def *next;             /* what it will be when stopped; may be NULL */
  bool persistent, autostart, managed_save;
  bool frozen[2];               /* file systems / and /boot */
  int64_t seconds;              /* the guest's clock */
  uint32_t nseconds;
  struct iothread *iothreads;
  size_t iothread_count;
  uint32_t taint;               /* bits of enum dom_taint */
  char *deprecation;            /* the one message of that kind, or NULL */
};

/* Definitions ------------------------------------------------------------- */

/* Make a definition of a document, or of a parsed <domain> whose owner stays
 * the caller, with bits of domain_parse_flag.  Any thread, no lock.
 * Returns it with one reference, NULL with the error recorded.
 */
struct def *def_parse (const char *xml, unsigned flags,
                       struct xml_error *err);
struct def *def_parse_node (xmlNode *node, unsigned flags,
                            struct xml_error *err);
struct def *def_ref (struct def *def);
void def_unref (struct def *def);       /* NULL is fine */

/* Start changing the definition in SLOT: it becomes one of its own, without
 * printed texts.  def_changed when done.  NULL: no memory.
 */
struct def *def_edit (struct def **slot);
void def_changed (struct def *def);

/* The first device of a kind; xml_next gives the next one. */
struct xml_node *def_device (const struct def *def, const char *kind);

/* A disk by target or, from a slash on, by source: the first one, or the
 * only one.  An interface by target or MAC; refuses the call when there is
 * none.
 */
struct xml_node *def_disk (const struct def *def, const char *path,
                           bool first);
struct xml_node *def_interface (const struct ctx *c, const struct def *def,
                                const char *device);
bool def_has_balloon (const struct def *def);

/* Objects ----------------------------------------------------------------- */

/* Make a domain of a definition, not in the world yet; takes the definition,
 * also on failure (NULL).
 */
struct dom *dom_new (struct def *def);
void dom_free (struct dom *dom);
int dom_list (struct world *world, struct dom *dom);
void dom_unlist (struct world *world, struct dom *dom);

struct dom *dom_by_uuid (const struct world *world, const uint8_t uuid[16]);
struct dom *dom_by_name (const struct world *world, const char *name);
struct dom *dom_by_id (const struct world *world, int id);

/* The domain that a call names, by its UUID; NULL after the refusal. */
struct dom *find_dom (const struct ctx *c, const struct virgate_domain *name);
struct dom *find_active (const struct ctx *c,
                         const struct virgate_domain *name);

static inline bool
dom_active (const struct dom *dom)
{
  return dom->id != -1;
}

/* Refuses the call unless the domain is active. */
int check_active (const struct ctx *c, const struct dom *dom);

/* Let a call's result name a domain.  Returns 0, -1 after fail_memory. */
int fill_dom (const struct ctx *c, struct virgate_domain *out,
              const struct dom *dom);

/* Which definitions flags of AFFECT_* mean: one, or both.  With both, *live
 * and *config are NULL where they do not apply.  The slot is for def_edit.
 * live_r, if not NULL, tells whether it is the running one.
 */
struct def **dom_one_def (const struct ctx *c, struct dom *dom,
                          uint32_t flags, bool *live_r);
/* The same of the domain that a call names. */
struct def **find_one_def (const struct ctx *c,
                           const struct virgate_domain *name, uint32_t flags);
int dom_both_defs (const struct ctx *c, struct dom *dom, uint32_t flags,
                   struct def ***live, struct def ***config);

/* Put a definition into the world: a new domain, or the new definition of
 * the one that it names.
 *
 * def    taken, also on failure
 * live   it is about to run (and must not be running); else it is for later
 * old_r  out: there was a definition that this one replaced
 *
 * Returns the domain, NULL after the refusal.
 */
struct dom *dom_assign (const struct ctx *c, struct def *def, bool live,
                        bool *old_r);

/* True if the domain is what virConnectListAllDomainsFlags ask for. */
bool dom_matches (const struct dom *dom, uint32_t wanted);

/* Microseconds since 1970: the source of every made-up counter. */
uint64_t real_time_us (void);

/* Into the state of running, and out of it; neither sends events.  Starting
 * may fail for want of memory: -1, and nothing has changed.
 */
int dom_start (struct world *world, struct dom *dom, int reason);
void dom_stop (struct world *world, struct dom *dom, int reason);

/* The guest's I/O threads as the definition lists them. */
int dom_make_iothreads (struct dom *dom);

#endif /* DRIVER_TEST_DOM_H */
