/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Commands that change a domain: its life, its definition, its memory on
 * disk.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "rows.h"

/* What a list with commas asks for, by this table; 0 and an error for a word
 * that is not in it.
 */
static uint32_t
bits_of_words (struct cmd *cmd, const char *words, const char *const *names)
{
  CLEANUP_FREE char *copy = must_strdup (words);
  uint32_t bits = 0;
  char *save = NULL;

  for (char *word = strtok_r (copy, ",", &save); word;
       word = strtok_r (NULL, ",", &save)) {
    uint32_t n = 0;

    while (names[n] && strcmp (names[n], word) != 0)
      n++;
    if (names[n] == NULL) {
      cmd_fail (cmd, STATUS_USAGE, "unknown mode '%s'", word);
      return 0;
    }
    bits |= UINT32_C (1) << n;
  }
  return bits;
}

/* Calls that take a domain, or a domain and flags, and give nothing. */
static int
domain_act (struct cmd *cmd, uint32_t bits)
{
  const struct command *def = cmd->parsed->def;
  const struct virgate_domain *dom = opt_domain (cmd, BY_ANY);
  /* every args structure that is used here begins like this */
  struct { struct virgate_domain dom; uint32_t flags; } args;

  if (dom == NULL)
    return -1;
  args.dom = *dom;
  args.flags = bits;
  if (cmd_call (cmd, def->proc && bits == 0 ? def->proc : def->proc_flags,
                &args, NULL) < 0)
    return cmd_context (cmd, "Failed to %s domain '%s'", def->name,
                        opt_str (cmd, "domain"));
  result_done (cmd->out, def, opt_str (cmd, "domain"), NULL);
  return 0;
}

int
run_domain_act (struct cmd *cmd)
{
  const struct command *def = cmd->parsed->def;
  uint32_t bits = opt_bits (cmd);

  return domain_act (cmd, def->proc_flags ? bits : 0);
}

int
run_domain_power (struct cmd *cmd)
{
  static const char *const modes[] = {
    "acpi", "agent", "initctl", "signal", "paravirt", NULL
  };
  const char *mode = opt_str (cmd, "mode");
  uint32_t bits = mode ? bits_of_words (cmd, mode, modes) : 0;

  return cmd->host->failure ? -1 : domain_act (cmd, bits);
}

int
run_domain_define (struct cmd *cmd)
{
  const struct command *def = cmd->parsed->def;
  const char *path = opt_str (cmd, "file");
  CLEANUP_FREE char *xml = read_file (cmd, path);
  /* define_xml, define_xml_flags and create_xml begin like this */
  struct virgate_remote_domain_create_xml_args args = { xml, opt_bits (cmd) };
  struct virgate_remote_domain_create_xml_ret *ret = NULL;

  if (xml == NULL
      || cmd_call (cmd, args.flags ? def->proc_flags : def->proc, &args,
                   (void **) &ret) < 0)
    return -1;
  result_done (cmd->out, def, ret->dom.name, path);
  return 0;
}

int
run_domain_start (struct cmd *cmd)
{
  const struct virgate_domain *dom = opt_domain (cmd, BY_NAME | BY_UUID);
  struct virgate_remote_domain_create_with_flags_args args = {
    .flags = opt_bits (cmd)
  };
  struct virgate_remote_domain_create_with_flags_ret *ret = NULL;
  struct virgate_remote_domain_create_args plain;

  if (dom == NULL)
    return -1;
  if (dom->id >= 0)
    return cmd_fail (cmd, STATUS_FAILED, "Domain is already active");
  args.dom = plain.dom = *dom;
  if ((args.flags ? CALL (cmd, domain_create_with_flags, &args, &ret)
                  : CALL_SET (cmd, domain_create, &plain)) < 0)
    return cmd_context (cmd, "Failed to start domain '%s'", dom->name);
  result_message (cmd->out, "Domain '%s' started", dom->name);
  return 0;
}

