// The look of the viewer: colours of the static picture's family, for light and dark pages and for paper.

const LIGHT = `
  --ground: #fafbfd; --raised: #fff; --border: #d3d8e1; --ink: #1b2230; --soft: #495263; --faint: #a3acba;
  --line: #8790a0;
  --parameter-fill: #dcecfa; --parameter-frame: #0a62a8; --parameter-ink: #083f6e; --parameter-line: #4d8fc4;
  --input-fill: #e4f3ee; --input-frame: #1c7a63; --input-ink: #0d4a3b;
  --op-fill: #fff; --op-frame: #6d7789; --op-ink: #1b2230;
  --output-fill: #ffedcc; --output-frame: #b35500; --output-ink: #6b3300;
  --more-fill: #eef0f4; --more-frame: #6d7789; --more-ink: #495263;
  --module-fill: #ece8f7; --module-frame: #63509e; --module-ink: #3a2a72;
  --frame-fill: #63509e0a; --frame-frame: #63509e70;
  --repeat-fill: #ece8f7; --repeat-frame: #63509e; --repeat-ink: #3a2a72;
  --part-fill: #eef0f4; --part-frame: #6d7789; --part-ink: #1b2230;
  --failed-fill: #fde3dd; --failed-frame: #b3261e; --failed-ink: #7d1610;
  --missing-fill: #fafbfd; --missing-frame: #6d7789; --missing-ink: #495263;
  --right: #1c7a63; --right-soft: #e2f2ec;
  --accent: #b9520a; --accent-soft: #ffe9d6; --link: #0a62a8; --bar: #7d9cc0; --hot: #d9660a;
  --zero: #f1f3f6; --negative: #2166ac; --positive: #b9520a; --on-strong: #fff; color-scheme: light;`;

const DARK = `
  --ground: #161a21; --raised: #1f252e; --border: #343c48; --ink: #e8ecf2; --soft: #aab4c2; --faint: #667180;
  --line: #8590a0;
  --parameter-fill: #15324a; --parameter-frame: #6cb2ea; --parameter-ink: #cfe8fd; --parameter-line: #5c9ed0;
  --input-fill: #15352c; --input-frame: #57b89a; --input-ink: #cfeee2;
  --op-fill: #232a34; --op-frame: #8f9bac; --op-ink: #eef1f6;
  --output-fill: #45300f; --output-frame: #f0a04b; --output-ink: #ffe3bd;
  --more-fill: #1f252e; --more-frame: #8f9bac; --more-ink: #c0c8d4;
  --module-fill: #2b2645; --module-frame: #a493e6; --module-ink: #e4defb;
  --frame-fill: #a493e60c; --frame-frame: #a493e670;
  --repeat-fill: #2b2645; --repeat-frame: #a493e6; --repeat-ink: #e4defb;
  --part-fill: #262c35; --part-frame: #8f9bac; --part-ink: #e8ecf2;
  --failed-fill: #4a1d1a; --failed-frame: #ff8a7a; --failed-ink: #ffdcd6;
  --missing-fill: #161a21; --missing-frame: #8f9bac; --missing-ink: #c0c8d4;
  --right: #58b89c; --right-soft: #153530;
  --accent: #ff9d4d; --accent-soft: #45290f; --link: #7cbcf0; --bar: #6f94bf; --hot: #c4650f;
  --zero: #262c35; --negative: #5aa7ec; --positive: #f58b35; --on-strong: #10141a; color-scheme: dark;`;

