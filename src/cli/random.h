/* SPDX-License-Identifier: BSD-2-Clause */
/* Random numbers that are the same on every machine: splitmix64 (S. Vigna, public domain). */
#ifndef CLI_RANDOM_H
#define CLI_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* The next 64 bits; *state is any number. */
static inline uint64_t random_next(uint64_t *state) {
  uint64_t bits = *state += UINT64_C(0x9e3779b97f4a7c15);
  bits = (bits ^ (bits >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  bits = (bits ^ (bits >> 27)) * UINT64_C(0x94d049bb133111eb);
  return bits ^ (bits >> 31);
}

/* Uniform in [-1, 1), of 24 bits. */
static inline float random_signed(uint64_t *state) {
  return (float)((int64_t)(random_next(state) >> 40) - (INT64_C(1) << 23)) * 0x1p-23f;
}

#endif
