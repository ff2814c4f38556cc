/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A transport module with one thing wrong with it, chosen by ODD_...
 * definitions when it is compiled; none: nothing is wrong.
 */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <virgate/transport.h>

#ifndef ODD_MAGIC
#define ODD_MAGIC VIRGATE_MODULE_MAGIC
#endif
#ifndef ODD_ABI
#define ODD_ABI VIRGATE_MODULE_ABI
#endif
#ifndef ODD_SIZE
#define ODD_SIZE sizeof (struct virgate_module)
#endif
#ifndef ODD_KIND
#define ODD_KIND VIRGATE_KIND_TRANSPORT
#endif
#ifndef ODD_OPS_SIZE
#define ODD_OPS_SIZE sizeof (struct virgate_transport_ops)
#endif
#ifndef ODD_NAME
#define ODD_NAME "odd"
#endif
#ifndef ODD_OPTION
#define ODD_OPTION { .key = "port", .type = VIRGATE_OPTION_UINT,        \
                     .max = 65535, .help = "a port" }
#endif
#ifndef ODD_CLOSE
#define ODD_CLOSE odd_close
#endif

#ifdef ODD_LOAD
static void __attribute__ ((constructor))
odd_load (void)
{
  ODD_LOAD;
}
#endif

/* The last key and value, and what happened: the test looks at the log. */
struct odd {
  const struct virgate_host *host;
};

static struct odd *
odd_of (void *inst)
{
  return inst;
}

static int
odd_open (const struct virgate_host *host, void **inst)
{
  static struct odd odd;        /* the test opens one at a time */

  odd.host = host;
  *inst = &odd;
  host->log (host, VIRGATE_LOG_INFO, "open");
  return 0;
}

static int
odd_config (void *inst, const char *key, const char *value)
{
  const struct virgate_host *host = odd_of (inst)->host;
  const char *file;
  uint32_t line;

  host->log (host, VIRGATE_LOG_INFO, "%s=%s", key, value);
  if (strcmp (value, "where") == 0
      && host->config_place (host, &file, &line) == 0)
    host->log (host, VIRGATE_LOG_INFO, "%s:%u", file, line);
  if (strcmp (value, "13") == 0)
    return host->error (host, "unlucky number %s", value);
  return strcmp (value, "14") == 0 ? -1 : 0;
}

static int
odd_ready (void *inst)
{
  const struct virgate_host *host = odd_of (inst)->host;

  host->log (host, VIRGATE_LOG_INFO, "ready");
  return 0;
}

static void
odd_close_inst (void *inst)
{
  const struct virgate_host *host = odd_of (inst)->host;

  host->log (host, VIRGATE_LOG_INFO, "close");
}

static ssize_t
odd_readv (void *conn, const struct iovec *iov, int iovcnt,
           struct virgate_fds *fds)
{
  return 0;
}

static ssize_t
odd_writev (void *conn, const struct iovec *iov, int iovcnt,
            const struct virgate_fds *fds)
{
  return 0;
}

static int
odd_pollfd (void *conn)
{
  return -1;
}

static int
odd_peer (void *conn, struct virgate_peer *peer, int after_handshake)
{
  return 0;
}

static inline void
odd_close (void *conn)
{
}

static int
odd_connect (void *inst, const struct virgate_uri *uri, int64_t deadline,
             void **conn)
{
  return -1;
}

static const char *const schemes[] = { "odd", "even", NULL };

static const struct virgate_transport_ops ops = {
  .schemes = schemes,
  .default_port = 4711,
  .readv = odd_readv,
  .writev = odd_writev,
  .pollfd = odd_pollfd,
  .peer = odd_peer,
  .close = ODD_CLOSE,
  .connect = odd_connect,
};

static const struct virgate_option options[] = {
  ODD_OPTION,
  { .key = "word", .type = VIRGATE_OPTION_LIST, .help = "words" },
  { .key = NULL },
};

VIRGATE_MODULE_EXPORT const struct virgate_module virgate_module = {
  .magic = ODD_MAGIC,
  .abi = ODD_ABI,
  .size = ODD_SIZE,
  .kind = ODD_KIND,
  .ops_size = ODD_OPS_SIZE,
  .name = ODD_NAME,
  .version = "1.0",
  .summary = "odd",
  .options = options,
  .open = odd_open,
  .config = odd_config,
  .ready = odd_ready,
  .close = odd_close_inst,
  .ops = &ops,
};
