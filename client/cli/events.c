/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The table of events.  Numbers of things inside events are libvirt's; the
 * words are those that virsh prints.
 */
#include "config.h"

#include "events.h"

#define MSG(name) struct virgate_remote_domain_event_##name##_msg
#define CALLBACK(name) MSG (callback_##name)

#define FIELD(type, kind, key) { #key, kind, offsetof (type, key), NULL, 0 }
#define FIELD_OF(type, kind, key, member)                               \
  { #key, kind, offsetof (type, member), NULL, 0 }
#define WORDS(type, key, member, names)                                 \
  { #key, EVENT_ENUM, offsetof (type, member), names, COUNT_OF (names) }
#define END { NULL, 0, 0, NULL, 0 }

static const char *const lifecycle[] = {
  "Defined", "Undefined", "Started", "Suspended", "Resumed", "Stopped",
  "Shutdown", "PMSuspended", "Crashed"
};
static const struct event_field lifecycle_fields[] = {
  WORDS (CALLBACK (lifecycle), event, msg.event, lifecycle),
  FIELD_OF (CALLBACK (lifecycle), EVENT_DETAIL, detail, msg.detail),
  END
};

static const struct event_field rtc_change_fields[] = {
  FIELD_OF (CALLBACK (rtc_change), EVENT_LONG, offset, msg.offset), END
};

static const char *const watchdog_actions[] = {
  "none", "pause", "reset", "poweroff", "shutdown", "debug", "inject-nmi"
};
static const struct event_field watchdog_fields[] = {
  WORDS (CALLBACK (watchdog), action, msg.action, watchdog_actions), END
};

static const char *const io_error_actions[] = { "none", "pause", "report" };
static const struct event_field io_error_fields[] = {
  FIELD_OF (CALLBACK (io_error), EVENT_STR, path, msg.srcPath),
  FIELD_OF (CALLBACK (io_error), EVENT_STR, alias, msg.devAlias),
  WORDS (CALLBACK (io_error), action, msg.action, io_error_actions), END
};
static const struct event_field io_error_reason_fields[] = {
  FIELD_OF (CALLBACK (io_error_reason), EVENT_STR, path, msg.srcPath),
  FIELD_OF (CALLBACK (io_error_reason), EVENT_STR, alias, msg.devAlias),
  WORDS (CALLBACK (io_error_reason), action, msg.action, io_error_actions),
  FIELD_OF (CALLBACK (io_error_reason), EVENT_STR, reason, msg.reason), END
};

static const char *const graphics_phases[] = {
  "connect", "initialize", "disconnect"
};
static const char *const graphics_families[] = { "IPv4", "IPv6", "unix" };
#define GRAPHICS CALLBACK (graphics)
static const struct event_field graphics_fields[] = {
  WORDS (GRAPHICS, phase, msg.phase, graphics_phases),
  WORDS (GRAPHICS, local_family, msg.local.family, graphics_families),
  FIELD_OF (GRAPHICS, EVENT_STR, local_node, msg.local.node),
  FIELD_OF (GRAPHICS, EVENT_STR, local_service, msg.local.service),
  WORDS (GRAPHICS, remote_family, msg.remote.family, graphics_families),
  FIELD_OF (GRAPHICS, EVENT_STR, remote_node, msg.remote.node),
  FIELD_OF (GRAPHICS, EVENT_STR, remote_service, msg.remote.service),
  FIELD_OF (GRAPHICS, EVENT_STR, auth_scheme, msg.authScheme),
  FIELD_OF (GRAPHICS, EVENT_PEOPLE, identities, msg.subject), END
};

static const char *const block_jobs[] = {
  "Unknown job", "Block Pull", "Block Copy", "Block Commit",
  "Active Block Commit", "Backup"
};
static const char *const block_job_states[] = {
  "completed", "failed", "canceled", "ready"
};
static const struct event_field block_job_fields[] = {
  WORDS (CALLBACK (block_job), type, msg.type, block_jobs),
  FIELD_OF (CALLBACK (block_job), EVENT_STR, disk, msg.path),
  WORDS (CALLBACK (block_job), status, msg.status, block_job_states), END
};
static const struct event_field block_job_2_fields[] = {
  WORDS (MSG (block_job_2), type, type, block_jobs),
  FIELD_OF (MSG (block_job_2), EVENT_STR, disk, dst),
  WORDS (MSG (block_job_2), status, status, block_job_states), END
};

static const char *const disk_changes[] = { "changed", "dropped" };
static const struct event_field disk_change_fields[] = {
  FIELD_OF (CALLBACK (disk_change), EVENT_STR, alias, msg.devAlias),
  FIELD_OF (CALLBACK (disk_change), EVENT_STR, old_source, msg.oldSrcPath),
  FIELD_OF (CALLBACK (disk_change), EVENT_STR, new_source, msg.newSrcPath),
  WORDS (CALLBACK (disk_change), reason, msg.reason, disk_changes), END
};

static const char *const tray_changes[] = { "opened", "closed" };
static const struct event_field tray_change_fields[] = {
  FIELD_OF (CALLBACK (tray_change), EVENT_STR, alias, msg.devAlias),
  WORDS (CALLBACK (tray_change), reason, msg.reason, tray_changes), END
};

static const struct event_field balloon_fields[] = {
  FIELD_OF (CALLBACK (balloon_change), EVENT_ULONG, actual_kib, msg.actual),
  END
};
static const struct event_field device_removed_fields[] = {
  FIELD_OF (CALLBACK (device_removed), EVENT_STR, alias, msg.devAlias), END
};
static const struct event_field device_added_fields[] = {
  FIELD_OF (CALLBACK (device_added), EVENT_STR, alias, devAlias), END
};
static const struct event_field removal_failed_fields[] = {
  FIELD_OF (CALLBACK (device_removal_failed), EVENT_STR, alias, devAlias),
  END
};
static const struct event_field tunable_fields[] = {
  FIELD (CALLBACK (tunable), EVENT_PARAMS, params), END
};
static const struct event_field job_completed_fields[] = {
  FIELD (CALLBACK (job_completed), EVENT_PARAMS, params), END
};

static const char *const agent_states[] = {
  "unknown", "connected", "disconnected"
};
static const char *const agent_reasons[] = {
  "unknown", "domain started", "channel event"
};
static const struct event_field agent_fields[] = {
  WORDS (CALLBACK (agent_lifecycle), state, state, agent_states),
  WORDS (CALLBACK (agent_lifecycle), reason, reason, agent_reasons), END
};

static const struct event_field migration_fields[] = {
  FIELD (CALLBACK (migration_iteration), EVENT_INT, iteration), END
};

static const char *const metadata_types[] = {
  "description", "title", "element"
};
static const struct event_field metadata_fields[] = {
  WORDS (CALLBACK (metadata_change), type, type, metadata_types),
  FIELD_OF (CALLBACK (metadata_change), EVENT_STR, uri, nsuri), END
};

static const struct event_field threshold_fields[] = {
  FIELD (MSG (block_threshold), EVENT_STR, dev),
  FIELD (MSG (block_threshold), EVENT_STR, path),
  FIELD (MSG (block_threshold), EVENT_ULONG, threshold),
  FIELD (MSG (block_threshold), EVENT_ULONG, excess), END
};

static const char *const failure_recipients[] = { "hypervisor", "guest" };
static const char *const failure_actions[] = {
  "ignore", "inject", "fatal", "reset"
};
static const struct event_field memory_failure_fields[] = {
  WORDS (MSG (memory_failure), recipient, recipient, failure_recipients),
  WORDS (MSG (memory_failure), action, action, failure_actions),
  FIELD_OF (MSG (memory_failure), EVENT_BIT0, action_required, flags),
  FIELD_OF (MSG (memory_failure), EVENT_BIT1, recursive, flags), END
};

static const struct event_field memory_size_fields[] = {
  FIELD (MSG (memory_device_size_change), EVENT_STR, alias),
  FIELD (MSG (memory_device_size_change), EVENT_ULONG, size), END
};

/* Events whose message wraps an older one, and those that do not. */
#define WRAPS(name, proc, text, fields)                                 \
  { name, VIRGATE_REMOTE_PROC_DOMAIN_EVENT_CALLBACK_##proc,             \
    offsetof (CALLBACK (lifecycle), msg), text, fields }
#define PM(name, proc)                                                  \
  { name, VIRGATE_REMOTE_PROC_DOMAIN_EVENT_CALLBACK_##proc,             \
    offsetof (CALLBACK (pmwakeup), msg), "", NULL }
#define FLAT(name, proc, text, fields)                                  \
  { name, VIRGATE_REMOTE_PROC_DOMAIN_EVENT_##proc,                      \
    offsetof (MSG (block_job_2), dom), text, fields }

const struct event_kind domain_events[] = {
  WRAPS ("lifecycle", LIFECYCLE, ": {event} {detail}", lifecycle_fields),
  WRAPS ("reboot", REBOOT, "", NULL),
  WRAPS ("rtc-change", RTC_CHANGE, ": {offset}", rtc_change_fields),
  WRAPS ("watchdog", WATCHDOG, ": {action}", watchdog_fields),
  WRAPS ("io-error", IO_ERROR, ": {path} ({alias}) {action}",
         io_error_fields),
  WRAPS ("graphics", GRAPHICS, ": {phase} local[{local_family} {local_node} "
         "{local_service}] remote[{remote_family} {remote_node} "
         "{remote_service}] {auth_scheme}{identities}", graphics_fields),
  WRAPS ("io-error-reason", IO_ERROR_REASON,
         ": {path} ({alias}) {action} due to {reason}",
         io_error_reason_fields),
  WRAPS ("control-error", CONTROL_ERROR, "", NULL),
  WRAPS ("block-job", BLOCK_JOB, ": {type} for {disk} {status}",
         block_job_fields),
  WRAPS ("disk-change", DISK_CHANGE,
         " disk {alias}: {old_source} -> {new_source}: {reason}",
         disk_change_fields),
  WRAPS ("tray-change", TRAY_CHANGE, " disk {alias}: {reason}",
         tray_change_fields),
  PM ("pm-wakeup", PMWAKEUP),
  PM ("pm-suspend", PMSUSPEND),
  WRAPS ("balloon-change", BALLOON_CHANGE, ": {actual_kib}KiB",
         balloon_fields),
  PM ("pm-suspend-disk", PMSUSPEND_DISK),
  WRAPS ("device-removed", DEVICE_REMOVED, ": {alias}",
         device_removed_fields),
  FLAT ("block-job-2", BLOCK_JOB_2, ": {type} for {disk} {status}",
        block_job_2_fields),
  FLAT ("tunable", CALLBACK_TUNABLE, ":{params}", tunable_fields),
  FLAT ("agent-lifecycle", CALLBACK_AGENT_LIFECYCLE,
        ": state: '{state}' reason: '{reason}'", agent_fields),
  FLAT ("device-added", CALLBACK_DEVICE_ADDED, ": {alias}",
        device_added_fields),
  FLAT ("migration-iteration", CALLBACK_MIGRATION_ITERATION,
        ": iteration: '{iteration}'", migration_fields),
  FLAT ("job-completed", CALLBACK_JOB_COMPLETED, ":{params}",
        job_completed_fields),
  FLAT ("device-removal-failed", CALLBACK_DEVICE_REMOVAL_FAILED, ": {alias}",
        removal_failed_fields),
  FLAT ("metadata-change", CALLBACK_METADATA_CHANGE, ": type {type}, uri {uri}",
        metadata_fields),
  FLAT ("block-threshold", BLOCK_THRESHOLD,
        ": dev: {dev}({path}) {threshold} {excess}", threshold_fields),
  FLAT ("memory-failure", MEMORY_FAILURE,
        ":\nrecipient: {recipient}\naction: {action}\nflags:\n"
        "\taction required: {action_required}\n\trecursive: {recursive}",
        memory_failure_fields),
  FLAT ("memory-device-size-change", MEMORY_DEVICE_SIZE_CHANGE,
        ":\nalias: {alias}\nsize: {size}", memory_size_fields),
  { NULL }
};

static const char *const network_lifecycle[] = {
  "Defined", "Undefined", "Started", "Stopped"
};
#define NETWORK_MSG struct virgate_remote_network_event_lifecycle_msg
static const struct event_field network_lifecycle_fields[] = {
  WORDS (NETWORK_MSG, event, event, network_lifecycle), END
};

const struct event_kind network_events[] = {
  { "lifecycle", VIRGATE_REMOTE_PROC_NETWORK_EVENT_LIFECYCLE,
    offsetof (NETWORK_MSG, net), ": {event}", network_lifecycle_fields },
  { NULL }
};
