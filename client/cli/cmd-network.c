/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Commands for networks.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "rows.h"

/* VIR_CONNECT_LIST_NETWORKS_* */
#define LIST_INACTIVE 1
#define LIST_ACTIVE 2

/* The calls that take a network and answer one number have one layout. */
struct network_args { struct virgate_network net; };
struct network_number { int32_t value; };

/* Ask one of them; -1 with the error noted. */
static int
network_ask (struct cmd *cmd, int32_t proc, const struct virgate_network *net)
{
  struct network_args args = { *net };
  struct network_number *ret = NULL;

  return cmd_call (cmd, proc, &args, (void **) &ret) < 0 ? -1 : ret->value;
}

static int
network_order (const void *a, const void *b)
{
  const struct virgate_network *one = a, *other = b;

  return strcasecmp (one->name, other->name);
}

static int
put_network (struct cmd *cmd, const struct virgate_network *net)
{
  int active = network_ask (cmd, REMOTE (NETWORK_IS_ACTIVE), net);
  int autostart = network_ask (cmd, REMOTE (NETWORK_GET_AUTOSTART), net);
  int persistent = network_ask (cmd, REMOTE (NETWORK_IS_PERSISTENT), net);

  cmd_forgive (cmd);            /* it may have gone meanwhile */
  put_str (cmd->out, NULL, NULL, net->name);
  put_str (cmd->out, NULL, NULL, active == 1 ? "active" : "inactive");
  if (autostart < 0)
    put_both (cmd->out, NULL, NULL, "no autostart", "null");
  else
    put_bool (cmd->out, NULL, NULL, autostart, "yes", "no");
  put_bool (cmd->out, NULL, NULL, persistent == 1, "yes", "no");
  return 0;
}

int
run_net_list (struct cmd *cmd)
{
  static const struct column columns[] = {
    { "name", "Name" }, { "state", "State" }, { "autostart", "Autostart" },
    { "persistent", "Persistent" }
  };
  static const struct column uuids[] = { { "uuid", NULL } };
  static const struct column names[] = { { "name", NULL } };
  struct virgate_remote_connect_list_all_networks_args args = {
    .need_results = 1, .flags = opt_bits (cmd)
  };
  struct virgate_remote_connect_list_all_networks_ret *ret = NULL;
  bool is_uuid = opt_bool (cmd, "uuid"), is_name = opt_bool (cmd, "name");

  if (opt_bool (cmd, "all"))
    args.flags |= LIST_ACTIVE | LIST_INACTIVE;
  else
    args.flags |= opt_bool (cmd, "inactive") ? LIST_INACTIVE : LIST_ACTIVE;
  if (CALL (cmd, connect_list_all_networks, &args, &ret) < 0)
    return cmd_context (cmd, "Failed to list networks");
  sort (ret->nets.val, ret->nets.len, sizeof *ret->nets.val, network_order);
  if (is_uuid || is_name)
    result_table (cmd->out, is_uuid ? uuids : names, 1);
  else
    result_table (cmd->out, columns, COUNT_OF (columns));
  for (uint32_t i = 0; i < ret->nets.len; i++)
    if (is_uuid)
      put_uuid (cmd->out, NULL, NULL, ret->nets.val[i].uuid);
    else if (is_name)
      put_str (cmd->out, NULL, NULL, ret->nets.val[i].name);
    else
      put_network (cmd, &ret->nets.val[i]);
  return 0;
}

int
run_net_info (struct cmd *cmd)
{
  const struct virgate_network *net = opt_network (cmd, BY_NAME | BY_UUID);
  struct virgate_remote_network_get_bridge_name_args args = { 0 };
  struct virgate_remote_network_get_bridge_name_ret *bridge = NULL;
  int active, persistent, autostart;

  if (net == NULL)
    return -1;
  args.net = *net;
  result_record (cmd->out, &style_info);
  put_str (cmd->out, "name", "Name:", net->name);
  put_uuid (cmd->out, "uuid", "UUID:", net->uuid);
  active = network_ask (cmd, REMOTE (NETWORK_IS_ACTIVE), net);
  if (active >= 0)
    put_bool (cmd->out, "active", "Active:", active, "yes", "no");
  persistent = network_ask (cmd, REMOTE (NETWORK_IS_PERSISTENT), net);
  if (persistent < 0)
    put_both (cmd->out, "persistent", "Persistent:", "unknown", "null");
  else
    put_bool (cmd->out, "persistent", "Persistent:", persistent, "yes", "no");
  autostart = network_ask (cmd, REMOTE (NETWORK_GET_AUTOSTART), net);
  if (autostart < 0)
    put_both (cmd->out, "autostart", "Autostart:", "no autostart", "null");
  else
    put_bool (cmd->out, "autostart", "Autostart:", autostart, "yes", "no");
  if (CALL (cmd, network_get_bridge_name, &args, &bridge) == 0)
    put_str (cmd->out, "bridge", "Bridge:", bridge->name);
  cmd_forgive (cmd);
  return 0;
}

