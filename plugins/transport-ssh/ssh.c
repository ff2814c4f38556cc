/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * transport-ssh: the module, its keys, and which half a connection belongs
 * to.  The client half begins in client.c, the server half in listen.c.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "listen.h"
#include "ssh.h"

static const struct virgate_option options[] = {
  { "backend", VIRGATE_OPTION_STRING, .def = "libssh2",
    .help = "client: libssh2, or openssh to run the system's ssh" },
  { "command", VIRGATE_OPTION_STRING,
    .help = "client: a program to run as ssh; implies backend = openssh" },
  { "key-file", VIRGATE_OPTION_STRING,
    .help = "client: the private key to log in with" },
  { "ssh-auth", VIRGATE_OPTION_STRING,
    .def = "agent,privkey,password,keyboard-interactive",
    .help = "client: ways to log in, in order" },
  { "known-hosts", VIRGATE_OPTION_STRING,
    .help = "client: the file of known host keys, instead of ssh's" },
  { "known-hosts-verify", VIRGATE_OPTION_STRING,
    .help = "client: normal asks about a new host, auto trusts it, ignore "
            "checks nothing" },
  { "proxy-jump", VIRGATE_OPTION_STRING,
    .help = "client: hosts to pass on the way: [USER@]HOST[:PORT],..." },
  { "proxy", VIRGATE_OPTION_STRING, .def = "auto",
    .help = "client: what joins sshd and the daemon: auto, native, netcat" },
  { "netcat", VIRGATE_OPTION_STRING, .def = "nc",
    .help = "client: the far side's netcat" },
  { "helper", VIRGATE_OPTION_STRING,
    .help = "client: the far side's helper, instead of virgate-ssh-helper "
            "and virt-ssh-helper" },
  { "socket", VIRGATE_OPTION_STRING,
    .help = "client: the daemon's socket on the far side" },
  { "remote-mode", VIRGATE_OPTION_STRING, .def = "auto",
    .help = "client: far side's daemon: auto, legacy (libvirtd) or direct" },
  { "ssh-config", VIRGATE_OPTION_STRING,
    .help = "client: ssh's config, instead of the user's and the system's; "
            "none reads none" },
  { "linger", VIRGATE_OPTION_UINT, .max = 3600, .unit = "seconds",
    .def = "2",
    .help = "client: keep an unused ssh connection for the next one" },
  { "trusted-users", VIRGATE_OPTION_LIST,
    .help = "server: accounts without a shell, whose virgate-ssh-helper is "
            "believed what sshd says of the client" },
  { NULL }
};

/* Life of an instance ----------------------------------------------------- */

static int
ssh_open (const struct virgate_host *host, void **inst)
{
  struct ssh *ssh = calloc (1, sizeof *ssh);

  if (ssh == NULL)
    return host->error (host, "out of memory");
  ssh->host = host;
  ssh->listen = calloc (1, sizeof *ssh->listen);
  if (ssh->listen == NULL) {
    free (ssh);
    return host->error (host, "out of memory");
  }
  *inst = ssh;
  return 0;
}

static void
ssh_close_inst (void *inst)
{
  ssh_listen_free (inst);
  ssh_free_words (inst);
  free (inst);
}

static int
ssh_config_key (void *inst, const char *key, const char *value)
{
  int result = ssh_listen_config (inst, key, value);

  if (result == 1)
    result = ssh_set_word (inst, key, value);
  return result == -1 ? -1 : 0;
}

/* Without tcp only the system's ssh can connect; who needs it is told. */
static int
ssh_ready (void *inst)
{
  struct ssh *ssh = inst;
  const struct virgate_host *host = ssh->host;

  if (strncmp (host->section, "listen", 6) == 0)
    return ssh_listen_ready (inst);
  if (VIRGATE_HOST_HAS (host, lower))
    ssh->lower = host->lower (host, "tcp");
  return 0;
}

/* Hooks of connections ---------------------------------------------------- */

static const struct ssh_half *
half_of (void *conn)
{
  return ((struct ssh_conn *) conn)->half;
}

static ssize_t
ssh_readv (void *conn, const struct iovec *iov, int iovcnt,
           struct virgate_fds *fds)
{
  if (fds)
    fds->count = 0;
  return half_of (conn)->readv (conn, iov, iovcnt, fds);
}

static ssize_t
ssh_writev (void *conn, const struct iovec *iov, int iovcnt,
            const struct virgate_fds *fds)
{
  return half_of (conn)->writev (conn, iov, iovcnt, fds);
}

static size_t
ssh_pending (void *conn)
{
  return half_of (conn)->pending ? half_of (conn)->pending (conn) : 0;
}

static int
ssh_pollfd (void *conn)
{
  return half_of (conn)->pollfd (conn);
}

static int
ssh_pollfd_write (void *conn)
{
  const struct ssh_half *half = half_of (conn);

  return half->pollfd_write ? half->pollfd_write (conn) : half->pollfd (conn);
}

static int
ssh_handshake (void *conn)
{
  return half_of (conn)->handshake ? half_of (conn)->handshake (conn) : 0;
}

static int
ssh_peer (void *conn, struct virgate_peer *peer, int after_handshake)
{
  if (after_handshake && half_of (conn)->handshake == NULL)
    return 0;
  return half_of (conn)->peer (conn, peer, after_handshake);
}

static void
ssh_shutdown (void *conn)
{
  half_of (conn)->shutdown (conn);
}

static void
ssh_close (void *conn)
{
  half_of (conn)->close (conn);
}

/* Tables ------------------------------------------------------------------ */

static const char *const schemes[] = { "ssh", "libssh2", "libssh", NULL };

static const struct virgate_transport_ops ops = {
  .schemes = schemes,
  .params = ssh_params,
  .caps = VIRGATE_CAP_ENCRYPTED | VIRGATE_CAP_DUPLEX,
  .default_port = 0,            /* the user's ssh config may know it */
  .listen = ssh_listen,
  .unlisten = ssh_unlisten,
  .accept = ssh_accept,
  .handshake = ssh_handshake,
  .readv = ssh_readv,
  .writev = ssh_writev,
  .pending = ssh_pending,
  .pollfd = ssh_pollfd,
  .peer = ssh_peer,
  .shutdown = ssh_shutdown,
  .close = ssh_close,
  .connect = ssh_connect,
  .pollfd_write = ssh_pollfd_write,
};

VIRGATE_MODULE_EXPORT const struct virgate_module virgate_module = {
  VIRGATE_MODULE_HEAD,
  .kind = VIRGATE_KIND_TRANSPORT,
  .ops_size = sizeof ops,
  .name = "ssh",
  .version = PACKAGE_VERSION,
  .summary = "ssh, with the user's keys, agent and ssh config",
  .options = options,
  .open = ssh_open,
  .config = ssh_config_key,
  .ready = ssh_ready,
  .close = ssh_close_inst,
  .ops = &ops,
};
