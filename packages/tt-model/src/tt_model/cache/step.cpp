// One token through the blocks of the network, for all rows of a state.
//
// It computes what ring_step.py says in plain operations: norms, linear layers, rotations,
// attention to the rows that the table names, GELU, residuals and the last norm. Rows do
// not depend on each other, so that each thread takes some of them through all layers,
// and between the layers nothing leaves the processor's own cache.
//
// Letters: D features of a row, F of a head, I inputs and O outputs of a linear layer.

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <thread>
#include <type_traits>
#include <vector>

#if defined(__AVX512F__)
#define BYTES 64
#define TALL 8
#elif defined(__AVX__)
#define BYTES 32
#define TALL 6
#else
#define BYTES 16
#define TALL 6
#endif

#define PANEL (2 * BYTES)  // two vectors

extern "C" {

// Matrices lie in panels of PANEL bytes: [panels, I, outputs of a panel], the last one
// filled with 0. A layer that does not attend has no qkv.
struct Layer {
  const void *norm1, *shift1, *qkv, *qkv_bias, *proj, *proj_bias;
  const void *norm2, *shift2, *widen, *widen_bias, *narrow, *narrow_bias;
};

struct Step {
  const Layer *layers;
  const void *x;              // [rows, width], the inputs
  void *out;                  // [rows, width], the features
  const void *norm, *shift;   // of the last norm
  const void *cosine, *sine;  // [2, F] of queries and keys; no sine, no rotation
  const int32_t *table;       // [rows, slots]
  const int64_t *pad;         // [rows]
  void *keys, *values;        // [attending layers, slots, room, width]
  const int64_t *seen, *ages; // [count], the slots looked at and how old they are
  int64_t count, depth, rows, room, slots, width, heads, hidden;
  int64_t size, transition;   // tokens of one, and the index of the present one
  int64_t slot;               // where the token is stored, or -1
  int64_t threads;
  double epsilon;
};
}

