/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/fpenv.h"

#if defined(__x86_64__)

enum { MXCSR_DEFAULT = 0x1f80, MXCSR_FLUSH = 0x8040 /* FTZ and DAZ */ };

unfurl_fpenv unfurl_fpenv_enter(bool flush_to_zero) {
  const unsigned before = __builtin_ia32_stmxcsr();
  __builtin_ia32_ldmxcsr(flush_to_zero ? MXCSR_DEFAULT | MXCSR_FLUSH : MXCSR_DEFAULT);
  return before;
}

void unfurl_fpenv_leave(unfurl_fpenv before) {
  __builtin_ia32_ldmxcsr((unsigned)before);
}

#elif defined(__aarch64__)

enum { FPCR_DEFAULT = 0, FPCR_FLUSH = 1 << 24 /* FZ */ };

unfurl_fpenv unfurl_fpenv_enter(bool flush_to_zero) {
  uint64_t before;
  const uint64_t now = flush_to_zero ? FPCR_FLUSH : FPCR_DEFAULT;
  __asm__ volatile("mrs %0, fpcr" : "=r"(before));
  __asm__ volatile("msr fpcr, %0" ::"r"(now));
  return before;
}

void unfurl_fpenv_leave(unfurl_fpenv before) {
  __asm__ volatile("msr fpcr, %0" ::"r"(before));
}

#else

#include <fenv.h>

unfurl_fpenv unfurl_fpenv_enter(bool flush_to_zero) {
  (void)flush_to_zero;
  const int before = fegetround();
  fesetround(FE_TONEAREST);
  return (unfurl_fpenv)before;
}

void unfurl_fpenv_leave(unfurl_fpenv before) {
  fesetround((int)before);
}

#endif
