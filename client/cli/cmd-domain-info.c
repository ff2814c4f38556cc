/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a domain is and how it is: dominfo, domstate, its names, its XML, its
 * description.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rows.h"

/* Reasons by state, as virDomain*Reason counts them. */
static const char *const reasons_unknown[] = { "unknown" };
static const char *const reasons_running[] = {
  "unknown", "booted", "migrated", "restored", "from snapshot", "unpaused",
  "migration canceled", "save canceled", "event wakeup", "crashed",
  "post-copy", "post-copy failed"
};
static const char *const reasons_paused[] = {
  "unknown", "user", "migrating", "saving", "dumping", "I/O error",
  "watchdog", "from snapshot", "shutting down", "creating snapshot",
  "crashed", "starting up", "post-copy", "post-copy failed"
};
static const char *const reasons_shutdown[] = { "unknown", "user" };
static const char *const reasons_shutoff[] = {
  "unknown", "shutdown", "destroyed", "crashed", "migrated", "saved",
  "failed", "from snapshot", "daemon"
};
static const char *const reasons_crashed[] = { "unknown", "panicked" };

#define STATE(name, reasons) { name, reasons, COUNT_OF (reasons) }
static const struct {
  const char *name;
  const char *const *reasons;
  size_t count;
} states[] = {
  STATE ("no state", reasons_unknown), STATE ("running", reasons_running),
  STATE ("idle", reasons_unknown), STATE ("paused", reasons_paused),
  STATE ("in shutdown", reasons_shutdown),
  STATE ("shut off", reasons_shutoff), STATE ("crashed", reasons_crashed),
  STATE ("pmsuspended", reasons_unknown)
};
#undef STATE

const char *
domain_state_name (int32_t state)
{
  return state >= 0 && (size_t) state < COUNT_OF (states) ? states[state].name
                                                          : "no state";
}

int
run_domstate (struct cmd *cmd)
{
  const struct virgate_domain *dom = opt_domain (cmd, BY_ANY);
  struct virgate_remote_domain_get_state_args args = { 0 };
  struct virgate_remote_domain_get_state_ret *ret = NULL;
  const char *reason = "unknown", *name;

  if (dom == NULL)
    return -1;
  args.dom = *dom;
  if (CALL (cmd, domain_get_state, &args, &ret) < 0)
    return -1;
  name = domain_state_name (ret->state);
  if (ret->state >= 0 && (size_t) ret->state < COUNT_OF (states))
    reason = name_of (states[ret->state].reasons, states[ret->state].count,
                      ret->reason);
  result_record (cmd->out, &style_plain);
  if (opt_bool (cmd, "reason"))
    put_fmt (cmd->out, NULL, "", "%s (%s)", name, reason);
  else
    put_fmt (cmd->out, NULL, "", "%s", name);
  put_str (cmd->out, "state", NULL, name);
  if (opt_bool (cmd, "reason"))
    put_str (cmd->out, "reason", NULL, reason);
  return 0;
}

int
run_domid (struct cmd *cmd)
{
  const struct virgate_domain *dom = opt_domain (cmd, BY_NAME | BY_UUID);
  char text[16];

  if (dom == NULL)
    return -1;
  snprintf (text, sizeof text, "%d", dom->id);
  result_raw (cmd->out, "id", dom->id < 0 ? "-" : text,
              dom->id < 0 ? "null" : text);
  return 0;
}

int
run_domname (struct cmd *cmd)
{
  const struct virgate_domain *dom = opt_domain (cmd, BY_ID | BY_UUID);

  if (dom == NULL)
    return -1;
  result_text (cmd->out, "name", dom->name);
  return 0;
}

int
run_domuuid (struct cmd *cmd)
{
  const struct virgate_domain *dom = opt_domain (cmd, BY_ID | BY_NAME);
  char text[UUID_TEXT_LEN];

  if (dom == NULL)
    return -1;
  uuid_format (dom->uuid, text);
  result_text (cmd->out, "uuid", text);
  return 0;
}

