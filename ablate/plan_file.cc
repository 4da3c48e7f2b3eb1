#include "ablate/plan_file.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "core/document.h"
#include "core/files.h"

namespace telora {

namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kFormat = 1;

Json run_json(const PlannedRun& run) {
  Json values = Json::object();
  for (const auto& [key, value] : run.values) values[key] = value;
  return {{"name", run.name}, {"values", values}, {"recipe", to_yaml(run.recipe)}};
}

PlannedRun run_of(Fields& fields, const std::string& file) {
  PlannedRun run{.name = fields.string("name"),
                 .values = {},
                 .recipe = read_recipe(fields.string("recipe"), file)};
  const std::filesystem::path name = run.name;
  if (name.filename() != name || run.name.starts_with('.')) {
    fields.fail("name", printable(run.name, 40), "the name of a folder");
  }
  Fields values = fields.object("values");
  for (const std::string& key : values.keys()) run.values.emplace_back(key, values.string(key));
  fields.finish();
  return run;
}

std::vector<size_t> task_of(const Json& task, Fields& fields, size_t runs) {
  std::vector<size_t> indices;
  for (const Json& index : task) {
    if (!index.is_number_unsigned() || index.get<size_t>() >= runs) {
      fields.fail("tasks", index.dump(), "numbers of runs");
    }
    indices.push_back(index.get<size_t>());
  }
  return indices;
}

// Runs with equal keys can be trained in one process (require_same_backbone).
auto process_key(const Recipe& r) {
  return std::tuple(r.backbone, r.precision, r.chat_template, r.device, r.threads);
}

}  // namespace

std::vector<std::vector<size_t>> make_tasks(const std::vector<PlannedRun>& runs, int64_t jobs) {
  std::vector<std::vector<size_t>> groups;
  for (size_t i = 0; i < runs.size(); ++i) {
    const auto same = std::ranges::find_if(groups, [&](const auto& group) {
      return process_key(runs[group.front()].recipe) == process_key(runs[i].recipe);
    });
    if (same == groups.end()) {
      groups.push_back({i});
    } else {
      same->push_back(i);
    }
  }
  const auto longest = [&] {
    return std::ranges::max_element(groups, {}, &std::vector<size_t>::size);
  };
  while (std::ssize(groups) < jobs && longest()->size() > 1) {
    auto& group = *longest();
    const auto middle = group.begin() + static_cast<std::ptrdiff_t>((group.size() + 1) / 2);
    std::vector<size_t> half(middle, group.end());
    group.erase(middle, group.end());
    groups.push_back(std::move(half));
  }
  std::ranges::sort(groups);
  return groups;
}

void write_plan(const std::filesystem::path& file, const Plan& plan) {
  Json runs = Json::array();
  for (const PlannedRun& run : plan.runs) runs.push_back(run_json(run));
  const Json json{{"format", kFormat},
                  {"digest", plan_digest(plan.runs)},
                  {"runs", runs},
                  {"tasks", plan.tasks}};
  publish(file, json.dump(1) + "\n");
}

Plan read_plan(const std::filesystem::path& file) {
  Fields fields(Document::parse_json(read_text(file), file.string()));
  fields.integer("format", {.min = kFormat, .max = kFormat});
  Plan plan;
  for (Fields& run : fields.objects("runs")) plan.runs.push_back(run_of(run, file.string()));
  const Json& tasks = fields.raw("tasks");
  if (!tasks.is_array()) fields.fail("tasks", tasks.dump(), "lists of runs");
  std::set<size_t> seen;
  for (const Json& task : tasks) {
    plan.tasks.push_back(task_of(task, fields, plan.runs.size()));
    for (const size_t index : plan.tasks.back()) {
      if (!seen.insert(index).second) fields.fail("tasks", std::to_string(index), "each run once");
    }
  }
  if (fields.string("digest") != plan_digest(plan.runs)) {
    fields.fail("digest", fields.string("digest"), plan_digest(plan.runs), "the file was changed");
  }
  fields.finish();
  return plan;
}

}  // namespace telora
