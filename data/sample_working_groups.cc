#include "data/sample_working_groups.h"

#include <array>

namespace telora::sample {

namespace {

using Topics = std::array<std::string_view, 5>;
using Details = std::array<std::string_view, 7>;

// CT1: protocols between the UE and the core network.
constexpr Topics kCt1Topics = {"the 5GMM cause values in a registration reject",
                               "NAS timer T3540 after a service reject", "SIP session setup in IMS",
                               "PLMN selection in the UE", "handling of 5GSM congestion control"};
constexpr Details kCt1Details = {
    "The UE shall enter state 5GMM-DEREGISTERED and delete its 5G-GUTI.",
    "The AMF shall send a REGISTRATION ACCEPT message that includes the allowed NSSAI.",
    "On receiving a SIP 503 response, the UE shall not retry the INVITE before Retry-After "
    "expires.",
    "The PDU SESSION ESTABLISHMENT REQUEST message carries the 5GSM capability of the UE.",
    "If the PLMN is on the forbidden list, the UE performs PLMN selection in automatic mode.",
    "The P-CSCF shall insert the P-Asserted-Identity header field.",
    "Upon expiry of the NAS timer the UE shall abort the procedure and start it again."};

// CT3: interworking with external networks, policy protocols and northbound APIs.
constexpr Topics kCt3Topics = {
    "the northbound API of the NEF", "the Rx application session", "the Npcf_SMPolicyControl API",
    "monitoring event subscriptions of an AF", "the Gx rule installation"};
constexpr Details kCt3Details = {
    "The NEF shall answer the HTTP POST of the AF with 201 Created and a Location header.",
    "The PCRF shall send an RAR command to the PCEF to install PCC rules.",
    "The PCF includes the SmPolicyDecision data structure in its response.",
    "The AF provides the media component description in the AA-Request over Rx.",
    "A new supported feature is added to the MonitoringEvent northbound OpenAPI file.",
    "The SCEF maps the external group identifier before it calls the T8 API.",
    "The policy control request trigger is reported by the SMF to the PCF."};

// CT4: protocols inside the core network.
constexpr Topics kCt4Topics = {"PFCP session modification", "GTPv2-C echo and path failure",
                               "the NRF discovery query", "the Diameter S6a interface",
                               "numbering and the format of the NF instance identifier"};
constexpr Details kCt4Details = {
    "The CP function shall send a PFCP Session Modification Request with an Update FAR IE.",
    "The GTP-C entity shall delete all bearers of the peer when its restart counter has changed.",
    "The NF profile registered in the NRF contains the list of NF services and their priorities.",
    "The HSS shall return DIAMETER_ERROR_USER_UNKNOWN in the Update-Location-Answer.",
    "A new query parameter is added to the Nnrf_NFDiscovery OpenAPI file.",
    "The TEID in the F-TEID IE is assigned by the UP function.",
    "The Nudm_SDM service operation returns the access and mobility subscription data."};

// CT6: smart cards.
constexpr Topics kCt6Topics = {"a new elementary file in the USIM", "the proactive command REFRESH",
                               "USAT terminal profile bits", "tests of the UICC interface",
                               "storage of 5G parameters on the card"};
constexpr Details kCt6Details = {
    "The file identifier and the short file identifier of this EF under ADF USIM are to be "
    "assigned.",
    "The terminal shall read the elementary file during USIM initialisation.",
    "The UICC sends a proactive command and the ME answers with TERMINAL RESPONSE.",
    "The access conditions are READ PIN and UPDATE ADM.",
    "The ENVELOPE command informs the USAT application on the card about the event.",
    "The ISIM application holds the private user identity in EF IMPI.",
    "The USIM service table indicates that the service is available on the smart card."};

// RAN1: physical layer.
constexpr Topics kRan1Topics = {
    "the DMRS pattern of the PUSCH", "CSI feedback with type II codebooks",
    "PDCCH blind decoding limits", "HARQ-ACK codebook size", "beam management with SSB"};
constexpr Details kRan1Details = {
    "Simulations show a gain of 1.5 dB in SNR at a block error rate of ten percent.",
    "Option 1: the UE determines the codebook from the number of CSI-RS antenna ports.",
    "The DMRS is mapped to OFDM symbols with comb-2 frequency allocation.",
    "The number of PDCCH candidates per slot depends on the subcarrier spacing.",
    "HARQ-ACK bits are multiplexed on the PUCCH resource of the last DCI.",
    "Observation: precoding per sub-band increases the spectral efficiency of MU-MIMO.",
    "The DCI field for time domain resource allocation has four bits."};

// RAN2: radio protocols above the physical layer.
constexpr Topics kRan2Topics = {"the RRC reconfiguration message", "DRX in RRC_INACTIVE",
                                "the MAC CE for buffer status", "conditional handover execution",
                                "PDCP duplication"};
constexpr Details kRan2Details = {
    "The UE shall apply the RRCReconfiguration and submit RRCReconfigurationComplete to lower "
    "layers.",
    "The MAC entity shall start the drx-InactivityTimer after the PDCCH indicates a new "
    "transmission.",
    "The field is added to the ASN.1 as an optional extension with need code R.",
    "A new logical channel identifier is reserved for this MAC CE.",
    "The PDCP entity discards duplicate PDUs and delivers SDUs in order.",
    "The UE in RRC_IDLE performs cell reselection with the broadcast priorities of the SIB.",
    "When the entry condition of the measurement event is met, the UE triggers a measurement "
    "report."};

// RAN3: interfaces between nodes of the radio access network.
constexpr Topics kRan3Topics = {"the Xn handover preparation", "UE context setup over F1AP",
                                "the NG interface management", "bearer context transfer over E1AP",
                                "self-organising network functions between gNBs"};
constexpr Details kRan3Details = {
    "The gNB-DU shall reply with the F1AP UE CONTEXT SETUP RESPONSE message.",
    "The source NG-RAN node sends the XnAP HANDOVER REQUEST to the target node.",
    "The gNB-CU-CP triggers the E1AP bearer context modification towards the gNB-CU-UP.",
    "A new IE is added to the NGAP PATH SWITCH REQUEST and its criticality is set to ignore.",
    "The gNB-CU transfers the cell list to the gNB-DU during F1 setup.",
    "The tunnel endpoint for data forwarding is allocated by the target NG-RAN node.",
    "The NG-RAN nodes exchange resource status reports for load balancing."};

// RAN4: radio frequency and performance requirements.
constexpr Topics kRan4Topics = {
    "maximum power reduction for intra-band CA", "reference sensitivity of the new band",
    "RRM measurement delay requirements", "base station unwanted emissions",
    "demodulation performance with four receive antennas"};
constexpr Details kRan4Details = {
    "The A-MPR values for power class 2 are given in square brackets.",
    "The reference sensitivity is relaxed by 0.5 dB due to the insertion loss of the duplexer.",
    "The adjacent channel leakage ratio of the power amplifier is 45 dB.",
    "The measurement gap determines the cell identification delay for FR2.",
    "The MSD caused by the second harmonic is to be evaluated for this band combination.",
    "Spurious emission limits in dBm/MHz apply at the antenna connector.",
    "The alignment of simulation results on PDSCH demodulation is collected in a table."};

// RAN5: conformance tests of terminals.
constexpr Topics kRan5Topics = {
    "a new protocol conformance test case", "the test tolerance of transmit power tests",
    "applicability of test cases for terminals", "default message contents in tests",
    "TTCN code of the signalling test"};
constexpr Details kRan5Details = {
    "The test purpose is verified by the system simulator in step 4 of the main behaviour.",
    "The SS transmits an RRCSetup message and checks the verdict of the test case.",
    "The test requirement is the minimum requirement plus the test tolerance.",
    "The PICS item in the applicability table is added for this test case.",
    "The initial conditions and the test procedure sequence are corrected.",
    "The measurement uncertainty of the test system is 1.7 dB.",
    "The UE under test is brought to state 3N-A of the generic procedures."};

// RAN_AH1: contacts of RAN with ITU-R.
constexpr Topics kAh1Topics = {
    "the reply liaison statement to ITU-R WP 5D", "the IMT-2020 submission of 3GPP",
    "the update of Recommendation ITU-R M.2150", "the self-evaluation report for IMT-2020",
    "IMT-2030 technical performance requirements"};
constexpr Details kAh1Details = {
    "ITU-R Working Party 5D invites external organisations to provide material.",
    "The compliance templates for the five test environments of IMT-2020 are attached.",
    "The draft letter to WP 5D is to be approved by the RAN ITU-R ad hoc.",
    "The IMT-Advanced material is transposed by the organisational partners for ITU-R.",
    "The candidate technology meets the minimum requirements of Report ITU-R M.2410.",
    "Characteristics of IMT systems are needed for sharing studies under a WRC agenda item.",
    "The contact person will forward the document to the ITU-R secretariat before the deadline."};

// SA1: services and requirements.
constexpr Topics kSa1Topics = {
    "a use case of a smart factory", "potential service requirements for satellite access",
    "the stage 1 of public safety", "a use case on sensing in a smart home",
    "service requirements of railway users"};
constexpr Details kSa1Details = {
    "Pre-conditions: the user has a subscription with an operator that offers the service.",
    "The 5G system shall enable the operator to offer this service to third parties.",
    "Service flow: Alice enters the shop and her glasses show an offer.",
    "Potential new requirement: the system shall support a positioning accuracy of one metre.",
    "Post-conditions: the robot has finished its task and the customer is satisfied.",
    "Existing features partly cover this use case.",
    "Subject to user consent, the service provider shall be able to collect sensing results."};

// SA2: system architecture.
constexpr Topics kSa2Topics = {
    "a key issue on network slicing", "the solution for edge relocation of the UPF",
    "the PDU session establishment procedure", "the architecture for NWDAF analytics",
    "the system aspects of multi-access PDU sessions"};
constexpr Details kSa2Details = {
    "The SMF selects a UPF and sends an N4 session establishment to it.",
    "The AMF invokes the Nsmf_PDUSession_CreateSMContext service in step 3 of the call flow.",
    "Solution 7 impacts the AMF, the SMF and the UDM.",
    "The key issue is how the 5GC supports the QoS of a group of UEs.",
    "The NWDAF provides analytics on slice load to the consumer NF.",
    "The PCF decides on the URSP rules and provides them to the UE through the AMF.",
    "The architecture reference model is extended with a new reference point."};

// SA3: security.
constexpr Topics kSa3Topics = {"the security of the service based architecture",
                               "authentication with 5G AKA", "privacy of the SUPI",
                               "user plane integrity protection",
                               "security assurance tests of the gNB"};
constexpr Details kSa3Details = {
    "An attacker may replay the message and cause a denial of service.",
    "The AUSF derives the key K_SEAF and the SEAF verifies the HXRES.",
    "The SUCI is computed by the UE with the public key of the home network.",
    "Security threat: the certificate of the NF is stolen and used for impersonation.",
    "Requirement: the interface shall be confidentiality and integrity protected with TLS.",
    "The access token is signed by the NRF with OAuth 2.0.",
    "The ciphering algorithm is selected in the security mode command."};

// SA4: codecs and media.
constexpr Topics kSa4Topics = {
    "the EVS codec characterisation", "split rendering for extended reality",
    "5G media streaming with DASH", "listening tests for immersive audio",
    "RTP payload formats for video"};
constexpr Details kSa4Details = {
    "The encoder runs at a bit rate of 24.4 kbit/s with a frame of 20 ms.",
    "The video is coded with HEVC and the bitstream is packed into RTP.",
    "The listening test followed the ITU-T P.800 method with naive listeners.",
    "The media player requests DASH segments of the adaptation set.",
    "The XR viewport is rendered with the pose that the headset sends.",
    "The SDP offer contains the codec and the media attributes of the MTSI client.",
    "The immersive audio renderer needs head tracking data for binaural output."};

// SA5: management and charging.
constexpr Topics kSa5Topics = {
    "the network resource model of a slice subnet", "performance measurements of the gNB",
    "converged charging in the CHF", "fault supervision and alarms", "intent driven management"};
constexpr Details kSa5Details = {
    "The MnS producer notifies the MnS consumer about the attribute change of the IOC.",
    "The measurement is collected per cell with a granularity period of 15 minutes.",
    "The CHF closes the CDR and opens a new one on quota expiry.",
    "The YANG and OpenAPI solution sets of the NRM are updated.",
    "The alarm list contains the perceived severity and the probable cause.",
    "The intent expresses the target energy saving of the managed element.",
    "The KPI definition uses counters of the management data."};

// SA6: application enablement and mission critical services.
constexpr Topics kSa6Topics = {"the MCPTT group call", "discovery of edge application servers",
                               "the SEAL location service", "the CAPIF API invoker",
                               "application context relocation at the edge"};
constexpr Details kSa6Details = {
    "The MCPTT server sends the group call request to the affiliated MCPTT clients.",
    "The edge enabler client asks the edge enabler server for a suitable EAS.",
    "The SEAL client reports the location to the vertical application layer server.",
    "The API invoker is onboarded by the CAPIF core function.",
    "The floor control server grants the floor to the mission critical user.",
    "The edge configuration server provides the address of the EES to the EEC.",
    "The MCVideo user authorises the private call with the MCData client."};

constexpr WorkingGroup kGroups[] = {
    {"CT1", kCt1Topics, kCt1Details},    {"CT3", kCt3Topics, kCt3Details},
    {"CT4", kCt4Topics, kCt4Details},    {"CT6", kCt6Topics, kCt6Details},
    {"RAN1", kRan1Topics, kRan1Details}, {"RAN2", kRan2Topics, kRan2Details},
    {"RAN3", kRan3Topics, kRan3Details}, {"RAN4", kRan4Topics, kRan4Details},
    {"RAN5", kRan5Topics, kRan5Details}, {"RAN_AH1", kAh1Topics, kAh1Details},
    {"SA1", kSa1Topics, kSa1Details},    {"SA2", kSa2Topics, kSa2Details},
    {"SA3", kSa3Topics, kSa3Details},    {"SA4", kSa4Topics, kSa4Details},
    {"SA5", kSa5Topics, kSa5Details},    {"SA6", kSa6Topics, kSa6Details},
};

}  // namespace

std::span<const WorkingGroup> working_groups() { return kGroups; }

}  // namespace telora::sample
