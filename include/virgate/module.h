/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What every module is: one shared object KIND-NAME.so that exports one
 * symbol, the constant `virgate_module`.  See virgate-module(3).
 *
 * The promise: structures in these headers only ever grow at the end, and no
 * slot is moved or reused.  A host reads no further than the size that the
 * module was built with and takes NULL for the rest; a module built against
 * newer headers finds in host->size how much of the host's table exists.
 */
#ifndef VIRGATE_MODULE_H
#define VIRGATE_MODULE_H

#include <stdint.h>

#include <virgate/host.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VIRGATE_MODULE_MAGIC UINT32_C (0x76677431)
#define VIRGATE_MODULE_ABI 1

enum virgate_module_kind {
  VIRGATE_KIND_TRANSPORT = 1,   /* transport.h */
  VIRGATE_KIND_AUTH = 2,        /* auth.h */
  VIRGATE_KIND_ACL = 3,         /* acl.h */
  VIRGATE_KIND_DRIVER = 4       /* driver.h */
};

/* How a key's value is checked before the module sees it. */
enum virgate_option_type {
  VIRGATE_OPTION_STRING = 1,
  VIRGATE_OPTION_BOOL = 2,      /* yes, no, true, false, on, off, 1, 0 */
  VIRGATE_OPTION_UINT = 3,      /* decimal, from min to max */
  VIRGATE_OPTION_SIZE = 4,      /* decimal with k, M or G: bytes */
  VIRGATE_OPTION_MODE = 5,      /* octal file mode */
  VIRGATE_OPTION_PATH = 6,      /* an absolute path */
  VIRGATE_OPTION_LIST = 7       /* words; the key may be given again */
};

enum virgate_option_flags {
  VIRGATE_OPTION_REQUIRED = 1   /* a section without it is an error */
};

/* One key of the module's config section, and of --module-help. */
struct virgate_option {
  const char *key;
  uint32_t type;                /* enum virgate_option_type */
  uint32_t flags;               /* enum virgate_option_flags */
  uint64_t min, max;            /* for UINT and SIZE; both 0: any */
  const char *unit;             /* "seconds", "bytes"; NULL: none */
  const char *def;              /* default as one would write it; NULL: none */
  const char *help;             /* one line */
};

/* The table ends with a row whose key is NULL. */

struct virgate_module {
  uint32_t magic;               /* VIRGATE_MODULE_HEAD fills these three */
  uint32_t abi;
  uint32_t size;                /* of this structure, as built */
  uint32_t kind;                /* enum virgate_module_kind */
  uint32_t ops_size;            /* sizeof the ops structure, as built */
  uint32_t reserved;            /* 0 */
  const char *name;             /* "tls": the file is transport-tls.so */
  const char *version;          /* the module's own */
  const char *summary;          /* one line for --list-modules */
  const struct virgate_option *options; /* NULL: takes no keys */

  /* The four hooks of an instance's life.  An instance belongs to one section
   * of the config (one listener, one auth section, ...) or, in a client, to
   * one use of the transport; all state hangs off it.  All four run on the
   * main thread (in a client: the connecting thread) and may block for local
   * files, never for a peer.  On failure they report through host->error and
   * return -1.
   *
   * open    Before any key.  host stays valid until close.  NULL: the
   *         instance is NULL.
   * config  Once for each key of the section, in file order, already checked
   *         against its type.  Unknown keys never arrive.  NULL: keys are
   *         refused even when listed.
   * ready   The section is complete: check keys against each other, read
   *         files.  No peer has been seen yet.  NULL: nothing to check.
   * close   The last call.  NULL: nothing to free.
   */
  int (*open) (const struct virgate_host *host, void **inst);
  int (*config) (void *inst, const char *key, const char *value);
  int (*ready) (void *inst);
  void (*close) (void *inst);

  /* Read the configured files again (SIGHUP, or a file given to
   * host->watch_file changed).  Validate first and swap whole: on -1 the
   * instance goes on exactly as before.  Main thread; peers may be served by
   * other threads meanwhile.  NULL: nothing to read.
   */
  int (*reload) (void *inst);

  const void *ops;              /* struct virgate_KIND_ops of this kind */
};

#define VIRGATE_MODULE_HEAD                                             \
  .magic = VIRGATE_MODULE_MAGIC, .abi = VIRGATE_MODULE_ABI,             \
  .size = sizeof (struct virgate_module)

/* Put before the definition of `virgate_module`: the only exported symbol. */
#if defined(__GNUC__)
#define VIRGATE_MODULE_EXPORT __attribute__ ((visibility ("default")))
#else
#define VIRGATE_MODULE_EXPORT
#endif

extern const struct virgate_module virgate_module;

#ifdef __cplusplus
}
#endif

#endif /* VIRGATE_MODULE_H */
