/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a domain is and does: its state, sizes, flags and labels.
 */
#include "config.h"

#include <string.h>
#include <time.h>

#include "plugins/driver-test/dom.h"
#include "plugins/driver-test/params.h"

#define SECURITY_LABEL "libvirt-test"

uint64_t
real_time_us (void)
{
  struct timespec now;

  clock_gettime (CLOCK_REALTIME, &now);
  return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

HANDLER (domain_get_info)
{
  const struct dom *dom;

  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_dom (c, &args->dom);
  if (!dom)
    return -1;
  ret->state = dom->state;
  ret->maxMem = dom->def->max_memory;
  ret->memory = dom->def->memory;
  ret->nrVirtCpu = (uint16_t) dom->def->vcpus;
  ret->cpuTime = real_time_us () * 1000;
  return 0;
}

HANDLER (domain_get_state)
{
  const struct dom *dom;

  if (check_flags (c, args->flags, 0, "testDomainGetState") == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_dom (c, &args->dom);
  if (!dom)
    return -1;
  ret->state = dom->state;
  ret->reason = dom->reason;
  return 0;
}

/* What the control channel is said to do: it follows the guest's clock, so
 * that a client can ask for each answer.
 */
static const struct control {
  int64_t from, to;             /* seconds on the guest's clock */
  uint32_t state;               /* virDomainControlState */
} controls[] = {
  { 1, 10000, 1 },              /* a job */
  { 10000, 30000, 2 },          /* occupied */
  { 30000, 60000, 3 },          /* an error; the details take turns */
};

HANDLER (domain_get_control_info)
{
  enum { CONTROL_ERROR = 3, CONTROL_DETAILS = 4 };
  const struct dom *dom;

  if (check_flags (c, args->flags, 0, "testDomainGetControlInfo") == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_active (c, &args->dom);
  if (!dom)
    return -1;
  for (size_t i = 0; i < COUNT_OF (controls); i++) {
    if (dom->seconds < controls[i].from || dom->seconds >= controls[i].to)
      continue;
    ret->state = controls[i].state;
    ret->stateTime = (uint64_t) (dom->seconds
                                 - (i ? controls[i].from : 0));
    if (ret->state == CONTROL_ERROR)
      ret->details = (uint32_t) (dom->seconds % CONTROL_DETAILS);
    break;
  }
  return 0;
}

HANDLER (domain_get_os_type)
{
  ret->type = call_strdup (c, "linux");
  return ret->type ? 0 : -1;
}

HANDLER (domain_get_max_memory)
{
  const struct dom *dom;

  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_dom (c, &args->dom);
  if (!dom)
    return -1;
  ret->memory = dom->def->max_memory;
  return 0;
}

HANDLER (domain_get_hostname)
{
  const struct dom *dom;
  size_t len = strlen (args->dom.name);
  char *name;

  if (check_flags (c, args->flags, 0, "testDomainGetHostname") == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_active (c, &args->dom);
  if (!dom)
    return -1;
  ret->hostname = name = call_array (c, len + sizeof "host", 1);
  if (!name)
    return -1;
  memcpy (name, args->dom.name, len);
  memcpy (name + len, "host", sizeof "host");
  return 0;
}

HANDLER (domain_get_autostart)
{
  const struct dom *dom;

  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_dom (c, &args->dom);
  if (!dom)
    return -1;
  ret->autostart = dom->autostart;
  return 0;
}

HANDLER_IN (domain_set_autostart)
{
  struct dom *dom;

  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_dom (c, &args->dom);
  if (!dom)
    return -1;
  dom->autostart = args->autostart != 0;
  return 0;
}

HANDLER (domain_is_active)
{
  const struct dom *dom;

  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_dom (c, &args->dom);
  if (!dom)
    return -1;
  ret->active = dom_active (dom);
  return 0;
}

HANDLER (domain_is_persistent)
{
  const struct dom *dom;

  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_dom (c, &args->dom);
  if (!dom)
    return -1;
  ret->persistent = dom->persistent;
  return 0;
}

HANDLER (domain_is_updated)
{
  ret->updated = 0;
  return 0;
}

/* A label in the protocol's form: with its terminating zero. */
static int
fill_label (const struct ctx *c, const char *text, uint32_t *len,
            uint8_t **val)
{
  *val = (uint8_t *) call_strdup (c, text);
  *len = (uint32_t) strlen (text) + 1;
  return *val ? 0 : -1;
}

HANDLER (domain_get_security_label)
{
  const struct dom *dom;

  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_dom (c, &args->dom);
  if (!dom)
    return -1;
  ret->enforcing = dom_active (dom);
  return fill_label (c, dom_active (dom) ? SECURITY_LABEL : "",
                     &ret->label.len, &ret->label.val);
}

/* There is no such list; the protocol says so in a reply, not an error. */
HANDLER (domain_get_security_label_list)
{
  ret->ret = -1;
  return 0;
}

HANDLER_OUT (node_get_security_model)
{
  if (fill_label (c, "testSecurity", &ret->model.len, &ret->model.val) == -1)
    return -1;
  return fill_label (c, "", &ret->doi.len, &ret->doi.val);
}

HANDLER (domain_get_launch_security_info)
{
  /* The library adds a flag that the driver never took. */
  return check_flags (c, args->flags | PARAMS_STRINGS, 0,
                      "testDomainGetLaunchSecurityInfo");
}

/* What may be said about a domain, in the order of the bits. */
static const char *const taints[] = {
  "custom configuration parameters specified",
  "custom monitor control commands issued",
  "running with undesirable elevated privileges",
  "network configuration using opaque shell scripts",
  "potentially unsafe disk format probing",
  "managing externally launched configuration",
  "potentially unsafe use of host CPU passthrough",
  "configuration potentially modified by hook script",
  "use of host cdrom passthrough",
  "custom device tree blob used",
  "custom guest agent control commands issued",
  "hypervisor feature autodetection override",
  "use of deprecated configuration settings",
};

HANDLER (domain_get_messages)
{
  enum { DEPRECATION = 1, TAINTING = 2 };
  const struct dom *dom;
  char text[512];

  if (check_flags (c, args->flags, DEPRECATION | TAINTING,
                   "testDomainGetMessages") == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_dom (c, &args->dom);
  if (!dom)
    return -1;
  ret->msgs.val = call_array (c, COUNT_OF (taints) + 1,
                              sizeof *ret->msgs.val);
  if (!ret->msgs.val)
    return -1;
  for (size_t i = 0; i < COUNT_OF (taints); i++) {
    if ((args->flags && !(args->flags & TAINTING)) || !(dom->taint >> i & 1))
      continue;
    snprintf (text, sizeof text, "tainted: %s", taints[i]);
    ret->msgs.val[ret->msgs.len] = call_strdup (c, text);
    if (!ret->msgs.val[ret->msgs.len++])
      return -1;
  }
  if (dom->deprecation && (!args->flags || args->flags & DEPRECATION)) {
    snprintf (text, sizeof text, "deprecated configuration: %s",
              dom->deprecation);
    ret->msgs.val[ret->msgs.len] = call_strdup (c, text);
    if (!ret->msgs.val[ret->msgs.len++])
      return -1;
  }
  return 0;
}
