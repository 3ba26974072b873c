/* SPDX-License-Identifier: BSD-2-Clause */
/* A library for LD_PRELOAD that makes one call of the C library fail.
 *
 *     FAULT_CALL   which: open, read, write, flush, seek, sync or rename (each stands for its family)
 *     FAULT_AT     the how-many-th of these calls, from 1 on; 0: none, they are only counted
 *     FAULT_ERRNO  what the error is
 *     FAULT_LOG    a file that gets the number of calls, when the program ends
 *
 * What the C library calls inside itself is not seen: writes of a stream show as its flushes. Where there are two
 * names for a call, one for 64-bit file offsets, both are here that are used.
 */
#undef _FILE_OFFSET_BITS /* so that the two names are two functions */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { STREAM_FAILED = 0x20 }; /* glibc's _IO_ERR_SEEN */

static atomic_ulong calls;

/* Is this the call that fails? */
static bool strikes(const char *family) {
  const char *call = getenv("FAULT_CALL"), *at = getenv("FAULT_AT"), *number = getenv("FAULT_ERRNO");
  if (!call || !at || strcmp(call, family) != 0) return false;
  if (atomic_fetch_add(&calls, 1) + 1 != strtoul(at, NULL, 10)) return false;
  errno = number ? atoi(number) : EIO;
  return true;
}

__attribute__((destructor)) static void report(void) {
  const char *path = getenv("FAULT_LOG");
  char text[24];
  unsetenv("FAULT_CALL");
  const int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;
  if (fd < 0) return;
  const int length = snprintf(text, sizeof text, "%lu", atomic_load(&calls));
  if (write(fd, text, (size_t)length) != length) abort();
  close(fd);
}

/* The C library's own function. ISO C knows no way from void * to a function; POSIX means this one. */
static void find(void *real, const char *name) {
  *(void **)real = dlsym(RTLD_NEXT, name);
}

/* The same for a call on a stream, which remembers it as the C library would have it: for ferror. */
static bool strikes_stream(const char *family, FILE *file) {
  if (!strikes(family)) return false;
  if (file) file->_flags |= STREAM_FAILED;
  return true;
}

/* The mode of open is there only where a file may be made. */
static mode_t mode_of(int flags, va_list list) {
  return flags & (O_CREAT | __O_TMPFILE) ? va_arg(list, mode_t) : 0;
}

int open64(const char *path, int flags, ...) {
  int (*real)(const char *, int, ...);
  va_list list;
  va_start(list, flags);
  const mode_t mode = mode_of(flags, list);
  va_end(list);
  find(&real, "open64");
  return strikes("open") ? -1 : real(path, flags, mode);
}

int openat64(int folder, const char *path, int flags, ...) {
  int (*real)(int, const char *, int, ...);
  va_list list;
  va_start(list, flags);
  const mode_t mode = mode_of(flags, list);
  va_end(list);
  find(&real, "openat64");
  return strikes("open") ? -1 : real(folder, path, flags, mode);
}

FILE *fopen64(const char *path, const char *mode) {
  FILE *(*real)(const char *, const char *);
  find(&real, "fopen64");
  return strikes("open") ? NULL : real(path, mode);
}

FILE *fdopen(int fd, const char *mode) {
  FILE *(*real)(int, const char *);
  find(&real, "fdopen");
  return strikes("open") ? NULL : real(fd, mode);
}

int mkostemp64(char *path, int flags) {
  int (*real)(char *, int);
  find(&real, "mkostemp64");
  return strikes("open") ? -1 : real(path, flags);
}

ssize_t read(int fd, void *to, size_t size) {
  ssize_t (*real)(int, void *, size_t);
  find(&real, "read");
  return strikes("read") ? -1 : real(fd, to, size);
}

size_t fread(void *to, size_t size, size_t count, FILE *file) {
  size_t (*real)(void *, size_t, size_t, FILE *);
  find(&real, "fread");
  return strikes_stream("read", file) ? 0 : real(to, size, count, file);
}

ssize_t write(int fd, const void *from, size_t size) {
  ssize_t (*real)(int, const void *, size_t);
  find(&real, "write");
  return strikes("write") ? -1 : real(fd, from, size);
}

size_t fwrite(const void *from, size_t size, size_t count, FILE *file) {
  size_t (*real)(const void *, size_t, size_t, FILE *);
  find(&real, "fwrite");
  return strikes_stream("write", file) ? 0 : real(from, size, count, file);
}

int fflush(FILE *file) {
  int (*real)(FILE *);
  find(&real, "fflush");
  return strikes_stream("flush", file) ? EOF : real(file);
}

/* A stream whose last bytes can't be written is closed all the same. */
int fclose(FILE *file) {
  int (*real)(FILE *);
  find(&real, "fclose");
  if (!strikes("flush")) return real(file);
  const int number = errno;
  real(file);
  errno = number;
  return EOF;
}

int fseek(FILE *file, long at, int from) {
  int (*real)(FILE *, long, int);
  find(&real, "fseek");
  return strikes("seek") ? -1 : real(file, at, from);
}

int fseeko64(FILE *file, off64_t at, int from) {
  int (*real)(FILE *, off64_t, int);
  find(&real, "fseeko64");
  return strikes("seek") ? -1 : real(file, at, from);
}

int fseeko(FILE *file, off_t at, int from) {
  int (*real)(FILE *, off_t, int);
  find(&real, "fseeko");
  return strikes("seek") ? -1 : real(file, at, from);
}

int fsync(int fd) {
  int (*real)(int);
  find(&real, "fsync");
  return strikes("sync") ? -1 : real(fd);
}

int rename(const char *from, const char *to) {
  int (*real)(const char *, const char *);
  find(&real, "rename");
  return strikes("rename") ? -1 : real(from, to);
}
