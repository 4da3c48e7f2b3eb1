#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "data/sample.h"
#include "data/sample_composer.h"

namespace telora::sample {

namespace {

constexpr size_t kRowsOfSheet = 5;
constexpr size_t kLongTable = 9;  // facts: a question on it counts as difficult

constexpr Fact kSlots[] = {
    {"15 kHz (numerology 0)", "10"},   {"30 kHz (numerology 1)", "20"},
    {"60 kHz (numerology 2)", "40"},   {"120 kHz (numerology 3)", "80"},
    {"240 kHz (numerology 4)", "160"}, {"480 kHz (numerology 5)", "320"},
    {"960 kHz (numerology 6)", "640"},
};

constexpr Fact kModulation[] = {
    {"binary phase shift keying (BPSK)", "1 bit"},
    {"quadrature phase shift keying (QPSK)", "2 bits"},
    {"16-point quadrature amplitude modulation", "4 bits"},
    {"64-point quadrature amplitude modulation", "6 bits"},
    {"256-point quadrature amplitude modulation", "8 bits"},
    {"1024-point quadrature amplitude modulation", "10 bits"},
};

constexpr Fact kQosIdentifiers[] = {
    {"conversational voice", "5QI 1"},
    {"conversational video", "5QI 2"},
    {"real-time gaming", "5QI 3"},
    {"IMS signalling", "5QI 5"},
    {"mission-critical push-to-talk voice", "5QI 65"},
    {"mission-critical video", "5QI 67"},
    {"mission-critical signalling", "5QI 69"},
    {"low-latency augmented reality", "5QI 80"},
    {"intelligent transport systems", "5QI 84"},
};

constexpr Fact kDelayBudgets[] = {
    {"conversational voice", "100 ms"},
    {"IMS signalling", "100 ms"},
    {"conversational video", "150 ms"},
    {"real-time gaming", "50 ms"},
    {"mission-critical push-to-talk voice", "75 ms"},
    {"mission-critical signalling", "60 ms"},
    {"mission-critical data", "200 ms"},
    {"low-latency augmented reality", "10 ms"},
    {"intelligent transport systems", "30 ms"},
};

constexpr Fact kDciFormats[] = {
    {"fallback scheduling of uplink data", "DCI 0_0"},
    {"fallback scheduling of downlink data", "DCI 1_0"},
    {"non-fallback scheduling of uplink data", "DCI 0_1"},
    {"non-fallback scheduling of downlink data", "DCI 1_1"},
    {"notification of the slot format", "DCI 2_0"},
    {"notification of pre-empted resources", "DCI 2_1"},
    {"power control of PUCCH and PUSCH for a group", "DCI 2_2"},
    {"power control of sounding signals for a group", "DCI 2_3"},
};

constexpr Fact kSystemInformation[] = {
    {"scheduling of the other blocks", "SIB1"},
    {"common cell reselection settings", "SIB2"},
    {"neighbours on the same frequency", "SIB3"},
    {"neighbours on other NR frequencies", "SIB4"},
    {"reselection to LTE", "SIB5"},
    {"primary earthquake warnings", "SIB6"},
    {"secondary earthquake warnings", "SIB7"},
    {"commercial mobile alerts", "SIB8"},
    {"coordinated universal time", "SIB9"},
};

constexpr Fact kTimers[] = {
    {"an RRC setup request", "T300"},
    {"an RRC re-establishment request", "T301"},
    {"a reject with a wait time", "T302"},
    {"reconfiguration with sync", "T304"},
    {"detection of physical layer problems", "T310"},
    {"the start of re-establishment", "T311"},
    {"an RRC resume request", "T319"},
};

constexpr Fact kBands[] = {
    {"617 to 652 MHz", "n71"},   {"758 to 803 MHz", "n28"},   {"791 to 821 MHz", "n20"},
    {"925 to 960 MHz", "n8"},    {"1805 to 1880 MHz", "n3"},  {"2110 to 2170 MHz", "n1"},
    {"3300 to 3800 MHz", "n78"}, {"4400 to 5000 MHz", "n79"}, {"26.5 to 29.5 GHz", "n257"},
};

constexpr std::string_view kSlotForward[] = {
    "How many slots does a radio frame hold at {key}?",
    "{key}: slots in ten milliseconds?",
    "Read off the slots per frame for {key}.",
    "With a spacing of {key}, one frame is cut into how many slots?",
    "A scheduler runs at {key}. How many slots fill its frame?",
};

constexpr std::string_view kModulationForward[] = {
    "How much does one symbol of {key} carry?",
    "{key}: content of a symbol?",
    "Look up the modulation order of {key}.",
    "How much fits into a symbol with {key}?",
    "A symbol is sent with {key}. How much does it transport?",
};

constexpr std::string_view kIdentifierForward[] = {
    "Which 5QI is standardised for {key}?",
    "{key}: what is its 5QI?",
    "Find the 5G QoS identifier listed with {key}.",
    "A flow carries {key}. Which standard identifier does it get?",
    "Name the 5QI row whose example service is {key}.",
};

constexpr std::string_view kDelayForward[] = {
    "What packet delay budget applies to {key}?",
    "{key}: how long may a packet take?",
    "Read off the delay budget in the row of {key}.",
    "The standard QoS table allows {key} a delay of",
    "Planning for {key}: within which time must a packet arrive?",
};

constexpr std::string_view kDciForward[] = {
    "Which DCI format serves for {key}?",
    "{key}: name the format.",
    "Look up the downlink control information format for {key}.",
    "The network uses the PDCCH for {key}. In which format?",
    "Pick the DCI format meant for {key}.",
};

constexpr std::string_view kSystemForward[] = {
    "Which system information block holds {key}?",
    "{key}: in which SIB?",
    "To learn about {key}, the UE reads",
    "Find the block that broadcasts {key} in NR.",
    "{key} is broadcast in which block of system information?",
};

constexpr std::string_view kTimerForward[] = {
    "Which RRC timer starts with {key}?",           "{key}: which timer is started?",
    "The UE starts a timer upon {key}. Which one?", "Look up the timer that belongs to {key}.",
    "Name the timer that runs after {key}.",
};

constexpr std::string_view kBandForward[] = {
    "Which NR band has its downlink at {key}?",
    "{key}: downlink of which band?",
    "Find the operating band for {key}.",
    "A base station sends at {key}. Name the band.",
    "Spectrum at {key} is for sale. Which downlink band is that?",
};

constexpr Relation kRelations[] = {
    {"Slots per frame", kSlots, kSlotForward, {}},
    {"Modulation orders", kModulation, kModulationForward, {}},
    {"Standardised 5QI values", kQosIdentifiers, kIdentifierForward, {}},
    {"Packet delay budgets", kDelayBudgets, kDelayForward, {}},
    {"DCI formats", kDciFormats, kDciForward, {}},
    {"System information blocks", kSystemInformation, kSystemForward, {}},
    {"Timers of the RRC protocol", kTimers, kTimerForward, {}},
    {"NR operating bands", kBands, kBandForward, {}},
};

// Rows of one table stay in one part of a split, so each fact table is spread over several small
// sheets: then a held-out sheet asks for facts that other sheets have taught.
std::string table_id(const Relation& relation, size_t sheet) {
  return fmt::format("t_{}_{}", &relation - kRelations + 1, sheet);
}

nlohmann::ordered_json table_row(const Item& item, size_t number) {
  const size_t sheet = number / kRowsOfSheet + 1;
  nlohmann::ordered_json row = letter_row(item);
  row["explanation"] = fmt::format("The row of {} gives {}.", item.fact->key, item.fact->value);
  row["difficult"] = item.relation->facts.size() >= kLongTable;
  row["table_id"] = table_id(*item.relation, sheet);
  row["table_title"] = fmt::format("{}, sheet {}", item.relation->title, sheet);
  row["document_id"] = "sample-01";
  row["document_title"] = "Sample tables of telora";
  row["document_url"] = "https://example.org/sample";
  return row;
}

}  // namespace

std::vector<std::string> teletables_rows() {
  RandomStream random(stream_key(42, "sample/teletables"));
  std::map<const Relation*, size_t> used;
  std::vector<std::string> rows;
  for (const Item& item : compose(kRelations, 5, random)) {
    rows.push_back(table_row(item, used[item.relation]++).dump());
  }
  return rows;
}

}  // namespace telora::sample
