/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Counters of domains: CPUs, disks, and the statistics of many at once.
 */
#include "config.h"

#include <stdio.h>

#include "plugins/driver-test/dom.h"
#include "plugins/driver-test/params.h"

HANDLER (domain_block_stats)
{
  const struct dom *dom;
  int64_t base = (int64_t) real_time_us ();

  if (!*args->path)
    return fail (c, VIRGATE_ERR_OPERATION_UNSUPPORTED,
                 "summary statistics are not supported yet");
  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_active (c, &args->dom);
  if (!dom)
    return -1;
  if (!def_disk (dom->def, args->path, false))
    return fail (c, VIRGATE_ERR_INVALID_ARG, "invalid path: %s", args->path);
  ret->rd_req = base / 10;
  ret->rd_bytes = base / 20;
  ret->wr_req = base / 30;
  ret->wr_bytes = base / 40;
  ret->errs = base / 2000000;
  return 0;
}

HANDLER (domain_get_block_info)
{
  const struct dom *dom;
  const struct xml_node *disk;

  if (!*args->path)
    return fail_arg (c, VIRGATE_FROM_DOMAIN, "virDomainGetBlockInfo", "disk",
                     "string disk in virDomainGetBlockInfo must not be "
                     "empty");
  if (check_flags (c, args->flags, 0, "testDomainGetBlockInfo") == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_dom (c, &args->dom);
  if (!dom)
    return -1;
  disk = def_disk (dom->def, args->path, false);
  if (!disk)
    return fail (c, VIRGATE_ERR_INVALID_ARG,
                 "invalid path %s not assigned to domain", args->path);
  if (!xml_child (disk, "source"))
    return fail (c, VIRGATE_ERR_INVALID_ARG,
                 "disk '%s' does not currently have a source assigned",
                 args->path);
  ret->capacity = UINT64_C (1099506450432);
  ret->allocation = ret->physical = UINT64_C (1099511627776);
  return 0;
}

/* CPUs. -------------------------------------------------------------------- */

#define CPU_TIME UINT64_C (48772617035)
#define VCPU_TIME_LESS UINT64_C (1234567890)
#define CPU_STATS_NCPUS_MAX 128
#define TOTAL_PARAMS 3
#define PERCPU_PARAMS 2

static int
check_cpu_stats (const struct ctx *c,
                 const struct virgate_remote_domain_get_cpu_stats_args *args)
{
  static const char function[] = "virDomainGetCPUStats";

  if (args->nparams > VIRGATE_REMOTE_NODE_CPU_STATS_MAX)
    return fail_in (c, VIRGATE_FROM_RPC, VIRGATE_ERR_INTERNAL_ERROR,
                    "nparams too large");
  if (args->ncpus > CPU_STATS_NCPUS_MAX)
    return fail_in (c, VIRGATE_FROM_RPC, VIRGATE_ERR_INTERNAL_ERROR,
                    "ncpus too large");
  if (args->start_cpu == -1 && args->ncpus != 1)
    return fail_arg (c, VIRGATE_FROM_DOMAIN, function, "start_cpu",
                     "ncpus must be 1 when start_cpu is -1");
  if (args->start_cpu != -1
      && check_nonnegative (c, VIRGATE_FROM_DOMAIN, function, "start_cpu",
                            args->start_cpu) == -1)
    return -1;
  if (args->nparams && !args->ncpus)
    return check_not_null (c, VIRGATE_FROM_DOMAIN, function, "params", NULL);
  return check_flags (c, args->flags | PARAMS_STRINGS, PARAMS_STRINGS,
                      "testDomainGetCPUStats");
}

static int
total_stats (struct params_out *out, uint32_t nparams)
{
  if (nparams > 0)
    params_add_ull (out, "cpu_time", CPU_TIME);
  if (nparams > 1)
    params_add_ull (out, "user_time", UINT64_C (5540000000));
  if (nparams > 2)
    params_add_ull (out, "system_time", UINT64_C (6460000000));
  return (int) (nparams ? MIN_OF (nparams, TOTAL_PARAMS) : TOTAL_PARAMS);
}

static int
percpu_stats (const struct ctx *c, struct params_out *out,
              const struct virgate_remote_domain_get_cpu_stats_args *args)
{
  uint32_t cpus = c->world->node.cores;
  uint64_t share = cpus ? CPU_TIME / cpus : 0;
  uint32_t start = (uint32_t) args->start_cpu;

  if (!args->nparams && args->ncpus)
    return PERCPU_PARAMS;
  if (!args->ncpus)
    return (int) cpus;
  if (start >= cpus)
    return fail (c, VIRGATE_ERR_INVALID_ARG,
                 "start_cpu %d larger than maximum of %d", (int) start,
                 (int) cpus - 1);
  for (uint32_t i = start; i < MIN_OF (cpus, start + args->ncpus); i++) {
    params_add_ull (out, "cpu_time", share + i);
    if (args->nparams > 1)
      params_add_ull (out, "vcpu_time", share + i - VCPU_TIME_LESS);
  }
  return (int) MIN_OF (args->nparams, PERCPU_PARAMS);
}

HANDLER (domain_get_cpu_stats)
{
  struct params_out out;

  if (check_cpu_stats (c, args) == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  if (!find_active (c, &args->dom)
      || params_start (&out, c, args->nparams * args->ncpus, 0) == -1)
    return -1;
  ret->nparams = args->start_cpu == -1 ? total_stats (&out, args->nparams)
                                       : percpu_stats (c, &out, args);
  if (ret->nparams == -1)
    return -1;
  return params_end (&out, &ret->params.val, &ret->params.len);
}

/* Many at once. ------------------------------------------------------------ */

enum { STATS_STATE = 1 << 0, STATS_IOTHREAD = 1 << 7 };

/* virConnectGetAllDomainStatsFlags: groups of the lists' flags, and these. */
#define STATS_LIST 0xffu
#define STATS_NOWAIT (1u << 29)
#define STATS_BACKING (1u << 30)
#define STATS_ENFORCE (1u << 31)

static void
add_state (struct params_out *out, const struct dom *dom)
{
  params_add_int (out, "state.state", (int32_t) dom->state);
  params_add_int (out, "state.reason", dom->reason);
}

static void
add_iothreads (struct params_out *out, const struct dom *dom)
{
  char name[64];

  if (!dom_active (dom) || !dom->iothread_count)
    return;
  params_add_uint (out, "iothread.count", (uint32_t) dom->iothread_count);
  for (size_t i = 0; i < dom->iothread_count; i++) {
    const struct iothread *thread = &dom->iothreads[i];

    snprintf (name, sizeof name, "iothread.%u.poll-max-ns", thread->id);
    params_add_ull (out, name, thread->poll_max_ns);
    snprintf (name, sizeof name, "iothread.%u.poll-grow", thread->id);
    params_add_uint (out, name, thread->poll_grow);
    snprintf (name, sizeof name, "iothread.%u.poll-shrink", thread->id);
    params_add_uint (out, name, thread->poll_shrink);
  }
}

static int
fill_record (const struct ctx *c, const struct dom *dom, uint32_t stats,
             struct virgate_domain_stats_record *record)
{
  struct params_out out;

  if (fill_dom (c, &record->dom, dom) == -1
      || params_start (&out, c, 3 + 3 * (uint32_t) dom->iothread_count,
                       PARAMS_STRINGS) == -1)
    return -1;
  if (stats & STATS_STATE)
    add_state (&out, dom);
  if (stats & STATS_IOTHREAD)
    add_iothreads (&out, dom);
  return params_end (&out, &record->params.val, &record->params.len);
}

HANDLER (connect_get_all_domain_stats)
{
  uint32_t supported = STATS_STATE | STATS_IOTHREAD;
  uint32_t stats = args->stats ? args->stats : supported;
  uint32_t wanted = args->flags & STATS_LIST;
  uint32_t max;

  if (check_flags (c, args->flags, STATS_LIST | STATS_NOWAIT | STATS_BACKING
                   | STATS_ENFORCE, "testConnectGetAllDomainStats") == -1)
    return -1;
  if (args->flags & STATS_ENFORCE && stats & ~supported)
    return fail (c, VIRGATE_ERR_ARGUMENT_UNSUPPORTED,
                 "Stats types bits 0x%x are not supported by this daemon",
                 stats & ~supported);
  LOCK_FOR_SCOPE (&c->world->lock);
  max = args->doms.len ? args->doms.len
                       : (uint32_t) c->world->dom_by_uuid.count;
  ret->retStats.val = call_array (c, max, sizeof *ret->retStats.val);
  if (!ret->retStats.val)
    return -1;
  for (uint32_t i = 0; i < args->doms.len; i++) {
    const struct dom *dom = dom_by_uuid (c->world, args->doms.val[i].uuid);

    if (dom && dom_matches (dom, wanted)
        && fill_record (c, dom, stats,
                        &ret->retStats.val[ret->retStats.len++]) == -1)
      return -1;
  }
  list_for_each (link, &c->world->doms) {
    const struct dom *dom = list_item (link, struct dom, link);

    if (!args->doms.len && dom_matches (dom, wanted)
        && fill_record (c, dom, stats,
                        &ret->retStats.val[ret->retStats.len++]) == -1)
      return -1;
  }
  if (ret->retStats.len > VIRGATE_REMOTE_DOMAIN_LIST_MAX)
    return fail_in (c, VIRGATE_FROM_RPC, VIRGATE_ERR_INTERNAL_ERROR,
                    "Number of domain stats records is %d, "
                    "which exceeds max limit: %d", (int) ret->retStats.len,
                    VIRGATE_REMOTE_DOMAIN_LIST_MAX);
  return 0;
}
