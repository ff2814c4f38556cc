/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * I/O threads of a domain.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "plugins/driver-test/cpumap.h"
#include "plugins/driver-test/dom.h"
#include "plugins/driver-test/params.h"

#define POLL_MAX_NS 32768       /* of every new thread */

static int
fill_thread (const struct ctx *c, const struct def *def, uint32_t id,
             struct virgate_domain_iothread_info *out)
{
  struct xml_bits cpus;
  int last;

  if (!domain_def_iothread_pin (def->body, id, &cpus)
      && !domain_def_cpuset (def->body, &cpus))
    cpumap_all (&cpus, def->vcpus);
  last = cpumap_last (&cpus);
  out->iothread_id = id;
  out->cpumap.len = last < 0 ? 1 : (uint32_t) last / 8 + 1;
  out->cpumap.val = call_array (c, out->cpumap.len, 1);
  if (!out->cpumap.val)
    return -1;
  cpumap_write (&cpus, out->cpumap.val, out->cpumap.len);
  return 0;
}

HANDLER (domain_get_iothread_info)
{
  struct def **def;
  const struct xml_node *first;
  uint32_t count;

  if (check_affect (c, "virDomainGetIOThreadInfo", args->flags) == -1
      || check_flags (c, args->flags, AFFECT_BOTH,
                      "testDomainGetIOThreadInfo") == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  def = find_one_def (c, &args->dom, args->flags);
  if (!def)
    return -1;
  first = domain_def_iothreads ((*def)->body);
  count = xml_count (first);
  if (count > VIRGATE_REMOTE_IOTHREAD_INFO_MAX)
    return fail_in (c, VIRGATE_FROM_RPC, VIRGATE_ERR_RPC,
                    "Too many IOThreads in info: %d for limit %d",
                    (int) count, VIRGATE_REMOTE_IOTHREAD_INFO_MAX);
  ret->info.val = call_array (c, count, sizeof *ret->info.val);
  if (!ret->info.val)
    return -1;
  for (const struct xml_node *id = first; id; id = xml_next (id))
    if (fill_thread (c, *def, (uint32_t) xml_number (xml_attr (id, "id"), 0),
                     &ret->info.val[ret->info.len++]) == -1)
      return -1;
  ret->ret = count;
  return 0;
}

static int
check_id (const struct ctx *c, uint32_t id)
{
  if (id)
    return 0;
  return fail (c, VIRGATE_ERR_INVALID_ARG,
               "invalid value of 0 for iothread_id");
}

HANDLER_IN (domain_add_iothread)
{
  struct iothread *threads;
  struct dom *dom;
  struct def **slot, *def;

  if (check_flags (c, args->flags, AFFECT_BOTH, "testDomainAddIOThread") == -1
      || check_id (c, args->iothread_id) == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_dom (c, &args->dom);
  slot = dom ? dom_one_def (c, dom, args->flags, NULL) : NULL;
  if (!slot)
    return -1;
  if (domain_def_iothread ((*slot)->body, args->iothread_id))
    return fail_in (c, VIRGATE_FROM_DOMAIN, VIRGATE_ERR_INVALID_ARG,
                    "an IOThread is already using iothread_id '%u'",
                    args->iothread_id);
  threads = realloc (dom->iothreads,
                     (dom->iothread_count + 1) * sizeof *threads);
  if (!threads)
    return fail_memory (c);
  dom->iothreads = threads;
  def = def_edit (slot);
  if (!def || domain_def_add_iothread (def->body, args->iothread_id) == -1)
    return fail_memory (c);
  threads[dom->iothread_count++] = (struct iothread) {
    .id = args->iothread_id, .poll_max_ns = POLL_MAX_NS
  };
  return 0;
}

/* Whether no device uses the thread. */
static int
check_unused (const struct ctx *c, const struct def *def, uint32_t id)
{
  for (struct xml_node *disk = def_device (def, "disk"); disk;
       disk = xml_next (disk))
    if (xml_number (xml_path_attr (disk, "driver", "iothread"), 0) == id)
      return fail_in (c, VIRGATE_FROM_DOMAIN, VIRGATE_ERR_INVALID_ARG,
                      "cannot remove IOThread %u since it "
                      "is being used by disk '%s'", id,
                      domain_disk_target (disk));
  for (struct xml_node *dev = def_device (def, "controller"); dev;
       dev = xml_next (dev))
    if (xml_number (xml_path_attr (dev, "driver", "iothread"), 0) == id)
      return fail_in (c, VIRGATE_FROM_DOMAIN, VIRGATE_ERR_INVALID_ARG,
                      "cannot remove IOThread '%u' since it "
                      "is being used by controller", id);
  return 0;
}

static struct iothread *
find_thread (struct dom *dom, uint32_t id)
{
  for (size_t i = 0; i < dom->iothread_count; i++)
    if (dom->iothreads[i].id == id)
      return &dom->iothreads[i];
  return NULL;
}

HANDLER_IN (domain_del_iothread)
{
  struct iothread *thread;
  struct dom *dom;
  struct def **slot, *def;

  if (check_nonzero (c, VIRGATE_FROM_DOMAIN, "virDomainDelIOThread",
                     "iothread_id", args->iothread_id) == -1
      || check_flags (c, args->flags, AFFECT_BOTH, "testDomainDelIOThread")
           == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_dom (c, &args->dom);
  slot = dom ? dom_one_def (c, dom, args->flags, NULL) : NULL;
  if (!slot)
    return -1;
  if (!domain_def_iothread ((*slot)->body, args->iothread_id))
    return fail_in (c, VIRGATE_FROM_DOMAIN, VIRGATE_ERR_INVALID_ARG,
                    "cannot find IOThread '%u' in iothreadids list",
                    args->iothread_id);
  if (check_unused (c, *slot, args->iothread_id) == -1)
    return -1;
  def = def_edit (slot);
  if (!def || domain_def_remove_iothread (def->body, args->iothread_id) == -1)
    return fail_memory (c);
  thread = find_thread (dom, args->iothread_id);
  if (thread)
    memmove (thread, thread + 1,
             (size_t) (dom->iothreads + dom->iothread_count-- - thread - 1)
               * sizeof *thread);
  return 0;
}

HANDLER_IN (domain_pin_iothread)
{
  static const char function[] = "virDomainPinIOThread";
  struct def **slot, *def;
  struct xml_bits cpus;

  if (check_not_null (c, VIRGATE_FROM_DOMAIN, function, "cpumap",
                      args->cpumap.len ? args->cpumap.val : NULL) == -1
      || check_flags (c, args->flags, AFFECT_BOTH, "testDomainPinIOThread")
           == -1)
    return -1;
  cpumap_read (&cpus, args->cpumap.val, args->cpumap.len);
  LOCK_FOR_SCOPE (&c->world->lock);
  slot = find_one_def (c, &args->dom, args->flags);
  if (!slot)
    return -1;
  if (xml_bits_next (&cpus, -1) == -1)
    return fail (c, VIRGATE_ERR_INVALID_ARG,
                 "Empty iothread cpumap list for pinning");
  if (!domain_def_iothread ((*slot)->body, args->iothreads_id))
    return fail (c, VIRGATE_ERR_INVALID_ARG, "iothreadid %d not found",
                 (int) args->iothreads_id);
  def = def_edit (slot);
  if (!def || domain_def_set_iothread_pin (def->body, args->iothreads_id,
                                           &cpus) == -1)
    return fail_memory (c);
  return 0;
}

static const struct param_spec poll_specs[] = {
  { "poll_max_ns", VIRGATE_TYPED_PARAM_ULLONG },
  { "poll_grow", VIRGATE_TYPED_PARAM_UINT },
  { "poll_shrink", VIRGATE_TYPED_PARAM_UINT },
  { NULL, 0 }
};

HANDLER_IN (domain_set_iothread_params)
{
  const struct virgate_typed_param *val = args->params.val;
  uint32_t len = args->params.len;
  const struct virgate_typed_param *param;
  struct iothread *thread;
  struct dom *dom;
  struct def **def;

  if (params_present (c, "virDomainSetIOThreadParams", val, len) == -1
      || check_flags (c, args->flags, AFFECT_LIVE,
                      "testDomainSetIOThreadParams") == -1
      || check_id (c, args->iothread_id) == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_dom (c, &args->dom);
  def = dom ? dom_one_def (c, dom, args->flags, NULL) : NULL;
  if (!def)
    return -1;
  if (!domain_def_iothread ((*def)->body, args->iothread_id))
    return fail (c, VIRGATE_ERR_INVALID_ARG,
                 "cannot find IOThread '%u' in iothreadids",
                 args->iothread_id);
  /* Threads that the definition brought are not known before a start. */
  thread = find_thread (dom, args->iothread_id);
  if (!thread)
    return fail_unsaid (c, VIRGATE_FROM_NONE);
  if (params_check (c, val, len, poll_specs) == -1)
    return -1;
  if ((param = params_find (val, len, poll_specs[0].name)))
    thread->poll_max_ns = param->value.u.ul;
  if ((param = params_find (val, len, poll_specs[1].name)))
    thread->poll_grow = param->value.u.ui;
  if ((param = params_find (val, len, poll_specs[2].name)))
    thread->poll_shrink = param->value.u.ui;
  return 0;
}