const PAGE = `
:host { display: block; container-type: inline-size; ${LIGHT} }
:host([data-theme="dark"]) { ${DARK} }
* { box-sizing: border-box; margin: 0; }
[hidden] { display: none !important; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 1px; }
.viewer { display: flex; flex-direction: column; min-height: 260px; overflow: hidden; resize: vertical;
  color: var(--ink); background: var(--ground); border: 1px solid var(--border); border-radius: 10px;
  font: 13px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", Arial, sans-serif; }
h2, h3, h4 { font-size: inherit; font-weight: 600; overflow-wrap: anywhere; }
h3 { font-size: 15px; }
h4, small, .soft, .count, dt, caption, figcaption, thead th { color: var(--soft); }
small { display: block; font-size: 12px; font-weight: 400; overflow-wrap: anywhere; }
code, pre, output, .rules { font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: 12px; }
ul { padding-left: 18px; }
button, input, select { font: inherit; color: inherit; background: transparent; cursor: pointer; }
button, select, input:not([type="range"], [type="checkbox"]) { min-height: 26px; padding: 2px 8px; max-width: 100%;
  border: 1px solid var(--border); border-radius: 6px; }
button:hover { background: var(--raised); border-color: var(--faint); }
[aria-pressed="true"] { background: var(--border); }
[aria-disabled="true"] { opacity: 0.35; }
input { accent-color: var(--accent); }
.icon { width: 26px; padding: 4px; border-color: transparent; vertical-align: middle; line-height: 0; }
.icon path { fill: none; stroke: currentColor; stroke-width: 1.5; stroke-linejoin: round; stroke-linecap: round; }
.next { background: var(--accent-soft); color: var(--accent); }
.primary { background: var(--accent); color: var(--ground); font-weight: 600; }
.link { min-height: 0; padding: 0; border: 0; color: var(--link); text-align: left; }
.link:hover { text-decoration: underline; background: none; }
.choice { display: inline-flex; padding: 1px; border: 1px solid var(--border); border-radius: 7px; }
.choice button { min-height: 22px; border: 0; color: var(--soft); }
.choice [aria-pressed="true"] { color: var(--ink); }
.top, .toolbar, .strip, .steps, .search { display: flex; align-items: center; gap: 6px 10px; }
.top { justify-content: space-between; padding: 8px 10px 0 12px; }
.toolbar { flex-wrap: wrap; padding: 7px 10px; border-bottom: 1px solid var(--border); }
.steps { flex-wrap: wrap; flex: 1; white-space: nowrap; }
.search { gap: 4px; }
[type="range"] { width: 110px; }
[type="search"] { width: 130px; }
select { max-width: 150px; }
.count { font-variant-numeric: tabular-nums; }
.strip { flex-wrap: wrap; padding: 5px 12px; color: var(--soft); border-bottom: 1px solid var(--border); }
.strip i { width: 90px; height: 10px; border: 1px solid var(--border); }
.strip .hatched { width: 18px; }
.ramp { background: linear-gradient(in oklab to right, var(--ground), var(--hot)); }
.hatched { color: var(--soft);
  background: repeating-linear-gradient(135deg, transparent 0 4px, var(--border) 4px 5px); }
.body { display: flex; flex: 1; min-height: 0; }
.stage { position: relative; flex: 1; min-width: 0; overflow: clip; } /* not scrolled by a focus, as hidden is */
.sheet { position: absolute; inset: 0; touch-action: pan-y; cursor: grab; user-select: none;
  -webkit-user-select: none; }
.sheet > svg { position: absolute; overflow: visible; transform-origin: 0 0; }
.dragged { cursor: grabbing; }
.zooms, .doors { position: absolute; bottom: 8px; right: 8px; background: var(--ground); border-radius: 7px; }
.doors { right: auto; left: 8px; color: var(--soft); }
.empty { position: absolute; inset: 0; display: grid; place-items: center; color: var(--soft); }
.spoken { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.table { flex: 1; overflow: auto; min-width: 0; }
table { border-collapse: collapse; width: 100%; font-size: 12px; }
caption { text-align: left; padding: 8px 12px; }
th, td { padding: 3px 10px; text-align: left; vertical-align: top; border-bottom: 1px solid var(--border); }
thead th { position: sticky; top: 0; background: var(--ground); }
.rules { white-space: pre-line; }
tr.now { background: var(--accent-soft); }
tr[aria-current] th { box-shadow: inset 3px 0 var(--link); }
@media print {
  :host, :host([data-theme]) { ${LIGHT} print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .toolbar, .zooms, .doors { display: none; }
}`;

