/* SPDX-License-Identifier: BSD-2-Clause */
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"
#include "halt.h"

static const char *temporary_folder(void) {
  const char *folder = getenv("TMPDIR");
  return folder && *folder ? folder : "/tmp";
}

/* For file systems that know no files without a name. */
static int make_and_unlink(const char *folder) {
  char *name;
  if (asprintf(&name, "%s/.unfurl-XXXXXX", folder) < 0) return -1;
  const int fd = mkostemp(name, O_CLOEXEC);
  if (fd >= 0) unlink(name);
  free(name);
  return fd;
}

unfurl_status spool_make(const char *path, int *fd, unfurl_error *error) {
  const char *slash = path ? strrchr(path, '/') : NULL;
  char *folder = !path ? strdup(temporary_folder()) : slash ? strndup(path, (size_t)(slash - path + 1)) : strdup(".");
  if (!folder) return fault_memory(error);
  *fd = open(folder, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
  if (*fd < 0) *fd = make_and_unlink(folder);
  const unfurl_status status = *fd < 0 ? fault_errno(error, "can't make a temporary file") : UNFURL_OK;
  free(folder);
  return status;
}

unfurl_status spool_open(const char *path, FILE **file, unfurl_error *error) {
  int fd;
  *file = NULL;
  const unfurl_status status = spool_make(path, &fd, error);
  if (status != UNFURL_OK) return status;
  *file = fdopen(fd, "w+");
  if (*file) return UNFURL_OK;
  close(fd);
  return fault_memory(error);
}

static unfurl_status write_all(int fd, const char *bytes, size_t size, unfurl_error *error) {
  while (size > 0) {
    const ssize_t part = write(fd, bytes, size);
    if (part < 0 && errno == EINTR) continue;
    if (part < 0) return fault_errno(error, "can't keep it in a temporary file");
    bytes += part;
    size -= (size_t)part;
  }
  return UNFURL_OK;
}

static unfurl_status copy_stdin(int fd, unfurl_error *error) {
  static char buffer[64 * 1024]; /* under the lock of spool_stdin */
  for (;;) {
    const ssize_t got = halt_read(STDIN_FILENO, buffer, sizeof buffer);
    if (got < 0) return fault_errno(error, "can't read it");
    if (got == 0) return UNFURL_OK;
    const unfurl_status status = write_all(fd, buffer, (size_t)got, error);
    if (status != UNFURL_OK) return status;
  }
}

unfurl_status spool_stdin(char path[32], unfurl_error *error) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  static int copy = -1; /* stays open: the file lives as long as it does */
  unfurl_status status = UNFURL_OK;
  pthread_mutex_lock(&lock);
  if (copy < 0) {
    status = spool_make(NULL, &copy, error);
    if (status == UNFURL_OK) status = copy_stdin(copy, error);
    if (status != UNFURL_OK && copy >= 0) {
      close(copy);
      copy = -1;
    }
  }
  if (status == UNFURL_OK) snprintf(path, 32, "/proc/self/fd/%d", copy);
  pthread_mutex_unlock(&lock);
  return status;
}
