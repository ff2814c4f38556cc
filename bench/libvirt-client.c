/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libvirt.so in the measuring loop, without its event loop: as a program that
 * only makes calls uses it.
 */
#include "config.h"

#include <errno.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "bench/library.h"
#include "bench/stats.h"

static void
fail (void)
{
  errno = 0;
  die ("libvirt: %s", virGetLastErrorMessage ());
}

static void
ignore_error (void *data, virErrorPtr error)
{
}

static void *
client_open (const char *uri)
{
  virConnectPtr conn;
  virDomainPtr domain;

  virSetErrorFunc (NULL, ignore_error);
  conn = virConnectOpen (uri);
  if (conn == NULL)
    fail ();
  domain = virDomainLookupByName (conn, "test");
  if (domain == NULL)
    fail ();
  return domain;
}

static void
client_call (void *handle)
{
  virDomainInfo info;

  if (virDomainGetInfo (handle, &info) == -1)
    fail ();
}

static void
client_close (void *handle)
{
  virConnectPtr conn = virDomainGetConnect (handle);

  virDomainFree (handle);
  virConnectClose (conn);
}

int
main (int argc, char *argv[])
{
  static const struct library library = {
    .open = client_open,
    .call = client_call,
    .close = client_close,
  };

  return library_main (argc, argv, &library);
}