int
run_net_dumpxml (struct cmd *cmd)
{
  const struct virgate_network *net = opt_network (cmd, BY_NAME | BY_UUID);
  struct virgate_remote_network_get_xml_desc_args args = {
    .flags = opt_bits (cmd)
  };
  struct virgate_remote_network_get_xml_desc_ret *ret = NULL;

  if (net == NULL)
    return -1;
  args.net = *net;
  if (CALL (cmd, network_get_xml_desc, &args, &ret) < 0)
    return -1;
  result_text (cmd->out, "xml", ret->xml);
  return 0;
}

int
run_net_define (struct cmd *cmd)
{
  const struct command *def = cmd->parsed->def;
  const char *path = opt_str (cmd, "file");
  CLEANUP_FREE char *xml = read_file (cmd, path);
  /* the procedures without flags take the beginning of this */
  struct virgate_remote_network_define_xml_flags_args args = {
    xml, opt_bits (cmd)
  };
  struct virgate_remote_network_define_xml_flags_ret *ret = NULL;

  if (xml == NULL)
    return -1;
  if (cmd_call (cmd, args.flags ? def->proc_flags : def->proc, &args,
                (void **) &ret) < 0)
    return cmd_context (cmd, "Failed to %s network from %s",
                        def->name + strlen ("net-"), path);
  result_done (cmd->out, def, ret->net.name, path);
  return 0;
}

int
run_net_act (struct cmd *cmd)
{
  const struct command *def = cmd->parsed->def;
  const struct virgate_network *net = opt_network (cmd, BY_NAME | BY_UUID);
  struct network_args args;

  if (net == NULL)
    return -1;
  args.net = *net;
  if (cmd_call (cmd, def->proc, &args, NULL) < 0)
    return cmd_context (cmd, "Failed to %s network %s",
                        def->name + strlen ("net-"),
                        opt_str (cmd, "network"));
  result_done (cmd->out, def, opt_str (cmd, "network"), NULL);
  return 0;
}

int
run_net_autostart (struct cmd *cmd)
{
  const struct virgate_network *net = opt_network (cmd, BY_NAME | BY_UUID);
  struct virgate_remote_network_set_autostart_args args = {
    .autostart = !opt_bool (cmd, "disable")
  };
  const char *how = args.autostart ? "mark" : "unmark";

  if (net == NULL)
    return -1;
  args.net = *net;
  if (CALL_SET (cmd, network_set_autostart, &args) < 0)
    return cmd_context (cmd, "failed to %s network %s as autostarted", how,
                        opt_str (cmd, "network"));
  result_message (cmd->out, "Network %s %sed as autostarted",
                  opt_str (cmd, "network"), how);
  return 0;
}

int
run_net_name (struct cmd *cmd)
{
  const struct virgate_network *net = opt_network (cmd, BY_UUID);

  if (net == NULL)
    return -1;
  result_text (cmd->out, "name", net->name);
  return 0;
}

int
run_net_uuid (struct cmd *cmd)
{
  const struct virgate_network *net = opt_network (cmd, BY_NAME);
  char text[UUID_TEXT_LEN];

  if (net == NULL)
    return -1;
  uuid_format (net->uuid, text);
  result_text (cmd->out, "uuid", text);
  return 0;
}

/* The place of a word in a table; 0 is never a valid one. */
static uint32_t
word_number (const char *word, const char *const *words, size_t count)
{
  for (size_t i = 1; i < count; i++)
    if (strcmp (words[i], word) == 0)
      return (uint32_t) i;
  return 0;
}

/* virNetworkUpdateCommand and virNetworkUpdateSection. */
static const char *const update_commands[] = {
  "none", "modify", "delete", "add-last", "add-first"
};
static const char *const update_sections[] = {
  "none", "bridge", "domain", "ip", "ip-dhcp-host", "ip-dhcp-range",
  "forward", "forward-interface", "forward-pf", "portgroup", "dns-host",
  "dns-txt", "dns-srv"
};

static int
update_done (struct cmd *cmd, const struct virgate_network *net,
             uint32_t flags)
{
  if (flags == 0)
    flags = network_ask (cmd, REMOTE (NETWORK_IS_ACTIVE), net) == 0
            ? AFFECT_CONFIG : AFFECT_LIVE;
  cmd_forgive (cmd);
  result_message (cmd->out, "Updated network %s %s", net->name,
                  flags == AFFECT_LIVE ? "live state"
                  : flags == AFFECT_CONFIG ? "persistent config"
                  : "persistent config and live state");
  return 0;
}

