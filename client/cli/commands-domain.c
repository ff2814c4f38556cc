/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The table of commands that change domains.  Names and options are virsh's;
 * the bits are libvirt's flags of the procedures.
 */
#include "config.h"

#include "rows.h"

static const struct cli_option opts_domain[] = { DOMAIN, OPT_END };

static const struct cli_option opts_device[] = {
  DOMAIN,
  FILE_NAME ("file containing the XML of a device"),
  FLAG_NOT ("persistent", AFFECT_CONFIG, "current",
            "affect next boot, and the domain if it is running"),
  AFFECT, OPT_END
};

static const struct cli_option opts_update_device[] = {
  DOMAIN,
  FILE_NAME ("file containing the XML of a device"),
  FLAG_NOT ("persistent", AFFECT_CONFIG, "current",
            "affect next boot, and the domain if it is running"),
  AFFECT,
  FLAG ("force", 4, "force device update"),
  OPT_END
};

static const struct cli_option opts_autostart[] = {
  DOMAIN, FLAG ("disable", 0, "disable autostarting"), OPT_END
};

static const struct cli_option opts_console[] = {
  DOMAIN,
  STRING ("devname", "character device name"),
  FLAG ("force", 1, "disconnect whoever is connected"),
  FLAG ("safe", 2, "only if the server can keep two apart"),
  OPT_END
};

static const struct cli_option opts_create[] = {
  FILE_NAME ("file containing an XML domain description"),
  FLAG ("paused", 1, "leave the guest paused after creation"),
  FLAG ("autodestroy", 2, "destroy the guest when virgate disconnects"),
  FLAG ("validate", 16, "validate the XML against the schema"),
  FLAG ("reset-nvram", 32, "make the NVRAM anew from its template"),
  OPT_END
};

static const struct cli_option opts_define[] = {
  FILE_NAME ("file containing an XML domain description"),
  FLAG ("validate", 1, "validate the XML against the schema"),
  OPT_END
};

static const struct cli_option opts_desc[] = {
  DOMAIN,
  FLAG ("live", AFFECT_LIVE, "modify or get running state"),
  FLAG ("config", AFFECT_CONFIG, "modify or get persistent configuration"),
  FLAG_NOT ("current", 0, "live,config", "modify or get current state"),
  FLAG ("title", 0, "the title instead of the description"),
  { "new-desc", OPT_ARGS, 0, COMPLETE_NOTHING, 0, NULL, "message" },
  OPT_END
};

static const struct cli_option opts_destroy[] = {
  DOMAIN,
  FLAG ("graceful", 1, "terminate gracefully"),
  FLAG ("remove-logs", 2, "remove domain logs"),
  OPT_END
};

static const struct cli_option opts_domrename[] = {
  DOMAIN_HELP ("domain name or uuid"),
  NEEDS ("new-name", OPT_STRING, COMPLETE_NOTHING, "new domain name"),
  OPT_END
};

static const struct cli_option opts_dump[] = {
  DOMAIN,
  FILE_NAME ("where to dump the core, on the host"),
  FLAG ("live", 2, "perform a live core dump if supported"),
  FLAG ("crash", 1, "crash the domain after core dump"),
  FLAG ("bypass-cache", 4, "avoid file system cache when dumping"),
  FLAG ("reset", 8, "reset the domain after core dump"),
  FLAG ("memory-only", 16, "dump domain's memory only"),
  STRING ("format", "format of memory-only dump: elf, kdump-zlib, kdump-lzo, "
                    "kdump-snappy, win-dmp"),
  OPT_END
};

static const struct cli_option opts_dumpxml[] = {
  DOMAIN,
  FLAG ("inactive", 2, "show inactive defined XML"),
  FLAG ("security-info", 1, "include security sensitive information"),
  FLAG ("update-cpu", 4, "update guest CPU according to host CPU"),
  FLAG ("migratable", 8, "provide XML suitable for migrations"),
  OPT_END
};

