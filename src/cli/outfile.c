/* SPDX-License-Identifier: BSD-2-Clause */
#include "outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"

/* The temporary file that a signal has to remove. */
static char *volatile unfinished;
static const int deadly[] = {SIGINT, SIGTERM, SIGHUP};

void outfile_die(int number) {
  if (unfinished) unlink(unfinished);
  signal(number, SIG_DFL);
  raise(number);
}

/* A signal that the parent had switched off (nohup) stays off, and one that the program watches itself (halt.h) too. */
static void watch_signals(void) {
  for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) {
    struct sigaction before;
    if (sigaction(deadly[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL) signal(deadly[i], outfile_die);
  }
}

/* stdout or stderr, if that is the very file `path` means; NULL otherwise. */
static FILE *own_stream(const char *path, const struct stat *info) {
  FILE *const streams[] = {stdout, stderr};
  if (strcmp(path, "-") == 0) return stdout;
  for (size_t i = 0; info && i < 2; i++) {
    struct stat ours;
    if (fstat(fileno(streams[i]), &ours) == 0 && ours.st_dev == info->st_dev && ours.st_ino == info->st_ino)
      return streams[i];
  }
  return NULL;
}

/* Creates a hidden file in the folder of out->path, out->temporary, of a name that nobody else uses; -1 and errno. */
static int create_beside(outfile_handle *out) {
  const char *slash = strrchr(out->path, '/');
  const int folder = slash ? (int)(slash - out->path + 1) : 0;
  for (unsigned attempt = 0;; attempt++) {
    if (asprintf(&out->temporary, "%.*s.unfurl-%ld-%u.tmp", folder, out->path, (long)getpid(), attempt) < 0) break;
    const int fd = open(out->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0) return fd;
    free(out->temporary);
    if (errno != EEXIST || attempt == 100) break;
  }
  out->temporary = NULL;
  return -1;
}

static unfurl_status open_beside(outfile_handle *out, unfurl_error *error) {
  const int fd = create_beside(out);
  if (fd < 0) return fault_errno(error, "can't write there");
  unfinished = out->temporary;
  watch_signals();
  out->stream = fdopen(fd, "w");
  if (out->stream) return UNFURL_OK;
  close(fd);
  return fault_memory(error);
}

unfurl_status outfile_open(outfile_handle *out, const char *path, unfurl_error *error) {
  struct stat info;
  *out = (outfile_handle){0};
  const bool exists = stat(path, &info) == 0;
  out->stream = own_stream(path, exists ? &info : NULL);
  out->borrowed = out->stream;
  if (out->borrowed) return UNFURL_OK;
  if (exists && !S_ISREG(info.st_mode)) {
    out->stream = fopen(path, "we");
    return out->stream ? UNFURL_OK : fault_errno(error, "can't open it");
  }
  if (exists && access(path, W_OK) != 0) return fault_errno(error, "can't write it");
  out->path = exists ? realpath(path, NULL) : strdup(path); /* a symbolic link stays one */
  return out->path ? open_beside(out, error) : fault_memory(error);
}

unfurl_status outfile_flush(outfile_handle *out, unfurl_error *error) {
  const bool before = ferror(out->stream);
  if (fflush(out->stream) != 0) return fault_errno(error, "can't write it");
  return before ? fault_set(error, UNFURL_IO_ERROR, "can't write it") : UNFURL_OK;
}

/* Pipes and devices can't be synced, and need not be. */
static unfurl_status sync_file(const outfile_handle *out, unfurl_error *error) {
  if (!out->temporary || fsync(fileno(out->stream)) == 0) return UNFURL_OK;
  return fault_errno(error, "can't write it");
}

static unfurl_status close_stream(outfile_handle *out, unfurl_error *error) {
  FILE *stream = out->stream;
  out->stream = NULL;
  if (out->borrowed || fclose(stream) == 0) return UNFURL_OK;
  return fault_errno(error, "can't write it");
}

unfurl_status outfile_commit(outfile_handle *out, unfurl_error *error) {
  unfurl_status status = outfile_flush(out, error);
  if (status == UNFURL_OK) status = sync_file(out, error);
  if (status == UNFURL_OK) status = close_stream(out, error);
  if (status == UNFURL_OK && out->temporary) {
    if (rename(out->temporary, out->path) != 0) {
      status = fault_errno(error, "can't rename it into place");
    } else {
      unfinished = NULL;
      free(out->temporary);
      out->temporary = NULL;
    }
  }
  outfile_discard(out);
  return status;
}

void outfile_discard(outfile_handle *out) {
  if (out->stream && !out->borrowed) fclose(out->stream);
  if (out->temporary) {
    unlink(out->temporary);
    unfinished = NULL;
  }
  free(out->temporary);
  free(out->path);
  *out = (outfile_handle){0};
}
