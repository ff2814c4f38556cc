/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The tables of commands that watch domains, and of those for hosts, events
 * and virgate itself.
 */
#include "config.h"

#include "rows.h"

static const struct cli_option opts_domain[] = { DOMAIN, OPT_END };

static const struct cli_option opts_domblklist[] = {
  DOMAIN,
  FLAG ("inactive", 2, "get inactive rather than running configuration"),
  FLAG ("details", 0, "additionally display the type and device value"),
  OPT_END
};

static const struct cli_option opts_domblkinfo[] = {
  DOMAIN,
  NEEDS ("device", OPT_STRING, COMPLETE_NOTHING, "block device"),
  OPT_END
};

static const struct cli_option opts_domblkstat[] = {
  DOMAIN, STRING ("device", "block device"),
  FLAG ("human", 0, "print a more human readable output"), OPT_END
};

static const struct cli_option opts_domdisplay[] = {
  DOMAIN,
  STRING ("type", "select a display: vnc, spice, rdp, dbus"),
  FLAG ("all", 0, "show all possible graphical displays"),
  OPT_END
};

static const struct cli_option opts_domifaddr[] = {
  DOMAIN, STRING ("interface", "network interface name"),
  FLAG ("full", 0, "always display names and MACs of interfaces"),
  STRING ("source", "address source: lease, agent, arp"), OPT_END
};

static const struct cli_option opts_domiflist[] = {
  DOMAIN,
  FLAG ("inactive", 2, "get inactive rather than running configuration"),
  OPT_END
};

static const struct cli_option opts_domifstat[] = {
  DOMAIN,
  NEEDS ("interface", OPT_STRING, COMPLETE_NOTHING,
         "interface device by name or MAC address"),
  OPT_END
};

static const struct cli_option opts_dommemstat[] = {
  DOMAIN, NUMBER ("period", "period in seconds to set collection"), AFFECT,
  OPT_END
};

static const struct cli_option opts_domstate[] = {
  DOMAIN, FLAG ("reason", 0, "also print reason for the state"), OPT_END
};

/* The first eleven choose statistics, the others domains and how. */
static const struct cli_option opts_domstats[] = {
  FLAG ("state", 1, "report domain state"),
  FLAG ("cpu-total", 2, "report domain physical cpu usage"),
  FLAG ("balloon", 4, "report domain balloon statistics"),
  FLAG ("vcpu", 8, "report domain virtual cpu information"),
  FLAG ("interface", 16, "report domain network interface information"),
  FLAG ("block", 32, "report domain block device statistics"),
  FLAG ("perf", 64, "report domain perf event statistics"),
  FLAG ("iothread", 128, "report domain IOThread information"),
  FLAG ("memory", 256, "report domain memory usage"),
  FLAG ("dirtyrate", 512, "report domain dirty rate information"),
  FLAG ("vm", 1024, "report hypervisor-specific statistics"),
  FLAG ("list-active", 0, "list only active domains"),
  FLAG ("list-inactive", 0, "list only inactive domains"),
  FLAG ("list-persistent", 0, "list only persistent domains"),
  FLAG ("list-transient", 0, "list only transient domains"),
  FLAG ("list-running", 0, "list only running domains"),
  FLAG ("list-paused", 0, "list only paused domains"),
  FLAG ("list-shutoff", 0, "list only shutoff domains"),
  FLAG ("list-other", 0, "list only domains in other states"),
  FLAG ("raw", 0, "do not pretty-print the fields"),
  FLAG ("enforce", 0, "enforce requested stats parameters"),
  FLAG ("backing", 0, "add backing chain information to block stats"),
  FLAG ("nowait", 0, "report only stats that are accessible instantly"),
  { "domain", OPT_ARGS, 0, COMPLETE_DOMAIN, 0, NULL,
    "domains to get stats for" },
  OPT_END
};

static const struct cli_option opts_domtime[] = {
  DOMAIN, FLAG ("pretty", 0, "print domain's time in human readable form"),
  OPT_END
};

static const struct cli_option opts_list[] = {
  FLAG ("inactive", 0, "list inactive domains"),
  FLAG ("all", 0, "list inactive & active domains"),
  FLAG ("transient", 8, "list transient domains"),
  FLAG ("persistent", 4, "list persistent domains"),
  FLAG ("with-snapshot", 4096, "list domains with existing snapshot"),
  FLAG ("without-snapshot", 8192, "list domains without a snapshot"),
  FLAG ("with-checkpoint", 16384, "list domains with existing checkpoint"),
  FLAG ("without-checkpoint", 32768, "list domains without a checkpoint"),
  FLAG ("state-running", 16, "list domains in running state"),
  FLAG ("state-paused", 32, "list domains in paused state"),
  FLAG ("state-shutoff", 64, "list domains in shutoff state"),
  FLAG ("state-other", 128, "list domains in other states"),
  FLAG ("autostart", 1024, "list domains with autostart enabled"),
  FLAG ("no-autostart", 2048, "list domains with autostart disabled"),
  FLAG ("with-managed-save", 256, "list domains with managed save state"),
  FLAG ("without-managed-save", 512, "list domains without managed save"),
  FLAG_NOT ("uuid", 0, "table", "list uuid's only"),
  FLAG_NOT ("name", 0, "table", "list domain names only"),
  FLAG_NOT ("id", 0, "table", "list domain IDs only"),
  FLAG ("table", 0, "list table (default)"),
  FLAG ("managed-save", 0, "mark inactive domains with managed save state"),
  FLAG ("title", 0, "show domain title"),
  OPT_END
};