namespace {

constexpr int64_t kMost = 32 * TALL;  // rows of a piece: they read much alike
constexpr int64_t kUsual = 32;        // features of a head, as in the paper

double exponential(double x) { return std::exp(x); }

// For x up to 0; NaN stays NaN.
inline float exponential(float x) {
  x = x < -87.0f ? -87.0f : x;
  const float n = std::nearbyint(x * 1.44269504f);
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const int32_t bits = (static_cast<int32_t>(n) + 127) << 23;
  float scale;
  std::memcpy(&scale, &bits, sizeof scale);
  return p * scale;
}

double gelu(double x) { return 0.5 * x * (1.0 + std::erf(x * 0.70710678118654752)); }

// Abramowitz and Stegun 7.1.26: erf to 1.5e-7.
inline float gelu(float x) {
  const float z = std::fabs(x) * 0.70710678f;
  const float t = 1.0f / (1.0f + 0.3275911f * z);
  float p = 1.061405429f;
  p = p * t - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = p * t + 0.254829592f;
  const float tail = p * t * exponential(-z * z);  // 1 - erf(z)
  return 0.5f * x * (x < 0 ? tail : 2.0f - tail);
}

template <class T>
struct Lanes {
  typedef T Vector __attribute__((vector_size(BYTES)));
  static constexpr int64_t count = BYTES / sizeof(T);
};

template <class T>
typename Lanes<T>::Vector load(const T *from) {
  typename Lanes<T>::Vector v;
  std::memcpy(&v, from, BYTES);
  return v;
}

template <class T>
void store(T *to, const typename Lanes<T>::Vector &v) {
  std::memcpy(to, &v, BYTES);
}

// Multiply TALL rows of x [., I] by a panel of the weights.
template <class T>
inline void tile(const T *x, int64_t inputs, const T *panel, const T *bias, T *out) {
  typedef typename Lanes<T>::Vector Vector;
  constexpr int64_t lanes = Lanes<T>::count;
  Vector low[TALL], high[TALL];
  for (int r = 0; r < TALL; ++r) low[r] = load(bias), high[r] = load(bias + lanes);
  for (int64_t i = 0; i < inputs; ++i) {
    const Vector first = load(panel + 2 * lanes * i);
    const Vector second = load(panel + 2 * lanes * i + lanes);
#pragma GCC unroll 8
    for (int r = 0; r < TALL; ++r) {
      const T factor = x[r * inputs + i];
      low[r] += factor * first;
      high[r] += factor * second;
    }
  }
  for (int r = 0; r < TALL; ++r) {
    store(out + 2 * lanes * r, low[r]);
    store(out + 2 * lanes * r + lanes, high[r]);
  }
}

// Apply a linear layer to x [rows, I], the rows a multiple of TALL; perhaps add to out.
template <class T>
void linear(const T *x, int64_t rows, int64_t inputs, const void *weight,
            const void *shift, int64_t outputs, bool add, T *out) {
  constexpr int64_t wide = PANEL / sizeof(T);
  const T *panel = static_cast<const T *>(weight), *b = static_cast<const T *>(shift);
  T bias[wide], found[TALL * wide];
  for (int64_t o = 0; o < outputs; o += wide, panel += inputs * wide) {
    const int64_t some = std::min(wide, outputs - o);
    std::copy_n(b + o, some, bias);
    std::fill_n(bias + some, wide - some, T(0));
    for (int64_t r = 0; r < rows; r += TALL) {
      tile(x + r * inputs, inputs, panel, bias, found);
      for (int64_t t = 0; t < TALL; ++t) {
        T *to = out + (r + t) * outputs + o;
        const T *from = found + t * wide;
        if (add)
          for (int64_t j = 0; j < some; ++j) to[j] += from[j];
        else if (some == wide)
          std::memcpy(to, from, wide * sizeof(T));
        else
          std::copy_n(from, some, to);
      }
    }
  }
}

template <class T>
void norm(const T *x, int64_t rows, int64_t width, const void *scale,
          const void *shift, double epsilon, T *out) {
  const T *w = static_cast<const T *>(scale), *b = static_cast<const T *>(shift);
  for (int64_t r = 0; r < rows; ++r, x += width, out += width) {
    T sum = 0, squares = 0;
    for (int64_t d = 0; d < width; ++d) sum += x[d];
    const T middle = sum / width;
    for (int64_t d = 0; d < width; ++d) squares += (x[d] - middle) * (x[d] - middle);
    const T factor = T(1) / std::sqrt(squares / width + T(epsilon));
    for (int64_t d = 0; d < width; ++d) out[d] = (x[d] - middle) * factor * w[d] + b[d];
  }
}

// Scale a row's queries or keys [heads, F], and rotate them where there is a sine.
template <class T>
void rotate(T *x, int64_t heads, int64_t features, const T *cosine, const T *sine) {
  const int64_t half = features / 2;
  for (int64_t h = 0; h < heads; ++h, x += features)
    for (int64_t f = 0; f < half; ++f) {
      const T a = x[f], b = x[f + half];
      x[f] = a * cosine[f] + (sine ? b * sine[f] : T(0));
      x[f + half] = b * cosine[f + half] + (sine ? a * sine[f + half] : T(0));
    }
}

#if BYTES == 64
#define EVEN 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define ODD 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#elif BYTES == 32
#define EVEN 0, 2, 4, 6, 8, 10, 12, 14
#define ODD 1, 3, 5, 7, 9, 11, 13, 15
#else
#define EVEN 0, 2, 4, 6
#define ODD 1, 3, 5, 7
#endif

// Add each lane of two vectors to its neighbour: half as many sums of each.
inline Lanes<float>::Vector fold(Lanes<float>::Vector a, Lanes<float>::Vector b) {
#if defined(__clang__) || __GNUC__ >= 12
  return __builtin_shufflevector(a, b, EVEN) + __builtin_shufflevector(a, b, ODD);
#else
  typedef int32_t Order __attribute__((vector_size(BYTES)));
  return __builtin_shuffle(a, b, Order{EVEN}) + __builtin_shuffle(a, b, Order{ODD});
#endif
}

// Multiply a query [F] with the keys at N places: N lanes, and again until they are all.
template <int64_t F, int64_t N>
inline Lanes<float>::Vector dots(const Lanes<float>::Vector *q, const float *keys,
                                 const int64_t *places) {
  constexpr int64_t lanes = Lanes<float>::count;
  if constexpr (N == 1) {
    const float *key = keys + *places;
    Lanes<float>::Vector sum = q[0] * load(key);
    for (int64_t i = 1; i < F / lanes; ++i) sum += q[i] * load(key + i * lanes);
    return sum;
  } else {
    return fold(dots<F, N / 2>(q, keys, places),
                dots<F, N / 2>(q, keys, places + N / 2));
  }
}

// Compare a query [heads, F] with the keys at as many places as a vector has lanes:
// scores [heads, stride].
template <class T, int64_t F>
void compare(const T *q, const T *keys, const int64_t *places, int64_t heads,
             int64_t features, int64_t stride, T *scores) {
  constexpr int64_t lanes = Lanes<T>::count;
  for (int64_t h = 0; h < heads; ++h, q += features, keys += features, scores += stride) {
    if constexpr (F > 0) {
      Lanes<float>::Vector query[F / lanes];
      for (int64_t i = 0; i < F / lanes; ++i) query[i] = load(q + i * lanes);
      store(scores, dots<F, lanes>(query, keys, places));
      continue;
    }
    for (int64_t l = 0; l < lanes; ++l) {
      const T *key = keys + places[l];
      T sum = 0;
      for (int64_t f = 0; f < features; ++f) sum += q[f] * key[f];
      scores[l] = sum;
    }
  }
}

// Turn scores into weights; behind the last one there is room for a whole vector.
template <class T>
void softmax(T *scores, int64_t count) {
  constexpr int64_t lanes = Lanes<T>::count;
  const int64_t whole = (count + lanes - 1) / lanes * lanes;
  std::fill_n(scores + count, whole - count, scores[0]);
  typename Lanes<T>::Vector best = load(scores);
  for (int64_t j = lanes; j < whole; j += lanes) {
    const typename Lanes<T>::Vector other = load(scores + j);
    best = other > best ? other : best;
  }
  T highest = best[0], total = 0;
  for (int64_t l = 1; l < lanes; ++l) highest = std::max(highest, best[l]);
  for (int64_t j = 0; j < whole; ++j) scores[j] = exponential(scores[j] - highest);
  for (int64_t j = 0; j < count; ++j) total += scores[j];
  const T share = T(1) / total;
  for (int64_t j = 0; j < count; ++j) scores[j] *= share;
}

// Add the values at some places, times weights [heads, stride], to out [heads, F].
template <class T, int64_t F>
void mix(const T *weights, const T *values, const int64_t *places, int64_t count,
         int64_t heads, int64_t unknown, int64_t stride, T *__restrict out) {
  constexpr int64_t lanes = Lanes<T>::count;
  const int64_t features = F ? F : unknown;
  for (int64_t h = 0; h < heads; ++h, weights += stride, values += features) {
    if constexpr (F > 0) {
      typename Lanes<T>::Vector sums[F / lanes];
      for (int64_t i = 0; i < F / lanes; ++i) sums[i] = load(out + h * F + i * lanes);
#pragma GCC unroll 4
      for (int64_t j = 0; j < count; ++j)
        for (int64_t i = 0; i < F / lanes; ++i)
          sums[i] += weights[j] * load(values + places[j] + i * lanes);
      for (int64_t i = 0; i < F / lanes; ++i) store(out + h * F + i * lanes, sums[i]);
      continue;
    }
    for (int64_t j = 0; j < count; ++j)
      for (int64_t f = 0; f < features; ++f)
        out[h * features + f] += weights[j] * values[places[j] + f];
  }
}

// Order the rows so that those with much of their past in common follow each other: what
// one has read of it is still in the processor's cache for the next.
std::vector<int64_t> related(const Step &step) {
  std::vector<int64_t> slots;  // one of each transition, the oldest first
  const int64_t *end = step.ages + step.count;
  for (int64_t age = *std::max_element(step.ages, end); age >= 0; --age) {
    const int64_t *found = std::find(step.ages, end, age);
    if (found != end) slots.push_back(step.seen[found - step.ages]);
  }
  std::vector<int64_t> order(step.rows);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    for (int64_t slot : slots) {
      const int32_t p = step.table[a * step.slots + slot];
      const int32_t q = step.table[b * step.slots + slot];
      if (p != q) return p < q;
    }
    return false;
  });
  return order;
}

