/*
 * What kernels of attention in float32 share, for processors with AVX-512: products of twelve rows, exponentials, and how keys and
 * values lie for them.
 */
#ifndef TUNING_FORK_FULL_HEADS_H_
#define TUNING_FORK_FULL_HEADS_H_

#include "heads.h"

#ifdef TILES

#include <algorithm>

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl")

/* Rows that are taken together, and columns: two registers of sums each, 24 of the 32 that there are. */
constexpr int kRows = 12;
constexpr int64_t kBlock = 2 * kTile;

inline int64_t Blocks(int64_t n) { return (n + kBlock - 1) / kBlock; }

/* e^x for x up to 0, to float32's last digits: by the series around the nearest power of two. A NaN stays one. */
inline __m512 Exponential(__m512 x) {
  // Of 1/7! to 1.
  constexpr float kSeries[] = {1.98412698e-4f, 1.38888889e-3f, 8.33333333e-3f, 4.16666667e-2f, 1.66666667e-1f, 0.5f, 1, 1};
  x = _mm512_max_ps(_mm512_set1_ps(-104), x);
  const __m512 whole = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)),
                                            _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  // ln 2 in two parts, of which the first has so few digits that its multiples are exact.
  __m512 rest = _mm512_fnmadd_ps(whole, _mm512_set1_ps(0.693359375f), x);
  rest = _mm512_fnmadd_ps(whole, _mm512_set1_ps(-2.12194440e-4f), rest);
  __m512 sum = _mm512_set1_ps(kSeries[0]);
#pragma GCC unroll 8
  for (int i = 1; i < 8; i++) sum = _mm512_fmadd_ps(sum, rest, _mm512_set1_ps(kSeries[i]));
  return _mm512_scalef_ps(sum, whole);
}

/* The largest of some numbers, in all lanes. */
inline __m512 Largest(const float *x, int64_t count) {
  __m512 largest = _mm512_set1_ps(-INFINITY);
  for (int64_t i = 0; i < count; i += kTile)
    largest = _mm512_mask_max_ps(largest, Lanes(count - i), largest, _mm512_load_ps(x + i));
  return _mm512_set1_ps(_mm512_reduce_max_ps(largest));
}

/* Rows of a product's first operand, in elements: from one to the next, and from one number of a row to the next. */
struct RowsOf {
  const float *at;
  int64_t row, number;
};

/*
 * Products of twelve rows and `deep` rows of a block `b`, which lie one after another, into the rows `to`, or added to them; of
 * its columns the first 16 or all.
 */
template <int kRegisters, bool kAdd>
inline __attribute__((always_inline)) void Products(RowsOf a, const float *b, int64_t deep, float *to, int64_t to_stride) {
  // In registers, which takes loops that are written out.
  __m512 sums[kRows][kRegisters];
#pragma GCC unroll 12
  for (int r = 0; r < kRows; r++)
#pragma GCC unroll 2
    for (int i = 0; i < kRegisters; i++)
      sums[r][i] = kAdd ? _mm512_load_ps(to + r * to_stride + i * kTile) : _mm512_setzero_ps();
  for (int64_t j = 0; j < deep; j++, b += kBlock, a.at += a.number) {
    __m512 columns[kRegisters];
#pragma GCC unroll 2
    for (int i = 0; i < kRegisters; i++) columns[i] = _mm512_load_ps(b + i * kTile);
#pragma GCC unroll 12
    for (int r = 0; r < kRows; r++) {
      const __m512 by = _mm512_set1_ps(a.at[r * a.row]);
#pragma GCC unroll 2
      for (int i = 0; i < kRegisters; i++) sums[r][i] = _mm512_fmadd_ps(by, columns[i], sums[r][i]);
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < kRows; r++)
#pragma GCC unroll 2
    for (int i = 0; i < kRegisters; i++) _mm512_store_ps(to + r * to_stride + i * kTile, sums[r][i]);
}

/* The same into a block of `columns`, of which there may be fewer. */
template <bool kAdd>
inline void BlockOfProducts(int64_t columns, RowsOf a, const float *b, int64_t deep, float *to, int64_t to_stride) {
  if (columns > kTile) Products<2, kAdd>(a, b, deep, to, to_stride);
  else Products<1, kAdd>(a, b, deep, to, to_stride);
}

/* Keys, so that those of a block lie side by side; zeros where there are none. */
inline void PackKeys(const float *k, int64_t stride, int64_t count, int64_t size, float *to) {
  __m512i lines[kTile];
  for (int64_t n = 0; n < Blocks(count) * kBlock; n += kTile)
    for (int64_t c = 0; c < size; c += kTile) {
      for (int j = 0; j < kTile; j++)
        lines[j] = _mm512_castps_si512(
            Load(k + (n + j) * stride + c, n + j < count ? Lanes(size - c) : 0));
      Transpose(lines);
      float *at = to + (n / kBlock * size + c) * kBlock + n % kBlock;
      for (int j = 0; j < std::min<int64_t>(kTile, size - c); j++) _mm512_store_si512(at + j * kBlock, lines[j]);
    }
}

/* Values, so that the numbers of a block lie side by side; zeros where there are none. */
inline void PackValues(const float *v, int64_t stride, int64_t count, int64_t size, float *to) {
  for (int64_t c = 0; c < Blocks(size) * kBlock; c += kTile)
    for (int64_t n = 0; n < count; n++)
      _mm512_store_ps(to + (c / kBlock * count + n) * kBlock + c % kBlock,
                      Load(v + n * stride + c, Lanes(size - c)));
}

/* Tokens by a factor. */
inline void Scale(const float *from, int64_t stride, int64_t tokens, int64_t size, float by, float *to, int64_t to_stride) {
  for (int64_t i = 0; i < tokens; i++)
    for (int64_t c = 0; c < size; c += kTile) {
      const __mmask16 some = Lanes(size - c);
      _mm512_mask_storeu_ps(to + i * to_stride + c, some,
                            _mm512_mul_ps(Load(from + i * stride + c, some), _mm512_set1_ps(by)));
    }
}

#pragma GCC pop_options

#endif
#endif  // TUNING_FORK_FULL_HEADS_H_