static void
info_from_call (struct cmd *cmd,
                const struct virgate_remote_domain_get_info_ret *info)
{
  struct result *out = cmd->out;

  put_str (out, "state", "State:", domain_state_name (info->state));
  put_num (out, "cpus", "CPU(s):", info->nrVirtCpu, NULL);
  if (info->cpuTime != 0) {
    CLEANUP_FREE char *text = must_format ("%.1fs", info->cpuTime / 1e9);
    CLEANUP_FREE char *json = must_format ("%" PRIu64, info->cpuTime);

    put_both (out, "cpu_time_ns", "CPU time:", text, json);
  }
  if (info->maxMem != UINT32_MAX)
    put_unum (out, "max_memory_kib", "Max memory:", info->maxMem, " KiB");
  else
    put_both (out, "max_memory_kib", "Max memory:", "no limit", "null");
  put_unum (out, "used_memory_kib", "Used memory:", info->memory, " KiB");
}

/* yes, no, or unknown when the server would not say. */
static void
info_yes_no (struct cmd *cmd, const char *key, const char *label, int answer)
{
  if (answer < 0)
    put_both (cmd->out, key, label, "unknown", "null");
  else
    put_bool (cmd->out, key, label, answer, "yes", "no");
}

static int
info_persistence (struct cmd *cmd, const struct virgate_domain *dom)
{
  struct virgate_remote_domain_is_persistent_args is = { .dom = *dom };
  struct virgate_remote_domain_is_persistent_ret *persistent = NULL;
  struct virgate_remote_domain_get_autostart_args get = { .dom = *dom };
  struct virgate_remote_domain_get_autostart_ret *autostart = NULL;
  struct virgate_remote_domain_has_managed_save_image_args has = {
    .dom = *dom
  };
  struct virgate_remote_domain_has_managed_save_image_ret *saved = NULL;

  CALL (cmd, domain_is_persistent, &is, &persistent);
  info_yes_no (cmd, "persistent", "Persistent:",
               persistent ? persistent->persistent : -1);
  if (CALL (cmd, domain_get_autostart, &get, &autostart) == 0)
    put_bool (cmd->out, "autostart", "Autostart:", autostart->autostart,
              "enable", "disable");
  CALL (cmd, domain_has_managed_save_image, &has, &saved);
  info_yes_no (cmd, "managed_save", "Managed save:",
               saved ? saved->result : -1);
  cmd_forgive (cmd);
  return 0;
}

/* A text that came as one number for each byte. */
static char *
label_text (const uint8_t *val, uint32_t len)
{
  return must_format ("%.*s", (int) len, val ? (const char *) val : "");
}

static int
info_security (struct cmd *cmd, const struct virgate_domain *dom)
{
  struct virgate_remote_node_get_security_model_ret *model = NULL;
  struct virgate_remote_domain_get_security_label_args args = { .dom = *dom };
  struct virgate_remote_domain_get_security_label_ret *label = NULL;
  CLEANUP_FREE char *name = NULL, *doi = NULL, *text = NULL;

  if (CALL_GET (cmd, node_get_security_model, &model) < 0)
    return cmd_forgive (cmd) == VIRGATE_ERR_NO_SUPPORT ? 0 : -1;
  name = label_text (model->model.val, model->model.len);
  if (*name == '\0')
    return 0;
  doi = label_text (model->doi.val, model->doi.len);
  put_str (cmd->out, "security_model", "Security model:", name);
  put_str (cmd->out, "security_doi", "Security DOI:", doi);
  if (CALL (cmd, domain_get_security_label, &args, &label) < 0)
    return -1;
  text = label_text (label->label.val, label->label.len);
  if (*text)
    put_fmt (cmd->out, "security_label", "Security label:", "%s (%s)", text,
             label->enforcing ? "enforcing" : "permissive");
  return 0;
}

static void
info_messages (struct cmd *cmd, const struct virgate_domain *dom)
{
  struct virgate_remote_domain_get_messages_args args = { .dom = *dom };
  struct virgate_remote_domain_get_messages_ret *ret = NULL;
  CLEANUP_FREE char *text = NULL, *json = NULL;
  size_t text_len, json_len;
  FILE *people, *programs;

  if (CALL (cmd, domain_get_messages, &args, &ret) < 0) {
    cmd_forgive (cmd);          /* older servers have none */
    return;
  }
  if (ret->msgs.len == 0)
    return;
  people = must_memstream (&text, &text_len);
  programs = must_memstream (&json, &json_len);
  for (uint32_t i = 0; i < ret->msgs.len; i++) {
    fprintf (people, "%s%s", i ? "\n                " : "", ret->msgs.val[i]);
    fputs (i ? ", " : "[", programs);
    json_string (programs, ret->msgs.val[i]);
  }
  putc (']', programs);
  fclose (people);
  fclose (programs);
  put_both (cmd->out, "messages", "Messages:", text, json);
}

