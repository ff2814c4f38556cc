/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The life of a domain: starting, stopping, pausing.  One table says which
 * call leads from which states where, and what is told about it.
 */
#include "config.h"

#include <string.h>

#include "plugins/driver-test/dom.h"
#include "plugins/driver-test/event.h"

#define STATE(state) (1u << (state))
#define ALL_STATES (STATE (DOM_STATE_LAST) - 1)

enum move_kind {
  MOVE_STATE,                   /* into another state, still active */
  MOVE_START,
  MOVE_STOP,
};

/* One transition. */
struct move {
  uint32_t from;                /* states that it is for; 0: active ones */
  const char *who, *refused;    /* the refusal in others: WHO 'name' REFUSED */
  enum move_kind kind;
  enum dom_state to;
  int reason;
  enum event_type event;
  enum event_detail detail;
};

static const struct move move_suspend = {
  .from = ALL_STATES & ~STATE (DOM_SHUTOFF) & ~STATE (DOM_PAUSED),
  .who = "domain", .refused = "not running",
  .kind = MOVE_STATE, .to = DOM_PAUSED, .reason = DOM_PAUSED_USER,
  .event = EVENT_SUSPENDED, .detail = EVENT_SUSPENDED_PAUSED
};

static const struct move move_resume = {
  .from = STATE (DOM_PAUSED),
  .who = "domain", .refused = "not paused",
  .kind = MOVE_STATE, .to = DOM_RUNNING, .reason = DOM_RUNNING_UNPAUSED,
  .event = EVENT_RESUMED, .detail = EVENT_RESUMED_UNPAUSED
};

static const struct move move_create = {
  .from = STATE (DOM_SHUTOFF),
  .who = "Domain", .refused = "is already running",
  .kind = MOVE_START, .to = DOM_RUNNING, .reason = DOM_RUNNING_BOOTED,
  .event = EVENT_STARTED, .detail = EVENT_STARTED_BOOTED
};

static const struct move move_destroy = {
  .kind = MOVE_STOP, .to = DOM_SHUTOFF, .reason = DOM_SHUTOFF_DESTROYED,
  .event = EVENT_STOPPED, .detail = EVENT_STOPPED_DESTROYED
};

static const struct move move_shutdown = {
  .from = ALL_STATES & ~STATE (DOM_SHUTOFF),
  .who = "domain", .refused = "not running",
  .kind = MOVE_STOP, .to = DOM_SHUTOFF, .reason = DOM_SHUTOFF_SHUTDOWN,
  .event = EVENT_STOPPED, .detail = EVENT_STOPPED_SHUTDOWN
};

static const struct move move_reboot = {
  .kind = MOVE_STOP, .to = DOM_SHUTOFF, .reason = DOM_SHUTOFF_SHUTDOWN,
  .event = EVENT_STOPPED, .detail = EVENT_STOPPED_SHUTDOWN
};

static const struct move move_managed_save = {
  .kind = MOVE_STOP, .to = DOM_SHUTOFF, .reason = DOM_SHUTOFF_SAVED,
  .event = EVENT_STOPPED, .detail = EVENT_STOPPED_SAVED
};

static int
move_check (const struct ctx *c, const struct move *move,
            const struct dom *dom, const char *name)
{
  if (!move->from)
    return check_active (c, dom);
  if (move->from & STATE (dom->state))
    return 0;
  return fail (c, VIRGATE_ERR_INTERNAL_ERROR, "%s '%s' %s", move->who, name,
               move->refused);
}

/* Make the transition and tell about it; a transient domain that stops is
 * gone afterwards.
 */
static int
move_make (const struct ctx *c, const struct move *move, struct dom *dom)
{
  switch (move->kind) {
  case MOVE_STATE:
    dom->state = move->to;
    dom->reason = move->reason;
    break;
  case MOVE_START:
    if (dom_start (c->world, dom, move->reason) == -1)
      return fail_memory (c);
    break;
  case MOVE_STOP:
    dom_stop (c->world, dom, move->reason);
    break;
  }
  event_domain (c, dom, move->event, move->detail);
  if (move->kind == MOVE_STOP && !dom->persistent) {
    dom_unlist (c->world, dom);
    dom_free (dom);
  }
  return 0;
}

static int
move_dom (const struct ctx *c, const struct move *move,
          const struct virgate_domain *name, struct virgate_domain *out)
{
  struct dom *dom;

  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_dom (c, name);
  if (!dom || move_check (c, move, dom, name->name) == -1
      || move_make (c, move, dom) == -1)
    return -1;
  if (!out)
    return 0;
  out->name = name->name;
  memcpy (out->uuid, name->uuid, sizeof out->uuid);
  out->id = dom->id;
  return 0;
}

