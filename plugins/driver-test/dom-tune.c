/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Other knobs of a domain: the scheduler, NUMA memory, performance events.
 */
#include "config.h"

#include <string.h>

#include "plugins/driver-test/dom.h"
#include "plugins/driver-test/params.h"

/* The scheduler: one weight, always the same. ------------------------------ */

#define SCHEDULER_WEIGHT 50

static const struct param_spec scheduler_specs[] = {
  { "weight", VIRGATE_TYPED_PARAM_UINT },
  { NULL, 0 }
};

HANDLER (domain_get_scheduler_type)
{
  ret->type = call_strdup (c, "fair");
  ret->nparams = 1;
  return ret->type ? 0 : -1;
}

/* What both forms of asking have in common. */
static int
check_scheduler (const struct ctx *c, const char *function, int32_t nparams)
{
  if (params_room (c, nparams,
                   VIRGATE_REMOTE_DOMAIN_SCHEDULER_PARAMETERS_MAX) == -1)
    return -1;
  return check_not_null (c, VIRGATE_FROM_DOMAIN, function, "params",
                         nparams ? function : NULL);
}

HANDLER (domain_get_scheduler_parameters)
{
  struct params_out out;

  if (check_scheduler (c, "virDomainGetSchedulerParameters", args->nparams)
      == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  if (!find_dom (c, &args->dom) || params_start (&out, c, 1, 0) == -1)
    return -1;
  params_add_uint (&out, scheduler_specs[0].name, SCHEDULER_WEIGHT);
  return params_end (&out, &ret->params.val, &ret->params.len);
}

/* The library adds the flag for strings, which the driver never took: this
 * form has always been refused.
 */
HANDLER (domain_get_scheduler_parameters_flags)
{
  static const char function[] = "virDomainGetSchedulerParametersFlags";

  if (check_scheduler (c, function, args->nparams) == -1
      || check_affect (c, function, args->flags) == -1)
    return -1;
  return check_flags (c, args->flags | PARAMS_STRINGS, 0,
                      "testDomainGetSchedulerParametersFlags");
}

static int
set_scheduler (const struct ctx *c, const char *function,
               const struct virgate_domain *name,
               const struct virgate_typed_param *val, uint32_t len,
               uint32_t flags)
{
  if (params_present (c, function, val, len) == -1
      || check_flags (c, flags, 0, "testDomainSetSchedulerParametersFlags")
           == -1
      || params_check (c, val, len, scheduler_specs) == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  return find_dom (c, name) ? 0 : -1;
}

HANDLER_IN (domain_set_scheduler_parameters)
{
  return set_scheduler (c, "virDomainSetSchedulerParameters", &args->dom,
                        args->params.val, args->params.len, 0);
}

HANDLER_IN (domain_set_scheduler_parameters_flags)
{
  return set_scheduler (c, "virDomainSetSchedulerParametersFlags",
                        &args->dom, args->params.val, args->params.len,
                        args->flags);
}

/* NUMA memory. ------------------------------------------------------------- */

static const char *const numa_modes[] = {
  "strict", "preferred", "interleave", "restrictive"
};

static const struct param_spec numa_specs[] = {
  { "numa_mode", VIRGATE_TYPED_PARAM_INT },
  { "numa_nodeset", VIRGATE_TYPED_PARAM_STRING },
  { NULL, 0 }
};

#define NUMA_PARAMS 2

/* The mode that the definition has; -1 = none. */
static int
numa_mode (const struct def *def)
{
  const char *mode = xml_path_attr (def->body->root, "numatune/memory",
                                    "mode");

  for (size_t i = 0; mode && i < COUNT_OF (numa_modes); i++)
    if (strcmp (numa_modes[i], mode) == 0)
      return (int) i;
  return xml_path (def->body->root, "numatune/memory") ? 0 : -1;
}

HANDLER (domain_get_numa_parameters)
{
  struct params_out out;
  struct def **def;
  const char *nodeset;

  if (params_room (c, args->nparams,
                   VIRGATE_REMOTE_DOMAIN_NUMA_PARAMETERS_MAX) == -1
      || check_flags (c, args->flags, AFFECT_BOTH | PARAMS_STRINGS,
                      "testDomainGetNumaParameters") == -1)
    return -1;
  if (!args->nparams) {
    ret->nparams = NUMA_PARAMS;
    return 0;
  }
  LOCK_FOR_SCOPE (&c->world->lock);
  def = find_one_def (c, &args->dom, args->flags);
  if (!def || params_start (&out, c, (uint32_t) args->nparams, args->flags)
                == -1)
    return -1;
  nodeset = xml_path_attr ((*def)->body->root, "numatune/memory", "nodeset");
  params_add_int (&out, numa_specs[0].name, MAX_OF (numa_mode (*def), 0));
  params_add_string (&out, numa_specs[1].name, nodeset ? nodeset : "");
  return params_end (&out, &ret->params.val, &ret->params.len);
}

/* What is to be set. */
struct numa_change {
  int mode;                     /* -1: leave it */
  bool has_nodes;
  struct xml_bits nodes;
};

static int
numa_read (const struct ctx *c, const struct virgate_typed_param *val,
           uint32_t len, struct numa_change *to)
{
  for (uint32_t i = 0; i < len; i++) {
    if (strcmp (val[i].field, numa_specs[0].name) == 0) {
      to->mode = val[i].value.u.i;
      if (to->mode < 0 || to->mode >= (int) COUNT_OF (numa_modes))
        return fail (c, VIRGATE_ERR_INVALID_ARG,
                     "unsupported numatune mode: '%d'", to->mode);
      continue;
    }
    if (xml_bits_parse (val[i].value.u.s, &to->nodes) == -1)
      return fail_in (c, VIRGATE_FROM_NONE, VIRGATE_ERR_INVALID_ARG,
                      "Failed to parse bitmap '%s'", val[i].value.u.s);
    if (xml_bits_next (&to->nodes, -1) == -1)
      return fail (c, VIRGATE_ERR_OPERATION_INVALID,
                   "Invalid nodeset of 'numatune': %s", val[i].value.u.s);
    to->has_nodes = true;
  }
  return 0;
}

static int
numa_put (const struct ctx *c, struct def **slot,
          const struct numa_change *to)
{
  CLEANUP_FREE char *nodes = NULL;
  struct xml_node *memory = xml_path ((*slot)->body->root,
                                      "numatune/memory");
  bool fixed = domain_def_text ((*slot)->body, "vcpu")
               && !xml_attr_is (xml_child ((*slot)->body->root, "vcpu"),
                                "placement", "auto");
  struct def *def;

  if (!memory && !to->has_nodes && fixed)
    return fail_in (c, VIRGATE_FROM_DOMAIN, VIRGATE_ERR_CONFIG_UNSUPPORTED,
                    "nodeset for NUMA memory tuning must be set "
                    "if 'placement' is 'static'");
  def = def_edit (slot);
  memory = def ? xml_make_path (def->body->root, "numatune/memory") : NULL;
  if (!memory)
    return fail_memory (c);
  if ((to->mode != -1 || !xml_attr (memory, "mode"))
      && xml_attr_set (memory, "mode", numa_modes[MAX_OF (to->mode, 0)])
           == -1)
    return fail_memory (c);
  if (to->has_nodes) {
    nodes = xml_bits_format (&to->nodes);
    if (!nodes || xml_attr_set (memory, "nodeset", nodes) == -1
        || xml_attr_set (memory, "placement", NULL) == -1)
      return fail_memory (c);
  } else if (!xml_attr (memory, "nodeset")
             && xml_attr_set (memory, "placement", "auto") == -1) {
    return fail_memory (c);
  }
  return 0;
}

HANDLER_IN (domain_set_numa_parameters)
{
  struct numa_change to = { .mode = -1 };
  struct dom *dom;
  struct def **slot;
  bool live;

  if (params_present (c, "virDomainSetNumaParameters", args->params.val,
                      args->params.len) == -1
      || check_flags (c, args->flags, AFFECT_BOTH,
                      "testDomainSetNumaParameters") == -1
      || params_check (c, args->params.val, args->params.len, numa_specs)
           == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_dom (c, &args->dom);
  slot = dom ? dom_one_def (c, dom, args->flags, &live) : NULL;
  if (!slot
      || numa_read (c, args->params.val, args->params.len, &to) == -1)
    return -1;
  if (live && to.mode != -1 && numa_mode (*slot) != -1
      && numa_mode (*slot) != to.mode)
    return fail (c, VIRGATE_ERR_OPERATION_INVALID,
                 "can't change numatune mode for running domain");
  return numa_put (c, slot, &to);
}

/* Performance events. ------------------------------------------------------ */

#define PERF(name) { name, VIRGATE_TYPED_PARAM_BOOLEAN }

static const struct param_spec perf_specs[] = {
  PERF ("cmt"), PERF ("mbmt"), PERF ("mbml"), PERF ("cpu_cycles"),
  PERF ("instructions"), PERF ("cache_references"), PERF ("cache_misses"),
  PERF ("branch_instructions"), PERF ("branch_misses"), PERF ("bus_cycles"),
  PERF ("stalled_cycles_frontend"), PERF ("stalled_cycles_backend"),
  PERF ("ref_cpu_cycles"), PERF ("cpu_clock"), PERF ("task_clock"),
  PERF ("page_faults"), PERF ("context_switches"), PERF ("cpu_migrations"),
  PERF ("page_faults_min"), PERF ("page_faults_maj"),
  PERF ("alignment_faults"), PERF ("emulation_faults"),
  { NULL, 0 }
};

#define PERF_EVENTS (COUNT_OF (perf_specs) - 1)

/* The value that the definition gives an event; NULL = none. */
static const char *
perf_value (const struct def *def, const char *name)
{
  struct xml_node *perf = xml_child (def->body->root, "perf");

  for (struct xml_node *event = perf ? xml_child (perf, "event") : NULL;
       event; event = xml_next (event))
    if (xml_attr_is (event, "name", name))
      return xml_attr (event, "enabled");
  return NULL;
}

HANDLER (domain_get_perf_events)
{
  struct params_out out;
  struct def **def;

  if (check_flags (c, args->flags | PARAMS_STRINGS,
                   AFFECT_BOTH | PARAMS_STRINGS, "testDomainGetPerfEvents")
      == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  def = find_one_def (c, &args->dom, args->flags);
  if (!def || params_start (&out, c, PERF_EVENTS, 0) == -1)
    return -1;
  for (size_t i = 0; i < PERF_EVENTS; i++) {
    const char *value = perf_value (*def, perf_specs[i].name);

    params_add_bool (&out, perf_specs[i].name,
                     value && strcmp (value, "yes") == 0);
  }
  return params_end (&out, &ret->params.val, &ret->params.len);
}

/* Write all events again, in the order that definitions have them. */
static int
perf_put (struct def *def, const struct virgate_typed_param *val,
          uint32_t len)
{
  struct xml_node *old = xml_child (def->body->root, "perf");
  struct xml_node *perf;

  if (old)
    xml_node_unlink (old);
  perf = xml_child_make (def->body->root, "perf");
  for (size_t i = 0; perf && i < PERF_EVENTS; i++) {
    const char *name = perf_specs[i].name;
    const struct virgate_typed_param *param = params_find (val, len, name);
    const char *value = NULL;
    struct xml_node *event;

    for (event = old ? xml_child (old, "event") : NULL; event;
         event = xml_next (event))
      if (xml_attr_is (event, "name", name))
        value = xml_attr (event, "enabled");
    if (param)
      value = param->value.u.b ? "yes" : "no";
    if (!value)
      continue;
    event = xml_child_add (perf, "event");
    if (!event || xml_attr_set (event, "name", name) == -1
        || xml_attr_set (event, "enabled", value) == -1)
      perf = NULL;
  }
  xml_node_free (old);
  return perf ? 0 : -1;
}

HANDLER_IN (domain_set_perf_events)
{
  struct def **slot, *def;

  if (params_present (c, "virDomainSetPerfEvents", args->params.val,
                      args->params.len) == -1
      || check_flags (c, args->flags, AFFECT_BOTH, "testDomainSetPerfEvents")
           == -1
      || params_check (c, args->params.val, args->params.len, perf_specs)
           == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  slot = find_one_def (c, &args->dom, args->flags);
  if (!slot)
    return -1;
  def = def_edit (slot);
  if (!def || perf_put (def, args->params.val, args->params.len) == -1)
    return fail_memory (c);
  return 0;
}