int
run_dominfo (struct cmd *cmd)
{
  const struct virgate_domain *dom = opt_domain (cmd, BY_ANY);
  struct virgate_remote_domain_get_os_type_args type = { 0 };
  struct virgate_remote_domain_get_os_type_ret *os = NULL;
  struct virgate_remote_domain_get_info_args args = { 0 };
  struct virgate_remote_domain_get_info_ret *info = NULL;

  if (dom == NULL)
    return -1;
  type.dom = args.dom = *dom;
  result_record (cmd->out, &style_info);
  if (dom->id < 0)
    put_str (cmd->out, "id", "Id:", NULL);
  else
    put_num (cmd->out, "id", "Id:", dom->id, NULL);
  put_str (cmd->out, "name", "Name:", dom->name);
  put_uuid (cmd->out, "uuid", "UUID:", dom->uuid);
  if (CALL (cmd, domain_get_os_type, &type, &os) == 0)
    put_str (cmd->out, "os_type", "OS Type:", os->type);
  if (CALL (cmd, domain_get_info, &args, &info) < 0)
    return -1;
  info_from_call (cmd, info);
  info_persistence (cmd, dom);
  if (info_security (cmd, dom) < 0)
    return -1;
  info_messages (cmd, dom);
  return 0;
}

int
run_dumpxml (struct cmd *cmd)
{
  const struct virgate_domain *dom = opt_domain (cmd, BY_ANY);
  struct virgate_remote_domain_get_xml_desc_args args = {
    .flags = opt_bits (cmd)
  };
  struct virgate_remote_domain_get_xml_desc_ret *ret = NULL;

  if (dom == NULL)
    return -1;
  args.dom = *dom;
  if (CALL (cmd, domain_get_xml_desc, &args, &ret) < 0)
    return -1;
  result_text (cmd->out, "xml", ret->xml);
  return 0;
}

/* The words of --new-desc with blanks between them; NULL: none. free. */
static char *
desc_text (struct cmd *cmd)
{
  const struct parsed *parsed = cmd->parsed;
  char *text = NULL;
  size_t len;
  FILE *out;

  if (parsed->nargs == 0)
    return NULL;
  out = must_memstream (&text, &len);
  for (int i = 0; i < parsed->nargs; i++)
    fprintf (out, "%s%s", i ? " " : "", parsed->args[i]);
  fclose (out);
  return text;
}

int
run_desc (struct cmd *cmd)
{
  const struct virgate_domain *dom = opt_domain (cmd, BY_ANY);
  CLEANUP_FREE char *text = desc_text (cmd);
  bool is_title = opt_bool (cmd, "title");
  const char *what = is_title ? "title" : "description";
  struct virgate_remote_domain_set_metadata_args set = {
    .type = is_title, .metadata = text, .flags = opt_bits (cmd)
  };
  struct virgate_remote_domain_get_metadata_args get = {
    .type = is_title, .flags = set.flags
  };
  struct virgate_remote_domain_get_metadata_ret *ret = NULL;

  if (dom == NULL)
    return -1;
  set.dom = get.dom = *dom;
  if (text) {
    if (CALL_SET (cmd, domain_set_metadata, &set) < 0)
      return cmd_context (cmd, "Failed to set new domain %s", what);
    result_message (cmd->out, "Domain %s updated successfully", what);
    return 0;
  }
  if (CALL (cmd, domain_get_metadata, &get, &ret) == 0)
    result_text (cmd->out, what, ret->metadata);
  else if (cmd->host->error
           && cmd->host->error->code != VIRGATE_ERR_NO_DOMAIN_METADATA)
    return -1;
  else {
    cmd_forgive (cmd);
    result_message (cmd->out, "No %s for domain: %s", what, dom->name);
  }
  return 0;
}

