/* SPDX-License-Identifier: BSD-2-Clause */
#include "halt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

#include "outfile.h"

enum { PATIENCE = 100 }; /* milliseconds between two looks at the flag */

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
static atomic_bool wished, signalled; /* both lock-free, so a handler may set them */

static void on_signal(int number) {
  static const char message[] = "unfurl: finishing the batch (once more: ending at once)\n";
  const int before = errno;
  if (atomic_exchange(&signalled, true)) outfile_die(number);
  atomic_store(&wished, true);
  const ssize_t written = write(STDERR_FILENO, message, sizeof message - 1);
  (void)written; /* it is only a courtesy */
  errno = before;
}

void halt_watch(void) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
    struct sigaction before;
    if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) sigaction(signals[i], &action, NULL);
  }
}

void halt_request(void) {
  atomic_store(&wished, true);
}

bool halt_requested(void) {
  return atomic_load(&wished);
}

bool halt_by_signal(void) {
  return atomic_load(&signalled);
}

ssize_t halt_read(int fd, void *to, size_t size) {
  for (;;) {
    if (halt_requested()) {
      errno = EINTR;
      return -1;
    }
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    const int ready = poll(&waiting, 1, PATIENCE);
    if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
    const ssize_t got = read(fd, to, size);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    return got;
  }
}
