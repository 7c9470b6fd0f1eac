// The look of the viewer: colours of the static picture's family, light, dark and on paper.

const LIGHT = `
  --ground: #fafbfd; --raised: #ffffff; --edge: #d3d8e1; --ink: #1b2230; --soft: #495263; --faint: #a3acba; --line: #8790a0;
  --parameter-fill: #dcecfa; --parameter-frame: #0a62a8; --parameter-ink: #083f6e; --parameter-line: #4d8fc4;
  --input-fill: #e4f3ee; --input-frame: #1c7a63; --input-ink: #0d4a3b;
  --op-fill: #ffffff; --op-frame: #6d7789; --op-ink: #1b2230;
  --output-fill: #ffedcc; --output-frame: #b35500; --output-ink: #6b3300;
  --more-fill: #eef0f4; --more-frame: #6d7789; --more-ink: #495263;
  --group-fill: #f0edf9; --group-frame: #6650a8; --group-ink: #3b2c70; --frame-fill: #6650a80d; --frame-frame: #6650a880;
  --failed-fill: #fde3dd; --failed-frame: #b3261e; --failed-ink: #7d1610;
  --missing-fill: #fafbfd; --missing-frame: #b35500; --missing-ink: #6b3300;
  --accent: #c2570c; --accent-soft: #ffe7d1; --link: #0a62a8; --hot: #d9660a; --bar: #7d9cc0;
  --zero: #f4f5f7; --negative: #2166ac; --positive: #c2570c; --strong: #ffffff;`;

const DARK = `
  --ground: #161a21; --raised: #1f252e; --edge: #343c48; --ink: #e8ecf2; --soft: #aab4c2; --faint: #667180; --line: #8590a0;
  --parameter-fill: #15324a; --parameter-frame: #6cb2ea; --parameter-ink: #cfe8fd; --parameter-line: #5c9ed0;
  --input-fill: #153530; --input-frame: #58b89c; --input-ink: #c9f0e4;
  --op-fill: #232a34; --op-frame: #8f9bac; --op-ink: #eef1f6;
  --output-fill: #45300f; --output-frame: #f0a04b; --output-ink: #ffe3bd;
  --more-fill: #1f252e; --more-frame: #8f9bac; --more-ink: #c0c8d4;
  --group-fill: #2b2645; --group-frame: #a493e6; --group-ink: #e4defb; --frame-fill: #a493e60f; --frame-frame: #a493e680;
  --failed-fill: #4a1d1a; --failed-frame: #ff8a7a; --failed-ink: #ffdcd6;
  --missing-fill: #161a21; --missing-frame: #f0a04b; --missing-ink: #ffe3bd;
  --accent: #ff9d4d; --accent-soft: #4a2d12; --link: #7cbcf0; --hot: #e07a1f; --bar: #6f94bf;
  --zero: #262c35; --negative: #5aa7ec; --positive: #f58b35; --strong: #10141a;`;

