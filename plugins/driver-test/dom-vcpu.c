/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * vCPUs of a domain: how many, and which host CPUs they and the emulator may
 * run on.
 */
#include "config.h"

#include <string.h>

#include "plugins/driver-test/cpumap.h"
#include "plugins/driver-test/dom.h"

#define VCPU_MAXIMUM 4u         /* virDomainVcpuFlags */
#define VCPU_GUEST 8u
#define VCPUS_MAX 32            /* what the hypervisor says it can do */
#define VCPU_RUNNING 1          /* virVcpuState */

static const struct flag_name flag_config = {
  AFFECT_CONFIG, "VIR_DOMAIN_AFFECT_CONFIG"
};

HANDLER (connect_get_max_vcpus)
{
  ret->max_vcpus = VCPUS_MAX;
  return 0;
}

static int
get_vcpus (const struct ctx *c, const struct virgate_domain *name,
           uint32_t flags, int32_t *num)
{
  struct dom *dom;
  struct def **def;

  if (check_flags (c, flags, AFFECT_BOTH | VCPU_MAXIMUM,
                   "testDomainGetVcpusFlags") == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_dom (c, name);
  def = dom ? dom_one_def (c, dom, flags, NULL) : NULL;
  if (!def)
    return -1;
  *num = (int32_t) (flags & VCPU_MAXIMUM ? (*def)->max_vcpus
                                         : (*def)->vcpus);
  return 0;
}

HANDLER (domain_get_vcpus_flags)
{
  if (check_affect (c, "virDomainGetVcpusFlags", args->flags) == -1)
    return -1;
  return get_vcpus (c, &args->dom, args->flags, &ret->num);
}

HANDLER (domain_get_max_vcpus)
{
  return get_vcpus (c, &args->dom, AFFECT_LIVE | VCPU_MAXIMUM, &ret->num);
}

/* Whether one definition has room for so many; a NULL slot is none. */
static int
check_vcpus (const struct ctx *c, struct def *const *slot, uint32_t count)
{
  if (!slot || count <= (*slot)->max_vcpus)
    return 0;
  return fail (c, VIRGATE_ERR_INVALID_ARG,
               "requested cpu amount exceeds maximum (%d > %d)", (int) count,
               (int) (*slot)->max_vcpus);
}

static int
put_vcpus (const struct ctx *c, struct def **slot, uint32_t count,
           bool maximum)
{
  struct def *def;

  if (!slot)
    return 0;
  def = def_edit (slot);
  if (!def || (maximum ? domain_def_set_vcpus_max (def->body, count)
                       : domain_def_set_vcpus (def->body, count)) == -1)
    return fail_memory (c);
  def_changed (def);
  return 0;
}

static int
set_vcpus (const struct ctx *c, const struct virgate_domain *name,
           uint32_t count, uint32_t flags)
{
  bool maximum = flags & VCPU_MAXIMUM;
  struct dom *dom;
  struct def **live, **config;

  if (check_flags (c, flags, AFFECT_BOTH | VCPU_MAXIMUM,
                   "testDomainSetVcpusFlags") == -1)
    return -1;
  if ((int32_t) count < 0 || count > VCPUS_MAX)
    return fail (c, VIRGATE_ERR_INVALID_ARG,
                 "requested cpu amount exceeds maximum supported amount "
                 "(%d > %d)", (int) count, VCPUS_MAX);
  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_dom (c, name);
  if (!dom || dom_both_defs (c, dom, flags, &live, &config) == -1
      || check_vcpus (c, live, count) == -1
      || (!maximum && check_vcpus (c, config, count) == -1)
      || put_vcpus (c, live, count, false) == -1)
    return -1;
  return put_vcpus (c, config, count, maximum);
}

HANDLER_IN (domain_set_vcpus)
{
  if (check_nonzero (c, VIRGATE_FROM_DOMAIN, "virDomainSetVcpus", "nvcpus",
                     args->nvcpus) == -1)
    return -1;
  return set_vcpus (c, &args->dom, args->nvcpus, AFFECT_LIVE);
}

HANDLER_IN (domain_set_vcpus_flags)
{
  static const char function[] = "virDomainSetVcpusFlags";
  const struct flag_name guest = { VCPU_GUEST, "VIR_DOMAIN_VCPU_GUEST" };

  if (args->flags & VCPU_MAXIMUM && !(args->flags & AFFECT_CONFIG))
    return fail_arg (c, VIRGATE_FROM_DOMAIN, function, "ctl",
                     "Flag '%s' is required by flag '%s'",
                     "VIR_DOMAIN_AFFECT_CONFIG", "VIR_DOMAIN_VCPU_MAXIMUM");
  if (check_exclusive (c, function, args->flags, guest, flag_config) == -1
      || check_nonzero (c, VIRGATE_FROM_DOMAIN, function, "nvcpus",
                        args->nvcpus) == -1)
    return -1;
  return set_vcpus (c, &args->dom, args->nvcpus, args->flags);
}

/* Pinning. ----------------------------------------------------------------- */

/* Where a vCPU may run: its pin, the definition's set, or everywhere. */
static void
vcpu_cpus (const struct ctx *c, const struct def *def, uint32_t vcpu,
           struct xml_bits *cpus)
{
  if (!domain_def_vcpu_pin (def->body, vcpu, cpus)
      && !domain_def_cpuset (def->body, cpus))
    cpumap_all (cpus, world_host_cpus (c->world));
}

/* The limits that both calls with many maps have. */
static int
check_maps (const struct ctx *c, const char *count_name,
            const char *len_name, int32_t count, int32_t maplen)
{
  int64_t total = (int64_t) count * maplen;

  if (check_count (c, count_name, count) == -1
      || check_count (c, len_name, maplen) == -1)
    return -1;
  if (count > VIRGATE_REMOTE_VCPUINFO_MAX)
    return fail_in (c, VIRGATE_FROM_RPC, VIRGATE_ERR_INTERNAL_ERROR,
                    "%s > REMOTE_VCPUINFO_MAX", count_name);
  if (total > VIRGATE_REMOTE_CPUMAPS_MAX)
    return fail_in (c, VIRGATE_FROM_RPC, VIRGATE_ERR_INTERNAL_ERROR,
                    "maxinfo * maplen > REMOTE_CPUMAPS_MAX");
  return 0;
}

HANDLER (domain_get_vcpus)
{
  static const char function[] = "virDomainGetVcpus";
  const struct dom *dom;
  uint64_t base = real_time_us ();
  struct xml_bits cpus;
  uint32_t n;

  if (check_maps (c, "maxinfo", "maxinfo", args->maxinfo, args->maplen) == -1)
    return -1;
  if (check_not_null (c, VIRGATE_FROM_DOMAIN, function, "info",
                      args->maxinfo ? args : NULL) == -1)
    return -1;
  ret->info.val = call_array (c, (size_t) args->maxinfo,
                              sizeof *ret->info.val);
  ret->cpumaps.len = (uint32_t) args->maxinfo * (uint32_t) args->maplen;
  ret->cpumaps.val = call_array (c, ret->cpumaps.len, 1);
  if (!ret->info.val || !ret->cpumaps.val)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_dom (c, &args->dom);
  if (!dom)
    return -1;
  if (!dom_active (dom))
    return fail (c, VIRGATE_ERR_OPERATION_INVALID,
                 "cannot list vcpus for an inactive domain");
  n = MIN_OF ((uint32_t) args->maxinfo, dom->def->vcpus);
  for (uint32_t i = 0; i < n; i++) {
    if (!domain_def_vcpu_is_online (dom->def->body, i))
      continue;
    vcpu_cpus (c, dom->def, i, &cpus);
    cpumap_write (&cpus, ret->cpumaps.val + i * (uint32_t) args->maplen,
                  (uint32_t) args->maplen);
    ret->info.val[i] = (struct virgate_vcpu_info) {
      .number = i, .state = VCPU_RUNNING, .cpu_time = base / 10,
      .cpu = cpumap_last (&cpus)
    };
  }
  ret->info.len = n;
  return 0;
}

static int
pin_vcpu (const struct ctx *c, const char *function,
          const struct virgate_domain *name, uint32_t vcpu,
          const uint8_t *map, uint32_t len, uint32_t flags)
{
  struct dom *dom;
  struct def *def;
  struct xml_bits cpus;

  if (check_not_null (c, VIRGATE_FROM_DOMAIN, function, "cpumap",
                      len ? map : NULL) == -1
      || check_flags (c, flags, 0, "testDomainPinVcpuFlags") == -1)
    return -1;
  cpumap_read (&cpus, map, len);
  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_dom (c, name);
  if (!dom)
    return -1;
  if (!dom_active (dom))
    return fail (c, VIRGATE_ERR_OPERATION_INVALID,
                 "cannot pin vcpus on an inactive domain");
  if (vcpu >= dom->def->max_vcpus
      || !domain_def_vcpu_is_online (dom->def->body, vcpu))
    return fail (c, VIRGATE_ERR_INVALID_ARG,
                 "requested vcpu '%d' is not present in the domain",
                 (int) vcpu);
  def = def_edit (&dom->def);
  if (!def || domain_def_set_vcpu_pin (def->body, vcpu, &cpus) == -1)
    return fail_memory (c);
  return 0;
}

HANDLER_IN (domain_pin_vcpu)
{
  return pin_vcpu (c, "virDomainPinVcpu", &args->dom, args->vcpu,
                   args->cpumap.val, args->cpumap.len, 0);
}

HANDLER_IN (domain_pin_vcpu_flags)
{
  return pin_vcpu (c, "virDomainPinVcpuFlags", &args->dom, args->vcpu,
                   args->cpumap.val, args->cpumap.len, args->flags);
}

HANDLER (domain_get_vcpu_pin_info)
{
  static const char function[] = "virDomainGetVcpuPinInfo";
  struct def **def;
  struct xml_bits cpus;
  uint32_t maplen = (uint32_t) args->maplen;

  if (check_maps (c, "ncpumaps", "maplen", args->ncpumaps, args->maplen) == -1)
    return -1;
  if (args->ncpumaps
      && check_not_null (c, VIRGATE_FROM_DOMAIN, function, "cpumaps",
                         args->maplen > 0 ? args : NULL) == -1)
    return -1;
  if (check_positive (c, VIRGATE_FROM_DOMAIN, function, "ncpumaps",
                      args->ncpumaps) == -1
      || check_positive (c, VIRGATE_FROM_DOMAIN, function, "maplen",
                         args->maplen) == -1
      || check_affect (c, function, args->flags) == -1)
    return -1;
  ret->cpumaps.len = (uint32_t) args->ncpumaps * maplen;
  ret->cpumaps.val = call_array (c, ret->cpumaps.len, 1);
  if (!ret->cpumaps.val)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  def = find_one_def (c, &args->dom, args->flags);
  if (!def)
    return -1;
  while (ret->num < args->ncpumaps
         && (uint32_t) ret->num < (*def)->max_vcpus) {
    vcpu_cpus (c, *def, (uint32_t) ret->num, &cpus);
    cpumap_write (&cpus, ret->cpumaps.val + (uint32_t) ret->num * maplen,
                  maplen);
    ret->num++;
  }
  return 0;
}

HANDLER_IN (domain_pin_emulator)
{
  static const char function[] = "virDomainPinEmulator";
  struct def **slot, *def;
  struct xml_bits cpus;

  if (check_not_null (c, VIRGATE_FROM_DOMAIN, function, "cpumap",
                      args->cpumap.len ? args->cpumap.val : NULL) == -1
      || check_flags (c, args->flags, AFFECT_BOTH, "testDomainPinEmulator")
           == -1)
    return -1;
  cpumap_read (&cpus, args->cpumap.val, args->cpumap.len);
  LOCK_FOR_SCOPE (&c->world->lock);
  slot = find_one_def (c, &args->dom, args->flags);
  if (!slot)
    return -1;
  if (xml_bits_next (&cpus, -1) == -1)
    return fail (c, VIRGATE_ERR_INVALID_ARG, "Empty cpu list for pinning");
  def = def_edit (slot);
  if (!def || domain_def_set_emulator_pin (def->body, &cpus) == -1)
    return fail_memory (c);
  return 0;
}

HANDLER (domain_get_emulator_pin_info)
{
  static const char function[] = "virDomainGetEmulatorPinInfo";
  struct def **def;
  struct xml_bits cpus;

  if (check_count (c, "maplen", args->maplen) == -1
      || check_not_null (c, VIRGATE_FROM_DOMAIN, function, "cpumap",
                         args->maplen > 0 ? args : NULL) == -1
      || check_affect (c, function, args->flags) == -1
      || check_flags (c, args->flags, AFFECT_BOTH,
                      "testDomainGetEmulatorPinInfo") == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  def = find_one_def (c, &args->dom, args->flags);
  if (!def)
    return -1;
  if (!domain_def_emulator_pin ((*def)->body, &cpus)
      && !domain_def_cpuset ((*def)->body, &cpus))
    cpumap_all (&cpus, world_host_cpus (c->world));
  ret->cpumaps.len = MIN_OF ((uint32_t) args->maplen,
                             VIRGATE_REMOTE_CPUMAPS_MAX);
  ret->cpumaps.val = call_array (c, ret->cpumaps.len, 1);
  if (!ret->cpumaps.val)
    return -1;
  cpumap_write (&cpus, ret->cpumaps.val, ret->cpumaps.len);
  ret->ret = 1;
  return 0;
}
