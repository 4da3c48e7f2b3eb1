#include "scoring/evaluation_summary.h"

#include <nlohmann/json.hpp>

#include "core/files.h"

namespace telora {

namespace {

using Json = nlohmann::ordered_json;

Json to_value(const SubjectTime& subject, const EvaluationSummary& summary) {
  const auto each_second = [&](int64_t count) {
    return subject.seconds > 0 ? static_cast<double>(count) / subject.seconds : 0.0;
  };
  return {{"name", subject.name},
          {"seconds", subject.seconds},
          {"questions_per_second", each_second(summary.questions)},
          {"prompt_tokens_per_second", each_second(summary.prompt_tokens)}};
}

}  // namespace

void write_summary(const std::filesystem::path& path, const EvaluationSummary& summary) {
  Json subjects = Json::array();
  for (const SubjectTime& subject : summary.subjects)
    subjects.push_back(to_value(subject, summary));
  const Json value = {{"questions", summary.questions},
                      {"prompt_tokens", summary.prompt_tokens},
                      {"encode_seconds", summary.encode_seconds},
                      {"subjects", subjects},
                      {"peak_rss_bytes", summary.peak_rss_bytes}};
  publish(path, value.dump(1) + "\n");
}

}  // namespace telora
