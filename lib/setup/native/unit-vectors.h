/*
 * Vectors of length 1 in bfloat16, and gradients by the vectors that they were.
 */
#ifndef TUNING_FORK_UNIT_VECTORS_H_
#define TUNING_FORK_UNIT_VECTORS_H_

#include "tiles.h"

#ifdef TILES

#include <algorithm>
#include <cmath>

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")

/* Vectors of length 1, side by side, and one by the length that they had; below a squared length a vector counts as zero. */
inline void Normalize(const uint16_t *from, int64_t stride, int64_t tokens, int64_t size, float shortest, uint16_t *to,
                      float *inverse) {
  for (int64_t i = 0; i < tokens; i++, from += stride, to += size) {
    __m512 squares = _mm512_setzero_ps();
    for (int64_t c = 0; c < size; c += kTile) {
      const __m512 x = Load(from + c, Lanes(size - c));
      squares = _mm512_fmadd_ps(x, x, squares);
    }
    inverse[i] = 1 / std::sqrt(std::max(shortest, _mm512_reduce_add_ps(squares)));
    for (int64_t c = 0; c < size; c += kTile) {
      const __mmask16 some = Lanes(size - c);
      Store(to + c, some, _mm512_mul_ps(Load(from + c, some), _mm512_set1_ps(inverse[i])));
    }
  }
}

/* What of gradients is across unit vectors, by a factor and one by their lengths; returns the sum of what is along them. */
inline float Across(const uint16_t *gradients, const uint16_t *units, const float *inverse, int64_t tokens, int64_t size,
                    float by, uint16_t *to, int64_t stride) {
  float all = 0;
  for (int64_t i = 0; i < tokens; i++, gradients += size, units += size, to += stride) {
    __m512 sum = _mm512_setzero_ps();
    for (int64_t c = 0; c < size; c += kTile) {
      const __mmask16 some = Lanes(size - c);
      sum = _mm512_fmadd_ps(Load(gradients + c, some), Load(units + c, some), sum);
    }
    const float along = _mm512_reduce_add_ps(sum);
    all += along;
    for (int64_t c = 0; c < size; c += kTile) {
      const __mmask16 some = Lanes(size - c);
      const __m512 across = _mm512_fnmadd_ps(_mm512_set1_ps(along), Load(units + c, some), Load(gradients + c, some));
      Store(to + c, some, _mm512_mul_ps(across, _mm512_set1_ps(by * inverse[i])));
    }
  }
  return all;
}

#pragma GCC pop_options

#endif
#endif  // TUNING_FORK_UNIT_VECTORS_H_