int
run_domain_autostart (struct cmd *cmd)
{
  const struct virgate_domain *dom = opt_domain (cmd, BY_ANY);
  struct virgate_remote_domain_set_autostart_args args = {
    .autostart = !opt_bool (cmd, "disable")
  };

  if (dom == NULL)
    return -1;
  args.dom = *dom;
  if (CALL_SET (cmd, domain_set_autostart, &args) < 0)
    return -1;
  result_message (cmd->out, "Domain '%s' %s as autostarted",
                  opt_str (cmd, "domain"),
                  args.autostart ? "marked" : "unmarked");
  return 0;
}

int
run_domain_rename (struct cmd *cmd)
{
  const struct virgate_domain *dom = opt_domain (cmd, BY_NAME | BY_UUID);
  struct virgate_remote_domain_rename_args args = {
    .new_name = (char *) opt_str (cmd, "new-name")
  };
  struct virgate_remote_domain_rename_ret *ret = NULL;

  if (dom == NULL)
    return -1;
  args.dom = *dom;
  if (CALL (cmd, domain_rename, &args, &ret) < 0)
    return -1;
  result_message (cmd->out, "Domain successfully renamed");
  return 0;
}

/* The text of --xml.  Returns -1 if it cannot be read; *xml NULL: not given. */
static int
opt_xml (struct cmd *cmd, char **xml)
{
  const char *path = opt_str (cmd, "xml");

  if (path && (*xml = read_file (cmd, path)) == NULL)
    return -1;
  return 0;
}

/* Paths of files on the host are sent absolute, as virsh sends them. */
static char *
host_path (const char *path)
{
  CLEANUP_FREE char *here = getcwd (NULL, 0);

  return *path == '/' || here == NULL ? must_strdup (path)
                                      : must_format ("%s/%s", here, path);
}

int
run_domain_save (struct cmd *cmd)
{
  const struct virgate_domain *dom = opt_domain (cmd, BY_ANY);
  CLEANUP_FREE char *xml = NULL;
  CLEANUP_FREE char *to = host_path (opt_str (cmd, "file"));
  struct virgate_remote_domain_save_flags_args args = {
    .to = to, .flags = opt_bits (cmd)
  };
  struct virgate_remote_domain_save_args plain = { .to = to };

  if (dom == NULL || opt_xml (cmd, &xml) < 0)
    return -1;
  args.dom = plain.dom = *dom;
  args.dxml = xml;
  if ((args.flags || xml ? CALL_SET (cmd, domain_save_flags, &args)
                         : CALL_SET (cmd, domain_save, &plain)) < 0)
    return cmd_context (cmd, "Failed to save domain '%s' to %s", dom->name,
                        opt_str (cmd, "file"));
  result_message (cmd->out, "Domain '%s' saved to %s",
                  opt_str (cmd, "domain"), opt_str (cmd, "file"));
  return 0;
}

int
run_domain_restore (struct cmd *cmd)
{
  CLEANUP_FREE char *xml = NULL;
  CLEANUP_FREE char *from = host_path (opt_str (cmd, "file"));
  struct virgate_remote_domain_restore_flags_args args = {
    .from = from, .flags = opt_bits (cmd)
  };
  struct virgate_remote_domain_restore_args plain = { .from = from };

  if (opt_xml (cmd, &xml) < 0)
    return -1;
  args.dxml = xml;
  if ((args.flags || xml ? CALL_SET (cmd, domain_restore_flags, &args)
                         : CALL_SET (cmd, domain_restore, &plain)) < 0)
    return cmd_context (cmd, "Failed to restore domain from %s",
                        opt_str (cmd, "file"));
  result_message (cmd->out, "Domain restored from %s", opt_str (cmd, "file"));
  return 0;
}

