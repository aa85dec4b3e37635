#ifndef SHARED_BASE_PROCESS_H
#define SHARED_BASE_PROCESS_H

/*
 * process: what the operating system does for a process: no core dumps, a
 * background twin, signals as a flag, and a local socket that only the same
 * user reaches (a named pipe on Windows).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/rc.h"

/*
 * No core dumps, not traceable by others, owner-only new files, no SIGPIPE or
 * SIGXFSZ.  Standard streams that are closed are held by ones that fail, so that
 * no file of ours gets their numbers.
 */
void process_harden(void);

/*
 * From here on this thread, and those that it starts, write, make and remove files only at or
 * below these places (Landlock), start no program, and look into no other process nor reach the
 * rarer parts of the kernel (a filter of system calls), whatever goes wrong in them.
 * Reading is as before, and so is what is open already.  NULL places are skipped.
 * false: the kernel lacks one or both, which is left out.  There is no way back.
 */
bool process_confine(const char *const *places, size_t n);

/*
 * Go on in the background as a child of nobody, in a session of its own and in
 * the same folder.  The caller stays until the child calls process_ready()
 * (RC_OK), or process_failed() (the caller's err and result are then the
 * child's), or ends (RC_INTERNAL), and learns in *is_child which one it is.  Until
 * then the child may print; both turn its standard streams to nothing.  Call
 * before threads start.  process_ready() and process_failed() elsewhere do nothing.
 */
enum rc process_background(bool *is_child, struct error *err) RC_CHECK;
void process_ready(void);
void process_failed(enum rc rc, const struct error *err);

/* So many open files at a time, or as many as the system allows; the number. */
unsigned process_allow_files(unsigned n);

/* After this, SIGINT and SIGTERM only make process_should_stop() true. */
void process_catch_stop(void);
bool process_should_stop(void);

/* An accepted link gives up a peer that is silent for so long (RC_NET). */
enum { LOCAL_PATIENCE_SECONDS = 30 };

/*
 * A listening local socket at path.  A stale one is replaced; RC_BUSY if a
 * living process answers there.  local_accept waits at most timeout_ms:
 * RC_BUSY when nobody came, or a signal did.  Peers of another user are turned
 * away.
 */
struct local_listener;
struct local_link;
enum rc local_listen(const char *path, struct local_listener **out, struct error *err) RC_CHECK;
enum rc local_accept(struct local_listener *l, int timeout_ms, struct local_link **out) RC_CHECK;
void local_listener_close(struct local_listener *l);	/* removes the path */

/*
 * A twin of this process as it is, at the other end of a link: it learns so in *is_twin.  Call before
 * threads start.  When the first process ends, the twin's link gives RC_NET.
 */
enum rc local_twin(bool *is_twin, struct local_link **out, struct error *err) RC_CHECK;
/*
 * Run body(ctx) in a child and wait for its end.  *well: it came to the end of body.  What body
 * leaves running (process_background) is not waited for.
 */
enum rc local_child(void (*body)(void *ctx), void *ctx, bool *well) RC_CHECK;
/*
 * Does the client's end of a TCP connection on 127.0.0.1 belong to this user?  from, to: its port
 * and ours.  What the system does not tell is no.
 */
bool local_port_is_own(uint16_t from, uint16_t to);

/* RC_NOTFOUND: nobody listens.  RC_DENIED: it belongs to another user. */
enum rc local_connect(const char *path, struct local_link **out, struct error *err) RC_CHECK;
/*
 * Messages of at most max bytes, length first.  RC_NET: the peer went away.
 * RC_LIMIT: longer than max; the link is of no more use.  *data is new, free()
 * it; a NUL that len leaves out follows the message.
 */
enum rc local_send(struct local_link *l, const uint8_t *data, size_t len) RC_CHECK;
enum rc local_receive(struct local_link *l, size_t max, uint8_t **data, size_t *len) RC_CHECK;
/* Nothing more is received: another thread that waits for it waits no longer (RC_NET). */
void local_stop_receiving(struct local_link *l);
void local_close(struct local_link *l);

#endif