// What one thread needs for the rows first..first + rows - 1 of an order.
template <class T>
class Piece {
 public:
  Piece(const Step &step, const std::vector<int64_t> &order, int64_t most)
      : s_(step),
        order_(order),
        x_(most * step.width),
        y_(most * step.width),
        wide_(most * std::max(3 * step.width, step.hidden)),
        stride_((step.count / Lanes<T>::count + 1) * Lanes<T>::count),
        scores_(most * step.heads * stride_),
        places_(most * stride_),
        counts_(most) {}

  void run(int64_t first, int64_t rows) {
    const int64_t width = s_.width, whole = (rows + TALL - 1) / TALL * TALL;
    first_ = first, rows_ = rows, padded_ = whole;
    for (int64_t r = 0; r < rows; ++r)
      std::copy_n(static_cast<const T *>(s_.x) + order_[first + r] * width, width,
                  x_.data() + r * width);
    for (int64_t r = 0; r < rows; ++r) find(r);
    int64_t attending = 0;
    for (const Layer *layer = s_.layers; layer != s_.layers + s_.depth; ++layer) {
      if (layer->qkv) attend(*layer, attending++);
      normalize(layer->norm2, layer->shift2);
      apply(y_, width, layer->widen, layer->widen_bias, s_.hidden, false, wide_);
      for (int64_t i = 0; i < rows * s_.hidden; ++i) wide_[i] = gelu(wide_[i]);
      apply(wide_, s_.hidden, layer->narrow, layer->narrow_bias, width, true, x_);
    }
    for (int64_t r = 0; r < rows; ++r)
      norm(x_.data() + r * width, 1, width, s_.norm, s_.shift, s_.epsilon,
           static_cast<T *>(s_.out) + order_[first + r] * width);
  }

