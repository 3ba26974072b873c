/* SPDX-License-Identifier: BSD-2-Clause */
#include "gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"

extern char **environ;

static const char missing[] =
    "gnuplot is not installed, and draws the report's charts (Debian: apt install gnuplot-nox)";

/* What the child's stdin and stdout are; stderr stays the program's. */
static unfurl_status spawn(const char *const *arguments, int in, int out, pid_t *child, unfurl_error *error) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  if (posix_spawn_file_actions_init(&actions) != 0) return fault_memory(error);
  if (posix_spawnattr_init(&attributes) != 0) {
    posix_spawn_file_actions_destroy(&actions);
    return fault_memory(error);
  }
  posix_spawnattr_setsigdefault(&attributes, &pipe); /* ours is ignored */
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  int failed = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
  if (!failed) failed = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  if (!failed) failed = posix_spawnp(child, arguments[0], &actions, &attributes, (char *const *)arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (!failed) return UNFURL_OK;
  if (failed == ENOENT) return fault_set(error, UNFURL_UNSUPPORTED, "%s", missing);
  errno = failed;
  return fault_errno(error, "can't run gnuplot");
}

static unfurl_status read_all(int fd, char **output, size_t *size, unfurl_error *error) {
  FILE *memory = open_memstream(output, size);
  if (!memory) return fault_memory(error);
  char buffer[1 << 14];
  ssize_t got;
  while ((got = read(fd, buffer, sizeof buffer)) != 0) {
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) break;
    fwrite(buffer, 1, (size_t)got, memory);
  }
  if (fclose(memory) != 0) return fault_memory(error);
  return got == 0 ? UNFURL_OK : fault_errno(error, "can't read what gnuplot draws");
}

static unfurl_status wait_for(pid_t child, unfurl_error *error) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return fault_errno(error, "can't wait for gnuplot");
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return UNFURL_OK;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127) return fault_set(error, UNFURL_UNSUPPORTED, "%s", missing);
  return fault_set(error, UNFURL_IO_ERROR, "gnuplot failed");
}

/* Runs gnuplot with `in` as its stdin. */
static unfurl_status run(const char *const *arguments, int in, char **output, size_t *size, unfurl_error *error) {
  int ends[2];
  pid_t child;
  *output = NULL;
  if (pipe2(ends, O_CLOEXEC) != 0) return fault_errno(error, "can't make a pipe");
  unfurl_status status = spawn(arguments, in, ends[1], &child, error);
  close(ends[1]);
  if (status == UNFURL_OK) {
    status = read_all(ends[0], output, size, error);
    unfurl_error cause;
    const unfurl_status ended = wait_for(child, &cause);
    if (status == UNFURL_OK && ended != UNFURL_OK) status = fault_set(error, ended, "%s", cause.message);
  }
  close(ends[0]);
  if (status != UNFURL_OK) {
    free(*output);
    *output = NULL;
  }
  return status;
}

unfurl_status gnuplot_run(FILE *file, char **output, size_t *size, unfurl_error *error) {
  static const char *const arguments[] = {"gnuplot", "-", NULL};
  *output = NULL;
  if (fflush(file) != 0 || lseek(fileno(file), 0, SEEK_SET) != 0) return fault_errno(error, "can't write the script");
  return run(arguments, fileno(file), output, size, error);
}

unfurl_status gnuplot_find(unfurl_error *error) {
  static const char *const arguments[] = {"gnuplot", "--version", NULL};
  char *version;
  size_t size;
  const unfurl_status status = run(arguments, STDIN_FILENO, &version, &size, error);
  free(version);
  return status;
}
