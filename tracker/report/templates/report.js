// Draws the list, the heat map and the transcript from the JSON in #data. Knows the page's elements and what
// tracker.report gives it; reads nothing else. Text from conversations only ever becomes text nodes.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const all = data.conversations;
  const ROW = 60; // px, as in the style sheet
  const at = (id) => document.getElementById(id);
  const list = at("list"), rows = at("rows"), shown = at("conversation"), explorer = at("explorer");
  const filters = ["words", "category", "status", "drift", "confidence", "order"].map(at);

  let found = all.map((_, index) => index); // the conversations that the filters leave, in the order shown
  let chosen = 0; // a position in found
  let drawn = -1; // the conversation that is drawn

  function make(tag, classes, text, ...children) {
    const node = document.createElement(tag);
    if (classes) node.className = classes;
    if (text !== undefined && text !== null) node.textContent = text;
    node.append(...children);
    return node;
  }

  // A component's status after a turn, counted from 1; turn 0 is the start.
  const kinds = (component) => data.categories[component.category];
  const index = (component, turn) => (turn ? Number(component.states[turn - 1]) : 0);
  const status = (component, turn) => kinds(component).statuses[index(component, turn)];
  const tone = (component, turn) => kinds(component).tones[index(component, turn)];
  const percent = (component, turn) => (turn ? component.percent[turn - 1] : 100);
  const changed = (component, turn) => index(component, turn) !== index(component, turn - 1);
  const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
  const letter = { ALIGNED: "A", MISALIGNED: "M", INCOMPLETE: "I", ATTEMPTED: "T", COMPLETE: "C" };

  // What the filters and orders ask of a conversation; counted once.
  const facts = all.map((conversation) => {
    const ends = conversation.components.map((component) => ({
      category: component.category,
      status: status(component, conversation.turns),
      percent: percent(component, conversation.turns),
      success: kinds(component).success[index(component, conversation.turns)],
    }));
    return {
      ends,
      least: Math.min(100, ...ends.map((end) => end.percent)),
      success: ends.length ? ends.filter((end) => end.success).length / ends.length : 1,
      words: null,
    };
  });
  const wordsOf = (number) => {
    const conversation = all[number];
    facts[number].words ??= [
      conversation.id,
      conversation.goal,
      conversation.opening ?? "",
      ...conversation.components.flatMap((component) => [component.id, component.text]),
      ...(conversation.said ?? []).flat().map((text) => text ?? ""),
    ].join("\n").toLowerCase();
    return facts[number].words;
  };

  function filter() {
    const [words, category, wanted, drift, confidence, order] = filters.map((field) => field.value);
    const needles = words.toLowerCase().split(/\s+/).filter(Boolean);
    const bound = Number(confidence);
    const sure = (value) => !confidence || (bound < 0 ? value < -bound : value >= bound);
    const kept = all[found[chosen]];
    found = [];
    all.forEach((conversation, number) => {
      const fact = facts[number];
      if (drift && (conversation.drift > 0) !== (drift === "yes")) return;
      // One and the same component has the category, the status and the confidence. Where none is named, "at
      // least" is asked of every component.
      if (category || wanted || bound < 0) {
        const one = fact.ends.some(
          (end) => (!category || end.category === category) && (!wanted || end.status === wanted) && sure(end.percent)
        );
        if (!one) return;
      } else if (!sure(fact.least)) return;
      if (needles.length && !needles.every((needle) => wordsOf(number).includes(needle))) return;
      found.push(number);
    });
    const by = {
      drift: (number) => all[number].drift || Infinity,
      success: (number) => facts[number].success,
      confidence: (number) => facts[number].least,
      turns: (number) => -all[number].turns,
    }[order];
    if (by) {
      const keys = new Map(found.map((number) => [number, by(number)]));
      found.sort((one, other) => {
        const [a, b] = [keys.get(one), keys.get(other)];
        return a === b ? one - other : a < b ? -1 : 1;
      });
    }
    at("count").textContent =
      found.length === all.length
        ? plural(all.length, "conversation")
        : `${found.length.toLocaleString("en")} of ${plural(all.length, "conversation")}`;
    rows.style.height = `${found.length * ROW}px`;
    const stays = kept ? found.indexOf(all.indexOf(kept)) : -1;
    choose(Math.max(stays, 0));
  }

  // Only the rows in sight are in the document.
  let from = -1, to = -1;
  function drawRows(anew) {
    const height = list.clientHeight || 600;
    const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 5);
    const end = Math.min(found.length, Math.ceil((list.scrollTop + height) / ROW) + 5);
    if (!anew && first === from && end === to) return;
    [from, to] = [first, end];
    rows.replaceChildren();
    for (let position = first; position < end; position++) rows.append(row(position));
    if (!found.length) rows.append(make("p", "none", "Nothing fits these filters."));
  }

  function row(position) {
    const conversation = all[found[position]];
    const node = make("div", "row");
    node.id = `row-${position}`;
    node.style.top = `${position * ROW}px`;
    node.setAttribute("role", "option");
    node.setAttribute("aria-selected", String(position === chosen));
    node.setAttribute("aria-posinset", String(position + 1));
    node.setAttribute("aria-setsize", String(found.length));
    const said = make("span", "facts");
    if (conversation.drift) said.append(make("span", "drifted", `drift at ${conversation.drift}`), " · ");
    said.append(plural(conversation.turns, "turn"));
    if (conversation.reward !== null) said.append(` · reward ${+conversation.reward.toFixed(2)}`);
    const strip = make("div", "strip");
    strip.setAttribute("aria-hidden", "true");
    for (const component of conversation.components) strip.append(make("i", tone(component, conversation.turns)));
    node.append(make("div", "first", null, make("span", "id", conversation.id), said), strip);
    node.addEventListener("click", () => { choose(position); open(); });
    return node;
  }

  function choose(position) {
    chosen = Math.min(Math.max(position, 0), Math.max(found.length - 1, 0));
    const top = chosen * ROW, height = list.clientHeight || 600;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + ROW > list.scrollTop + height) list.scrollTop = top + ROW - height;
    drawRows(true);
    list.setAttribute("aria-activedescendant", found.length ? `row-${chosen}` : "");
    draw(found.length ? found[chosen] : -1);
  }

  // On a narrow screen the list and the conversation take turns.
  function open() {
    explorer.classList.add("open");
    if (narrow()) scrollTo(0, 0);
  }
  function close() {
    explorer.classList.remove("open");
    drawRows(true);
    list.focus({ preventScroll: true });
  }
  const narrow = () => matchMedia("(max-width: 720px)").matches;

  let cells = []; // per component, per turn
  let spot = null; // [component, turn] that the detail speaks of

  function draw(number) {
    if (number === drawn) return;
    drawn = number;
    spot = null;
    cells = [];
    shown.replaceChildren();
    if (number < 0) {
      shown.append(make("p", "none", "No conversation."));
      return;
    }
    const conversation = all[number];
    const back = make("button", "", "← list");
    back.id = "back";
    back.type = "button";
    back.addEventListener("click", close);
    const line = [plural(conversation.turns, "turn"), plural(conversation.components.length, "component")];
    if (conversation.drift) line.push(`the user drifted at turn ${conversation.drift}`);
    if (conversation.reward !== null) line.push(`reward ${+conversation.reward.toFixed(2)}`);
    shown.append(
      make("div", "head", null, back, make("h2", "", conversation.id), make("p", "line", line.join(" · ")),
        make("p", "goal", conversation.goal)),
      make("div", "states", null, heatMap(conversation), legend(), detail()),
      transcript(conversation)
    );
    shown.scrollTop = 0;
    const first = changes()[0];
    if (first) look(first[0], first[1], { scroll: false });
    if (!explorer.hidden) remember(conversation.id);
  }

  function heatMap(conversation) {
    const head = make("tr", "", null, make("th", "", ""));
    for (let turn = 1; turn <= conversation.turns; turn++) head.append(make("th", "", turn));
    const table = make("table", "", null, make("thead", "", null, head));
    table.setAttribute("role", "grid");
    table.setAttribute("aria-label", "Components by turns");
    const body = make("tbody");
    let category = "";
    const sorted = conversation.components
      .map((component, place) => [component, place])
      .sort(([one, a], [other, b]) => order(one) - order(other) || a - b);
    for (const [component] of sorted) {
      if (component.category !== category) {
        category = component.category;
        const title = make("th", "", category);
        title.colSpan = conversation.turns + 1;
        body.append(make("tr", "group", null, title));
      }
      const line = make("tr");
      const name = make("th", "", null, make("span", "", component.text));
      name.title = `${component.id}: ${component.text}`;
      name.scope = "row";
      line.append(name);
      const inRow = [];
      const number = cells.length;
      for (let turn = 1; turn <= conversation.turns; turn++) {
        const cell = make("td", `cell ${tone(component, turn)}`);
        const fill = make("i", tone(component, turn));
        // The surer, the stronger.
        fill.style.opacity = String(0.3 + 0.7 * Math.max(0, (percent(component, turn) - 40) / 60));
        cell.append(fill);
        if (changed(component, turn)) {
          cell.classList.add("changed");
          cell.append(make("b", "", letter[status(component, turn)]));
          fill.style.opacity = String(Math.max(0.75, Number(fill.style.opacity)));
        }
        cell.tabIndex = -1;
        cell.setAttribute("role", "gridcell");
        cell.setAttribute("aria-label",
          `${component.text}, turn ${turn}: ${status(component, turn)}, ${percent(component, turn)}%` +
          (changed(component, turn) ? `, was ${status(component, turn - 1)}` : ""));
        cell.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse") look(number, turn); });
        cell.addEventListener("focus", () => look(number, turn));
        cell.addEventListener("click", () => { cell.focus({ preventScroll: true }); look(number, turn); });
        line.append(cell);
        inRow.push(cell);
      }
      body.append(line);
      cells.push({ component, name, cells: inRow });
    }
    if (cells.length && conversation.turns) cells[0].cells[0].tabIndex = 0;
    table.append(body);
    if (!conversation.components.length) return make("p", "soft", "This goal has no components.");
    return make("div", "map", null, table);
  }
  const order = (component) => Object.keys(data.categories).indexOf(component.category);

  function detail() {
    const box = make("div", "detail", null, make("p", "soft", "Point at a cell of the map to see what happened there."));
    box.id = "detail";
    box.setAttribute("aria-live", "polite");
    return box;
  }

  function legend() {
    const names = { kept: "kept", waiting: "as it started", met: "done, or wish voiced", attempted: "attempted", broken: "broken" };
    const box = make("p", "legend");
    for (const [name, words] of Object.entries(names)) box.append(make("span", "", null, make("i", name), words));
    box.append(make("span", "", "A letter marks a change; the paler a cell, the less sure the tracker."));
    return box;
  }

  function transcript(conversation) {
    if (!conversation.said) {
      return make("div", "said", null,
        make("p", "soft", "What was said is not in this report. Make it with --conversations and the file that was tracked."));
    }
    const box = make("div", "said");
    if (conversation.opening) box.append(make("div", "turn", null, message("assistant", conversation.opening)));
    conversation.said.forEach(([user, assistant], position) => {
      const turn = position + 1;
      const bar = make("div", "bar", null, make("span", "", `turn ${turn}`));
      cells.forEach(({ component }, number) => {
        if (!changed(component, turn)) return;
        const jump = make("button", tone(component, turn), `${component.id} ${status(component, turn).toLowerCase()}`);
        jump.type = "button";
        jump.title = component.text;
        jump.addEventListener("click", () => look(number, turn));
        bar.append(jump);
      });
      const node = make("div", "turn", null, bar, message("user", user));
      if (assistant) node.append(message("assistant", assistant));
      node.dataset.turn = String(turn);
      node.tabIndex = -1;
      box.append(node);
    });
    return box;
  }
  const message = (role, text) =>
    make("div", `message ${role}`, null, make("b", "", role === "user" ? "user" : "agent"), text);

  // Turn the detail, the marks in the map and the transcript to one component at one turn.
  function look(number, turn, { scroll = true } = {}) {
    const conversation = all[drawn];
    const { component, name, cells: inRow } = cells[number];
    for (const marked of shown.querySelectorAll(".now")) marked.classList.remove("now");
    for (const line of cells) for (const cell of line.cells) cell.tabIndex = -1;
    inRow[turn - 1].tabIndex = 0;
    inRow[turn - 1].classList.add("now");
    name.classList.add("now");
    shown.querySelectorAll(".map thead th")[turn].classList.add("now");
    spot = [number, turn];

    const move = make("p", "move");
    if (changed(component, turn)) {
      move.append(chip(component, turn - 1), "→", chip(component, turn), ` at turn ${turn}`);
    } else {
      let since = turn;
      while (since > 0 && index(component, since - 1) === index(component, turn)) since -= 1;
      move.append(chip(component, turn), since ? ` since turn ${since}, at turn ${turn}` : ` as it started, at turn ${turn}`);
    }
    const chances = make("div", "chances");
    for (const when of changed(component, turn) && turn > 1 ? [turn - 1, turn] : [turn]) {
      const bar = make("i");
      bar.style.width = `${percent(component, when)}%`;
      chances.append(
        make("span", "", `turn ${when}: ${status(component, when).toLowerCase()}`),
        make("span", "bar", null, bar), make("span", "", `${percent(component, when)}%`)
      );
    }
    const box = at("detail");
    box.replaceChildren(make("p", "what", component.text), move, chances);
    if (conversation.said) {
      const [user, assistant] = conversation.said[turn - 1];
      box.append(quote("user", user));
      if (assistant) box.append(quote("agent", assistant));
      const node = shown.querySelector(`.turn[data-turn="${turn}"]`);
      node.classList.add("now");
      const pane = node.parentElement;
      if (scroll && pane.scrollHeight > pane.clientHeight) pane.scrollTop = node.offsetTop - 12;
    }
  }
  const chip = (component, turn) => make("span", `chip ${tone(component, turn)}`, status(component, turn).toLowerCase());
  const quote = (who, text) => make("p", "quote", null, make("b", "", who), text);

  function changes() {
    const spots = [];
    cells.forEach(({ component, cells: inRow }, number) =>
      inRow.forEach((_, position) => { if (changed(component, position + 1)) spots.push([number, position + 1]); }));
    return spots;
  }

  function focusOn(number, turn) {
    const cell = cells[number]?.cells[turn - 1];
    if (cell) {
      cell.focus({ preventScroll: true });
      cell.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
  }

  function view(name) {
    const overview = name === "overview";
    at("overview").hidden = !overview;
    explorer.hidden = overview;
    at("show-overview").setAttribute("aria-pressed", String(overview));
    at("show-explorer").setAttribute("aria-pressed", String(!overview));
    if (overview) remember("");
    else {
      measure();
      choose(chosen);
      if (all[drawn]) remember(all[drawn].id);
    }
  }

  // The address says what is shown, so that it can be passed on. Inside another page there is no address.
  function remember(id) {
    try { history.replaceState(null, "", `#${encodeURIComponent(id)}`); } catch { /* nothing to pass on */ }
  }

  function theme() {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  }

  const measure = () =>
    document.documentElement.style.setProperty("--top", `${document.querySelector(".top").offsetHeight}px`);

  // In the heat map: [rows, columns] to move by.
  const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

  function key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || at("help").open) return;
    const target = event.target;
    const inMap = target.classList.contains("cell");
    if (event.key === "Escape") {
      if (target === at("words") && at("words").value) { at("words").value = ""; filter(); }
      else if (!explorer.hidden) narrow() && explorer.classList.contains("open") ? close() : list.focus({ preventScroll: true });
      return;
    }
    if (target.matches("input, select")) {
      if (event.key === "Enter" && target === at("words")) { event.preventDefault(); list.focus(); }
      return;
    }
    const pressed = event.key;
    let handled = true;
    if (inMap && steps[pressed]) {
      const [number, turn] = [spot[0] + steps[pressed][0], spot[1] + steps[pressed][1]];
      focusOn(number, turn);
    } else if (inMap && (pressed === "n" || pressed === "p")) {
      const spots = changes();
      const after = ([a, b], [c, d]) => a > c || (a === c && b > d);
      const next = pressed === "n" ? spots.find((each) => after(each, spot)) : spots.findLast((each) => after(spot, each));
      if (next) focusOn(...next);
    } else if (inMap && pressed === "Enter") {
      shown.querySelector(`.turn[data-turn="${spot[1]}"]`)?.focus();
    } else if (pressed === "j" || pressed === "k" || (target === list && (pressed === "ArrowDown" || pressed === "ArrowUp"))) {
      if (explorer.hidden) view("explorer");
      else choose(chosen + (pressed === "j" || pressed === "ArrowDown" ? 1 : -1));
      list.focus({ preventScroll: true });
    } else if (target === list && (pressed === "PageDown" || pressed === "PageUp")) {
      const page = Math.max(1, Math.floor(list.clientHeight / ROW) - 1);
      choose(chosen + (pressed === "PageDown" ? page : -page));
    } else if (target === list && pressed === "Home") choose(0);
    else if (target === list && pressed === "End") choose(found.length - 1);
    else if (pressed === "Enter" && (target === list || target === document.body)) {
      if (explorer.hidden) view("explorer");
      open();
      if (spot) focusOn(...spot);
      else focusOn(0, 1);
    } else if (pressed === "/") {
      view("explorer");
      if (narrow()) close();
      at("words").focus();
      at("words").select();
    } else if (pressed === "o") view("overview");
    else if (pressed === "c") { view("explorer"); list.focus({ preventScroll: true }); }
    else if (pressed === "t") theme();
    else if (pressed === "?") at("help").showModal();
    else handled = false;
    if (handled) event.preventDefault();
  }

  let waiting = 0;
  at("words").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(filter, 120); });
  for (const field of filters.slice(1)) field.addEventListener("change", filter);
  document.querySelector(".filters").addEventListener("submit", (event) => event.preventDefault());
  list.addEventListener("scroll", () => drawRows(false), { passive: true });
  addEventListener("resize", () => { measure(); drawRows(true); });
  document.addEventListener("keydown", key);
  at("show-overview").addEventListener("click", () => view("overview"));
  at("show-explorer").addEventListener("click", () => view("explorer"));
  at("theme").addEventListener("click", theme);
  at("keys").addEventListener("click", () => at("help").showModal());
  for (const button of document.querySelectorAll(".count")) {
    button.addEventListener("click", () => {
      for (const field of filters.slice(0, 5)) field.value = "";
      at("category").value = button.dataset.category;
      at("status").value = button.dataset.status;
      view("explorer");
      close();
      filter();
    });
  }

  function follow() {
    let wanted = location.hash.slice(1);
    try { wanted = decodeURIComponent(wanted); } catch { /* an id that is no encoding */ }
    const number = wanted ? all.findIndex((conversation) => conversation.id === wanted) : -1;
    if (number < 0) return;
    for (const field of filters.slice(0, 5)) field.value = "";
    filter();
    view("explorer");
    choose(found.indexOf(number));
    open();
  }
  addEventListener("hashchange", follow);

  measure();
  filter();
  follow();
})();
