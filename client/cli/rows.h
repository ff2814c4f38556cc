/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Shorthands for the rows of option tables, and the handlers that the command
 * tables name.
 */
#ifndef VIRGATE_CLI_ROWS_H
#define VIRGATE_CLI_ROWS_H

#include "cli.h"

#define OPT_END { NULL, 0, 0, 0, 0, NULL, NULL }
#define FLAG(name, bits, help)                                          \
  { name, OPT_BOOL, 0, COMPLETE_NOTHING, bits, NULL, help }
#define FLAG_NOT(name, bits, without, help)                             \
  { name, OPT_BOOL, 0, COMPLETE_NOTHING, bits, without, help }
#define STRING(name, help)                                              \
  { name, OPT_STRING, 0, COMPLETE_NOTHING, 0, NULL, help }
#define NUMBER(name, help)                                              \
  { name, OPT_INT, 0, COMPLETE_NOTHING, 0, NULL, help }
#define NEEDS(name, type, completes, help)                              \
  { name, type, OPT_REQUIRED, completes, 0, NULL, help }

#define DOMAIN_HELP(help)                                               \
  NEEDS ("domain", OPT_STRING, COMPLETE_DOMAIN, help)
#define DOMAIN DOMAIN_HELP ("domain name, id or uuid")
#define NETWORK                                                         \
  NEEDS ("network", OPT_STRING, COMPLETE_NETWORK, "network name or uuid")
#define FILE_NAME(help) NEEDS ("file", OPT_STRING, COMPLETE_FILE, help)

/* VIR_DOMAIN_AFFECT_* */
#define AFFECT_LIVE 1
#define AFFECT_CONFIG 2
#define AFFECT                                                          \
  FLAG ("config", AFFECT_CONFIG, "affect next boot"),                   \
  FLAG ("live", AFFECT_LIVE, "affect running domain"),                  \
  FLAG_NOT ("current", 0, "live,config", "affect current domain")

#define REMOTE(name) VIRGATE_REMOTE_PROC_##name

/* cmd-domain.c */
int run_domain_act (struct cmd *cmd);
int run_domain_power (struct cmd *cmd);
int run_domain_define (struct cmd *cmd);
int run_domain_start (struct cmd *cmd);
int run_domain_autostart (struct cmd *cmd);
int run_domain_rename (struct cmd *cmd);
int run_domain_save (struct cmd *cmd);
int run_domain_restore (struct cmd *cmd);
int run_domain_dump (struct cmd *cmd);
int run_managedsave_remove (struct cmd *cmd);
int run_domain_device (struct cmd *cmd);

/* cmd-edit.c, cmd-key.c */
int run_edit (struct cmd *cmd);
int run_net_edit (struct cmd *cmd);
int run_send_key (struct cmd *cmd);

/* cmd-domain-list.c, cmd-domain-info.c */
int run_domain_list (struct cmd *cmd);
int run_dominfo (struct cmd *cmd);
int run_domstate (struct cmd *cmd);
int run_domid (struct cmd *cmd);
int run_domname (struct cmd *cmd);
int run_domuuid (struct cmd *cmd);
int run_dumpxml (struct cmd *cmd);
int run_desc (struct cmd *cmd);
int run_metadata (struct cmd *cmd);
int run_domhostname (struct cmd *cmd);
int run_domtime (struct cmd *cmd);
int run_domcontrol (struct cmd *cmd);

/* cmd-domain-stats.c, cmd-domain-devices.c */
int run_domstats (struct cmd *cmd);
int run_dommemstat (struct cmd *cmd);
int run_domblkstat (struct cmd *cmd);
int run_domblkinfo (struct cmd *cmd);
int run_domifstat (struct cmd *cmd);
int run_domblklist (struct cmd *cmd);
int run_domiflist (struct cmd *cmd);
int run_domdisplay (struct cmd *cmd);
int run_domifaddr (struct cmd *cmd);

/* cmd-domain-tune.c */
int run_setmem (struct cmd *cmd);
int run_setvcpus (struct cmd *cmd);
int run_vcpucount (struct cmd *cmd);
int run_vcpuinfo (struct cmd *cmd);
int run_vcpupin (struct cmd *cmd);
int run_schedinfo (struct cmd *cmd);

/* cmd-host.c */
int run_uri (struct cmd *cmd);
int run_hostname (struct cmd *cmd);
int run_version (struct cmd *cmd);
int run_capabilities (struct cmd *cmd);
int run_domcapabilities (struct cmd *cmd);
int run_sysinfo (struct cmd *cmd);
int run_nodeinfo (struct cmd *cmd);
int run_nodecpumap (struct cmd *cmd);
int run_nodecpustats (struct cmd *cmd);
int run_nodememstats (struct cmd *cmd);
int run_freecell (struct cmd *cmd);
int run_maxvcpus (struct cmd *cmd);
int run_cpu_models (struct cmd *cmd);
int run_ping (struct cmd *cmd);

/* cmd-event.c */
int run_event (struct cmd *cmd);
int run_net_event (struct cmd *cmd);

/* cmd-network.c */
int run_net_list (struct cmd *cmd);
int run_net_info (struct cmd *cmd);
int run_net_dumpxml (struct cmd *cmd);
int run_net_define (struct cmd *cmd);
int run_net_act (struct cmd *cmd);
int run_net_autostart (struct cmd *cmd);
int run_net_name (struct cmd *cmd);
int run_net_uuid (struct cmd *cmd);
int run_net_update (struct cmd *cmd);
int run_net_dhcp_leases (struct cmd *cmd);

/* cmd-console.c, cmd-shell.c */
int run_console (struct cmd *cmd);
int run_screenshot (struct cmd *cmd);
int run_call (struct cmd *cmd);
int run_connect (struct cmd *cmd);
int run_help (struct cmd *cmd);
int run_echo (struct cmd *cmd);
int run_cd (struct cmd *cmd);
int run_passwd (struct cmd *cmd); /* passwd.c or passwd-none.c */
int run_pki (struct cmd *cmd);  /* pki.c or pki-none.c */
int run_pwd (struct cmd *cmd);
int run_quit (struct cmd *cmd);
int run_complete (struct cmd *cmd);

#endif /* VIRGATE_CLI_ROWS_H */