const struct command monitor_commands[] = {
  { "domblkinfo", "domain block device size information", opts_domblkinfo,
    run_domblkinfo },
  { "domblklist", "list all domain blocks", opts_domblklist,
    run_domblklist },
  { "domblkstat", "get device block stats for a domain", opts_domblkstat,
    run_domblkstat },
  { "domcontrol", "domain control interface state", opts_domain,
    run_domcontrol },
  { "domdisplay", "domain display connection URI", opts_domdisplay,
    run_domdisplay },
  { "domhostname", "print the domain's hostname", opts_domain,
    run_domhostname },
  { "domifaddr", "network interfaces' addresses of a running domain",
    opts_domifaddr, run_domifaddr },
  { "domiflist", "list all domain virtual interfaces", opts_domiflist,
    run_domiflist },
  { "domifstat", "get network interface stats for a domain", opts_domifstat,
    run_domifstat },
  { "dominfo", "domain information", opts_domain, run_dominfo },
  { "dommemstat", "get memory statistics for a domain", opts_dommemstat,
    run_dommemstat },
  { "domstate", "domain state", opts_domstate, run_domstate },
  { "domstats", "get statistics about one or multiple domains",
    opts_domstats, run_domstats },
  { "domtime", "domain time", opts_domtime, run_domtime },
  { "list", "list domains", opts_list, run_domain_list },
  { NULL }
};

static const struct cli_option opts_cpu_models[] = {
  NEEDS ("arch", OPT_STRING, COMPLETE_NOTHING, "architecture"), OPT_END
};

static const struct cli_option opts_domcapabilities[] = {
  STRING ("virttype", "virtualization type (/domain/@type)"),
  STRING ("emulatorbin", "path to emulator binary (/domain/devices/emulator)"),
  STRING ("arch", "domain architecture (/domain/os/type/@arch)"),
  STRING ("machine", "machine type (/domain/os/type/@machine)"),
  OPT_END
};

static const struct cli_option opts_freecell[] = {
  NUMBER ("cellno", "NUMA cell number"),
  FLAG_NOT ("all", 0, "cellno", "show free memory for all NUMA cells"),
  OPT_END
};

static const struct cli_option opts_maxvcpus[] = {
  STRING ("type", "domain type"), OPT_END
};

static const struct cli_option opts_nodecpumap[] = {
  FLAG ("pretty", 0, "return human readable output"), OPT_END
};

static const struct cli_option opts_nodecpustats[] = {
  NUMBER ("cpu", "prints specified cpu statistics only"), OPT_END
};

static const struct cli_option opts_nodememstats[] = {
  NUMBER ("cell", "prints specified cell statistics only"), OPT_END
};

static const struct cli_option opts_ping[] = {
  NUMBER ("count", "how many times (default 1)"), OPT_END
};

const struct command host_commands[] = {
  { "capabilities", "capabilities", NULL, run_capabilities },
  { "cpu-models", "CPU models", opts_cpu_models, run_cpu_models },
  { "domcapabilities", "domain capabilities", opts_domcapabilities,
    run_domcapabilities },
  { "freecell", "NUMA free memory", opts_freecell, run_freecell },
  { "hostname", "print the hypervisor hostname", NULL, run_hostname },
  { "maxvcpus", "connection vcpu maximum", opts_maxvcpus, run_maxvcpus },
  { "nodecpumap", "node cpu map", opts_nodecpumap, run_nodecpumap },
  { "nodecpustats", "prints cpu stats of the node", opts_nodecpustats,
    run_nodecpustats },
  { "nodeinfo", "node information", NULL, run_nodeinfo },
  { "nodememstats", "prints memory stats of the node", opts_nodememstats,
    run_nodememstats },
  { "ping", "measure how long the server takes to answer", opts_ping,
    run_ping },
  { "sysinfo", "print the hypervisor sysinfo", NULL, run_sysinfo },
  { "uri", "print the hypervisor canonical URI", NULL, run_uri },
  { "version", "show version", NULL, run_version },
  { NULL }
};

static const struct cli_option opts_event[] = {
  { "domain", OPT_STRING, OPT_NAMED, COMPLETE_DOMAIN, 0, NULL,
    "filter by domain name, id or uuid" },
  { "event", OPT_STRING, OPT_NAMED, COMPLETE_EVENT, 0, NULL,
    "which event type to wait for" },
  FLAG_NOT ("all", 0, "event", "wait for all events instead of one type"),
  FLAG ("loop", 0, "loop until timeout or interrupt"),
  { "timeout", OPT_INT, OPT_NAMED, COMPLETE_NOTHING, 0, NULL,
    "timeout seconds" },
  FLAG_NOT ("list", 0, "domain,event,all", "list valid event types"),
  FLAG ("timestamp", 0, "show timestamp for each printed event"),
  OPT_END
};

