/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How much a domain gets: memory, virtual CPUs and where they run, its
 * scheduler.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"

/* virDomainMemoryModFlags and virDomainVcpuFlags. */
#define MEMORY_MAXIMUM 4
#define VCPU_MAXIMUM 4

int
run_setmem (struct cmd *cmd)
{
  const struct virgate_domain *dom = opt_domain (cmd, BY_ANY);
  bool is_maximum = strcmp (cmd->parsed->def->name, "setmaxmem") == 0;
  struct virgate_remote_domain_set_memory_flags_args args = {
    .memory = opt_kib (cmd, "size"), .flags = opt_bits (cmd)
  };

  if (dom == NULL)
    return -1;
  args.dom = *dom;
  if (is_maximum)
    args.flags |= MEMORY_MAXIMUM;
  else if (args.flags == 0 && !opt_bool (cmd, "current"))
    args.flags = AFFECT_LIVE;
  if (CALL_SET (cmd, domain_set_memory_flags, &args) < 0)
    return is_maximum ? cmd_context (cmd, "Unable to change MaxMemorySize")
                      : -1;
  return 0;
}

int
run_setvcpus (struct cmd *cmd)
{
  const struct virgate_domain *dom = opt_domain (cmd, BY_ANY);
  struct virgate_remote_domain_set_vcpus_flags_args args = {
    .nvcpus = (uint32_t) opt_int (cmd, "count", 0), .flags = opt_bits (cmd)
  };
  struct virgate_remote_domain_set_vcpus_args plain = {
    .nvcpus = args.nvcpus
  };

  if (opt_bool (cmd, "maximum") && !opt_bool (cmd, "config"))
    return cmd_fail (cmd, STATUS_USAGE, "Option --config is required by "
                     "option --maximum");
  if (dom == NULL)
    return -1;
  if (args.nvcpus == 0)
    return cmd_fail (cmd, STATUS_USAGE, "Can't set 0 processors for a VM");
  args.dom = plain.dom = *dom;
  return args.flags || opt_bool (cmd, "current")
         ? CALL_SET (cmd, domain_set_vcpus_flags, &args)
         : CALL_SET (cmd, domain_set_vcpus, &plain);
}

/* How many there are in this sense; -1 with the error noted. */
static int
count_vcpus (struct cmd *cmd, const struct virgate_domain *dom, uint32_t flags)
{
  struct virgate_remote_domain_get_vcpus_flags_args args = {
    .dom = *dom, .flags = flags
  };
  struct virgate_remote_domain_get_vcpus_flags_ret *ret = NULL;

  return CALL (cmd, domain_get_vcpus_flags, &args, &ret) < 0 ? -1 : ret->num;
}

/* All four counts; those that the domain does not have are left out. */
static int
count_all_vcpus (struct cmd *cmd, const struct virgate_domain *dom)
{
  static const struct {
    const char *key, *which, *state;
    uint32_t flags;
  } counts[] = {
    { "maximum_config", "maximum", "config", VCPU_MAXIMUM | AFFECT_CONFIG },
    { "maximum_live", "maximum", "live", VCPU_MAXIMUM | AFFECT_LIVE },
    { "current_config", "current", "config", AFFECT_CONFIG },
    { "current_live", "current", "live", AFFECT_LIVE }
  };

  result_record (cmd->out, &style_plain);
  for (size_t i = 0; i < COUNT_OF (counts); i++) {
    CLEANUP_FREE char *label = must_format ("%-12s %-12s", counts[i].which,
                                            counts[i].state);
    CLEANUP_FREE char *text = NULL, *json = NULL;
    int count = count_vcpus (cmd, dom, counts[i].flags);

    if (count < 0 && cmd_forgive (cmd) != VIRGATE_ERR_OPERATION_INVALID
        && dom->id >= 0)
      return cmd_fail (cmd, STATUS_FAILED, "cannot count virtual CPUs");
    if (count <= 0)
      continue;
    text = must_format ("%3d", count);
    json = must_format ("%d", count);
    put_both (cmd->out, counts[i].key, label, text, json);
  }
  return 0;
}

int
run_vcpucount (struct cmd *cmd)
{
  static const char *const choices[] = {
    "maximum", "active", "live", "config", "current", "guest"
  };
  const struct virgate_domain *dom = opt_domain (cmd, BY_ANY);
  CLEANUP_FREE char *text = NULL;
  bool any = false;
  int count;

  if (dom == NULL)
    return -1;
  for (size_t i = 0; i < COUNT_OF (choices); i++)
    any = any || opt_bool (cmd, choices[i]);
  if (!any)
    return count_all_vcpus (cmd, dom);
  count = count_vcpus (cmd, dom, opt_bits (cmd));
  if (count < 0)
    return -1;
  text = must_format ("%d", count);
  result_raw (cmd->out, "count", text, text);
  return 0;
}

