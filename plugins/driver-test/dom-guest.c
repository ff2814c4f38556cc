/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Calls that a guest or its agent would answer: the clock, file systems,
 * keys, signals, passwords.
 */
#include "config.h"

#include <string.h>

#include "plugins/driver-test/dom.h"
#include "plugins/driver-test/keycodes.h"

static const char *const mounts[] = { "/", "/boot" };

HANDLER (domain_get_time)
{
  const struct dom *dom;

  if (check_flags (c, args->flags, 0, "testDomainGetTime") == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_dom (c, &args->dom);
  if (!dom)
    return -1;
  if (dom->state != DOM_RUNNING)
    return fail (c, VIRGATE_ERR_OPERATION_INVALID, "domain is not running");
  ret->seconds = dom->seconds;
  ret->nseconds = dom->nseconds;
  return 0;
}

HANDLER_IN (domain_set_time)
{
  enum { SYNC = 1 };
  struct dom *dom;

  if (check_flags (c, args->flags, SYNC, "testDomainSetTime") == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_active (c, &args->dom);
  if (!dom)
    return -1;
  dom->seconds = args->seconds;
  dom->nseconds = args->nseconds;
  return 0;
}

/* Freeze or thaw all, or those listed; counts those that changed. */
static int
set_frozen (const struct ctx *c, const struct virgate_domain *name,
            const char *const *paths, uint32_t count, bool frozen)
{
  struct dom *dom;
  bool after[COUNT_OF (mounts)];
  int changed = 0;

  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_active (c, name);
  if (!dom)
    return -1;
  for (size_t m = 0; m < COUNT_OF (mounts); m++)
    after[m] = count ? dom->frozen[m] : frozen;
  for (uint32_t i = 0; i < count; i++) {
    size_t m = 0;

    while (m < COUNT_OF (mounts) && strcmp (mounts[m], paths[i]) != 0)
      m++;
    if (m == COUNT_OF (mounts))
      return fail (c, VIRGATE_ERR_OPERATION_INVALID,
                   "mount point not found: %s", paths[i]);
    after[m] = frozen;
  }
  for (size_t m = 0; m < COUNT_OF (mounts); m++) {
    changed += dom->frozen[m] != after[m];
    dom->frozen[m] = after[m];
  }
  return changed;
}

HANDLER (domain_fsfreeze)
{
  if (check_flags (c, args->flags, 0, "testDomainFSFreeze") == -1)
    return -1;
  ret->filesystems = set_frozen (c, &args->dom, args->mountpoints.val,
                                 args->mountpoints.len, true);
  return ret->filesystems == -1 ? -1 : 0;
}

HANDLER (domain_fsthaw)
{
  if (check_flags (c, args->flags, 0, "testDomainFSThaw") == -1)
    return -1;
  ret->filesystems = set_frozen (c, &args->dom, args->mountpoints.val,
                                 args->mountpoints.len, false);
  return ret->filesystems == -1 ? -1 : 0;
}

HANDLER_IN (domain_fstrim)
{
  if (check_flags (c, args->flags, 0, "testDomainFSTrim") == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  if (!find_active (c, &args->dom))
    return -1;
  if (!args->mountPoint)
    return 0;
  for (size_t m = 0; m < COUNT_OF (mounts); m++)
    if (strcmp (mounts[m], args->mountPoint) == 0)
      return 0;
  return fail (c, VIRGATE_ERR_OPERATION_INVALID, "mount point not found: %s",
               args->mountPoint);
}

/* One of the two file systems on a guest's first disk. */
static int
fill_fsinfo (const struct ctx *c, struct virgate_domain_fsinfo *out,
             size_t which, const char *disk)
{
  size_t len = strlen (disk);
  char *name = call_array (c, len + 2, 1);

  out->mountpoint = call_strdup (c, mounts[which]);
  out->fstype = call_strdup (c, "ext4");
  out->name = name;
  out->dev_aliases.val = call_array (c, 1, sizeof *out->dev_aliases.val);
  if (!out->mountpoint || !out->fstype || !name || !out->dev_aliases.val)
    return -1;
  memcpy (name, disk, len);
  name[len] = (char) ('1' + which);
  out->dev_aliases.len = 1;
  out->dev_aliases.val[0] = call_strdup (c, disk);
  return out->dev_aliases.val[0] ? 0 : -1;
}

HANDLER (domain_get_fsinfo)
{
  const struct dom *dom;
  struct xml_node *disk;

  if (check_flags (c, args->flags, 0, "testDomainGetFSInfo") == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_active (c, &args->dom);
  if (!dom)
    return -1;
  disk = def_device (dom->def, "disk");
  while (disk && !xml_attr_is (disk, "device", "disk"))
    disk = xml_next (disk);
  if (!disk)
    return 0;
  ret->info.val = call_array (c, COUNT_OF (mounts), sizeof *ret->info.val);
  if (!ret->info.val)
    return -1;
  for (size_t m = 0; m < COUNT_OF (mounts); m++)
    if (fill_fsinfo (c, &ret->info.val[m], m,
                     xml_path_attr (disk, "target", "dev")) == -1)
      return -1;
  ret->info.len = ret->ret = COUNT_OF (mounts);
  return 0;
}

HANDLER (domain_get_disk_errors)
{
  enum { DISK_ERRORS = 2 };     /* kinds; they take turns */
  const struct dom *dom;
  uint32_t max = args->maxerrors;
  int32_t count = 0;

  if (max > VIRGATE_REMOTE_DOMAIN_DISK_ERRORS_MAX)
    return fail_in (c, VIRGATE_FROM_RPC, VIRGATE_ERR_INTERNAL_ERROR,
                    "maxerrors too large");
  if (check_flags (c, args->flags, 0, "testDomainGetDiskErrors") == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_active (c, &args->dom);
  ret->errors.val = dom ? call_array (c, max, sizeof *ret->errors.val) : NULL;
  if (!ret->errors.val)
    return -1;
  for (struct xml_node *disk = def_device (dom->def, "disk"); disk;
       disk = xml_next (disk), count++) {
    const char *target = xml_path_attr (disk, "target", "dev");

    if (ret->errors.len >= max)
      continue;
    ret->errors.val[ret->errors.len].error = count % DISK_ERRORS + 1;
    ret->errors.val[ret->errors.len].disk
      = call_strdup (c, target ? target : "");
    if (!ret->errors.val[ret->errors.len++].disk)
      return -1;
  }
  ret->nerrors = max ? (int32_t) ret->errors.len : count;
  return 0;
}

HANDLER_IN (domain_set_user_password)
{
  enum { ENCRYPTED = 1 };

  if (check_not_null (c, VIRGATE_FROM_DOMAIN, "virDomainSetUserPassword",
                      "user", args->user) == -1
      || check_not_null (c, VIRGATE_FROM_DOMAIN, "virDomainSetUserPassword",
                         "password", args->password) == -1
      || check_flags (c, args->flags, ENCRYPTED, "testDomainSetUserPassword")
           == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  return find_active (c, &args->dom) ? 0 : -1;
}

HANDLER_IN (domain_inject_nmi)
{
  if (check_flags (c, args->flags, 0, "testDomainInjectNMI") == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  return find_active (c, &args->dom) ? 0 : -1;
}

HANDLER_IN (domain_send_process_signal)
{
  enum { SIGNAL_LAST = 65 };

  if (check_nonzero (c, VIRGATE_FROM_DOMAIN, "virDomainSendProcessSignal",
                     "pid_value", (uint64_t) args->pid_value) == -1
      || check_flags (c, args->flags, 0, "testDomainSendProcessSignal") == -1)
    return -1;
  if (args->pid_value != 1)
    return fail (c, VIRGATE_ERR_INVALID_ARG,
                 "only sending a signal to pid 1 is supported");
  if (args->signum >= SIGNAL_LAST)
    return fail (c, VIRGATE_ERR_INVALID_ARG,
                 "signum value %d is out of range", (int) args->signum);
  LOCK_FOR_SCOPE (&c->world->lock);
  return find_dom (c, &args->dom) ? 0 : -1;
}

HANDLER_IN (domain_send_key)
{
  static const char function[] = "virDomainSendKey";

  if (check_not_null (c, VIRGATE_FROM_DOMAIN, function, "keycodes",
                      args->keycodes.len ? args->keycodes.val : NULL) == -1)
    return -1;
  if (args->codeset >= KEYCODE_SETS)
    return fail_arg (c, VIRGATE_FROM_DOMAIN, function, "codeset",
                     "Unsupported codeset '%d'", (int) args->codeset);
  if (check_flags (c, args->flags, 0, "testDomainSendKey") == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  if (!find_active (c, &args->dom))
    return -1;
  for (uint32_t i = 0; i < args->keycodes.len; i++)
    if (!keycode_known (args->codeset, args->keycodes.val[i]))
      return fail (c, VIRGATE_ERR_INTERNAL_ERROR,
                   "invalid keycode %u of %s codeset", args->keycodes.val[i],
                   keycode_sets[args->codeset]);
  return 0;
}
