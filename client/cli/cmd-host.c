/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Commands about the host and its hypervisor.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"

int
run_uri (struct cmd *cmd)
{
  result_text (cmd->out, "uri", virgate_conn_uri (cmd_conn (cmd)));
  return 0;
}

int
run_hostname (struct cmd *cmd)
{
  struct virgate_remote_connect_get_hostname_ret *ret = NULL;

  if (CALL_GET (cmd, connect_get_hostname, &ret) < 0)
    return cmd_context (cmd, "failed to get hostname");
  result_text (cmd->out, "hostname", ret->hostname);
  return 0;
}

static void
put_version (struct cmd *cmd, const char *key, const char *label,
             const char *what, uint64_t version)
{
  CLEANUP_FREE char *text =
    must_format ("%s: %s %" PRIu64 ".%" PRIu64 ".%" PRIu64, label, what,
                 version / 1000000, version / 1000 % 1000, version % 1000);

  put_str (cmd->out, NULL, "", text);
  put_str (cmd->out, key, NULL, strrchr (text, ' ') + 1);
}

int
run_version (struct cmd *cmd)
{
  struct virgate_remote_connect_get_type_ret *type = NULL;
  struct virgate_remote_connect_get_version_ret *hv = NULL;
  struct virgate_remote_connect_get_lib_version_ret *lib = NULL;

  if (CALL_GET (cmd, connect_get_type, &type) < 0)
    return cmd_context (cmd, "failed to get hypervisor type");
  if (CALL_GET (cmd, connect_get_lib_version, &lib) < 0)
    return cmd_context (cmd, "failed to get the library version");
  if (CALL_GET (cmd, connect_get_version, &hv) < 0)
    return cmd_context (cmd, "failed to get the hypervisor version");
  result_record (cmd->out, &style_plain);
  put_fmt (cmd->out, NULL, "", "Using library: libvirgate %s",
           virgate_version ());
  put_str (cmd->out, "library", NULL, virgate_version ());
  put_version (cmd, "api", "Using API", type->type, lib->lib_ver);
  put_str (cmd->out, "type", NULL, type->type);
  if (hv->hv_ver == 0)
    put_fmt (cmd->out, NULL, "", "Cannot extract running %s hypervisor "
             "version", type->type);
  else
    put_version (cmd, "hypervisor", "Running hypervisor", type->type,
                 hv->hv_ver);
  return 0;
}

int
run_capabilities (struct cmd *cmd)
{
  struct virgate_remote_connect_get_capabilities_ret *ret = NULL;

  if (CALL_GET (cmd, connect_get_capabilities, &ret) < 0)
    return cmd_context (cmd, "failed to get capabilities");
  result_text (cmd->out, "xml", ret->capabilities);
  return 0;
}

int
run_domcapabilities (struct cmd *cmd)
{
  struct virgate_remote_connect_get_domain_capabilities_args args = {
    .emulatorbin = (char *) opt_str (cmd, "emulatorbin"),
    .arch = (char *) opt_str (cmd, "arch"),
    .machine = (char *) opt_str (cmd, "machine"),
    .virttype = (char *) opt_str (cmd, "virttype"),
  };
  struct virgate_remote_connect_get_domain_capabilities_ret *ret = NULL;

  if (CALL (cmd, connect_get_domain_capabilities, &args, &ret) < 0)
    return cmd_context (cmd, "failed to get emulator capabilities");
  result_text (cmd->out, "xml", ret->capabilities);
  return 0;
}

int
run_sysinfo (struct cmd *cmd)
{
  struct virgate_remote_connect_get_sysinfo_args args = { 0 };
  struct virgate_remote_connect_get_sysinfo_ret *ret = NULL;

  if (CALL (cmd, connect_get_sysinfo, &args, &ret) < 0)
    return cmd_context (cmd, "failed to get sysinfo");
  result_text (cmd->out, "xml", ret->sysinfo);
  return 0;
}

int
run_maxvcpus (struct cmd *cmd)
{
  struct virgate_remote_connect_get_max_vcpus_args args = {
    .type = (char *) opt_str (cmd, "type")
  };
  struct virgate_remote_connect_get_max_vcpus_ret *ret = NULL;
  CLEANUP_FREE char *text = NULL;

  if (CALL (cmd, connect_get_max_vcpus, &args, &ret) < 0)
    return -1;
  text = must_format ("%d", ret->max_vcpus);
  result_raw (cmd->out, "max_vcpus", text, text);
  return 0;
}

