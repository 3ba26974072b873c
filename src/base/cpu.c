/* SPDX-License-Identifier: BSD-2-Clause */
#include "unfurl/cpu.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

static const char *const ISA_NAMES[] = {
    [UNFURL_ISA_PORTABLE] = "portable", [UNFURL_ISA_BASELINE] = "baseline", [UNFURL_ISA_AVX2] = "avx2",
    [UNFURL_ISA_AVX512] = "avx512",     [UNFURL_ISA_NEON] = "neon",
};
enum { ISA_COUNT = sizeof ISA_NAMES / sizeof *ISA_NAMES, NAME_SIZE = 64 };

static bool has_isa(unfurl_isa isa) {
  switch (isa) {
  case UNFURL_ISA_PORTABLE:
  case UNFURL_ISA_BASELINE: return true;
#if defined(__x86_64__)
  case UNFURL_ISA_AVX2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  case UNFURL_ISA_AVX512:
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && has_isa(UNFURL_ISA_AVX2);
#elif defined(__aarch64__)
  case UNFURL_ISA_NEON: return true;
#endif
  default: return false;
  }
}

static unfurl_isa best_isa(void) {
  for (int isa = ISA_COUNT - 1; isa > 0; isa--)
    if (has_isa((unfurl_isa)isa)) return (unfurl_isa)isa;
  return UNFURL_ISA_PORTABLE;
}

unfurl_isa unfurl_cpu_isa(void) {
  const char *mask = getenv("UNFURL_ISA");
  for (int isa = 0; mask && isa < ISA_COUNT; isa++)
    if (!strcmp(mask, ISA_NAMES[isa]) && has_isa((unfurl_isa)isa)) return (unfurl_isa)isa;
  return best_isa();
}

const char *unfurl_isa_name(unfurl_isa isa) {
  return (size_t)isa < ISA_COUNT ? ISA_NAMES[isa] : "?";
}

#if defined(__x86_64__)
/* The brand string of CPUID: three leaves of four registers. */
static void read_name(char name[NAME_SIZE]) {
  unsigned *words = (unsigned *)(void *)name;
  unsigned eax, ebx, ecx, edx;
  if (!__get_cpuid(0x80000000u, &eax, &ebx, &ecx, &edx) || eax < 0x80000004u) return;
  for (unsigned leaf = 0; leaf < 3; leaf++, words += 4)
    __get_cpuid(0x80000002u + leaf, &words[0], &words[1], &words[2], &words[3]);
}
#elif defined(__aarch64__)
/* The main ID register, which the kernel lets programs read. */
static void read_name(char name[NAME_SIZE]) {
  unsigned long id;
  if (!(getauxval(AT_HWCAP) & HWCAP_CPUID)) return;
  __asm__("mrs %0, MIDR_EL1" : "=r"(id));
  snprintf(name, NAME_SIZE, "MIDR 0x%08lx", id);
}
#else
static void read_name(char name[NAME_SIZE]) {
  (void)name;
}
#endif

/* Printable, one blank between words, none at the ends. */
static void tidy(char *name) {
  size_t length = 0;
  for (const char *at = name; *at; at++) {
    const bool is_word = *at > ' ' && *at <= '~';
    if (is_word || (length > 0 && name[length - 1] != ' ')) name[length++] = is_word ? *at : ' ';
  }
  if (length > 0 && name[length - 1] == ' ') length--;
  name[length] = '\0';
}

size_t unfurl_cpu_name(char *buffer, size_t size) {
  _Alignas(unsigned) char name[NAME_SIZE] = {0};
  read_name(name);
  tidy(name);
  const int length = snprintf(buffer, size, "%s", *name ? name : "unknown");
  return length > 0 ? (size_t)length : 0;
}

static size_t cache_bytes(int name, size_t otherwise) {
  const long bytes = sysconf(name);
  return bytes > 0 ? (size_t)bytes : otherwise;
}

size_t unfurl_cpu_l1_bytes(void) {
  return cache_bytes(_SC_LEVEL1_DCACHE_SIZE, 32 << 10);
}

size_t unfurl_cpu_l2_bytes(void) {
  return cache_bytes(_SC_LEVEL2_CACHE_SIZE, 256 << 10);
}

size_t unfurl_cpu_count(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    const int count = CPU_COUNT(&set);
    if (count > 0) return (size_t)count;
  }
  const long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? (size_t)online : 1;
}
