/** The style sheet of the report: paper and ink in light and dark, and how it prints. */

import { paletteRules } from './palette.ts';

const LIGHT =
  '--paper:#fcfbf8;--card:#ffffff;--text:#1c1b19;--soft:#5d5a53;--faint:#8d897f;--rule:#e4e0d6;--grid:#ece9e1;--mark:#fff3c9;--bound:#3b3934;';
const DARK =
  '--paper:#15161a;--card:#1c1e23;--text:#eceae4;--soft:#b0ada4;--faint:#84827b;--rule:#33353c;--grid:#2a2c33;--mark:#4a4019;--bound:#d8d5cb;';

export const STYLE = `
:root{color-scheme:light dark;${LIGHT}}
${paletteRules('light', ':root')}
@media (prefers-color-scheme:dark){:root:not([data-theme=light]){${DARK}}${paletteRules('dark', ':root:not([data-theme=light])')}}
:root[data-theme=light]{color-scheme:light}
:root[data-theme=dark]{color-scheme:dark;${DARK}}
${paletteRules('dark', ':root[data-theme=dark]')}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--text);font:16px/1.55 "Inter","Source Sans 3","Segoe UI","Helvetica Neue","Liberation Sans",Arial,sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1040px;margin:0 auto;padding:56px 32px 80px}
h1,h2{font-family:"Charter","Bitstream Charter","Iowan Old Style","Source Serif 4","Liberation Serif",Georgia,serif;font-weight:600;letter-spacing:-.01em;line-height:1.15;text-wrap:balance}
h1{font-size:40px;margin:6px 0 10px}
h2{font-size:25px;margin:64px 0 6px}
h3{font-size:15px;margin:26px 0 6px}
p{margin:8px 0;max-width:74ch;text-wrap:pretty}
a{color:inherit}
.kicker{margin:0;color:var(--soft);font-size:13px;letter-spacing:.08em;text-transform:uppercase}
.lead{color:var(--soft);font-size:17px}
.finding{margin:28px 0 8px;padding:22px 26px;background:var(--card);border:1px solid var(--rule);border-left:5px solid var(--text);border-radius:4px;font-size:20px;line-height:1.45;max-width:none}
.finding b{font-weight:650}
.figures{display:flex;flex-wrap:wrap;gap:14px;margin:18px 0 0;padding:0;list-style:none}
.figures li{flex:1 1 150px;padding:12px 16px;border-top:1px solid var(--rule)}
.figures b{display:block;font-size:26px;font-weight:600;line-height:1.2}
.figures span{color:var(--soft);font-size:13.5px}
figure{margin:18px 0 0;padding:20px 20px 12px;background:var(--card);border:1px solid var(--rule);border-radius:6px;overflow-x:auto}
figcaption{color:var(--soft);font-size:14px;line-height:1.45;max-width:90ch;margin-top:8px}
figure h3{margin:0 0 8px;font-size:15.5px}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(430px,1fr));gap:18px}
.pair figure{margin-top:18px}
svg.plot{display:block;width:100%;height:auto;overflow:visible}
svg text{font-size:13px;fill:var(--text)}
svg .grid line{stroke:var(--grid);stroke-width:1}
svg .axis text{fill:var(--soft);font-size:12.5px}
svg .axis .axis-title{fill:var(--text);font-size:13px}
svg .axis line{stroke:var(--faint);stroke-width:1}
svg .line{fill:none;stroke:var(--ink);stroke-width:2.3;stroke-linejoin:round;stroke-linecap:round}
svg .line.reference{stroke:var(--bound);stroke-width:1.6;stroke-dasharray:1 5;stroke-linecap:round}
svg .band{fill:var(--ink);opacity:.16}
svg .leader{fill:none;stroke:var(--ink);stroke-width:1;opacity:.7}
svg .leader.reference{stroke:var(--bound)}
svg .name{font-weight:600;fill:var(--ink)}
svg .name.reference{fill:var(--bound);font-style:italic;font-weight:500}
svg .whisker{stroke:var(--ink);stroke-width:2.2;stroke-linecap:round;opacity:.6}
svg .point{fill:var(--ink);stroke:var(--card);stroke-width:1.5}
svg .value{fill:var(--soft);font-size:12.5px}
svg line.mark{stroke:var(--soft);stroke-width:1.2;stroke-dasharray:4 3}
svg text.mark{fill:var(--soft);font-size:12px}
svg .cross{stroke:var(--faint);stroke-width:1;pointer-events:none}
.is-focused [data-series]{transition:opacity .12s}
.is-focused [data-series]:not(.is-hot){opacity:.14}
.legend{display:flex;flex-wrap:wrap;gap:4px 20px;margin:10px 0 0;padding:0;list-style:none;font-size:13.5px;color:var(--soft)}
.legend svg{width:15px;height:15px;vertical-align:-2px;margin-right:6px}
.legend path{fill:var(--soft)}
.table{overflow-x:auto;margin-top:18px;border:1px solid var(--rule);border-radius:6px;background:var(--card)}
table{border-collapse:collapse;width:100%;font-size:14.5px}
th,td{padding:7px 14px;text-align:right;white-space:nowrap;border-top:1px solid var(--grid)}
thead th{border-top:0;color:var(--soft);font-weight:500;font-size:12.5px;vertical-align:bottom}
tbody th{text-align:left;font-weight:600;color:var(--ink,var(--text))}
th:first-child{text-align:left}
tr.metric th{padding-top:20px;border-top:1px solid var(--rule);color:var(--text);font-size:14.5px;font-weight:650}
tr.metric:first-child th{border-top:0}
tr.metric span{color:var(--soft);font-weight:400}
tr.bound th,tr.bound td{color:var(--soft);font-style:italic}
mark{background:var(--mark);color:inherit;padding:3px 7px;margin-right:-7px;border-radius:3px;font-weight:600}
b[class],h3 span[class^=s]:not(.soft){color:var(--ink)}
.names{display:flex;flex-wrap:wrap;gap:2px 16px;margin:8px 0 4px 54px;padding:0;list-style:none;font-size:13px;font-weight:600}
.names li{color:var(--ink);cursor:default}
.names li::before{content:"";display:inline-block;width:16px;border-top:3px solid var(--ink);margin-right:6px;vertical-align:4px}
.soft{color:var(--soft)}
code,pre{font-family:"JetBrains Mono","SF Mono",Menlo,Consolas,"Liberation Mono",monospace;font-size:13px}
pre{margin:0;padding:14px 16px;background:var(--paper);border:1px solid var(--rule);border-radius:4px;overflow-x:auto}
.story{margin-top:18px;padding:18px 22px;background:var(--card);border:1px solid var(--rule);border-radius:6px}
.story h3{margin:0 0 4px}
.story table{width:auto;margin-top:10px;font-size:14px}
dl{display:grid;grid-template-columns:max-content 1fr;gap:5px 22px;margin:14px 0 0;font-size:14.5px}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}
details summary{cursor:pointer;color:var(--soft);font-size:14px;margin-top:12px}
ul.plain{padding-left:20px;max-width:80ch}
ul.plain li{margin:4px 0}
.top{display:flex;justify-content:space-between;gap:20px;align-items:start}
#theme{display:none;font:inherit;font-size:13px;color:var(--soft);background:none;border:1px solid var(--rule);border-radius:99px;padding:4px 13px;cursor:pointer;white-space:nowrap}
.has-script #theme{display:inline-block}
#readout{position:fixed;z-index:2;display:none;padding:9px 13px;background:var(--card);color:var(--text);border:1px solid var(--rule);border-radius:6px;box-shadow:0 5px 22px rgba(0,0,0,.18);font-size:13px;line-height:1.5;pointer-events:none}
#readout table{width:auto;font-size:13px}
#readout th,#readout td{padding:0 0 0 14px;border:0;text-align:right}
#readout th{padding:0;text-align:left;font-weight:600;color:var(--ink,var(--text))}
footer{margin-top:64px;padding-top:16px;border-top:1px solid var(--rule);color:var(--faint);font-size:13px}
@media (max-width:640px){main{padding:28px 16px}h1{font-size:30px}.finding{font-size:17px;padding:16px 18px}.pair{grid-template-columns:1fr}}
@media print{body{background:#fff}main{max-width:none;padding:0}#theme{display:none!important}figure,.story,.table{break-inside:avoid;border-color:#ccc}}
`.trim();