int
run_cpu_models (struct cmd *cmd)
{
  static const struct column columns[] = { { "model", NULL } };
  struct virgate_remote_connect_get_cpu_model_names_args args = {
    .arch = (char *) opt_str (cmd, "arch"), .need_results = 1
  };
  struct virgate_remote_connect_get_cpu_model_names_ret *ret = NULL;

  if (CALL (cmd, connect_get_cpu_model_names, &args, &ret) < 0)
    return cmd_context (cmd, "failed to get CPU model names");
  if (ret->models.len == 0) {
    result_message (cmd->out, "all CPU models are accepted");
    return 0;
  }
  result_table (cmd->out, columns, 1);
  for (uint32_t i = 0; i < ret->models.len; i++)
    put_str (cmd->out, NULL, NULL, ret->models.val[i]);
  return 0;
}

int
run_nodeinfo (struct cmd *cmd)
{
  struct virgate_remote_node_get_info_ret *ret = NULL;

  if (CALL_GET (cmd, node_get_info, &ret) < 0)
    return cmd_context (cmd, "failed to get node information");
  result_record (cmd->out, &style_node);
  put_fmt (cmd->out, "cpu_model", "CPU model:", "%.*s",
           (int) sizeof ret->model, ret->model);
  put_num (cmd->out, "cpus", "CPU(s):", ret->cpus, NULL);
  if (ret->mhz)
    put_num (cmd->out, "mhz", "CPU frequency:", ret->mhz, " MHz");
  put_num (cmd->out, "sockets", "CPU socket(s):", ret->sockets, NULL);
  put_num (cmd->out, "cores", "Core(s) per socket:", ret->cores, NULL);
  put_num (cmd->out, "threads", "Thread(s) per core:", ret->threads, NULL);
  put_num (cmd->out, "nodes", "NUMA cell(s):", ret->nodes, NULL);
  put_unum (cmd->out, "memory_kib", "Memory size:", ret->memory, " KiB");
  return 0;
}

int
run_nodecpumap (struct cmd *cmd)
{
  struct virgate_remote_node_get_cpu_map_args args = {
    .need_map = 1, .need_online = 1
  };
  struct virgate_remote_node_get_cpu_map_ret *ret = NULL;
  CLEANUP_FREE char *list = NULL, *letters = NULL;
  int cpus;

  if (CALL (cmd, node_get_cpu_map, &args, &ret) < 0)
    return cmd_context (cmd, "Unable to get cpu map");
  cpus = MAX_OF (MIN_OF (ret->ret, VIRGATE_REMOTE_CPUMAP_MAX * 8), 0);
  list = cpulist_format (ret->cpumap.val, ret->cpumap.len, 0, cpus);
  letters = cpumap_letters (ret->cpumap.val, ret->cpumap.len, 0, cpus);
  result_record (cmd->out, &style_info);
  put_num (cmd->out, "present", "CPUs present:", cpus, NULL);
  put_unum (cmd->out, "online", "CPUs online:", ret->online, NULL);
  put_str (cmd->out, NULL, "CPU map:", opt_bool (cmd, "pretty") ? list
                                                               : letters);
  put_str (cmd->out, "cpu_map", NULL, list);
  return 0;
}

int
run_nodecpustats (struct cmd *cmd)
{
  static const struct { const char *field, *key, *label; } names[] = {
    { "user", "user", "user:" }, { "kernel", "system", "system:" },
    { "idle", "idle", "idle:" }, { "intr", "intr", "intr:" },
    { "iowait", "iowait", "iowait:" }
  };
  struct virgate_remote_node_get_cpu_stats_args args = {
    .cpuNum = (int32_t) opt_int (cmd, "cpu", -1)
  };
  struct virgate_remote_node_get_cpu_stats_ret *ret = NULL;

  if (CALL (cmd, node_get_cpu_stats, &args, &ret) < 0)
    return cmd_context (cmd, "Unable to get number of cpu stats");
  args.nparams = ret->nparams;
  if (CALL (cmd, node_get_cpu_stats, &args, &ret) < 0)
    return cmd_context (cmd, "Unable to get node cpu stats");
  result_record (cmd->out, &style_info);
  for (size_t n = 0; n < COUNT_OF (names); n++)
    for (uint32_t i = 0; i < ret->params.len; i++) {
      CLEANUP_FREE char *text = must_format ("%20" PRIu64,
                                             ret->params.val[i].value);

      if (strcmp (ret->params.val[i].field, names[n].field) == 0)
        put_both (cmd->out, names[n].key, names[n].label, text,
                  text + strspn (text, " "));
    }
  return 0;
}

static const struct record_style style_memstats = { "", 7, ": ", "" };

