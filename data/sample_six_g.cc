#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "data/sample.h"
#include "data/sample_composer.h"

// Small network-decision situations. The rule behind every row: four measures are given in percent
// of their limits, exactly one stands above 100, and the right option is the one that answers it.

namespace telora::sample {

namespace {

constexpr size_t kEpisodes = 66;
constexpr size_t kMeasures = 6;
constexpr size_t kShown = 4;

constexpr std::string_view kNames[kMeasures] = {"latency",   "jitter",     "loss",
                                                "edge load", "radio load", "energy use"};

// One decision task; `answers` are in the order of kNames.
struct Task {
  std::string_view id;
  std::string_view name;
  std::string_view difficulty;
  std::string_view reason;
  std::array<std::string_view, 3> asks;
  std::string_view answers[kMeasures];
};

constexpr Task kTasks[] = {
    {"T2",
     "Limit watch",
     "easy",
     "LIMIT_EXCEEDED",
     {"Which measure breaks its limit?", "What is out of bounds here?",
      "Name the measure that needs attention."},
     {"latency", "jitter", "loss", "edge load", "radio load", "energy use"}},
    {"T6",
     "First action",
     "medium",
     "ACTION_FOR_LIMIT",
     {"What should the agent do first?", "Choose the action that helps.",
      "Which step brings all measures back within limits?"},
     {"take a shorter route", "enlarge the playout buffer", "send packets on two paths",
      "move tasks to another edge site", "hand users over to another cell", "slow down the drone"}},
    {"T11",
     "Alarm choice",
     "medium",
     "ALARM_FOR_LIMIT",
     {"Which alarm is to be raised?", "What should the report to the operator be called?",
      "Pick the alarm that fits."},
     {"delay alarm", "delay variation alarm", "packet loss alarm", "computing overload alarm",
      "cell congestion alarm", "battery alarm"}},
    {"T18",
     "Agent handover",
     "hard",
     "AGENT_FOR_LIMIT",
     {"Which specialist agent should take over?", "To which agent does the case go?",
      "Who is asked for help?"},
     {"routing agent", "buffering agent", "reliability agent", "compute agent", "spectrum agent",
      "flight agent"}},
    {"T24",
     "Next forecast",
     "hard",
     "FORECAST_FOR_LIMIT",
     {"What should be forecast for the next turns?", "Which forecast matters most now?",
      "The agent may request one forecast. Which?"},
     {"path delay", "arrival time spread", "share of lost packets", "server utilisation",
      "demand in the cell", "remaining flight time"}},
};

constexpr std::string_view kSlices[] = {"eMBB", "URLLC", "mMTC"};
constexpr std::string_view kMissions[] = {"Crop survey", "Bridge inspection", "Parcel delivery",
                                          "Fire watch",  "Traffic patrol",    "Search flight"};

struct Episode {
  size_t broken = 0;  // index of the measure above its limit
  std::string_view slice;
  std::string_view mission;
};

std::string describe(const Episode& episode, const std::vector<size_t>& shown, size_t turn,
                     RandomStream& random) {
  std::string text =
      fmt::format("{}, turn {}, slice {}, percent of limit:", episode.mission, turn, episode.slice);
  for (size_t measure : shown) {
    const bool broken = measure == episode.broken;
    const uint64_t percent = broken ? 130 + random.below(170) : 12 + random.below(75);
    text += fmt::format(" {} {}{}", kNames[measure], percent, measure == shown.back() ? "." : ",");
  }
  return text;
}

// The broken measure and three others, in random order.
std::vector<size_t> choose_shown(size_t broken, RandomStream& random) {
  std::vector<size_t> shown;
  for (size_t i = 0; i < kMeasures; ++i) {
    if (i != broken) shown.push_back(i);
  }
  shuffle(shown, random);
  shown.resize(kShown - 1);
  shown.push_back(broken);
  shuffle(shown, random);
  return shown;
}

Item make_item(const Episode& episode, const Task& task, size_t turn, size_t gold,
               RandomStream& random) {
  const std::vector<size_t> shown = choose_shown(episode.broken, random);
  Item item;
  item.question = fmt::format("{} {}", describe(episode, shown, turn, random),
                              task.asks[random.below(task.asks.size())]);
  std::vector<size_t> order = shown;
  shuffle(order, random);  // options must not follow the order of the measures in the question
  const auto broken = std::ranges::find(order, episode.broken) - order.begin();
  std::swap(order[static_cast<size_t>(broken)], order[gold]);
  for (size_t measure : order) item.options.emplace_back(task.answers[measure]);
  item.answer = gold;
  return item;
}

std::string make_row(const Item& item, const Task& task) {
  nlohmann::ordered_json row = letter_row(item);
  row["task_id"] = task.id;
  row["task_name"] = task.name;
  row["difficulty"] = task.difficulty;
  row["category"] = task.reason;
  return row.dump();
}

}  // namespace

std::vector<std::string> six_g_rows() {
  RandomStream random(stream_key(42, "sample/sixg_bench"));
  const std::vector<size_t> broken = deal(kEpisodes, kMeasures, random);
  const std::vector<size_t> golds = deal(kEpisodes * std::size(kTasks), kShown, random);
  std::vector<std::string> rows;
  for (size_t e = 0; e < kEpisodes; ++e) {
    const Episode episode = {broken[e], kSlices[random.below(std::size(kSlices))],
                             kMissions[random.below(std::size(kMissions))]};
    size_t turn = 1 + random.below(4);
    for (const Task& task : kTasks) {
      rows.push_back(make_row(make_item(episode, task, turn, golds[rows.size()], random), task));
      turn += 1 + random.below(3);
    }
  }
  return rows;
}

}  // namespace telora::sample
