/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Numbers about domains: domstats, dommemstat, domblkstat, domifstat.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "rows.h"

/* VIR_CONNECT_GET_ALL_DOMAINS_STATS_* */
static const struct {
  const char *option;
  uint32_t flag;
} stats_flags[] = {
  { "list-active", 1 }, { "list-inactive", 2 }, { "list-persistent", 4 },
  { "list-transient", 8 }, { "list-running", 16 }, { "list-paused", 32 },
  { "list-shutoff", 64 }, { "list-other", 128 },
  { "nowait", UINT32_C (1) << 29 }, { "backing", UINT32_C (1) << 30 },
  { "enforce", UINT32_C (1) << 31 }
};

static void
stats_record (struct cmd *cmd, const struct virgate_domain_stats_record *record)
{
  CLEANUP_FREE char *title = must_format ("Domain: '%s'", record->dom.name);

  result_next (cmd->out, &style_stats);
  put_both (cmd->out, NULL, "", title, NULL);
  put_str (cmd->out, "domain", NULL, record->dom.name);
  for (uint32_t i = 0; i < record->params.len; i++)
    put_param (cmd->out, record->params.val[i].field, &record->params.val[i]);
}

int
run_domstats (struct cmd *cmd)
{
  const struct parsed *parsed = cmd->parsed;
  CLEANUP_FREE struct virgate_domain *doms =
    must_alloc (NULL, parsed->nargs, sizeof *doms);
  struct virgate_remote_connect_get_all_domain_stats_args args = {
    .stats = opt_bits (cmd)
  };
  struct virgate_remote_connect_get_all_domain_stats_ret *ret = NULL;

  for (size_t i = 0; i < COUNT_OF (stats_flags); i++)
    if (opt_bool (cmd, stats_flags[i].option))
      args.flags |= stats_flags[i].flag;
  for (int i = 0; i < parsed->nargs; i++) {
    const struct virgate_domain *dom = domain_lookup (cmd, parsed->args[i],
                                                      BY_ANY);

    if (dom == NULL)
      return -1;
    doms[i] = *dom;
  }
  args.doms.len = (uint32_t) parsed->nargs;
  args.doms.val = doms;
  if (CALL (cmd, connect_get_all_domain_stats, &args, &ret) < 0)
    return -1;
  cmd->out->kind = RESULT_RECORDS;
  for (uint32_t i = 0; i < ret->retStats.len; i++)
    stats_record (cmd, &ret->retStats.val[i]);
  return 0;
}

/* virDomainMemoryStatTags. */
static const char *const memory_stats[] = {
  "swap_in", "swap_out", "major_fault", "minor_fault", "unused", "available",
  "actual", "rss", "usable", "last_update", "disk_caches", "hugetlb_pgalloc",
  "hugetlb_pgfail"
};

static int
set_memory_period (struct cmd *cmd, const struct virgate_domain *dom)
{
  struct virgate_remote_domain_set_memory_stats_period_args args = {
    .dom = *dom, .period = (int32_t) opt_int (cmd, "period", 0),
    .flags = opt_bits (cmd)
  };

  if (args.flags == 0 && !opt_bool (cmd, "current") && dom->id >= 0)
    args.flags = AFFECT_LIVE;
  if (CALL_SET (cmd, domain_set_memory_stats_period, &args) < 0)
    return cmd_context (cmd, "Unable to change balloon collection period");
  return 0;
}

int
run_dommemstat (struct cmd *cmd)
{
  const struct virgate_domain *dom = opt_domain (cmd, BY_ANY);
  struct virgate_remote_domain_memory_stats_args args = {
    .maxStats = COUNT_OF (memory_stats)
  };
  struct virgate_remote_domain_memory_stats_ret *ret = NULL;

  if (dom == NULL)
    return -1;
  if (opt_bool (cmd, "period"))
    return set_memory_period (cmd, dom);
  args.dom = *dom;
  if (CALL (cmd, domain_memory_stats, &args, &ret) < 0)
    return cmd_context (cmd, "Failed to get memory statistics for domain %s",
                        opt_str (cmd, "domain"));
  result_record (cmd->out, &style_plain);
  for (uint32_t i = 0; i < ret->stats.len; i++) {
    int32_t tag = ret->stats.val[i].tag;

    if (tag >= 0 && (size_t) tag < COUNT_OF (memory_stats))
      put_unum (cmd->out, memory_stats[tag], memory_stats[tag],
                ret->stats.val[i].val, NULL);
  }
  return 0;
}

/* Statistics of disks in the order in which people know them. */
static const struct {
  const char *field;            /* of typed parameters */
  const char *legacy;           /* what virsh prints */
  const char *human;
} block_stats[] = {
  { "rd_operations", "rd_req", "number of read operations:" },
  { "rd_bytes", "rd_bytes", "number of bytes read:" },
  { "wr_operations", "wr_req", "number of write operations:" },
  { "wr_bytes", "wr_bytes", "number of bytes written:" },
  { "errs", "errs", "error count:" },
  { "flush_operations", "flush_operations", "number of flush operations:" },
  { "rd_total_times", "rd_total_times", "total duration of reads (ns):" },
  { "wr_total_times", "wr_total_times", "total duration of writes (ns):" },
  { "flush_total_times", "flush_total_times",
    "total duration of flushes (ns):" }
};

static const struct record_style style_human = { " ", 31, " ", "" };

/* The label of a row: as virsh writes it, the device before the field. */
static char *
block_label (struct cmd *cmd, const char *legacy, const char *human)
{
  const char *device = opt_str (cmd, "device");

  if (opt_bool (cmd, "human"))
    return must_strdup (human);
  return must_format ("%s %s", device ? device : "", legacy);
}

