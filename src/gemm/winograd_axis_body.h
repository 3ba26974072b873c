/* SPDX-License-Identifier: BSD-2-Clause */
/* The transforms along one axis (gemm/winograd.h has the formulas), for winograd_body.h. side and m are constants in each copy. */

/* B^T d: `d` are the values along an axis, by their number. */
static inline __attribute__((always_inline)) void winograd_spread_4(vec *d) {
  const vec t0 = vec_sub(d[0], d[2]), t1 = vec_add(d[1], d[2]), t2 = vec_sub(d[2], d[1]), t3 = vec_sub(d[1], d[3]);
  d[0] = t0, d[1] = t1, d[2] = t2, d[3] = t3;
}

static inline __attribute__((always_inline)) void winograd_spread_5(vec *d) {
  const vec t0 = vec_sub(d[0], d[2]), t1 = d[2], t2 = vec_sub(d[2], d[4]), t3 = d[1], t4 = d[3];
  d[0] = t0, d[1] = t1, d[2] = t2, d[3] = t3, d[4] = t4;
}

static inline __attribute__((always_inline)) void winograd_spread_6(vec *d) {
  const vec two_thirds = vec_set(2.f / 3), minus_sixth = vec_set(-1.f / 6);
  const vec even4 = vec_fma(two_thirds, d[2], vec_mul(minus_sixth, d[4]));
  const vec odd4 = vec_fma(two_thirds, d[1], vec_mul(minus_sixth, d[3]));
  const vec even1 = vec_mul(vec_set(1.f / 24), vec_sub(d[4], d[2])), odd1 = vec_sub(d[3], d[1]);
  const vec t0 = vec_fma(vec_set(-1.25f), d[2], vec_fma(vec_set(.25f), d[4], d[0]));
  const vec t5 = vec_fma(vec_set(4), d[1], vec_fma(vec_set(-5), d[3], d[5]));
  d[0] = t0;
  d[1] = vec_add(even4, odd4);
  d[2] = vec_sub(even4, odd4);
  d[3] = vec_fma(vec_set(1.f / 12), odd1, even1);
  d[4] = vec_fma(vec_set(-1.f / 12), odd1, even1);
  d[5] = t5;
}

/* The same for two outputs of F(4) or one, and for three. */
static inline __attribute__((always_inline)) void winograd_spread_2_of_4(vec *d) {
  const vec half = vec_set(.5f), t0 = vec_sub(d[0], d[2]), t5 = vec_sub(d[3], d[1]);
  const vec t1 = vec_mul(half, vec_add(d[1], d[2])), t2 = vec_mul(half, vec_sub(d[2], d[1]));
  d[0] = t0, d[1] = t1, d[2] = t2, d[5] = t5;
}

static inline __attribute__((always_inline)) void winograd_spread_3_of_4(vec *d) {
  const vec half = vec_set(.5f), minus_sixth = vec_set(-1.f / 6), difference = vec_sub(d[1], d[3]);
  const vec t0 = vec_fma(vec_set(-.5f), difference, vec_sub(d[0], d[2]));
  const vec t1 = vec_fma(half, vec_sub(d[2], d[3]), d[1]);
  const vec t2 = vec_fma(minus_sixth, vec_fma(vec_set(2), d[1], d[3]), vec_mul(half, d[2]));
  const vec t5 = vec_fma(vec_set(2), difference, vec_sub(d[4], d[2]));
  d[0] = t0, d[1] = t1, d[2] = t2, d[3] = vec_mul(minus_sixth, difference), d[5] = t5;
}

/* For one output of F(6) or two, and for three or four. */
static inline __attribute__((always_inline)) void winograd_spread_2_of_6(vec *d) {
  const vec t0 = vec_sub(d[0], d[2]), t7 = vec_sub(d[3], d[1]);
  const vec t1 = vec_mul(vec_set(-2.25f), vec_add(d[1], d[2])), t2 = vec_mul(vec_set(2.25f), vec_sub(d[1], d[2]));
  d[0] = t0, d[1] = t1, d[2] = t2, d[7] = t7;
}

static inline __attribute__((always_inline)) void winograd_spread_4_of_6(vec *d) {
  const vec even1 = vec_fma(vec_set(.75f), d[4], vec_mul(vec_set(-3), d[2]));
  const vec odd1 = vec_fma(vec_set(.75f), d[3], vec_mul(vec_set(-3), d[1]));
  const vec even2 = vec_mul(vec_set(3.75f), vec_sub(d[4], d[2])), odd2 = vec_sub(d[3], d[1]);
  const vec t0 = vec_fma(vec_set(-1.25f), d[2], vec_fma(vec_set(.25f), d[4], d[0]));
  const vec t7 = vec_fma(vec_set(4), d[1], vec_fma(vec_set(-5), d[3], d[5]));
  d[0] = t0;
  d[1] = vec_add(even1, odd1), d[2] = vec_sub(even1, odd1);
  d[3] = vec_fma(vec_set(7.5f), odd2, even2), d[4] = vec_fma(vec_set(-7.5f), odd2, even2);
  d[7] = t7;
}