/* As many CPUs as a map of the protocol can hold, at most. */
static int
clamp_cpus (double cpus)
{
  return (int) MIN_OF (MAX_OF (cpus, 0), VIRGATE_REMOTE_CPUMAP_MAX * 8);
}

/* How many CPUs the host has; -1 with the error noted. */
static int
host_cpus (struct cmd *cmd)
{
  struct virgate_remote_node_get_cpu_map_args args = { 0 };
  struct virgate_remote_node_get_cpu_map_ret *map = NULL;
  struct virgate_remote_node_get_info_ret *info = NULL;

  if (CALL (cmd, node_get_cpu_map, &args, &map) == 0)
    return clamp_cpus (map->ret);
  cmd_forgive (cmd);
  if (CALL_GET (cmd, node_get_info, &info) < 0)
    return -1;
  return clamp_cpus ((double) info->nodes * info->sockets * info->cores
                     * info->threads);
}

#define MAP_LEN(cpus) (((cpus) + 7) / 8)

/* Maps that a reply really holds, whatever number it claims. */
static int
map_count (int32_t claimed, uint32_t len, int cpus)
{
  return cpus == 0 ? 0 : (int) MIN_OF ((int64_t) claimed, len / MAP_LEN (cpus));
}

static int
vcpus_inactive (struct cmd *cmd, const struct virgate_domain *dom, int cpus)
{
  struct virgate_remote_domain_get_vcpus_flags_args count_args = {
    .dom = *dom, .flags = AFFECT_CONFIG
  };
  struct virgate_remote_domain_get_vcpus_flags_ret *vcpus = NULL;
  struct virgate_remote_domain_get_vcpu_pin_info_args args = {
    .dom = *dom, .maplen = MAP_LEN (cpus), .flags = AFFECT_CONFIG
  };
  struct virgate_remote_domain_get_vcpu_pin_info_ret *ret = NULL;
  int count;

  if (CALL (cmd, domain_get_vcpus_flags, &count_args, &vcpus) < 0)
    return -1;
  args.ncpumaps = vcpus->num;
  if (CALL (cmd, domain_get_vcpu_pin_info, &args, &ret) < 0)
    return -1;
  count = map_count (ret->num, ret->cpumaps.len, cpus);
  for (int i = 0; i < count; i++) {
    result_next (cmd->out, &style_info);
    put_num (cmd->out, "vcpu", "VCPU:", i, NULL);
    put_both (cmd->out, "cpu", "CPU:", "N/A", "null");
    put_both (cmd->out, "state", "State:", "N/A", "null");
    put_both (cmd->out, "cpu_time_ns", "CPU time", "N/A", "null");
    put_affinity (cmd, ret->cpumaps.val, ret->cpumaps.len,
                  (uint32_t) i * MAP_LEN (cpus), cpus);
  }
  return 0;
}

static void
put_vcpu (struct cmd *cmd, const struct virgate_vcpu_info *info)
{
  static const char *const states[] = { "offline", "running", "blocked" };

  result_next (cmd->out, &style_info);
  put_unum (cmd->out, "vcpu", "VCPU:", info->number, NULL);
  put_num (cmd->out, "cpu", "CPU:", info->cpu, NULL);
  put_str (cmd->out, "state", "State:", NAME_OF (states, info->state));
  if (info->cpu_time != 0) {
    CLEANUP_FREE char *text = must_format ("%.1fs", info->cpu_time / 1e9);
    CLEANUP_FREE char *json = must_format ("%" PRIu64, info->cpu_time);

    put_both (cmd->out, "cpu_time_ns", "CPU time:", text, json);
  }
}

int
run_vcpuinfo (struct cmd *cmd)
{
  const struct virgate_domain *dom = opt_domain (cmd, BY_ANY);
  struct virgate_remote_domain_get_info_args info_args = { 0 };
  struct virgate_remote_domain_get_info_ret *info = NULL;
  struct virgate_remote_domain_get_vcpus_args args = { 0 };
  struct virgate_remote_domain_get_vcpus_ret *ret = NULL;
  int cpus;

  if (dom == NULL || (cpus = host_cpus (cmd)) < 0)
    return -1;
  info_args.dom = args.dom = *dom;
  if (CALL (cmd, domain_get_info, &info_args, &info) < 0)
    return -1;
  args.maxinfo = info->nrVirtCpu;
  args.maplen = MAP_LEN (cpus);
  if (CALL (cmd, domain_get_vcpus, &args, &ret) < 0) {
    if (info->state != 5 /* shut off */)
      return -1;
    cmd_forgive (cmd);
    return vcpus_inactive (cmd, dom, cpus);
  }
  for (uint32_t i = 0; i < ret->info.len; i++) {
    put_vcpu (cmd, &ret->info.val[i]);
    put_affinity (cmd, ret->cpumaps.val, ret->cpumaps.len,
                  i * MAP_LEN (cpus), cpus);
  }
  return 0;
}