const struct command event_commands[] = {
  { "event", "wait for domain events, or list their types", opts_event,
    run_event, COMMAND_WATCHES },
  { NULL }
};

static const struct cli_option opts_call[] = {
  NEEDS ("procedure", OPT_STRING, COMPLETE_PROCEDURE,
         "name in the protocol: domain_get_info, qemu.domain_monitor_command"),
  STRING ("args", "arguments, a JSON object"),
  OPT_END
};

static const struct cli_option opts_cd[] = {
  { "dir", OPT_STRING, 0, COMPLETE_FILE, 0, NULL, "directory to switch to" },
  OPT_END
};

static const struct cli_option opts_complete[] = {
  { "word", OPT_ARGS, 0, COMPLETE_NOTHING, 0, NULL, "what was typed so far" },
  OPT_END
};

static const struct cli_option opts_connect[] = {
  STRING ("name", "URI or alias; without it the default"),
  FLAG ("readonly", 0, "read-only connection"),
  OPT_END
};

static const struct cli_option opts_echo[] = {
  FLAG ("shell", 0, "escape for shell use"),
  FLAG ("xml", 0, "escape for XML use"),
  FLAG ("err", 0, "output to stderr"),
  { "string", OPT_ARGS, 0, COMPLETE_NOTHING, 0, NULL, "arguments to echo" },
  OPT_END
};

static const struct cli_option opts_help[] = {
  { "command", OPT_STRING, 0, COMPLETE_COMMAND, 0, NULL,
    "show help of this command or group" },
  OPT_END
};

static const struct cli_option opts_passwd[] = {
  NEEDS ("action", OPT_STRING, COMPLETE_NOTHING,
         "add, change, delete, groups or list"),
  { "user", OPT_ARGS, 0, COMPLETE_NOTHING, 0, NULL,
    "whom it is about; groups takes a list of groups as well" },
  { "groups", OPT_STRING, OPT_NAMED, COMPLETE_NOTHING, 0, NULL,
    "groups of the user, with commas between" },
  { "file", OPT_STRING, OPT_NAMED, COMPLETE_FILE, 0, NULL,
    "the password file instead of the usual one" },
  { "iterations", OPT_INT, OPT_NAMED, COMPLETE_NOTHING, 0, NULL,
    "how often it is hashed (as others in the file, or 32768)" },
  FLAG ("stdin", 0, "read the password from standard input"),
  OPT_END
};

static const struct cli_option opts_pki[] = {
  NEEDS ("action", OPT_STRING, COMPLETE_NOTHING,
         "init, server, client, revoke, show or check"),
  { "name", OPT_ARGS, 0, COMPLETE_FILE, 0, NULL,
    "a CA's, client's or server's names; files; a URI" },
  { "ip", OPT_ARGS, OPT_NAMED, COMPLETE_NOTHING, 0, NULL,
    "an address of the server; may be given again" },
  { "dir", OPT_STRING, OPT_NAMED, COMPLETE_FILE, 0, NULL,
    "the CA's folder instead of the usual places" },
  { "out", OPT_STRING, OPT_NAMED, COMPLETE_FILE, 0, NULL,
    "a folder for what is made, with the CA's certificate" },
  { "days", OPT_INT, OPT_NAMED, COMPLETE_NOTHING, 0, NULL,
    "how long it is valid (a CA 3650, others 730)" },
  { "organization", OPT_STRING, OPT_NAMED, COMPLETE_NOTHING, 0, NULL,
    "O= of the subject (the CA's)" },
  FLAG ("rsa", 0, "an RSA key of 3072 bits instead of an EC P-256 one"),
  FLAG ("force", 0, "replace files that exist"),
  OPT_END
};

const struct command shell_commands[] = {
  { "call", "call any procedure of the protocol", opts_call, run_call,
    COMMAND_SECRET },
  { "cd", "change the current directory", opts_cd, run_cd, COMMAND_LOCAL },
  { "complete", "print what could come next", opts_complete, run_complete,
    COMMAND_LOCAL | COMMAND_HIDDEN },
  { "connect", "connect to other hosts", opts_connect, run_connect,
    COMMAND_LOCAL },
  { "echo", "echo arguments", opts_echo, run_echo, COMMAND_LOCAL },
  { "exit", "quit this interactive terminal", NULL, run_quit,
    COMMAND_LOCAL },
  { "help", "print help", opts_help, run_help, COMMAND_LOCAL },
  { "passwd", "edit the users of auth-password", opts_passwd, run_passwd,
    COMMAND_LOCAL },
  { "pki", "make, revoke, show and check certificates", opts_pki, run_pki,
    COMMAND_LOCAL },
  { "pwd", "print the current directory", NULL, run_pwd, COMMAND_LOCAL },
  { "quit", "quit this interactive terminal", NULL, run_quit,
    COMMAND_LOCAL },
  { NULL }
};
