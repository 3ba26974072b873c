/* SPDX-License-Identifier: BSD-2-Clause */
/* The wish to stop: by Ctrl-C and its kin, or because the program can't go on.
 *
 * The first SIGINT, SIGTERM or SIGHUP only sets a flag (and says so on stderr), which whoever does long work looks at;
 * the second one ends the program at once (an unfinished output file is removed). A signal that the parent had switched
 * off stays off.
 */
#ifndef CLI_HALT_H
#define CLI_HALT_H

#include <stdbool.h>
#include <sys/types.h>

/* From here on the first signal is a wish. */
void halt_watch(void);

/* The program itself wishes to stop. May be called from any thread. */
void halt_request(void);

bool halt_requested(void);

/* Was it a signal? */
bool halt_by_signal(void);

/* As read(2), but for files that may keep us waiting for ever: -1 with errno EINTR when there is a wish to stop. */
ssize_t halt_read(int fd, void *to, size_t size);

#endif
