/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Looking at where a link would lead before anybody wants one: what is wrong
 * in a URI would otherwise be left out, or be sent to the far side, and show
 * with the first client.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"
#include "common/similar.h"
#include "core/error.h"
#include "core/uri.h"
#include "daemon/link.h"
#include "daemon/route.h"

/* Parameters that mean something with every transport. */
static const char *const common[] = { "name", "auth", "authfile", NULL };

/* Drivers of libvirt that have parameters of their own. */
static const char *const with_params[] = {
  "esx", "gsx", "vpx", "hyperv", NULL
};

static bool
is_one_of (const char *const *words, const char *word)
{
  for (; words && *words; words++)
    if (strcasecmp (*words, word) == 0)
      return true;
  return false;
}

static void
offer_all (struct similar *similar, const char *const *words)
{
  for (; words && *words; words++)
    similar_offer (similar, *words);
}

/* What nobody knows goes on in the name, if there is one; then it may be about
 * the hosts behind another virgated.
 */
static bool
may_go_on (const struct uri *uri, const char *param)
{
  if (uri_param (uri, "name") || strcmp (uri->v.driver, "remote") == 0)
    return false;
  return strcasecmp (param, ROUTE_HOST) == 0
         || is_one_of (with_params, uri->v.driver);
}

static void
complain (struct virgate_link_failure *failure, const char *fmt, ...)
  VIRGATE_PRINTF (2, 3);

static void
complain (struct virgate_link_failure *failure, const char *fmt, ...)
{
  va_list args;

  if (failure == NULL || failure->size < sizeof *failure)
    return;
  va_start (args, fmt);
  vsnprintf (failure->text, sizeof failure->text, fmt, args);
  va_end (args);
}

static int
check_params (const struct uri *uri, const char *const *known,
              struct virgate_link_failure *failure)
{
  const struct virgate_param *param = uri->v.params;

  for (; param->name; param++) {
    char hint[SIMILAR_HINT_MAX];
    struct similar similar;

    if (is_one_of (common, param->name) || is_one_of (known, param->name)
        || may_go_on (uri, param->name))
      continue;
    similar_begin (&similar, param->name, strlen (param->name));
    offer_all (&similar, known);
    offer_all (&similar, common);
    complain (failure, "the parameter '%.40s' means nothing to the transport "
              "%s%s", param->name, uri->v.transport,
              similar_hint (&similar, hint, sizeof hint));
    return -1;
  }
  return 0;
}

static int
check_socket (const struct uri *uri, struct virgate_link_failure *failure)
{
  const char *path = uri_param (uri, "socket");

  if (path == NULL || *path == '/')
    return 0;
  complain (failure, "the socket '%.80s' is no absolute path", path);
  return -1;
}

int
link_service_check (const struct virgate_link_options *where)
{
  CLEANUP_ERROR struct virgate_error err = { 0 };
  struct uri uri;
  int result;

  if (uri_parse (&uri, where->uri, &err) == -1) {
    complain (where->failure, "%s", error_message (&err));
    return -1;
  }
  result = check_params (&uri, where->transport->ops->params, where->failure);
  if (result == 0)
    result = check_socket (&uri, where->failure);
  uri_free (&uri);
  return result;
}