HANDLER_IN (domain_suspend)
{
  return move_dom (c, &move_suspend, &args->dom, NULL);
}

HANDLER_IN (domain_resume)
{
  return move_dom (c, &move_resume, &args->dom, NULL);
}

HANDLER_IN (domain_create)
{
  return move_dom (c, &move_create, &args->dom, NULL);
}

HANDLER (domain_create_with_flags)
{
  if (check_flags (c, args->flags, 0, "testDomainCreateWithFlags") == -1)
    return -1;
  return move_dom (c, &move_create, &args->dom, &ret->dom);
}

HANDLER (domain_create_with_files)
{
  if (check_flags (c, args->flags, 0, "testDomainCreateWithFlags") == -1)
    return -1;
  return move_dom (c, &move_create, &args->dom, &ret->dom);
}

HANDLER_IN (domain_destroy)
{
  return move_dom (c, &move_destroy, &args->dom, NULL);
}

HANDLER_IN (domain_destroy_flags)
{
  enum { GRACEFUL = 1 };

  if (check_flags (c, args->flags, GRACEFUL, "testDomainDestroyFlags") == -1)
    return -1;
  return move_dom (c, &move_destroy, &args->dom, NULL);
}

/* What the definition says happens then: "destroy" and "preserve" stop the
 * domain, the two kinds of restart leave it running.
 */
static bool
action_restarts (const struct dom *dom, const char *element)
{
  const char *action = domain_def_text (dom->def->body, element);

  return action && strstr (action, "restart");
}

/* Shutdown and reboot: one as the other, by what the definition says. */
static int
leave_running (const struct ctx *c, const struct move *move,
               const struct virgate_domain *name, const char *element)
{
  struct dom *dom;

  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_dom (c, name);
  if (!dom || move_check (c, move, dom, name->name) == -1)
    return -1;
  if (!action_restarts (dom, element))
    return move_make (c, move, dom);
  dom->state = DOM_RUNNING;
  dom->reason = DOM_RUNNING_BOOTED;
  return 0;
}

HANDLER_IN (domain_shutdown)
{
  return leave_running (c, &move_shutdown, &args->dom, "on_poweroff");
}

HANDLER_IN (domain_shutdown_flags)
{
  if (check_flags (c, args->flags, 0, "testDomainShutdownFlags") == -1)
    return -1;
  return leave_running (c, &move_shutdown, &args->dom, "on_poweroff");
}

HANDLER_IN (domain_reboot)
{
  enum { REBOOT_ALL = 0x1f };

  if (check_flags (c, args->flags, REBOOT_ALL, "testDomainReboot") == -1)
    return -1;
  return leave_running (c, &move_reboot, &args->dom, "on_reboot");
}

HANDLER_IN (domain_reset)
{
  LOCK_FOR_SCOPE (&c->world->lock);
  if (check_flags (c, args->flags, 0, "testDomainReset") == -1)
    return -1;
  return find_active (c, &args->dom) ? 0 : -1;
}

HANDLER_IN (domain_managed_save)
{
  enum { BYPASS_CACHE = 1, RUNNING = 2, PAUSED = 4 };
  struct dom *dom;

  if (check_exclusive (c, "virDomainManagedSave", args->flags,
                       (struct flag_name) { RUNNING,
                                            "VIR_DOMAIN_SAVE_RUNNING" },
                       (struct flag_name) { PAUSED,
                                            "VIR_DOMAIN_SAVE_PAUSED" }) == -1
      || check_flags (c, args->flags, BYPASS_CACHE | RUNNING | PAUSED,
                      "testDomainManagedSave") == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_active (c, &args->dom);
  if (!dom)
    return -1;
  if (!dom->persistent)
    return fail (c, VIRGATE_ERR_OPERATION_INVALID,
                 "cannot do managed save for transient domain");
  if (move_make (c, &move_managed_save, dom) == -1)
    return -1;
  dom->managed_save = true;
  return 0;
}

HANDLER (domain_has_managed_save_image)
{
  struct dom *dom;

  if (check_flags (c, args->flags, 0, "testDomainHasManagedSaveImage") == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_dom (c, &args->dom);
  if (!dom)
    return -1;
  ret->result = dom->managed_save;
  return 0;
}

HANDLER_IN (domain_managed_save_remove)
{
  struct dom *dom;

  if (check_flags (c, args->flags, 0, "testDomainManagedSaveRemove") == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_dom (c, &args->dom);
  if (!dom)
    return -1;
  dom->managed_save = false;
  return 0;
}