static const struct cli_option opts_managedsave[] = {
  DOMAIN,
  FLAG ("bypass-cache", 1, "avoid file system cache when saving"),
  FLAG ("running", 2, "set domain to be running on next start"),
  FLAG_NOT ("paused", 4, "running", "set domain to be paused on next start"),
  OPT_END
};

static const struct cli_option opts_metadata[] = {
  DOMAIN,
  NEEDS ("uri", OPT_STRING, COMPLETE_NOTHING, "URI of the namespace"),
  FLAG ("live", AFFECT_LIVE, "modify or get running state"),
  FLAG ("config", AFFECT_CONFIG, "modify or get persistent configuration"),
  FLAG_NOT ("current", 0, "live,config", "modify or get current state"),
  STRING ("key", "key to be used as a namespace identifier"),
  STRING ("set", "new metadata to set"),
  FLAG_NOT ("remove", 0, "set", "remove the metadata of this URI"),
  OPT_END
};

static const struct cli_option opts_power[] = {
  DOMAIN,
  STRING ("mode", "acpi, agent, initctl, signal, paravirt; with commas"),
  OPT_END
};

static const struct cli_option opts_restore[] = {
  FILE_NAME ("the state to restore, on the host"),
  FLAG ("bypass-cache", 1, "avoid file system cache when restoring"),
  { "xml", OPT_STRING, 0, COMPLETE_FILE, 0, NULL,
    "file containing updated XML for the target" },
  FLAG ("running", 2, "restore domain into running state"),
  FLAG_NOT ("paused", 4, "running", "restore domain into paused state"),
  FLAG ("reset-nvram", 8, "make the NVRAM anew from its template"),
  OPT_END
};

static const struct cli_option opts_save[] = {
  DOMAIN,
  FILE_NAME ("where to save the data, on the host"),
  FLAG ("bypass-cache", 1, "avoid file system cache when saving"),
  { "xml", OPT_STRING, 0, COMPLETE_FILE, 0, NULL,
    "file containing updated XML for the target" },
  FLAG ("running", 2, "set domain to be running on restore"),
  FLAG_NOT ("paused", 4, "running", "set domain to be paused on restore"),
  OPT_END
};

static const struct cli_option opts_schedinfo[] = {
  DOMAIN,
  NUMBER ("weight", "weight for XEN_CREDIT"),
  NUMBER ("cap", "cap for XEN_CREDIT"),
  FLAG_NOT ("current", 0, "live,config", "get or set current scheduler info"),
  FLAG ("config", AFFECT_CONFIG, "get or set value to be used on next boot"),
  FLAG ("live", AFFECT_LIVE, "get or set value of the running domain"),
  { "set", OPT_ARGS, 0, COMPLETE_NOTHING, 0, NULL, "parameter=value" },
  OPT_END
};

static const struct cli_option opts_screenshot[] = {
  DOMAIN,
  { "file", OPT_STRING, 0, COMPLETE_FILE, 0, NULL,
    "where to store the screenshot" },
  NUMBER ("screen", "number of the screen"),
  OPT_END
};

static const struct cli_option opts_send_key[] = {
  DOMAIN,
  { "codeset", OPT_STRING, OPT_NAMED, COMPLETE_NOTHING, 0, NULL,
    "the codeset of keycodes, default: linux" },
  { "holdtime", OPT_INT, OPT_NAMED, COMPLETE_NOTHING, 0, NULL,
    "milliseconds for which the keys are held" },
  NEEDS ("keycode", OPT_ARGS, COMPLETE_NOTHING, "key codes; with the linux "
         "codeset also names such as KEY_ENTER"),
  OPT_END
};

static const struct cli_option opts_setmem[] = {
  DOMAIN,
  NEEDS ("size", OPT_SIZE, COMPLETE_NOTHING,
         "new memory size, as scaled integer (default KiB)"),
  AFFECT, OPT_END
};

