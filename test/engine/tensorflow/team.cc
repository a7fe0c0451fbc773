/* Callers share work by teams over and over; each number must be counted once in each call. */
#include "../../../lib/setup/native/team.h"

#include <cstdio>
#include <vector>

struct Call {
  std::atomic<int> *counts;
  int64_t length;
};

static void Count(void *what, int part, int parts) {
  const Call &call = *static_cast<Call *>(what);
  // Long enough for others to come and take a part.
  for (int i = 0; i < 100; i++) _mm_pause();
  for (int64_t i = call.length * part / parts; i < call.length * (part + 1) / parts; i++)
    call.counts[i].fetch_add(1, std::memory_order_relaxed);
}

/* Calls by so many at once; how many numbers were wrong. */
static int WrongOf(int callers) {
  constexpr int kCalls = 3000, kMost = 40;
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int caller = 0; caller < callers; caller++)
    threads.emplace_back([caller, &wrong] {
      for (int i = 0; i < kCalls; i++) {
        const int length = (i * 7 + caller) % kMost, parts = (i + caller) % 9 + 1;
        // On the stack: a part that is done too late would write where something else lies by then.
        std::atomic<int> counts[kMost] = {};
        Call call = {counts, length};
        Team::Share(9, parts, &Count, &call);
        for (int k = 0; k < kMost; k++) wrong += counts[k].load() != (k < length);
        // Long enough for helpers to fall asleep.
        if (i % 300 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
      }
    });
  for (auto &thread : threads) thread.join();
  return wrong;
}

int main() {
  const int alone = WrongOf(1), crowd = WrongOf(12);
  std::printf("numbers wrong: %d by one caller, %d by twelve\n", alone, crowd);
  return alone + crowd == 0 ? 0 : 1;
}