/* "0-3,^2", or "r" for all, as a bit for each CPU.  0 or -1. */
static int
cpulist_parse (const char *text, uint8_t *map, int cpus)
{
  if (strcmp (text, "r") == 0) {
    memset (map, 0xff, MAP_LEN (cpus));
    return 0;
  }
  while (*text) {
    bool is_out = *text == '^';
    char *end;
    long from = strtol (text + is_out, &end, 10), to = from;

    if (end == text + is_out || from < 0)
      return -1;
    if (*end == '-' && !is_out) {
      const char *number = end + 1;

      to = strtol (number, &end, 10);
      if (end == number)
        return -1;
    }
    if (to < from || to >= cpus || (*end != '\0' && *end != ','))
      return -1;
    for (long cpu = from; cpu <= to; cpu++)
      if (is_out)
        map[cpu / 8] &= (uint8_t) ~(1 << cpu % 8);
      else
        map[cpu / 8] |= (uint8_t) (1 << cpu % 8);
    text = end + (*end == ',');
  }
  return 0;
}

static int
pin_set (struct cmd *cmd, const struct virgate_domain *dom, int cpus)
{
  const char *list = opt_str (cmd, "cpulist");
  CLEANUP_FREE uint8_t *map = must_alloc (NULL, MAP_LEN (cpus), 1);
  struct virgate_remote_domain_pin_vcpu_flags_args args = {
    .dom = *dom, .vcpu = (uint32_t) opt_int (cmd, "vcpu", 0),
    .cpumap = { (uint32_t) MAP_LEN (cpus), map }, .flags = opt_bits (cmd)
  };
  struct virgate_remote_domain_pin_vcpu_args plain = {
    .dom = *dom, .vcpu = args.vcpu, .cpumap = { args.cpumap.len, map }
  };

  memset (map, 0, MAP_LEN (cpus));
  if (cpulist_parse (list, map, cpus) < 0)
    return cmd_fail (cmd, STATUS_FAILED, "Invalid cpulist '%s'", list);
  return args.flags || opt_bool (cmd, "current")
         ? CALL_SET (cmd, domain_pin_vcpu_flags, &args)
         : CALL_SET (cmd, domain_pin_vcpu, &plain);
}

static int
pin_show (struct cmd *cmd, const struct virgate_domain *dom, int cpus)
{
  static const struct column columns[] = {
    { "vcpu", "VCPU" }, { "cpu_affinity", "CPU Affinity" }
  };
  int64_t only = opt_int (cmd, "vcpu", -1);
  uint32_t flags = opt_bits (cmd);
  int count = count_vcpus (cmd, dom, flags | VCPU_MAXIMUM);
  struct virgate_remote_domain_get_vcpu_pin_info_args args = {
    .dom = *dom, .ncpumaps = count, .maplen = MAP_LEN (cpus), .flags = flags
  };
  struct virgate_remote_domain_get_vcpu_pin_info_ret *ret = NULL;

  if (count < 0)
    return -1;
  if (only >= count)
    return cmd_fail (cmd, STATUS_FAILED, dom->id < 0
                     ? "vcpu %d is out of range of persistent cpu count %d"
                     : "vcpu %d is out of range of live cpu count %d",
                     (int) only, count);
  if (CALL (cmd, domain_get_vcpu_pin_info, &args, &ret) < 0)
    return -1;
  result_table (cmd->out, columns, 2);
  count = map_count (ret->num, ret->cpumaps.len, cpus);
  for (int i = 0; i < count; i++) {
    CLEANUP_FREE char *list = NULL;

    if (only >= 0 && i != only)
      continue;
    list = cpulist_format (ret->cpumaps.val, ret->cpumaps.len,
                           (uint32_t) i * MAP_LEN (cpus), cpus);
    put_num (cmd->out, NULL, NULL, i, NULL);
    put_str (cmd->out, NULL, NULL, list);
  }
  return 0;
}

int
run_vcpupin (struct cmd *cmd)
{
  const struct virgate_domain *dom;
  int cpus;

  if (opt_str (cmd, "cpulist") && opt_str (cmd, "vcpu") == NULL)
    return cmd_fail (cmd, STATUS_USAGE,
                     "vcpupin: Missing vCPU number in pin mode.");
  dom = opt_domain (cmd, BY_ANY);
  if (dom == NULL || (cpus = host_cpus (cmd)) < 0)
    return -1;
  return opt_str (cmd, "cpulist") ? pin_set (cmd, dom, cpus)
                                  : pin_show (cmd, dom, cpus);
}