 private:
  void normalize(const void *scale, const void *shift) {
    norm(x_.data(), rows_, s_.width, scale, shift, s_.epsilon, y_.data());
  }

  void apply(const std::vector<T> &x, int64_t inputs, const void *weight,
             const void *bias, int64_t outputs, bool add, std::vector<T> &out) {
    linear(x.data(), padded_, inputs, weight, bias, outputs, add, out.data());
  }

  void attend(const Layer &layer, int64_t index) {
    normalize(layer.norm1, layer.shift1);
    apply(y_, s_.width, layer.qkv, layer.qkv_bias, 3 * s_.width, false, wide_);
    const int64_t begin = index * s_.slots * s_.room * s_.width;
    T *keys = static_cast<T *>(s_.keys) + begin;
    T *values = static_cast<T *>(s_.values) + begin;
    const bool usual = s_.width == kUsual * s_.heads;
    usual ? mix_past<kUsual>(keys, values) : mix_past<0>(keys, values);
    apply(y_, s_.width, layer.proj, layer.proj_bias, s_.width, true, x_);
  }

  // Rotate a row's queries and keys, and store its keys and values.
  void enter(int64_t r, T *keys, T *values) {
    const int64_t width = s_.width, heads = s_.heads, features = width / heads;
    const T *cosine = static_cast<const T *>(s_.cosine);
    const T *sine = static_cast<const T *>(s_.sine);
    T *q = wide_.data() + 3 * r * width, *k = q + width;
    rotate(q, heads, features, cosine, sine);
    rotate(k, heads, features, cosine + features, sine ? sine + features : nullptr);
    if (s_.slot < 0) return;
    const int64_t entry = s_.table[order_[first_ + r] * s_.slots + s_.slot];
    const int64_t own = (s_.slot * s_.room + entry) * width;
    std::copy_n(k, width, keys + own);
    std::copy_n(k + width, width, values + own);
  }