const PICTURE = `
.box, .title { cursor: pointer; outline: none; }
.frame { cursor: inherit; }
.box text, .flows, .notes, .extras { pointer-events: none; }
.label { font-size: 14px; font-weight: 600; }
.title .label { font-size: 12px; fill: var(--module-ink); }
.detail { font-size: 11px; font-weight: 400; fill: var(--soft); }
.mark { fill: none; stroke: var(--module-frame); stroke-width: 1.6; }
.box:focus-visible > .face, .frame:focus-visible > .title { outline: 2px solid var(--link); outline-offset: 3px; }
[data-match="differs"] > .face { stroke: var(--failed-frame); stroke-width: 2.2; }
[data-match="extra"] > .face { stroke: var(--link); stroke-width: 2.2; stroke-dasharray: 2 3; }
[data-match="same"] { opacity: 0.75; }
.selected > .face { stroke: var(--link); stroke-width: 2.6; }
.lit > .face, .asked > .face, .now > .face { stroke: var(--accent); stroke-width: 2.6; }
.asked > .face { stroke-dasharray: 3 3; }
.now { filter: drop-shadow(0 0 4px var(--accent)); opacity: 1; }
.dim { opacity: 0.22; }
.later { opacity: 0.4; }
.lines .lit path { stroke: var(--accent); stroke-width: 2.4; }
.lines .lit path + path { fill: var(--accent); stroke: none; }
.flow { fill: none; stroke: var(--accent); stroke-width: 2.6; stroke-dasharray: 7 5;
  animation: back 0.9s linear infinite; }
.flowhead { fill: var(--accent); }
@keyframes back { to { stroke-dashoffset: 12; } }
@media (prefers-reduced-motion: reduce) { .flow { animation: none; } }
.note rect { fill: var(--raised); stroke: var(--accent); }
.note text { font-size: 11px; fill: var(--soft); }
.note .rule { font-size: 12px; font-weight: 600; fill: var(--ink); }
.failure rect { stroke: var(--failed-frame); }
.extras text { font-size: 10px; fill: var(--ink); }
.extras rect { fill: var(--raised); stroke: var(--faint); }
.arrived rect { fill: var(--accent); stroke: var(--accent); }
.value rect { fill: var(--link); stroke: var(--link); }
.extras .arrived text, .extras .value text { fill: var(--ground); font-weight: 600; }
.part rect { fill: var(--accent-soft); stroke: var(--accent); }
.yet rect { fill: url(#hatching); stroke-dasharray: 2 2; }
.marks rect { fill: var(--soft); stroke: var(--ground); }
.extras .marks text { fill: var(--ground); font-weight: 600; }
.marks.alarm rect { fill: var(--failed-frame); }
.heated .label, .heated .detail { fill: var(--ink); }`;

