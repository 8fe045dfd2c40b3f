// A game loop at 60 frames a second that gives the model 2 ms of each frame: the text comes while
// the game runs, and a histogram shows how long the model really took.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <nemotron/nemotron.hpp>
#include <thread>

using Clock = std::chrono::steady_clock;

int main(int argc, char** argv) try {
  if (argc < 3 || argc > 4) return 2;  // MODEL QUESTION [FRAMES]
  const int n_frames = argc == 4 ? std::atoi(argv[3]) : 600;
  constexpr auto kFrame = std::chrono::microseconds(16'600);
  constexpr std::uint64_t kBudgetUs = 2'000;
  constexpr std::uint64_t kBucketUs = 250;

  auto context = nemotron::Context::load(argv[1]);
  nemotron::Session session(context);
  session.submit(context.chat_tokenize({nemotron::Message::user(argv[2])}),
                 {.max_tokens = 200, .parse_reply = true});

  std::array<int, 16> histogram{};  // the last bucket: and longer
  std::string text;
  auto next_frame = Clock::now();
  for (int frame = 0; frame < n_frames; ++frame) {
    // Here the game would move and draw.
    const nemo_pump_result pumped = context.pump(kBudgetUs);
    ++histogram[std::min<std::size_t>(pumped.elapsed_us / kBucketUs, histogram.size() - 1)];
    nemotron::Event event;
    while ((event = session.poll()))  // thoughts are for the model alone
      if (event.type != NEMO_EVENT_REASONING) text += event.name + event.text;
    if (pumped.has_more == 0) break;
    std::this_thread::sleep_until(next_frame += kFrame);
  }

  std::printf("%s\n\n   pump  frames (budget %.1f ms)\n", text.c_str(), kBudgetUs / 1000.0);
  for (std::size_t i = 0; i < histogram.size(); ++i)
    if (histogram[i] > 0)
      std::printf("%s%4.2f ms  %d\n", i + 1 < histogram.size() ? "< " : ">=",
                  static_cast<double>((i + (i + 1 < histogram.size())) * kBucketUs) / 1000.0,
                  histogram[i]);
} catch (const nemotron::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