  // Attend from all rows, a few keys at a time: what rows share is read once.
  template <int64_t F>
  void mix_past(T *keys, T *values) {
    constexpr int64_t lanes = Lanes<T>::count;
    constexpr int64_t known = std::is_same<T, float>::value ? F : 0;
    const int64_t width = s_.width, heads = s_.heads, features = width / heads;
    for (int64_t r = 0; r < rows_; ++r) enter(r, keys, values);
    for (int64_t j = 0; j < s_.count; j += lanes)
      for (int64_t r = 0; r < rows_; ++r)
        if (j < counts_[r])
          compare<T, known>(wide_.data() + 3 * r * width, keys, places(r) + j, heads,
                            features, stride_, scores(r) + j);
    std::fill_n(y_.data(), rows_ * width, T(0));
    for (int64_t r = 0; r < rows_; ++r)
      for (int64_t h = 0; h < heads; ++h) softmax(scores(r) + h * stride_, counts_[r]);
    for (int64_t j = 0; j < s_.count; j += lanes)
      for (int64_t r = 0; r < rows_; ++r)
        mix<T, F>(scores(r) + j, values, places(r) + j, std::min(lanes, counts_[r] - j),
                  heads, features, stride_, y_.data() + r * width);
  }

  int64_t *places(int64_t r) { return places_.data() + r * stride_; }
  T *scores(int64_t r) { return scores_.data() + r * s_.heads * stride_; }

  // List the places of the keys that a row sees; its padding is not among them. The
  // first one is repeated until they fill a vector.
  void find(int64_t r) {
    const int64_t row = order_[first_ + r], oldest = s_.transition - s_.pad[row] / s_.size;
    int64_t *list = places(r), count = 0;
    for (int64_t j = 0; j < s_.count; ++j)
      if (s_.ages[j] <= oldest) {
        const int64_t entry = s_.table[row * s_.slots + s_.seen[j]];
        list[count++] = (s_.seen[j] * s_.room + entry) * s_.width;
      }
    std::fill(list + count, list + stride_, list[0]);
    counts_[r] = count;
  }

  const Step &s_;
  const std::vector<int64_t> &order_;
  std::vector<T> x_, y_, wide_;
  int64_t stride_;  // scores of a head
  std::vector<T> scores_;
  std::vector<int64_t> places_, counts_;  // of each row: [rows, stride]
  int64_t first_ = 0, rows_ = 0, padded_ = 0;
};

template <class T>
void run(const Step &step) {
  const int64_t each = (step.rows + step.threads - 1) / step.threads;
  const int64_t size = std::min(kMost, (each + TALL - 1) / TALL * TALL);
  const int64_t tall = (size + TALL - 1) / TALL * TALL;
  const std::vector<int64_t> order = related(step);
  std::atomic<int64_t> next{0};
  auto work = [&] {
    Piece<T> piece(step, order, tall);
    for (int64_t first; (first = next.fetch_add(size)) < step.rows;)
      piece.run(first, std::min(size, step.rows - first));
  };
  std::vector<std::thread> others;
  for (int64_t t = 1; t < step.threads && t * size < step.rows; ++t)
    others.emplace_back(work);
  work();
  for (std::thread &other : others) other.join();
}

}  // namespace

extern "C" const int64_t panel_bytes = PANEL;
extern "C" void step_float(const Step *step) { run<float>(*step); }
extern "C" void step_double(const Step *step) { run<double>(*step); }
