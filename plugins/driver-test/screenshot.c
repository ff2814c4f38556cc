/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The screen of a domain, sent through a stream.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "plugins/driver-test/driver.h"
#include "plugins/driver-test/screenshot.h"

/* One picture on its way. */
struct shot {
  size_t sent;
};

static ssize_t
shot_read (void *opaque, void *buf, size_t len, int64_t *hole)
{
  struct shot *shot = opaque;
  size_t n = MIN_OF (len, screenshot_png_len - shot->sent);

  memcpy (buf, screenshot_png + shot->sent, n);
  shot->sent += n;
  return (ssize_t) n;
}

static void
shot_close (void *opaque)
{
  free (opaque);
}

static const struct virgate_stream_ops shot_ops = {
  .size = sizeof (struct virgate_stream_ops),
  .read = shot_read,
  .close = shot_close,
};

/* Any screen of any domain: the driver has never asked which. */
HANDLER (domain_screenshot)
{
  struct shot *shot;

  if (check_flags (c, args->flags, 0, "testDomainScreenshot") == -1)
    return -1;
  ret->mime = call_strdup (c, "image/png");
  shot = calloc (1, sizeof *shot);
  if (!shot)
    return fail_memory (c);
  if (ret->mime && c->host->call_stream (c->call, &shot_ops, shot, 0))
    return 0;
  free (shot);
  return -1;
}
