/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Names of libvirt's functions, made from procedures' names: domain_get_info
 * is virDomainGetInfo.  Words that are not just capitalised, and procedures
 * that are named otherwise, are in tables.
 */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <virgate/error.h>
#include <virgate/lxc.h>
#include <virgate/qemu.h>
#include <virgate/remote.h>

#include "common/mem.h"
#include "daemon/names.h"

struct word {
  const char *word, *spelled;
};

static const struct word words[] = {
  { "cpu", "CPU" }, { "dhcp", "DHCP" }, { "fd", "FD" },
  { "fsfreeze", "FSFreeze" }, { "fsinfo", "FSInfo" },
  { "fsthaw", "FSThaw" }, { "fstrim", "FSTrim" }, { "id", "ID" },
  { "iothread", "IOThread" }, { "mac", "MAC" }, { "nmi", "NMI" },
  { "nwfilter", "NWFilter" }, { "nwfilters", "NWFilters" }, { "os", "OS" },
  { "pm", "PM" }, { "scsi", "SCSI" }, { "sev", "SEV" }, { "ssh", "SSH" },
  { "uri", "URI" }, { "uuid", "UUID" }, { "wwn", "WWN" }, { "xml", "XML" },
};

struct exception {
  uint32_t program;
  int32_t procedure;
  const char *function;
};

static const struct exception exceptions[] = {
  { VIRGATE_REMOTE_PROGRAM,
    VIRGATE_REMOTE_PROC_CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY,
    "virConnectDomainEventRegisterAny" },
  { VIRGATE_REMOTE_PROGRAM,
    VIRGATE_REMOTE_PROC_CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY,
    "virConnectDomainEventDeregisterAny" },
  { VIRGATE_QEMU_PROGRAM, 1, "virDomainQemuMonitorCommand" },
  { VIRGATE_QEMU_PROGRAM, 2, "virDomainQemuAttach" },
  { VIRGATE_QEMU_PROGRAM, 3, "virDomainQemuAgentCommand" },
  { VIRGATE_QEMU_PROGRAM, 4, "virConnectDomainQemuMonitorEventRegister" },
  { VIRGATE_QEMU_PROGRAM, 5, "virConnectDomainQemuMonitorEventDeregister" },
  { VIRGATE_QEMU_PROGRAM, 7, "virDomainQemuMonitorCommandWithFiles" },
  { VIRGATE_LXC_PROGRAM, 1, "virDomainLxcOpenNamespace" },
};

/* What a function's name must begin with and contain; the first one counts. */
struct object {
  const char *prefix, *part;
  int32_t domain;
};

static const struct object objects[] = {
  { "virDomain", "Snapshot", VIRGATE_FROM_DOMAIN_SNAPSHOT },
  { "virDomain", "Checkpoint", VIRGATE_FROM_DOMAIN_CHECKPOINT },
  { "virDomain", "", VIRGATE_FROM_DOMAIN },
  { "virConnectDomain", "", VIRGATE_FROM_DOMAIN },
  { "virConnectSupportsFeature", "", VIRGATE_FROM_NONE },
  { "virConnectOpen", "", VIRGATE_FROM_NONE },
  { "virConnectClose", "", VIRGATE_FROM_NONE },
  { "virNode", "Device", VIRGATE_FROM_NODEDEV },
  { "vir", "NodeDevice", VIRGATE_FROM_NODEDEV },
  { "vir", "NWFilter", VIRGATE_FROM_NWFILTER },
  { "vir", "Storage", VIRGATE_FROM_STORAGE },
  { "vir", "Network", VIRGATE_FROM_NETWORK },
  { "vir", "Interface", VIRGATE_FROM_INTERFACE },
  { "vir", "Secret", VIRGATE_FROM_SECRET },
  { "vir", "", VIRGATE_FROM_DOMAIN },
};

static const char *
spelled (const char *word)
{
  for (size_t i = 0; i < COUNT_OF (words); i++)
    if (strcmp (words[i].word, word) == 0)
      return words[i].spelled;
  return NULL;
}

/* Append one word, which ends at END, to the name. */
static void
append_word (struct api_name *name, const char *start, const char *end)
{
  size_t used = strlen (name->function), len = end - start;
  char word[API_NAME_MAX];
  const char *special;

  len = MIN_OF (len, sizeof word - 1);
  memcpy (word, start, len);
  word[len] = '\0';
  special = spelled (word);
  word[0] = toupper ((unsigned char) word[0]);
  snprintf (name->function + used, sizeof name->function - used, "%s",
            special ? special : word);
}

static void
make_name (const char *procedure, struct api_name *name)
{
  strcpy (name->function, "vir");
  for (;;) {
    const char *end = strchrnul (procedure, '_');

    append_word (name, procedure, end);
    if (*end == '\0')
      return;
    procedure = end + 1;
  }
}

static const char *
find_exception (uint32_t program, int32_t procedure)
{
  for (size_t i = 0; i < COUNT_OF (exceptions); i++)
    if (exceptions[i].program == program
        && exceptions[i].procedure == procedure)
      return exceptions[i].function;
  return NULL;
}

void
api_name (uint32_t program, const struct proc_row *row,
          struct api_name *name)
{
  const char *special = find_exception (program, row->number);
  const struct object *object = objects;

  if (special)
    strcpy (name->function, special);
  else
    make_name (row->name, name);
  name->domain = VIRGATE_FROM_NONE;
  if (program != VIRGATE_REMOTE_PROGRAM)
    return;
  while (strncmp (name->function, object->prefix, strlen (object->prefix)) != 0
         || strstr (name->function, object->part) == NULL)
    object++;
  name->domain = object->domain;
}
