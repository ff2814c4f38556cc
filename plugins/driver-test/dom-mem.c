/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A domain's memory: how much, its limits, what the guest says of it, and
 * looking into it.
 */
#include "config.h"

#include "plugins/driver-test/dom.h"
#include "plugins/driver-test/params.h"

#define MEM_MAXIMUM 4u          /* virDomainMemoryModFlags */

static int
check_memory (const struct ctx *c, struct def *def, uint64_t memory,
              bool maximum, bool live)
{
  uint64_t limit = domain_def_number (def->body, "maxMemory", 0);

  if (!maximum && memory > def->max_memory)
    return fail (c, VIRGATE_ERR_INVALID_ARG,
                 "cannot set memory higher than max memory");
  if (!maximum)
    return 0;
  if (live)
    return fail (c, VIRGATE_ERR_OPERATION_INVALID,
                 "cannot resize the maximum memory on an active domain");
  if (xml_path (def->body->root, "cpu/numa/cell"))
    return fail (c, VIRGATE_ERR_OPERATION_INVALID,
                 "initial memory size of a domain with NUMA "
                 "nodes cannot be modified with this API");
  if (limit && limit < memory)
    return fail (c, VIRGATE_ERR_OPERATION_INVALID,
                 "cannot set initial memory size greater than "
                 "the maximum memory size");
  return 0;
}

