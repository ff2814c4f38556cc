/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The table of commands for networks.
 */
#include "config.h"

#include "rows.h"

static const struct cli_option opts_network[] = { NETWORK, OPT_END };

static const struct cli_option opts_net_autostart[] = {
  NETWORK, FLAG ("disable", 0, "disable autostarting"), OPT_END
};

static const struct cli_option opts_net_define[] = {
  FILE_NAME ("file containing an XML network description"),
  FLAG ("validate", 1, "validate the XML against the schema"),
  OPT_END
};

static const struct cli_option opts_net_dhcp_leases[] = {
  NETWORK, STRING ("mac", "MAC address"), OPT_END
};

static const struct cli_option opts_net_dumpxml[] = {
  NETWORK, FLAG ("inactive", 1, "show inactive defined XML"), OPT_END
};

static const struct cli_option opts_net_event[] = {
  { "network", OPT_STRING, OPT_NAMED, COMPLETE_NETWORK, 0, NULL,
    "filter by network name or uuid" },
  { "event", OPT_STRING, OPT_NAMED, COMPLETE_NOTHING, 0, NULL,
    "which event type to wait for" },
  FLAG ("loop", 0, "loop until timeout or interrupt"),
  { "timeout", OPT_INT, OPT_NAMED, COMPLETE_NOTHING, 0, NULL,
    "timeout seconds" },
  FLAG_NOT ("list", 0, "network,event", "list valid event types"),
  FLAG ("timestamp", 0, "show timestamp for each printed event"),
  OPT_END
};

static const struct cli_option opts_net_list[] = {
  FLAG ("inactive", 0, "list inactive networks"),
  FLAG ("all", 0, "list inactive & active networks"),
  FLAG ("persistent", 4, "list persistent networks"),
  FLAG ("transient", 8, "list transient networks"),
  FLAG ("autostart", 16, "list networks with autostart enabled"),
  FLAG ("no-autostart", 32, "list networks with autostart disabled"),
  FLAG_NOT ("uuid", 0, "table,name", "list uuid's only"),
  FLAG_NOT ("name", 0, "table", "list network names only"),
  FLAG ("table", 0, "list table (default)"),
  OPT_END
};

static const struct cli_option opts_net_update[] = {
  NETWORK,
  NEEDS ("command", OPT_STRING, COMPLETE_NOTHING,
         "add-first, add-last (add), delete, or modify"),
  NEEDS ("section", OPT_STRING, COMPLETE_NOTHING,
         "which section of network configuration to update"),
  NEEDS ("xml", OPT_STRING, COMPLETE_FILE,
         "file containing XML, or the element itself if it starts with '<'"),
  { "parent-index", OPT_INT, OPT_NAMED, COMPLETE_NOTHING, 0, NULL,
    "which parent object to search through" },
  FLAG ("config", AFFECT_CONFIG, "affect next network startup"),
  FLAG ("live", AFFECT_LIVE, "affect running network"),
  FLAG_NOT ("current", 0, "live,config", "affect current state of network"),
  OPT_END
};

const struct command network_commands[] = {
  { "net-autostart", "autostart a network", opts_net_autostart,
    run_net_autostart },
  { "net-create", "create a network from an XML file", opts_net_define,
    run_net_define, 0, REMOTE (NETWORK_CREATE_XML),
    REMOTE (NETWORK_CREATE_XML_FLAGS), "Network %s created from %s" },
  { "net-define", "define or modify a persistent network from an XML file",
    opts_net_define, run_net_define, 0, REMOTE (NETWORK_DEFINE_XML),
    REMOTE (NETWORK_DEFINE_XML_FLAGS), "Network %s defined from %s" },
  { "net-destroy", "destroy (stop) a network", opts_network, run_net_act, 0,
    REMOTE (NETWORK_DESTROY), 0, "Network %s destroyed" },
  { "net-dhcp-leases", "print lease info for a given network",
    opts_net_dhcp_leases, run_net_dhcp_leases },
  { "net-dumpxml", "network information in XML", opts_net_dumpxml,
    run_net_dumpxml },
  { "net-edit", "edit XML configuration for a network", opts_network,
    run_net_edit, COMMAND_ONE_HOST, REMOTE (NETWORK_GET_XML_DESC),
    REMOTE (NETWORK_DEFINE_XML), "Network %s XML configuration %s" },
  { "net-event", "wait for network events, or list their types",
    opts_net_event, run_net_event, COMMAND_WATCHES },
  { "net-info", "network information", opts_network, run_net_info },
  { "net-list", "list networks", opts_net_list, run_net_list },
  { "net-name", "convert a network UUID to network name", opts_network,
    run_net_name },
  { "net-start", "start a (previously defined) inactive network",
    opts_network, run_net_act, 0, REMOTE (NETWORK_CREATE), 0,
    "Network %s started" },
  { "net-undefine", "undefine a persistent network", opts_network,
    run_net_act, 0, REMOTE (NETWORK_UNDEFINE), 0,
    "Network %s has been undefined" },
  { "net-update", "update parts of an existing network's configuration",
    opts_net_update, run_net_update },
  { "net-uuid", "convert a network name to network UUID", opts_network,
    run_net_uuid },
  { NULL }
};