static void
put_block_params (struct cmd *cmd, const struct virgate_typed_param *params,
                  uint32_t count)
{
  CLEANUP_FREE bool *done = must_alloc (NULL, count, sizeof (bool));

  memset (done, 0, count * sizeof (bool));
  for (size_t n = 0; n < COUNT_OF (block_stats); n++)
    for (uint32_t i = 0; i < count; i++)
      if (!done[i] && strcmp (params[i].field, block_stats[n].field) == 0) {
        CLEANUP_FREE char *label = block_label (cmd, block_stats[n].legacy,
                                                block_stats[n].human);

        put_param (cmd->out, label, &params[i]);
        done[i] = true;
      }
  for (uint32_t i = 0; i < count; i++)
    if (!done[i]) {
      CLEANUP_FREE char *label = block_label (cmd, params[i].field,
                                              params[i].field);

      put_param (cmd->out, label, &params[i]);
    }
}

/* What older servers, and some drivers, offer instead. */
static int
put_block_legacy (struct cmd *cmd, const struct virgate_domain *dom,
                  const char *device)
{
  struct virgate_remote_domain_block_stats_args args = {
    .dom = *dom, .path = (char *) device
  };
  struct virgate_remote_domain_block_stats_ret *ret = NULL;

  if (CALL (cmd, domain_block_stats, &args, &ret) < 0)
    return cmd_context (cmd, "Failed to get block stats %s %s",
                        opt_str (cmd, "domain"), device);
  const int64_t values[] = {
    ret->rd_req, ret->rd_bytes, ret->wr_req, ret->wr_bytes, ret->errs
  };
  for (size_t i = 0; i < COUNT_OF (values); i++) {
    CLEANUP_FREE char *label = block_label (cmd, block_stats[i].legacy,
                                            block_stats[i].human);

    if (values[i] >= 0)
      put_num (cmd->out, block_stats[i].legacy, label, values[i], NULL);
  }
  return 0;
}

int
run_domblkstat (struct cmd *cmd)
{
  const struct virgate_domain *dom = opt_domain (cmd, BY_ANY);
  const char *device = opt_str (cmd, "device");
  struct virgate_remote_domain_block_stats_flags_args args = {
    .path = (char *) (device ? device : "")
  };
  struct virgate_remote_domain_block_stats_flags_ret *ret = NULL;
  int rc;

  if (dom == NULL)
    return -1;
  args.dom = *dom;
  /* the first call asks how many there are */
  rc = CALL (cmd, domain_block_stats_flags, &args, &ret);
  if (rc == 0) {
    args.nparams = ret->nparams;
    rc = CALL (cmd, domain_block_stats_flags, &args, &ret);
  }
  if (rc < 0 && cmd->host->error
      && cmd->host->error->code != VIRGATE_ERR_NO_SUPPORT)
    return -1;
  result_record (cmd->out, opt_bool (cmd, "human") ? &style_human
                                                   : &style_plain);
  if (opt_bool (cmd, "human"))
    put_fmt (cmd->out, NULL, "", "Device: %s", args.path);
  if (rc == 0)
    put_block_params (cmd, ret->params.val, ret->params.len);
  else {
    cmd_forgive (cmd);
    return put_block_legacy (cmd, dom, args.path);
  }
  return 0;
}

int
run_domblkinfo (struct cmd *cmd)
{
  const struct virgate_domain *dom = opt_domain (cmd, BY_ANY);
  struct virgate_remote_domain_get_block_info_args args = {
    .path = (char *) opt_str (cmd, "device")
  };
  struct virgate_remote_domain_get_block_info_ret *ret = NULL;

  if (dom == NULL)
    return -1;
  args.dom = *dom;
  if (CALL (cmd, domain_get_block_info, &args, &ret) < 0)
    return -1;
  result_record (cmd->out, &style_info);
  put_unum (cmd->out, "capacity", "Capacity:", ret->capacity, NULL);
  put_unum (cmd->out, "allocation", "Allocation:", ret->allocation, NULL);
  put_unum (cmd->out, "physical", "Physical:", ret->physical, NULL);
  return 0;
}

int
run_domifstat (struct cmd *cmd)
{
  static const char *const names[] = {
    "rx_bytes", "rx_packets", "rx_errs", "rx_drop",
    "tx_bytes", "tx_packets", "tx_errs", "tx_drop"
  };
  const struct virgate_domain *dom = opt_domain (cmd, BY_ANY);
  const char *device = opt_str (cmd, "interface");
  struct virgate_remote_domain_interface_stats_args args = {
    .device = (char *) device
  };
  struct virgate_remote_domain_interface_stats_ret *ret = NULL;

  if (dom == NULL)
    return -1;
  args.dom = *dom;
  if (CALL (cmd, domain_interface_stats, &args, &ret) < 0)
    return cmd_context (cmd, "Failed to get interface stats %s %s",
                        opt_str (cmd, "domain"), device);
  const int64_t values[] = {
    ret->rx_bytes, ret->rx_packets, ret->rx_errs, ret->rx_drop,
    ret->tx_bytes, ret->tx_packets, ret->tx_errs, ret->tx_drop
  };
  result_record (cmd->out, &style_plain);
  for (size_t i = 0; i < COUNT_OF (values); i++) {
    CLEANUP_FREE char *label = must_format ("%s %s", device, names[i]);

    if (values[i] >= 0)
      put_num (cmd->out, names[i], label, values[i], NULL);
  }
  return 0;
}