static inline __attribute__((always_inline)) void winograd_spread_8(vec *d) {
  const vec even1 = vec_fma(vec_set(-4.25f), d[4], vec_add(d[2], d[6]));
  const vec odd1 = vec_fma(vec_set(-4.25f), d[3], vec_add(d[1], d[5]));
  const vec even2 = vec_fma(vec_set(.25f), d[2], vec_fma(vec_set(-1.25f), d[4], d[6]));
  const vec odd2 = vec_fma(vec_set(.5f), d[1], vec_fma(vec_set(-2.5f), d[3], vec_add(d[5], d[5])));
  const vec even3 = vec_fma(vec_set(4), d[2], vec_fma(vec_set(-5), d[4], d[6]));
  const vec odd3 = vec_fma(vec_set(.5f), d[5], vec_fma(vec_set(-2.5f), d[3], vec_add(d[1], d[1])));
  const vec t0 = vec_fma(vec_set(5.25f), vec_sub(d[4], d[2]), vec_sub(d[0], d[6]));
  const vec t7 = vec_fma(vec_set(5.25f), vec_sub(d[3], d[5]), vec_sub(d[7], d[1]));
  d[0] = t0;
  d[1] = vec_add(even1, odd1), d[2] = vec_sub(even1, odd1);
  d[3] = vec_add(even2, odd2), d[4] = vec_sub(even2, odd2);
  d[5] = vec_add(even3, odd3), d[6] = vec_sub(even3, odd3);
  d[7] = t7;
}

/* `left`: outputs of a tile of F(4) or F(6) that is cut off; 0: not so. */
static inline __attribute__((always_inline)) void winograd_spread(const size_t side, size_t left, vec *d) {
  switch (side) {
  case 4: winograd_spread_4(d); break;
  case 5: winograd_spread_5(d); break;
  case 6:
    if (left == 0)
      winograd_spread_6(d);
    else if (left == 3)
      winograd_spread_3_of_4(d);
    else
      winograd_spread_2_of_4(d);
    break;
  case 8:
    if (left == 0 || left > 4)
      winograd_spread_8(d);
    else if (left > 2)
      winograd_spread_4_of_6(d);
    else
      winograd_spread_2_of_6(d);
    break;
  }
}

/* A^T p: the m outputs of the products along an axis, by their number. */
static inline __attribute__((always_inline)) void winograd_gather_4(vec *p) {
  const vec sum = vec_add(p[1], p[2]), difference = vec_sub(p[1], p[2]);
  p[0] = vec_add(p[0], sum);
  p[1] = vec_sub(difference, p[3]);
}

static inline __attribute__((always_inline)) void winograd_gather_5(vec *p) {
  const vec y0 = vec_add(vec_add(p[0], p[1]), p[3]), y1 = vec_add(vec_sub(p[1], p[2]), p[4]);
  p[0] = y0, p[1] = y1;
}

static inline __attribute__((always_inline)) void winograd_gather_6(const size_t m, vec *p) {
  const vec sum1 = vec_add(p[1], p[2]), difference1 = vec_sub(p[1], p[2]);
  const vec sum2 = vec_add(p[3], p[4]), difference2 = vec_sub(p[3], p[4]);
  p[0] = vec_add(vec_add(p[0], sum1), sum2);
  p[1] = vec_fma(vec_set(2), difference2, difference1);
  if (m == 2) {
    p[1] = vec_add(p[1], p[5]);
    return;
  }
  p[2] = vec_fma(vec_set(4), sum2, sum1);
  if (m == 3) {
    p[2] = vec_add(p[2], p[5]);
    return;
  }
  p[3] = vec_add(vec_fma(vec_set(8), difference2, difference1), p[5]);
}

static inline __attribute__((always_inline)) void winograd_gather_2_of_4(vec *p) {
  const vec sum = vec_add(p[1], p[2]), difference = vec_sub(p[1], p[2]);
  p[0] = vec_add(p[0], sum);
  p[1] = vec_add(difference, p[5]);
}

static inline __attribute__((always_inline)) void winograd_gather_3_of_4(vec *p) {
  const vec sum = vec_add(p[1], p[2]), difference = vec_sub(p[1], p[2]);
  p[0] = vec_add(vec_add(p[0], sum), p[3]);
  p[1] = vec_fma(vec_set(2), p[3], difference);
  p[2] = vec_add(vec_fma(vec_set(4), p[3], sum), p[5]);
}

static inline __attribute__((always_inline)) void winograd_gather_8(vec *p) {
  const vec sum1 = vec_add(p[1], p[2]), difference1 = vec_sub(p[1], p[2]);
  const vec sum2 = vec_add(p[3], p[4]), difference2 = vec_sub(p[3], p[4]);
  const vec sum3 = vec_add(p[5], p[6]), difference3 = vec_sub(p[5], p[6]);
  p[0] = vec_add(vec_add(vec_add(p[0], sum1), sum2), sum3);
  p[1] = vec_fma(vec_set(.5f), difference3, vec_fma(vec_set(2), difference2, difference1));
  p[2] = vec_fma(vec_set(.25f), sum3, vec_fma(vec_set(4), sum2, sum1));
  p[3] = vec_fma(vec_set(.125f), difference3, vec_fma(vec_set(8), difference2, difference1));
  p[4] = vec_fma(vec_set(.0625f), sum3, vec_fma(vec_set(16), sum2, sum1));
  p[5] = vec_add(vec_fma(vec_set(.03125f), difference3, vec_fma(vec_set(32), difference2, difference1)), p[7]);
}

static inline __attribute__((always_inline)) void winograd_gather(const size_t side, const size_t m, size_t left,
                                                                  vec *p) {
  switch (side) {
  case 4: winograd_gather_4(p); break;
  case 5: winograd_gather_5(p); break;
  case 6:
    if (m < 4 || left == 4)
      winograd_gather_6(m, p);
    else if (left == 3)
      winograd_gather_3_of_4(p);
    else
      winograd_gather_2_of_4(p);
    break;
  case 8:
    if (left > 4) {
      winograd_gather_8(p);
      break;
    }
    p[5] = p[7]; /* the points that are used are F(4)'s */
    if (left > 2)
      winograd_gather_6(4, p);
    else
      winograd_gather_2_of_4(p);
    break;
  }
}
