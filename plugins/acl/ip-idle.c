/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Rules that can never match, since what they are about is not configured; see
 * ip-cond.h.
 */
#include "config.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "common/similar.h"
#include "ip-cond.h"

/* Of one section. */
#define TOLD_MAX 10

/* By enum virgate_configured. */
static const struct {
  const char *key, *none;
} kinds[] = {
  { NULL, NULL },
  { "listener", "is the name of no listener" },
  { "transport", "is no listener's transport" },
  { "method", "is no method that a listener asks for" },
};

/* Does the configuration have what the condition is about?  If not, hint says
 * what may have been meant.
 */
static bool
has (const struct virgate_host *host, const struct ip_cond *cond, char *hint,
     size_t size)
{
  uint32_t about = ip_cond_about (cond);
  struct similar similar;
  char name[256];

  *hint = '\0';
  similar_begin (&similar, cond->pattern, strlen (cond->pattern));
  for (uint32_t n = 0; host->configured (host, about, n, name, sizeof name);
       n++) {
    if (fnmatch (cond->pattern, name, 0) == 0)
      return true;
    if (similar_offer (&similar, name))
      similar_hint (&similar, hint, size); /* while there is the name */
  }
  return false;
}

void
ip_tell_idle (const struct virgate_host *host, const struct ip_cond *conds,
              unsigned count, const char *file, uint32_t line, unsigned *told)
{
  char place[300] = "", hint[SIMILAR_HINT_MAX];

  if (!VIRGATE_HOST_HAS (host, configured))
    return;
  for (unsigned i = 0; i < count && *told < TOLD_MAX; i++) {
    uint32_t about = ip_cond_about (&conds[i]);

    if (about == 0 || has (host, &conds[i], hint, sizeof hint))
      continue;
    if (file)
      snprintf (place, sizeof place, "%s:%u: ", file, line);
    host->log (host, VIRGATE_LOG_WARNING, "%s%s:%s %s: the rule never matches"
               "%s%s", place, kinds[about].key, conds[i].pattern,
               kinds[about].none, hint,
               ++*told < TOLD_MAX ? "" : " (others like it are not told)");
    return;
  }
}
