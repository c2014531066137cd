/**
 * Style of the live page: no external assets, light and dark by the reader's system, cards
 * instead of tables on a narrow screen.
 *
 * @module
 */

/** Content of the page's style element; its hash stands in the page's policy. */
export const pageStyle = `
:root {
  color-scheme: light dark;
  --back: #f6f7f9; --card: #fff; --text: #1b1f24; --soft: #57606a; --line: #d5dae0;
  --good: #116329; --warn: #7d4e00; --bad: #b3131f; --good-back: #dcf5e3; --warn-back: #fdf0cf;
  --bad-back: #fde3e3; --focus: #0757c2;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #0f1318; --card: #181d24; --text: #e3e8ee; --soft: #9ba6b3; --line: #303944;
    --good: #63d488; --warn: #f0be5a; --bad: #ff8b8b; --good-back: #12301c; --warn-back: #382a0a;
    --bad-back: #431a1d; --focus: #79b4ff;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body {
  margin: 0 auto; padding: 0 1rem 2rem; max-width: 90rem; background: var(--back);
  color: var(--text); font: 15px/1.45 system-ui, sans-serif; overflow-wrap: anywhere;
}
header { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; padding: 1rem 0; }
h1 { font-size: 1.3rem; margin: 0; margin-inline-end: auto; }
h2 { font-size: 1.1rem; margin: 0; }
section, .notice, main form, #access[open] {
  background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  padding: .8rem 1rem; margin: 0 0 1rem;
}
.notice { border-inline-start: .35rem solid var(--warn); }
.notice.bad { border-inline-start-color: var(--bad); }
ul.notice { list-style: none; margin-block: .5rem; font-weight: 600; }
#told, #link { position: sticky; top: .5rem; z-index: 1; }
#told:not(.bad) { border-inline-start-color: var(--good); }
[id] { scroll-margin-top: 4.5rem; }
#told:empty { padding: 0; border: 0; margin: 0; }
#access[open] { flex: 1 1 100%; margin: 0; }
#access summary { margin: 0; }
#access p { margin: .4rem 0; }
.now { border-inline-start: .35rem solid var(--good); }
.now.warn { border-inline-start-color: var(--warn); }
.now.bad { border-inline-start-color: var(--bad); }
.now.good, .now.warn, .now.bad { color: inherit; background: var(--card); }
.attention { margin: .4rem 0 0; padding: 0; }
.attention li { list-style: none; padding: .2rem 0; }
.attention li + li { border-top: 1px solid var(--line); }
.address { display: block; font-weight: 400; }
.title { display: flex; flex-wrap: wrap; gap: .3rem .7rem; align-items: center; }
.soft { color: var(--soft); margin: .2rem 0; }
.facts { display: flex; flex-wrap: wrap; gap: .1rem 1.4rem; margin: .4rem 0; padding: 0; }
.facts li { list-style: none; }
.facts b, td, .badge { font-variant-numeric: tabular-nums; }
.badge {
  display: inline-block; padding: 0 .55em; border-radius: 1em; font-weight: 600;
  white-space: nowrap;
}
.good { color: var(--good); background: var(--good-back); }
.warn { color: var(--warn); background: var(--warn-back); }
.bad { color: var(--bad); background: var(--bad-back); }
.notice.bad { color: inherit; background: var(--card); }
table { border-collapse: collapse; width: 100%; margin-top: .5rem; }
caption { text-align: start; color: var(--soft); padding: .2rem 0; }
th, td { text-align: start; padding: .3rem .6rem .3rem 0; vertical-align: top; }
thead th { color: var(--soft); font-weight: 600; border-bottom: 1px solid var(--line); }
tbody th { font-weight: 600; overflow-wrap: anywhere; min-width: 10rem; }
td { overflow-wrap: break-word; }
tbody th .soft { font-weight: 400; }
thead th, .number, td time { white-space: nowrap; overflow-wrap: normal; }
td.line { min-width: 9.5rem; }
.wide { width: 26%; }
td.wide { min-width: 10rem; overflow-wrap: anywhere; }
.action { display: none; }
[data-write] .action { display: table-cell; }
td button { padding: .1rem .6rem; min-height: 1.8rem; cursor: pointer; }
tbody tr + tr > * { border-top: 1px solid var(--line); }
.number { text-align: end; }
summary { cursor: pointer; margin-top: .5rem; padding: .2rem 0; }
ol { margin: .4rem 0 0; padding: 0; }
ol li { list-style: none; padding: .2rem 0; border-top: 1px solid var(--line); }
ol time { color: var(--soft); margin-inline-end: .6rem; }
input, button {
  font: inherit; color: inherit; background: var(--back); border: 1px solid var(--line);
  border-radius: .35rem; padding: .3rem .6rem; max-width: 100%;
}
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
a { color: var(--focus); }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
@media (max-width: 78rem) {
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table, caption, tbody, tr, tbody th, td { display: block; }
  tbody tr {
    display: flex; flex-wrap: wrap; gap: 0 1rem; padding: .4rem 0;
    border-top: 1px solid var(--line);
  }
  tbody tr + tr > * { border-top: 0; }
  tbody th, td.wide, td.action { flex: 0 0 100%; width: auto; }
  tbody th, td, td.line, td.wide { overflow-wrap: anywhere; min-width: 0; }
  th, td { padding: .05rem 0; }
  td { display: flex; gap: .4rem; }
  td::before { content: attr(data-label); color: var(--soft); flex: none; }
  td:empty, td.action { display: none; }
  [data-write] td.action { display: flex; }
  td.action::before { content: none; }
  td button { min-height: 2.75rem; padding-inline: 1.2rem; margin: .3rem 0; }
  .number { text-align: start; }
}
`;