static int
set_memory (const struct ctx *c, const char *function,
            const struct virgate_domain *name, uint64_t memory,
            uint32_t flags)
{
  bool maximum = flags & MEM_MAXIMUM;
  struct dom *dom;
  struct def **slot, *def;
  bool live;

  if (check_nonzero (c, VIRGATE_FROM_DOMAIN, function, "memory", memory) == -1
      || check_flags (c, flags, AFFECT_BOTH | MEM_MAXIMUM,
                      "testDomainSetMemoryFlags") == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_dom (c, name);
  slot = dom ? dom_one_def (c, dom, flags, &live) : NULL;
  if (!slot || check_memory (c, *slot, memory, maximum, live) == -1)
    return -1;
  def = def_edit (slot);
  if (!def || (maximum ? domain_def_set_memory (def->body, memory)
                       : domain_def_set_balloon (def->body, memory)) == -1)
    return fail_memory (c);
  def_changed (def);
  return 0;
}

HANDLER_IN (domain_set_memory)
{
  return set_memory (c, "virDomainSetMemory", &args->dom, args->memory,
                     AFFECT_LIVE);
}

HANDLER_IN (domain_set_max_memory)
{
  return set_memory (c, "virDomainSetMaxMemory", &args->dom, args->memory,
                     MEM_MAXIMUM);
}

HANDLER_IN (domain_set_memory_flags)
{
  return set_memory (c, "virDomainSetMemoryFlags", &args->dom, args->memory,
                     args->flags);
}

HANDLER_IN (domain_set_memory_stats_period)
{
  struct def **slot, *def;
  struct xml_node *stats;

  if (check_nonnegative (c, VIRGATE_FROM_DOMAIN,
                         "virDomainSetMemoryStatsPeriod", "period",
                         args->period) == -1
      || check_flags (c, args->flags, AFFECT_BOTH,
                      "testDomainSetMemoryStatsPeriod") == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  slot = find_one_def (c, &args->dom, args->flags);
  if (!slot)
    return -1;
  if (!def_has_balloon (*slot))
    return fail (c, VIRGATE_ERR_INTERNAL_ERROR,
                 "No memory balloon device configured, "
                 "can not set the collection period");
  def = def_edit (slot);
  stats = def ? xml_make_path (def_device (def, "memballoon"), "stats")
              : NULL;
  if (!stats || xml_attr_setf (stats, "period", "%d", args->period) == -1)
    return fail_memory (c);
  if (!args->period)
    xml_node_free (stats);
  return 0;
}

/* What the guest is said to use, by tag: parts of its memory, or a constant.
 */
static const struct {
  int32_t tag;                  /* virDomainMemoryStatTags */
  unsigned divisor;             /* 0: a constant */
  uint64_t constant;
} memory_stats[] = {
  { 6, 1, 0 },                  /* actual balloon */
  { 0, 0, 0 },                  /* swap in */
  { 1, 0, 0 },                  /* swap out */
  { 2, 0, 0 },                  /* major faults */
  { 3, 0, 0 },                  /* minor faults */
  { 4, 2, 0 },                  /* unused */
  { 5, 1, 0 },                  /* available */
  { 8, 2, 0 },                  /* usable */
  { 9, 0, 627319920 },          /* last update */
  { 10, 8, 0 },                 /* disk caches */
  { 11, 0, 0 },                 /* huge pages allocated */
  { 12, 0, 0 },                 /* huge pages not allocated */
  { 7, 2, 0 },                  /* resident set */
};

HANDLER (domain_memory_stats)
{
  const struct dom *dom;
  uint64_t memory;

  if (args->maxStats > VIRGATE_REMOTE_DOMAIN_MEMORY_STATS_MAX)
    return fail_in (c, VIRGATE_FROM_RPC, VIRGATE_ERR_INTERNAL_ERROR,
                    "maxStats > REMOTE_DOMAIN_MEMORY_STATS_MAX");
  if (!args->maxStats)
    return 0;
  if (check_flags (c, args->flags, 0, "testDomainMemoryStats") == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_active (c, &args->dom);
  if (!dom)
    return -1;
  if (!def_has_balloon (dom->def))
    return 0;
  memory = (uint64_t) (int32_t) dom->def->memory;
  ret->stats.val = call_array (c, COUNT_OF (memory_stats),
                               sizeof *ret->stats.val);
  if (!ret->stats.val)
    return -1;
  while (ret->stats.len < COUNT_OF (memory_stats)
         && ret->stats.len < args->maxStats) {
    unsigned divisor = memory_stats[ret->stats.len].divisor;

    ret->stats.val[ret->stats.len] = (struct virgate_domain_memory_stat) {
      .tag = memory_stats[ret->stats.len].tag,
      .val = divisor ? memory / divisor
                     : memory_stats[ret->stats.len].constant
    };
    ret->stats.len++;
  }
  return 0;
}

HANDLER (domain_memory_peek)
{
  static const struct flag_name virtual = { 1, "VIR_MEMORY_VIRTUAL" };
  static const struct flag_name physical = { 2, "VIR_MEMORY_PHYSICAL" };

  if (args->size > VIRGATE_REMOTE_DOMAIN_MEMORY_PEEK_BUFFER_MAX)
    return fail_in (c, VIRGATE_FROM_RPC, VIRGATE_ERR_INTERNAL_ERROR,
                    "size > maximum buffer size");
  if (check_exclusive (c, "virDomainMemoryPeek", args->flags, virtual,
                       physical) == -1
      || check_flags (c, args->flags, virtual.flag | physical.flag,
                      "testDomainMemoryPeek") == -1)
    return -1;
  if (args->flags != virtual.flag && args->flags != physical.flag)
    return fail (c, VIRGATE_ERR_INVALID_ARG, "flags parameter must be "
                 "VIR_MEMORY_VIRTUAL or VIR_MEMORY_PHYSICAL");
  LOCK_FOR_SCOPE (&c->world->lock);
  if (!find_active (c, &args->dom))
    return -1;
  ret->buffer.val = call_array (c, args->size, 1);
  if (!ret->buffer.val)
    return -1;
  ret->buffer.len = args->size;
  for (uint32_t i = 0; i < args->size; i++)
    ret->buffer.val[i] = (uint8_t) (args->offset + i);
  return 0;
}

/* Limits. ------------------------------------------------------------------ */

#define LIMIT_UNLIMITED UINT64_C (9007199254740991) /* KiB: none is set */

static const struct param_spec limit_specs[] = {
  { "hard_limit", VIRGATE_TYPED_PARAM_ULLONG },
  { "soft_limit", VIRGATE_TYPED_PARAM_ULLONG },
  { "swap_hard_limit", VIRGATE_TYPED_PARAM_ULLONG },
  { NULL, 0 }
};

static const char *const limit_paths[] = {
  "memtune/hard_limit", "memtune/soft_limit", "memtune/swap_hard_limit"
};

enum { LIMIT_HARD, LIMIT_SOFT, LIMIT_SWAP, LIMITS };

static uint64_t
limit_of (const struct def *def, int which)
{
  return domain_def_number (def->body, limit_paths[which], LIMIT_UNLIMITED);
}

HANDLER (domain_get_memory_parameters)
{
  static const char function[] = "virDomainGetMemoryParameters";
  struct params_out out;
  struct def **def;

  if (params_room (c, args->nparams,
                   VIRGATE_REMOTE_DOMAIN_MEMORY_PARAMETERS_MAX) == -1
      || check_affect (c, function, args->flags) == -1
      || check_flags (c, args->flags, AFFECT_BOTH | PARAMS_STRINGS,
                      "testDomainGetMemoryParameters") == -1)
    return -1;
  if (!args->nparams) {
    ret->nparams = LIMITS;
    return 0;
  }
  LOCK_FOR_SCOPE (&c->world->lock);
  def = find_one_def (c, &args->dom, args->flags);
  if (!def || params_start (&out, c, (uint32_t) args->nparams, args->flags)
                == -1)
    return -1;
  for (int i = 0; i < LIMITS; i++)
    params_add_ull (&out, limit_specs[i].name, limit_of (*def, i));
  return params_end (&out, &ret->params.val, &ret->params.len);
}

HANDLER_IN (domain_set_memory_parameters)
{
  struct dom *dom;
  struct def **slot, *def;
  uint64_t limits[LIMITS];
  const struct virgate_typed_param *given[LIMITS];

  if (params_present (c, "virDomainSetMemoryParameters", args->params.val,
                      args->params.len) == -1
      || check_flags (c, args->flags, AFFECT_BOTH,
                      "testDomainSetMemoryParameters") == -1
      || params_check (c, args->params.val, args->params.len, limit_specs)
           == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_dom (c, &args->dom);
  slot = dom ? dom_one_def (c, dom, args->flags, NULL) : NULL;
  if (!slot)
    return -1;
  for (int i = 0; i < LIMITS; i++) {
    given[i] = params_find (args->params.val, args->params.len,
                            limit_specs[i].name);
    limits[i] = given[i] ? given[i]->value.u.ul : limit_of (dom->def, i);
  }
  if ((given[LIMIT_HARD] || given[LIMIT_SWAP])
      && limits[LIMIT_HARD] > limits[LIMIT_SWAP])
    return fail (c, VIRGATE_ERR_INVALID_ARG,
                 "memory hard_limit tunable value must be lower "
                 "than or equal to swap_hard_limit");
  def = def_edit (slot);
  if (!def)
    return fail_memory (c);
  for (int i = 0; i < LIMITS; i++)
    if (given[i]
        && (limits[i] >= LIMIT_UNLIMITED
            ? domain_def_set_text (def->body, limit_paths[i], NULL)
            : domain_def_set_number (def->body, limit_paths[i], limits[i]))
             == -1)
      return fail_memory (c);
  def_changed (def);
  return 0;
}