/* Servers before libvirt 7.2 take command and section in each other's place;
 * those that do not, say so.
 */
static int
update_order (struct cmd *cmd, struct virgate_remote_network_update_args *args)
{
  struct virgate_remote_connect_supports_feature_args feature = {
    16 /* VIR_DRV_FEATURE_NETWORK_UPDATE_HAS_CORRECT_ORDER */
  };
  struct virgate_remote_connect_supports_feature_ret *ret = NULL;
  uint32_t command = args->command;

  if (CALL (cmd, connect_supports_feature, &feature, &ret) < 0)
    return -1;
  if (!ret->supported) {
    args->command = args->section;
    args->section = command;
  }
  return 0;
}

int
run_net_update (struct cmd *cmd)
{
  const struct virgate_network *net = opt_network (cmd, BY_NAME | BY_UUID);
  const char *command = opt_str (cmd, "command"), *xml = opt_str (cmd, "xml");
  CLEANUP_FREE char *file = NULL;
  struct virgate_remote_network_update_args args = {
    .parentIndex = (int32_t) opt_int (cmd, "parent-index", -1),
    .flags = opt_bits (cmd)
  };

  if (net == NULL)
    return -1;
  args.net = *net;
  args.command = word_number (strcmp (command, "add") == 0 ? "add-last"
                                                           : command,
                              update_commands, COUNT_OF (update_commands));
  if (args.command == 0)
    return cmd_fail (cmd, STATUS_USAGE, "unrecognized command name '%s'",
                     command);
  args.section = word_number (opt_str (cmd, "section"), update_sections,
                              COUNT_OF (update_sections));
  if (args.section == 0)
    return cmd_fail (cmd, STATUS_USAGE, "unrecognized section name '%s'",
                     opt_str (cmd, "section"));
  if (*xml != '<' && (file = read_file (cmd, xml)) == NULL)
    return -1;
  args.xml = file ? file : (char *) xml;
  if (update_order (cmd, &args) < 0
      || CALL_SET (cmd, network_update, &args) < 0)
    return cmd_context (cmd, "Failed to update network %s", net->name);
  return update_done (cmd, net, args.flags);
}

static int
lease_order (const void *a, const void *b)
{
  const struct virgate_network_dhcp_lease *one = a, *other = b;
  int order = strcmp (one->mac ? one->mac : "", other->mac ? other->mac : "");

  return order ? order : strcmp (one->iaid ? one->iaid : "",
                                 other->iaid ? other->iaid : "");
}

static void
put_lease (struct cmd *cmd, const struct virgate_network_dhcp_lease *lease)
{
  time_t expiry = (time_t) lease->expirytime;
  CLEANUP_FREE char *json = must_format ("%lld", (long long) expiry);
  char text[32] = "-";
  struct tm tm;

  if (localtime_r (&expiry, &tm))
    strftime (text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
  put_both (cmd->out, NULL, NULL, text, json);
  put_str (cmd->out, NULL, NULL, lease->mac);
  put_str (cmd->out, NULL, NULL, lease->type == 0 ? "ipv4"
                                 : lease->type == 1 ? "ipv6" : NULL);
  put_fmt (cmd->out, NULL, NULL, "%s/%u", lease->ipaddr, lease->prefix);
  put_str (cmd->out, NULL, NULL, lease->hostname);
  put_str (cmd->out, NULL, NULL, lease->clientid);
}

int
run_net_dhcp_leases (struct cmd *cmd)
{
  static const struct column columns[] = {
    { "expiry_time", "Expiry Time" }, { "mac", "MAC address" },
    { "protocol", "Protocol" }, { "ip_address", "IP address" },
    { "hostname", "Hostname" }, { "client_id", "Client ID or DUID" }
  };
  const struct virgate_network *net = opt_network (cmd, BY_NAME | BY_UUID);
  struct virgate_remote_network_get_dhcp_leases_args args = {
    .mac = (char *) opt_str (cmd, "mac"), .need_results = 1
  };
  struct virgate_remote_network_get_dhcp_leases_ret *ret = NULL;

  if (net == NULL)
    return -1;
  args.net = *net;
  if (CALL (cmd, network_get_dhcp_leases, &args, &ret) < 0)
    return cmd_context (cmd, "Failed to get leases info for %s",
                        opt_str (cmd, "network"));
  sort (ret->leases.val, ret->leases.len, sizeof *ret->leases.val,
        lease_order);
  result_table (cmd->out, columns, COUNT_OF (columns));
  for (uint32_t i = 0; i < ret->leases.len; i++)
    put_lease (cmd, &ret->leases.val[i]);
  return 0;
}
