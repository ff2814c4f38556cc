/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Refusing calls in the words that clients of the protocol know, and the
 * checks of arguments that libvirt's library makes before any driver.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "plugins/driver-test/driver.h"

static int
fail_va (const struct ctx *c, int domain, int code, const char *format,
         va_list ap)
{
  CLEANUP_FREE char *text = NULL;

  if (vasprintf (&text, format, ap) == -1)
    text = NULL;
  return c->host->call_error (c->call, code, domain, "%s", text ? text : "");
}

int
fail (const struct ctx *c, int code, const char *format, ...)
{
  va_list ap;

  va_start (ap, format);
  fail_va (c, VIRGATE_FROM_TEST, code, format, ap);
  va_end (ap);
  return -1;
}

int
fail_in (const struct ctx *c, int domain, int code, const char *format, ...)
{
  va_list ap;

  va_start (ap, format);
  fail_va (c, domain, code, format, ap);
  va_end (ap);
  return -1;
}

int
fail_none (const struct ctx *c, int domain, int code)
{
  return c->host->call_error (c->call, code, domain, NULL);
}

int
fail_memory (const struct ctx *c)
{
  return fail_none (c, VIRGATE_FROM_TEST, VIRGATE_ERR_NO_MEMORY);
}

int
fail_arg (const struct ctx *c, int domain, const char *function,
          const char *argument, const char *format, ...)
{
  CLEANUP_FREE char *text = NULL;
  struct virgate_error error = {
    .code = VIRGATE_ERR_INVALID_ARG,
    .domain = domain,
    .level = VIRGATE_LEVEL_ERROR,
    .str1 = (char *) function,
    .str2 = (char *) argument,
  };
  va_list ap;

  va_start (ap, format);
  if (vasprintf (&text, format, ap) == -1)
    text = NULL;
  va_end (ap);
  error.message = text;
  return c->host->call_error_record (c->call, &error);
}

int
fail_system (const struct ctx *c, int number, const char *format, ...)
{
  static const char template[] = "%s";
  CLEANUP_FREE char *what = NULL;
  CLEANUP_FREE char *text = NULL;
  char reason[128];
  struct virgate_error error = {
    .code = VIRGATE_ERR_SYSTEM_ERROR,
    .domain = VIRGATE_FROM_TEST,
    .level = VIRGATE_LEVEL_ERROR,
    .int1 = number,
    .int2 = -1,
    .str1 = (char *) template,
  };
  va_list ap;

  va_start (ap, format);
  if (vasprintf (&what, format, ap) == -1)
    what = NULL;
  va_end (ap);
  if (asprintf (&text, "%s: %s", what ? what : "",
                strerror_r (number, reason, sizeof reason)) == -1)
    text = NULL;
  error.message = error.str2 = text;
  return c->host->call_error_record (c->call, &error);
}

int
fail_unsaid (const struct ctx *c, int domain)
{
  static char by_library[] = "An error occurred, but the cause is unknown";
  static char by_server[]
    = "Library function returned error but did not set virError";
  const struct virgate_error error = {
    .code = VIRGATE_ERR_INTERNAL_ERROR,
    .domain = domain,
    .level = VIRGATE_LEVEL_ERROR,
    .message = domain == VIRGATE_FROM_RPC ? by_server : by_library,
  };

  return c->host->call_error_record (c->call, &error);
}

int
fail_xml (const struct ctx *c, struct xml_error *err)
{
  if (err->code == 0 || err->code == VIRGATE_ERR_NO_MEMORY)
    fail_memory (c);
  else if (!err->detail)
    fail_none (c, err->domain, err->code);
  else
    fail_in (c, err->domain, err->code, "%s", err->detail);
  xml_error_clear (err);
  return -1;
}

void *
call_array (const struct ctx *c, size_t count, size_t size)
{
  size_t len;
  void *mem;

  if (__builtin_mul_overflow (count, size, &len)) {
    fail_memory (c);
    return NULL;
  }
  mem = c->host->call_alloc (c->call, len ? len : 1);
  if (!mem)
    fail_memory (c);
  return mem;
}

char *
call_strdup (const struct ctx *c, const char *str)
{
  size_t len = strlen (str) + 1;
  char *copy = call_array (c, len, 1);

  return copy ? memcpy (copy, str, len) : NULL;
}

int
check_flags (const struct ctx *c, uint32_t flags, uint32_t supported,
             const char *function)
{
  uint32_t bad = flags & ~supported;

  if (!bad)
    return 0;
  return fail_arg (c, VIRGATE_FROM_TEST, function, "flags",
                   "unsupported flags (0x%x) in function %s", bad, function);
}

int
check_not_null (const struct ctx *c, int domain, const char *function,
                const char *argument, const void *value)
{
  if (value)
    return 0;
  return fail_arg (c, domain, function, argument,
                   "%s in %s must not be NULL", argument, function);
}

int
check_positive (const struct ctx *c, int domain, const char *function,
                const char *argument, int64_t value)
{
  if (value > 0)
    return 0;
  return fail_arg (c, domain, function, argument,
                   "%s in %s must be greater than zero", argument, function);
}

int
check_nonzero (const struct ctx *c, int domain, const char *function,
               const char *argument, uint64_t value)
{
  if (value != 0)
    return 0;
  return fail_arg (c, domain, function, argument,
                   "%s in %s must not be zero", argument, function);
}

int
check_count (const struct ctx *c, const char *argument, int32_t count)
{
  if (count >= 0)
    return 0;
  return fail_in (c, VIRGATE_FROM_RPC, VIRGATE_ERR_INTERNAL_ERROR,
                  "%s must be non-negative", argument);
}

int
check_nonnegative (const struct ctx *c, int domain, const char *function,
                   const char *argument, int64_t value)
{
  if (value >= 0)
    return 0;
  return fail_arg (c, domain, function, argument,
                   "%s in %s must be zero or greater", argument, function);
}

int
check_exclusive (const struct ctx *c, const char *function, uint32_t flags,
                 struct flag_name one, struct flag_name other)
{
  if (!(flags & one.flag) || !(flags & other.flag))
    return 0;
  return fail_arg (c, VIRGATE_FROM_DOMAIN, function, "ctl",
                   "Flags '%s' and '%s' are mutually exclusive",
                   one.name, other.name);
}

int
check_affect (const struct ctx *c, const char *function, uint32_t flags)
{
  return check_exclusive (c, function, flags,
                          (struct flag_name) { AFFECT_LIVE,
                                               "VIR_DOMAIN_AFFECT_LIVE" },
                          (struct flag_name) { AFFECT_CONFIG,
                                               "VIR_DOMAIN_AFFECT_CONFIG" });
}
