#include "scoring/report_page.h"

#include <fmt/format.h>

#include <algorithm>

#include "scoring/answering.h"
#include "scoring/published.h"
#include "scoring/report_charts.h"
#include "scoring/report_sections.h"
#include "scoring/report_style.h"
#include "scoring/report_text.h"
#include "scoring/svg.h"

namespace telora {

namespace {

constexpr const char* kChance = "chance";

std::string text(std::string_view raw) { return escape_markup(raw); }

// "79 in 100", with one digit where it is less than ten.
std::string in_hundred(double share) {
  return fmt::format("{:.{}f} in 100", 100 * share, share > 0 && share < 0.1 ? 1 : 0);
}

std::string headline(const SubjectVerdict& v) {
  if (v.improvement) return "an improvement";
  if (v.against_base == Finding::kWorse) return "worse than the base";
  if (v.against_base) return "not shown to be an improvement";
  if (v.against_free == Finding::kBetter) return "better than what costs nothing";
  if (v.against_free == Finding::kWorse) return "worse than what costs nothing";
  return v.against_free ? "not distinguishable from what costs nothing" : "scored alone";
}

std::string_view mood(const SubjectVerdict& v) {
  if (v.improvement) return "good";
  return v.against_base == Finding::kWorse || v.against_free == Finding::kWorse ? "bad" : "";
}

// The same in everyday words.
std::string plain_words(const Report& report, const SubjectVerdict& v) {
  const Score* own = find_score(report, v.subject, v.part, v.metric);
  const Score* base = v.against_base ? find_score(report, kBaseName, v.part, v.metric) : nullptr;
  const Baseline* free = best_baseline(report, v.part);
  if (own == nullptr) return {};
  std::string words = fmt::format("It answers {} {} questions right", in_hundred(own->rate()),
                                  v.part == "test" ? "unseen" : v.part);
  if (base != nullptr) words += fmt::format("; the base without it {}", in_hundred(base->rate()));
  if (free != nullptr) {
    words +=
        fmt::format("; “{}”, which needs no model, {}", text(free->name), in_hundred(free->rate()));
  }
  return words + ".";
}

std::string verdict_card(const Report& report, const SubjectVerdict& v) {
  std::string card =
      fmt::format("<div class=\"card {}\"><h3>{}: <span class=\"word\">{}</span></h3>\n<p>{}</p>\n",
                  mood(v), text(v.subject), headline(v), plain_words(report, v));
  for (const std::string& warning : v.warnings) {
    card += fmt::format("<p class=\"beware\">Beware: {}.</p>\n", text(warning));
  }
  return card + fmt::format("<p class=\"soft\">{}</p></div>\n", text(v.text));
}

std::string verdicts(const Report& report) {
  std::string cards;
  for (const SubjectVerdict& v : report.verdicts) {
    if (report.verdicts.size() == 1 || v.against_base) cards += verdict_card(report, v);
  }
  return cards.empty() ? "<p>Nothing was scored.</p>\n" : cards;
}

void add_subject_rows(const Report& report, const std::string& part, std::vector<StripRow>& rows) {
  for (const Subject& subject : report.subjects) {
    const PartResult* result = find_part(report, subject.name, part);
    if (result == nullptr) continue;
    for (const Metric& metric : result->metrics) {
      if (variant_of(metric.score.name)) continue;  // the table below has all
      rows.push_back({subject.name, metric.score.name, metric.score.rate(), metric.score.interval(),
                      subject.name == kBaseName ? "base" : "adapter"});
    }
  }
}

void add_published_rows(const std::string& category, std::vector<StripRow>& rows) {
  const PublishedCategory* published = find_published(category);
  if (published == nullptr) return;
  for (const PublishedResult& result : published->results) {
    rows.push_back({result.model, "published adapter, another split", result.unseen.rate(),
                    result.unseen.interval(), "published"});
  }
}

const Baseline* chance_of(const Report& report, const std::string& part) {
  for (const PartBaselines& one : report.baselines) {
    if (one.part != part) continue;
    const auto found = std::ranges::find(one.baselines, kChance, &Baseline::name);
    if (found != one.baselines.end()) return &*found;
  }
  return nullptr;
}

std::string legend(const Baseline* free, const Baseline* chance, bool published) {
  std::string items =
      "<li><i class=\"l-own\"></i>adapter</li><li><i class=\"l-base\"></i>base</li>";
  if (published) items += "<li><i class=\"l-published\"></i>published</li>";
  if (free != nullptr) {
    items += fmt::format("<li><i class=\"l-free\"></i>costs nothing: {}, {}</li>", text(free->name),
                         percent(free->rate()));
  }
  if (chance != nullptr) {
    items +=
        fmt::format("<li><i class=\"l-chance\"></i>guessing, {}</li>", percent(chance->rate()));
  }
  return "<ul class=\"legend\">" + items + "</ul>\n";
}

std::string published_note(const std::string& category) {
  const PublishedCategory* published = find_published(category);
  if (published == nullptr) return {};
  return fmt::format(
      "<p class=\"soft\">Published rows: {}. They stand on other splits of the same questions and "
      "an unnamed parser, so they say where results lie, not which is better. On the published "
      "split the best hand-written rule gets {} and the best cheap probe {}.</p>\n",
      text(published_table().source), percent(published->rule), percent(published->probe));
}

std::string accuracies(const Report& report) {
  const std::string part = main_part(report);
  const Baseline* free = best_baseline(report, part);
  const Baseline* chance = chance_of(report, part);
  std::vector<StripRow> rows;
  add_subject_rows(report, part, rows);
  for (const PartBaselines& one : report.baselines) {
    for (const Baseline& b : one.baselines) {
      if (one.part == part) rows.push_back({b.name, "costs nothing", b.rate(), {}, "free"});
    }
  }
  add_published_rows(report.category, rows);
  const auto rate = [](const Baseline* b) { return b ? std::optional(b->rate()) : std::nullopt; };
  return fmt::format(
             "<h2>Right answers</h2>\n<p>{} {} questions. The bar around a mark is its 95 % "
             "interval; two bars that overlap say nothing about two adapters, the paired "
             "tests below do.</p>\n",
             grouped(part_rows(report, part)), part == "test" ? "unseen (test)" : part) +
         legend(free, chance, find_published(report.category) != nullptr) +
         accuracy_chart(rows, rate(free), rate(chance)) + published_note(report.category) +
         score_table(report, part) + test_table(report, part);
}

std::string title_of(const Report& report) {
  return text(report.category.empty() ? "nothing" : report.category) + " · " +
         text(report.backbone.empty() ? "a backbone not named" : report.backbone);
}

std::string head(const Report& report) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'; img-src data:\">\n<link rel=\"icon\" href=\"data:,\">\n"
      "<title>{}</title>\n<style>{}</style>\n</head>\n",
      title_of(report), page_style());
}

}  // namespace

std::string render_page(const Report& report, const PageTexts& texts) {
  std::string page = head(report);
  page += fmt::format(
      "<body>\n<header><h1>{}</h1>\n<p class=\"soft\">What the model is worth with and without its "
      "adapters, beside what costs nothing.</p></header>\n<main>\n",
      title_of(report));
  page += verdicts(report) + accuracies(report) + seen_section(report) + steady_section(report) +
          answers_section(report) + confidence_section(report) + mistakes_section(report, texts) +
          cost_section(report) + measured_section(report);
  return page +
         "</main>\n<footer>Made by lora-eval report. Nothing on this page is loaded from "
         "elsewhere.</footer>\n</body>\n</html>\n";
}

}  // namespace telora