const PANEL = `
.panel { width: 320px; overflow: auto; padding: 10px 12px 16px; border-left: 1px solid var(--border);
  overscroll-behavior: contain; }
.panel > .choice { margin-bottom: 8px; }
.inside, .inside section, form { display: grid; gap: 6px; justify-items: start; }
.inside > *, .inside section > :not(button, .choice), form > * { justify-self: stretch; min-width: 0; }
.inside section { margin-top: 6px; }
.kinds { list-style: none; padding: 8px 0; }
.swatch { display: inline-block; width: 14px; height: 10px; margin-right: 8px; border: 1.5px solid;
  border-radius: 2px; }
.swatch.parameter { background: var(--parameter-fill); border-color: var(--parameter-frame); }
.swatch.input { background: var(--input-fill); border-color: var(--input-frame); transform: skew(-20deg); }
.swatch.op { background: var(--op-fill); border-color: var(--op-frame); border-radius: 6px; }
.swatch.output { background: var(--output-fill); border-color: var(--output-frame); }
.swatch.failed { background: var(--failed-fill); border-color: var(--failed-frame); }
.badge { margin-left: 6px; padding: 0 6px; border: 1px solid var(--accent); border-radius: 8px; font-size: 11px;
  font-weight: 500; color: var(--accent); }
.rule { padding: 5px 8px; background: var(--raised); border-left: 3px solid var(--accent); border-radius: 0 6px 6px 0; }
.rule code { overflow-wrap: anywhere; }
.none { padding: 10px; border: 1px dashed var(--faint); border-radius: 6px; }
.none button { margin: 6px 6px 0 0; background: var(--ground); color: var(--ink); }
form, .verdict { padding: 10px; margin-bottom: 10px; border-radius: 8px; background: var(--accent-soft); }
form input { display: block; width: 100%; background: var(--ground); cursor: text; }
.verdict { border-left: 4px solid var(--accent); }
.verdict.right { border-left-color: var(--right); background: var(--right-soft); }
p.differs { color: var(--failed-frame); font-weight: 600; }
.error { padding: 8px 10px; border: 1px solid var(--failed-frame); border-radius: 8px; background: var(--failed-fill); }
.error, .error h4 { color: var(--failed-ink); overflow-wrap: anywhere; }
.error pre { overflow-x: auto; }
mark { background: var(--failed-frame); color: var(--failed-fill); border-radius: 3px; }
.single { font-size: 22px; }
.grid { display: grid; grid-template-columns: repeat(var(--columns), minmax(0, 1fr)); gap: 1px; cursor: crosshair;
  max-width: calc(var(--columns) * 60px); }
.grid span { height: 16px; font-size: 10px; display: grid; place-items: center; overflow: hidden; border-radius: 2px; }
.grid.written span { height: 24px; font-size: 11px; }
.grid .strong { color: var(--on-strong); }
.grid .beyond { background: var(--failed-fill); color: var(--failed-ink); font-weight: 700; border: 1px solid; }
.grid .cursor { outline: 2px solid var(--ink); outline-offset: -1px; }
.told { display: block; margin-top: 3px; font-size: 11px; color: var(--soft); }
.index { display: flex; gap: 4px; align-items: center; margin-bottom: 6px; }
.index input { width: 56px; }
.problem { color: var(--failed-frame); }
.histogram { display: block; width: 100%; height: 44px; margin-top: 8px; border-bottom: 1px solid var(--border); }
.ends { display: flex; justify-content: space-between; font-size: 11px; color: var(--soft); }
dl { display: grid; grid-template-columns: repeat(3, 1fr); gap: 4px 10px; margin-top: 6px;
  font-variant-numeric: tabular-nums; }
dt { font-size: 11px; }
dd { margin: 0; }
.excerpt { padding: 0; border: 0; text-align: left; overflow: hidden; white-space: pre; }
figcaption { margin: 6px 0 2px; font-size: 11px; }
.code { overflow-x: auto; }
.line { display: flex; gap: 8px; min-width: 100%; width: max-content; max-width: none; min-height: 0; padding: 0 4px;
  border: 0; text-align: left; }
.line code { white-space: pre; }
.number { min-width: 2.2em; text-align: right; font-size: 11px; color: var(--faint); }
button .number { color: var(--link); }
button.line:hover, button.line:focus, .line[aria-current] { background: var(--accent-soft); }
.line[aria-current] { box-shadow: inset 3px 0 var(--accent); }`;

const NARROW = `
@container (max-width: 699px) {
  .viewer { min-height: 780px; }
  .body { flex-direction: column; }
  .stage, .table { flex: none; height: 340px; }
  .panel { width: auto; flex: 1; border-left: 0; border-top: 1px solid var(--border); }
}`;

export const STYLE = PAGE + PICTURE + PANEL + NARROW;
