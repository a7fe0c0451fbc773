/*
 * How batch norms read an image, forward and backward: once for its sums and once for what comes of them.
 */
#ifndef TUNING_FORK_BATCH_NORM_ROWS_H_
#define TUNING_FORK_BATCH_NORM_ROWS_H_

#include "tiles.h"

#ifdef TILES

#include "team.h"

#include <algorithm>
#include <cstdint>

namespace {

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")

/* Numbers of a row at least; rows whose sums are added up before they go into longer ones; rows that are read together. */
constexpr int64_t kRow = 128, kBlock = 128, kTogether = 4;

struct Op {
  bool low, relu;
  float epsilon, momentum;
  int64_t threads;
};

/* Values of each number of a row: those of its channel. */
enum Along { kMean, kFactor, kOffset, kSlope, kShift, kAlongs };

struct Call {
  const Op &op;
  const void *x, *dy;
  void *result;
  int64_t numbers, channels, row, shares;
  float *along[kAlongs];
  /* Of each share: two sums for each number of a row. */
  double *sums;
  float *block;

  /* Rows of a share; the last one may be short. */
  int64_t First(int64_t share) const { return (numbers + row - 1) / row * share / shares; }
};

/*
 * What is summed and what is computed, forward and backward, of `rows` rows from the number `at` on, of each of which `count` numbers
 * are there.
 */
template <class T, bool backward, bool relu>
struct Of {
  template <int rows>
  static void Sum(const Call &call, int64_t at, int64_t count, float *sums) {
    const T *x = static_cast<const T *>(call.x) + at, *dy = backward ? static_cast<const T *>(call.dy) + at : nullptr;
    for (int64_t i = 0; i < count; i += kTile) {
      const __mmask16 some = Lanes(count - i);
      const __m512 mean = _mm512_loadu_ps(call.along[kMean] + i);
      __m512 first = _mm512_loadu_ps(sums + i), second = _mm512_loadu_ps(sums + call.row + i);
#pragma GCC unroll 4
      for (int j = 0; j < rows; j++) {
        const __m512 off = _mm512_maskz_sub_ps(some, Load(x + j * call.row + i, some), mean);
        if (backward) {
          const __m512 slope = Passed(call, i, off, Load(dy + j * call.row + i, some));
          first = _mm512_add_ps(first, slope);
          second = _mm512_fmadd_ps(slope, off, second);
        } else {
          first = _mm512_add_ps(first, off);
          second = _mm512_fmadd_ps(off, off, second);
        }
      }
      _mm512_storeu_ps(sums + i, first);
      _mm512_storeu_ps(sums + call.row + i, second);
    }
  }

  template <int rows>
  static void Compute(const Call &call, int64_t at, int64_t count, float *) {
    const T *x = static_cast<const T *>(call.x) + at, *dy = backward ? static_cast<const T *>(call.dy) + at : nullptr;
    T *result = static_cast<T *>(call.result) + at;
    for (int64_t i = 0; i < count; i += kTile) {
      const __mmask16 some = Lanes(count - i);
      const auto of = [&](Along what) { return _mm512_loadu_ps(call.along[what] + i); };
      const __m512 mean = of(kMean), factor = of(kFactor), slope = of(kSlope), shift = of(kShift);
#pragma GCC unroll 4
      for (int j = 0; j < rows; j++) {
        const __m512 off = _mm512_sub_ps(Load(x + j * call.row + i, some), mean);
        const __m512 value =
            backward ? _mm512_fmadd_ps(factor, Passed(call, i, off, Load(dy + j * call.row + i, some)),
                                       _mm512_fmadd_ps(off, slope, shift))
                     : Rectified(Normal(call, i, off));
        Store(result + j * call.row + i, some, value);
      }
    }
  }

 private:
  static __m512 Normal(const Call &call, int64_t i, __m512 off) {
    return _mm512_fmadd_ps(off, _mm512_loadu_ps(call.along[kFactor] + i), _mm512_loadu_ps(call.along[kOffset] + i));
  }
  /* NaN is the second operand, which is what comes out then. */
  static __m512 Rectified(__m512 y) { return relu ? _mm512_max_ps(_mm512_setzero_ps(), y) : y; }
  /* The gradient that a ReLU lets through. */
  static __m512 Passed(const Call &call, int64_t i, __m512 off, __m512 dy) {
    if (!relu) return dy;
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(Normal(call, i, off), _mm512_setzero_ps(), _CMP_GT_OQ), dy);
  }
};

/* `some` rows at a time, and the last of those from `begin` to `end` one by one. */
template <void (*some)(const Call &, int64_t, int64_t, float *), void (*one)(const Call &, int64_t, int64_t, float *)>
void Rows(const Call &call, int64_t begin, int64_t end, float *sums) {
  for (; begin + kTogether < end; begin += kTogether) some(call, begin * call.row, call.row, sums);
  for (; begin < end; begin++) one(call, begin * call.row, std::min(call.row, call.numbers - begin * call.row), sums);
}

template <class Form>
void SumShare(void *what, int share, int) {
  const Call &call = *static_cast<const Call *>(what);
  double *sums = call.sums + 2 * call.row * share;
  float *block = call.block + 2 * call.row * share;
  std::fill_n(sums, 2 * call.row, 0.0);
  const int64_t end = call.First(share + 1);
  for (int64_t begin = call.First(share); begin < end; begin += kBlock) {
    std::fill_n(block, 2 * call.row, 0.0f);
    Rows<&Form::template Sum<kTogether>, &Form::template Sum<1>>(call, begin, std::min(begin + kBlock, end), block);
    for (int64_t i = 0; i < 2 * call.row; i++) sums[i] += block[i];
  }
}

template <class Form>
void ComputeShare(void *what, int share, int) {
  const Call &call = *static_cast<const Call *>(what);
  const int64_t first = call.First(share);
  for (int64_t end = call.First(share + 1); end > first; end -= std::min(kBlock, end - first))
    Rows<&Form::template Compute<kTogether>, &Form::template Compute<1>>(call, std::max(first, end - kBlock), end, nullptr);
}

#pragma GCC pop_options

}  // namespace

#endif
#endif  // TUNING_FORK_BATCH_NORM_ROWS_H_
