// SPDX-License-Identifier: Apache-2.0

/// The page's files: its style, the script of the live view, and its icon.
enum PageStyle {
    static let text: StaticString = """
        :root {
          color-scheme: light dark;
          --paper: #ffffff; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --raised: #f6f8fa;
          --link: #0550ae; --on: #116329; --bad: #a40e26; --bad-paper: #ffebe9; --good-paper: #dafbe1;
          --kind0: #0969da; --kind1: #bf8700; --kind2: #a40e26; --focus: #0550ae;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --paper: #0d1117; --ink: #e6edf3; --soft: #9ea7b3; --line: #30363d; --raised: #161b22;
            --link: #79c0ff; --on: #7ee787; --bad: #ffa198; --bad-paper: #3c1618; --good-paper: #12261e;
            --kind0: #58a6ff; --kind1: #d29922; --kind2: #ff7b72; --focus: #79c0ff;
          }
        }
        * { box-sizing: border-box; }
        html { font: 100%/1.5 system-ui, sans-serif; background: var(--paper); color: var(--ink); }
        body { margin: 0 auto; max-width: 60rem; padding: 0 1rem 2rem; overflow-wrap: anywhere; }
        a { color: var(--link); }
        :focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
        .skip { position: absolute; left: -100vw; background: var(--paper); padding: .5rem; }
        .skip:focus { left: 1rem; top: 1rem; }
        nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; list-style: none; margin: 1rem 0 0; padding: 0 0 .5rem; border-bottom: 1px solid var(--line); }
        nav a { display: inline-block; padding: .25rem 0; }
        nav a[aria-current] { color: var(--ink); font-weight: 600; }
        h1 { font-size: 1.6rem; line-height: 1.25; margin: 1.5rem 0 1rem; }
        h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
        h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
        .hint, footer, figcaption, caption, .ends, .top { color: var(--soft); font-size: .9rem; }
        footer { border-top: 1px solid var(--line); margin-top: 3rem; }
        .note { border-left: 4px solid var(--line); background: var(--raised); padding: .5rem .75rem; }
        .warning { border-color: var(--bad); background: var(--bad-paper); color: var(--ink); }
        .good { border-color: var(--on); background: var(--good-paper); }
        .tools { list-style: none; padding: 0; display: grid; gap: 1rem; }
        .tools > li, .all, .state { border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem; position: relative; }
        .tools h3, .all h2 { margin: 0 6rem .5rem 0; }
        .tools form, .state form { position: absolute; right: 1rem; top: .75rem; }
        .state { padding-right: 7rem; }
        .state p { margin: 0 0 .25rem; }
        dl.facts { margin: .75rem 0 0; display: grid; gap: .25rem; }
        dl.facts > div { display: grid; grid-template-columns: 9rem minmax(0, 1fr); gap: .5rem; }
        dt { color: var(--soft); }
        dd { margin: 0; }
        button { font: inherit; min-height: 2rem; cursor: pointer; border-radius: 1rem; border: 1px solid var(--soft); background: var(--raised); color: var(--ink); padding: .15rem .75rem; }
        button[role="switch"] { display: inline-flex; align-items: center; gap: .4rem; font-weight: 600; }
        button[role="switch"] .knob { width: 1.8rem; height: 1rem; border-radius: .5rem; border: 2px solid currentColor; position: relative; }
        button[role="switch"] .knob::after { content: ""; position: absolute; top: .1rem; left: .1rem; width: .55rem; height: .55rem; border-radius: 50%; background: currentColor; }
        button[role="switch"][aria-checked="true"] { color: var(--on); border-color: var(--on); }
        button[role="switch"][aria-checked="true"] .knob::after { left: auto; right: .1rem; }
        pre, code { font: .85rem/1.45 ui-monospace, monospace; }
        pre { background: var(--raised); border: 1px solid var(--line); border-radius: .25rem; padding: .75rem; overflow: auto; max-height: 32rem; overflow-wrap: normal; }
        .wide { overflow-x: auto; margin-top: .75rem; }
        table { border-collapse: collapse; font-size: .9rem; min-width: 100%; overflow-wrap: normal; }
        caption { text-align: left; padding: .25rem 0; }
        th, td { text-align: left; vertical-align: top; padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line); font-weight: 400; }
        thead th { color: var(--soft); }
        td { font-variant-numeric: tabular-nums; }
        details { margin: .25rem 0; }
        summary { cursor: pointer; padding: .25rem 0; }
        .entry { border-bottom: 1px solid var(--line); }
        figure { margin: 1rem 0; }
        .chart { position: relative; border-bottom: 1px solid var(--line); padding-top: 1.4rem; }
        .chart svg { display: block; width: 100%; height: 8rem; }
        .chart .top { position: absolute; top: 0; left: 0; }
        .ends { display: flex; justify-content: space-between; margin: 0; }
        .kind0 { fill: var(--kind0); } .kind1 { fill: var(--kind1); } .kind2 { fill: var(--kind2); }
        polyline { fill: none; stroke: var(--kind0); stroke-width: 2; vector-effect: non-scaling-stroke; }
        .legend { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: .25rem 0; padding: 0; font-size: .9rem; }
        .legend svg { width: .7rem; height: .7rem; }
        .paging a { display: inline-block; padding: .25rem 1rem .25rem 0; }
        .terminal { margin-top: 2.5rem; }
        .terminal ul { padding-left: 1.2rem; }
        @media (max-width: 30rem) {
          dl.facts > div { grid-template-columns: minmax(0, 1fr); gap: 0; }
        }
        @media (prefers-reduced-motion: no-preference) { button { transition: background .1s; } }
        @media (forced-colors: active) { button[role="switch"] .knob::after { background: ButtonText; } rect { stroke: CanvasText; } }

        """

    static let script: StaticString = """
        "use strict";
        const place = document.getElementById("live");
        const state = document.getElementById("live-state");
        const pause = document.getElementById("live-pause");
        let source = null;
        let held = null;
        function show(content) {
          const opened = Array.from(place.querySelectorAll("details"), (each) => each.open);
          place.innerHTML = content;
          place.querySelectorAll("details").forEach((each, index) => { each.open = opened[index] === true; });
          state.textContent = "Live: changes are shown as they come.";
        }
        // What somebody reads with the keyboard is not taken away.
        place.addEventListener("focusout", () => setTimeout(() => {
          if (held !== null && !place.contains(document.activeElement)) {
            show(held);
            held = null;
          }
        }));
        function begin() {
          source = new EventSource("/live/stream" + location.search);
          source.onmessage = (message) => {
            if (place.contains(document.activeElement)) {
              held = message.data;
              state.textContent = "Changes wait until the focus leaves the list.";
            } else {
              show(message.data);
            }
          };
          source.onerror = () => { state.textContent = "Not connected. The agent may have ended; trying again."; };
          pause.textContent = "Pause";
        }
        pause.hidden = false;
        pause.addEventListener("click", () => {
          if (source === null) {
            begin();
          } else {
            source.close();
            source = null;
            state.textContent = "Paused.";
            pause.textContent = "Go on";
          }
        });
        begin();

        """

    static let icon: StaticString = """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#0550ae"/><path d="M3 12V8h2v4zM7 12V4h2v8zM11 12V6h2v6z" fill="#fff"/></svg>
        """
}