static int
dump_format (struct cmd *cmd, uint32_t *format)
{
  static const char *const formats[] = {
    "elf", "kdump-zlib", "kdump-lzo", "kdump-snappy", "win-dmp"
  };
  const char *name = opt_str (cmd, "format");

  *format = 0;
  if (name == NULL)
    return 0;
  if (!opt_bool (cmd, "memory-only"))
    return cmd_fail (cmd, STATUS_USAGE, "--format only works with "
                     "--memory-only");
  for (; *format < COUNT_OF (formats); ++*format)
    if (strcmp (name, formats[*format]) == 0)
      return 0;
  return cmd_fail (cmd, STATUS_USAGE, "format '%s' is not supported, expecting "
                   "'kdump-zlib', 'kdump-lzo', 'kdump-snappy', 'win-dmp' or "
                   "'elf'", name);
}

int
run_domain_dump (struct cmd *cmd)
{
  CLEANUP_FREE char *to = host_path (opt_str (cmd, "file"));
  struct virgate_remote_domain_core_dump_with_format_args args = {
    .to = to, .flags = opt_bits (cmd)
  };
  struct virgate_remote_domain_core_dump_args plain = {
    .to = to, .flags = args.flags
  };
  const struct virgate_domain *dom;

  if (dump_format (cmd, &args.dumpformat) < 0
      || (dom = opt_domain (cmd, BY_ANY)) == NULL)
    return -1;
  args.dom = plain.dom = *dom;
  if ((args.dumpformat ? CALL_SET (cmd, domain_core_dump_with_format, &args)
                       : CALL_SET (cmd, domain_core_dump, &plain)) < 0)
    return cmd_context (cmd, "Failed to core dump domain '%s' to %s",
                        dom->name, opt_str (cmd, "file"));
  result_message (cmd->out, "Domain '%s' dumped to %s",
                  opt_str (cmd, "domain"), opt_str (cmd, "file"));
  return 0;
}

int
run_managedsave_remove (struct cmd *cmd)
{
  const struct virgate_domain *dom = opt_domain (cmd, BY_ANY);
  struct virgate_remote_domain_has_managed_save_image_args has = { 0 };
  struct virgate_remote_domain_has_managed_save_image_ret *ret = NULL;
  struct virgate_remote_domain_managed_save_remove_args args = { 0 };

  if (dom == NULL)
    return -1;
  has.dom = args.dom = *dom;
  if (CALL (cmd, domain_has_managed_save_image, &has, &ret) < 0)
    return cmd_context (cmd, "Failed to check for domain managed save image");
  if (ret->result == 0) {
    result_message (cmd->out, "Domain '%s' has no manage save image; removal "
                    "skipped", opt_str (cmd, "domain"));
    return 0;
  }
  if (CALL_SET (cmd, domain_managed_save_remove, &args) < 0)
    return cmd_context (cmd, "Failed to remove managed save image for domain "
                        "'%s'", opt_str (cmd, "domain"));
  result_message (cmd->out, "Removed managedsave image for domain '%s'",
                  opt_str (cmd, "domain"));
  return 0;
}

int
run_domain_device (struct cmd *cmd)
{
  const struct command *def = cmd->parsed->def;
  const struct virgate_domain *dom = opt_domain (cmd, BY_ANY);
  CLEANUP_FREE char *xml = NULL;
  /* the procedures without flags take the beginning of this */
  struct virgate_remote_domain_attach_device_flags_args args = {
    .flags = opt_bits (cmd)
  };
  bool is_plain = args.flags == 0 && !opt_bool (cmd, "current");

  if (dom == NULL || (xml = read_file (cmd, opt_str (cmd, "file"))) == NULL)
    return -1;
  args.dom = *dom;
  args.xml = xml;
  if (opt_bool (cmd, "persistent") && dom->id >= 0)
    args.flags |= AFFECT_LIVE;
  if (cmd_call (cmd, is_plain && def->proc ? def->proc : def->proc_flags,
                &args, NULL) < 0)
    return cmd_context (cmd, "Failed to %.*s device from %s",
                        (int) strcspn (def->name, "-"), def->name,
                        opt_str (cmd, "file"));
  result_done (cmd->out, def, NULL, NULL);
  return 0;
}