static const struct cli_option opts_setvcpus[] = {
  DOMAIN,
  NEEDS ("count", OPT_INT, COMPLETE_NOTHING, "number of virtual CPUs"),
  FLAG ("maximum", 4, "set maximum limit on next boot"),
  AFFECT,
  FLAG_NOT ("guest", 8, "config", "modify cpu state in the guest"),
  FLAG ("hotpluggable", 16, "make added vcpus hot(un)pluggable"),
  OPT_END
};

static const struct cli_option opts_start[] = {
  DOMAIN_HELP ("name of the inactive domain"),
  FLAG ("paused", 1, "leave the guest paused after creation"),
  FLAG ("autodestroy", 2, "destroy the guest when virgate disconnects"),
  FLAG ("bypass-cache", 4, "avoid file system cache when loading"),
  FLAG ("force-boot", 8, "force fresh boot by discarding any managed save"),
  FLAG ("reset-nvram", 32, "make the NVRAM anew from its template"),
  OPT_END
};

static const struct cli_option opts_undefine[] = {
  DOMAIN,
  FLAG ("managed-save", 1, "remove domain managed state file"),
  FLAG ("snapshots-metadata", 2, "remove all domain snapshot metadata"),
  FLAG ("checkpoints-metadata", 16, "remove all domain checkpoint metadata"),
  FLAG ("nvram", 4, "remove nvram file"),
  FLAG_NOT ("keep-nvram", 8, "nvram", "keep nvram file"),
  FLAG ("tpm", 32, "remove TPM state"),
  FLAG_NOT ("keep-tpm", 64, "tpm", "keep TPM state"),
  OPT_END
};

static const struct cli_option opts_vcpucount[] = {
  DOMAIN,
  FLAG ("maximum", 4, "get maximum count of vcpus"),
  FLAG_NOT ("active", 0, "maximum", "get number of currently active vcpus"),
  FLAG ("live", AFFECT_LIVE, "get value from running domain"),
  FLAG_NOT ("config", AFFECT_CONFIG, "live",
            "get value to be used on next boot"),
  FLAG ("current", 0, "get value according to current domain state"),
  FLAG_NOT ("guest", 8, "config", "retrieve vcpu count from the guest"),
  OPT_END
};

static const struct cli_option opts_vcpuinfo[] = {
  DOMAIN, FLAG ("pretty", 0, "return human readable output"), OPT_END
};

static const struct cli_option opts_vcpupin[] = {
  DOMAIN,
  NUMBER ("vcpu", "vcpu number"),
  STRING ("cpulist", "host cpu number(s) to set, or omit option to query"),
  AFFECT, OPT_END
};

