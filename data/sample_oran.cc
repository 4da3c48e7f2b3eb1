#include <nlohmann/json.hpp>

#include "data/sample.h"
#include "data/sample_composer.h"

namespace telora::sample {

namespace {

constexpr Fact kComponents[] = {
    {"running rApps", "non-real-time RIC"},
    {"control loops slower than one second", "non-real-time RIC"},
    {"the platform for xApps", "near-real-time RIC"},
    {"control loops between ten milliseconds and one second", "near-real-time RIC"},
    {"fault and configuration management of the whole RAN", "SMO"},
    {"orchestration of the RAN's life cycle", "SMO"},
    {"running the RRC protocol", "O-CU control plane"},
    {"the signalling side of PDCP", "O-CU control plane"},
    {"SDAP towards the core", "O-CU user plane"},
    {"the user data side of PDCP", "O-CU user plane"},
    {"scheduling of radio resources", "O-DU"},
    {"RLC and high-PHY processing", "O-DU"},
    {"low-PHY processing next to the antenna", "O-RU"},
    {"conversion between radio and digital signals", "O-RU"},
    {"offering compute nodes to virtual network functions", "O-Cloud"},
    {"pooling servers and accelerators for RAN software", "O-Cloud"},
};

constexpr Fact kInterfaces[] = {
    {"policies for the near-real-time RIC", "A1"},
    {"enrichment information for xApps", "A1"},
    {"subscriptions of xApps to O-DU reports", "E2"},
    {"near-real-time control of the O-CU", "E2"},
    {"fault reports from the O-DU to the SMO", "O1"},
    {"performance files collected by the SMO", "O1"},
    {"management of the O-Cloud by the SMO", "O2"},
    {"deployment of cloud workloads ordered by the SMO", "O2"},
    {"services of the SMO framework for rApps", "R1"},
    {"data that rApps consume and produce", "R1"},
    {"signalling between O-CU-CP and O-DU", "F1-C"},
    {"user packets between O-CU-UP and O-DU", "F1-U"},
    {"bearer control between O-CU-CP and O-CU-UP", "E1"},
};

constexpr Fact kPlanes[] = {
    {"IQ samples of the radio signal", "U-plane"},
    {"compressed frequency-domain user data", "U-plane"},
    {"beamforming commands for the next slot", "C-plane"},
    {"section descriptions with scheduling instructions", "C-plane"},
    {"PTP timing messages", "S-plane"},
    {"clock synchronisation between O-DU and O-RU", "S-plane"},
    {"software updates of the O-RU", "M-plane"},
    {"NETCONF configuration of the O-RU", "M-plane"},
};

constexpr Fact kServiceModels[] = {
    {"periodic performance counters", "E2SM-KPM"},
    {"counts of throughput and delay per cell", "E2SM-KPM"},
    {"steering a UE's handover", "E2SM-RC"},
    {"changing radio bearer parameters of a UE", "E2SM-RC"},
    {"copies of messages seen on network interfaces", "E2SM-NI"},
    {"exposure of X2 or NG message contents", "E2SM-NI"},
    {"cell-level configuration changes", "E2SM-CCC"},
    {"reading and writing node configuration attributes", "E2SM-CCC"},
};

constexpr Fact kGroups[] = {
    {"operation and maintenance", "WG10"},
    {"the A1 interface and rApps", "WG2"},
    {"the E2 interface and xApps", "WG3"},
    {"the open fronthaul interfaces", "WG4"},
    {"cloudification and orchestration", "WG6"},
    {"white-box hardware", "WG7"},
    {"open X-haul transport", "WG9"},
    {"security", "WG11"},
};

constexpr std::string_view kComponentForward[] = {
    "Which O-RAN element is in charge of {key}?",
    "{key}: assign this duty to an element of the O-RAN architecture.",
    "For {key}, O-RAN foresees the",
    "Where in an O-RAN deployment does one find {key}?",
    "A vendor builds software for {key}. Which element is its product part of?",
};

constexpr std::string_view kInterfaceForward[] = {
    "Which interface of O-RAN is made for {key}?",
    "{key}: over which interface?",
    "Name the O-RAN interface that carries {key}.",
    "An engineer traces {key}. Which interface should be tapped?",
    "In O-RAN, the interface meant for {key} is",
};

constexpr std::string_view kPlaneForward[] = {
    "On the open fronthaul, which plane is responsible for {key}?",
    "{key}: which fronthaul plane?",
    "Between O-DU and O-RU, the plane for {key} is the",
    "Pick the plane of the 7-2x fronthaul for {key}.",
    "A fronthaul test looks at {key}. Which plane does it exercise?",
};

constexpr std::string_view kModelForward[] = {
    "Which E2 service model supports {key}?",
    "An xApp needs {key}. Which service model does it use?",
    "{key}: choose the E2 service model.",
    "The service model written for {key} is",
    "For {key} over E2, the node must announce",
};

constexpr std::string_view kGroupForward[] = {
    "Which O-RAN ALLIANCE working group deals with {key}?",
    "{key}: which working group of the alliance?",
    "A contribution on {key} goes to",
    "The specifications on {key} come from",
    "Within the O-RAN ALLIANCE, the group for {key} is",
};

constexpr Relation kRelations[] = {
    {"medium", kComponents, kComponentForward, {}}, {"easy", kInterfaces, kInterfaceForward, {}},
    {"medium", kPlanes, kPlaneForward, {}},         {"hard", kServiceModels, kModelForward, {}},
    {"hard", kGroups, kGroupForward, {}},
};

}  // namespace

std::vector<std::string> oran_rows() {
  RandomStream random(stream_key(43, "sample/oranbench"));
  std::vector<std::string> rows;
  for (const Item& item : compose(kRelations, 4, random)) {
    nlohmann::ordered_json row = letter_row(item, true);
    row["difficulty"] = item.relation->title;
    rows.push_back(row.dump());
  }
  return rows;
}

}  // namespace telora::sample
