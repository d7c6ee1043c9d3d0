/* A disk that is slow or fails, for the files of one ledger: loaded before the C library of a program under test. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* What the file SLOW_DISK_MODE says: "slow MS" or "fail"; anything else: the disk is well. */
static int spoiled(int fd) {
  char link[64], path[4096], mode[32] = "";
  const char *control = getenv("SLOW_DISK_MODE");
  if (control == NULL) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  if (strstr(path, "ledger.db") == NULL) return 0;
  FILE *file = fopen(control, "r");
  if (file == NULL) return 0;
  if (fgets(mode, sizeof mode, file) == NULL) mode[0] = 0;
  fclose(file);
  if (strncmp(mode, "slow ", 5) == 0) usleep((useconds_t)atoi(mode + 5) * 1000);
  return strncmp(mode, "fail", 4) == 0;
}

#define REAL(name) static __typeof__(&name) real; if (real == NULL) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
  REAL(pwrite64);
  if (spoiled(fd)) { errno = EIO; return -1; }
  return real(fd, bytes, count, at);
}
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
  REAL(pwrite);
  if (spoiled(fd)) { errno = EIO; return -1; }
  return real(fd, bytes, count, at);
}
ssize_t write(int fd, const void *bytes, size_t count) {
  REAL(write);
  if (spoiled(fd)) { errno = EIO; return -1; }
  return real(fd, bytes, count);
}
int fsync(int fd) {
  REAL(fsync);
  if (spoiled(fd)) { errno = EIO; return -1; }
  return real(fd);
}
int fdatasync(int fd) {
  REAL(fdatasync);
  if (spoiled(fd)) { errno = EIO; return -1; }
  return real(fd);
}