const struct command domain_commands[] = {
  { "attach-device", "attach device from an XML file", opts_device,
    run_domain_device, 0, REMOTE (DOMAIN_ATTACH_DEVICE),
    REMOTE (DOMAIN_ATTACH_DEVICE_FLAGS), "Device attached successfully" },
  { "autostart", "autostart a domain", opts_autostart, run_domain_autostart },
  { "console", "connect to the guest console", opts_console, run_console,
    COMMAND_ONE_HOST | COMMAND_WATCHES },
  { "create", "create a domain from an XML file", opts_create,
    run_domain_define, 0, REMOTE (DOMAIN_CREATE_XML),
    REMOTE (DOMAIN_CREATE_XML), "Domain '%s' created from %s" },
  { "define", "define (but don't start) a domain from an XML file",
    opts_define, run_domain_define, 0, REMOTE (DOMAIN_DEFINE_XML),
    REMOTE (DOMAIN_DEFINE_XML_FLAGS), "Domain '%s' defined from %s" },
  { "desc", "show or set domain's description or title", opts_desc,
    run_desc },
  { "destroy", "destroy (stop) a domain", opts_destroy, run_domain_act, 0,
    REMOTE (DOMAIN_DESTROY), REMOTE (DOMAIN_DESTROY_FLAGS),
    "Domain '%s' destroyed" },
  { "detach-device", "detach device from an XML file", opts_device,
    run_domain_device, 0, REMOTE (DOMAIN_DETACH_DEVICE),
    REMOTE (DOMAIN_DETACH_DEVICE_FLAGS), "Device detached successfully" },
  { "domid", "convert a domain name or UUID to domain id", opts_domain,
    run_domid },
  { "domname", "convert a domain id or UUID to domain name", opts_domain,
    run_domname },
  { "domrename", "rename a domain", opts_domrename, run_domain_rename },
  { "domuuid", "convert a domain name or id to domain UUID", opts_domain,
    run_domuuid },
  { "dump", "dump the core of a domain to a file for analysis", opts_dump,
    run_domain_dump },
  { "dumpxml", "domain information in XML", opts_dumpxml, run_dumpxml },
  { "edit", "edit XML configuration for a domain", opts_domain, run_edit,
    COMMAND_ONE_HOST, REMOTE (DOMAIN_GET_XML_DESC), REMOTE (DOMAIN_DEFINE_XML),
    "Domain '%s' XML configuration %s" },
  { "managedsave", "managed save of a domain state", opts_managedsave,
    run_domain_act, 0, 0, REMOTE (DOMAIN_MANAGED_SAVE),
    "Domain '%s' state saved by libvirt" },
  { "managedsave-remove", "remove managed save of a domain", opts_domain,
    run_managedsave_remove },
  { "metadata", "show or set domain's custom XML metadata", opts_metadata,
    run_metadata },
  { "reboot", "reboot a domain", opts_power, run_domain_power, 0,
    0, REMOTE (DOMAIN_REBOOT), "Domain '%s' is being rebooted" },
  { "rename", "rename a domain (as domrename)", opts_domrename,
    run_domain_rename },
  { "reset", "reset a domain", opts_domain, run_domain_act, 0,
    0, REMOTE (DOMAIN_RESET), "Domain '%s' was reset" },
  { "restore", "restore a domain from a saved state in a file", opts_restore,
    run_domain_restore },
  { "resume", "resume a domain", opts_domain, run_domain_act, 0,
    REMOTE (DOMAIN_RESUME), 0, "Domain '%s' resumed" },
  { "save", "save a domain state to a file", opts_save, run_domain_save },
  { "schedinfo", "show or set scheduler parameters", opts_schedinfo,
    run_schedinfo },
  { "screenshot", "take a screenshot of a domain and store it into a file",
    opts_screenshot, run_screenshot, COMMAND_ONE_HOST },
  { "send-key", "send keycodes to the guest", opts_send_key, run_send_key },
  { "setmaxmem", "change maximum memory limit", opts_setmem, run_setmem },
  { "setmem", "change memory allocation", opts_setmem, run_setmem },
  { "setvcpus", "change number of virtual CPUs", opts_setvcpus,
    run_setvcpus },
  { "shutdown", "gracefully shutdown a domain", opts_power, run_domain_power,
    0, REMOTE (DOMAIN_SHUTDOWN), REMOTE (DOMAIN_SHUTDOWN_FLAGS),
    "Domain '%s' is being shutdown" },
  { "start", "start a (previously defined) inactive domain", opts_start,
    run_domain_start },
  { "suspend", "suspend a domain", opts_domain, run_domain_act, 0,
    REMOTE (DOMAIN_SUSPEND), 0, "Domain '%s' suspended" },
  { "undefine", "undefine a domain", opts_undefine, run_domain_act, 0,
    REMOTE (DOMAIN_UNDEFINE), REMOTE (DOMAIN_UNDEFINE_FLAGS),
    "Domain '%s' has been undefined" },
  { "update-device", "update device from an XML file", opts_update_device,
    run_domain_device, 0, 0, REMOTE (DOMAIN_UPDATE_DEVICE_FLAGS),
    "Device updated successfully" },
  { "vcpucount", "domain vcpu counts", opts_vcpucount, run_vcpucount },
  { "vcpuinfo", "detailed domain vcpu information", opts_vcpuinfo,
    run_vcpuinfo },
  { "vcpupin", "control or query domain vcpu affinity", opts_vcpupin,
    run_vcpupin },
  { NULL }
};