int
run_nodememstats (struct cmd *cmd)
{
  struct virgate_remote_node_get_memory_stats_args args = {
    .cellNum = (int32_t) opt_int (cmd, "cell", -1)
  };
  struct virgate_remote_node_get_memory_stats_ret *ret = NULL;

  if (CALL (cmd, node_get_memory_stats, &args, &ret) < 0)
    return cmd_context (cmd, "Unable to get number of memory stats");
  args.nparams = ret->nparams;
  if (CALL (cmd, node_get_memory_stats, &args, &ret) < 0)
    return cmd_context (cmd, "Unable to get memory stats");
  result_record (cmd->out, &style_memstats);
  for (uint32_t i = 0; i < ret->params.len; i++) {
    const struct virgate_node_get_memory_stats *stat = &ret->params.val[i];
    CLEANUP_FREE char *text = must_format ("%20" PRIu64 " KiB", stat->value);
    CLEANUP_FREE char *json = must_format ("%" PRIu64, stat->value);

    put_both (cmd->out, stat->field, stat->field, text, json);
  }
  return 0;
}

/* Bytes free in one NUMA cell.  0 or -1. */
static int
cell_free (struct cmd *cmd, int32_t cell, uint64_t *bytes)
{
  struct virgate_remote_node_get_cells_free_memory_args args = { cell, 1 };
  struct virgate_remote_node_get_cells_free_memory_ret *ret = NULL;

  if (CALL (cmd, node_get_cells_free_memory, &args, &ret) < 0)
    return -1;
  if (ret->cells.len != 1)
    return cmd_fail (cmd, STATUS_FAILED, "failed to get free memory for NUMA "
                     "node number: %d", cell);
  *bytes = ret->cells.val[0];
  return 0;
}

static void
put_cell (struct cmd *cmd, const char *key, const char *label, uint64_t bytes)
{
  CLEANUP_FREE char *json = must_format ("%" PRIu64, bytes / 1024);
  CLEANUP_FREE char *text = must_format ("%10" PRIu64 " KiB", bytes / 1024);

  put_both (cmd->out, key, label, text, json);
}

static int
all_cells (struct cmd *cmd)
{
  static const struct record_style style = { "", 0, ": ", "" };
  struct virgate_remote_node_get_info_ret *info = NULL;
  uint64_t bytes = 0, total = 0;

  if (CALL_GET (cmd, node_get_info, &info) < 0)
    return cmd_context (cmd, "unable to get node capabilities");
  result_record (cmd->out, &style);
  for (int32_t cell = 0;
       cell < MIN_OF (info->nodes, VIRGATE_REMOTE_NODE_MAX_CELLS); cell++) {
    CLEANUP_FREE char *key = must_format ("%d", cell);
    CLEANUP_FREE char *label = must_format ("%5d", cell);

    if (cell_free (cmd, cell, &bytes) < 0)
      return -1;
    put_cell (cmd, key, label, bytes);
    total += bytes;
  }
  put_str (cmd->out, NULL, "", "--------------------");
  put_cell (cmd, "total", "Total", total);
  return 0;
}

int
run_freecell (struct cmd *cmd)
{
  static const struct record_style style = { "", 0, ": ", "" };
  struct virgate_remote_node_get_free_memory_ret *ret = NULL;
  const char *cell = opt_str (cmd, "cellno");
  uint64_t bytes = 0;

  if (opt_bool (cmd, "all"))
    return all_cells (cmd);
  if (cell) {
    if (cell_free (cmd, (int32_t) opt_int (cmd, "cellno", 0), &bytes) < 0)
      return -1;
  } else {
    if (CALL_GET (cmd, node_get_free_memory, &ret) < 0)
      return -1;
    bytes = ret->freeMem;
  }
  result_record (cmd->out, &style);
  put_unum (cmd->out, cell ? cell : "total", cell ? cell : "Total",
            bytes / 1024, " KiB");
  return 0;
}

#define PING_LIMIT_MS 15000     /* for a pong, without --timeout */

int
run_ping (struct cmd *cmd)
{
  static const struct column columns[] = {
    { "sequence", "Sequence" }, { "microseconds", "Microseconds" }
  };
  int64_t count = opt_int (cmd, "count", 1);

  result_table (cmd->out, columns, 2);
  for (int64_t i = 1; i <= count; i++) {
    int32_t left_ms = cmd_left_ms (cmd);
    int64_t took = virgate_ping (cmd_conn (cmd), left_ms < 0 ? PING_LIMIT_MS
                                                             : left_ms);

    if (took < 0)
      return cmd_result (cmd, -1, NULL);
    put_num (cmd->out, NULL, NULL, i, NULL);
    put_num (cmd->out, NULL, NULL, took, NULL);
  }
  return 0;
}