int
run_metadata (struct cmd *cmd)
{
  const struct virgate_domain *dom = opt_domain (cmd, BY_ANY);
  struct virgate_remote_domain_set_metadata_args set = {
    .type = 2 /* VIR_DOMAIN_METADATA_ELEMENT */,
    .metadata = (char *) opt_str (cmd, "set"),
    .key = (char *) opt_str (cmd, "key"),
    .uri = (char *) opt_str (cmd, "uri"), .flags = opt_bits (cmd)
  };
  struct virgate_remote_domain_get_metadata_args get = {
    .type = set.type, .uri = set.uri, .flags = set.flags
  };
  struct virgate_remote_domain_get_metadata_ret *ret = NULL;

  if (dom == NULL)
    return -1;
  set.dom = get.dom = *dom;
  if (set.metadata && set.key == NULL)
    return cmd_fail (cmd, STATUS_USAGE, "namespace key is required when "
                     "modifying metadata");
  if (set.metadata || opt_bool (cmd, "remove")) {
    if (CALL_SET (cmd, domain_set_metadata, &set) < 0)
      return -1;
    result_message (cmd->out, "Metadata %s",
                    set.metadata ? "modified" : "removed");
    return 0;
  }
  if (CALL (cmd, domain_get_metadata, &get, &ret) < 0)
    return -1;
  result_text (cmd->out, "metadata", ret->metadata);
  return 0;
}

int
run_domhostname (struct cmd *cmd)
{
  const struct virgate_domain *dom = opt_domain (cmd, BY_ANY);
  struct virgate_remote_domain_get_hostname_args args = { 0 };
  struct virgate_remote_domain_get_hostname_ret *ret = NULL;

  if (dom == NULL)
    return -1;
  args.dom = *dom;
  if (CALL (cmd, domain_get_hostname, &args, &ret) < 0)
    return cmd_context (cmd, "failed to get hostname");
  result_text (cmd->out, "hostname", ret->hostname);
  return 0;
}

int
run_domtime (struct cmd *cmd)
{
  const struct virgate_domain *dom = opt_domain (cmd, BY_ANY);
  struct virgate_remote_domain_get_time_args args = { 0 };
  struct virgate_remote_domain_get_time_ret *ret = NULL;
  char when[64], json[32];
  struct tm tm;
  time_t seconds;

  if (dom == NULL)
    return -1;
  args.dom = *dom;
  if (CALL (cmd, domain_get_time, &args, &ret) < 0)
    return -1;
  seconds = (time_t) ret->seconds;
  snprintf (json, sizeof json, "%" PRId64, ret->seconds);
  if (!opt_bool (cmd, "pretty") || gmtime_r (&seconds, &tm) == NULL)
    snprintf (when, sizeof when, "Time: %" PRId64, ret->seconds);
  else
    strftime (when, sizeof when, "Time: %Y-%m-%d %H:%M:%S", &tm);
  result_raw (cmd->out, "time", when, json);
  return 0;
}

int
run_domcontrol (struct cmd *cmd)
{
  static const char *const control[] = {
    "ok", "background job", "occupied", "error"
  };
  static const char *const details[] = {
    "", "unknown", "monitor failure", "internal (locking) error"
  };
  const struct virgate_domain *dom = opt_domain (cmd, BY_ANY);
  struct virgate_remote_domain_get_control_info_args args = { 0 };
  struct virgate_remote_domain_get_control_info_ret *ret = NULL;
  CLEANUP_FREE char *text = NULL;
  const char *name;

  if (dom == NULL)
    return -1;
  args.dom = *dom;
  if (CALL (cmd, domain_get_control_info, &args, &ret) < 0)
    return -1;
  name = NAME_OF (control, (int32_t) ret->state);
  if (ret->state == 3 && ret->details > 0)
    text = must_format ("%s: %s", name, NAME_OF (details,
                                                 (int32_t) ret->details));
  else if (ret->state != 0 && ret->state != 3)
    text = must_format ("%s (%0.3fs)", name, ret->stateTime / 1000.0);
  else
    text = must_strdup (name);
  result_text (cmd->out, "state", text);
  return 0;
}
