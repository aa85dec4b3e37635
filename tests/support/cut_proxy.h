#ifndef TESTS_SUPPORT_CUT_PROXY_H
#define TESTS_SUPPORT_CUT_PROXY_H

/*
 * cut_proxy: a link on loopback that breaks where a test says: it stands before a relay
 * and passes bytes on, both ways, until so many went through; then both ends see the
 * connection cut.  One connection at a time, in a thread of its own.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cut_proxy;

#define CUT_PROXY_WHOLE ((uint64_t)-1)

struct cut_proxy *cut_proxy_open(const char *relay_url);
void cut_proxy_close(struct cut_proxy *p);
const char *cut_proxy_url(const struct cut_proxy *p);
void cut_proxy_set_relay(struct cut_proxy *p, const char *relay_url);
/* From now on: bytes that may pass, over all connections; counters start at 0 again. */
void cut_proxy_allow(struct cut_proxy *p, uint64_t up, uint64_t down);
/* Once, the highest bit of the byte that stands `back` before these bytes turns on its way. */
enum cut_proxy_way { CUT_PROXY_UP, CUT_PROXY_DOWN };
enum { CUT_PROXY_MARK = 16 };
void cut_proxy_turn(struct cut_proxy *p, enum cut_proxy_way way, const uint8_t mark[CUT_PROXY_MARK],
    size_t back);
bool cut_proxy_has_turned(struct cut_proxy *p);
void cut_proxy_counts(struct cut_proxy *p, uint64_t *up, uint64_t *down);
/* What went up, or down, since the last cut_proxy_allow, at most max bytes; the number of them. */
size_t cut_proxy_upload(struct cut_proxy *p, uint8_t *out, size_t max);
size_t cut_proxy_download(struct cut_proxy *p, uint8_t *out, size_t max);

#endif
