/*
 * What convolutions by 3 × 3 filters share that multiply less: two by two pixels, or a filter's gradient by them, come from 16
 * products where 36 are in their definition (Winograd 1980; Lavin & Gray 2015, arXiv:1509.09308).
 *
 * In one dimension, with d four neighbors and g a filter of three, m = (d0 - d2) g0, (d1 + d2) (g0 + g1 + g2) / 2,
 * (d2 - d1) (g0 - g1 + g2) / 2, (d1 - d3) g2 give m0 + m1 + m2 and m1 - m2 - m3. In two dimensions rows are done after columns. Of
 * each of the 16 points the products over all channels are one product of matrices.
 */
#ifndef TUNING_FORK_WINOGRAD_H_
#define TUNING_FORK_WINOGRAD_H_

#include "tiles.h"

#ifdef TILES

#include <algorithm>
#include <cstdint>

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl")

constexpr int kPoints = 16;
/* Columns of a product that are summed together, and most rows. */
constexpr int64_t kAcross = 32, kDown = 14;
/* Bytes that come from memory together. */
constexpr int64_t kCacheLine = 64;

/* Images in tiles of two by two pixels, of which the last ones may be outside. */
struct Tiling {
  int64_t images, height, width;

  int64_t down() const { return (height + 1) / 2; }
  int64_t across() const { return (width + 1) / 2; }
  int64_t count() const { return images * down() * across(); }
  /* The pixels of a tile, with `margin` more on each side, row after row; `outside` for those that are not in the image. */
  template <class T>
  void Pixels(T *image, int64_t channels, int64_t tile, int64_t margin, T *outside, T **pixels) const {
    const int64_t in_image = tile % (down() * across()), first = tile / (down() * across()) * height;
    const int64_t top = 2 * (in_image / across()) - margin, left = 2 * (in_image % across()) - margin;
    for (int64_t y = top; y < top + 2 + 2 * margin; y++)
      for (int64_t x = left; x < left + 2 + 2 * margin; x++)
        *pixels++ = y < 0 || x < 0 || y >= height || x >= width ? outside : image + ((first + y) * width + x) * channels;
  }
};

/*
 * The 16 points of a tile and its neighbors, 4 × 4 pixels, of channels `from` to `to`; the points lie `apart`. As many zeros as
 * fill 16 channels follow the last.
 */
inline void PointsOfImage(const float *const *pixels, int64_t from, int64_t to, float *points, int64_t apart) {
  for (int64_t c = from; c < to; c += kTile, points += kTile) {
    const __mmask16 some = Lanes(to - c);
    __m512 columns[4][4];
#pragma GCC unroll 4
    for (int x = 0; x < 4; x++) {
      const __m512 d0 = Load(pixels[x] + c, some), d1 = Load(pixels[4 + x] + c, some);
      const __m512 d2 = Load(pixels[8 + x] + c, some), d3 = Load(pixels[12 + x] + c, some);
      columns[0][x] = _mm512_sub_ps(d0, d2);
      columns[1][x] = _mm512_add_ps(d1, d2);
      columns[2][x] = _mm512_sub_ps(d2, d1);
      columns[3][x] = _mm512_sub_ps(d1, d3);
    }
#pragma GCC unroll 4
    for (int y = 0; y < 4; y++) {
      const __m512 *d = columns[y];
      float *row = points + 4 * y * apart;
      _mm512_store_ps(row, _mm512_sub_ps(d[0], d[2]));
      _mm512_store_ps(row + apart, _mm512_add_ps(d[1], d[2]));
      _mm512_store_ps(row + 2 * apart, _mm512_sub_ps(d[2], d[1]));
      _mm512_store_ps(row + 3 * apart, _mm512_sub_ps(d[1], d[3]));
    }
  }
}

/* Two matrices and their product; elements of a row of the first lie `a_next` apart, the second one has 32 columns. */
struct Product {
  const float *a;
  int64_t a_row, a_next;
  const float *b;
  int64_t depth;
  float *c;
  int64_t c_row;
  /* What is read next is fetched meanwhile, so many lines of it. */
  const char *next;
  int64_t lines;
};

/* Some rows of a product; added to what is there, or in its place. */
template <int rows, bool added>
void MultiplySome(const Product &p) {
  __m512 sums[rows][2];
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++) {
    sums[r][0] = added ? _mm512_load_ps(p.c + r * p.c_row) : _mm512_setzero_ps();
    sums[r][1] = added ? _mm512_load_ps(p.c + r * p.c_row + kTile) : _mm512_setzero_ps();
  }
  // Three rows by one pointer: a processor has no registers for one each.
  constexpr int kPointers = (rows + 2) / 3;
  const float *a[kPointers], *b = p.b;
  for (int i = 0; i < kPointers; i++) a[i] = p.a + 3 * i * p.a_row;
  const int64_t one = p.a_row, two = 2 * p.a_row, next = p.a_next;
  const char *ahead = p.next;
  for (int64_t k = 0; k < p.depth; k++, b += kAcross) {
    const __m512 left = _mm512_load_ps(b), right = _mm512_load_ps(b + kTile);
    if (k < p.lines) __builtin_prefetch(ahead + kCacheLine * k, 0, 2);
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++) {
      const __m512 x = _mm512_set1_ps(a[r / 3][r % 3 == 0 ? 0 : r % 3 == 1 ? one : two]);
      sums[r][0] = _mm512_fmadd_ps(x, left, sums[r][0]);
      sums[r][1] = _mm512_fmadd_ps(x, right, sums[r][1]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kPointers; i++) a[i] += next;
  }
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++) {
    _mm512_store_ps(p.c + r * p.c_row, sums[r][0]);
    _mm512_store_ps(p.c + r * p.c_row + kTile, sums[r][1]);
  }
}

/* All rows of a product, in groups of about as many; each has its share of what follows b fetched. */
template <bool added>
inline void MultiplyRows(Product p, int64_t rows) {
  static constexpr void (*kSome[])(const Product &) = {
      nullptr,
      MultiplySome<1, added>,  MultiplySome<2, added>,  MultiplySome<3, added>,  MultiplySome<4, added>,
      MultiplySome<5, added>,  MultiplySome<6, added>,  MultiplySome<7, added>,  MultiplySome<8, added>,
      MultiplySome<9, added>,  MultiplySome<10, added>, MultiplySome<11, added>, MultiplySome<12, added>,
      MultiplySome<13, added>, MultiplySome<14, added>};
  const int64_t groups = (rows + kDown - 1) / kDown, each = (rows + groups - 1) / groups;
  p.next = reinterpret_cast<const char *>(p.b + p.depth * kAcross);
  p.lines = (kAcross * static_cast<int64_t>(sizeof(float)) / kCacheLine * p.depth + groups - 1) / groups;
  for (int64_t row = 0; row < rows; row += each) {
    const int64_t count = std::min(each, rows - row);
    kSome[count](p);
    p.a += count * p.a_row;
    p.c += count * p.c_row;
    p.next += kCacheLine * p.lines;
  }
}

#pragma GCC pop_options

#endif
#endif  // TUNING_FORK_WINOGRAD_H_
