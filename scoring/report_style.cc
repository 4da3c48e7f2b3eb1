#include "scoring/report_style.h"

namespace telora {

namespace {

// Widths are those of a phone first; a rule at 720 px spreads the charts of accuracies out.
constexpr std::string_view kStyle = R"css(
:root{color-scheme:light dark;--paper:#fff;--card:#f5f6f8;--ink:#1b2330;--soft:#556070;--line:#d8dde4;
--own:#2360ad;--base:#6a7483;--free:#b3540b;--other:#18776b;--good:#1d7a3f;--bad:#b3261e}
@media (prefers-color-scheme:dark){:root{--paper:#12161c;--card:#1b212a;--ink:#e7eaef;--soft:#a9b3c0;
--line:#343d4a;--own:#82b4f6;--base:#a3adba;--free:#f0a35e;--other:#5ccfbd;--good:#6ccf8d;--bad:#f2938c}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main,header,footer{max-width:1080px;margin:0 auto;padding:0 20px}
header{padding-top:32px}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 4px;overflow-wrap:anywhere}
h2{font-size:1.2rem;margin:44px 0 8px;padding-top:20px;border-top:1px solid var(--line)}
h3{font-size:1rem;margin:24px 0 6px;overflow-wrap:anywhere}
p{margin:8px 0;max-width:72ch;overflow-wrap:anywhere}
small,.soft,figcaption,footer{color:var(--soft);font-size:.86rem}
footer{padding-top:28px;padding-bottom:48px}
.card{background:var(--card);border-left:5px solid var(--base);border-radius:4px;padding:12px 16px;margin:14px 0}
.card h3{margin:0 0 2px;font-size:1.08rem}
.card.good{border-color:var(--good)}.card.good .word{color:var(--good)}
.card.bad{border-color:var(--bad)}.card.bad .word{color:var(--bad)}
.card p{margin:6px 0 0}
.beware{border-left:3px solid var(--free);padding-left:10px}
.scroll{overflow-x:auto;max-width:100%}
.scroll:focus-visible,summary:focus-visible{outline:2px solid var(--own);outline-offset:2px}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;margin:8px 0}
th,td{padding:6px 14px 6px 0;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th{color:var(--soft);font-weight:500;font-size:.86rem;vertical-align:bottom}
.t1 :is(th,td):first-child,.t2 :is(th,td):nth-child(-n+2),.t4 :is(th,td):nth-child(-n+4),.t0 td{text-align:left}
.t4 td:nth-child(3){white-space:normal;min-width:11rem}
.t0 td{white-space:normal;vertical-align:top;overflow-wrap:anywhere;min-width:8rem}
td.flag{color:var(--bad);font-weight:600}
code,pre{font:.86rem/1.45 ui-monospace,monospace}
code{overflow-wrap:anywhere}
pre{background:var(--card);border-radius:4px;padding:8px 10px;margin:6px 0;white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:isolate}
.mistake{border-bottom:1px solid var(--line);padding:10px 0}
.charts{display:flex;flex-wrap:wrap;gap:20px 36px;align-items:flex-start}
figure{margin:8px 0;max-width:340px;min-width:0}
figure.wide{max-width:100%}
figcaption{margin-top:4px}
.plot{display:block;max-width:100%;height:auto}
.wide .plot{max-width:none}
.strip{display:block;overflow:visible}
.strips{margin:12px 0}
.strip-row{display:grid;grid-template-columns:1fr auto;gap:0 12px;padding:7px 0}
.strip-row .label{overflow-wrap:anywhere;min-width:0;line-height:1.3}
.strip-row .value{text-align:right;font-variant-numeric:tabular-nums;line-height:1.3}
.strip-row small{display:block}
.strip-row .bar{grid-column:1/-1;grid-row:2;padding:0 7px;min-width:0}
.axis-row{padding:0}
@media (min-width:720px){.strip-row{grid-template-columns:17rem 1fr 8rem;align-items:center;padding:3px 0}
.strip-row .bar{grid-column:2;grid-row:1}.strip-row .value{grid-column:3}}
.legend{display:flex;flex-wrap:wrap;gap:4px 20px;color:var(--soft);font-size:.86rem;margin:4px 0;padding:0;list-style:none}
.legend i{display:inline-block;width:18px;height:0;border-top:3px solid;vertical-align:middle;margin-right:6px}
.legend .l-free{border-color:var(--free)}.legend .l-chance{border-color:var(--soft);border-top-style:dotted}
.legend .l-own{border-color:var(--own)}.legend .l-base{border-color:var(--base)}.legend .l-published{border-color:var(--other)}
svg text{fill:var(--ink);font:12px system-ui,sans-serif}
svg .tick{fill:var(--soft);font-size:11px}svg .count{font-size:11px}
.grid{stroke:var(--line);stroke-width:1}
line.chance{stroke:var(--soft);stroke-width:1.5;stroke-dasharray:2 3}
line.free{stroke:var(--free);stroke-width:2}
.whisker{stroke-width:3;stroke-linecap:round}
.whisker.base{stroke:var(--base)}.whisker.adapter{stroke:var(--own)}.whisker.published{stroke:var(--other)}
.mark{stroke:var(--paper);stroke-width:1.5}
.mark.base{fill:var(--base)}.mark.adapter{fill:var(--own)}.mark.free{fill:var(--free)}
.mark.published{fill:var(--paper);stroke:var(--other);stroke-width:2}
.bar-gold{fill:none;stroke:var(--soft);stroke-width:1.5}.bar-given{fill:var(--own);fill-opacity:.75}
.bar-none{fill:var(--bad);fill-opacity:.75}
.error-bar{stroke:var(--ink);stroke-width:1.5}
.ideal{stroke:var(--free);stroke-width:1.5;stroke-dasharray:5 4}
.curve{fill:none;stroke:var(--own);stroke-width:2}
.heat.hit{fill:var(--own)}.heat.miss{fill:var(--free)}
.h0{fill-opacity:.05}.h1{fill-opacity:.12}.h2{fill-opacity:.17}.h3{fill-opacity:.22}.h4{fill-opacity:.27}.h5{fill-opacity:.32}
.h6{fill-opacity:.37}.h7{fill-opacity:.42}.h8{fill-opacity:.46}.h9{fill-opacity:.5}.h10{fill-opacity:.55}
@media print{.card{break-inside:avoid}figure{break-inside:avoid}}
)css";

}  // namespace

std::string_view page_style() { return kStyle; }

}  // namespace telora