export const STYLE = `
:host { display: block; container-type: inline-size; ${LIGHT} color-scheme: light; }
:host([data-theme="dark"]) { ${DARK} color-scheme: dark; }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
.viewer { display: flex; flex-direction: column; min-height: 260px; overflow: hidden; resize: vertical; color: var(--ink); background: var(--ground);
  border: 1px solid var(--edge); border-radius: 10px; font: 13px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", Arial, sans-serif; }
h2, h3, h4, h5, h6, p, ul, dl, dd, figure { margin: 0; font-size: inherit; }
h2 { padding: 8px 12px 0; font-weight: 600; } h2 small { display: block; font-weight: 400; color: var(--soft); }
code, pre, .single, .told { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 12px; }
button, input, select { font: inherit; color: inherit; }
button, select, input[type="search"], input[type="number"], .card input { background: transparent; border: 1px solid var(--edge); border-radius: 6px; padding: 2px 8px; min-height: 26px; }
button, select, input[type="range"], label { cursor: pointer; }
button:hover { background: var(--raised); border-color: var(--faint); }
button[aria-disabled="true"] { opacity: 0.35; cursor: default; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 1px; }
button.icon { border-color: transparent; padding: 0; width: 26px; height: 26px; display: inline-grid; place-items: center; }
button.icon path { fill: none; stroke: currentColor; stroke-width: 1.5; stroke-linejoin: round; stroke-linecap: round; }
button.next { background: var(--accent-soft); color: var(--accent); }
button.primary { background: var(--accent); border-color: var(--accent); color: var(--ground); font-weight: 600; }
button.link { border: 0; padding: 0; min-height: 0; color: var(--link); text-align: left; } button.link:hover { text-decoration: underline; background: none; }
.choice { display: inline-flex; border: 1px solid var(--edge); border-radius: 7px; padding: 1px; }
.choice button { border: 0; min-height: 22px; color: var(--soft); } .choice button[aria-pressed="true"] { background: var(--edge); color: var(--ink); }

.toolbar { display: flex; flex-wrap: wrap; align-items: center; gap: 6px 10px; padding: 7px 10px; border-bottom: 1px solid var(--edge); }
.steps, .search, .buttons, .predict { display: flex; align-items: center; gap: 6px; } .steps { gap: 8px; flex-wrap: wrap; } .buttons, .search { gap: 2px; }
.space { flex: 1; } .steps input[type="range"] { width: 110px; accent-color: var(--accent); } .search input { width: 110px; } .predict input { accent-color: var(--accent); margin: 0; }
.count { color: var(--soft); font-variant-numeric: tabular-nums; white-space: nowrap; min-width: 2.4em; }
.legend { display: flex; align-items: center; gap: 8px; padding: 5px 12px; color: var(--soft); border-bottom: 1px solid var(--edge); }
.legend i { width: 90px; height: 10px; border-radius: 3px; border: 1px solid var(--edge); } .ramp { background: linear-gradient(in oklab to right, var(--ground), var(--hot)); }
.legend .hatched { width: 18px; } .hatched, .none, td.yet { background: repeating-linear-gradient(135deg, transparent 0 4px, color-mix(in srgb, var(--faint) 26%, transparent) 4px 5px); }
.body { display: flex; flex: 1; min-height: 0; }
.stage { position: relative; flex: 1; min-width: 0; overflow: hidden; }
.picture { display: block; width: 100%; height: 100%; touch-action: pan-y; cursor: grab; user-select: none; -webkit-user-select: none; } .picture.dragged { cursor: grabbing; }
.zooms, .doors { position: absolute; bottom: 8px; display: flex; gap: 2px; background: var(--ground); border-radius: 7px; } .zooms { right: 8px; } .doors { left: 8px; gap: 4px; } .doors button { color: var(--soft); }
.empty { position: absolute; inset: 0; display: grid; place-items: center; color: var(--soft); }
.spoken { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

.box { cursor: pointer; outline: none; } .frame { cursor: inherit; } .title { cursor: pointer; }
.box text { pointer-events: none; } .label { font-size: 14px; font-weight: 600; } .title .label { font-size: 12px; fill: var(--group-ink); }
.detail { font-size: 11px; font-weight: 400; fill: var(--soft); } .mark { fill: none; stroke: var(--group-frame); stroke-width: 1.6; }
.box:focus-visible > rect, .box:focus-visible > .title rect { outline: 2px solid var(--link); outline-offset: 3px; border-radius: 8px; }
.box:hover > rect { filter: brightness(0.97); }
.selected > rect { stroke: var(--link); stroke-width: 2.6; stroke-dasharray: none; } .asked > rect, .now > rect { stroke: var(--accent); stroke-width: 2.6; stroke-dasharray: none; }
.now > rect { fill: var(--accent-soft); filter: drop-shadow(0 0 5px color-mix(in srgb, var(--accent) 55%, transparent)); } .asked > rect { stroke-dasharray: 3 3; }
.lit > rect { stroke: var(--accent); stroke-width: 2.4; } .dim { opacity: 0.25; } .later { opacity: 0.45; }
.lines .lit path { stroke: var(--accent); } .lines .lit path + path { fill: var(--accent); }
.differs > rect { stroke: var(--failed-frame); stroke-width: 2; } .extra > rect { stroke: var(--link); stroke-dasharray: 2 3; stroke-width: 2; } .same { opacity: 0.75; }
.flow { fill: none; stroke: var(--accent); stroke-width: 2.6; stroke-dasharray: 7 5; animation: back 0.9s linear infinite; } .flowhead { fill: var(--accent); }
@keyframes back { to { stroke-dashoffset: 12; } }
.note rect { fill: var(--raised); stroke: var(--accent); } .note text { font-size: 12px; fill: var(--ink); } .note .rule { font-weight: 600; } .note text.small { font-size: 11px; fill: var(--soft); }
.failure rect { stroke: var(--failed-frame); } .failure .rule { fill: var(--failed-frame); } .notes { pointer-events: none; }
.extras text { font-size: 10px; fill: var(--ink); } .extras rect { fill: var(--raised); stroke: var(--faint); }
.tag.arrived rect { fill: var(--accent); stroke: var(--accent); } .tag.arrived text { fill: var(--ground); font-weight: 600; } .tag.part rect { fill: var(--accent-soft); stroke: var(--accent); }
.tag.yet rect { fill: url(#hatching); stroke-dasharray: 2 2; } .tag.yet text { fill: var(--soft); } .tag.value rect { fill: var(--link); stroke: var(--link); } .tag.value text { fill: var(--ground); }
.marks rect { stroke: var(--accent); } .marks.differs rect { stroke: var(--failed-frame); fill: var(--failed-fill); }

.panel { width: 320px; overflow: auto; border-left: 1px solid var(--edge); padding: 10px 12px 16px; overscroll-behavior: contain; }
.panel > .choice { margin-bottom: 8px; } .inside, .inside section { display: flex; flex-direction: column; gap: 6px; align-items: stretch; } .inside section { margin-top: 8px; } .inside .choice, .about > button { align-self: flex-start; }
h3 { font-size: 15px; overflow-wrap: anywhere; } h4 { color: var(--soft); font-weight: 600; } h5 { font-weight: 600; } h6 { color: var(--soft); font-weight: 400; } .kind, .hint, .panel small { color: var(--soft); overflow-wrap: anywhere; } .hint { font-size: 12px; }
.badge { margin-left: 6px; padding: 0 6px; border: 1px solid var(--accent); border-radius: 8px; font-size: 11px; font-weight: 500; color: var(--accent); white-space: nowrap; }
.rule { padding: 5px 8px; background: var(--raised); border-left: 3px solid var(--accent); border-radius: 0 6px 6px 0; } .rule code { display: block; overflow-wrap: anywhere; } .rule small { display: block; } .numbers { font-weight: 600; }
.adds ul { padding-left: 18px; } .none { padding: 10px; border: 1px dashed var(--faint); border-radius: 6px; color: var(--soft); } .none button { margin: 6px 6px 0 0; background: var(--ground); display: inline-block; } .yet { color: var(--soft); }
.card form, .verdict { display: flex; flex-direction: column; gap: 6px; padding: 10px; margin-bottom: 10px; border-radius: 8px; background: var(--accent-soft); } .card label { display: block; } .card input { display: block; width: 100%; background: var(--ground); } .card .buttons { gap: 6px; }
.verdict { border-left: 4px solid var(--accent); } .verdict.right { border-left-color: var(--input-frame); background: var(--input-fill); }
.single { font-size: 22px; } .grid { display: grid; grid-template-columns: repeat(var(--columns), minmax(0, 1fr)); gap: 1px; max-width: calc(var(--columns) * 52px); cursor: crosshair; } .grid:not(.written) { max-width: 290px; }
.cell { aspect-ratio: 1; border-radius: 1px; font-size: 10px; display: grid; place-items: center; overflow: hidden; } .written .cell { aspect-ratio: auto; height: 24px; border-radius: 3px; font-size: 11px; } .cell.strong { color: var(--strong); }
.cell.beyond { background: var(--failed-fill); color: var(--failed-ink); font-weight: 700; outline: 1px solid var(--failed-frame); outline-offset: -1px; } .cell.cursor { outline: 2px solid var(--ink); outline-offset: -1px; } .told { display: block; margin-top: 4px; color: var(--soft); font-size: 11px; }
.index { margin-bottom: 6px; } .index input { width: 58px; margin-right: 4px; } .problem { color: var(--failed-frame); }
.histogram { width: 100%; height: 44px; margin-top: 8px; border-bottom: 1px solid var(--edge); } .ends { display: flex; justify-content: space-between; font-size: 11px; color: var(--soft); }
.facts { display: grid; grid-template-columns: repeat(3, 1fr); gap: 4px 10px; margin-top: 6px; font-variant-numeric: tabular-nums; } dt { font-size: 11px; color: var(--soft); } 
.error { padding: 8px 10px; border: 1px solid var(--failed-frame); border-radius: 8px; background: var(--failed-fill); color: var(--failed-ink); } .error h4 { color: inherit; } .error p { overflow-wrap: anywhere; } .error pre { margin: 4px 0 0; overflow-x: auto; } mark { background: var(--failed-frame); color: var(--failed-fill); border-radius: 3px; }
.excerpt { display: flex; flex-direction: column; align-items: flex-start; max-width: 100%; overflow: hidden; border: 0; padding: 2px 0; color: var(--soft); font-size: 11px; text-align: left; } .excerpt code { color: var(--ink); white-space: pre; }
.overview ul { list-style: none; padding: 8px 0; } .swatch { display: inline-block; width: 14px; height: 10px; margin-right: 8px; border: 1.5px solid; border-radius: 2px; }
${["parameter", "input", "op", "output", "failed"].map((kind) => `.swatch.${kind} { background: var(--${kind}-fill); border-color: var(--${kind}-frame); }`).join(" ")} .swatch.op { border-radius: 6px; }
.compared { display: flex; flex-direction: column; gap: 6px; } .source figcaption { color: var(--soft); font-size: 11px; margin: 6px 0 2px; } .code { overflow-x: auto; }
.line { display: flex; gap: 8px; min-width: 100%; width: max-content; min-height: 0; border: 0; border-radius: 3px; padding: 0 4px; text-align: left; } .line code { white-space: pre; } .number { min-width: 2.2em; text-align: right; color: var(--faint); font-size: 11px; }
button.line .number { color: var(--link); } button.line:hover, button.line:focus { background: var(--accent-soft); } .line[aria-current] { background: var(--accent-soft); box-shadow: inset 3px 0 var(--accent); }

.tableview { flex: 1; overflow: auto; min-width: 0; } table { border-collapse: collapse; width: 100%; font-size: 12px; } caption { text-align: left; padding: 8px 12px; color: var(--soft); }
th, td { padding: 3px 10px; text-align: left; vertical-align: top; border-bottom: 1px solid var(--edge); } td.rules { white-space: pre-line; font-family: ui-monospace, monospace; } thead th { position: sticky; top: 0; background: var(--ground); color: var(--soft); } tr.now { background: var(--accent-soft); } tr[aria-current] th { box-shadow: inset 3px 0 var(--link); }

@container (max-width: 699px) { .body { flex-direction: column; } .panel { width: auto; flex: 0 1 auto; max-height: 45%; border-left: 0; border-top: 1px solid var(--edge); } .stage { min-height: 180px; } }
@media (prefers-reduced-motion: reduce) { .flow { animation: none; } }
@media print { :host, :host([data-theme]) { ${LIGHT} color-scheme: light; print-color-adjust: exact; -webkit-print-color-adjust: exact; } .toolbar, .zooms, .doors { display: none; } }
`;
