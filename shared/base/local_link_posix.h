#ifndef SHARED_BASE_LOCAL_LINK_POSIX_H
#define SHARED_BASE_LOCAL_LINK_POSIX_H

/* local_link: what the POSIX files behind process.h share. */
#include "shared/base/process.h"

/* A link over a connected socket, which it takes, also when it fails.  RC_NOMEM. */
enum rc local_link_of(int fd, struct local_link **out) RC_CHECK;

#endif
