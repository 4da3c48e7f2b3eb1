#include <nlohmann/json.hpp>

#include "data/sample.h"
#include "data/sample_composer.h"

namespace telora::sample {

namespace {

constexpr Fact kLayers[] = {
    {"header compression of IP packets", "PDCP"},
    {"ciphering of user data", "PDCP"},
    {"duplication of packets over two legs", "PDCP"},
    {"status reports for ARQ", "RLC"},
    {"segmentation of packets to fit the grant", "RLC"},
    {"buffer status reports", "MAC"},
    {"multiplexing of logical channels", "MAC"},
    {"control of the random access procedure", "MAC"},
    {"mapping of QoS flows to radio bearers", "SDAP"},
    {"marking packets with a QoS flow identity", "SDAP"},
    {"paging messages and system information", "RRC"},
    {"configuration of UE measurements", "RRC"},
    {"handover commands to the UE", "RRC"},
    {"registration of the UE with the core", "NAS"},
    {"requests for a PDU session", "NAS"},
    {"LDPC coding of transport blocks", "PHY"},
    {"OFDM modulation", "PHY"},
};

constexpr Fact kFunctions[] = {
    {"mobility management of UEs", "AMF"},
    {"termination of NAS security", "AMF"},
    {"control of PDU sessions", "SMF"},
    {"allocation of UE IP addresses", "SMF"},
    {"forwarding of user packets", "UPF"},
    {"anchoring the data path towards the internet", "UPF"},
    {"policy rules for QoS and charging", "PCF"},
    {"route selection policies for the UE", "PCF"},
    {"authentication of UEs over any access", "AUSF"},
    {"the anchor key for the serving network", "AUSF"},
    {"discovery of other network functions", "NRF"},
    {"selection of network slice instances", "NSSF"},
    {"exposure of network services to third parties", "NEF"},
    {"analytics over network data", "NWDAF"},
};

constexpr Fact kReferencePoints[] = {
    {"the UE and the AMF", "N1"},
    {"the 5G access network and the AMF", "N2"},
    {"the gNB and the UPF", "N3"},
    {"the SMF and the UPF", "N4"},
    {"the UPF and the data network", "N6"},
    {"the SMF and the PCF", "N7"},
    {"two UPFs", "N9"},
    {"the AMF and the SMF", "N11"},
    {"two AMFs", "N14"},
    {"two gNBs", "Xn"},
    {"the gNB-CU and the gNB-DU", "F1"},
    {"the control and user plane parts of a gNB-CU", "E1"},
};

constexpr Fact kIdentities[] = {
    {"paging of idle UEs", "P-RNTI"},
    {"broadcast of system information", "SI-RNTI"},
    {"the random access response", "RA-RNTI"},
    {"ordinary data of one connected UE", "C-RNTI"},
    {"configured scheduling without dynamic grants", "CS-RNTI"},
    {"signalling of the slot format", "SFI-RNTI"},
    {"notice of pre-empted downlink resources", "INT-RNTI"},
};

constexpr Fact kChannels[] = {
    {"downlink scheduling decisions", "PDCCH"},
    {"uplink grants for the UE", "PDCCH"},
    {"downlink user data", "PDSCH"},
    {"the master information block", "PBCH"},
    {"HARQ feedback when no data is sent", "PUCCH"},
    {"scheduling requests", "PUCCH"},
    {"uplink user data", "PUSCH"},
    {"random access preambles", "PRACH"},
};

constexpr std::string_view kLayerForward[] = {
    "Which NR protocol layer takes care of {key}?",
    "{key}: name the layer of the 5G stack in charge.",
    "In the radio protocol stack of 5G, the layer for {key} is",
    "A developer works on {key}. Whose specification is the one to open?",
    "Among the protocol layers, where does one find {key}?",
};

constexpr std::string_view kFunctionForward[] = {
    "Which 5G core function provides {key}?",
    "In the 5G core, the function behind {key} is the",
    "An operator has a fault in {key}. Which network function should be examined first?",
    "Name the network function responsible for {key}.",
    "Fill in the core network function: the ____ takes on {key}.",
};

constexpr std::string_view kPointForward[] = {
    "What runs between {key}?",         "What joins {key}?",
    "{key} talk directly over",         "{key}: which interface connects them?",
    "A trace shows {key}. Which link?",
};

constexpr std::string_view kIdentityForward[] = {
    "Which RNTI scrambles control information for {key}?",
    "The identity used on the PDCCH for {key} is the",
    "A receiver looks for {key}. With which RNTI does it check the CRC?",
    "{key}: pick the matching radio network temporary identifier.",
    "Complete: control signalling for {key} uses the ____.",
};

constexpr std::string_view kChannelForward[] = {
    "Which NR physical channel carries {key}?",
    "On the air interface, the channel for {key} is the",
    "To send {key}, which physical channel is used?",
    "{key}: on which of these channels?",
    "Complete the sentence: the ____ conveys {key}.",
};

constexpr Relation kRelations[] = {
    {"Standards specifications", kLayers, kLayerForward, {}},
    {"Standards overview", kFunctions, kFunctionForward, {}},
    {"Standards overview", kReferencePoints, kPointForward, {}},
    {"Standards specifications", kIdentities, kIdentityForward, {}},
    {"Lexicon", kChannels, kChannelForward, {}},
};

}  // namespace

std::vector<std::string> teleqna_rows() {
  RandomStream random(stream_key(43, "sample/teleqna"));
  std::vector<std::string> rows;
  for (const Item& item : compose(kRelations, 4, random)) {
    nlohmann::ordered_json row = letter_row(item);
    row["subject"] = item.relation->title;
    rows.push_back(row.dump());
  }
  return rows;
}

}  // namespace telora::sample
